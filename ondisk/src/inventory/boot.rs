// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the boot step needs of the new system.

use super::program;
use super::tree::{Format, Node, Tree};
use super::{Findings, Target};
use crate::manifest::Device;

/// Names for the manifest, the best one first.
const GRUB: [&str; 4] = [
    "usr/sbin/grub2-install",
    "sbin/grub2-install",
    "usr/sbin/grub-install",
    "sbin/grub-install",
];
const INITRAMFS: [&str; 5] = [
    "usr/bin/dracut",
    "usr/sbin/dracut",
    "sbin/dracut",
    "usr/sbin/update-initramfs",
    "sbin/update-initramfs",
];

/// Where distributions have GRUB's modules for BIOS.
const PLATFORM: [&str; 4] = [
    "usr/lib/grub/i386-pc",
    "usr/lib/grub2/i386-pc",
    "usr/share/grub/i386-pc",
    "usr/share/grub2/i386-pc",
];
/// Files of it without which grub-install makes nothing that boots from a GPT
/// disk with ext4.
const IMAGES: [&str; 8] = [
    "boot.img",
    "diskboot.img",
    "kernel.img",
    "lzma_decompress.img",
    "moddep.lst",
    "biosdisk.mod",
    "part_gpt.mod",
    "ext2.mod",
];

/// The programs of the new system that make it bootable, by their names, for
/// they are called by them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Programs {
    /// Installs GRUB.
    pub grub_install: Option<&'static str>,
    /// Makes an initramfs: `dracut` or `update-initramfs`.
    pub initramfs: Option<&'static str>,
    /// Makes grub.cfg.
    pub menu: Option<&'static str>,
}

impl Programs {
    /// Directories in which a program is looked for.
    pub const DIRECTORIES: [&str; 4] = ["usr/sbin", "usr/bin", "sbin", "bin"];

