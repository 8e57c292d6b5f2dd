// SPDX-License-Identifier: MIT OR Apache-2.0
//! What GRUB will start, and what its generators make, with the GRUB files of
//! real machines.

use super::*;
use ondisk::grub::config::Dialect;
use ondisk::os_release::OsRelease;
use std::process::Command;

impl Machine {
    /// As GRUB sees it.
    fn view(&self) -> View {
        let dialect = Dialect::of(&OsRelease::of(self.os_release));
        View::open(&self.loader, self.root.path(), self.uuid, dialect).unwrap()
    }

    /// What staging does with the entry, in its order. At the end the entry is
    /// there, and its kernel is not.
    fn stage(&self) -> Result<(), String> {
        self.stage_as(&self.entry())
    }

    fn stage_as(&self, entry: &Entry) -> Result<(), String> {
        let (view, loader) = (self.view(), &self.loader);
        let tell = |e: Error| e.to_string();
        let normal = view.normal(loader).map_err(tell)?;
        view.forecast(loader, entry, &normal).map_err(tell)?;
        // Nothing is written yet.
        view.confirm(entry, &normal).unwrap_err();
        for name in boot_files() {
            self.put(&format!("boot/{name}"), "x");
        }
        if let Some(sector) = &entry.chain {
            self.put(sector.trim_start_matches('/'), loader::STAGE1);
        }
        loader.install(entry).map_err(tell)?;
        view.confirm(entry, &normal).map_err(tell)?;
        assert_eq!(view.normal(loader).unwrap(), normal);
        std::fs::remove_dir_all(self.root.path().join("boot").join(BOOT_DIR)).unwrap();
        Ok(())
    }
}

const GRUBENVS: [&str; 8] = [
    "grubenv-fresh",
    "grubenv-stale",
    "grubenv-id",
    "grubenv-title",
    "grubenv-zero",
    "grubenv-one",
    "grubenv-good",
    "grubenv-warning-line",
];

#[test]
fn no_grubenv_makes_the_entry_the_default_for_ever() {
    for config in ["el7-grub.cfg", "el7-rescue-grub.cfg"] {
        for grubenv in GRUBENVS {
            if (config, grubenv) == ("el7-grub.cfg", "grubenv-one") {
                continue; // a number behind the last entry, see below
            }
            let machine = Machine::el7(config, grubenv);
            let (before, loader) = (machine.state(), &machine.loader);
            loader.check().unwrap();
            let file = loader.file().unwrap();
            assert!(file.ends_with("boot/grub2/custom.cfg"), "{file:?}");
            let former = loader.former().unwrap();
            let normal = machine.view().normal(loader).unwrap();
            assert!(normal.to_string().contains("CentOS Linux"), "{normal}");
            machine.stage().unwrap();
            // Beside the choice for one boot nothing is another one's.
            let block = machine.text("grubenv");
            assert!(block.contains("next_entry=replant-migration\n"), "{block}");
            let saved = |text: &str| {
                let line = text.lines().find(|l| l.starts_with("saved_entry="));
                line.map(str::to_string)
            };
            assert_eq!(saved(&block), saved(&String::from_utf8_lossy(&former)));
            assert_eq!(block.len(), 1024);
            let mut armed = machine.state();
            assert!(armed.remove(&machine.grub("custom.cfg")).is_some());
            armed.insert(
                machine.grub("grubenv"),
                before[&machine.grub("grubenv")].clone(),
            );
            assert_eq!(armed, before, "{grubenv}");
            assert_eq!(loader.remove(Some(&former)).len(), 0);
            assert_eq!(machine.state(), before, "{grubenv}");
            assert_eq!(machine.view().normal(loader).unwrap(), normal);
        }
    }
}

