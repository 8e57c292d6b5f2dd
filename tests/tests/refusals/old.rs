// SPDX-License-Identifier: MIT OR Apache-2.0
//! On the old system, before anything is staged.

use super::assert_says;
use harness::migration::{BOOT, Machine, unpack_package};
use harness::product::sh;
use harness::session::Session;
use std::time::Duration;

/// A package that somebody spoiled.
struct Spoilt {
    /// A shell command in the package's directory, whose files are links: a
    /// file is replaced, never written into.
    edit: String,
    /// What the line says: the thing, and what to do.
    words: &'static [&'static str],
}

fn spoilt() -> Vec<Spoilt> {
    let case = |edit: &str, words| Spoilt {
        edit: edit.into(),
        words,
    };
    let changed = |name: &str, at: u32| {
        format!(
            "cp {name} x && printf X | dd of=x bs=1 seek={at} conv=notrunc status=none && mv x {name}"
        )
    };
    vec![
        case(
            "rm migration.toml",
            &["/root/v has no migration.toml", "; unpack migration.tar.gz"],
        ),
        case(
            "rm va.tar.xz",
            &["/root/v has no va.tar.xz", "; unpack migration.tar.gz"],
        ),
        case(
            "head -c 1000000 va.tar.xz >x; mv x va.tar.xz",
            &["/root/v/va.tar.xz is cut: it has 1000000 bytes", "; copy"],
        ),
        case(
            "cp vmlinuz-convert x; echo >>x; mv x vmlinuz-convert",
            &["/root/v/vmlinuz-convert has more than the", "; copy"],
        ),
        case(
            "head -c 700 migration.toml >x; mv x migration.toml",
            &["migration.toml: ", "; make the package again"],
        ),
        Spoilt {
            edit: changed("va.sgdisk", 9000),
            words: &["/root/v/va.sgdisk is damaged: its SHA-256 is", "; copy"],
        },
        case(
            "sed -i 's/^kernels = .*/kernels = []/' migration.toml",
            &["va.tar.xz has no kernel", "; install one"],
        ),
        case(
            "sed -i 's/^fstab = true/fstab = false/' migration.toml",
            &["va.tar.xz has no /etc/fstab", "; write one"],
        ),
        case(
            // Of 4 GiB, all of them a hole.
            "truncate -s 4G x && mv x va.tar.xz && \
             sed -i '/\"va.tar.xz\"/{n;s/size = .*/size = 4294967296/}' migration.toml",
            &[
                "not enough memory: payload 4096 MiB + ",
                "MiB available; give the machine",
                "MiB more",
            ],
        ),
        Spoilt {
            edit: table_of_a_bigger_disk(),
            words: &["va.sgdisk does not fit the disk vda: ", "bigger"],
        },
        case(
            "sed -i '0,/^content_bytes = .*/s//content_bytes = 9000000000/' migration.toml",
            &[
                "the unpacked payload does not fit /: it needs ",
                "; use a bigger disk",
            ],
        ),
        case(
            "sed -i 's/^size = \"512MiB\"/size = \"20GiB\"/' migration.toml",
            &["VA", "; use a bigger disk"],
        ),
    ]
}

/// Puts the table of a disk of 20 GiB with one partition into a package.
fn table_of_a_bigger_disk() -> String {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let (disk, backup) = (dir.path().join("disk"), dir.path().join("va.sgdisk"));
    std::fs::File::create(&disk)
        .and_then(|f| f.set_len(20 << 30))
        .expect("a sparse file");
    let text = |path: &std::path::Path| path.to_str().expect("UTF-8").to_string();
    let words = ["-n1:1M:+2M", "-n2:3M:+512M", "-n3:515M:0", "-t3:8e00"];
    sh("sgdisk", &[&words[..], &[&text(&disk)]].concat());
    sh("sgdisk", &["-b", &text(&backup), &text(&disk)]);
    let bytes = sh(
        "sh",
        &["-c", &format!("gzip -9c {} | base64 -w0", text(&backup))],
    );
    format!(
        "echo {} | base64 -d | gunzip >x && mv x va.sgdisk && \
         sum=$(sha256sum <va.sgdisk) && size=$(stat -c %s va.sgdisk) && \
         sed -i \"/\\\"va.sgdisk\\\"/{{n;s/.*/size = $size/;n;s/.*/sha256 = \\\"${{sum%% *}}\\\"/}}\" migration.toml",
        bytes.trim()
    )
}

