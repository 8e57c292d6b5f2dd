// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the firmware and GRUB cannot do is said by `check`.

use harness::small::{Small, ended, tail};
use harness::vm::{Bus, Vm};
use std::path::{Path, PathBuf};
use testkit::{sparse, tool};

/// The old system does this, with the package at hand; what it said.
fn says(machine: &Small, script: &str, attach: impl Fn(&Path) -> Vm) -> String {
    let medium = machine.medium(&Small::package(), script, &[]);
    let boot = ended(attach(&medium).start());
    assert!(
        boot.said.contains("@system old@"),
        "{}",
        tail(&boot.console)
    );
    boot.said
}

/// A disk with a GRUB in front of its first partition, whose menu is on the
/// BIOS's second disk.
fn other_grub(dir: &Path) -> PathBuf {
    let (disk, core) = (dir.join("other"), dir.join("core"));
    sparse(&disk, 64 << 20);
    let core = core.to_str().expect("UTF-8");
    let modules = ["biosdisk", "part_msdos", "ext2"];
    let words = ["-O", "i386-pc", "-p", "(hd1,msdos1)/grub", "-o", core];
    tool("grub-mkimage", &[&words[..], &modules].concat());
    let script = format!(
        "printf '2048,,83\\n' | sfdisk -q --label dos {disk}
         dd if=/usr/lib/grub/i386-pc/boot.img of={disk} bs=440 count=1 conv=notrunc status=none
         dd if={core} of={disk} bs=512 seek=1 conv=notrunc status=none",
        disk = disk.display()
    );
    tool("sh", &["-ec", &script]);
    disk
}

/// After a migration that GRUB would look for a /boot that is gone.
#[test]
fn a_grub_on_another_disk_is_refused() {
    let machine = Small::new();
    let other = other_grub(machine.directory());
    let script = "cd /mnt/package && ./replant check --package .; echo \"@check $?@\"\n";
    let both = |medium: &Path| {
        let vm = Small::hardware(512).disk(&machine.disk, Bus::None);
        let own = "virtio-blk-pci,drive=drive0,addr=0x5";
        let vm = vm.arg("-device").arg(own).disk(medium, Bus::None);
        let vm = vm
            .arg("-device")
            .arg("virtio-blk-pci,drive=drive1,addr=0x6");
        let first = "virtio-blk-pci,drive=drive2,addr=0x7,bootindex=0";
        vm.disk(&other, Bus::None).arg("-device").arg(first)
    };
    let said = says(&machine, script, both);
    assert!(said.contains("@check 2@"), "{said}");
    let refusal = said.lines().find(|line| line.starts_with("refused "));
    let refusal = refusal.unwrap_or_else(|| panic!("{said}"));
    assert!(
        refusal.contains("vdc") && refusal.contains("first sector"),
        "{refusal}"
    );
}

/// Level `none`, with the reason; who asks for more is refused.
#[test]
fn a_grub_that_cannot_chainload_is_named() {
    let machine = Small::new();
    let script = "rm /boot/grub/i386-pc/chain.mod; cd /mnt/package
        ./replant check --package .; echo \"@check $?@\"
        ./replant stage --package . --yes --protection resume; echo \"@stage $?@\"\n";
    let said = says(&machine, script, |medium| {
        machine.vm().disk(medium, Bus::Virtio)
    });
    assert!(
        said.contains("@check 0@") && said.contains("@stage 2@"),
        "{said}"
    );
    assert!(said.contains("chain.mod"), "{said}");
}
