// SPDX-License-Identifier: MIT OR Apache-2.0
//! Names: which are allowed, and what they become in device-mapper.

use super::uuid::Uuid;

/// Longest name of a device-mapper device, in bytes.
const DM_NAME_MAX: usize = 127;

/// Parts of names that lvm2 keeps for the volumes it makes itself.
const RESERVED: &[&str] = &[
    "_cdata", "_cmeta", "_corig", "_cpool", "_cvol", "_wcorig", "_mimage", "_mlog", "_rimage",
    "_rmeta", "_tdata", "_tmeta", "_vdata", "_imeta", "_iorig", "_pmspare", "_vorigin",
];

/// Why a name cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{name}\" cannot be the name of an LVM volume or group: {reason}")]
pub struct NameError {
    /// The name.
    pub name: String,
    /// What is wrong with it.
    pub reason: &'static str,
}

fn check(name: &str) -> Result<(), &'static str> {
    if name.is_empty() || name == "." || name == ".." {
        return Err("it is empty, \".\" or \"..\"");
    }
    if name.starts_with('-') {
        return Err("it begins with \"-\"");
    }
    if !name
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || b"+_.-".contains(&b))
    {
        return Err("only letters, digits and + _ . - are allowed");
    }
    if name.len() > DM_NAME_MAX {
        return Err("it is longer than 127 characters");
    }
    Ok(())
}

/// Whether lvm2 takes the name for a volume group.
pub fn check_vg_name(name: &str) -> Result<(), NameError> {
    check(name).map_err(|reason| NameError {
        name: name.to_owned(),
        reason,
    })
}

/// Whether lvm2 takes the name for a logical volume that a user makes.
pub fn check_lv_name(name: &str) -> Result<(), NameError> {
    let reserved = || {
        name.starts_with("pvmove")
            || name.starts_with("snapshot")
            || RESERVED.iter().any(|r| name.contains(r))
    };
    check(name)
        .and_then(|()| {
            if reserved() {
                Err("lvm2 keeps such names for itself")
            } else {
                Ok(())
            }
        })
        .map_err(|reason| NameError {
            name: name.to_owned(),
            reason,
        })
}

/// The device-mapper name of a volume: dashes doubled, joined by one dash.
///
/// Fails where the result is longer than the 127 bytes that the kernel takes,
/// or where a name has characters that none may have.
pub fn dm_name(vg: &str, lv: &str) -> Result<String, NameError> {
    check_vg_name(vg)?;
    check(lv).map_err(|reason| NameError {
        name: lv.to_owned(),
        reason,
    })?;
    let name = format!("{}-{}", vg.replace('-', "--"), lv.replace('-', "--"));
    if name.len() > DM_NAME_MAX {
        let reason = "with the group's name it is longer than 127 characters";
        return Err(NameError {
            name: format!("{vg}/{lv}"),
            reason,
        });
    }
    Ok(name)
}

/// The device-mapper uuid by which lvm2, dracut and grub-probe know a volume.
pub fn dm_uuid(vg: &Uuid, lv: &Uuid) -> String {
    format!("LVM-{}{}", vg.compact(), lv.compact())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dashes_are_doubled() {
        assert_eq!(
            dm_name("my-vg--01", "lv-a-b").unwrap(),
            "my--vg----01-lv--a--b"
        );
        assert_eq!(
            dm_name("my-vg--01", "a.b_c+d").unwrap(),
            "my--vg----01-a.b_c+d"
        );
    }

    #[test]
    fn a_name_that_the_kernel_cannot_hold_is_refused() {
        assert!(dm_name(&"v".repeat(63), &"l".repeat(63)).is_ok());
        assert!(dm_name(&"v".repeat(64), &"l".repeat(63)).is_err());
        assert!(dm_name("-v", "l").is_err());
        assert!(dm_name("v", "../x").is_err());
    }

    #[test]
    fn names_that_lvm2_refuses_are_refused() {
        for bad in [
            "",
            ".",
            "..",
            "-a",
            "a/b",
            "a b",
            "é",
            "pvmove0",
            "snapshot",
            "a_tdata",
            "x_rimage_0",
        ] {
            assert!(check_lv_name(bad).is_err(), "{bad}");
        }
        for good in ["root", "lv-a", "a.b_c+d", "rimage", "1"] {
            assert!(check_lv_name(good).is_ok(), "{good}");
            assert!(check_vg_name(good).is_ok(), "{good}");
        }
        assert!(check_vg_name("pvmove").is_ok());
    }
}
