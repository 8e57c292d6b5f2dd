// SPDX-License-Identifier: MIT OR Apache-2.0
//! Text files of a system: fstab, and those that have words for the kernel.

use ondisk::gpt::{Guid, Table};
use ondisk::manifest::{Filesystem, VolumeGroup};
use ondisk::naming::{Made, Name};
use ondisk::{fstab, words};

use testkit::Target;

#[test]
fn fstabs() {
    let target = Target {
        name: "fstab",
        samples: [
            "# /etc/fstab\nUUID=3f0f0000-0000-4000-8000-00000000000a / ext4 defaults 0 1\n\
             /dev/sr0 /media/cdrom0 udf,iso9660 user,noauto 0 0\n",
            "LABEL=\"a\\040b\" / auto\nPARTLABEL=x /boot ext4 nofail\n/dev/VA/swap none swap sw\n",
            "/dev/disk/by-label/a\\x20b / ext4\ntmpfs /tmp tmpfs\nserver:/x /x nfs\n",
        ]
        .map(|text| text.as_bytes().to_vec())
        .to_vec(),
        words: b"\r\n~\0~\\040~\\134~\\x~UUID=~\"~'~\xef\xbb\xbf~\xc2\xa0~#~\n~nofail,~\
            /dev/disk/by-uuid/",
        hot: vec![],
        rounds: 20_000,
    };
    let table = Table::new(1 << 30, 512, Guid([7; 16])).unwrap();
    let tally = target.read(|bytes, _| {
        let Ok(lines) = fstab::parse(bytes) else {
            return false;
        };
        for line in &lines {
            assert!(!line.source.is_empty() && !line.target.contains("//"));
        }
        let mut filesystems = [Filesystem::new("VA/root", "/")];
        let _ = fstab::compare(&lines, &mut filesystems, &table);
        // What it was filled in from agrees with it.
        if fstab::compare(&lines, &mut filesystems, &table).is_ok() {
            let again = filesystems.clone();
            fstab::compare(&lines, &mut filesystems, &table).unwrap();
            assert_eq!(filesystems, again);
        }
        true
    });
    tally.at_least(1000, 1000);
}

#[test]
fn words_of_the_kernel() {
    let grub = include_bytes!("../fixtures/words/stale/etc-default-grub");
    let entry = include_bytes!("../fixtures/words/stale/entry.conf");
    let files = [
        "etc/default/grub",
        "boot/loader/entries/x.conf",
        "etc/kernel/cmdline",
        "etc/dracut.conf.d/x.conf",
        "etc/initramfs-tools/conf.d/resume",
        "etc/crypttab",
        "etc/selinux/config",
    ];
    let target = Target {
        name: "words",
        samples: vec![
            grub.to_vec(),
            entry.to_vec(),
            b"kernel_cmdline+=\" rd.lvm.lv=rl/root \"\nfstab_lines+=('a b' c)\n".to_vec(),
            b"if [ -e x ]; then A=\"$(b \"c\")\"; fi\nRESUME=`x`\nA=\"${A} root=LABEL=x\"\n"
                .to_vec(),
            b"a /dev/sda3 none swap\n".to_vec(),
        ],
        words: b"\"~'~\\~\\\n~$(~${A}~`~(~)~\n~+=~=~if ~root=~options ~rd.lvm.lv=~#~\xff~\
            GRUB_ENABLE_BLSCFG=true\n",
        hot: vec![],
        rounds: 20_000,
    };
    let table = Table::new(1 << 30, 512, Guid([7; 16])).unwrap();
    let groups: [VolumeGroup; 0] = [];
    let filesystems = [Filesystem::new("VA/root", "/")];
    let made = Made {
        table: &table,
        groups: &groups,
        filesystems: &filesystems,
    };
    let tally = target.read(|bytes, _| {
        let text = String::from_utf8_lossy(bytes);
        let texts = files.map(|file| (file, &*text));
        let found = words::check(texts.into_iter(), &made);
        let lines = text.lines().count();
        for finding in &found {
            assert!(finding.line >= 1 && finding.line <= lines + 1, "{finding}");
            assert!(files.contains(&finding.file.as_str()), "{finding}");
        }
        let _ = words::stale_entries(texts.into_iter(), &made);
        let _ = Name::parse(&text).and_then(|name| name.small());
        found.iter().any(|f| f.refused)
    });
    tally.at_least(1000, 100);
}
