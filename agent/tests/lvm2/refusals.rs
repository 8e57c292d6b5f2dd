// SPDX-License-Identifier: MIT OR Apache-2.0
//! What must not be done, with the message and the disk's bytes.

use ondisk::lifeboat::Protected;
use ondisk::manifest::{Size, Volume};
use replant::block::BlockDevice;
use replant::lvm::{LvmError, create, find_lv, mapping, scan};
use replant::plan::PvDevice;
use tempfile::TempDir;

use super::lvm2::{Loop, Lvm2, devices};
use super::wanted::{plan, pv_devices, volume};

const MIB: u64 = 1 << 20;

fn root(size: u64) -> [Volume; 1] {
    [volume("root", Size::Bytes(size))]
}

fn made(dir: &TempDir, file: &str, vg: &str) -> Loop {
    let loops = [Loop::new(dir, file, 64 * MIB)];
    let planned = plan(vg, &pv_devices(&loops), &root(MIB)).unwrap();
    create(&planned, &devices(&loops), &Protected::default()).unwrap();
    let [only] = loops;
    only
}

#[test]
fn a_device_in_use_is_left_alone() {
    testkit::needs!("root", "lvm");
    let dir = TempDir::new().unwrap();
    let loops = [Loop::new(&dir, "pv0", 64 * MIB)];
    let planned = plan("vg0", &pv_devices(&loops), &root(MIB)).unwrap();
    // What other tests start meanwhile must not inherit it.
    let flags = {
        use rustix::fs::OFlags;
        OFlags::RDWR | OFlags::EXCL | OFlags::CLOEXEC
    };
    let holder = rustix::fs::open(&loops[0].path, flags, rustix::fs::Mode::empty()).unwrap();
    let e = create(&planned, &devices(&loops), &Protected::default()).unwrap_err();
    let name = loops[0].path.display();
    let text = e.to_string();
    assert!(
        text.starts_with(&format!("{name} is in use: process ")),
        "{text}"
    );
    assert!(loops[0].head().iter().all(|b| *b == 0));
    drop(holder);
    create(&planned, &devices(&loops), &Protected::default()).unwrap();
}

#[test]
fn a_device_of_another_size_is_left_alone() {
    testkit::needs!("root", "lvm");
    let dir = TempDir::new().unwrap();
    let loops = [
        Loop::new(&dir, "pv0", 64 * MIB),
        Loop::new(&dir, "pv1", 64 * MIB),
    ];
    let mut pvs = pv_devices(&loops);
    pvs[1].bytes = 65 * MIB;
    let planned = plan("vg0", &pvs, &root(MIB)).unwrap();
    let e = create(&planned, &devices(&loops), &Protected::default()).unwrap_err();
    let name = loops[1].path.display();
    assert_eq!(
        e.to_string(),
        format!("{name} has 67108864 bytes, the volume group was planned for 68157440")
    );
    assert!(loops.iter().all(|l| l.head().iter().all(|b| *b == 0)));
    let e = create(&planned, &devices(&loops[..1]), &Protected::default()).unwrap_err();
    assert!(
        matches!(
            e,
            LvmError::DeviceCount {
                planned: 2,
                given: 1,
                ..
            }
        ),
        "{e}"
    );
}

#[test]
fn volumes_that_do_not_fit_are_known_before() {
    let pv = PvDevice {
        path: "/dev/sda3".into(),
        bytes: 64 * MIB,
        avoid: Vec::new(),
    };
    let e = plan("vg0", &[pv], &root(100 * MIB)).unwrap_err();
    assert_eq!(
        e.to_string(),
        "volume group vg0: logical volumes need 104857600 bytes (root 104857600), the volume group \
         has 62914560 free (0 of its 62914560 bytes are kept)"
    );
}

#[test]
fn a_clone_is_named_with_both_devices() {
    testkit::needs!("root", "lvm");
    let dir = TempDir::new().unwrap();
    let first = made(&dir, "pv0", "vg0");
    let copy = dir.path().join("copy");
    std::fs::copy(&first.file, &copy).unwrap();
    let second = Loop::over(&copy);
    let (a, b) = (
        first.path.display().to_string(),
        second.path.display().to_string(),
    );
    let found = scan(&[first.device(), second.device()]);
    let group = found.group("vg0").unwrap();
    let e = mapping(group, find_lv(group, "root").unwrap()).unwrap_err();
    assert_eq!(
        e.to_string(),
        format!(
            "volume group vg0 cannot be used: physical volume {} is on several devices: {a}, {b}; \
             detach all but one",
            group.vg.pvs[0].id
        )
    );
}

