// SPDX-License-Identifier: MIT OR Apache-2.0
//! `check` on a machine on which the new system would not run: the processor is
//! too old, and its kernel has no driver for a network card.

use harness::cache;
use harness::product::bundle;
use harness::small::{Small, ended, tail};
use harness::vm::Bus;
use std::path::{Path, PathBuf};
use testkit::tool;

/// What the old machine's second disk says: its own kernel drives the card.
const SCRIPT: &str = "cd /mnt/package
insmod /mnt/e1000.ko
for n in $(seq 100); do busybox ip link show eth0 && break; sleep 0.1; done
busybox ip addr add 192.0.2.7/24 dev eth0; busybox ip link set eth0 up
echo @beside@; ./replant check; echo \"@$?@\"
busybox ip route add default via 192.0.2.1
echo @way@; ./replant check; echo \"@$?@\"
";

/// The small package, whose new system has the aliases of all modules but that
/// of the card, and of which this processor is demanded.
fn package(machine: &Small, level: &str) -> PathBuf {
    let captured = machine.directory().join("captured");
    let new = cache::make("small.sh", &["new"]);
    let kernel = cache::make("roots.sh", &["kernel"]);
    let script = format!(
        "cp -r {new} {to}; cd {to}; mkdir tree
         tar -C tree --xattrs --xattrs-include='*' -xpJf va.tar.xz
         for alias in {kernel}/lib/modules/*/modules.alias; do
           version=${{alias%/*}}; version=${{version##*/}}
           cp ${{alias%/*}}/modules.builtin* tree/usr/lib/modules/$version/
           grep -v ' e1000$' $alias >tree/usr/lib/modules/$version/modules.alias
         done
         tar -C tree --numeric-owner --xattrs --xattrs-include='*' -c . | xz -1 >va.tar.xz
         rm -r tree
         printf '\\n[requires]\\ncpu = \"{level}\"\\n' >>layout.toml",
        new = new.display(),
        to = captured.display(),
        kernel = kernel.display(),
    );
    tool("sh", &["-ec", &script]);
    bundle("small-package", &captured)
}

/// The card's driver, of the kernel that both small systems have.
fn driver() -> PathBuf {
    let kernel = cache::make("roots.sh", &["kernel"]);
    let found = tool(
        "find",
        &[kernel.to_str().expect("UTF-8"), "-name", "e1000.ko"],
    );
    PathBuf::from(found.trim())
}

/// What `check` said and its exit status, after this mark.
fn checked<'a>(said: &'a str, mark: &str) -> (&'a str, &'a str) {
    let (_, rest) = said.split_once(mark).expect("the mark");
    let (text, rest) = rest.split_once('@').expect("the status");
    (text, rest.split('@').next().expect("the status"))
}

#[test]
fn what_the_new_system_cannot_run_on_is_refused_by_name() {
    let machine = Small::new();
    let driver = driver();
    let files: [&Path; 1] = [&driver];
    let medium = machine.medium(&package(&machine, "x86-64-v3"), SCRIPT, &files);
    let vm = machine.vm().disk(&medium, Bus::Virtio);
    let old = [
        "-cpu",
        "qemu64",
        "-netdev",
        "user,id=net,restrict=on,ipv6=off",
    ];
    let vm = old.into_iter().fold(vm, |vm, word| vm.arg(word));
    let boot = ended(vm.arg("-device").arg("e1000,netdev=net").start());
    let context = || format!("{}\n{}", boot.said, tail(&boot.console));
    assert!(boot.said.contains("@way@"), "{}", context());

    let (beside, status) = checked(&boot.said, "@beside@");
    let processor =
        "the package, by its [requires] cpu, demands x86-64-v3, and this processor lacks ";
    assert!(beside.contains(processor), "{}", context());
    assert!(beside.contains("avx2"), "{}", context());
    // The kernel says nothing of a driver, and the machine needs none for it.
    let card = "network interface eth0: in the new system with the kernel ";
    assert!(beside.contains(card), "{}", context());
    let lost = "it would not be reached by the network";
    assert!(!beside.contains(lost), "{}", context());
    assert_eq!(status, "2", "{}", context());

    let (way, status) = checked(&boot.said, "@way@");
    assert!(way.contains(card) && way.contains(lost), "{}", context());
    assert_eq!(status, "2", "{}", context());
}
