// SPDX-License-Identifier: MIT OR Apache-2.0
//! GUIDs as GPT stores them: the first three fields little-endian.

use crate::uuid;
use std::{fmt, str::FromStr};

/// A GUID: the 16 bytes in the order they have on disk.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Guid(pub [u8; 16]);

/// A text that is not a GUID.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a GUID of the form 0FC63DAF-8483-4772-8E79-3D69D8477DE4")]
pub struct GuidError(String);

impl Guid {
    /// All zero: the type of an unused entry.
    pub const ZERO: Guid = Guid([0; 16]);
    /// Type "BIOS boot partition", where GRUB's core image lives (sgdisk: EF02).
    pub const BIOS_BOOT: Guid = Guid::from_written(0x21686148_6449_6E6F_744E_656564454649);
    /// Type "Linux filesystem" (sgdisk: 8300).
    pub const LINUX: Guid = Guid::from_written(0x0FC63DAF_8483_4772_8E79_3D69D8477DE4);
    /// Type "Linux LVM" (sgdisk: 8E00).
    pub const LVM: Guid = Guid::from_written(0xE6D6D379_F507_44C2_A23C_238F2A3DF928);
    /// Type "Linux swap" (sgdisk: 8200).
    pub const SWAP: Guid = Guid::from_written(0x0657FD6D_A4AB_43C4_84E5_0933C84B4F4F);

    /// From the number that the hexadecimal digits of the written form make.
    pub const fn from_written(written: u128) -> Guid {
        let w = written.to_be_bytes();
        Guid([
            w[3], w[2], w[1], w[0], w[5], w[4], w[7], w[6], w[8], w[9], w[10], w[11], w[12], w[13],
            w[14], w[15],
        ])
    }

    /// The bytes in the order of the written form.
    pub(crate) const fn written(&self) -> [u8; 16] {
        // Turned around twice is as it was.
        Guid::from_written(u128::from_be_bytes(self.0)).0
    }
}

impl fmt::Display for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&uuid::text(&self.written()).to_ascii_uppercase())
    }
}

impl fmt::Debug for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Guid {
    type Err = GuidError;

    fn from_str(text: &str) -> Result<Guid, GuidError> {
        let written = uuid::parse(text).ok_or_else(|| GuidError(text.to_owned()))?;
        Ok(Guid::from_written(u128::from_be_bytes(written)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn written_form_is_mixed_endian() {
        let text = "ECAB40BF-AD09-49DE-B591-C5D7CF0662CD";
        let guid: Guid = text.parse().unwrap();
        assert_eq!(
            guid.0[..8],
            [0xbf, 0x40, 0xab, 0xec, 0x09, 0xad, 0xde, 0x49]
        );
        assert_eq!(guid.to_string(), text);
        assert_eq!(text.to_lowercase().parse(), Ok(guid));
        assert_eq!(
            Guid::LVM.to_string(),
            "E6D6D379-F507-44C2-A23C-238F2A3DF928"
        );
    }

    #[test]
    fn what_is_not_a_guid() {
        for text in [
            "",
            "ECAB40BFAD0949DEB591C5D7CF0662CD",
            "ECAB40BF-AD09-49DE-B591-C5D7CF0662CG",
        ] {
            assert!(text.parse::<Guid>().is_err(), "{text}");
        }
        assert!(
            "+CAB40BF-AD09-49DE-B591-C5D7CF0662CD"
                .parse::<Guid>()
                .is_err()
        );
        assert!(
            "ECAB40BF-AD09-49DE-B591-C5D7CF0662€"
                .parse::<Guid>()
                .is_err()
        );
    }
}
