// SPDX-License-Identifier: MIT OR Apache-2.0
//! Plans for the seed's layout, and what is refused.

use super::*;
use ondisk::gpt::{Name as PartitionName, Partition};
use ondisk::manifest::Size;
use std::path::Path;

const MIB: u64 = 1 << 20;

/// The seed's layout on a disk of 6 GiB.
fn backup() -> Backup {
    let mut table = Table::new(6 << 30, 512, Guid([7; 16])).unwrap();
    let mut add = |number: u32, type_guid, first_mib: u64, last_mib: u64| {
        table.partitions.push(Partition {
            number,
            type_guid,
            guid: Guid([u8::try_from(number).unwrap(); 16]),
            first_lba: first_mib * 2048,
            last_lba: last_mib * 2048 - 1,
            attributes: 0,
            name: PartitionName::new("x").unwrap(),
        });
    };
    add(1, Guid::BIOS_BOOT, 1, 3);
    add(2, Guid::LINUX, 3, 515);
    add(3, Guid::LVM, 515, 6143);
    Backup::of(&table, &[0; 512]).unwrap()
}

fn manifest() -> Manifest {
    let root = "mount = \"/\"\n";
    let boot = "mount = \"/boot\"\n";
    let text = testkit::manifest()
        .replace(
            root,
            &format!("{root}content_bytes = 1000000000\ncontent_entries = 1000\n"),
        )
        .replace(
            boot,
            &format!("{boot}uuid = \"11111111-2222-3333-4444-555555555555\"\n"),
        );
    Manifest::parse(&text).unwrap()
}

fn facts() -> Facts {
    Facts {
        disk: "nvme0n1".into(),
        disk_bytes: 8 << 30,
        block_size: 512,
        others: Others {
            groups: vec![OtherGroup {
                name: "data".into(),
                device: "/dev/sdb".into(),
                here: None,
            }],
            ..Others::default()
        },
        host: "oldbox".into(),
        time: 1_700_000_000,
        protected: Protected::default(),
    }
}

fn compute(manifest: &Manifest, facts: &Facts) -> Result<Plan, Refusal> {
    let mut next = 0_u8;
    Plan::compute(manifest, &backup(), facts, &mut |bytes| {
        for byte in bytes {
            next = next.wrapping_mul(29).wrapping_add(17);
            *byte = next;
        }
    })
}

#[test]
fn the_seeds_layout_grows_with_the_disk() {
    let plan = compute(&manifest(), &facts()).unwrap();
    assert_eq!(plan.disk, PathBuf::from("/dev/nvme0n1"));
    let [root, boot] = &plan.filesystems[..] else {
        panic!("{plan:?}")
    };
    assert_eq!(root.device, PathBuf::from("/dev/mapper/VA-root"));
    assert_eq!(boot.device, PathBuf::from("/dev/nvme0n1p2"));
    assert_eq!(boot.options.uuid[..4], [0x11; 4]);
    assert_eq!(boot.options.size_bytes, 512 * MIB);
    // 8 GiB - 515 MiB - 1 MiB for the backup table - 1 MiB for LVM's metadata
    // - 512 MiB of data, in extents of 4 MiB.
    assert_eq!(
        root.options.size_bytes,
        (8192 - 515 - 1 - 1 - 512) / 4 * 4 * MIB
    );
    assert_eq!(root.options.uuid[6] >> 4, 4);
    assert_eq!(root.options.uuid[8] >> 6, 2);
    let text = plan.to_string();
    assert!(
        text.contains("/dev/nvme0n1 (8.0 GiB)") && text.contains("kernel 6.1"),
        "{text}"
    );
}

/// Bytes of the disk, protected in whole.
fn protected(ranges: &[Range<u64>]) -> Facts {
    let protected = Protected::from_ranges(ranges.to_vec(), 512, 8 << 30).unwrap();
    Facts {
        protected,
        ..facts()
    }
}

#[test]
fn volumes_leave_out_what_is_protected() {
    // Extents begin at 516 MiB of the disk, 1 MiB into the partition.
    let kept = [600 * MIB..601 * MIB, 7000 * MIB..7010 * MIB];
    let plan = compute(&manifest(), &protected(&kept)).unwrap();
    assert_eq!(plan.protected.ranges(), kept);
    let [group] = &plan.groups[..] else {
        panic!("{plan:?}")
    };
    assert_eq!(
        group.pvs[0].avoid,
        [85 * MIB..86 * MIB, 6485 * MIB..6495 * MIB]
    );
    let built = group.build().unwrap();
    // One extent and three: nobody gets them but their own volume.
    let pinned = built.lv(ondisk::lvm::PINNED).unwrap();
    assert_eq!(pinned.extents(), 4);
    let whole = compute(&manifest(), &facts()).unwrap();
    assert!(whole.groups[0].pinned.is_none());
    let bytes = |plan: &Plan| plan.root().unwrap().options.size_bytes;
    assert_eq!(bytes(&whole) - bytes(&plan), 16 * MIB);
}

