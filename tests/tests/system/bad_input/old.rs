// SPDX-License-Identifier: MIT OR Apache-2.0
//! On the old system, before anything is staged.

use super::assert_says;
use harness::migration::{BOOT, Machine, unpack_package};
use harness::session::Session;
use std::time::Duration;
use testkit::tool;

/// A package that somebody spoiled.
struct Damaged {
    /// A shell command in the package's directory, whose files are links: a
    /// file is replaced, never written into.
    edit: String,
    /// What the line says: the thing, and what to do.
    words: &'static [&'static str],
}

fn damaged() -> Vec<Damaged> {
    let case = |edit: &str, words| Damaged {
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
            &[
                "migration.toml is not as replant-pack wrote it",
                "; unpack migration.tar.gz again",
            ],
        ),
        Damaged {
            edit: changed("va.sgdisk", 9000),
            words: &["/root/v/va.sgdisk is damaged: its SHA-256 is", "; copy"],
        },
        // One character of a UUID.
        case(
            "sed -i '0,/^uuid = \"[0-9a-e]/s//uuid = \"f/' migration.toml",
            &[
                "migration.toml is not as replant-pack wrote it",
                "; unpack migration.tar.gz again",
            ],
        ),
        case(
            "head -c 3000000 /dev/urandom >x; mv x va.tar.xz; sums va.tar.xz",
            &["/root/v/va.tar.xz is ", "not an xz archive; compress"],
        ),
        Damaged {
            edit: small_payload(),
            words: &["va.tar.xz: boot/vmlinuz-6.1.bak has no modules (lib/modules/6.1.bak)"],
        },
        case(
            "sed -i '0,/^entries = .*/s//entries = 100/' migration.toml; seal",
            &["says that the payload has 100 members, and va.tar.xz has more;"],
        ),
        case(
            "sed -i 's/^kernels = .*/kernels = []/' migration.toml; seal",
            &["va.tar.xz has no kernel", "; install one"],
        ),
        case(
            "sed -i 's/^fstab = true/fstab = false/' migration.toml; seal",
            &["va.tar.xz has no /etc/fstab", "; write one"],
        ),
        case(
            // Of 5 GiB, all of them a hole; the disk has no room for a copy, so
            // it would have to go to RAM.
            "truncate -s 5G x && mv x va.tar.xz && \
             sed -i '/\"va.tar.xz\"/{n;s/size = .*/size = 5368709120/}' migration.toml && seal",
            &[
                "not enough memory: payload 5120 MiB + ",
                "MiB available; give the machine",
                "MiB more",
            ],
        ),
        Damaged {
            edit: table_of_a_bigger_disk(),
            words: &["va.sgdisk does not fit the disk vda: ", "bigger"],
        },
        case(
            "sed -i '0,/^content_bytes = .*/s//content_bytes = 9000000000/' migration.toml; seal",
            &[
                "the unpacked payload does not fit /: it needs ",
                "; use a bigger disk",
            ],
        ),
        case(
            "sed -i 's/^size = \"512MiB\"/size = \"20GiB\"/' migration.toml; seal",
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
    tool("sgdisk", &[&words[..], &[&text(&disk)]].concat());
    tool("sgdisk", &["-b", &text(&backup), &text(&disk)]);
    let bytes = tool(
        "sh",
        &["-c", &format!("gzip -9c {} | base64 -w0", text(&backup))],
    );
    format!(
        "echo {} | base64 -d | gunzip >x && mv x va.sgdisk && sums va.sgdisk",
        bytes.trim()
    )
}

/// Puts a payload into a package that has a kernel without modules and not
/// much else.
fn small_payload() -> String {
    let script =
        "cd \"$(mktemp -d)\"; mkdir boot etc; echo x >boot/vmlinuz-6.1.bak; echo x >etc/fstab
                  tar -cJ . | base64 -w0; rm -r \"$PWD\"";
    let bytes = tool("sh", &["-ec", script]);
    format!("echo {bytes} | base64 -d >x && mv x va.tar.xz && sums va.tar.xz")
}

/// What whoever changes a package on purpose has: the manifest's own sum, and
/// those of a file.
const SUMS: &str = r##"
seal() { head -n -1 migration.toml >m; s=$(sha256sum <m); echo "# sha256 = ${s%% *}" >>m; mv m migration.toml; }
sums() { s=$(sha256sum <$1); sed -i "/\"$1\"/{n;s/.*/size = $(stat -c %s $1)/;n;s/.*/sha256 = \"${s%% *}\"/}" migration.toml; seal; }"##;

const LIMIT: Duration = Duration::from_secs(180);

/// Refused with a row that says all these words.
fn refused(session: &mut Session<'_>, command: &str, words: &[&str]) {
    let command = format!("({command}) >/run/said 2>&1; s=$?; cat /run/said; (exit $s)");
    let (said, status) = session.try_run(&command, LIMIT);
    assert_eq!(status, 2, "{command}: {said}");
    // A row for each thing that is in the way, and one line that counts them.
    let last = said.lines().filter(|line| line.starts_with("replant: "));
    assert_eq!(last.count(), 1, "{command}: {said}");
    let mut rows = said.lines().filter(|line| line.starts_with("refused "));
    let fits = |line: &str| words.iter().all(|word| line.contains(word));
    assert!(
        rows.any(fits),
        "{command}: no row with {words:?} in: {said}"
    );
}

/// All that staging could have changed: what is there, what is newer than the
/// mark, and the contents of /boot, of which grub/ is told file by file.
fn state(session: &mut Session<'_>) -> String {
    session.run(
        "ls -d /etc/upd* /boot/replant* /boot/*-convert* 2>&1; \
         find /etc /boot /usr -xdev -newer /run/mark -not -path '/etc/lvm*'; \
         find /boot -type f | sort | xargs sha256sum | sha256sum; sha256sum /boot/grub/*.*; \
         cat /boot/grub/grubenv",
    )
}

/// Boots the old machine, tries all that must be refused, and leaves a staged
/// machine that is switched off.
pub fn refuses(machine: &Machine) {
    let mut running = machine.boot_to_login();
    let mut session = unpack_package(&running);
    // The kernel's own words would stand among the output.
    session.run("dmesg -n 1; cd /root; touch /run/mark; sync");
    let before = state(&mut session);
    assert!(before.contains("# GRUB Environment Block"), "{before}");

    for line in SUMS.trim().lines() {
        session.run(line);
    }
    let replant = "/root/package/replant";
    for Damaged { edit, words } in damaged() {
        session.run("rm -rf v; cp -al package v");
        session.run(&format!("cd v; {{ {edit}; }} && cd .."));
        // A whole package is read to its end by `check`, whatever else is in
        // the way, and that takes its time.
        if !edit.contains("seal") && !edit.contains("va.sgdisk") {
            refused(&mut session, &format!("{replant} check --package v"), words);
        }
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
    let stage = "package/upgrade_to_tiny_system.sh --no-reboot";
    a_group_of_the_new_name(&mut session, stage, &check);
    a_root_on_two_disks(&mut session, stage);
    assert_eq!(state(&mut session), before, "something was changed");

    a_grub_that_could_not_take_the_choice_back(&mut session, stage);
    staged_and_taken_back(&mut session);
    session.run("ls /etc/upd/staged.toml /boot/replant/linux");
    // GRUB does it before it starts the entry; it is not asked here.
    session.run("grub-editenv /boot/grub/grubenv unset next_entry");
    session.send("systemctl poweroff");
    running.wait_exit(BOOT);
}

fn a_grub_that_could_not_take_the_choice_back(session: &mut Session<'_>, stage: &str) {
    session.run("grub-editenv /boot/grub/grubenv set filler=$(printf '%0900d' 0)");
    refused(session, stage, &["/boot/grub/grubenv: grubenv is full"]);
    session.run("grub-editenv /boot/grub/grubenv unset filler");
    session.run("mv /boot/grub/grubenv /root/env; ln -s /root/env /boot/grub/grubenv");
    let words = ["/boot/grub/grubenv is a link to /root/env", "grub-editenv"];
    refused(session, stage, &words);
    session.run("rm /boot/grub/grubenv; cp -p /root/env /boot/grub/grubenv");
    session.run("rm /root/env");
}

/// Twice, once for nobody who reads; taken back, and staged for good.
fn staged_and_taken_back(session: &mut Session<'_>) {
    let stage = "package/upgrade_to_tiny_system.sh --no-reboot";
    session.run("printf 'caf\\351' >/boot/grub/custom.cfg; chmod 640 /boot/grub/custom.cfg");
    session.run(
        "chown 7:8 /boot/grub/custom.cfg; setfattr -n user.a -v b /boot/grub/custom.cfg || true",
    );
    let look =
        "cd /boot; find . -printf '%p %m %U %G\\n' | sort; sha256sum grub/*.* grub/grubenv; cd";
    let before = session.run(look);
    let said = session.run(&format!("{stage} 2>&1"));
    assert!(said.contains("staged: the next boot"), "{said}");
    // No generator of entries takes the tiny system for a kernel.
    let made = session.run("grub-mkconfig 2>&1");
    assert!(
        made.contains("vmlinuz-") && !made.contains("replant"),
        "{made}"
    );
    // Somebody else has the lock.
    let words = [
        "another replant stage or revert is running",
        "wait for its end",
    ];
    let (said, status) = session.try_run(&format!("flock /run/replant.lock {stage} 2>&1"), LIMIT);
    assert_eq!(status, 1, "{said}");
    assert_says("lock", &said, &words);
    session.run(&format!("{stage} 2>&1 | true"));
    let said = session.run("package/replant status");
    assert!(
        said.contains("the next boot is replant-migration"),
        "{said}"
    );
    // Immutable files are among it.
    let pinned = "lsattr -R /etc/upd/pinned | grep -q -- '-i-' && echo immutable";
    assert_eq!(session.run(pinned), "immutable");
    session.run("package/replant revert");
    assert_eq!(
        session.run("ls -d /etc/upd /etc/upd.* 2>/dev/null || true"),
        ""
    );
    assert_eq!(session.run(look), before);
    session.run("rm /boot/grub/custom.cfg");
    // What follows is about a payload in RAM.
    let said = session.run(&format!("{stage} --protection none 2>&1"));
    assert!(said.contains("staged: the next boot"), "{said}");
}

fn a_group_of_the_new_name(session: &mut Session<'_>, stage: &str, check: &str) {
    session.run("vgchange -qan stay; vgrename -q stay VA");
    let words = [
        "a volume group \"VA\" already exists on /dev/vdb",
        "; rename it (vgrename VA NEWNAME)",
    ];
    refused(session, stage, &words);
    // What it says helps.
    session.run("vgrename -q VA stay");
    let said = session.run(&format!("{check} 2>&1"));
    assert!(said.contains("can be migrated"), "{said}");
}

fn a_root_on_two_disks(session: &mut Session<'_>, stage: &str) {
    session.run("vgremove -qfy stay; vgextend -q old-vg /dev/vdb");
    session.run("lvextend -q -L +64M old-vg/root /dev/vdb");
    let words = ["lies on 2 disks (vda, vdb)", "; replant needs"];
    refused(session, stage, &words);
    session.run("lvreduce -qfy -L -64M old-vg/root; vgreduce -q old-vg /dev/vdb");
    session.run("pvremove -qy /dev/vdb");
}
