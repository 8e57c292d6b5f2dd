// SPDX-License-Identifier: MIT OR Apache-2.0
//! Words of shell files that name devices, found and judged.

use super::*;
use crate::gpt::{self, Guid, Partition, Table};
use crate::manifest::{Filesystem, Size, Volume, VolumeGroup};

const UUID: &str = "3f0f0000-0000-4000-8000-00000000000a";

/// /boot on partition 2, VA/root and VA/swap on partition 3.
struct Layout {
    table: Table,
    groups: Vec<VolumeGroup>,
    filesystems: Vec<Filesystem>,
}

impl Layout {
    fn new() -> Layout {
        let mut table = Table::new(1 << 30, 512, Guid([7; 16])).unwrap();
        for number in [2, 3] {
            table.partitions.push(Partition {
                number,
                type_guid: Guid::LINUX,
                guid: Guid([0xa0 + number as u8; 16]),
                first_lba: 2048 * u64::from(number),
                last_lba: 2048 * u64::from(number) + 2047,
                attributes: 0,
                name: gpt::Name::new("part").unwrap(),
            });
        }
        let volume = |name: &str| Volume {
            name: name.into(),
            size: Size::Rest,
        };
        let filesystem = |device: &str, mount: &str, uuid: Option<&str>| Filesystem {
            device: device.into(),
            mount: mount.into(),
            kind: "ext4".into(),
            uuid: uuid.map(String::from),
            label: String::new(),
            content_bytes: 0,
            content_entries: 0,
        };
        Layout {
            table,
            groups: vec![VolumeGroup {
                name: "VA".into(),
                partitions: vec![3],
                extent_size: Size::Bytes(4 << 20),
                volumes: vec![volume("root"), volume("swap")],
            }],
            filesystems: vec![
                filesystem("VA/root", "/", Some(UUID)),
                filesystem("partition 2", "/boot", None),
            ],
        }
    }

    fn made(&self) -> Made<'_> {
        Made {
            table: &self.table,
            groups: &self.groups,
            filesystems: &self.filesystems,
        }
    }

    /// What is refused, what is warned of.
    fn check(&self, texts: &[(&str, &str)]) -> (Vec<String>, Vec<String>) {
        let found = check(texts.iter().copied(), &self.made());
        let (refused, warned): (Vec<_>, Vec<_>) = found.into_iter().partition(|f| f.refused);
        let text = |all: Vec<Finding>| all.iter().map(Finding::to_string).collect();
        (text(refused), text(warned))
    }
}

const NOTHING: (Vec<String>, Vec<String>) = (Vec::new(), Vec::new());

/// The files of a default EL9, whose words name the group of another machine.
const STALE: [(&str, &str); 2] = [
    (
        "etc/default/grub",
        include_str!("../../tests/fixtures/words/stale/etc-default-grub"),
    ),
    (
        "boot/loader/entries/0123-5.14.0.conf",
        include_str!("../../tests/fixtures/words/stale/entry.conf"),
    ),
];

#[test]
fn words_of_another_machines_group_are_refused() {
    let (refused, warned) = Layout::new().check(&STALE);
    assert_eq!(warned, [""; 0]);
    let words = |file: &str| -> Vec<&str> {
        let of = refused.iter().filter_map(|line| {
            let rest = line.strip_prefix(file)?;
            Some(rest.split_once(", ")?.0)
        });
        of.collect()
    };
    assert_eq!(
        words("etc/default/grub"),
        [
            " line 2 has resume=/dev/mapper/rl-swap",
            " line 2 has rd.lvm.lv=rl/root",
            " line 2 has rd.lvm.lv=rl/swap"
        ]
    );
    let entry = words("boot/loader/entries/0123-5.14.0.conf");
    assert_eq!(entry.len(), 4, "{entry:?}");
    assert_eq!(entry[0], " line 5 has root=/dev/mapper/rl-root");
    for line in &refused {
        assert!(line.contains("; "), "what to do: {line}");
    }
    // With the layout that has these, all is well.
    let mut layout = Layout::new();
    layout.groups[0].name = "rl".into();
    layout.filesystems[0].device = "rl/root".into();
    assert_eq!(layout.check(&STALE), NOTHING);
}

