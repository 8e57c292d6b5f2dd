// SPDX-License-Identifier: MIT OR Apache-2.0
//! GRUB's core image and boot sector. The new system's grub-install makes them
//! for this disk; they are written to it here, last of all.

use super::{Error, programs};
use crate::disk::{Disk, sector_0};
use ondisk::gpt::{Guid, Table};
use ondisk::grub::{CoreImage, embed_boot, embed_core};
use rootdir::RootDir;
use std::io::Read;
use std::ops::Range;
use sys::cannot;

use ondisk::run::{SECTOR, SECTOR_LEN};
/// The most bytes that are read of an image.
const MOST: u64 = 1 << 20;

/// GRUB's images, in memory: the new system is not mounted any more when they
/// are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Images {
    /// For the BIOS boot partition.
    core: Vec<u8>,
    /// boot.img, as it is in a file.
    boot: Vec<u8>,
    /// The BIOS boot partition, in sectors of 512 bytes.
    place: Range<u64>,
}

impl Images {
    /// Reads them from the new system, and checks that they would start it from
    /// `disk`.
    ///
    /// # Errors
    /// [`Error::NoFile`], [`Error::Grub`].
    pub fn read(root: &RootDir, disk: &Disk, table: &Table) -> Result<Images, Error> {
        let place = bios_boot(disk, table)?;
        let directory = match programs::programs(root)?.grub_install {
            Some("grub2-install") => "boot/grub2/i386-pc",
            _ => "boot/grub/i386-pc",
        };
        let file = |name: &str| -> Result<Vec<u8>, Error> {
            let rel = format!("{directory}/{name}");
            let path = root.full(&rel);
            let file = root.open_file(&rel)?;
            let file = file.ok_or_else(|| Error::NoFile { path: path.clone() })?;
            let mut bytes = Vec::new();
            let mut file = file.take(MOST);
            file.read_to_end(&mut bytes)
                .map_err(cannot("read", &path))?;
            Ok(bytes)
        };
        let core = embed_core(&file("core.img")?, place.clone());
        let images = Images {
            core: core.map_err(|e| grub(disk, e))?,
            boot: file("boot.img")?,
            place,
        };
        let sector_0 = images.boot_sector(disk)?;
        let start = images.place.start.saturating_mul(SECTOR);
        CoreImage::verify(images.place.clone(), |offset, out: &mut [u8]| {
            let (from, at) = match offset {
                0 => (&sector_0[..], 0),
                offset => (&images.core[..], offset.saturating_sub(start)),
            };
            let at = usize::try_from(at).unwrap_or(usize::MAX);
            let found = from.get(at..).and_then(|bytes| bytes.get(..out.len()));
            out.copy_from_slice(found.ok_or("there is no such sector in core.img")?);
            Ok::<_, &str>(())
        })
        .map_err(|e| grub(disk, e))?;
        Ok(images)
    }

    /// Sector 0 as it will be: table and BIOS parameter block stay.
    fn boot_sector(&self, disk: &Disk) -> Result<[u8; SECTOR_LEN], Error> {
        let old = disk.read_fresh(0, SECTOR_LEN)?;
        embed_boot(&self.boot, &old, &old, self.place.start).map_err(|e| grub(disk, e))
    }

    /// Writes both, the boot sector last: with it the disk starts the new system,
    /// so everything else must be on the medium before.
    ///
    /// # Errors
    /// [`Error::Disk`]; the boot sector is written only if the core image could
    /// be read back.
    pub fn write(&self, disk: &Disk) -> Result<(), Error> {
        const CORE: &str = "GRUB's core image";
        // What is cached for the partition must not come after it.
        disk.flush()?;
        let start = self.place.start.saturating_mul(SECTOR);
        disk.write_at(CORE, start, &self.core)?;
        disk.sync(CORE)?;
        disk.flush()?;
        self.require_core(disk)?;
        sector_0::write(disk, "GRUB's boot sector", 0, &self.boot_sector(disk)?)?;
        Ok(())
    }

