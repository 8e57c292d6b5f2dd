// SPDX-License-Identifier: MIT OR Apache-2.0
//! Partition tables: GPT (UEFI specification, chapter 5) and DOS.

use super::{Device, Kind, Signature, fat, text};

/// The partition entries and the mark at the end of the first sector.
const ENTRIES: std::ops::Range<u64> = 446..512;
/// Type of the entry that guards a GPT.
const PROTECTIVE: u8 = 0xee;

/// A GPT: headers at both ends, for sectors of 512 and of 4096 bytes, and the
/// protective DOS table. One of the three is enough.
pub(super) fn gpt(device: &Device) -> Option<Signature> {
    let mut headers = Vec::new();
    for sector in [512, 4096] {
        let last = (device.size() / sector).checked_sub(1);
        for lba in [Some(1), last].into_iter().flatten() {
            let Some(at) = lba.checked_mul(sector) else {
                continue;
            };
            // A header names its own place.
            if device.has(at, b"EFI PART") && device.u64(at.checked_add(24)?) == Some(lba) {
                headers.push(at);
            }
        }
    }
    let mut clear: Vec<_> = headers
        .iter()
        .map(|&at| at..at.saturating_add(512))
        .collect();
    if types(device).is_some_and(|types| types.contains(&PROTECTIVE)) {
        clear.push(ENTRIES);
    }
    let uuid = headers
        .first()
        .and_then(|at| device.array(at.checked_add(56)?));
    let first = clear.first()?.clone();
    let mut signature = Signature::new(Kind::Gpt, first).uuid(uuid.and_then(text::guid));
    signature.clear = clear;
    Some(signature)
}

/// A DOS table that does not guard a GPT.
pub(super) fn dos(device: &Device) -> Option<Signature> {
    let types = types(device)?;
    if types.contains(&PROTECTIVE) || fat::is_boot_sector(device) {
        return None;
    }
    let uuid = device
        .u32(440)
        .filter(|&id| id != 0)
        .map(|id| format!("{id:08x}"));
    Some(Signature::new(Kind::Dos, ENTRIES).uuid(uuid))
}

/// The types of the four entries, if the first sector can be a DOS table.
fn types(device: &Device) -> Option<[u8; 4]> {
    if !device.has(510, &[0x55, 0xaa]) {
        return None;
    }
    let mut types = [0; 4];
    for (slot, at) in types.iter_mut().zip((ENTRIES.start..).step_by(16)) {
        if !matches!(device.byte(at)?, 0 | 0x80) {
            return None;
        }
        *slot = device.byte(at + 4)?;
    }
    Some(types)
}