#[test]
fn each_word_that_names_what_is_not_made() {
    let layout = Layout::new();
    let judged = |word: &str| {
        let text = format!("GRUB_CMDLINE_LINUX='quiet {word}'\n");
        layout.check(&[("etc/default/grub", &text)])
    };
    for word in [
        "rd.lvm.lv=VA/home",
        "rd.lvm.lv=root",
        "rd_LVM_LV=rl/root",
        "rd.lvm.vg=rl",
        "rd.lvm=0",
        "rd_NO_LVM",
        "resume=UUID=0e000000-0000-4000-8000-00000000000a",
        "resume=/dev/dm-1",
        "resume=8:3",
        "root=LABEL=old",
        "root=/dev/mapper/VA-swap",
        "root=/dev/vda2",
        "root=nfs:server",
        "root=UUID=3F0F0000-0000-4000-8000-00000000000A",
        "rd.luks.uuid=luks-1",
        "luks.name=1=x",
        "cryptdevice=/dev/sda3:x",
        "rd.md.uuid=1",
        "boot=UUID=1234-ABCD",
        "mount.usr=/dev/rl/usr",
        "rootfstype=xfs",
        "rootflags=subvol=@,noatime",
    ] {
        let (refused, _) = judged(word);
        assert_eq!(refused.len(), 1, "{word}: {refused:?}");
        let start = format!("etc/default/grub line 1 has {word}, ");
        assert!(refused[0].starts_with(&start), "{}", refused[0]);
    }
    for word in [
        "rd.lvm.lv=VA/root rd.lvm.lv=VA/swap rd.lvm.vg=VA rd.lvm=1",
        "resume=/dev/VA/swap",
        "resume=UUID=3f0f0000-0000-4000-8000-00000000000a resume_offset=34816",
        "noresume resume=/dev/sdb1",
        "resume=",
        "root=UUID=3f0f0000-0000-4000-8000-00000000000a",
        "root=/dev/VA/root root=block:/dev/mapper/VA-root",
        "boot=local rd.luks=0 rd.md=0 rd.auto",
        "rootfstype=ext4,xfs rootflags=noatime,data=ordered",
        "console=ttyS0 crashkernel=auto",
    ] {
        assert_eq!(judged(word), NOTHING, "{word}");
    }
    for word in [
        "resume=/dev/vda3",
        "root=$ROOT",
        "rd.lvm.lv=$(hostname)/root",
    ] {
        let (refused, warned) = judged(word);
        assert_eq!((refused.len(), warned.len()), (0, 1), "{word}: {refused:?}");
    }
}

#[test]
fn a_uuid_that_nobody_has_set_is_asked_for() {
    let mut layout = Layout::new();
    layout.filesystems[0].uuid = None;
    let text = format!("root=UUID={UUID} ro\n");
    let (refused, _) = layout.check(&[("etc/kernel/cmdline", &text)]);
    let asked = format!("write uuid = \"{UUID}\"");
    assert!(refused[0].contains(&asked), "{refused:?}");
}

#[test]
fn every_place_of_such_words_is_read() {
    let layout = Layout::new();
    for (file, text, line) in [
        (
            "etc/kernel/cmdline",
            "# rd.lvm.lv=no/x\nro rd.lvm.lv=rl/x",
            2,
        ),
        ("usr/lib/kernel/cmdline", "rd.lvm.lv=rl/x", 1),
        ("etc/cmdline.d/10-x.conf", "quiet\nrd.lvm.lv=rl/x", 2),
        (
            "etc/default/grub.d/x.cfg",
            "GRUB_CMDLINE_LINUX=\"$GRUB_CMDLINE_LINUX \\\nrd.lvm.lv=rl/x\"",
            2,
        ),
        (
            "etc/default/grub",
            "GRUB_CMDLINE_LINUX_DEFAULT=rd.lvm.lv=rl/x",
            1,
        ),
        ("etc/default/grub", "GRUB_DEVICE=/dev/sdb1", 1),
        ("etc/default/grub", "GRUB_DEVICE_UUID=0-0", 1),
        ("etc/dracut.conf", "kernel_cmdline='rd.lvm.lv=rl/x'", 1),
        (
            "etc/dracut.conf.d/x.conf",
            "kernel_cmdline+=' rd.lvm.lv=rl/x '",
            1,
        ),
        (
            "usr/lib/dracut/dracut.conf.d/x.conf",
            "add_device+=' /dev/rl/x '",
            1,
        ),
        (
            "etc/dracut.conf.d/x.conf",
            "fstab_lines+=('/dev/rl/x /x ext4 defaults 0 0')",
            1,
        ),
        (
            "etc/dracut.conf.d/x.conf",
            "omit_dracutmodules+=' lvm plymouth '",
            1,
        ),
        (
            "etc/dracut.conf.d/x.conf",
            "dracutmodules='base rootfs-block'",
            1,
        ),
        (
            "etc/initramfs-tools/conf.d/resume",
            "RESUME=/dev/mapper/rl-swap",
            1,
        ),
        ("etc/initramfs-tools/initramfs.conf", "RESUME=UUID=0-0", 1),
        (
            "etc/crypttab",
            "# x\ncswap /dev/sda3 /dev/urandom swap,cipher=x",
            2,
        ),
    ] {
        assert!(is_wanted(file), "{file}");
        let (refused, _) = layout.check(&[(file, text)]);
        assert_eq!(refused.len(), 1, "{file}: {text}: {refused:?}");
        let start = format!("{file} line {line} has ");
        assert!(refused[0].starts_with(&start), "{refused:?}");
    }
    assert!(!is_wanted("boot/loader/entries/x.conf.rpmsave"));
    assert!(!is_wanted("etc/dracut.conf.d/a/x.conf"));
}

