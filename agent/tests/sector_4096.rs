// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the steps do to a disk, on one with logical sectors of 4096 bytes: a
//! loop device, and further ones in place of its partitions and volumes. Needs
//! root, loop devices, gdisk, lvm2 and e2fsprogs.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs::File;
use std::io::Read;
use std::ops::Range;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;
use std::process::Command;

use ondisk::gpt::Backup;
use ondisk::lifeboat::Protected;
use ondisk::lvm::SegmentKind;
use ondisk::manifest::Manifest;
use replant::block::{BlockDevice, SYS, by_number};
use replant::disk::table::{self, Present};
use replant::disk::{Disk, ext4, wipe};
use replant::lvm::{create, scan};
use replant::plan::{Facts, Plan};
use testkit::{Loop, run, sparse};

const MIB: u64 = 1 << 20;
const SECTOR: u32 = 4096;

/// A loop device over a range of a file.
fn on(image: &Path, bytes: &Range<u64>) -> Loop {
    let (start, size) = (
        bytes.start.to_string(),
        (bytes.end - bytes.start).to_string(),
    );
    let sector = SECTOR.to_string();
    Loop::with(image, &["-b", &sector, "-o", &start, "--sizelimit", &size])
}

fn device(node: &Loop) -> BlockDevice {
    let number = std::fs::metadata(&node.0).unwrap().rdev();
    by_number(Path::new(SYS), number.into()).unwrap()
}

/// A table that was made on a disk of 512-byte sectors, as most are.
fn backup(dir: &Path) -> Backup {
    let (image, file) = (sparse(dir.join("source"), 1024 * MIB), dir.join("table"));
    let mut sgdisk = Command::new("sgdisk");
    for (number, kind, start, end) in [
        (1, "ef02", 1, 3),
        (2, "8300", 3, 259),
        (3, "8e00", 259, 1023),
    ] {
        let end = end * 2048 - 1;
        sgdisk.arg(format!("--new={number}:{}:{end}", start * 2048));
        sgdisk.arg(format!("--typecode={number}:{kind}"));
    }
    run(sgdisk.arg(&image));
    run(Command::new("sgdisk")
        .arg("--backup")
        .arg(&file)
        .arg(&image));
    Backup::parse(&std::fs::read(file).unwrap()).unwrap()
}

fn manifest() -> Manifest {
    let group = "partitions = [3]\n";
    let data = "[[filesystem]]\ndevice = \"VA/data\"\nmount = \"/data\"\n";
    let text = testkit::manifest()
        .replace(group, &format!("{group}extent_size = \"64KiB\"\n"))
        .replace("512MiB", "100MiB");
    Manifest::parse(&(text + data)).unwrap()
}

/// lvm2 that sees one device; it activates nothing.
fn lvm2(dir: &Path, device: &Path, line: &str) -> String {
    let filter = format!("[\"a|^{}$|\", \"r|.*|\"]", device.display());
    let conf = format!(
        "devices {{ filter={filter} global_filter={filter} use_devicesfile=0 hints=\"none\" \
         obtain_device_list_from_udev=0 external_device_info_source=\"none\" }}\n\
         global {{ locking_dir=\"{0}\" event_activation=0 use_lvmpolld=0 notify_dbus=0 }}\n\
         backup {{ backup=0 archive=0 }}\n",
        dir.display()
    );
    std::fs::write(dir.join("lvm.conf"), conf).unwrap();
    let mut words = line.split(' ');
    run(Command::new(words.next().unwrap())
        .args(words)
        .args(["--driverloaded", "n"])
        .env("LVM_SYSTEM_DIR", dir))
}