/// What the distributions' own scripts wrote, with a /boot on the root's file
/// system.
#[test]
fn every_distributions_grub_gets_it_into_custom_cfg() {
    let configs =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../ondisk/tests/fixtures/grub/config");
    for (config, os_release, grub) in [
        ("debian.cfg", "ID=debian\n", "grub"),
        ("ubuntu.cfg", "ID=ubuntu\nID_LIKE=debian\n", "grub"),
        ("suse.cfg", "ID=opensuse-leap\n", "grub2"),
        ("el7.cfg", "ID=centos\nVERSION_ID=7\n", "grub2"),
        (
            "el8.cfg",
            "ID=rocky\nID_LIKE=rhel\nVERSION_ID=8.9\n",
            "grub2",
        ),
        (
            "el9.cfg",
            "ID=rocky\nID_LIKE=rhel\nVERSION_ID=9.4\n",
            "grub2",
        ),
    ] {
        let text = std::fs::read(configs.join(config)).unwrap();
        let programs = [&format!("{grub}-reboot"), "grubby"];
        let machine = Machine {
            os_release,
            uuid: "7d1d4a2e-0e5f-4c3a-9d55-5d6e0a1b2c3d",
            ..Machine::new(grub, &text, &fixture("grubenv-fresh"), &programs)
        };
        let words = String::from_utf8(text).unwrap();
        for file in words
            .split_whitespace()
            .filter_map(|w| w.strip_prefix("/boot/"))
        {
            if file.starts_with("vmlinuz") || file.starts_with("init") {
                machine.put(&format!("boot/{file}"), "x");
            }
        }
        for version in ["5.14.0-427.el9.x86_64", "5.14.0-70.el9.x86_64"] {
            machine.put(&format!("boot/vmlinuz-{version}"), "x");
            machine.put(&format!("boot/initramfs-{version}.img"), "x");
            let entry = format!(
                "title Rocky Linux ({version}) 9\nversion {version}\nlinux /boot/vmlinuz-{version}\n\
                 initrd /boot/initramfs-{version}.img\noptions root=/dev/vda1 ro quiet\n\
                 grub_users $grub_users\ngrub_arg --unrestricted\ngrub_class kernel\n"
            );
            machine.put(
                &format!("boot/loader/entries/0123abcd-{version}.conf"),
                entry,
            );
        }
        let loader = &machine.loader;
        loader.check().unwrap();
        let custom = machine.grub("custom.cfg");
        assert_eq!(loader.file().unwrap(), custom, "{config}");
        let view = machine.view();
        let normal = view.normal(loader).unwrap();
        let former = loader.former().unwrap();
        for entry in [machine.entry(), machine.chained()] {
            machine.stage_as(&entry).unwrap();
            assert!(loader.remove(Some(&former)).is_empty(), "{config}");
            assert!(!custom.exists());
        }
        assert_eq!(loader.former().unwrap(), former);
        assert_eq!(view.normal(loader).unwrap(), normal);
        let error = view.confirm(&machine.entry(), &normal).unwrap_err();
        let error = error.to_string();
        assert!(
            error.contains("and not replant's entry"),
            "{config}: {error}"
        );
    }
}

/// The loader in a file: what is there instead, or for another boot.
#[test]
fn a_loader_that_grub_would_not_start_is_refused() {
    let machine = Machine::el7("el7-grub.cfg", "grubenv-fresh");
    let (view, loader, entry) = (machine.view(), &machine.loader, machine.chained());
    let normal = view.normal(loader).unwrap();
    machine.stage_as(&entry).unwrap();
    for name in boot_files() {
        machine.put(&format!("boot/{name}"), "x");
    }
    let judge = || view.confirm(&entry, &normal).map_err(|e| e.to_string());
    let sector = "boot/replant/stage1.bin";
    for bytes in [&loader::STAGE1[..511], &[0; 512]] {
        machine.put(sector, bytes);
        let error = judge().unwrap_err();
        assert!(error.contains("does not find replant's loader"), "{error}");
    }
    machine.put(sector, loader::STAGE1);
    judge().unwrap();
    let custom = machine.text("custom.cfg");
    for (from, to, words) in [
        (
            "chainloader /boot/replant",
            "chainloader /boot/other",
            "does not find",
        ),
        ("chainloader", "linux", "does not know the boot"),
        ("true:", "false:", "does not know the boot"),
    ] {
        machine.put("boot/other/stage1.bin", loader::STAGE1);
        let changed = custom.replacen(from, to, 1);
        assert_ne!(changed, custom);
        std::fs::write(machine.grub("custom.cfg"), changed).unwrap();
        let error = judge().unwrap_err();
        assert!(error.contains(words), "{from}: {error}");
    }
    // Chosen by hand it must not migrate either.
    let both = custom.replace("linux", "chainloader /boot/replant/stage1.bin\n#");
    std::fs::write(machine.grub("custom.cfg"), both).unwrap();
    let error = judge().unwrap_err();
    assert!(error.contains("chosen by hand"), "{error}");
}

