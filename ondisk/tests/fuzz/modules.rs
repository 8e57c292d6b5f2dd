// SPDX-License-Identifier: MIT OR Apache-2.0
//! Damaged indexes of modules.

use std::collections::BTreeSet;

use ondisk::modules::modalias::{describe, kind};
use ondisk::modules::{CutIndex, Index, ModInfo, Name, Texts};

use testkit::Target;

const DEP: &str = include_str!("../fixtures/modules/modules.dep");
const ALIAS: &str = include_str!("../fixtures/modules/modules.alias");
const SOFTDEP: &str = include_str!("../fixtures/modules/modules.softdep");
const BUILTIN: &str = "kernel/drivers/input/keyboard/atkbd.ko\n";
const MODINFO: &str = "virtio.alias=virtio:builtin*\0atkbd.description=x\0";
/// Between the files of a sample.
const MARK: &str = "\x01";
const WANTED: [&str; 3] = ["ext4", "crypto-crc32c", "vmw_pvscsi"];

/// All that there is, written as for an initramfs.
fn cut(index: &Index) -> CutIndex {
    let all: BTreeSet<Name> = index.iter().map(|(name, _)| name.clone()).collect();
    index.cut(&all, |module| module.path.clone())
}

fn read(kept: &CutIndex) -> Index {
    Index::from_texts(&Texts {
        dep: &kept.dep,
        alias: &kept.alias,
        softdep: &kept.softdep,
        builtin: &kept.builtin,
        builtin_modinfo: b"",
    })
    .expect("what was written is read")
}

#[test]
fn indexes() {
    let target = Target {
        name: "modules.dep and the others",
        samples: vec![
            [DEP, ALIAS, SOFTDEP, BUILTIN, MODINFO]
                .join(MARK)
                .into_bytes(),
        ],
        words: b"\n~ ~:~*~?~[~]~[!~\\~-~../~#~.ko~alias ~softdep ~pre:~post:~ext4.ko.xz~\0~\xff~\
            \x01~\t~\x0c",
        hot: vec![],
        rounds: 6000,
    };
    let tally = target.read(|bytes, _| {
        let text = String::from_utf8_lossy(bytes);
        let mut parts = text.splitn(5, MARK);
        let mut part = || parts.next().unwrap_or_default();
        let texts = Texts {
            dep: part(),
            alias: part(),
            softdep: part(),
            builtin: part(),
            builtin_modinfo: part().as_bytes(),
        };
        let Ok(index) = Index::from_texts(&texts) else {
            return false;
        };
        let order = index.order(WANTED);
        assert!(order.load.len() <= index.iter().count());
        for modalias in texts.alias.split_whitespace() {
            index.resolve(modalias);
        }
        // The first cut forgets what leads nowhere, the second nothing.
        let first = read(&cut(&index));
        assert!(cut(&read(&cut(&first))) == cut(&first), "another cut");
        let names = |index: &Index| index.iter().map(|(n, _)| n.clone()).collect::<Vec<_>>();
        assert_eq!(names(&first), names(&index));
        true
    });
    tally.at_least(1000, 500);
}

#[test]
fn words() {
    let target = Target {
        name: "modinfo and modaliases",
        samples: [
            "pci:v000015ADd000007C0sv000015ADsd0bc01sc00i00",
            "pci:v00001AF4d00001042sv00001AF4sd00001100bc01sc00i00",
            "usb:v46F4p0001d0000dc00dsc00dp00ic08isc06ip50in00",
            "virtio:d00000002v00001AF4",
            "scsi:t-0x00",
            "vmbus:d96361baa104294db60572e2ffb1dc7f",
            "license=GPL\0depends=scsi_mod,,jbd2\0softdep=pre: a b post: c\0alias=pci:v*\0name=x\0",
        ]
        .map(|text| text.as_bytes().to_vec())
        .to_vec(),
        words: b":~bc~sc~pci:~usb:~\0~=~\xc3\xa9",
        hot: vec![],
        rounds: 10_000,
    };
    let tally = target.read(|bytes, _| {
        let text = String::from_utf8_lossy(bytes);
        kind(&text);
        assert!(!describe(&text).is_empty() || text.is_empty());
        let info = ModInfo::from_section(bytes);
        let index = Index::from_modinfo([("kernel/a.ko", &info), ("b.ko.xz", &info)]);
        index.order(["a", "b", &text]);
        cut(&index);
        info.name().is_some()
    });
    tally.at_least(100, 1000);
}
