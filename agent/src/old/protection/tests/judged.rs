// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is in the way of protection is named, each thing by itself.

use super::written::kernel;
use crate::fingerprint::Fingerprint;
use crate::old::Package;
use crate::old::arguments::Carried;
use crate::old::bootentry::{Entry, Loader, View};
use crate::old::protection::{Obstacle, Question, judge};
use crate::old::survey::Survey;
use crate::plan::{Facts, Plan, sample_input};
use ondisk::grub::config::Dialect;
use ondisk::manifest::{INITRAMFS, KERNEL, PAYLOAD, Seal};
use std::fs;
use std::path::PathBuf;
use testkit::{Loop, Random, sparse};

const CONFIG: &str = "set timeout=0\nif [ \"${next_entry}\" ] ; then\n load_env\nfi\n\
    load_env\nif [ \"${next_entry}\" ] ; then\n set default=\"${next_entry}\"\n set next_entry=\n \
    save_env next_entry\n set boot_once=true\nfi\nmenuentry old --id old {\n linux /vmlinuz\n}\n\
    source $prefix/custom.cfg\n";

/// A machine without an obstacle, but for the file system that the test runs on.
struct Machine {
    dir: tempfile::TempDir,
    _disk: Loop,
    package: Package,
    survey: Survey,
    words: String,
    copied: u64,
}

impl Machine {
    fn new() -> Machine {
        let dir = tempfile::tempdir().unwrap();
        let disk = Loop::new(sparse(dir.path().join("disk"), 8 << 30));
        let put = |path: &str, bytes: &[u8]| {
            let path = dir.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        };
        let mut grubenv = b"# GRUB Environment Block\n".to_vec();
        grubenv.resize(1024, b'#');
        put("boot/grub/grub.cfg", CONFIG.as_bytes());
        put("boot/grub/grubenv", &grubenv);
        put("boot/grub/i386-pc/chain.mod", b"x");
        put("usr/sbin/grub-reboot", b"");
        put("vmlinuz", b"x");
        let head = kernel(&mut Random(1));
        put(&format!("package/{KERNEL}"), &head);
        let (mut manifest, table, facts) = sample_input();
        for file in &mut manifest.files {
            file.size = match file.name.as_str() {
                KERNEL => head.len() as u64,
                INITRAMFS => 20 << 20,
                PAYLOAD => 300 << 20,
                _ => file.size,
            };
        }
        Machine {
            package: Package {
                dir: dir.path().join("package"),
                manifest,
                text: String::new(),
                manifest_sha256: String::new(),
                seal: Seal::Absent,
                table,
            },
            survey: Survey {
                root_kind: "ext4".into(),
                root: "UUID=0de0".into(),
                boot_mount: "/".into(),
                boot_uuid: "0de0".into(),
                facts: Facts {
                    disk: disk.name().into(),
                    ..facts
                },
                fingerprint: Fingerprint {
                    machine_id: "0".into(),
                    disk: Default::default(),
                },
                firmware: None,
                memory: 1 << 30,
                arguments: Carried::default(),
            },
            words: "quiet".into(),
            copied: 0,
            _disk: disk,
            dir,
        }
    }

    /// All obstacles but those of the host's own file system.
    fn judged(&self) -> Vec<Obstacle> {
        let root = self.dir.path();
        let loader = Loader::detect(root).unwrap();
        let view = View::open(&loader, root, "0de0", Dialect::Upstream).unwrap();
        let normal = view.normal(&loader).unwrap();
        let compute = |protected| {
            let facts = Facts {
                protected,
                ..self.survey.facts.clone()
            };
            let Package {
                manifest, table, ..
            } = &self.package;
            Plan::compute(manifest, table, &facts, &mut |bytes| bytes.fill(7))
        };
        let mut found = judge(&Question {
            package: &self.package,
            survey: &self.survey,
            plan: &compute(Default::default()).unwrap(),
            loader: &loader,
            view: &view,
            normal: &normal,
            entry: &Entry {
                kernel: "/boot/replant/linux".into(),
                initramfs: "/boot/replant/initramfs".into(),
                chain: None,
                boot_uuid: "0de0".into(),
                armed: "replant=migrate".into(),
                survey: "replant=survey".into(),
            },
            words: &self.words,
            copied: self.copied,
            replan: &compute,
        })
        .unwrap();
        found.retain(|o| !matches!(o, Obstacle::Pinned(_)));
        found
    }
}

#[test]
fn each_obstacle_is_named() {
    testkit::needs!("root");
    assert_eq!(Machine::new().judged(), []);
    let case = |words: &str, change: &dyn Fn(&mut Machine)| {
        let mut machine = Machine::new();
        change(&mut machine);
        let found: Vec<String> = machine.judged().iter().map(|o| o.to_string()).collect();
        assert_eq!(found.len(), 1, "{words}: {found:?}");
        assert!(found[0].contains(words), "{words}: {found:?}");
    };
    case("[boot] of migration.toml", &|m| {
        m.package.manifest.boot.commands = vec![vec!["true".into()]];
    });
    case("hd1", &|m| m.survey.firmware = Some("it is hd1".into()));
    case("blocks of 4096 bytes", &|m| {
        m.survey.facts.block_size = 4096
    });
    case("i386-pc/chain.mod", &|m| {
        let module: PathBuf = m.dir.path().join("boot/grub/i386-pc/chain.mod");
        fs::remove_file(module).unwrap();
    });
    case("cannot be started by replant's loader", &|m| {
        fs::write(m.package.dir.join(KERNEL), [0; 4096]).unwrap();
    });
    case("command line has", &|m| m.words = "x".repeat(2000));
    case("no room where the kernel wants it", &|m| {
        // Below 32 MiB, which the kernel takes itself.
        let mut head = kernel(&mut Random(1));
        head[0x22c..0x230].copy_from_slice(&0x1ff_ffff_u32.to_le_bytes());
        fs::write(m.package.dir.join(KERNEL), head).unwrap();
    });
    case("too little room", &|m| {
        let files = &mut m.package.manifest.files;
        let file = files.iter_mut().find(|f| f.name == PAYLOAD).unwrap();
        file.size = 7 << 30;
    });
}

/// A new system without volume groups has nothing that it could leave out.
#[test]
fn without_volumes_there_is_no_place() {
    testkit::needs!("root");
    let mut machine = Machine::new();
    let manifest = &mut machine.package.manifest;
    manifest.volume_groups.clear();
    manifest
        .filesystems
        .retain(|f| f.device.starts_with("partition"));
    assert_eq!(machine.judged(), [Obstacle::NoVolumes]);
}