    /// Chooses among those that are there: `is_there` says whether something
    /// stands at a path below the new root. The inventory asks this before the
    /// migration, and the boot step asks it again.
    pub fn choose(is_there: &dyn Fn(&str) -> bool) -> Programs {
        let found = |name: &str| {
            let mut paths = Self::DIRECTORIES.iter().map(|d| format!("{d}/{name}"));
            paths.any(|path| is_there(&path))
        };
        let first = |names: &[&'static str]| names.iter().copied().find(|name| found(name));
        let grub_install = first(&["grub2-install", "grub-install"]);
        Programs {
            grub_install,
            initramfs: first(&["dracut", "update-initramfs"]),
            menu: match grub_install {
                Some("grub2-install") => Some("grub2-mkconfig"),
                Some(_) => first(&["update-grub"]).or(Some("grub-mkconfig")),
                None => None,
            },
        }
    }

    /// The initramfs of a kernel, seen from the new root: where one is, or the
    /// name that the distribution uses. `is_there` is asked as by
    /// [`Programs::choose`].
    pub fn initramfs_of(kernel: &str, is_there: &dyn Fn(&str) -> bool) -> String {
        let debian = format!("/boot/initrd.img-{kernel}");
        let fedora = format!("/boot/initramfs-{kernel}.img");
        let is_debian = is_there(&debian) || !is_there(&fedora) && is_there("etc/debian_version");
        if is_debian { debian } else { fedora }
    }
}

/// The paths of both programs, for the manifest; empty when there is none.
pub(super) fn named(tree: &Tree) -> (String, String) {
    let first = |names: &[&str]| {
        let there = |name: &&&str| {
            matches!(
                tree.get(name.as_bytes()),
                Some(Node::File(_) | Node::Symlink(_))
            )
        };
        names
            .iter()
            .find(there)
            .map_or(String::new(), |name| format!("/{name}"))
    };
    (first(&GRUB), first(&INITRAMFS))
}

/// Refuses what the boot step could not work with.
pub(super) fn check(tree: &Tree, target: &Target, refusals: &mut Findings) {
    places(tree, refusals);
    system(tree, refusals);
    volumes(tree, target, refusals);
    for words in &target.hooks.after_identity {
        if let Some(program) = words.first() {
            let why = "which [hooks] after_identity names";
            needs(tree, program, Some(program.clone()), why, refusals);
        }
    }
    if !target.boot.commands.is_empty() {
        for command in &target.boot.commands {
            let Some(program) = command.first() else {
                continue;
            };
            let path = match program.contains('/') {
                true => Some(program.clone()),
                false => program::find(tree, program),
            };
            needs(tree, program, path, "which [boot] commands names", refusals);
        }
        return;
    }
    let programs = Programs::choose(&|path| tree.stands_at(path.as_bytes()));
    let mut need = |name: &str, why: &str| {
        needs(tree, name, program::find(tree, name), why, refusals);
    };
    match programs.grub_install {
        Some(name) => need(name, "which installs GRUB"),
        None => need("grub-install", "or grub2-install, which installs GRUB"),
    }
    match programs.initramfs {
        Some(name) => need(name, "which makes the initramfs"),
        None => need("dracut", "or update-initramfs, which makes the initramfs"),
    }
    if programs.initramfs == Some("update-initramfs") {
        need("mkinitramfs", "which update-initramfs calls");
    }
    let Some(grub) = programs.grub_install else {
        return;
    };
    if let Some(name) = programs.menu {
        need(name, "which makes GRUB's menu");
    }
    let (mkconfig, probe) = match grub {
        "grub2-install" => ("grub2-mkconfig", "grub2-probe"),
        _ => ("grub-mkconfig", "grub-probe"),
    };
    if programs.menu != Some(mkconfig) {
        need(mkconfig, "which update-grub calls");
    }
    need(probe, "which makes GRUB's menu");
    menu(tree, refusals);
    modules(tree, target, refusals);
}

/// Refuses a program that is not there or could not be started.
fn needs(tree: &Tree, name: &str, path: Option<String>, why: &str, refusals: &mut Findings) {
    let Some(path) = path else {
        refusals.push(
            name.as_bytes(),
            format!("is missing or may not be executed, {why}; install it in the new system and capture it again"),
        );
        return;
    };
    let shown = path.trim_start_matches('/');
    if let Some(what) = program::refused(tree, path.as_bytes()) {
        refusals.push(
            shown.as_bytes(),
            format!(
                "cannot be started, {why}: {what}; mend that in the new system and capture it again"
            ),
        );
    }
}

/// Directories that are mounted over, or that programs write to.
fn places(tree: &Tree, refusals: &mut Findings) {
    for name in ["dev", "proc", "run", "sys"] {
        let there = tree.get(name.as_bytes());
        if there.is_some_and(|node| *node != Node::Directory) {
            refusals.push(
                name.as_bytes(),
                "is no directory, and the kernel's own is mounted there; make it one in the new system and capture it again",
            );
        }
    }
    if !matches!(tree.resolve(b"var/tmp"), Some((_, Node::Directory))) {
        refusals.push(
            b"var/tmp",
            "is no directory, and the initramfs is made there; make it in the new system (mode 1777) and capture it again",
        );
    }
}

/// Refuses a system that nothing would start, or nobody could use.
fn system(tree: &Tree, refusals: &mut Findings) {
    let paths = ["sbin/init", "etc/init", "bin/init"];
    let init = paths.iter().find(|path| tree.stands_at(path.as_bytes()));
    let (path, why) = (init.map(|p| p.to_string()), "which the kernel starts first");
    needs(tree, "sbin/init", path, why, refusals);
    for path in ["etc/passwd", "etc/group"] {
        if !tree.is_file(path.as_bytes()) {
            refusals.push(
                path.as_bytes(),
                "is missing, without which nobody can log in; mend the new system and capture it again",
            );
        }
    }
}

fn volumes(tree: &Tree, target: &Target, refusals: &mut Findings) {
    let on_volume = target
        .filesystems
        .iter()
        .find(|f| matches!(f.device(), Some(Device::Volume { .. })));
    let Some(filesystem) = on_volume else {
        return;
    };
    if program::find(tree, "lvm").is_none() {
        refusals.push(
            b"usr/sbin/lvm",
            format!(
                "is missing, and {} is on the logical volume {}, which nothing would activate; install lvm2 in the new system and capture it again",
                filesystem.mount, filesystem.device
            ),
        );
    }
}

/// Refuses a GRUB that would make a menu without kernels.
fn menu(tree: &Tree, refusals: &mut Findings) {
    let script = b"etc/grub.d/10_linux";
    match tree.resolve(script) {
        Some((_, Node::File(format))) if *format != Format::Closed => {}
        _ => refusals.push(
            script,
            "is missing or may not be executed: GRUB's menu would have no kernel; install GRUB anew in the new system and capture it again",
        ),
    }
    let library = ["usr/share/grub", "usr/share/grub2"].map(|d| format!("{d}/grub-mkconfig_lib"));
    if !library.iter().any(|path| tree.is_file(path.as_bytes())) {
        let [path, _] = &library;
        refusals.push(
            path.as_bytes(),
            "is missing, without which no menu can be made; install GRUB anew in the new system and capture it again",
        );
    }
}

/// Refuses a GRUB without the modules for BIOS.
fn modules(tree: &Tree, target: &Target, refusals: &mut Findings) {
    let is_there = |directory: &&&str| {
        let image = format!("{directory}/boot.img");
        tree.is_file(image.as_bytes())
    };
    let Some(directory) = PLATFORM.iter().find(is_there) else {
        let [usual, ..] = PLATFORM;
        refusals.push(
            usual.as_bytes(),
            "is missing or has no boot.img: GRUB could not be installed for BIOS; install it in the new system (grub-pc-bin, grub2-pc-modules) and capture it again",
        );
        return;
    };
    let lvm = target.on_volume(b"boot").then_some("lvm.mod");
    for name in IMAGES.into_iter().chain(lvm) {
        let path = format!("{directory}/{name}");
        if !tree.is_file(path.as_bytes()) {
            refusals.push(
                path.as_bytes(),
                "is missing, without which GRUB would not start the new system; install GRUB for BIOS anew in the new system and capture it again",
            );
        }
    }
}
