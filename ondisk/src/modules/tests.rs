// SPDX-License-Identifier: MIT OR Apache-2.0
//! kmod's indexes: dependencies, aliases, and damaged ones.

use std::collections::BTreeSet;

use super::modalias::{Kind, describe, kind};
use super::*;

const DEP: &str = include_str!("../../tests/fixtures/modules/modules.dep");
const ALIAS: &str = include_str!("../../tests/fixtures/modules/modules.alias");
const SOFTDEP: &str = include_str!("../../tests/fixtures/modules/modules.softdep");

fn texts() -> Texts<'static> {
    Texts {
        dep: DEP,
        alias: ALIAS,
        softdep: SOFTDEP,
        builtin: "kernel/drivers/input/keyboard/atkbd.ko\n",
        builtin_modinfo: b"virtio.alias=virtio:builtin*\0atkbd.description=x\0",
    }
}

fn index() -> Index {
    Index::from_texts(&texts()).unwrap()
}

fn names(order: &Order) -> Vec<&str> {
    order.load.iter().map(|load| load.name.as_str()).collect()
}

#[test]
fn names_of_files() {
    let name = |path| Name::of_file(path).map(|name| name.to_string());
    assert_eq!(
        name("kernel/arch/crc32c-intel.ko.xz").as_deref(),
        Some("crc32c_intel")
    );
    assert_eq!(name("dm-mod.ko").as_deref(), Some("dm_mod"));
    assert_eq!(name("a.ko.gz").as_deref(), Some("a"));
    assert_eq!(name("a.ko.zst").as_deref(), Some("a"));
    assert_eq!(name("kernel/.ko"), None);
    assert_eq!(name("modules.dep"), None);
}

#[test]
fn patterns_match_as_fnmatch_does() {
    let yes = [
        (
            "pci:v000015ADd000007C0sv*sd*bc*sc*i*",
            "pci:v000015ADd000007C0sv000015ADsd0bc01sc00i00",
        ),
        (
            "pci:v*d*sv*sd*bc01sc08i02*",
            "pci:v00001B36d00000010sv00001AF4sd00001100bc01sc08i02",
        ),
        ("usb:v0421p0019d0592dc*", "usb:v0421p0019d0592dc00"),
        ("usb:v*p[0-4]d?", "usb:v1p3dx"),
        ("a[!b-d]e", "aee"),
        ("a[]x]e", "a]e"),
        ("a[b-]e", "abe"),
        ("crypto-crc32c", "crypto_crc32c"),
        ("scsi:t-0x00*", "scsi:t-0x00"),
        ("*", ""),
        ("a*b*c", "axxbxbyc"),
        ("a[b", "a[b"),
        (r"a\*b", "a*b"),
    ];
    for (pattern, text) in yes {
        assert!(Pattern::new(pattern).matches(text), "{pattern} {text}");
    }
    let no = [
        ("pci:v000015ADd000007C0sv*", "pci:v000015ADd000007C1sv0"),
        ("a[!b-d]e", "ace"),
        ("usb:v*p[0-4]d?", "usb:v1p5dx"),
        ("a*b", "ab_"),
        ("a?", "a"),
        ("", "a"),
        ("a", ""),
        (r"a\*b", "axb"),
    ];
    for (pattern, text) in no {
        assert!(!Pattern::new(pattern).matches(text), "{pattern} {text}");
    }
}

#[test]
fn long_patterns_end_soon() {
    let pattern = Pattern::new(&"*a".repeat(500));
    assert!(!pattern.matches(&"a".repeat(499)));
    assert!(!pattern.matches(&format!("{}b", "a".repeat(5000))));
}

#[test]
fn soft_dependencies_on_an_alias_are_followed() {
    let order = index().order(["ext4"]);
    let found = names(&order);
    assert_eq!(
        found,
        [
            "crc16",
            "mbcache",
            "crc32c_generic",
            "crc32c_intel",
            "jbd2",
            "ext4"
        ]
    );
    let soft: Vec<_> = order.load.iter().filter(|load| !load.required).collect();
    assert_eq!(soft.len(), 2);
    // `late` is nowhere, but only softly wanted.
    let late = Missing {
        wanted: "late".into(),
        by: Some(Name::new("jbd2")),
        required: false,
    };
    assert_eq!(order.missing, [late]);
}

#[test]
fn dependencies_go_from_right_to_left() {
    let pvscsi = "pci:v000015ADd000007C0sv000015ADsd000007C0bc01sc07i00";
    let order = index().order([pvscsi]);
    assert_eq!(names(&order), ["scsi_common", "scsi_mod", "vmw_pvscsi"]);
    assert!(order.load.iter().all(|load| load.required));
}

#[test]
fn a_name_goes_before_an_alias_and_builtin_is_found() {
    let index = index();
    assert_eq!(
        index.resolve("fs-ext4"),
        Resolved::Modules(vec![Name::new("ext4")])
    );
    assert_eq!(
        index.resolve("crc32c-intel"),
        Resolved::Modules(vec![Name::new("crc32c_intel")])
    );
    assert_eq!(index.resolve("atkbd"), Resolved::Builtin);
    assert_eq!(index.resolve("virtio:builtin2"), Resolved::Builtin);
    assert_eq!(index.resolve("nowhere"), Resolved::Nothing);
    assert!(index.order(["atkbd", "virtio"]).load.is_empty());
}

