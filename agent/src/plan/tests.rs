// SPDX-License-Identifier: MIT OR Apache-2.0

use super::*;
use ondisk::gpt::{Name, Partition};
use ondisk::manifest::Size;

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
            name: Name::new("x").unwrap(),
        });
    };
    add(1, Guid::BIOS_BOOT, 1, 3);
    add(2, Guid::LINUX, 3, 515);
    add(3, Guid::LVM, 515, 6143);
    Backup::of(&table, &[0; 512]).unwrap()
}

fn manifest() -> Manifest {
    let mut text = String::from(
        "format = 1\nname = \"va\"\n[payload]\nunpacked_bytes = 1\nentries = 1\n\
         kernels = [\"6.1\"]\nfstab = true\ngrub_install = \"/usr/sbin/grub-install\"\n\
         initramfs_tool = \"/usr/bin/dracut\"\n\
         [[volume_group]]\nname = \"VA\"\npartitions = [3]\n\
         [[volume_group.volume]]\nname = \"data\"\nsize = \"512MiB\"\n\
         [[volume_group.volume]]\nname = \"root\"\nsize = \"rest\"\n\
         [[filesystem]]\ndevice = \"VA/root\"\nmount = \"/\"\ncontent_bytes = 1000000000\n\
         content_entries = 1000\n\
         [[filesystem]]\ndevice = \"partition 2\"\nmount = \"/boot\"\n\
         uuid = \"11111111-2222-3333-4444-555555555555\"\n",
    );
    for name in [
        "va.sgdisk",
        "va.tar.xz",
        "initramfs-convert.img",
        "vmlinuz-convert",
    ] {
        text += &format!(
            "[[file]]\nname = \"{name}\"\nsize = 1\nsha256 = \"{}\"\n",
            "0".repeat(64)
        );
    }
    Manifest::parse(&text).unwrap()
}

fn facts() -> Facts {
    Facts {
        disk: "nvme0n1".into(),
        disk_bytes: 8 << 30,
        block_size: 512,
        other_groups: vec![OtherGroup {
            name: "data".into(),
            device: "/dev/sdb".into(),
            here: None,
        }],
        host: "oldbox".into(),
        time: 1_700_000_000,
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
        &|_, f| f.other_groups[0].name = "VA".into(),
        &["\"VA\" already exists on /dev/sdb"],
    );
    check(
        &|_, f| f.other_groups[0].here = Some("/dev/nvme0n1p2".into()),
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
    check(
        &|m, _| {
            m.identity
                .insert("colour".into(), toml::Value::Boolean(true));
        },
        &["[identity]", "colour"],
    );
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

#[test]
fn the_metadata_can_be_read_back_as_they_are_written() {
    let (_, plan) = sample();
    let mut built = plan.groups[0].build().unwrap();
    // A comment of the text, which is not read back.
    built.origin.generator.clear();
    assert_eq!(lvm::decode(&lvm::encode(&built)).unwrap(), built);
}
