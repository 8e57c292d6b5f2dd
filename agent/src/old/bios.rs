// SPDX-License-Identifier: MIT OR Apache-2.0
//! From which disk the BIOS starts this machine.
//!
//! If it is not the disk that is replaced, the GRUB of the other disk would look
//! for the old `/boot` after the migration and end in a rescue prompt.

use super::Error;
use super::unsupported::{NotByThisDisk, Unsupported};
use crate::block::BlockDevice;
use crate::block::sysfs::text;
use crate::disk::Disk;
use contract::cmdline::words;
use ondisk::grub::BootImage;
use ondisk::mbr;
use std::path::Path;

/// Sector 0 of a disk.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Head {
    name: String,
    bytes: u64,
    /// The disk signature at byte 440, if it has one.
    signature: Option<u32>,
    /// Whether the boot code is GRUB's boot.img.
    grub: bool,
    /// The BIOS drive from which boot.img loads GRUB, if that is not the drive
    /// that it was started from.
    drive: Option<u8>,
    /// Whether the sector has boot code, so that a BIOS would start it.
    code: bool,
}

impl Head {
    fn of(block: &BlockDevice, sector: &[u8]) -> Head {
        let marked = mbr::is_marked(sector);
        let signature = Some(mbr::disk_signature(sector)).filter(|n| *n != 0);
        let image = BootImage::parse(sector).ok();
        Head {
            name: block.name.clone(),
            bytes: block.bytes,
            signature: signature.filter(|_| marked),
            grub: image.is_some(),
            drive: image
                .map(|image| image.boot_drive)
                .filter(|drive| ![0x80, 0xff].contains(drive)),
            code: marked && sector.first().is_some_and(|b| *b != 0),
        }
    }
}

/// The traces of the boot that firmware and boot loader have left in the running
/// system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Traces {
    /// Signature of the BIOS's first disk (Enhanced Disk Drive).
    signature: Option<u32>,
    /// Its size in sectors of its own.
    sectors: Option<u64>,
    /// `N` of `BOOT_IMAGE=(hdN,...)`, as newer GRUBs write it.
    grub_disk: Option<u32>,
}

impl Traces {
    fn read(sys: &Path, cmdline: &str) -> Traces {
        let edd = |name: &str| text(&sys.join("firmware/edd/int13_dev80"), name);
        let signature = edd("mbr_signature")
            .and_then(|text| u32::from_str_radix(text.trim_start_matches("0x"), 16).ok());
        let images = words(cmdline.as_bytes()).filter(|word| word.name == b"BOOT_IMAGE");
        let disk = |image: &[u8]| {
            let disk = std::str::from_utf8(image).ok()?.strip_prefix("(hd")?;
            disk.split([',', ')']).next()?.parse().ok()
        };
        Traces {
            signature: signature.filter(|n| *n != 0),
            sectors: edd("sectors").and_then(|text| text.parse().ok()),
            grub_disk: images.filter_map(|word| disk(word.value?)).last(),
        }
    }

    /// The disk that the traces point to, if exactly one fits.
    fn first<'a>(&self, heads: &'a [Head]) -> Option<&'a Head> {
        let only = |fits: &dyn Fn(&Head) -> bool| {
            let mut found = heads.iter().filter(|head| fits(head));
            found.next().filter(|_| found.next().is_none())
        };
        let by_signature = self
            .signature
            .and_then(|n| only(&|head| head.signature == Some(n)));
        let size = |sectors: u64, block: u64| sectors.checked_mul(block);
        by_signature.or_else(|| {
            let n = self.sectors?;
            only(&|head| [512, 4096].map(|b| size(n, b)).contains(&Some(head.bytes)))
        })
    }
}