#[test]
fn what_no_volume_can_leave_out_is_refused() {
    let last = 8191 * MIB;
    for (start, end) in [
        // The table, the BIOS boot partition, /boot, LVM's label and metadata.
        (4096, 8192),
        (2 * MIB, 2 * MIB + 4096),
        (400 * MIB, 401 * MIB),
        (515 * MIB, 515 * MIB + 4096),
        (516 * MIB - 4096, 516 * MIB + 4096),
        // Behind the last whole extent, and the backup table.
        (last - 4096, last),
        (8191 * MIB, 8192 * MIB),
    ] {
        let refusal =
            compute(&manifest(), &protected(std::slice::from_ref(&(start..end)))).unwrap_err();
        assert_eq!(refusal, Refusal::Protected { start, end });
    }
}

#[test]
fn a_disk_with_sectors_of_4096_bytes_gets_the_same_places() {
    let facts = Facts {
        block_size: 4096,
        ..facts()
    };
    let plan = compute(&manifest(), &facts).unwrap();
    let usual = compute(
        &manifest(),
        &super::Facts {
            block_size: 512,
            ..facts.clone()
        },
    )
    .unwrap();
    assert_eq!(
        (plan.table.block_size, plan.table.disk_blocks),
        (4096, 2 << 20)
    );
    for (one, other) in plan.table.partitions.iter().zip(&usual.table.partitions) {
        let range = plan.table.byte_range(one);
        assert_eq!(range, usual.table.byte_range(other), "{}", one.number);
        assert_eq!(
            (one.first_lba * 4096, (one.last_lba + 1) * 4096),
            (range.start, range.end)
        );
    }
    assert_eq!(plan.groups[0].pvs[0].size, usual.groups[0].pvs[0].size);
    // Every volume begins and ends on a sector.
    let built = plan.groups[0].build().unwrap();
    assert_eq!(built.pvs[0].pe_start * 512 % 4096, 0);
    assert_eq!(built.extent_bytes() % 4096, 0);
    for (one, other) in plan.filesystems.iter().zip(&usual.filesystems) {
        assert_eq!(one.device, other.device);
        assert_eq!(one.options.size_bytes, other.options.size_bytes);
        assert_eq!(
            (one.options.sector_bytes, one.options.size_bytes % 4096),
            (4096, 0)
        );
        ext4::Layout::plan(&one.options).unwrap();
    }
    // A partition that begins between two sectors cannot be there.
    let mut table = backup().table().clone();
    table.partitions[1].first_lba += 1;
    let backup = Backup::of(&table, &[0; 512]).unwrap();
    let refused = Plan::compute(&manifest(), &backup, &facts, &mut |bytes| bytes.fill(7));
    let error = refused.unwrap_err().to_string();
    assert!(
        error.contains("partition 2") && error.contains("4096"),
        "{error}"
    );
}

#[test]
fn boot_has_room_for_every_initramfs() {
    let mut manifest = manifest();
    manifest.payload.kernels.push("5.10".into());
    assert_eq!(boot_room(&manifest, "/"), 0);
    assert_eq!(boot_room(&manifest, "/boot"), 2 * INITRAMFS);
    manifest.filesystems.retain(|f| f.mount != "/boot");
    assert_eq!(boot_room(&manifest, "/"), 2 * INITRAMFS);
    assert_eq!(boot_room(&manifest, "/data"), 0);
}

#[test]
fn a_small_file_system_holds_small_attributes() {
    let content = |mount: &str, block| inventory::Content {
        mount: mount.into(),
        bytes: 0,
        entries: 0,
        block,
        because: "boot/x".into(),
    };
    let found = |block| inventory::Facts {
        payload: manifest().payload,
        content: vec![content("/", 4096), content("/boot", block)],
    };
    let mut plan = compute(&manifest(), &facts()).unwrap();
    plan.holds(&found(4096)).unwrap();
    plan.filesystems[1].options.size_bytes = 511 * MIB;
    plan.holds(&found(1024)).unwrap();
    let error = plan.holds(&found(2048)).unwrap_err().to_string();
    assert!(
        error.starts_with("/boot will have blocks of 1024 bytes, for it is small, and boot/x"),
        "{error}"
    );
}