#[test]
fn what_is_missing_is_named() {
    let dep = "kernel/b.ko: kernel/a.ko\n";
    let index = Index::from_texts(&Texts {
        dep,
        ..Texts::default()
    })
    .unwrap();
    let order = index.order(["b", "c"]);
    let by = Some(Name::new("b"));
    assert_eq!(
        order.missing,
        [
            Missing {
                wanted: "a".into(),
                by,
                required: true
            },
            Missing {
                wanted: "c".into(),
                by: None,
                required: true
            },
        ]
    );
}

#[test]
fn a_file_that_is_not_there_is_missing() {
    let mut index = index();
    let alias = "alias fs-nothing nothing\n";
    let only = Index::from_texts(&Texts {
        alias,
        ..Texts::default()
    })
    .unwrap();
    assert_eq!(only.order(["fs-nothing"]).missing[0].wanted, "fs-nothing");
    index.retain(|name, _| name.as_str() != "scsi_common" && name.as_str() != "crc32c_intel");
    let order = index.order(["vmw_pvscsi"]);
    assert_eq!(order.missing[0].wanted, "scsi_common");
    assert_eq!(names(&index.order(["crypto-crc32c"])), ["crc32c_generic"]);
}

#[test]
fn circles_end() {
    let dep = "a.ko: b.ko\nb.ko: a.ko\nc.ko:\n";
    let softdep = "softdep c pre: c post: c\n";
    let index = Index::from_texts(&Texts {
        dep,
        softdep,
        ..Texts::default()
    })
    .unwrap();
    assert_eq!(names(&index.order(["a", "c"])), ["b", "a", "c"]);
}

#[test]
fn the_modules_own_words_give_the_same_order() {
    let section = |text: &str| ModInfo::from_section(text.replace(' ', "\0").as_bytes());
    let infos = [
        (
            "kernel/vmw_pvscsi.ko",
            section("depends=scsi_mod alias=pci:v000015ADd*"),
        ),
        ("kernel/scsi_mod.ko", section("depends=scsi_common")),
        (
            "kernel/scsi_common.ko",
            section("depends= name=scsi_common"),
        ),
    ];
    let index = Index::from_modinfo(infos.iter().map(|(path, info)| (*path, info)));
    assert_eq!(
        names(&index.order(["pci:v000015ADd1"])),
        ["scsi_common", "scsi_mod", "vmw_pvscsi"]
    );
}

#[test]
fn a_cut_index_says_the_same_about_what_it_has() {
    let index = index();
    let keep: BTreeSet<_> = ["jbd2", "crc16", "ext4", "crc32c_generic"]
        .into_iter()
        .map(Name::new)
        .collect();
    let kept = index.cut(&keep, |module| {
        module.path.trim_end_matches(".xz").to_owned()
    });
    assert_eq!(
        kept.dep,
        "kernel/lib/crc16.ko:\nkernel/crypto/crc32c_generic.ko:\n\
         kernel/fs/ext4/ext4.ko: kernel/fs/jbd2/jbd2.ko kernel/fs/mbcache.ko kernel/lib/crc16.ko\n\
         kernel/fs/jbd2/jbd2.ko:\n"
    );
    assert_eq!(
        kept.alias,
        "alias fs_ext4 ext4\nalias crypto_crc32c crc32c_generic\n"
    );
    assert_eq!(
        kept.softdep,
        "softdep ext4 pre: crypto-crc32c\nsoftdep jbd2 pre: crypto-crc32c\n"
    );
    let cut = Index::from_texts(&Texts {
        dep: &kept.dep,
        alias: &kept.alias,
        softdep: &kept.softdep,
        builtin: &kept.builtin,
        builtin_modinfo: b"",
    })
    .unwrap();
    let order = cut.order(["fs-ext4", "atkbd"]);
    assert_eq!(names(&order), ["crc16", "crc32c_generic", "jbd2", "ext4"]);
    assert_eq!(order.missing.len(), 1);
    assert_eq!(order.missing[0].wanted, "mbcache");
}

#[test]
fn bad_lines_are_named() {
    let wrong = |texts: &Texts| Index::from_texts(texts).unwrap_err().to_string();
    let dep = Texts {
        dep: "# ok\nkernel/a.ko\n",
        ..Texts::default()
    };
    assert!(
        wrong(&dep).starts_with("modules.dep line 2: no colon"),
        "{}",
        wrong(&dep)
    );
    let dep = Texts {
        dep: "../../etc/a.ko:\n",
        ..Texts::default()
    };
    assert!(wrong(&dep).contains("out of the tree"));
    let dep = Texts {
        dep: "a.ko: b\n",
        ..Texts::default()
    };
    assert!(wrong(&dep).contains("a dependency is no module"));
    let alias = Texts {
        alias: "alias x\n",
        ..Texts::default()
    };
    assert!(wrong(&alias).starts_with("modules.alias line 1"));
    let softdep = Texts {
        softdep: "soft\n",
        ..Texts::default()
    };
    assert!(wrong(&softdep).starts_with("modules.softdep line 1"));
}

