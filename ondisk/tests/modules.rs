// SPDX-License-Identifier: MIT OR Apache-2.0
//! Module closures and `.modinfo` sections against kmod, on Debian's generic kernel.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use ondisk::modules::{Index, ModInfo, Name, Pattern, Resolved, Texts};
use testkit::Target;

struct Kernel(testkit::Kernel);

impl Kernel {
    fn path(&self, name: &str) -> PathBuf {
        self.0
            .root
            .join("lib/modules")
            .join(&self.0.version)
            .join(name)
    }

    fn index(&self) -> Index {
        let text = |name| fs::read_to_string(self.path(name)).unwrap();
        Index::from_texts(&Texts {
            dep: &text("modules.dep"),
            alias: &text("modules.alias"),
            softdep: &text("modules.softdep"),
            builtin: &text("modules.builtin"),
            builtin_modinfo: &fs::read(self.path("modules.builtin.modinfo")).unwrap(),
        })
        .unwrap()
    }

    /// What modprobe would load, in its order, each module once.
    fn modprobe(&self, wanted: &str) -> Vec<String> {
        let output = Command::new("modprobe")
            .arg("-d")
            .arg(&self.0.root)
            // Without this machine's own modprobe.d.
            .args(["-C", "/dev/null"])
            .args(["-S", &self.0.version, "--show-depends", wanted])
            .output()
            .expect("modprobe is needed: install kmod");
        let mut found = Vec::new();
        for line in String::from_utf8(output.stdout).unwrap().lines() {
            let Some(path) = line.strip_prefix("insmod ") else {
                continue;
            };
            let name = Name::of_file(path.split_whitespace().next().unwrap())
                .unwrap()
                .to_string();
            if !found.contains(&name) {
                found.push(name);
            }
        }
        found
    }
}

const WANTED: [&str; 25] = [
    "ext4",
    "xfs",
    "vfat",
    "dm-mod",
    "dm-snapshot",
    "dm-raid",
    "dm-thin-pool",
    "virtio_blk",
    "virtio_scsi",
    "vmw_pvscsi",
    "mptspi",
    "mptsas",
    "hv_storvsc",
    "xen-blkfront",
    "ahci",
    "ata_piix",
    "nvme",
    "usb-storage",
    "uas",
    "uhci-hcd",
    "ohci-pci",
    "usbhid",
    "sd_mod",
    "crypto-crc32c",
    "pci:v000015ADd000007C0sv000015ADsd000007C0bc01sc07i00",
];

#[test]
fn the_order_is_that_of_modprobe() {
    testkit::needs!("modprobe", "image");
    let kernel = Kernel(testkit::kernel());
    let index = kernel.index();
    let mut most = 0;
    for wanted in WANTED {
        let order = index.order([wanted]);
        let ours: Vec<_> = order
            .load
            .iter()
            .map(|load| load.name.to_string())
            .collect();
        let theirs = kernel.modprobe(wanted);
        assert_eq!(ours, theirs, "{wanted}");
        most = most.max(ours.len());
        assert!(
            order.missing.iter().all(|missing| !missing.required),
            "{wanted}"
        );
    }
    assert!(most >= 8, "modprobe found next to nothing");

    // btrfs has four softdep lines; modprobe reads the first one only.
    let ours: BTreeSet<_> = index
        .order(["btrfs"])
        .load
        .iter()
        .map(|load| load.name.to_string())
        .collect();
    let theirs: BTreeSet<_> = kernel.modprobe("btrfs").into_iter().collect();
    let more: Vec<_> = ours.difference(&theirs).map(String::as_str).collect();
    assert_eq!(more, ["sha256_ssse3", "xxhash_generic"]);
    assert!(theirs.is_subset(&ours));
}

#[test]
fn every_module_is_loadable_after_what_stands_before_it() {
    testkit::needs!("image");
    let kernel = Kernel(testkit::kernel());
    let index = kernel.index();
    let order = index.order(index.iter().map(|(name, _)| name.as_str()));
    assert_eq!(order.load.len(), index.iter().count());
    let mut loaded = BTreeSet::new();
    for load in &order.load {
        let module = index.get(load.name.as_str()).unwrap();
        for dependency in &module.depends {
            assert!(
                loaded.contains(dependency),
                "{} before {dependency}",
                load.name
            );
        }
        loaded.insert(load.name.clone());
    }
}

#[test]
fn modinfo_of_the_files_is_what_depmod_wrote() {
    testkit::needs!("image");
    let kernel = Kernel(testkit::kernel());
    let index = kernel.index();
    let mut infos = BTreeMap::new();
    for (name, module) in index.iter() {
        let info = ModInfo::from_elf(&fs::read(kernel.path(&module.path)).unwrap()).unwrap();
        assert_eq!(info.name().map(Name::new).as_ref(), Some(name));
        assert!(
            info.vermagic()
                .unwrap()
                .starts_with(&format!("{} ", kernel.0.version))
        );
        let aliases: BTreeSet<_> = info.aliases().map(Pattern::new).collect();
        let depmods = index.aliases().iter().filter(|alias| alias.module == *name);
        let depmods: BTreeSet<_> = depmods.map(|alias| alias.pattern.clone()).collect();
        assert_eq!(aliases, depmods, "{name}");
        infos.insert(module.path.clone(), info);
        // The kernel has three thousand; every one takes its time.
        if infos.len() == 800 {
            break;
        }
    }
    // The rest of the storage drivers, so that the closures below are whole.
    for wanted in WANTED {
        for load in index.order([wanted]).load {
            let module = index.get(load.name.as_str()).unwrap();
            let info = ModInfo::from_elf(&fs::read(kernel.path(&module.path)).unwrap()).unwrap();
            infos.insert(module.path.clone(), info);
        }
    }
    let mut own = Index::from_modinfo(infos.iter().map(|(path, info)| (path.as_str(), info)));
    own.add_builtin(
        &fs::read_to_string(kernel.path("modules.builtin")).unwrap(),
        b"",
    );
    for wanted in WANTED {
        let set = |index: &Index| -> BTreeSet<_> {
            index
                .order([wanted])
                .load
                .into_iter()
                .map(|load| load.name)
                .collect()
        };
        assert_eq!(set(&own), set(&index), "{wanted}");
    }
}

#[test]
fn builtin_is_known_by_name_and_alias() {
    testkit::needs!("image");
    let index = Kernel(testkit::kernel()).index();
    assert_eq!(index.resolve("atkbd"), Resolved::Builtin);
    assert_eq!(index.resolve("i8042"), Resolved::Builtin);
    assert_eq!(
        index.resolve("crypto-sha256"),
        index.resolve("crypto_sha256")
    );
    assert_ne!(index.resolve("crypto-sha256"), Resolved::Nothing);
}

#[test]
fn damaged_modules_never_panic() {
    testkit::needs!("image");
    let kernel = Kernel(testkit::kernel());
    let good = fs::read(kernel.path("kernel/crypto/crc32c_generic.ko")).unwrap();
    assert!(
        ModInfo::from_elf(&good)
            .unwrap()
            .aliases()
            .any(|alias| alias == "crypto-crc32c")
    );
    // Headers first: the first 64 bytes, and the section table at the end.
    let table = u64::from_le_bytes(good[0x28..0x30].try_into().unwrap()) as usize;
    let target = Target {
        name: "kernel module",
        hot: vec![0..64, table..good.len()],
        samples: vec![good],
        words: b".modinfo\0~\0",
        rounds: 10_000,
    };
    let tally = target.read(|file, _| ModInfo::from_elf(file).is_ok());
    tally.at_least(1000, 1000);
}
