// SPDX-License-Identifier: MIT OR Apache-2.0
//! Kernels that a payload may have, and what each must have beside it.

use super::*;

#[test]
fn kernels_have_modules() {
    refuses(
        &["boot/vmlinuz-6.1.bak has no modules (lib/modules/6.1.bak)"],
        |s| {
            s.file("boot/vmlinuz-6.1.bak", 0o644, b"x");
        },
    );
    refuses(&["boot/vmlinuz-6.1.0-10.old has no modules"], |s| {
        s.add(
            "boot/vmlinuz-6.1.0-10.old",
            hard("boot/vmlinuz-6.1.0-10"),
            0o644,
            b"",
        );
    });
    refuses(
        &[
            "boot/vmlinuz-convert is replant's own kernel",
            "replant revert",
        ],
        |s| {
            s.file("boot/vmlinuz-convert", 0o644, b"x");
        },
    );
    // A directory without modules is left when a kernel is removed.
    refuses(&["boot/vmlinuz-5.10 has no modules"], |s| {
        s.file("boot/vmlinuz-5.10", 0o644, b"x");
        s.file("usr/lib/modules/5.10/modules.softdep", 0o644, b"x");
    });
    let message = refused(|s| s.remove("usr/lib/modules"));
    assert_eq!(message.len(), 3, "{message:?}");
    assert!(
        message[2].starts_with("boot has no kernel: "),
        "{message:?}"
    );
}

/// 10_linux, each time for one image that is no kernel of its own.
#[test]
fn what_grub_takes_for_a_kernel_is_refused() {
    for target in ["vmlinuz-6.1.0-9", "/boot/vmlinuz-6.1.0-9", "/vmlinuz.old"] {
        refuses(&["boot/vmlinuz-link is a link, which GRUB would"], |s| {
            s.file("vmlinuz.old", 0o644, b"x");
            s.add("boot/vmlinuz-link", link(target), 0o777, b"");
        });
    }
    for path in ["boot/kernel-9.9", "vmlinuz-9.9", "vmlinuz-6.1.0-9"] {
        refuses(&[path, "would be taken by GRUB for a kernel"], |s| {
            s.file(path, 0o644, b"x");
        });
    }
    refuses(&["vmlinuz-link would be taken by GRUB"], |s| {
        s.add("vmlinuz-link", link("boot/vmlinuz-6.1.0-9"), 0o777, b"");
    });
    // Not one of EL's rescue images, which are older than any kernel.
    refuses(&["boot/vmlinuz-rescue has no modules"], |s| {
        s.file("boot/vmlinuz-rescue", 0o644, b"x");
    });
    refuses(&["boot/vmlinuz-6.2~ has no modules"], |s| {
        s.file("boot/vmlinuz-6.2~", 0o644, b"x");
    });
    refuses(&["boot/vmlinuz-6.2.sig has no modules"], |s| {
        s.file("boot/vmlinuz-6.2.sig", 0o644, b"x");
        let text = b"ID=centos\nVERSION_ID=\"7\"\n";
        s.file("usr/lib/os-release", 0o644, text);
        s.add("etc/os-release", link("../usr/lib/os-release"), 0o777, b"");
    });
    // 10_linux makes 6.2 of it, and would look for initrd.img-6.2.
    refuses(&["boot/vmlinuz-own-6.2 is 6.2 to GRUB"], |s| {
        s.file("boot/vmlinuz-own-6.2", 0o644, b"x");
        s.file("usr/lib/modules/own-6.2/modules.dep", 0o644, b"x");
    });
}

#[test]
fn a_kernel_may_be_a_link_that_grub_can_follow() {
    let mut sample = Sample::new();
    sample.remove("boot/vmlinuz-6.1.0-9");
    sample.file("boot/images/9", 0o644, b"x");
    let with = |target: &str| {
        let mut sample = sample.clone();
        sample.add("boot/vmlinuz-6.1.0-9", link(target), 0o777, b"");
        let found = sample.found();
        match found.refusals.is_empty() {
            true => format!("{:?}", found.facts.payload.kernels),
            false => found.refusals.to_string(),
        }
    };
    assert_eq!(with("images/9"), "[\"6.1.0-10\", \"6.1.0-9\"]");
    // To GRUB, /boot is the root of its file system.
    for target in ["/boot/images/9", "../usr/bin/dash"] {
        let message = with(target);
        assert!(message.contains("is a link that leads out of"), "{message}");
    }
    // What leads nowhere is none.
    assert_eq!(with("/images/9"), "[\"6.1.0-10\"]");
    let mut target = target();
    target.filesystems.remove(1);
    sample.add("boot/vmlinuz-6.1.0-9", link("/boot/images/9"), 0o777, b"");
    let found = sample.found_for(target);
    assert_eq!(found.facts.payload.kernels.len(), 2);
}

#[test]
fn what_grub_leaves_out_is_no_kernel() {
    let mut sample = Sample::new();
    for name in [
        "boot/vmlinuz-5.10.rpmsave",
        "boot/vmlinuz-5.10.dpkg-bak",
        "boot/vmlinuz-5.10.sig",
        "boot/vmlinuz-5.10.efi.signed",
        "boot/old/vmlinuz-5.10",
        "vmlinuz.old",
    ] {
        sample.file(name, 0o644, b"x");
    }
    for (name, target) in [
        ("boot/vmlinuz-gone", "vmlinuz-5.4"),
        ("boot/vmlinuz-loop", "vmlinuz-loop"),
        ("boot/vmlinuz-place", "."),
        ("vmlinuz", "boot/vmlinuz-6.1.0-9"),
    ] {
        sample.add(name, link(target), 0o777, b"");
    }
    let found = sample.found();
    assert_eq!(found.refusals.to_string(), "nothing");
    assert_eq!(found.facts.payload.kernels.len(), 2);
}
