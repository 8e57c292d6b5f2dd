// SPDX-License-Identifier: MIT OR Apache-2.0
//! Checks from outside the chroot that the new disk will boot.

use super::{Error, entries, programs};
use crate::grubfiles::GrubFiles;
use crate::plan::Plan;
use ondisk::grub::config::{Dialect, Start};
use ondisk::grub::verdict;
use ondisk::manifest::Manifest;
use ondisk::naming::{Made, Meaning, Name};
use ondisk::words::BOOT_ENTRIES;
use rootdir::RootDir;
use std::io::Read;
use std::path::Path;
use sys::cannot;

/// Checks what GRUB will start, its menu, and each kernel's initramfs. Returns warnings for a
/// person.
pub fn confirm(root: &RootDir, plan: &Plan, manifest: &Manifest) -> Result<Vec<String>, Error> {
    let kernels = &plan.kernels;
    let menu = written_menu(root)?;
    let text = root.text(menu)?.ok_or_else(|| Error::NoFile {
        path: root.full(menu),
    })?;
    require_kernels(root, menu, &text, kernels)?;
    for kernel in kernels {
        initramfs(root, kernel)?;
    }
    starts(root, menu, plan, manifest)
}

/// The grub.cfg that the boot step wrote. An older one may exist in the other
/// directory, and the package's own commands may have written that one.
fn written_menu(root: &RootDir) -> Result<&'static str, Error> {
    let mut menus = ["boot/grub2/grub.cfg", "boot/grub/grub.cfg"];
    if let Some("update-grub" | "grub-mkconfig") = programs::programs(root)?.menu {
        menus.reverse();
    }
    let [usual, other] = menus;
    Ok(match root.exists(usual)? || !root.exists(other)? {
        true => usual,
        false => other,
    })
}

/// Refuses a GRUB that would not start the new system from its own file systems
/// alone. Returns warnings for a person.
fn starts(
    root: &RootDir,
    menu: &str,
    plan: &Plan,
    manifest: &Manifest,
) -> Result<Vec<String>, Error> {
    let mut files = GrubFiles::default();
    let filesystems = entries::filesystems(plan, manifest);
    for filesystem in &filesystems {
        let (mount, uuid) = (&filesystem.mount, filesystem.uuid.as_deref());
        let uuid = uuid.unwrap_or_default();
        files.add(mount, &root.full(mount), uuid, &filesystem.label)?;
    }
    let path = format!("/{menu}");
    let directory = path.rsplit_once('/').map_or("", |(directory, _)| directory);
    let mounts = filesystems.iter().map(|f| f.mount.as_str());
    let holds = |mount: &&str| Path::new(directory).starts_with(mount);
    let device = mounts.filter(holds).max_by_key(|m| m.len()).unwrap_or("/");
    let start = Start {
        device: device.into(),
        directory: directory.strip_prefix(device).unwrap_or(directory).into(),
        dialect: Dialect::of(&root.os_release()?),
    };
    let made = Made {
        table: &plan.table,
        groups: &manifest.volume_groups,
        filesystems: &filesystems,
    };
    let is_root = |value: &str| {
        let value = value.strip_prefix("block:").unwrap_or(value);
        // The kernel's name of the root counts as right here, whichever disk it
        // is on.
        let here = plan
            .root()
            .is_some_and(|own| own.device == Path::new(value));
        here || Name::parse(value).is_some_and(
            |name| matches!(made.meaning(&name), Meaning::Filesystem(found) if found.mount == "/"),
        )
    };
    let mut warnings = verdict(&files, &start, &is_root).map_err(|why| Error::Start {
        path: root.full(menu),
        why,
    })?;
    let text = root.text(menu)?.unwrap_or_default();
    warnings.extend(unsteady_root(&text, plan));
    Ok(warnings)
}

/// Warns if `menu` names the root by the kernel's name of a partition, which may
/// be another disk's at the next boot. A volume's name is stable.
fn unsteady_root(menu: &str, plan: &Plan) -> Option<String> {
    let device = plan.root()?.device.display().to_string();
    let word = format!("root={device}");
    let named = menu.split_whitespace().any(|found| found == word);
    (named && !device.starts_with("/dev/mapper/")).then(|| {
        format!(
            "GRUB names the new root {device}, which may be another disk's name at the next boot; give it by UUID (GRUB_DISABLE_LINUX_UUID in /etc/default/grub)"
        )
    })
}

