// SPDX-License-Identifier: MIT OR Apache-2.0
//! EL's menu of boot entries.

use super::*;

/// As of EL 9, in what matters.
const SCRIPT: &str = "#!/bin/sh\nif [ -z \"${GRUB_ENABLE_BLSCFG}\" ] && ! command -v new-kernel-pkg\n\
    if [ \"x${GRUB_ENABLE_BLSCFG}\" = \"xtrue\" ]; then\ninsmod blscfg\nblscfg\n";
const NEWEST: (&str, &str) = (
    "m-6.1.0-10.conf",
    "title new\nversion 6.1.0-10\nlinux /vmlinuz-6.1.0-10\n\
     initrd /initramfs-6.1.0-10.img $tuned_initrd\noptions root=/dev/mapper/VA-root ro\n",
);
const RESCUE: (&str, &str) = (
    "m-0-rescue.conf",
    "title rescue\nversion 0-rescue-abc\nlinux /vmlinuz-0-rescue-abc\n\
     initrd /initramfs-0-rescue-abc.img\noptions root=/dev/mapper/VA-root ro\n",
);
/// Of a kernel that is not there any more.
const GONE: (&str, &str) = (
    "m-6.9.conf",
    "title gone\nversion 6.9\nlinux /vmlinuz-6.9\ninitrd /initramfs-6.9.img\n",
);

fn el9(entries: &[(&str, &str)]) -> Sample {
    let mut sample = red_hat();
    for (path, text) in [
        ("etc/default/grub", "GRUB_DEFAULT=saved\n"),
        (
            "etc/os-release",
            "ID=rocky\nID_LIKE=\"rhel centos\"\nVERSION_ID=\"9.4\"\n",
        ),
        ("boot/initramfs-0-rescue-abc.img", "x"),
    ] {
        sample.file(path, 0o644, text.as_bytes());
    }
    sample.file("etc/grub.d/10_linux", 0o755, SCRIPT.as_bytes());
    for (name, text) in entries {
        let path = format!("boot/loader/entries/{name}");
        sample.file(&path, 0o644, text.as_bytes());
    }
    sample
}

fn findings(entries: &[(&str, &str)]) -> String {
    el9(entries).found().refusals.to_string()
}

#[test]
fn an_entry_starts_a_kernel_of_the_payload() {
    assert_eq!(findings(&[RESCUE, NEWEST]), "nothing");
    let none = findings(&[]);
    assert!(
        none.starts_with("boot/loader/entries would not start the new system: has no entry")
            && none.contains("; make an entry for each kernel"),
        "{none}"
    );
    let only = findings(&[RESCUE]);
    assert!(
        only.starts_with("boot/loader/entries has no entry that starts 6.1.0-10 or 6.1.0-9; "),
        "{only}"
    );
}

#[test]
fn the_first_entry_has_its_files() {
    let gone = findings(&[GONE, NEWEST]);
    assert!(
        gone.contains("\"gone\" wants (/boot)/vmlinuz-6.9, which does not exist"),
        "{gone}"
    );
    // As an initramfs is made for each kernel, only another one is missing.
    let (name, text) = NEWEST;
    let other = text.replace("/initramfs-6.1.0-10.img", "/initramfs-old.img");
    let other = findings(&[(name, &other)]);
    assert!(
        other.contains("initramfs-old.img, which does not"),
        "{other}"
    );
    // A later one may be broken: GRUB starts the first one.
    let later = GONE.1.replace("6.9", "5.9");
    assert_eq!(findings(&[NEWEST, ("m-5.9.conf", &later)]), "nothing");
}

#[test]
fn the_entry_that_was_chosen_is_the_first_one() {
    let environment = |saved: &str| {
        let text = format!("# GRUB Environment Block\nsaved_entry={saved}\n");
        format!("{text:#<1024}")
    };
    let later = GONE.1.replace("6.9", "5.9");
    let mut sample = el9(&[NEWEST, ("m-5.9.conf", &later)]);
    let path = "boot/grub2/grubenv";
    sample.file(path, 0o644, environment("m-5.9").as_bytes());
    let refused = sample.found().refusals.to_string();
    assert!(refused.contains("wants (/boot)/vmlinuz-5.9"), "{refused}");
    sample.file(path, 0o644, environment("m-6.1.0-10").as_bytes());
    assert_eq!(sample.found().refusals.to_string(), "nothing");
}

#[test]
fn paths_begin_at_the_file_system_that_holds_boot() {
    let inside = NEWEST.1.replace(" /", " /boot/").replace("=/boot/", "=/");
    let entry = [(NEWEST.0, inside.as_str())];
    let refused = findings(&entry);
    assert!(
        refused.contains("wants (/boot)/boot/vmlinuz-6.1.0-10, which does not exist"),
        "{refused}"
    );
    let mut whole = target();
    whole.filesystems.remove(1);
    let found = el9(&entry).found_for(whole.clone());
    assert_eq!(found.refusals.to_string(), "nothing");
    // Not everybody's /boot has the link to itself that makes both right.
    let refused = el9(&[NEWEST]).found_for(whole).refusals.to_string();
    assert!(refused.contains("wants (/)/vmlinuz-6.1.0-10"), "{refused}");
    let mut sample = el9(&entry);
    sample.add("boot/boot", link("."), 0o777, b"");
    assert_eq!(sample.found().refusals.to_string(), "nothing");
}

#[test]
fn entries_that_cannot_be_looked_at() {
    let mut sample = el9(&[NEWEST]);
    let path = "boot/loader/entries/m-6.9.conf";
    sample.add(path, link("../x"), 0o777, b"");
    let refused = sample.found().refusals.to_string();
    assert!(refused.starts_with("boot/loader/entries/m-6.9.conf is a symbolic link, and"));
    let hangs = findings(&[NEWEST, ("x.conf.y.conf", "title x\n")]);
    assert!(hangs.contains("GRUB hangs"), "{hangs}");
}

#[test]
fn entries_that_grub_does_not_use() {
    let says = |change: &dyn Fn(&mut Sample)| {
        let mut sample = el9(&[]);
        change(&mut sample);
        sample.found().refusals.to_string()
    };
    let grub = |text: &'static str| {
        move |s: &mut Sample| s.file("etc/default/grub", 0o644, text.as_bytes())
    };
    assert_eq!(says(&grub("GRUB_ENABLE_BLSCFG=false\n")), "nothing");
    assert_ne!(says(&grub("GRUB_ENABLE_BLSCFG=true\n")), "nothing");
    let old = |s: &mut Sample| s.file("usr/sbin/new-kernel-pkg", 0o755, b"#!/bin/bash\n");
    assert_eq!(says(&old), "nothing");
    // A script that knows no entries.
    let el7 = |s: &mut Sample| {
        s.file("etc/default/grub", 0o644, b"GRUB_ENABLE_BLSCFG=true\n");
        s.file("etc/grub.d/10_linux", 0o755, b"#!/bin/sh\n");
    };
    assert_eq!(says(&el7), "nothing");
    // Commands of the package may make entries.
    let mut target = target();
    target.boot.commands = vec![vec!["sh".into()]];
    let found = el9(&[]).found_for(target);
    assert_eq!(found.refusals.to_string(), "nothing");
}