#[test]
fn nodes_and_numbers_of_a_plan() {
    // The kernel's name of a disk that has a directory of its own in /dev.
    let facts = Facts {
        disk: "cciss!c0d0".into(),
        ..facts()
    };
    let plan = compute(&manifest(), &facts).unwrap();
    assert_eq!(plan.disk, PathBuf::from("/dev/cciss/c0d0"));
    assert_eq!(plan.groups[0].pvs[0].device, "/dev/cciss/c0d0p3");
    assert_eq!(
        plan.filesystems[1].device,
        PathBuf::from("/dev/cciss/c0d0p2")
    );
    // A journal's first number is neither 0 nor near to where it would wrap.
    for byte in [0, 0xff] {
        let random = &mut |bytes: &mut [u8]| bytes.fill(byte);
        let plan = Plan::compute(&manifest(), &backup(), &facts, random).unwrap();
        let sequence = plan.filesystems[0].options.journal_sequence;
        assert!((1..=u32::MAX / 4).contains(&sequence), "{sequence}");
    }
}

#[test]
fn refuses_in_one_line_that_says_what_to_do() {
    let check = |change: &dyn Fn(&mut Manifest, &mut Facts), words: &[&str]| {
        let (mut manifest, mut facts) = (manifest(), facts());
        change(&mut manifest, &mut facts);
        let error = compute(&manifest, &facts).unwrap_err().to_string();
        for word in words {
            assert!(error.contains(word), "{word}: {error}");
        }
        assert!(!error.contains('\n') && error.contains("; "), "{error}");
    };
    check(&|m, _| m.payload.kernels.clear(), &["no kernel"]);
    // Of 512 MiB, where the programs of the new system will need 128 and more.
    check(
        &|m, _| m.filesystems[1].content_bytes = 400 << 20,
        &["does not fit /boot", "in the package"],
    );
    check(&|m, _| m.payload.fstab = false, &["no /etc/fstab"]);
    check(&|m, _| m.payload.grub_install.clear(), &["grub2-install"]);
    check(&|m, _| m.payload.initramfs_tool.clear(), &["dracut"]);
    check(
        &|_, f| f.disk_bytes = 5 << 30,
        &["va.sgdisk does not fit the disk nvme0n1", "bigger"],
    );
    check(
        &|m, _| m.volume_groups[0].partitions = vec![4],
        &["partition 4"],
    );
    check(
        &|_, f| f.others.groups[0].name = "VA".into(),
        &["\"VA\" already exists on /dev/sdb"],
    );
    check(
        &|_, f| f.others.groups[0].here = Some("/dev/nvme0n1p2".into()),
        &[
            "\"data\" is on /dev/nvme0n1p2",
            "on /dev/sdb",
            "vgreduce data",
        ],
    );
    check(
        &|m, _| m.volume_groups[0].volumes[0].size = Size::Bytes(9 << 30),
        &["VA", "bigger disk"],
    );
    check(
        &|m, _| m.filesystems[0].kind = "xfs".into(),
        &["/ is to be xfs", "only makes ext4"],
    );
    check(
        &|m, _| m.filesystems[0].content_bytes = 8 << 30,
        &["does not fit /:", "bigger"],
    );
    check(
        &|m, _| m.filesystems[0].content_entries = 1 << 40,
        &["files"],
    );
}

fn raid(elsewhere: &[&str], missing: u64) -> Whole {
    Whole {
        kind: "RAID array".into(),
        name: "0123".into(),
        here: vec!["/dev/nvme0n1p4".into()],
        elsewhere: elsewhere.iter().map(|d| d.to_string()).collect(),
        missing,
    }
}

#[test]
fn what_needs_the_disk_and_another_one_is_refused() {
    let refusal = |whole: Whole, before: bool| {
        let mut facts = facts();
        if before {
            facts.others.whole_before.insert(whole.id());
        }
        facts.others.wholes.push(whole);
        compute(&manifest(), &facts)
            .map_err(|e| e.to_string())
            .err()
    };
    let spans = refusal(raid(&["/dev/sdb1"], 0), true).unwrap();
    let words = "the RAID array 0123 is on /dev/nvme0n1p4, which is replaced, and on /dev/sdb1";
    assert!(
        spans.starts_with(words) && spans.contains("mdadm"),
        "{spans}"
    );
    let missing = refusal(raid(&[], 1), false).unwrap();
    assert!(
        missing.contains("1 more of its devices are not found"),
        "{missing}"
    );
    assert!(
        missing.ends_with("wipefs -a -t linux_raid_member /dev/nvme0n1p4"),
        "{missing}"
    );
    let mut facts = facts();
    facts
        .others
        .keys
        .push(("/etc/key".into(), "/dev/sdb1".into()));
    let key = compute(&manifest(), &facts).unwrap_err().to_string();
    assert!(
        key.starts_with("/etc/key, which opens the encrypted /dev/sdb1 "),
        "{key}"
    );
    // The old system saw the rest of it here; and what is all here is lost.
    assert_eq!(refusal(raid(&[], 1), true), None);
    assert_eq!(refusal(raid(&[], 0), false), None);
}

