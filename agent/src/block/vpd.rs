// SPDX-License-Identifier: MIT OR Apache-2.0
//! Serial number and world wide name of a disk, by which it is recognised.
//!
//! SCSI disks have them in pages 0x80 and 0x83 of the vital product data (SPC-4,
//! 7.8). Page 0x83 is parsed here, because `device/wwid`, the kernel's own choice
//! among its designators, differs between versions.

use super::sysfs::{clean, text};
use ondisk::hex::Hex;
use std::path::Path;

/// The serial number of the disk with this directory. virtio has it at the
/// disk, NVMe at the controller, SCSI in its page (4 bytes of header, then the
/// text), USB at the device that the disk is a part of.
pub(super) fn serial(disk: &Path) -> Option<String> {
    let page = || {
        let page = std::fs::read(disk.join("device/vpd_pg80")).ok()?;
        let length = usize::from(*page.get(3)?);
        clean(page.get(4..4 + length)?)
    };
    let usb = || {
        let mut above = disk.ancestors();
        text(above.find(|dir| dir.join("idVendor").exists())?, "serial")
    };
    text(disk, "serial")
        .or_else(|| text(disk, "device/serial"))
        .or_else(page)
        .or_else(usb)
}

/// The world wide name of the disk with this directory, as `naa.5000c5...`.
pub(super) fn wwn(disk: &Path) -> Option<String> {
    let page = || best_name(&std::fs::read(disk.join("device/vpd_pg83")).ok()?);
    page()
        // NVMe disks have the file in their own directory, SCSI disks in that of
        // the device.
        .or_else(|| text(disk, "wwid"))
        .or_else(|| text(disk, "device/wwid"))
}

/// The best name in the page: a globally unique one is preferred to one that is
/// unique only for its vendor. Names of ports and targets do not count.
fn best_name(page: &[u8]) -> Option<String> {
    let length = u16::from_be_bytes([*page.get(2)?, *page.get(3)?]);
    let mut rest = page.get(4..)?;
    rest = rest.get(..usize::from(length)).unwrap_or(rest);
    let mut best: Option<(u8, String)> = None;
    while let [set, kind, _, length, tail @ ..] = rest {
        let Some(value) = tail.get(..usize::from(*length)) else {
            break;
        };
        rest = tail.get(usize::from(*length)..).unwrap_or_default();
        // Of the logical unit, and not empty.
        if kind & 0x30 != 0 || value.iter().all(|byte| *byte == 0) {
            continue;
        }
        let named = match (kind & 0xf, set & 0xf) {
            (3, 1) => (3, format!("naa.{}", Hex(value))),
            (2, 1) => (2, format!("eui.{}", Hex(value))),
            (1, _) => (1, format!("t10.{}", String::from_utf8_lossy(value).trim())),
            _ => continue,
        };
        if best.as_ref().is_none_or(|(rank, _)| *rank < named.0) {
            best = Some(named);
        }
    }
    best.map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_name_of_the_unit_counts() {
        let vendor = [&[2, 1, 0, 11][..], b"ATA  QEMU 1"].concat();
        let naa = [&[1, 3, 0, 8][..], &[0x50, 0, 0xc5, 0, 1, 2, 3, 4]].concat();
        let port = [&[1, 0x13, 0, 8][..], &[0x50; 8]].concat();
        let empty = [&[1, 3, 0, 8][..], &[0; 8]].concat();
        let page = |parts: &[&[u8]]| {
            let body = parts.concat();
            let length = u16::try_from(body.len()).unwrap().to_be_bytes();
            [&[0, 0x83][..], &length, &body].concat()
        };
        let name = |parts: &[&[u8]]| best_name(&page(parts));
        assert_eq!(
            name(&[&vendor, &naa, &port]).as_deref(),
            Some("naa.5000c50001020304")
        );
        assert_eq!(
            name(&[&port, &vendor, &empty]).as_deref(),
            Some("t10.ATA  QEMU 1")
        );
        assert_eq!(name(&[&port]), None);
        // Cut anywhere: less, and no panic.
        let whole = page(&[&vendor, &naa]);
        for end in 0..whole.len() {
            assert_ne!(
                best_name(&whole[..end]).as_deref(),
                Some("naa.5000c50001020304")
            );
        }
    }
}