#[test]
fn a_disk_of_4096_byte_sectors_is_wiped_partitioned_and_filled() {
    testkit::needs!("root", "sgdisk", "lvm", "e2fsck");
    let dir = tempfile::tempdir().unwrap();
    let image = dir.path().join("disk");
    let bytes = 2048 * MIB;
    sparse(&image, bytes);
    let whole = on(&image, &(0..bytes));
    // What the disk was before: a GPT, and LVM on all of its only partition.
    run(Command::new("sgdisk").args(["-n=1:0:0"]).arg(&whole.0));
    let disk = Disk::open_writable(&whole.0).unwrap();
    assert_eq!((disk.bytes(), disk.block_size()), (bytes, SECTOR));
    let old = table::read(&disk).unwrap();
    let place = old.partitions()[0].bytes.clone();
    let part = on(&image, &place);
    lvm2(
        dir.path(),
        &part.0,
        &format!("pvcreate -qq {}", part.0.display()),
    );
    assert_eq!(scan(&[device(&part)]).orphans.len(), 1);

    let facts = Facts {
        disk: disk.kernel_name().unwrap().into(),
        disk_bytes: disk.bytes(),
        block_size: disk.block_size(),
        others: Default::default(),
        host: "oldbox".into(),
        time: 1_700_000_000,
        protected: Default::default(),
    };
    let mut urandom = File::open("/dev/urandom").unwrap();
    let mut random = |bytes: &mut [u8]| urandom.read_exact(bytes).unwrap();
    let plan = Plan::compute(&manifest(), &backup(dir.path()), &facts, &mut random).unwrap();
    assert_eq!(plan.disk, whole.0);

    wipe::clear(&disk, &wipe::ranges(&disk, &old, &plan.table).unwrap()).unwrap();
    assert_eq!(table::read(&disk).unwrap(), Present::None);
    assert!(scan(&[device(&part)]).orphans.is_empty());
    drop(part);

    table::write(&disk, &plan.table, None).unwrap();
    let verdict = run(Command::new("sgdisk").arg("--verify").arg(&whole.0));
    assert!(verdict.contains("No problems found"), "{verdict}");
    match table::read(&disk).unwrap() {
        Present::Gpt(found) => assert_eq!(found.table, plan.table),
        other => panic!("{other:?}"),
    }

    let range = |number| plan.table.byte_range(plan.table.partition(number).unwrap());
    let pv = on(&image, &range(3));
    let group = create(&plan.groups[0], &[device(&pv)], &Protected::default()).unwrap();
    let found = scan(&[device(&pv)]);
    let again = found.group("VA").unwrap();
    assert!(again.problems.is_empty(), "{:?}", again.problems);
    assert_eq!(again.vg.id, group.vg.id);
    lvm2(dir.path(), &pv.0, &format!("pvck {}", pv.0.display()));
    lvm2(dir.path(), &pv.0, "vgck VA");
    let names = lvm2(dir.path(), &pv.0, "lvs --noheadings -o lv_name VA");
    assert_eq!(
        names.split_whitespace().collect::<Vec<_>>(),
        ["data", "root"]
    );

    for filesystem in &plan.filesystems {
        let name = filesystem.device.file_name().unwrap().to_str().unwrap();
        let bytes = match name.strip_prefix("VA-") {
            None => range(2),
            Some(lv) => {
                let lv = group.vg.lv(lv).unwrap();
                let [segment] = &lv.segments[..] else {
                    panic!("{lv:?}")
                };
                let SegmentKind::Striped { stripes, .. } = &segment.kind else {
                    panic!("{segment:?}")
                };
                let extent = group.vg.extent_bytes();
                let first = group.vg.pvs[0].pe_start * 512 + stripes[0].extent * extent;
                let start = range(3).start + first;
                start..start + segment.extent_count * extent
            }
        };
        assert_eq!(bytes.end - bytes.start, filesystem.options.size_bytes);
        let node = on(&image, &bytes);
        let target = Disk::open_writable(&node.0).unwrap().as_volume();
        ext4::format(&target, &filesystem.options, &mut |_, _| {}).unwrap();
        run(Command::new("e2fsck").arg("-fn").arg(&node.0));
        // Smaller blocks, which a small file system has elsewhere, could not be
        // mounted here.
        let at = dir.path().join("at");
        std::fs::create_dir_all(&at).unwrap();
        run(Command::new("mount")
            .args(["-t", "ext4"])
            .arg(&node.0)
            .arg(&at));
        let block = rustix::fs::statvfs(&at).unwrap().f_bsize;
        std::fs::write(at.join("file"), vec![7; 100_000]).unwrap();
        testkit::unmount(&at);
        assert_eq!(block, 4096, "{}", filesystem.mount);
        run(Command::new("e2fsck").arg("-fn").arg(&node.0));
    }
    // Nothing of that has touched the table.
    let mut head = [0; 8];
    File::open(&image)
        .unwrap()
        .read_exact_at(&mut head, 4096)
        .unwrap();
    assert_eq!(&head, b"EFI PART");
}
