// SPDX-License-Identifier: MIT OR Apache-2.0
//! Members of something bigger: LVM2, LUKS, md.

use super::{Device, Kind, Part, Signature, text};

/// A physical volume of LVM2: a label in one of the first four sectors, which
/// names its own sector (lvm2: `struct label_header`, `struct pv_header`).
/// The headers of its metadata areas go with it.
pub(super) fn lvm(device: &Device) -> Option<Signature> {
    let is_there = |sector: u64| {
        let at = sector * 512;
        device.has(at, b"LABELONE")
            && device.u64(at + 8) == Some(sector)
            && device.has(at + 24, b"LVM2 001")
    };
    let mut sectors = (0..4)
        .filter(|&sector| is_there(sector))
        .map(|sector| sector * 512);
    let first = sectors.next()?;
    let mut signature = Signature::new(Kind::LvmPv, first..first + 512);
    signature.clear.extend(sectors.map(|at| at..at + 512));
    if let Some(header) = device
        .u32(first + 20)
        .and_then(|offset| first.checked_add(offset.into()))
    {
        signature.uuid = device.bytes(header, 32).and_then(lvm_uuid);
        signature.clear.extend(
            metadata_areas(device, header)
                .into_iter()
                .map(|at| at..at + 512),
        );
    }
    Some(signature)
}

fn lvm_uuid(bytes: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(bytes)
        .ok()
        .filter(|text| text.is_ascii())?;
    let parts = [
        (0, 6),
        (6, 10),
        (10, 14),
        (14, 18),
        (18, 22),
        (22, 26),
        (26, 32),
    ];
    Some(
        parts
            .map(|(from, to)| text.get(from..to).unwrap_or_default())
            .join("-"),
    )
}

/// Where the metadata areas begin whose headers were read.
fn metadata_areas(device: &Device, header: u64) -> Vec<u64> {
    let mut areas = Vec::new();
    let mut lists = 0;
    // Two lists of pairs (offset, size), each ended by a pair of zeros, within
    // the label's sector.
    for index in 0..28_u64 {
        let Some(at) = header.checked_add(40 + index * 16) else {
            break;
        };
        let Some(offset) = device.u64(at) else { break };
        if offset == 0 {
            lists += 1;
        } else if lists == 1
            && offset
                .checked_add(4)
                .is_some_and(|magic| device.has(magic, b" LVM2 x[5A%r0N*>"))
        {
            areas.push(offset);
        }
        if lists == 2 {
            break;
        }
    }
    areas
}

/// LUKS, version 1 or 2; the second header of version 2, too, for cryptsetup
/// restores the first one from it (cryptsetup: `struct luks_phdr`,
/// `struct luks2_hdr_disk`).
pub(super) fn luks(device: &Device) -> Option<Signature> {
    const SECOND: [u64; 9] = [
        0x4000, 0x8000, 0x1_0000, 0x2_0000, 0x4_0000, 0x8_0000, 0x10_0000, 0x20_0000, 0x40_0000,
    ];
    let primary = device.has(0, b"LUKS\xba\xbe").then_some(0);
    let second = SECOND
        .into_iter()
        .filter(|&at| device.has(at, b"SKUL\xba\xbe"));
    let mut places = primary.into_iter().chain(second);
    let first = places.next()?;
    let version = u16::from_be_bytes(device.array(first + 6)?);
    let mut signature = Signature::new(Kind::Luks, first..first + 512)
        .uuid(text::label(device.bytes(first + 168, 40)?));
    if version == 2 {
        signature = signature.label(text::label(device.bytes(first + 24, 48)?));
    }
    signature.clear.extend(places.map(|at| at..at + 512));
    let detached = match version {
        1 => device.array(first + 104).map(u32::from_be_bytes) == Some(0),
        _ => luks_2_is_detached(device, first).unwrap_or(false),
    };
    let whole = signature.uuid.clone().filter(|_| detached);
    Some(signature.part(whole.map(|uuid| Part::new(uuid, "header", 2))))
}