const LIMIT: Duration = Duration::from_secs(180);

/// The refusal's one line; nothing else may be said.
fn refused(session: &mut Session<'_>, command: &str, words: &[&str]) {
    let command = format!("({command}) >/run/said 2>&1; s=$?; cat /run/said; (exit $s)");
    let (said, status) = session.try_run(&command, LIMIT);
    assert_ne!(status, 0, "{command}: {said}");
    assert_eq!(said.lines().count(), 1, "{command}: {said}");
    assert!(said.starts_with("replant: "), "{command}: {said}");
    assert_says(&command, &said, words);
}

/// All that staging could have changed: what is there, what is newer than the
/// mark, and the contents of /boot, of which grub/ is told file by file.
fn state(session: &mut Session<'_>) -> String {
    session.run(
        "ls -d /etc/upd /boot/*-convert* 2>&1; \
         find /etc /boot /usr -xdev -newer /run/mark -not -path '/etc/lvm*'; \
         find /boot -type f | sort | xargs sha256sum | sha256sum; sha256sum /boot/grub/*.*; \
         cat /boot/grub/grubenv",
    )
}

/// Boots the old machine, tries all that must be refused, and leaves a staged
/// machine that is switched off.
pub fn refuses(machine: &Machine) {
    let mut running = machine.boot(true);
    let mut session = unpack_package(&running);
    // The kernel's own words would stand among the output.
    session.run("dmesg -n 1; cd /root; touch /run/mark; sync");
    let before = state(&mut session);
    assert!(before.contains("# GRUB Environment Block"), "{before}");

    let replant = "/root/package/replant";
    for Spoilt { edit, words } in spoilt() {
        session.run("rm -rf v; cp -al package v");
        session.run(&format!("cd v; {{ {edit}; }} && cd .."));
        refused(&mut session, &format!("{replant} check --package v"), words);
        let stage = "v/upgrade_to_tiny_system.sh --no-reboot";
        refused(&mut session, stage, words);
    }
    // Reading all of the payload takes its time: once is enough.
    session.run("rm -rf v; cp -al package v; cp v/va.tar.xz x");
    session.run("printf X | dd of=x bs=1 seek=50000000 conv=notrunc status=none; mv x v/va.tar.xz");
    let words = ["/root/v/va.tar.xz is damaged: its SHA-256 is", "; copy"];
    let stage = "v/upgrade_to_tiny_system.sh --no-reboot";
    refused(&mut session, stage, &words);
    session.run("rm -rf v");

    let check = format!("{replant} check --package package");
    a_group_of_the_new_name(&mut session, &check);
    a_root_on_two_disks(&mut session, &check);
    assert_eq!(state(&mut session), before, "something was changed");

    let said = session.run("package/upgrade_to_tiny_system.sh --no-reboot 2>&1");
    assert!(said.contains("staged: the next boot"), "{said}");
    session.run("ls /etc/upd/staged.toml /boot/vmlinuz-convert");
    session.send("systemctl poweroff");
    running.wait_exit(BOOT);
}

fn a_group_of_the_new_name(session: &mut Session<'_>, check: &str) {
    session.run("vgchange -qan stay; vgrename -q stay VA");
    let words = [
        "a volume group \"VA\" already exists on /dev/vdb",
        "; rename it (vgrename VA NEWNAME)",
    ];
    refused(session, check, &words);
    // What it says helps.
    session.run("vgrename -q VA stay");
    let said = session.run(&format!("{check} 2>&1"));
    assert!(said.contains("can be migrated"), "{said}");
}

fn a_root_on_two_disks(session: &mut Session<'_>, check: &str) {
    session.run("vgremove -qfy stay; vgextend -q old-vg /dev/vdb");
    session.run("lvextend -q -L +64M old-vg/root /dev/vdb");
    let words = ["lies on 2 disks (vda, vdb)", "; replant needs"];
    refused(session, check, &words);
    session.run("lvreduce -qfy -L -64M old-vg/root; vgreduce -q old-vg /dev/vdb");
    session.run("pvremove -qy /dev/vdb");
}