    /// Checks that both are on the medium.
    ///
    /// # Errors
    /// [`Error::Grub`], [`crate::disk::Error::ReadBack`].
    pub fn confirm(&self, disk: &Disk) -> Result<(), Error> {
        self.require_core(disk)?;
        let boot = disk.read_fresh(0, SECTOR_LEN)?;
        match boot == self.boot_sector(disk)? {
            true => Ok(()),
            false => Err(grub(
                disk,
                "sector 0 is not the boot sector that was written",
            )),
        }
    }

    fn require_core(&self, disk: &Disk) -> Result<(), Error> {
        let start = self.place.start.saturating_mul(SECTOR);
        let found = disk.read_fresh(start, self.core.len())?;
        match found.iter().zip(&self.core).position(|(a, b)| a != b) {
            None => Ok(()),
            Some(at) => Err(crate::disk::Error::ReadBack {
                path: disk.path().into(),
                what: "GRUB's core image",
                offset: start.saturating_add(at as u64),
            }
            .into()),
        }
    }
}

/// Checks the medium: sector 0 must lead to a core image that lies wholly in the
/// BIOS boot partition.
///
/// # Errors
/// [`Error::Grub`].
pub fn starts_grub(disk: &Disk, table: &Table) -> Result<(), Error> {
    let place = bios_boot(disk, table)?;
    let read = |offset, out: &mut [u8]| {
        disk.read_fresh(offset, out.len())
            .map(|found| out.copy_from_slice(&found))
    };
    CoreImage::verify(place, read)
        .map(|_| ())
        .map_err(|e| grub(disk, e))
}

fn bios_boot(disk: &Disk, table: &Table) -> Result<Range<u64>, Error> {
    let bios = |p: &&ondisk::gpt::Partition| p.type_guid == Guid::BIOS_BOOT;
    let found = table.partitions.iter().find(bios);
    let found = found.ok_or_else(|| grub(disk, "va.sgdisk has no BIOS boot partition"))?;
    let bytes = table.byte_range(found);
    Ok(bytes.start / SECTOR..bytes.end / SECTOR)
}

