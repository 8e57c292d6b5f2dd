// SPDX-License-Identifier: MIT OR Apache-2.0
//! The label: the sector that makes a device a physical volume.

use super::uuid::Uuid;
use crate::checksum::lvm2;
use crate::run::SECTOR_LEN;

/// Labels stand in one of the first four sectors.
pub(super) const LABEL_SCAN_SECTORS: usize = 4;
const MAGIC: &[u8; 8] = b"LABELONE";
const TYPE: &[u8; 8] = b"LVM2 001";

/// Version of the header extension in which the flags are valid.
pub const EXTENSION_VERSION: u32 = 2;
/// Flag of the extension: the physical volume belongs to a volume group.
pub const EXTENSION_USED: u32 = 1;

/// A range of bytes on a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Area {
    /// First byte, from the start of the device.
    pub offset: u64,
    /// Bytes; 0 in a data area means "to the end of the device".
    pub size: u64,
}

/// A decoded label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// The sector (0 to 3, of 512 bytes) that the label stands in; lvm2 writes 1.
    pub sector: u64,
    /// The physical volume's identifier.
    pub uuid: Uuid,
    /// Size of the device when the label was written, in bytes.
    pub device_size: u64,
    /// Where extents lie; lvm2 writes one area that starts at pe_start.
    pub data_areas: Vec<Area>,
    /// The metadata areas, header included.
    pub metadata_areas: Vec<Area>,
    /// Version of the header extension, 0 where there is none.
    pub extension_version: u32,
    /// Flags of the header extension, see [`EXTENSION_USED`].
    pub extension_flags: u32,
    /// Areas kept free for a bootloader.
    pub bootloader_areas: Vec<Area>,
}

/// What is wrong with a label.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LabelError {
    /// The checksum does not match.
    #[error(
        "LVM label in sector {sector}: checksum is {found:08x}, its contents give {computed:08x}"
    )]
    Crc {
        /// Sector of the label.
        sector: u64,
        /// The value that stands in the label.
        found: u32,
        /// The value computed from the label.
        computed: u32,
    },
    /// The label says that it belongs into another sector.
    #[error("LVM label in sector {sector} was written for sector {own}: a copy, not a label")]
    Misplaced {
        /// Sector in which it was found.
        sector: u64,
        /// Sector that it names.
        own: u64,
    },
    /// The label is not of the text format.
    #[error("label in sector {sector} has the type \"{kind}\", not \"LVM2 001\"")]
    Kind {
        /// Sector of the label.
        sector: u64,
        /// The type found.
        kind: String,
    },
    /// A field lies outside of the sector, or a list has no end.
    #[error("LVM label in sector {sector}: {what} does not fit into the sector")]
    Bounds {
        /// Sector of the label.
        sector: u64,
        /// The field.
        what: &'static str,
    },
    /// The identifier has characters that no identifier has.
    #[error("LVM label in sector {sector}: {source}")]
    Uuid {
        /// Sector of the label.
        sector: u64,
        /// What is wrong with it.
        source: super::uuid::UuidError,
    },
}

impl Label {
    /// Finds the label in the first 2048 bytes of a device.
    ///
    /// The first valid one of the four sectors counts, as in lvm2. `Ok(None)`:
    /// no sector claims to be a label. An error: some do, and none is valid;
    /// it is the first one's.
    pub fn find(head: &[u8]) -> Result<Option<Self>, LabelError> {
        let mut first_error = None;
        for (n, sector) in head
            .chunks_exact(SECTOR_LEN)
            .take(LABEL_SCAN_SECTORS)
            .enumerate()
        {
            if !sector.starts_with(MAGIC) {
                continue;
            }
            match Self::decode(sector, n as u64) {
                Ok(label) => return Ok(Some(label)),
                Err(e) => first_error = first_error.or(Some(e)),
            }
        }
        first_error.map_or(Ok(None), Err)
    }