/// Refuses a menu without the kernels. With BLS the menu is built from entries at
/// boot; a kernel may be without one, but not all of them.
fn require_kernels(
    root: &RootDir,
    menu: &str,
    text: &str,
    kernels: &[String],
) -> Result<(), Error> {
    let fails = |path: &str, kernel: &String| Error::Menu {
        path: root.full(path),
        kernel: kernel.clone(),
    };
    let Some(missing) = kernels.iter().find(|k| !text.contains(k.as_str())) else {
        return Ok(());
    };
    if !text.contains("blscfg") {
        return Err(fails(menu, missing));
    }
    for entry in root.list(BOOT_ENTRIES)? {
        if !entry.ends_with(".conf") {
            continue;
        }
        let text = root.text(&format!("{BOOT_ENTRIES}/{entry}"))?;
        let text = text.unwrap_or_default();
        let kernel = |line: &str| {
            let path = line.trim_start().strip_prefix("linux")?.trim();
            let version = path.rsplit_once("/vmlinuz-")?.1;
            Some(kernels.iter().any(|k| k == version))
        };
        if text.lines().filter_map(kernel).any(|known| known) {
            return Ok(());
        }
    }
    Err(fails(BOOT_ENTRIES, missing))
}

/// An initramfs begins with a cpio archive or with a compressor's magic.
fn initramfs(root: &RootDir, kernel: &str) -> Result<(), Error> {
    let rel = programs::initramfs(root, kernel)?;
    let path = root.full(&rel);
    let mut head = [0; 6];
    let mut file = root
        .open_file(&rel)?
        .ok_or_else(|| Error::NoFile { path: path.clone() })?;
    file.read_exact(&mut head).map_err(cannot("read", &path))?;
    if ondisk::compression::is_initramfs(&head) {
        return Ok(());
    }
    Err(Error::Initramfs {
        path,
        why: "is no initramfs".into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_menu_of_entries_needs_one_that_boots() {
        let dir = tempfile::tempdir().unwrap();
        let (root, menu) = (&RootDir::open(dir.path()).unwrap(), "grub.cfg");
        let kernels = ["5.14.0-2.el9", "5.14.0-1.el9"].map(String::from);
        let plain = "linux /vmlinuz-5.14.0-2.el9\nlinux /vmlinuz-5.14.0-1.el9\n";
        require_kernels(root, menu, plain, &kernels).unwrap();
        assert!(require_kernels(root, menu, &plain[..30], &kernels).is_err());
        let bls = || require_kernels(root, menu, "insmod blscfg\nblscfg\n", &kernels);
        assert!(bls().is_err());
        let entries = dir.path().join(BOOT_ENTRIES);
        std::fs::create_dir_all(&entries).unwrap();
        let entry = |name: &str, kernel: &str| {
            let text = format!("title x\nversion {kernel}\nlinux /vmlinuz-{kernel}\n");
            std::fs::write(entries.join(name), text).unwrap();
        };
        entry("x-0-rescue.conf", "0-rescue-x");
        entry("x-5.14.0-1.el9.conf.rpmsave", "5.14.0-1.el9");
        let error = bls().unwrap_err().to_string();
        assert!(
            error.contains("loader/entries names no kernel 5.14.0-2.el9"),
            "{error}"
        );
        entry("x-5.14.0-1.el9.conf", "5.14.0-1.el9");
        bls().unwrap();
    }

    #[test]
    fn an_empty_initramfs_is_none() {
        let dir = tempfile::tempdir().unwrap();
        let boot = dir.path().join("boot");
        std::fs::create_dir(&boot).unwrap();
        let root = &RootDir::open(dir.path()).unwrap();
        assert!(initramfs(root, "6.1").is_err());
        let path = boot.join("initrd.img-6.1");
        std::fs::write(&path, "").unwrap();
        assert!(initramfs(root, "6.1").is_err());
        std::fs::write(&path, "sh: error").unwrap();
        let error = initramfs(root, "6.1").unwrap_err().to_string();
        assert!(error.contains("is no initramfs"), "{error}");
        std::fs::write(&path, "0707010000").unwrap();
        initramfs(root, "6.1").unwrap();
    }

    #[test]
    fn a_boot_that_is_a_link_stays_inside() {
        use std::os::unix::fs::symlink;
        let top = tempfile::tempdir().unwrap();
        let (root, outside) = (top.path().join("root"), top.path().join("outside"));
        for dir in [&root, &outside] {
            std::fs::create_dir(dir).unwrap();
        }
        std::fs::write(outside.join("initrd.img-6.1"), "0707010000").unwrap();
        for link in [outside.to_str().unwrap(), "../outside"] {
            symlink(link, root.join("boot")).unwrap();
            let error = initramfs(&RootDir::open(&root).unwrap(), "6.1").unwrap_err();
            assert!(matches!(error, Error::NoFile { .. }), "{link}: {error}");
            std::fs::remove_file(root.join("boot")).unwrap();
        }
        std::fs::create_dir(root.join("srv")).unwrap();
        std::fs::write(root.join("srv/initrd.img-6.1"), "0707010000").unwrap();
        symlink("/srv", root.join("boot")).unwrap();
        initramfs(&RootDir::open(&root).unwrap(), "6.1").unwrap();
    }

    #[test]
    fn the_menu_is_the_one_of_the_program_that_was_called() {
        use std::os::unix::fs::PermissionsExt;
        let made = |programs: &[&str], menus: &[&str]| {
            let top = tempfile::tempdir().unwrap();
            for path in programs.iter().chain(menus) {
                let path = top.path().join(path);
                std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                std::fs::write(&path, "").unwrap();
                std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
            }
            written_menu(&RootDir::open(top.path()).unwrap()).unwrap()
        };
        let both = ["boot/grub/grub.cfg", "boot/grub2/grub.cfg"];
        let debian = ["usr/sbin/grub-install", "usr/sbin/update-grub"];
        let el = ["usr/sbin/grub2-install", "usr/sbin/grub2-mkconfig"];
        assert_eq!(made(&debian, &both), both[0]);
        assert_eq!(made(&el, &both), both[1]);
        assert_eq!(made(&debian, &both[1..]), both[1]);
        assert_eq!(made(&[], &both[..1]), both[0]);
    }

    /// grub-mkconfig without udev's links names the root by its partition.
    #[test]
    fn a_root_on_a_partition_of_any_disk_is_the_root() {
        let (mut manifest, sample) = crate::plan::sample();
        manifest.filesystems.retain(|f| f.mount == "/boot");
        manifest.filesystems[0].mount = "/".into();
        let backup = ondisk::gpt::Backup::of(&sample.table, &[0; 512]).unwrap();
        for disk in ["sda", "sdb", "nvme1n1"] {
            let top = tempfile::tempdir().unwrap();
            let boot = top.path().join("boot");
            std::fs::create_dir_all(boot.join("grub")).unwrap();
            for name in ["vmlinuz-6.1", "initrd.img-6.1"] {
                std::fs::write(boot.join(name), "x").unwrap();
            }
            let facts = crate::plan::Facts {
                disk: disk.into(),
                disk_bytes: 8 << 30,
                block_size: 512,
                others: crate::plan::Others::default(),
                host: "x".into(),
                time: 1,
                protected: Default::default(),
            };
            let plan = Plan::compute(&manifest, &backup, &facts, &mut |b| b.fill(7)).unwrap();
            let judged = |root: &str| {
                let text = format!(
                    "set timeout=5\nmenuentry a {{\nlinux /boot/vmlinuz-6.1 root={root} ro\n\
                     initrd /boot/initrd.img-6.1\n}}\n"
                );
                std::fs::write(boot.join("grub/grub.cfg"), text).unwrap();
                let below = RootDir::open(top.path()).unwrap();
                starts(&below, "boot/grub/grub.cfg", &plan, &manifest)
            };
            let device = plan.root().unwrap().device.display().to_string();
            let message = judged(&device).unwrap();
            assert!(
                message[0].contains("may be another disk's name"),
                "{disk}: {message:?}"
            );
            let uuid = ondisk::uuid::text(&plan.root().unwrap().options.uuid);
            assert_eq!(judged(&format!("UUID={uuid}")).unwrap(), [""; 0]);
            judged("/dev/sdz9").unwrap_err();
        }
    }
}
