// SPDX-License-Identifier: MIT OR Apache-2.0
//! Programs of the boot step.

use super::*;

#[test]
fn programs_of_the_boot_step() {
    for path in [
        "usr/sbin/grub-install",
        "usr/sbin/update-initramfs",
        "usr/sbin/mkinitramfs",
        "usr/sbin/grub-mkconfig",
        "usr/sbin/grub-probe",
        "usr/sbin/lvm",
        "etc/grub.d/10_linux",
        "usr/share/grub/grub-mkconfig_lib",
        "usr/lib/grub/i386-pc",
        "usr/lib/grub/i386-pc/ext2.mod",
        "var/tmp",
        "etc/fstab",
        "etc/passwd",
        "etc/group",
    ] {
        let name = path.strip_prefix("usr/sbin/").unwrap_or(path);
        // Without grub-install the others have no name to be missed by.
        let name = if name == "update-initramfs" {
            "dracut"
        } else {
            name
        };
        refuses(&[name], |s| s.remove(path));
    }
    refuses(
        &["sbin/init is missing or may not be executed, which the kernel"],
        |s| {
            s.remove("usr/sbin/init");
        },
    );
    refuses(
        &["sbin/init cannot be started", "sbin/init is missing"],
        |s| s.remove("usr/lib/systemd/systemd"),
    );
    // What stands there is called, and must be a program.
    refuses(&["update-grub is missing or may not be executed"], |s| {
        s.file("usr/sbin/update-grub", 0o644, b"#!/bin/sh\n");
    });
    // Without update-grub it is called by its own name.
    assert!(refused(|s| s.remove("usr/sbin/update-grub")).is_empty());
    for (path, what) in [
        ("usr/bin/sh", "needs /bin/sh, and /bin/sh is missing"),
        ("usr/bin/dash", "needs /bin/sh, and /bin/sh is missing"),
        (
            "usr/lib64/ld-linux-x86-64.so.2",
            "needs /lib64/ld-linux-x86-64.so.2, and that is missing",
        ),
    ] {
        let message = refused(|s| s.remove(path));
        assert!(
            message.len() >= 4 && message.iter().all(|t| t.contains(what)),
            "{path}: {message:?}"
        );
    }
    let replaced = |content: &'static [u8], mode: u32| {
        move |s: &mut Sample| s.file("usr/sbin/grub-probe", mode, content)
    };
    refuses(
        &[
            "grub-probe",
            "for another kind of processor (ELF class 2, machine 183)",
        ],
        |s| {
            let mut arm = elf("/lib/ld-linux-aarch64.so.1");
            arm[18] = 183;
            s.file("usr/sbin/grub-probe", 0o755, &arm);
        },
    );
    refuses(
        &["grub-probe is missing or may not be executed"],
        replaced(b"#!/bin/sh\n", 0o644),
    );
    refuses(
        &["neither an ELF program nor a script"],
        replaced(b"echo\n", 0o755),
    );
    refuses(
        &["needs /bin/sh\\r, and /bin/sh\\r is missing"],
        replaced(b"#!/bin/sh\r\n", 0o755),
    );
    refuses(&["needs perl, and that is missing"], |s| {
        s.file("usr/bin/env", 0o755, b"\x7fELF\x02\x01");
        s.file("usr/bin/env", 0o755, &elf("/lib64/ld-linux-x86-64.so.2"));
        s.file("usr/sbin/grub-probe", 0o755, b"#!/usr/bin/env perl\n");
    });
    refuses(
        &["too many interpreters"],
        replaced(b"#!/usr/sbin/grub-probe\n", 0o755),
    );
    // By a hard link, it is the same program.
    let message = refused(|s| {
        s.add("usr/sbin/grub-probe", hard("usr/sbin/lvm"), 0o755, b"");
    });
    assert!(message.is_empty(), "{message:?}");
}

#[test]
fn commands_of_the_package_replace_the_programs() {
    let mut sample = Sample::new();
    for path in [
        "usr/sbin/grub-install",
        "usr/sbin/update-initramfs",
        "usr/lib/grub",
        "etc/grub.d",
    ] {
        sample.remove(path);
    }
    let message = |words: &[&str]| {
        let mut target = target();
        target.boot.commands = vec![words.iter().map(|w| w.to_string()).collect()];
        sample.found_for(target).refusals.to_string()
    };
    assert_eq!(message(&["/sbin/grub-probe", "x"]), "nothing");
    assert_eq!(message(&["sh", "-c", "x"]), "nothing");
    assert!(
        message(&["setup"])
            .starts_with("setup is missing or may not be executed, which [boot] commands names; ")
    );
    assert!(message(&["/sbin/setup"]).starts_with("sbin/setup cannot be started"));
}

#[test]
fn programs_of_the_migration_must_be_there() {
    let message = |program: &str| {
        let mut target = target();
        target.hooks.after_identity = vec![vec![program.to_owned(), "x".into()]];
        Sample::new().found_for(target).refusals.to_string()
    };
    assert_eq!(message("/sbin/grub-probe"), "nothing");
    let missing = message("/opt/app/convert");
    assert!(
        missing
            .starts_with("opt/app/convert cannot be started, which [hooks] after_identity names"),
        "{missing}"
    );
}