/// Refuses a machine that the BIOS may start from a disk other than `disk`, which
/// holds /boot. Returns the reason if our loader in its first sector would not be
/// started in GRUB's place.
pub(super) fn check(
    sys: &Path,
    cmdline: &str,
    blocks: &[BlockDevice],
    disk: &BlockDevice,
) -> Result<Option<String>, Error> {
    let mut heads = Vec::new();
    for block in blocks.iter().filter(|b| b.is_disk()) {
        // A drive without a medium, or one that fails, starts no machine.
        let sector = Disk::open(block.path()).and_then(|open| {
            let mut sector = [0; 512];
            open.read_at(0, &mut sector).map(|()| sector)
        });
        match sector {
            Ok(sector) => heads.push(Head::of(block, &sector)),
            Err(error) if block.name == disk.name => return Err(error.into()),
            Err(_) => {}
        }
    }
    let traces = Traces::read(sys, cmdline);
    judge(&heads, &disk.name, traces).map_err(Unsupported::from)?;
    Ok(elsewhere(&heads, &disk.name, traces))
}

/// Why the machine may not start by GRUB in the first sector of its own disk, as
/// the BIOS's first disk; `None` if it does. Only that sector can be replaced by
/// our loader.
fn elsewhere(heads: &[Head], own_disk: &str, traces: Traces) -> Option<String> {
    let own = heads.iter().find(|head| head.name == own_disk)?;
    if !own.grub {
        return Some(format!(
            "the first sector of {own_disk} has no GRUB: by what the machine starts is not known"
        ));
    }
    if let Some(drive) = own.drive {
        return Some(format!(
            "the GRUB in the first sector of {own_disk} is loaded from the BIOS's drive {drive:#x}, and not from the disk that it is on"
        ));
    }
    let first = traces.first(heads);
    if let Some(first) = first.filter(|head| head.name != own_disk) {
        return Some(format!(
            "the BIOS's first disk is {}, and not {own_disk}",
            first.name
        ));
    }
    let number = traces.grub_disk.filter(|n| *n > 0)?;
    Some(format!(
        "GRUB found {own_disk} as its disk hd{number}, and not as the BIOS's first disk"
    ))
}

