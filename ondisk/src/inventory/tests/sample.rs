// SPDX-License-Identifier: MIT OR Apache-2.0
//! A payload, and what is said of it.

use super::*;

pub const UUID: &str = "11111111-2222-3333-4444-555555555555";

/// A payload, member by member.
#[derive(Clone)]
pub struct Sample(pub Vec<(Entry, Vec<u8>)>);

/// A member with nothing special.
pub fn entry(path: &str, kind: Kind, mode: u32) -> Entry {
    Entry {
        path: path.into(),
        kind,
        mode,
        uid: 0,
        gid: 0,
        mtime: Time::default(),
        atime: None,
        xattrs: Vec::new(),
        offset: 0,
    }
}

pub fn link(target: &str) -> Kind {
    let target = target.into();
    Kind::Symlink { target }
}

pub fn hard(target: &str) -> Kind {
    let target = target.into();
    Kind::HardLink { target }
}

/// The head of an ELF program with this interpreter.
pub fn elf(interpreter: &str) -> Vec<u8> {
    let mut bytes = vec![0; 64 + 56];
    bytes[..6].copy_from_slice(b"\x7fELF\x02\x01");
    bytes[18] = 62;
    bytes[32] = 64;
    bytes[54] = 56;
    bytes[56] = 1;
    bytes[64] = 3;
    bytes[72] = 120;
    bytes[96] = interpreter.len() as u8 + 1;
    bytes.extend(interpreter.bytes());
    bytes.push(0);
    bytes
}

impl Sample {
    /// A system of Debian's kind that lacks nothing.
    pub fn new() -> Sample {
        let mut sample = Sample(Vec::new());
        for path in ["", "dev", "proc", "run", "sys", "data", "boot", "var/tmp"] {
            sample.add(path, Kind::Directory, 0o755, b"");
        }
        for (path, target) in [
            ("bin", "usr/bin"),
            ("sbin", "usr/sbin"),
            ("lib", "usr/lib"),
            ("lib64", "usr/lib64"),
            ("usr/bin/sh", "dash"),
        ] {
            sample.add(path, link(target), 0o777, b"");
        }
        let loader = "/lib64/ld-linux-x86-64.so.2";
        sample.file("usr/lib64/ld-linux-x86-64.so.2", 0o755, b"\x7fELF");
        for path in [
            "usr/bin/dash",
            "usr/sbin/grub-install",
            "usr/sbin/grub-probe",
            "usr/sbin/lvm",
        ] {
            sample.file(path, 0o755, &elf(loader));
        }
        for path in [
            "usr/sbin/grub-mkconfig",
            "usr/sbin/update-grub",
            "usr/sbin/update-initramfs",
            "usr/sbin/mkinitramfs",
            "etc/grub.d/10_linux",
        ] {
            sample.file(path, 0o755, b"#!/bin/sh\nset -e\n");
        }
        for name in boot_modules() {
            sample.file(&format!("usr/lib/grub/i386-pc/{name}"), 0o644, b"x");
        }
        for path in [
            "usr/share/grub/grub-mkconfig_lib",
            "boot/vmlinuz-6.1.0-9",
            "boot/vmlinuz-6.1.0-10",
            "boot/vmlinuz-0-rescue-abc",
            "usr/lib/modules/6.1.0-9/modules.dep",
            "usr/lib/modules/6.1.0-10/kernel/fs/ext4.ko.xz",
        ] {
            sample.file(path, 0o644, b"x");
        }
        sample.file("etc/fstab", 0o644, b"/dev/VA/root / ext4\n");
        sample.file("etc/passwd", 0o644, b"root:x:0:0::/root:/bin/sh\n");
        sample.file("etc/group", 0o644, b"root:x:0:\n");
        sample.add("usr/sbin/init", link("/lib/systemd/systemd"), 0o777, b"");
        sample.file("usr/lib/systemd/systemd", 0o755, &elf(loader));
        sample.file("etc/default/grub", 0o644, b"GRUB_CMDLINE_LINUX=quiet\n");
        sample
    }

    pub fn add(&mut self, path: &str, kind: Kind, mode: u32, content: &[u8]) {
        self.0.push((entry(path, kind, mode), content.to_vec()));
    }

    pub fn file(&mut self, path: &str, mode: u32, content: &[u8]) {
        let kind = Kind::File {
            size: content.len() as u64,
            sparse: None,
        };
        self.add(path, kind, mode, content);
    }

    pub fn remove(&mut self, path: &str) {
        let before = self.0.len();
        self.0
            .retain(|(entry, _)| !is_inside(&entry.path, path.as_bytes()));
        assert!(self.0.len() < before, "{path}");
    }

    pub fn last(&mut self) -> &mut Entry {
        &mut self.0.last_mut().unwrap().0
    }

    pub fn found_for(&self, target: Target) -> Report {
        let mut inventory = Inventory::new(target);
        for (entry, content) in &self.0 {
            inventory.event(&Event::from(entry.clone()));
            // In two pieces.
            let (one, two) = content.split_at(content.len() / 2);
            for (offset, bytes) in [(0, one), (one.len() as u64, two)] {
                if !bytes.is_empty() {
                    inventory.event(&Event::Data { offset, bytes });
                }
            }
            inventory.event(&Event::EntryEnd);
        }
        inventory.event(&Event::End);
        inventory.finish()
    }

    pub fn found(&self) -> Report {
        self.found_for(target())
    }
}

pub fn boot_modules() -> impl Iterator<Item = &'static str> {
    let names = "boot.img diskboot.img kernel.img lzma_decompress.img moddep.lst biosdisk.mod \
                 part_gpt.mod ext2.mod lvm.mod";
    names.split_whitespace()
}

/// `/` and `/data` on volumes, `/boot` on a partition.
pub fn target() -> Target {
    let filesystem = |device, mount| Filesystem {
        uuid: Some(UUID.into()),
        ..Filesystem::new(device, mount)
    };
    Target {
        boot: Boot::default(),
        hooks: Hooks::default(),
        volume_groups: Vec::new(),
        filesystems: vec![
            filesystem("VA/root", "/"),
            filesystem("partition 2", "/boot"),
            filesystem("VA/data", "/data"),
        ],
    }
}

/// What is said when this is done to a payload that lacks nothing.
pub fn refused(change: impl Fn(&mut Sample)) -> Vec<String> {
    let mut sample = Sample::new();
    change(&mut sample);
    let found = sample.found();
    found.refusals.iter().map(Finding::to_string).collect()
}

/// One refusal, which says all of this and what to do.
pub fn refuses(words: &[&str], change: impl Fn(&mut Sample)) {
    let message = refused(change);
    assert_eq!(message.len(), 1, "{words:?}: {message:?}");
    for word in words {
        assert!(message[0].contains(word), "{word}: {message:?}");
    }
    assert!(
        message[0].contains("; ") && !message[0].contains('\n'),
        "{message:?}"
    );
}