#[test]
fn names_of_the_package_that_are_taken_are_refused() {
    let refusal = |name: Name| {
        let (mut manifest, mut facts) = (manifest(), facts());
        manifest.filesystems[0].label = "root".into();
        facts.others.names.push((name, "/dev/sdb1".into()));
        compute(&manifest, &facts).map_err(|e| e.to_string()).err()
    };
    let guid = |byte| Guid([byte; 16]);
    for (name, words) in [
        (
            Name::Uuid("11111111-2222-3333-4444-555555555555".into()),
            "the UUID 11111111-2222-3333-4444-555555555555 of the file system of /boot",
        ),
        (
            Name::Label("root".into()),
            "the label \"root\" of the file system of /",
        ),
        (Name::Table(guid(7)), "of the new partition table"),
        (Name::Partition(guid(2)), "of the new partition 2"),
    ] {
        let error = refusal(name).unwrap();
        assert!(error.contains(words), "{error}");
        assert!(error.contains("already exists on /dev/sdb1"), "{error}");
    }
    for name in [
        Name::Uuid("11111111-2222-3333-4444-555555555556".into()),
        Name::Label("Root".into()),
        Name::Label(String::new()),
        Name::Table(guid(2)),
        Name::Partition(guid(7)),
    ] {
        assert_eq!(refusal(name), None);
    }
    // A file system that gets a UUID of its own takes none.
    assert_eq!(refusal(Name::Uuid(String::new())), None);
    let capitals = "ABCDEF00-2222-3333-4444-555555555555";
    let mut manifest = manifest();
    manifest.filesystems[1].uuid = Some(capitals.to_lowercase());
    let mut facts = facts();
    facts
        .others
        .names
        .push((Name::Uuid(capitals.into()), "/dev/sdb1".into()));
    compute(&manifest, &facts).unwrap_err();
}

#[test]
fn commands_of_the_package_replace_programs_but_not_the_bios_boot_partition() {
    let mut manifest = manifest();
    manifest.payload.grub_install.clear();
    manifest.payload.initramfs_tool.clear();
    manifest.boot.commands = vec![vec!["/usr/local/sbin/make-bootable".into()]];
    compute(&manifest, &facts()).unwrap();

    let mut table = backup().table().clone();
    table.partitions[0].type_guid = Guid::LINUX;
    let backup = Backup::of(&table, &[0; 512]).unwrap();
    let refused = Plan::compute(&manifest, &backup, &facts(), &mut |bytes| bytes.fill(7));
    assert_eq!(refused.unwrap_err(), Refusal::NoBiosBoot);
}

/// The seed's plan, for the tests of what carries it out.
pub(crate) fn sample() -> (Manifest, Plan) {
    (manifest(), compute(&manifest(), &facts()).unwrap())
}

/// The same around what has to stay.
pub(crate) fn sample_with(protected: Protected) -> (Manifest, Plan) {
    let facts = Facts {
        protected,
        ..facts()
    };
    (manifest(), compute(&manifest(), &facts).unwrap())
}

/// The bytes of its manifest and of its table.
pub(crate) fn sample_files() -> (Vec<u8>, Vec<u8>) {
    (manifest().encode().unwrap().into_bytes(), backup().encode())
}

/// What such a plan is computed from, for a disk of 8 GiB.
pub(crate) fn sample_input() -> (Manifest, Backup, Facts) {
    (manifest(), backup(), facts())
}

/// The kernel's name has a `!` where the node has a directory.
#[test]
fn partitions_of_a_disk_in_a_directory() {
    let facts = Facts {
        disk: "cciss!c0d0".into(),
        ..facts()
    };
    let plan = compute(&manifest(), &facts).unwrap();
    assert_eq!(plan.disk, Path::new("/dev/cciss/c0d0"));
    assert_eq!(plan.partition_node(2), Path::new("/dev/cciss/c0d0p2"));
    // What is used is not taken for unused, which is erased.
    let unused = plan.unused().unwrap();
    let whole = unused.iter().filter(|u| matches!(u.space, Space::Whole));
    let whole: Vec<_> = whole.map(|u| u.device.as_path()).collect();
    assert_eq!(whole, [Path::new("/dev/mapper/VA-data")]);
}

#[test]
fn the_metadata_can_be_read_back_as_they_are_written() {
    let (_, plan) = sample();
    let mut built = plan.groups[0].build().unwrap();
    // A comment of the text, which is not read back.
    built.origin.generator.clear();
    assert_eq!(lvm::decode(&lvm::encode(&built)).unwrap(), built);
}
