// SPDX-License-Identifier: MIT OR Apache-2.0
//! Payloads of a few members, each with something wrong.

mod demands;
mod entries;
mod identity;
mod kernels;
mod members;
mod programs;
mod sample;

use super::*;
use crate::pax::{Time, Xattr};
use sample::*;

#[test]
fn a_payload_that_lacks_nothing() {
    let sample = Sample::new();
    let found = sample.found();
    assert_eq!(found.refusals.to_string(), "nothing");
    assert_eq!(found.warnings.to_string(), "nothing");
    let payload = &found.facts.payload;
    assert_eq!(payload.kernels, ["6.1.0-10", "6.1.0-9"]);
    assert_eq!(payload.entries, sample.0.len() as u64);
    assert_eq!(payload.grub_install, "/usr/sbin/grub-install");
    assert_eq!(payload.initramfs_tool, "/usr/sbin/update-initramfs");
    assert!(payload.fstab);
    let content = &found.facts.content;
    let line = |c: &Content| (c.mount.clone(), c.bytes, c.entries, c.block);
    assert_eq!(line(&content[1]), ("/boot".into(), 4 * 4096, 4, 1024));
    assert_eq!(line(&content[2]), ("/data".into(), 4096, 1, 1024));
    assert_eq!(
        content.iter().map(|c| c.entries).sum::<u64>(),
        payload.entries
    );
    let texts = &found.texts;
    assert_eq!(texts.get("etc/fstab"), Some("/dev/VA/root / ext4\n"));
    assert_eq!(texts.iter().count(), 3);
    assert_eq!(texts.inside("etc/default").count(), 1);
    // A GRUB that reads no volume needs no module for it.
    let mut small = sample.clone();
    small.remove("usr/lib/grub/i386-pc/lvm.mod");
    assert!(small.found().refusals.is_empty());
}

/// A system of Red Hat's kind that lacks nothing.
fn red_hat() -> Sample {
    let mut sample = Sample::new();
    for path in [
        "usr/sbin/update-grub",
        "usr/sbin/update-initramfs",
        "usr/sbin/mkinitramfs",
    ] {
        sample.remove(path);
    }
    for name in ["install", "mkconfig", "probe"] {
        let path = format!("usr/sbin/grub-{name}");
        let at = sample
            .0
            .iter()
            .position(|(e, _)| e.path == path.as_bytes())
            .unwrap();
        sample.0[at].0.path = format!("usr/sbin/grub2-{name}").into();
    }
    sample.file("usr/bin/bash", 0o755, &elf("/lib64/ld-linux-x86-64.so.2"));
    sample.file("usr/bin/dracut", 0o755, b"#!/bin/bash --norc\n");
    sample
}

#[test]
fn a_red_hat_that_lacks_nothing() {
    let mut sample = red_hat();
    let found = sample.found();
    assert_eq!(found.refusals.to_string(), "nothing");
    assert_eq!(found.facts.payload.grub_install, "/usr/sbin/grub2-install");
    assert_eq!(found.facts.payload.initramfs_tool, "/usr/bin/dracut");
    sample.remove("usr/bin/bash");
    assert_eq!(
        sample.found().refusals.to_string(),
        "usr/bin/dracut cannot be started, which makes the initramfs: usr/bin/dracut needs \
         /bin/bash, and /bin/bash is missing; mend that in the new system and capture it again"
    );
}

#[test]
fn texts_behind_links_are_reported() {
    let mut sample = Sample::new();
    sample.add("etc/kernel/cmdline", link("../cmdline"), 0o777, b"");
    sample.add(
        "etc/default/grub.d/x.cfg",
        hard("etc/default/grub"),
        0o644,
        b"",
    );
    sample.file("etc/dracut.conf", 0o644, &[b'#'; (1 << 20) + 1]);
    sample.add("boot/grub/grub.cfg", link("../x"), 0o777, b"");
    let found = sample.found();
    assert_eq!(found.refusals.to_string(), "nothing");
    assert_eq!(
        found.texts.get("etc/default/grub.d/x.cfg"),
        Some("GRUB_CMDLINE_LINUX=quiet\n")
    );
    let message: Vec<_> = found.warnings.iter().map(Finding::to_string).collect();
    assert_eq!(message.len(), 2, "{message:?}");
    assert!(
        message[0].starts_with("etc/dracut.conf is too long"),
        "{message:?}"
    );
    assert!(
        message[1].starts_with("etc/kernel/cmdline is a symbolic link: "),
        "{message:?}"
    );
    refuses(&["etc/fstab is a symbolic link, and must be a file"], |s| {
        s.add("etc/fstab", link("x"), 0o777, b"");
    });
    // Of several members of one name, the last one counts.
    sample.file("etc/fstab", 0o644, b"tmpfs /tmp tmpfs\n");
    assert_eq!(
        sample.found().texts.get("etc/fstab"),
        Some("tmpfs /tmp tmpfs\n")
    );
}

#[test]
fn a_manifest_that_says_something_else_is_reported() {
    let facts = Sample::new().found().facts;
    let text = include_str!("../../../tests/fixtures/manifest/migration.toml");
    let mut manifest = Manifest::parse(text).unwrap();
    manifest.payload = facts.payload.clone();
    manifest.filesystems = target().filesystems;
    for (filesystem, content) in manifest.filesystems.iter_mut().zip(&facts.content) {
        filesystem.content_bytes = content.bytes;
        filesystem.content_entries = content.entries;
    }
    facts.agree(&manifest).unwrap();
    let differs = |words: &str, change: &dyn Fn(&mut Manifest)| {
        let mut manifest = manifest.clone();
        change(&mut manifest);
        let message = facts.agree(&manifest).unwrap_err().to_string();
        assert!(message.contains(words), "{message}");
    };
    differs("has 1 members, and va.tar.xz has ", &|m| {
        m.payload.entries = 1
    });
    differs("has 7 bytes in its files", &|m| {
        m.payload.unpacked_bytes = 7
    });
    differs(
        "has the kernels 6.1.0-10, 6.1.0-9, 6.2, and va.tar.xz has the kernels 6.1.0-10, 6.1.0-9;",
        &|m| {
            m.payload.kernels.push("6.2".into());
        },
    );
    differs("no kernel", &|m| m.payload.kernels.clear());
    differs("no /etc/fstab", &|m| m.payload.fstab = false);
    differs("installs GRUB: none", &|m| m.payload.grub_install.clear());
    differs("/sbin/dracut, ", &|m| {
        m.payload.initramfs_tool = "/sbin/dracut".into()
    });
    differs("members on /data", &|m| {
        m.filesystems[2].content_entries += 1
    });
    differs("has 1 bytes and 4 members on /boot", &|m| {
        m.filesystems[1].content_bytes = 1
    });
    // As it is kept.
    let kept = crate::document::write(&facts).unwrap();
    assert_eq!(crate::document::read::<Facts>(&kept).unwrap(), facts);
}
