// SPDX-License-Identifier: MIT OR Apache-2.0
//! ACLs in text form (`tar --acls`) as the attribute that the kernel takes.
//! Format: `linux/posix_acl_xattr.h`: version 2, then entries of tag (u16),
//! permissions (u16) and ID (u32), little endian, sorted by tag and ID.

const VERSION: u32 = 2;
const NO_ID: u32 = u32::MAX;

/// The value of `system.posix_acl_access` or `_default` for an ACL like
/// `user::rw-,user:10:rwx,group::r--,mask::rwx,other::r--`, its entries ended
/// by commas or newlines. The error is the entry that cannot be read, because
/// it names a user by name, say.
pub(super) fn binary(text: &[u8]) -> Result<Vec<u8>, &[u8]> {
    let mut entries = Vec::new();
    for line in text.split(|byte| matches!(byte, b'\n' | b',')) {
        let line = line.split(|byte| *byte == b'#').next().unwrap_or(line);
        let line = line.trim_ascii();
        if !line.is_empty() {
            entries.push(entry(line).ok_or(line)?);
        }
    }
    entries.sort_unstable();
    let mut value = VERSION.to_le_bytes().to_vec();
    for (tag, id, permissions) in entries {
        value.extend(tag.to_le_bytes());
        value.extend(permissions.to_le_bytes());
        value.extend(id.to_le_bytes());
    }
    Ok(value)
}

fn entry(line: &[u8]) -> Option<(u16, u32, u16)> {
    let mut fields = line.split(|byte| *byte == b':');
    let (kind, who, letters) = (fields.next()?, fields.next()?, fields.next()?);
    // Star writes the numeric ID behind the name, as a fourth field.
    let who = fields.next().unwrap_or(who).trim_ascii();
    let id = match who {
        b"" => NO_ID,
        _ => u32::try_from(super::number::decimal(who)?)
            .ok()
            .filter(|id| *id != NO_ID)?,
    };
    let tag = match (kind, id) {
        (b"user" | b"u", NO_ID) => 0x01,
        (b"user" | b"u", _) => 0x02,
        (b"group" | b"g", NO_ID) => 0x04,
        (b"group" | b"g", _) => 0x08,
        (b"mask" | b"m", NO_ID) => 0x10,
        (b"other" | b"o", NO_ID) => 0x20,
        _ => return None,
    };
    let mut permissions = 0;
    for letter in letters.trim_ascii() {
        permissions |= match letter {
            b'r' => 4,
            b'w' => 2,
            b'x' => 1,
            b'-' => 0,
            _ => return None,
        };
    }
    Some((tag, id, permissions))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_becomes_what_the_kernel_stores() {
        let text = b"user::rw-\nuser:1000:r--\nuser:10:rwx\t#effective:rwx\ngroup::r--\nmask::rwx\nother::r--\n";
        // From a real file system, by setfacl -m u:10:rwx,u:1000:r.
        let stored = [
            2u8, 0, 0, 0, 1, 0, 6, 0, 255, 255, 255, 255, 2, 0, 7, 0, 10, 0, 0, 0, 2, 0, 4, 0,
            0xe8, 3, 0, 0, 4, 0, 4, 0, 255, 255, 255, 255, 0x10, 0, 7, 0, 255, 255, 255, 255, 0x20,
            0, 4, 0, 255, 255, 255, 255,
        ];
        assert_eq!(binary(text).unwrap(), stored);
        let star = b"user::rw-,user:uucp:rwx:10,user:joe:r--:1000,group::r--,mask::rwx,other::r--";
        assert_eq!(binary(star).unwrap(), stored);
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        for (text, bad) in [
            (&b"user::rw-\nuser:uucp:rwx"[..], &b"user:uucp:rwx"[..]),
            (b"user:4294967295:r", b"user:4294967295:r"),
            (b"user", b"user"),
            (b"mask:5:r--", b"mask:5:r--"),
            (b"user::rwz", b"user::rwz"),
        ] {
            assert_eq!(binary(text), Err(bad));
        }
    }
}