fn grub(disk: &Disk, why: impl std::fmt::Display) -> Error {
    Error::Grub {
        disk: disk.path().into(),
        why: why.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ondisk::gpt::{Name, Partition};
    use ondisk::mark;
    use std::os::unix::fs::{FileExt, PermissionsExt};
    use std::path::Path;

    const BOOT: &[u8; 512] = include_bytes!("../../../../ondisk/tests/fixtures/grub/gpt-boot.img");
    const CORE: &[u8; 512] =
        include_bytes!("../../../../ondisk/tests/fixtures/grub/gpt-core-2048.img");

    /// A disk of 8 MiB with the mark in sector 0 and a BIOS boot partition from
    /// 2 to 3 MiB: not where the fixture was installed.
    fn disk(dir: &Path) -> (Disk, Table) {
        let path = testkit::sparse(dir.join("disk"), 8 << 20);
        let mut table = Table::new(8 << 20, 512, Guid([1; 16])).unwrap();
        table.partitions.push(Partition {
            number: 1,
            type_guid: Guid::BIOS_BOOT,
            guid: Guid([2; 16]),
            first_lba: 4096,
            last_lba: 6143,
            attributes: 0,
            name: Name::new("").unwrap(),
        });
        let disk = Disk::open_writable(path).unwrap();
        let code = mark::encode(&[7; 16]);
        crate::disk::table::write(&disk, &table, Some(&code)).unwrap();
        (disk, table)
    }

    /// A new root with this program and images in this directory.
    fn root(dir: &Path, program: &str, images: &str, core: &[u8]) -> RootDir {
        let root = dir.join("root");
        let at = root.join("boot").join(images).join("i386-pc");
        std::fs::create_dir_all(root.join("usr/sbin")).unwrap();
        std::fs::create_dir_all(&at).unwrap();
        let program = root.join("usr/sbin").join(program);
        std::fs::write(&program, "").unwrap();
        std::fs::set_permissions(program, std::fs::Permissions::from_mode(0o755)).unwrap();
        std::fs::write(at.join("boot.img"), BOOT).unwrap();
        std::fs::write(at.join("core.img"), core).unwrap();
        RootDir::open(&root).unwrap()
    }

    fn core(sectors: usize) -> Vec<u8> {
        let mut core = CORE.to_vec();
        core.resize(sectors * 512, 9);
        core
    }

    #[test]
    fn the_boot_sector_comes_last_and_leads_to_what_was_read_back() {
        let dir = tempfile::tempdir().unwrap();
        let (disk, table) = disk(dir.path());
        let before = std::fs::read(disk.path()).unwrap();
        let root = root(dir.path(), "grub2-install", "grub2", &core(106));
        let images = Images::read(&root, &disk, &table).unwrap();
        assert!(std::fs::read(disk.path()).unwrap() == before);
        assert!(starts_grub(&disk, &table).is_err());
        images.confirm(&disk).unwrap_err();
        // The core image alone starts nothing.
        disk.write_at("x", 2 << 20, &images.core).unwrap();
        images.confirm(&disk).unwrap_err();
        for _ in 0..2 {
            images.write(&disk).unwrap();
            images.confirm(&disk).unwrap();
            starts_grub(&disk, &table).unwrap();
        }
        let after = std::fs::read(disk.path()).unwrap();
        let same = |range: Range<usize>| after[range.clone()] == before[range];
        assert!(same(440..510) && same(512..2 << 20) && same((2 << 20) + 106 * 512..8 << 20));
        disk.file().write_all_at(b"x", (2 << 20) + 5000).unwrap();
        let error = images.confirm(&disk).unwrap_err().to_string();
        assert!(error.contains("core image at byte 2102152"), "{error}");
    }

    #[test]
    fn a_core_image_that_cannot_be_written_leaves_the_mark() {
        let dir = tempfile::tempdir().unwrap();
        let (disk, table) = disk(dir.path());
        let root = root(dir.path(), "grub-install", "grub", &core(106));
        let images = Images::read(&root, &disk, &table).unwrap();
        let run = ondisk::lifeboat::Run {
            lba: 4150,
            sectors: 1,
        };
        let protected = ondisk::lifeboat::Protected::new([run], 512, 8 << 20).unwrap();
        let disk = disk.guarded(&protected).unwrap();
        let error = images.write(&disk).unwrap_err().to_string();
        assert!(
            error.contains("GRUB's core image would overwrite"),
            "{error}"
        );
        let head = disk.read_fresh(0, mark::BYTES).unwrap();
        assert_eq!(mark::decode(&head), Some([7; 16]));
    }

    #[test]
    fn images_that_would_not_start_are_refused_before_anything_is_written() {
        let dir = tempfile::tempdir().unwrap();
        let (disk, table) = disk(dir.path());
        let refused = |core: &[u8], program, images| {
            let dir = tempfile::tempdir().unwrap();
            let root = root(dir.path(), program, images, core);
            Images::read(&root, &disk, &table).unwrap_err().to_string()
        };
        let missing = refused(&core(9), "grub2-install", "grub");
        assert!(
            missing.contains("boot/grub2/i386-pc/core.img is missing"),
            "{missing}"
        );
        assert!(refused(&core(1), "grub-install", "grub").contains("core.img has 1 sectors"));
        assert!(refused(&[0; 4096], "grub-install", "grub").contains("GRUB on "));
        let mut none = table.clone();
        none.partitions.clear();
        let root = root(dir.path(), "grub-install", "grub", &core(9));
        let error = Images::read(&root, &disk, &none).unwrap_err().to_string();
        assert!(error.contains("no BIOS boot partition"), "{error}");
    }
}
