// SPDX-License-Identifier: MIT OR Apache-2.0
//! Whether the new disk will boot, looked at from outside the chroot.

use super::{Error, commands};
use crate::disk::Disk;
use ondisk::gpt::{Guid, Table};
use ondisk::grub::CoreImage;
use std::io::Read;
use std::path::Path;

/// Looks at GRUB's images on the disk, its menu, and each kernel's initramfs.
///
/// # Errors
/// [`Error`] with what is missing.
pub fn verify(root: &Path, disk: &Disk, table: &Table, kernels: &[String]) -> Result<(), Error> {
    let grub = |why: String| Error::Grub {
        disk: disk.path().into(),
        why,
    };
    let bios = table
        .partitions
        .iter()
        .find(|p| p.type_guid == Guid::BIOS_BOOT);
    let bios = bios.ok_or_else(|| grub("va.sgdisk has no BIOS boot partition".into()))?;
    let bytes = table.byte_range(bios);
    CoreImage::verify(
        bytes.start / 512..bytes.end / 512,
        |offset, out: &mut [u8]| {
            disk.read_fresh(offset, out.len())
                .map(|found| out.copy_from_slice(&found))
        },
    )
    .map_err(|e| grub(e.to_string()))?;

    let menus = ["boot/grub2/grub.cfg", "boot/grub/grub.cfg"].map(|p| root.join(p));
    let menu = menus.iter().find(|p| p.exists()).unwrap_or(&menus[0]);
    let text = std::fs::read_to_string(menu).map_err(|source| Error::File {
        path: menu.clone(),
        source,
    })?;
    menu_has(root, menu, &text, kernels)?;
    kernels
        .iter()
        .try_for_each(|kernel| initramfs(root, kernel))
}

/// Whether GRUB's menu has the kernels. With BLS it is made of the entries
/// while booting; a kernel there may be without one, but not all of them.
fn menu_has(root: &Path, menu: &Path, text: &str, kernels: &[String]) -> Result<(), Error> {
    let fails = |path: &Path, kernel: &String| Error::Menu {
        path: path.into(),
        kernel: kernel.clone(),
    };
    let Some(missing) = kernels.iter().find(|k| !text.contains(k.as_str())) else {
        return Ok(());
    };
    if !text.contains("blscfg") {
        return Err(fails(menu, missing));
    }
    let path = root.join("boot/loader/entries");
    let failed = |source| Error::File {
        path: path.clone(),
        source,
    };
    for entry in std::fs::read_dir(&path).map_err(failed)? {
        let entry = entry.map_err(failed)?.path();
        if entry.extension().is_none_or(|e| e != "conf") {
            continue;
        }
        let text = std::fs::read_to_string(&entry).map_err(failed)?;
        let kernel = |line: &str| {
            let path = line.strip_prefix("linux")?.trim();
            let version = path.rsplit_once("/vmlinuz-")?.1;
            Some(kernels.iter().any(|k| k == version))
        };
        if text.lines().filter_map(kernel).any(|known| known) {
            return Ok(());
        }
    }
    Err(fails(&path, missing))
}

/// An initramfs begins with a cpio archive or with a compressor's magic.
fn initramfs(root: &Path, kernel: &str) -> Result<(), Error> {
    let path = commands::initramfs(root, kernel);
    let path = root.join(path.strip_prefix("/").unwrap_or(&path));
    let mut head = [0; 6];
    std::fs::File::open(&path)
        .and_then(|mut file| file.read_exact(&mut head))
        .map_err(|source| Error::File {
            path: path.clone(),
            source,
        })?;
    let known: [&[u8]; 7] = [
        b"070701",
        &[0x1f, 0x8b],
        &[0xfd, b'7', b'z', b'X', b'Z'],
        &[0x28, 0xb5, 0x2f, 0xfd],
        &[0x5d, 0, 0],
        &[0x02, 0x21, 0x4c, 0x18],
        b"BZh",
    ];
    if known.iter().any(|magic| head.starts_with(magic)) {
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
        let (root, menu) = (dir.path(), Path::new("grub.cfg"));
        let kernels = ["5.14.0-2.el9", "5.14.0-1.el9"].map(String::from);
        let plain = "linux /vmlinuz-5.14.0-2.el9\nlinux /vmlinuz-5.14.0-1.el9\n";
        menu_has(root, menu, plain, &kernels).unwrap();
        assert!(menu_has(root, menu, &plain[..30], &kernels).is_err());
        let bls = || menu_has(root, menu, "insmod blscfg\nblscfg\n", &kernels);
        assert!(bls().is_err());
        let entries = root.join("boot/loader/entries");
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
        assert!(initramfs(dir.path(), "6.1").is_err());
        let path = boot.join("initrd.img-6.1");
        std::fs::write(&path, "").unwrap();
        assert!(initramfs(dir.path(), "6.1").is_err());
        std::fs::write(&path, "sh: error").unwrap();
        let error = initramfs(dir.path(), "6.1").unwrap_err().to_string();
        assert!(error.contains("is no initramfs"), "{error}");
        std::fs::write(&path, "0707010000").unwrap();
        initramfs(dir.path(), "6.1").unwrap();
    }
}
