// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is kept on the small machine's disk is damaged, in whole boots: before
//! the point of no return the old system starts, after it the migration goes on.

use super::cut_off::{ARMED, DESTROYING, UNPACK, cut_at};
use harness::crash::Sectors;
use harness::recorded::recorded_small;
use harness::small::{End, IN_PLACE, Kept, LIMIT, Remains, Small, ended, tail};
use harness::vm::{Bus, Vm};
use ondisk::lifeboat::Role;
use ondisk::lifeboat::Twin::{A, B};
use std::fs::File;
use std::path::Path;
use testkit::{Random, tool};

/// Starts the machine until one of its systems has said that it is there, and
/// returns which, with all that was on the console before.
fn becomes(machine: &Small) -> (&'static str, String) {
    let mut console = String::new();
    for _ in 0..6 {
        let boot = machine.boot();
        console += &boot.console;
        for system in ["old", "new"] {
            if boot.said.contains(&format!("@system {system}@")) {
                return (system, console);
            }
        }
    }
    panic!("neither system started: {}", tail(&console));
}

/// A machine in which a bit of this file flips starts the old system, by itself,
/// and says why.
fn gives_up(machine: Small, role: Role) {
    let first = |disk: &Path| File::open(disk).expect("the disk").read(0, 1);
    let before = first(&recorded_small().staged());
    let lba = Kept::of(&machine.disk).flip(&machine.disk, role);
    let (system, console) = becomes(&machine);
    assert_eq!(system, "old", "{role}: {}", tail(&console));
    assert!(!console.contains("no report"), "{role}: {}", tail(&console));
    println!("{role}, LBA {lba}: {}", about(&console, role));
    // It is the old system's own, with its own boot sector.
    assert_eq!(first(&machine.disk), before, "{role}: LBA 0");
}

/// The line that names the damage.
fn about(console: &str, role: Role) -> String {
    let name = role.to_string();
    // The loader does not say of which copy it speaks; the tiny system does.
    let kind = name.split(' ').next().expect("a word");
    let mut lines = console.lines().filter(|line| line.contains(kind));
    let damaged = [
        "damaged",
        "does not hold",
        "is not what was staged",
        "not as it was",
    ];
    let line = lines.find(|line| damaged.iter().any(|word| line.contains(word)));
    let line = line.unwrap_or_else(|| panic!("{name} is not named: {}", tail(console)));
    line.trim().to_string()
}

fn staged() -> Small {
    Small::with(&recorded_small().staged())
}

fn armed() -> Small {
    cut_at(&recorded_small(), (ARMED, 0), &mut Random(5))
}

fn unpacking() -> Small {
    cut_at(&recorded_small(), (DESTROYING, UNPACK), &mut Random(5))
}

#[test]
fn before_it_is_armed_the_old_system_starts() {
    for role in [Role::Kernel(A), Role::Payload] {
        gives_up(staged(), role);
    }
}

#[test]
fn once_it_is_armed_the_old_system_starts() {
    for role in [Role::Initramfs(B), Role::Record(A)] {
        gives_up(armed(), role);
    }
}

#[test]
#[ignore = "make crash"]
fn each_file_is_watched_before_the_point_of_no_return() {
    let twice = [A, B].into_iter().flat_map(|twin| {
        [
            Role::Kernel(twin),
            Role::Initramfs(twin),
            Role::Record(twin),
            Role::Blob(twin),
        ]
    });
    for role in twice.chain([Role::Payload, Role::Identity]) {
        gives_up(staged(), role);
        gives_up(armed(), role);
    }
}

/// After it one whole copy of each is enough, and the other one is mended.
#[test]
fn after_the_point_of_no_return_it_goes_on_with_the_other_copy() {
    let recorded = recorded_small();
    let remains = Remains::of(&recorded.staged());
    for twin in [A, B] {
        let machine = unpacking();
        let kept = Kept::of(&machine.disk);
        let roles = [
            Role::Kernel(twin),
            Role::Initramfs(twin),
            Role::Record(twin),
            Role::Blob(twin),
        ];
        for role in roles {
            kept.flip(&machine.disk, role);
        }
        let boot = machine.boot();
        let console = &boot.console;
        assert!(console.contains(IN_PLACE), "{twin}: {}", tail(console));
        for role in roles {
            let said = format!("{role} was damaged on the disk at LBA ");
            assert!(console.contains(&said), "no {said:?}: {}", tail(console));
        }
        End::of(&machine, Some(&remains));
    }
}

/// A disk on which this sector cannot be read.
fn unreadable(vm: Vm, disk: &Path, sector: u64) -> Vm {
    let disk = disk.display();
    vm.arg("-blockdev")
        .arg(format!(
            r#"{{"driver": "raw", "node-name": "bad", "file": {{"driver": "blkdebug",
            "image": {{"driver": "file", "filename": "{disk}"}},
            "inject-error": [{{"event": "read_aio", "errno": 5, "sector": {sector}}}]}}}}"#
        ))
        .arg("-device")
        .arg("virtio-blk-pci,drive=bad")
}

/// The payload is there once: a person brings it again.
fn is_brought_again(machine: &Small, what: &str, start: &dyn Fn() -> Vm) {
    let remains = Remains::of(&recorded_small().staged());
    let medium = machine.directory().join("stick");
    let package = machine.directory().join("package");
    std::fs::create_dir(&package).expect("mkdir");
    let (from, to) = (
        package.to_str().expect("UTF-8"),
        medium.to_str().expect("UTF-8"),
    );
    let archive = Small::package();
    let archive = archive.to_str().expect("UTF-8");
    tool("tar", &["-xzf", archive, "-C", from, "va.tar.xz"]);
    tool("mke2fs", &["-q", "-F", "-t", "ext4", "-d", from, to, "64m"]);
    let stick = std::fs::read(&medium).expect("the stick");
    // It tries it by itself, until it asks.
    for _ in 0..5 {
        let running = start().disk(&medium, Bus::Virtio).start();
        let asks = running.serials[0].wait("replant> ", 0, LIMIT);
        let console = running.serials[0].output();
        assert!(console.contains(what), "no {what:?}: {}", tail(&console));
        let Some(from) = asks else { continue };
        running.serials[0].send("migrate --payload /dev/vdb:/va.tar.xz\r");
        running.expect_after(IN_PLACE, from, LIMIT);
        let console = ended(running).console;
        assert!(console.contains("You may switch off"), "{}", tail(&console));
        assert!(
            std::fs::read(&medium).expect("the stick") == stick,
            "the stick was written"
        );
        End::of(machine, Some(&remains));
        return;
    }
    panic!("no console after five failures");
}

#[test]
fn a_damaged_payload_is_brought_again() {
    let machine = unpacking();
    let lba = Kept::of(&machine.disk).flip(&machine.disk, Role::Payload);
    println!("LBA {lba}");
    is_brought_again(
        &machine,
        "of payload is damaged: sectors of 512 bytes of the disk: ",
        &|| machine.vm(),
    );
}

#[test]
#[ignore = "make crash"]
fn a_payload_that_cannot_be_read_is_brought_again() {
    let machine = unpacking();
    let kept = Kept::of(&machine.disk);
    let (lba, _) = kept.place(Role::Payload, kept.file(Role::Payload).bytes / 2);
    let what = format!("cannot be read at LBA {lba}: ");
    is_brought_again(&machine, &what, &|| {
        unreadable(Small::hardware(512), &machine.disk, lba)
    });
}
