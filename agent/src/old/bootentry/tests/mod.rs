// SPDX-License-Identifier: MIT OR Apache-2.0
//! The entry comes and goes on machines with small GRUB files, and on those of
//! real machines.

mod distributions;

use super::*;
use crate::old::places::{BOOT_DIR, boot_files};
use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;

const HEADER: &str = "if [ \"${next_entry}\" ] ; then\n set default=\"${next_entry}\"\n set next_entry=\n save_env next_entry\n set boot_once=true\nfi\n";
const SOURCE: &str = "source $prefix/custom.cfg\n";

/// A file with its bytes, mode, owner and inode number.
type State = BTreeMap<PathBuf, (Vec<u8>, u32, u32, u64)>;

/// A machine whose /boot is on the root's file system.
struct Machine {
    root: tempfile::TempDir,
    loader: Loader,
    os_release: &'static str,
    uuid: &'static str,
}

fn fixture(name: &str) -> Vec<u8> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/grub");
    std::fs::read(dir.join(name)).unwrap()
}

fn put(root: &Path, path: &str, bytes: impl AsRef<[u8]>) {
    let path = root.join(path);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, bytes).unwrap();
}

impl Machine {
    /// With these programs, and grub.cfg and grubenv in `directory`.
    fn new(directory: &str, config: &[u8], grubenv: &[u8], programs: &[&str]) -> Machine {
        let root = tempfile::tempdir().unwrap();
        put(root.path(), &format!("boot/{directory}/grub.cfg"), config);
        put(root.path(), &format!("boot/{directory}/grubenv"), grubenv);
        for program in programs {
            put(root.path(), &format!("usr/sbin/{program}"), "");
        }
        let loader = Loader::detect(root.path()).unwrap();
        Machine {
            root,
            loader,
            os_release: "",
            uuid: "",
        }
    }

    /// With a grubenv of these lines.
    fn small(config: &str, grubenv: &str) -> Machine {
        let block = block_of(grubenv);
        Machine::new("grub", config.as_bytes(), &block, &["grub-reboot"])
    }

    /// An EL7 machine with grubby, and with a grub.cfg for UEFI besides.
    fn el7(config: &str, grubenv: &str) -> Machine {
        let programs = ["grub2-reboot", "grub2-editenv", "grubby"];
        let machine = Machine {
            os_release: "ID=\"centos\"\nID_LIKE=\"rhel fedora\"\nVERSION_ID=\"7\"\n",
            uuid: "0de00000-0000-4000-8000-000000000002",
            ..Machine::new("grub2", &fixture(config), &fixture(grubenv), &programs)
        };
        machine.put("boot/efi/EFI/centos/grub.cfg", fixture("el7-efi-grub.cfg"));
        for release in ["3.10.0-1160.el7.x86_64", "0-rescue-aa"] {
            machine.put(&format!("boot/vmlinuz-{release}"), "x");
            machine.put(&format!("boot/initramfs-{release}.img"), "x");
        }
        machine
    }

    fn put(&self, path: &str, bytes: impl AsRef<[u8]>) {
        put(self.root.path(), path, bytes);
    }

    /// One of GRUB's files.
    fn grub(&self, name: &str) -> PathBuf {
        self.loader.directory.join(name)
    }

    fn text(&self, name: &str) -> String {
        String::from_utf8(std::fs::read(self.grub(name)).unwrap()).unwrap()
    }

    fn entry(&self) -> Entry {
        Entry {
            kernel: "/boot/replant/linux".into(),
            initramfs: "/boot/replant/initramfs".into(),
            boot_uuid: self.uuid.into(),
            ..entry::tests::entry()
        }
    }

    /// With replant's loader, which lies in /boot.
    fn chained(&self) -> Entry {
        Entry {
            chain: Some("/boot/replant/stage1.bin".into()),
            ..self.entry()
        }
    }

    fn state(&self) -> State {
        let mut found = BTreeMap::new();
        let mut left = vec![self.root.path().to_path_buf()];
        while let Some(dir) = left.pop() {
            for entry in std::fs::read_dir(dir).unwrap() {
                let path = entry.unwrap().path();
                let meta = std::fs::symlink_metadata(&path).unwrap();
                if meta.is_dir() {
                    left.push(path);
                    continue;
                }
                let bytes = std::fs::read(&path).unwrap();
                found.insert(path, (bytes, meta.mode(), meta.uid(), meta.ino()));
            }
        }
        found
    }

    /// The same without the inode numbers, which change when a file is
    /// replaced.
    fn files(&self) -> BTreeMap<PathBuf, (Vec<u8>, u32, u32)> {
        let all = self.state().into_iter();
        all.map(|(path, (bytes, mode, uid, _))| (path, (bytes, mode, uid)))
            .collect()
    }

    fn choice(&self) -> Option<String> {
        armed_entry(&self.loader.environment()).unwrap()
    }
}

fn block_of(text: &str) -> Vec<u8> {
    let mut bytes = format!("# GRUB Environment Block\n{text}").into_bytes();
    bytes.resize(1024, b'#');
    bytes
}

#[test]
fn finds_what_the_distribution_has() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    assert!(matches!(Loader::detect(root), Err(Error::NoLoader)));
    assert!(matches!(Loader::detect_files(root), Err(Error::NoLoader)));
    put(root, "boot/grub/grub.cfg", "");
    // Somebody took GRUB's programs away after it was staged.
    assert!(matches!(Loader::detect(root), Err(Error::NoLoader)));
    assert_eq!(
        Loader::detect_files(root).unwrap().directory,
        root.join("boot/grub")
    );
    put(root, "usr/sbin/grub-reboot", "");
    let found = || Loader::detect(root).unwrap().directory;
    assert_eq!(found(), root.join("boot/grub"));
    put(root, "boot/grub2/grub.cfg", "");
    put(root, "sbin/grub2-reboot", "");
    assert_eq!(found(), root.join("boot/grub2"));
}