#[test]
fn two_groups_of_one_name_are_named_with_their_devices() {
    testkit::needs!("root", "lvm");
    let dir = TempDir::new().unwrap();
    let (first, second) = (made(&dir, "pv0", "vg0"), made(&dir, "pv1", "vg0"));
    let found = scan(&[first.device(), second.device()]);
    assert_eq!(found.groups.len(), 2);
    let text = found.group("vg0").unwrap_err().to_string();
    assert!(text.starts_with("volume group vg0 cannot be used: two volume groups have this name"));
    for name in [&first.path, &second.path] {
        assert!(text.contains(&name.display().to_string()), "{text}");
    }
    assert!(
        found
            .groups
            .iter()
            .all(|g| mapping(g, find_lv(g, "root").unwrap()).is_err())
    );
}

#[test]
fn a_missing_device_stops_only_its_volumes() {
    testkit::needs!("root", "lvm");
    let dir = TempDir::new().unwrap();
    let loops = [
        Loop::new(&dir, "pv0", 64 * MIB),
        Loop::new(&dir, "pv1", 64 * MIB),
    ];
    let volumes = [
        volume("first", Size::Bytes(8 * MIB)),
        volume("both", Size::Rest),
    ];
    let planned = plan("vg0", &pv_devices(&loops), &volumes).unwrap();
    create(&planned, &devices(&loops), &Protected::default()).unwrap();
    let found = scan(&devices(&loops[..1]));
    let group = found.group("vg0").unwrap();
    assert!(mapping(group, find_lv(group, "first").unwrap()).is_ok());
    let both = find_lv(group, "both").unwrap();
    let e = mapping(group, both).unwrap_err().to_string();
    assert!(e.contains(&planned.pvs[1].uuid.to_string()), "{e}");
    assert!(e.contains(&loops[1].path.display().to_string()), "{e}");
}

#[test]
fn names_that_are_not_there_list_those_that_are() {
    testkit::needs!("root", "lvm");
    let dir = TempDir::new().unwrap();
    let only = made(&dir, "pv0", "vg0");
    let found = scan(&[only.device()]);
    assert_eq!(
        found.group("vg1").unwrap_err().to_string(),
        "no volume group \"vg1\" on the devices that were looked at; found: vg0"
    );
    let group = found.group("vg0").unwrap();
    assert_eq!(
        find_lv(group, "swap").unwrap_err().to_string(),
        "volume group vg0 has no logical volume \"swap\"; it has: root"
    );
}

#[test]
fn a_damaged_label_and_a_lost_device_are_reported() {
    testkit::needs!("root", "lvm");
    let dir = TempDir::new().unwrap();
    let only = made(&dir, "pv0", "vg0");
    let mut bytes = std::fs::read(&only.file).unwrap();
    bytes[600] ^= 1;
    let copy = dir.path().join("copy");
    std::fs::write(&copy, bytes).unwrap();
    let bad = Loop::over(&copy);
    let mut gone = bad.device();
    gone.name = "not-there".into();
    // A drive without a medium is not even opened.
    let empty = BlockDevice {
        bytes: 0,
        name: "no-medium".into(),
        ..gone.clone()
    };
    let found = scan(&[bad.device(), gone, empty, only.device()]);
    assert!(found.group("vg0").is_ok());
    assert_eq!(found.failures.len(), 2);
    let texts: Vec<String> = found.failures.iter().map(ToString::to_string).collect();
    let name = bad.path.display();
    assert!(
        texts[0].starts_with(&format!("{name}: LVM label in sector 1: checksum")),
        "{texts:?}"
    );
    assert!(
        texts[1].starts_with("cannot open /dev/not-there"),
        "{texts:?}"
    );
}

/// A group that lvm2 removed is no group.
#[test]
fn a_removed_group_leaves_orphans() {
    testkit::needs!("root", "lvm");
    let dir = TempDir::new().unwrap();
    let only = [made(&dir, "pv0", "vg0")];
    let lvm2 = Lvm2::new(&only);
    lvm2.quiet("vgremove -qq -y vg0", &[]);
    let found = scan(&devices(&only));
    assert!(found.groups.is_empty());
    assert_eq!(found.orphans[0], only[0].device());
    lvm2.quiet(&format!("pvremove -qq {}", only[0].path.display()), &[]);
    assert!(scan(&devices(&only)).orphans.is_empty());
}