#[test]
fn what_does_not_count_is_not_refused() {
    let layout = Layout::new();
    for texts in [
        // A later value replaces it.
        &[
            ("etc/default/grub", "GRUB_CMDLINE_LINUX=rd.lvm.lv=rl/x"),
            ("etc/default/grub.d/x.cfg", "GRUB_CMDLINE_LINUX=quiet"),
        ][..],
        &[
            ("etc/kernel/cmdline", "ro"),
            ("usr/lib/kernel/cmdline", "rd.lvm.lv=rl/x"),
        ],
        // Of one name, dracut takes that in /etc.
        &[
            ("etc/dracut.conf.d/x.conf", ""),
            (
                "usr/lib/dracut/dracut.conf.d/x.conf",
                "kernel_cmdline+=rd.lvm.lv=rl/x",
            ),
        ],
        &[
            (
                "etc/dracut.conf.d/10-x.conf",
                "kernel_cmdline+=rd.lvm.lv=rl/x",
            ),
            ("etc/dracut.conf.d/20-x.conf", "kernel_cmdline=quiet"),
        ],
        &[("etc/initramfs-tools/conf.d/resume", "RESUME=none")],
        // GRUB makes its own menu.
        &[
            ("etc/default/grub", "GRUB_ENABLE_BLSCFG=false"),
            ("boot/loader/entries/x.conf", "options root=/dev/rl/root"),
        ],
        &[("etc/crypttab", "data UUID=0-0 none luks,noauto\n")],
    ] {
        assert_eq!(layout.check(texts), NOTHING, "{texts:?}");
    }
}

#[test]
fn entries_without_a_root_need_a_grub2_mkconfig_that_writes_one() {
    let layout = Layout::new();
    let old = ("usr/sbin/grub2-mkconfig", "#!/bin/sh\n");
    let new = (
        "usr/sbin/grub2-mkconfig",
        "  --update-bls-cmdline  overwrites\n",
    );
    let judged = |options: &str, mkconfig| {
        let entry = format!("title x\nlinux /vmlinuz-1\noptions {options}\n");
        let texts = [
            ("etc/default/grub", "GRUB_ENABLE_BLSCFG=true\n"),
            ("boot/loader/entries/x.conf", entry.as_str()),
            mkconfig,
        ];
        let stale = stale_entries(texts.iter().copied(), &layout.made()).is_some();
        (stale, layout.check(&texts).0.len())
    };
    for options in ["ro quiet", "root=/dev/sdb1 ro", "root=UUID=0-0"] {
        assert_eq!(judged(options, old), (true, 1), "{options}");
        assert_eq!(judged(options, new), (true, 0), "{options}");
    }
    for options in ["root=/dev/mapper/VA-root ro", "$kernelopts $tuned_params"] {
        assert_eq!(judged(options, old), (false, 0), "{options}");
    }
    // grub2-mkconfig of EL 9 leaves the variable alone that grubenv has.
    for (root, stale) in [("UUID=0-0", true), ("/dev/mapper/VA-root", false)] {
        let text = format!("# GRUB Environment Block\nkernelopts=root={root} ro\n");
        let text = format!("{text:#<1024}");
        let texts = [
            ("boot/grub2/grubenv", text.as_str()),
            ("boot/loader/entries/x.conf", "options $kernelopts\n"),
            ("etc/default/grub", "GRUB_ENABLE_BLSCFG=true\n"),
        ];
        let found = stale_entries(texts.iter().copied(), &layout.made());
        assert_eq!(found.is_some(), stale, "{root}");
    }
    // The root is right, so that nothing is written anew: the rest must be.
    let options = "root=/dev/VA/root rd.lvm.lv=rl/swap";
    assert_eq!(judged(options, new), (false, 1));
}

#[test]
fn warned_of() {
    let layout = Layout::new();
    let (refused, warned) = layout.check(&[("etc/crypttab", "data UUID=0-0 none luks\n")]);
    assert!(
        refused.is_empty() && warned[0].contains("nofail"),
        "{warned:?}"
    );
    let text = "SELINUX=enforcing\nAUTORELABEL=0\n";
    let (_, warned) = layout.check(&[("etc/selinux/config", text)]);
    let start = "etc/selinux/config line 2 has AUTORELABEL=0, ";
    assert!(warned[0].starts_with(start), "{warned:?}");
    for text in [
        "SELINUX=disabled\nAUTORELABEL=0",
        "AUTORELABEL=1",
        "#AUTORELABEL=0",
    ] {
        assert_eq!(layout.check(&[("etc/selinux/config", text)]), NOTHING);
    }
}