#[test]
fn the_entry_comes_and_goes_without_a_trace() {
    let sourced = || Machine::small(&format!("{HEADER}{SOURCE}"), "saved_entry=0\nnext_entry=\n");
    let customized = |text: &[u8]| {
        let machine = sourced();
        std::fs::write(machine.grub("custom.cfg"), text).unwrap();
        machine
    };
    // The last line has no end.
    let el7 = Machine::el7("el7-grub.cfg", "grubenv-fresh");
    let text = el7.text("grub.cfg");
    let (head, _) = text.split_once("### BEGIN /etc/grub.d/41_custom").unwrap();
    std::fs::write(el7.grub("grub.cfg"), head.trim_end()).unwrap();
    for (machine, changed) in [
        (sourced(), "custom.cfg"),
        (customized(b"menuentry mine { true; }"), "custom.cfg"),
        (customized(b"caf\xe9\n"), "custom.cfg"),
        (
            Machine::small(HEADER, "saved_entry=0\nnext_entry=\n"),
            "grub.cfg",
        ),
        (el7, "grub.cfg"),
    ] {
        let before = machine.files();
        let loader = &machine.loader;
        let changed = machine.grub(changed);
        let open = || {
            let text = file::read(&changed).unwrap().unwrap_or_default();
            let text = String::from_utf8_lossy(&text).into_owned();
            (text.matches("--unrestricted").count(), text)
        };
        let (open_before, _) = open();
        loader.check().unwrap();
        assert_eq!(loader.file().unwrap(), changed);
        let former = loader.former().unwrap();
        for _ in 0..2 {
            loader.install(&machine.entry()).unwrap();
        }
        assert_eq!(machine.choice().as_deref(), Some(ID));
        let (open_now, text) = open();
        assert_eq!(open_now, open_before + 1, "{text}");
        assert!(text.contains("--unrestricted {\n\t\tsearch"), "{text}");
        assert_eq!(loader.remains().len(), 2);
        assert!(loader.remove(Some(&former)).is_empty());
        assert_eq!(machine.files(), before);
        assert_eq!(loader.remains(), Vec::<String>::new());
        assert!(loader.remove(None).is_empty());
        assert_eq!(machine.files(), before);
    }
}

#[test]
fn somebody_elses_choice_stays() {
    let machine = Machine::small(&format!("{HEADER}{SOURCE}"), "next_entry=memtest86\n");
    let before = machine.state();
    assert!(machine.loader.remove(None).is_empty());
    assert_eq!(machine.state(), before);
}

#[test]
fn what_can_be_taken_back_is_whatever_else_cannot() {
    let machine = Machine::small(&format!("{HEADER}{SOURCE}"), "");
    let loader = &machine.loader;
    loader.install(&machine.entry()).unwrap();
    // A damaged block; the entry goes, so that nothing migrates.
    std::fs::write(machine.grub("grubenv"), "damaged").unwrap();
    let errors = loader.remove(None);
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert!(errors[0].to_string().contains("grubenv"), "{errors:?}");
    assert!(!machine.grub("custom.cfg").exists());
    assert_eq!(loader.remains().len(), 1);

    // A custom.cfg that cannot be replaced: something is in its way.
    let machine = Machine::small(&format!("{HEADER}{SOURCE}"), "");
    let loader = &machine.loader;
    std::fs::write(machine.grub("custom.cfg"), "set mine=1\n").unwrap();
    loader.install(&machine.entry()).unwrap();
    std::fs::create_dir_all(machine.grub("custom.cfg.replant-part/x")).unwrap();
    let errors = loader.remove(None);
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert!(errors[0].to_string().contains("custom.cfg"), "{errors:?}");
    assert_eq!(machine.choice(), None);
    let remains = loader.remains();
    assert!(
        remains[0].contains("custom.cfg: replant's entry"),
        "{remains:?}"
    );
}

#[test]
fn refuses_a_grub_that_would_boot_the_entry_for_ever() {
    let machine = Machine::small("menuentry x { }\n", "");
    let loader = &machine.loader;
    let message = || loader.check().unwrap_err().to_string();
    assert!(message().contains("has no \"next_entry\""), "{}", message());
    std::fs::write(machine.grub("grub.cfg"), "if [ \"${next_entry}\" ]\n").unwrap();
    assert!(message().contains("has no \"boot_once\""), "{}", message());
    assert!(message().contains("update-grub and retry"), "{}", message());
    std::fs::write(machine.grub("grub.cfg"), HEADER).unwrap();
    loader.check().unwrap();
    std::fs::write(machine.grub("grubenv"), &block_of("")[..1000]).unwrap();
    assert!(message().contains("again and again"), "{}", message());
    std::fs::remove_file(machine.grub("grubenv")).unwrap();
    assert!(message().contains("grubenv"), "{}", message());
}

#[test]
fn changed_lines_of_the_entry_are_refused() {
    let machine = Machine::small(&format!("{HEADER}{SOURCE}"), "");
    std::fs::write(
        machine.grub("custom.cfg"),
        "### BEGIN replant ###\nset a=1\n",
    )
    .unwrap();
    let error = machine.loader.check().unwrap_err().to_string();
    assert!(error.contains("remove them by hand"), "{error}");
    let error = machine.loader.install(&machine.entry()).unwrap_err();
    assert!(matches!(error, Error::Changed { .. }), "{error}");
    assert_eq!(machine.loader.remove(None).len(), 1);
}
