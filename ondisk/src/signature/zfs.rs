// SPDX-License-Identifier: MIT OR Apache-2.0
//! Members of ZFS pools: four labels of 256 KiB, two at each end, each with a
//! list of names and values and a ring of uberblocks (OpenZFS: `vdev_label.c`).

use super::{Device, Kind, Part, Signature, text};

const LABEL: u64 = 256 << 10;
/// Offset of the uberblocks in a label, their distance and their number.
const UBERBLOCKS: (u64, u64, u64) = (128 << 10, 1024, 128);
/// Offset of the list in a label.
const LIST: u64 = 16 << 10;
const MAGIC: u64 = 0x00ba_b10c;

/// A member of a pool.
pub(super) fn zfs(device: &Device) -> Option<Signature> {
    let end = device.size() - device.size() % LABEL;
    let places = [
        Some(0),
        Some(LABEL),
        end.checked_sub(2 * LABEL),
        end.checked_sub(LABEL),
    ];
    let mut labels: Vec<u64> = places
        .into_iter()
        .flatten()
        .filter(|&at| has_uberblock(device, at))
        .collect();
    labels.dedup();
    let &first = labels.first()?;
    let mut signature = Signature::new(Kind::Zfs, first..first.checked_add(LABEL)?);
    signature.clear = labels
        .iter()
        .map(|&at| at..at.saturating_add(LABEL))
        .collect();
    let list = first.checked_add(LIST)?;
    let number = |name: &[u8]| {
        let at = value(device, list, name, 8)?;
        device.array(at).map(u64::from_be_bytes)
    };
    let uuid = number(b"pool_guid").map(|guid| guid.to_string());
    // The devices at the top of the pool: data, special, log. Caches and
    // spares do not name the pool.
    let (top, tops) = (number(b"top_guid"), number(b"vdev_children"));
    let own = number(b"guid");
    let text = |guid: Option<u64>| guid.map(|guid| guid.to_string()).unwrap_or_default();
    let part = uuid.clone().map(|pool| Part {
        slot: text(top),
        ..Part::new(pool, text(own), tops.unwrap_or(1))
    });
    let name = value(device, list, b"name", 9).and_then(|at| {
        let length = usize::try_from(u32::from_be_bytes(device.array(at)?)).ok()?;
        text::label(device.bytes(at.checked_add(4)?, length)?)
    });
    Some(signature.uuid(uuid).label(name).part(part))
}

fn has_uberblock(device: &Device, label: u64) -> bool {
    let (start, step, count) = UBERBLOCKS;
    (0..count).any(|index| {
        let magic = label
            .checked_add(start + index * step)
            .and_then(|at| device.u64(at));
        magic.is_some_and(|magic| magic == MAGIC || magic == MAGIC.swap_bytes())
    })
}

/// Where the value of `name` lies in the list at `list` (XDR: big-endian,
/// names and values padded to 4 bytes), if it is of `kind`. Only the top level
/// is searched.
fn value(device: &Device, list: u64, name: &[u8], kind: u32) -> Option<u64> {
    let number = |at: u64| device.array(at).map(u32::from_be_bytes);
    let mut pair = list.checked_add(12)?;
    let end = list.checked_add(112 << 10)?;
    while pair < end {
        let size = number(pair)?;
        if size < 20 {
            return None;
        }
        let name_length = number(pair.checked_add(8)?)?;
        let value = pair
            .checked_add(12)?
            .checked_add(u64::from(name_length).next_multiple_of(4))?;
        let is_name = usize::try_from(name_length) == Ok(name.len())
            && device.has(pair.checked_add(12)?, name);
        if is_name && number(value)? == kind {
            return value.checked_add(8);
        }
        pair = pair.checked_add(size.into())?;
    }
    None
}