/// Where a default by number means another entry once ours is in the menu.
#[test]
fn a_grub_that_would_start_something_else_is_refused() {
    let machine = Machine::el7("el7-rescue-grub.cfg", "grubenv-one");
    let path = machine.grub("grub.cfg");
    let text = machine.text("grub.cfg");
    let first = text.replace(
        "### BEGIN /etc/grub.d/10_linux ###\n",
        "source $prefix/custom.cfg\n### BEGIN /etc/grub.d/10_linux ###\n",
    );
    assert_ne!(first, text);
    std::fs::write(&path, first).unwrap();
    let before = machine.state();
    let error = machine.stage().unwrap_err();
    assert!(error.contains("after that boot it would start"), "{error}");
    assert!(error.contains("by its id"), "{error}");
    assert_eq!(machine.state(), before);

    // The same where the number was one too many before.
    let one_too_many = Machine::el7("el7-grub.cfg", "grubenv-one");
    let error = one_too_many.stage().unwrap_err();
    assert!(error.contains("after that boot it would start"), "{error}");

    // custom.cfg is named in a branch that GRUB does not take.
    let never = text.replace("if [ -f  ${config_directory}", "if [ -f /nowhere");
    assert_ne!(never, text);
    std::fs::write(&path, never).unwrap();
    let error = machine.stage().unwrap_err();
    assert!(error.contains("and not replant's entry"), "{error}");

    // A header that does not say when a choice was used up.
    std::fs::write(&path, text.replace("set boot_once=true", "true boot_once")).unwrap();
    machine.loader.check().unwrap();
    let error = machine.stage().unwrap_err();
    assert!(error.contains("does not know the boot"), "{error}");
}

#[test]
fn a_grubenv_that_grub_cannot_write_is_refused_before_anything_is_done() {
    for (grubenv, words) in [
        ("grubenv-full", "full"),
        ("grubenv-last-byte-lf-1024", "full"),
        ("grubenv-trailing-lf-1025", "1025 bytes"),
        ("grubenv-spaces-instead-of-hash", "damaged"),
        ("grubenv-crlf", "does not start with"),
    ] {
        let machine = Machine::el7("el7-grub.cfg", grubenv);
        let before = machine.state();
        let error = machine.loader.check().unwrap_err().to_string();
        assert!(error.contains(words), "{grubenv}: {error}");
        assert!(error.contains("grub-editenv FILE create"), "{error}");
        assert_eq!(machine.state(), before, "{grubenv}");
    }
}

/// What GRUB's own generators make of a /boot with these files; they look at
/// /boot itself, so another one is mounted there for them alone.
fn generated(files: &[&str]) -> String {
    let dir = tempfile::tempdir().unwrap();
    for name in files {
        let path = dir.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        // Empty ones are passed over.
        std::fs::write(path, "x").unwrap();
    }
    let mut report = String::new();
    for generator in ["10_linux", "20_linux_xen"] {
        let script = format!(
            "mount --bind {} /boot && exec sh /etc/grub.d/{generator}",
            dir.path().display()
        );
        let run = Command::new("unshare")
            .args(["-m", "sh", "-c", &script])
            .env("pkgdatadir", "/usr/share/grub")
            .env("GRUB_DEVICE", "/dev/vda1")
            .env("GRUB_DEVICE_BOOT", "/dev/vda1")
            .env("GRUB_DEVICE_UUID", "0de0")
            .output()
            .unwrap();
        assert!(run.status.success(), "{generator}: {run:?}");
        report += &String::from_utf8_lossy(&run.stdout);
        report += &String::from_utf8_lossy(&run.stderr);
    }
    report
}

#[test]
fn grub_mkconfig_takes_none_of_our_files_for_a_kernel() {
    testkit::needs!("root", "/etc/grub.d/20_linux_xen");
    let own = ["vmlinuz-6.1.0-9-amd64", "initrd.img-6.1.0-9-amd64"];
    let xen = ["xen-4.17-amd64.gz"];
    let [kernel, initramfs] = boot_files();
    let clean = generated(&[&own[..], &xen].concat());
    assert!(clean.contains("Linux 6.1.0-9-amd64"), "{clean}");
    // The names of the temporary directories are in it.
    let entries = |report: &str| -> Vec<String> {
        let lines = report.lines().filter(|l| l.contains("menuentry '"));
        lines.map(str::to_string).collect()
    };
    let staged = generated(&[&own[..], &xen, &[&kernel, &initramfs]].concat());
    assert_eq!(entries(&staged), entries(&clean));
    // So it was with the names of version 0.1.0.
    let before = generated(&[&own[..], &["vmlinuz-convert", "initramfs-convert.img"]].concat());
    assert!(before.contains("Loading Linux convert"), "{before}");
}