fn judge(heads: &[Head], own_disk: &str, traces: Traces) -> Result<(), NotByThisDisk> {
    let name = own_disk.to_string();
    // The BIOS skips a disk without boot code.
    if let Some(first) = traces.first(heads).filter(|head| head.code) {
        if first.name == own_disk {
            return Ok(());
        }
        return Err(NotByThisDisk::First {
            first: first.name.clone(),
            loader: if first.grub { "GRUB" } else { "boot loader" },
            own_disk: name,
        });
    }
    let others = heads
        .iter()
        .filter(|head| head.grub && head.name != own_disk);
    let others: Vec<String> = others.map(|head| head.name.clone()).collect();
    if others.is_empty() {
        return Ok(());
    }
    let own = heads.iter().any(|head| head.grub && head.name == own_disk);
    match traces.grub_disk {
        Some(0) if own => Ok(()),
        Some(number) if number > 0 => Err(NotByThisDisk::Number {
            number,
            others,
            own_disk: name,
        }),
        _ if own => Err(NotByThisDisk::Unknown {
            others,
            own_disk: name,
        }),
        _ => Err(NotByThisDisk::Other {
            others,
            own_disk: name,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(name: &str, signature: u32, grub: bool) -> Head {
        Head {
            name: name.into(),
            bytes: 8 << 30,
            signature: Some(signature),
            grub,
            drive: None,
            code: grub,
        }
    }

    fn refusal(heads: &[Head], traces: Traces) -> String {
        judge(heads, "sda", traces).unwrap_err().to_string()
    }

    #[test]
    fn a_machine_that_starts_from_its_own_disk() {
        let none = Traces::default();
        let alone = [head("sda", 1, true), head("sdb", 2, false)];
        judge(&alone, "sda", none).unwrap();
        judge(&alone[1..], "sda", none).unwrap();
        let both = [head("sda", 1, true), head("sdb", 2, true)];
        let edd = |n| Traces {
            signature: Some(n),
            ..none
        };
        judge(&both, "sda", edd(1)).unwrap();
        let grub = Traces {
            grub_disk: Some(0),
            ..none
        };
        judge(&both, "sda", grub).unwrap();
        // The BIOS's first disk has nothing to start; it went on to the next.
        let mut empty = both.clone();
        empty[1] = head("sdb", 2, false);
        judge(&empty, "sda", edd(2)).unwrap();
    }

    #[test]
    fn what_the_first_sector_is_not_started_by() {
        let none = Traces::default();
        let both = [head("sda", 1, true), head("sdb", 2, false)];
        let why = |heads: &[Head], traces| {
            judge(heads, "sda", traces).unwrap();
            elsewhere(heads, "sda", traces)
        };
        let grub = |n| Traces {
            grub_disk: Some(n),
            ..none
        };
        let edd = |n| Traces {
            signature: Some(n),
            ..none
        };
        for traces in [none, grub(0), edd(1)] {
            assert_eq!(why(&both, traces), None);
        }
        let mut drive = both.clone();
        drive[0].drive = Some(0x81);
        let bare = [head("sda", 1, false)];
        for (heads, traces, words) in [
            (&both[..], grub(1), "as its disk hd1"),
            (&both, edd(2), "first disk is sdb, and not sda"),
            (&drive, none, "drive 0x81"),
            (&bare, none, "sda has no GRUB"),
        ] {
            let why = why(heads, traces).unwrap();
            assert!(why.contains(words), "{why}");
        }
    }

    #[test]
    fn another_disk_that_the_bios_may_start_is_named() {
        let none = Traces::default();
        let both = [head("sda", 1, true), head("sdb", 2, true)];
        let edd = Traces {
            signature: Some(2),
            ..none
        };
        let error = refusal(&both, edd);
        assert!(error.contains("starts this machine from sdb"), "{error}");
        let mut lilo = both.clone();
        lilo[1].grub = false;
        assert!(refusal(&lilo, edd).contains("the boot loader in the first sector of sdb"));
        let error = refusal(&both, none);
        assert!(error.contains("modprobe edd") && error.contains("detach sdb"));
        let moved = [head("sda", 1, false), head("sdc", 3, true)];
        let error = refusal(&moved, none);
        assert!(error.starts_with("GRUB is in the first sector of sdc, and sda has none"));
        let grub = Traces {
            grub_disk: Some(1),
            ..none
        };
        assert!(refusal(&both, grub).contains("as its disk hd1"));
    }

    #[test]
    fn a_signature_that_two_disks_have_says_nothing_and_a_size_may() {
        let copies = [head("sda", 1, true), head("sdb", 1, true)];
        let mut traces = Traces {
            signature: Some(1),
            ..Traces::default()
        };
        assert!(refusal(&copies, traces).contains("nothing says from which"));
        let mut sizes = copies.clone();
        sizes[1].bytes = 4 << 30;
        traces.sectors = Some((4 << 30) / 512);
        assert!(refusal(&sizes, traces).contains("from sdb"));
        traces.sectors = Some((8 << 30) / 4096);
        judge(&sizes, "sda", traces).unwrap();
    }

    #[test]
    fn what_the_machine_says_is_read() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(Traces::read(dir.path(), "quiet"), Traces::default());
        let edd = dir.path().join("firmware/edd/int13_dev80");
        std::fs::create_dir_all(&edd).unwrap();
        std::fs::write(edd.join("mbr_signature"), "0x0de00001\n").unwrap();
        std::fs::write(edd.join("sectors"), "16777216\n").unwrap();
        let line =
            "BOOT_IMAGE=(hd1,msdos1)/vmlinuz-5.14.0 root=/dev/sda1 x=\"a BOOT_IMAGE=(hd2)/b\"";
        let traces = Traces {
            signature: Some(0x0de0_0001),
            sectors: Some(16_777_216),
            grub_disk: Some(1),
        };
        assert_eq!(Traces::read(dir.path(), line), traces);

        let block = crate::block::tests::sample("sda");
        let grub = include_bytes!("../../../ondisk/tests/fixtures/grub/gpt-boot.img");
        let found = Head::of(&block, grub);
        assert!(found.grub && found.code && found.drive.is_none());
        let mut other = grub.to_vec();
        other[0x64] = 0x81;
        assert_eq!(Head::of(&block, &other).drive, Some(0x81));
        let mut sector = [0; 512];
        sector[440..444].copy_from_slice(&0x0de0_0001_u32.to_le_bytes());
        assert_eq!(Head::of(&block, &sector).signature, None);
        sector[510..].copy_from_slice(&[0x55, 0xaa]);
        let found = Head::of(&block, &sector);
        assert_eq!(found.signature, Some(0x0de0_0001));
        assert!(!found.code && !found.grub);
    }
}