#[test]
fn modaliases_in_words() {
    let mptsas = "pci:v00001000d00000054sv00001000sd00008000bc01sc00i00";
    assert_eq!(kind(mptsas), Kind::Storage);
    assert_eq!(
        describe(mptsas),
        "PCI device 1000:0054, class 0100 (SCSI controller)"
    );
    assert_eq!(
        kind("pci:v00001AF4d00001001sv00001AF4sd00000002bc01sc00i00"),
        Kind::Storage
    );
    assert_eq!(
        kind("pci:v00001AF4d00001000sv00001AF4sd00000001bc02sc00i00"),
        Kind::Bus
    );
    assert_eq!(kind("pci:v00008086d000024CDsv0sd0bc0Csc03i20"), Kind::Bus);
    assert_eq!(
        kind("pci:v00001234d00001111sv00001AF4sd00001100bc03sc00i00"),
        Kind::Other
    );
    assert_eq!(kind("virtio:d00000002v00001AF4"), Kind::Storage);
    assert_eq!(kind("virtio:d00000001v00001AF4"), Kind::Network);
    assert_eq!(kind("virtio:d00000004v00001AF4"), Kind::Other);
    let vmxnet3 = "pci:v000015ADd000007B0sv000015ADsd000007B0bc02sc00i00";
    assert_eq!(kind(vmxnet3), Kind::Network);
    assert_eq!(
        describe(vmxnet3),
        "PCI device 15ad:07b0, class 0200 (Ethernet controller)"
    );
    let netvsc = "vmbus:635161f83edfc546913ff2d2f965ed0e";
    assert_eq!(kind(netvsc), Kind::Network);
    assert_eq!(describe(netvsc), "Hyper-V network card");
    assert_eq!(describe("xen:vif"), "Xen network card");
    assert_eq!(kind("scsi:t-0x00"), Kind::Storage);
    assert_eq!(kind("scsi:t-0x05"), Kind::Other);
    let stick = "usb:v46F4p0001d0000dc00dsc00dp00ic08isc06ip50in00";
    assert_eq!(kind(stick), Kind::Storage);
    assert_eq!(describe(stick), "USB device 46f4:0001");
    assert_eq!(
        kind("cpu:type:x86,ven0000fam0006mod0055:feature:,0000"),
        Kind::Other
    );
}

#[test]
fn a_long_chain_needs_no_deep_stack() {
    let length = 100_000;
    let dep: String = (0..length)
        .map(|n| format!("m{n}.ko: m{}.ko\n", n + 1))
        .chain([format!("m{length}.ko:\n")])
        .collect();
    let texts = Texts {
        dep: &dep,
        ..Texts::default()
    };
    let order = Index::from_texts(&texts).unwrap().order(["m0"]);
    assert_eq!(order.load.len(), length + 1);
    assert_eq!(order.load[0].name.as_str(), format!("m{length}"));
    assert!(order.load.iter().all(|load| load.required));
}

/// What a required module lacks is more than a wish, even where the walk came
/// to the module by a soft dependency first.
#[test]
fn what_a_required_module_lacks_is_required() {
    let texts = Texts {
        dep: "a.ko: b.ko c.ko\nb.ko: gone.ko\nc.ko:\n",
        softdep: "softdep c pre: b\n",
        ..Texts::default()
    };
    let order = Index::from_texts(&texts).unwrap().order(["a"]);
    assert_eq!(names(&order), ["b", "c", "a"]);
    let [missing] = &order.missing[..] else {
        panic!("{:?}", order.missing);
    };
    assert!(missing.wanted == "gone" && missing.required);
}

#[test]
fn a_path_with_a_blank_is_refused() {
    let texts = Texts {
        dep: "kernel/a b.ko:\n",
        ..Texts::default()
    };
    let error = Index::from_texts(&texts).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("line 1: the module's path has a blank")
    );
}

/// 65535 times a section whose name has no end for a mebibyte.
#[test]
fn names_of_sections_without_end_cost_nothing() {
    let mut file = vec![b'x'; 1 << 20];
    file[..6].copy_from_slice(b"\x7fELF\x02\x01");
    file[0x28..0x30].copy_from_slice(&64u64.to_le_bytes());
    // Sections of no size: all are the first one.
    file[0x3a..0x40].copy_from_slice(&[0, 0, 0xff, 0xff, 0, 0]);
    file[0x40..0x44].fill(0);
    file[0x58..0x60].copy_from_slice(&128u64.to_le_bytes());
    let size = file.len() as u64 - 128;
    file[0x60..0x68].copy_from_slice(&size.to_le_bytes());
    let start = testkit::cpu_time();
    assert!(ModInfo::from_elf(&file).is_err());
    let used = testkit::cpu_time() - start;
    assert!(used.as_secs() < 1, "{used:?}");
}
