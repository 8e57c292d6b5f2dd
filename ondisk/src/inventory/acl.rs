// SPDX-License-Identifier: MIT OR Apache-2.0
//! POSIX ACLs as extended attributes have them (`posix_acl_xattr.h`), and what
//! ext4 makes of them.

/// What the kernel makes of an ACL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Acl {
    /// It refuses the file (EINVAL).
    Invalid,
    /// It does not know the version.
    Unknown,
    /// Nothing is stored: the mode says the same.
    Mode,
    /// So many bytes are stored.
    Stored(usize),
}

const USER_OBJ: u16 = 0x01;
const USER: u16 = 0x02;
const GROUP_OBJ: u16 = 0x04;
const GROUP: u16 = 0x08;
const MASK: u16 = 0x10;
const OTHER: u16 = 0x20;

/// Reads an attribute's value; `default` is a directory's default ACL, which
/// no mode can replace.
pub(super) fn read(value: &[u8], default: bool) -> Acl {
    let Some((head, entries)) = value.split_at_checked(4) else {
        return Acl::Invalid;
    };
    if head != [2, 0, 0, 0] {
        return Acl::Unknown;
    }
    if entries.len() % 8 != 0 {
        return Acl::Invalid;
    }
    if entries.is_empty() {
        return Acl::Mode;
    }
    // posix_acl_valid: what may come next, and whether a mask is due.
    let (mut state, mut needs_mask, mut has_mask) = (USER_OBJ, false, false);
    let mut short = 0usize;
    let mut count = 0usize;
    for entry in entries.chunks_exact(8) {
        let &[t0, t1, p0, p1, i0, i1, i2, i3] = entry else {
            return Acl::Invalid;
        };
        let tag = u16::from_le_bytes([t0, t1]);
        let id = u32::from_le_bytes([i0, i1, i2, i3]);
        if u16::from_le_bytes([p0, p1]) > 7 {
            return Acl::Invalid;
        }
        count += 1;
        if !matches!(tag, USER | GROUP) {
            short += 1;
        } else if id == u32::MAX {
            return Acl::Invalid;
        }
        state = match (tag, state) {
            (USER_OBJ, USER_OBJ) => USER,
            (USER, USER) | (GROUP, GROUP) => {
                needs_mask = true;
                state
            }
            (GROUP_OBJ, USER) => GROUP,
            (MASK, GROUP) => {
                has_mask = true;
                OTHER
            }
            (OTHER, OTHER) => 0,
            (OTHER, GROUP) if !needs_mask => 0,
            _ => return Acl::Invalid,
        };
    }
    match state {
        0 if count == short && !has_mask && !default => Acl::Mode,
        // ext4_acl_size.
        0 if count <= 4 => Acl::Stored(4 + count * 4),
        0 => Acl::Stored(4 + 16 + (count - 4) * 8),
        _ => Acl::Invalid,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn acl(entries: &[(u16, u16, u32)]) -> Vec<u8> {
        let mut value = vec![2, 0, 0, 0];
        for (tag, mode, id) in entries {
            value.extend(tag.to_le_bytes());
            value.extend(mode.to_le_bytes());
            value.extend(id.to_le_bytes());
        }
        value
    }

    const NONE: u32 = u32::MAX;

    #[test]
    fn what_the_kernel_takes() {
        let three = [(USER_OBJ, 7, NONE), (GROUP_OBJ, 5, NONE), (OTHER, 0, NONE)];
        assert_eq!(read(&acl(&three), false), Acl::Mode);
        assert_eq!(read(&acl(&three), true), Acl::Stored(16));
        assert_eq!(read(&acl(&[]), true), Acl::Mode);
        let named = [
            (USER_OBJ, 7, NONE),
            (USER, 5, 1000),
            (GROUP_OBJ, 5, NONE),
            (MASK, 7, NONE),
            (OTHER, 0, NONE),
        ];
        assert_eq!(read(&acl(&named), false), Acl::Stored(28));
        let mut without_mask = named.to_vec();
        without_mask.remove(3);
        let mut nobody = named;
        nobody[1].2 = NONE;
        for bad in [&without_mask[..], &nobody, &three[..2], &[(64, 0, 0)]] {
            assert_eq!(read(&acl(bad), false), Acl::Invalid, "{bad:?}");
        }
        let mut text = acl(&three);
        text.push(0);
        assert_eq!(read(&text, false), Acl::Invalid);
        text[0] = 3;
        assert_eq!(read(&text, false), Acl::Unknown);
        assert_eq!(read(&[2], false), Acl::Invalid);
    }
}