    fn decode(bytes: &[u8], sector: u64) -> Result<Self, LabelError> {
        let bounds = |what| LabelError::Bounds { sector, what };
        let mut r = Cursor { bytes, at: 8 };
        let own = r.u64().ok_or(bounds("sector number"))?;
        let found = r.u32().ok_or(bounds("checksum"))?;
        let computed = lvm2(bytes.get(20..).ok_or(bounds("checksum"))?);
        if found != computed {
            return Err(LabelError::Crc {
                sector,
                found,
                computed,
            });
        }
        if own != sector {
            return Err(LabelError::Misplaced { sector, own });
        }
        let header = r.u32().ok_or(bounds("header offset"))?;
        let kind = r.take(8).ok_or(bounds("type"))?;
        if kind != TYPE {
            let kind = kind.escape_ascii().to_string();
            return Err(LabelError::Kind { sector, kind });
        }
        r.at = usize::try_from(header).map_err(|_| bounds("header"))?;
        let uuid = Uuid::from_compact(r.take(32).ok_or(bounds("identifier"))?)
            .map_err(|source| LabelError::Uuid { sector, source })?;
        let device_size = r.u64().ok_or(bounds("device size"))?;
        let data_areas = r.areas().ok_or(bounds("list of data areas"))?;
        let metadata_areas = r.areas().ok_or(bounds("list of metadata areas"))?;
        // Labels from before the extension end here, in zeros.
        let extension_version = r.u32().unwrap_or(0);
        let (extension_flags, bootloader_areas) = if extension_version == 0 {
            (0, Vec::new())
        } else {
            let flags = r.u32().ok_or(bounds("extension"))?;
            (flags, r.areas().ok_or(bounds("list of bootloader areas"))?)
        };
        Ok(Self {
            sector,
            uuid,
            device_size,
            data_areas,
            metadata_areas,
            extension_version,
            extension_flags,
            bootloader_areas,
        })
    }

    /// The label's sector, checksum included.
    ///
    /// Fails only if the lists are too long for one sector (more than 20 areas
    /// in all).
    pub fn encode(&self) -> Result<[u8; 512], LabelError> {
        let mut body = Vec::with_capacity(SECTOR_LEN);
        body.extend_from_slice(&32u32.to_le_bytes());
        body.extend_from_slice(TYPE);
        body.extend_from_slice(self.uuid.as_bytes());
        body.extend_from_slice(&self.device_size.to_le_bytes());
        put_areas(&mut body, &self.data_areas);
        put_areas(&mut body, &self.metadata_areas);
        if self.extension_version > 0 {
            body.extend_from_slice(&self.extension_version.to_le_bytes());
            body.extend_from_slice(&self.extension_flags.to_le_bytes());
            put_areas(&mut body, &self.bootloader_areas);
        }
        if body.len() > SECTOR_LEN - 20 {
            return Err(LabelError::Bounds {
                sector: self.sector,
                what: "the list of areas",
            });
        }
        body.resize(SECTOR_LEN - 20, 0);
        let mut out = [0u8; SECTOR_LEN];
        let sum = lvm2(&body).to_le_bytes();
        let number = self.sector.to_le_bytes();
        let bytes = MAGIC.iter().chain(&number).chain(&sum).chain(&body);
        for (to, from) in out.iter_mut().zip(bytes) {
            *to = *from;
        }
        Ok(out)
    }

    /// Whether the label says that the volume belongs to a volume group.
    pub fn is_used(&self) -> bool {
        self.extension_version >= EXTENSION_VERSION && self.extension_flags & EXTENSION_USED != 0
    }
}

fn put_areas(out: &mut Vec<u8>, areas: &[Area]) {
    for area in areas.iter().chain(&[Area { offset: 0, size: 0 }]) {
        out.extend_from_slice(&area.offset.to_le_bytes());
        out.extend_from_slice(&area.size.to_le_bytes());
    }
}

/// Reads little-endian fields one after the other.
pub(super) struct Cursor<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) at: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let end = self.at.checked_add(len)?;
        let out = self.bytes.get(self.at..end)?;
        self.at = end;
        Some(out)
    }

    pub(super) fn u32(&mut self) -> Option<u32> {
        self.take(4)?.try_into().ok().map(u32::from_le_bytes)
    }

    pub(super) fn u64(&mut self) -> Option<u64> {
        self.take(8)?.try_into().ok().map(u64::from_le_bytes)
    }

    fn areas(&mut self) -> Option<Vec<Area>> {
        let mut out = Vec::new();
        loop {
            let area = Area {
                offset: self.u64()?,
                size: self.u64()?,
            };
            if area.offset == 0 {
                return Some(out);
            }
            out.push(area);
        }
    }
}