/// Whether the first segment of the data begins where the header does, which it
/// cannot on the same device. The description is JSON, as json-c writes it.
fn luks_2_is_detached(device: &Device, header: u64) -> Option<bool> {
    let size = u64::from_be_bytes(device.array(header.checked_add(8)?)?);
    let length = usize::try_from(size.min(1 << 20).checked_sub(4096)?).ok()?;
    let json = text::label(device.bytes(header.checked_add(4096)?, length)?)?;
    let (_, segments) = json.split_once("\"segments\":")?;
    let (_, offset) = segments.split_once("\"offset\":\"")?;
    Some(offset.starts_with("0\""))
}

/// Magic number of md's superblocks.
const MD: u32 = 0xa92b_4efc;

/// Members of md arrays, in every version that is found (kernel:
/// `linux/raid/md_p.h`).
pub(super) fn md(device: &Device) -> Vec<Signature> {
    let end = device.size();
    let places = [
        (Kind::Md10, (end & !0xfff).checked_sub(0x2000)),
        (Kind::Md11, Some(0)),
        (Kind::Md12, Some(4096)),
    ];
    let version_1 = places
        .into_iter()
        .filter_map(|(kind, at)| md_1(device, kind, at?));
    let version_0 = (end & !0xffff)
        .checked_sub(0x1_0000)
        .and_then(|at| md_0(device, at));
    version_1.chain(version_0).collect()
}

fn md_1(device: &Device, kind: Kind, at: u64) -> Option<Signature> {
    let own_place = device.u64(at.checked_add(144)?)?;
    if device.u32(at)? != MD || device.u32(at.checked_add(4)?)? != 1 || own_place != at / 512 {
        return None;
    }
    let uuid = text::uuid(device.array(at.checked_add(16)?)?);
    let own = text::uuid(device.array(at.checked_add(168)?)?);
    let members = md_1_members(device, at).unwrap_or(1);
    let part = uuid
        .clone()
        .map(|uuid| Part::new(uuid, own.unwrap_or_default(), members));
    let signature = Signature::new(kind, at..at.checked_add(4096)?.min(device.size()))
        .uuid(uuid)
        .label(text::label(device.bytes(at.checked_add(32)?, 32)?));
    Some(signature.part(part))
}

/// How many members have a part in the array, by the roles in the superblock:
/// spares and those that failed have none.
fn md_1_members(device: &Device, at: u64) -> Option<u64> {
    let count = usize::try_from(device.u32(at.checked_add(220)?)?).ok()?;
    let roles = device.bytes(at.checked_add(256)?, count.min(1920).checked_mul(2)?)?;
    let role = |pair: &[u8]| Some(u16::from_le_bytes(pair.try_into().ok()?));
    let active = roles
        .chunks_exact(2)
        .filter_map(role)
        .filter(|r| *r < 0xfffe);
    Some(active.count() as u64)
}

/// Version 0.90 has the byte order of the machine; its UUID is four numbers.
fn md_0(device: &Device, at: u64) -> Option<Signature> {
    let big = match device.array(at)? {
        magic if u32::from_le_bytes(magic) == MD => false,
        magic if u32::from_be_bytes(magic) == MD => true,
        _ => return None,
    };
    let number = |offset: u64| {
        let bytes = device.array(at.checked_add(offset)?)?;
        Some(if big {
            u32::from_be_bytes(bytes)
        } else {
            u32::from_le_bytes(bytes)
        })
    };
    if number(4)? != 0 {
        return None;
    }
    let mut uuid = [0; 16];
    for (chunk, offset) in uuid.chunks_exact_mut(4).zip([20, 52, 56, 60]) {
        chunk.copy_from_slice(&number(offset)?.to_be_bytes());
    }
    let uuid = text::uuid(uuid);
    // The number of active members, and the own descriptor's.
    let (active, own) = (number(136)?, number(3968)?);
    let part = uuid
        .clone()
        .map(|uuid| Part::new(uuid, own.to_string(), active.into()));
    let signature = Signature::new(Kind::Md090, at..at.checked_add(4096)?).uuid(uuid);
    Some(signature.part(part))
}
