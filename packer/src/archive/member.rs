// SPDX-License-Identifier: MIT OR Apache-2.0
//! Encodes one member in pax format (POSIX.1-2017 "pax, extended header"; the GNU
//! tar manual, "Extended Attributes", "Storing Sparse Files"). The same member
//! gives the same bytes, whoever writes it and when.

use anyhow::{Result, bail};
use ondisk::pax::{BLOCK, Entry, Extent, Kind, Time};
use tar::{EntryType, Header};

/// The most that 11 octal digits hold.
const OCTAL_11: u64 = (1 << 33) - 1;
/// The most that 7 octal digits hold.
const OCTAL_7: u32 = (1 << 21) - 1;

/// Everything before the data: headers, and the map of a sparse file.
pub fn head(entry: &Entry) -> Result<Vec<u8>> {
    let mut records = Vec::new();
    let mut header = Header::new_ustar();
    let mut name = [b"./", &entry.path[..]].concat();
    if entry.kind == Kind::Directory && !entry.path.is_empty() {
        name.push(b'/');
    }
    let mut map = Vec::new();
    let kind = match &entry.kind {
        Kind::File { size, sparse } => {
            if let Some(extents) = sparse {
                map = sparse_map(extents, *size);
                record(&mut records, b"GNU.sparse.major", b"1");
                record(&mut records, b"GNU.sparse.minor", b"0");
                record(&mut records, b"GNU.sparse.name", &name);
                record(
                    &mut records,
                    b"GNU.sparse.realsize",
                    size.to_string().as_bytes(),
                );
            }
            EntryType::Regular
        }
        Kind::HardLink { target } => {
            link(&mut header, &mut records, &[b"./", &target[..]].concat());
            EntryType::Link
        }
        Kind::Symlink { target } => {
            link(&mut header, &mut records, target);
            EntryType::Symlink
        }
        Kind::Directory => EntryType::Directory,
        Kind::CharDevice { major, minor } => {
            device(&mut header, *major, *minor)?;
            EntryType::Char
        }
        Kind::BlockDevice { major, minor } => {
            device(&mut header, *major, *minor)?;
            EntryType::Block
        }
        Kind::Fifo => EntryType::Fifo,
    };
    header.set_entry_type(kind);
    header.set_mode(entry.mode);
    if put(&mut header.as_old_mut().name, &name) && map.is_empty() {
        record(&mut records, b"path", &name);
    }
    let size = entry.stored().saturating_add(map.len() as u64);
    header.set_size(size);
    if size > OCTAL_11 {
        record(&mut records, b"size", size.to_string().as_bytes());
    }
    for (id, keyword, set) in [
        (
            entry.uid,
            &b"uid"[..],
            Header::set_uid as fn(&mut Header, u64),
        ),
        (entry.gid, b"gid", Header::set_gid),
    ] {
        set(&mut header, id.min(OCTAL_7).into());
        if id > OCTAL_7 {
            record(&mut records, keyword, id.to_string().as_bytes());
        }
    }
    let whole = u64::try_from(entry.mtime.seconds).ok();
    let whole = whole.filter(|seconds| *seconds <= OCTAL_11);
    header.set_mtime(whole.unwrap_or_default());
    if whole.is_none() || entry.mtime.nanoseconds != 0 {
        record(&mut records, b"mtime", time(entry.mtime).as_bytes());
    }
    for xattr in &entry.xattrs {
        let keyword = [b"SCHILY.xattr.", &escape(&xattr.name)[..]].concat();
        record(&mut records, &keyword, &xattr.value);
    }
    header.set_cksum();

    let mut out = Vec::new();
    if !records.is_empty() {
        let mut extended = Header::new_ustar();
        extended.set_entry_type(EntryType::XHeader);
        let own = [b"./PaxHeaders/", &entry.path[..]].concat();
        put(&mut extended.as_old_mut().name, &own);
        extended.set_mode(0o644);
        extended.set_uid(0);
        extended.set_gid(0);
        extended.set_mtime(whole.unwrap_or_default());
        extended.set_size(records.len() as u64);
        extended.set_cksum();
        out.extend(extended.as_bytes());
        pad(&mut records);
        out.append(&mut records);
    }
    out.extend(header.as_bytes());
    out.append(&mut map);
    Ok(out)
}

/// How many zeros come after this many bytes of data.
pub fn padding(stored: u64) -> usize {
    let block = BLOCK as u64;
    usize::try_from(stored.next_multiple_of(block).saturating_sub(stored)).unwrap_or_default()
}

fn pad(bytes: &mut Vec<u8>) {
    bytes.resize(bytes.len().next_multiple_of(BLOCK), 0);
}

/// Puts a name into its field; whether it is too long for it.
fn put(field: &mut [u8; 100], name: &[u8]) -> bool {
    for (place, byte) in field.iter_mut().zip(name) {
        *place = *byte;
    }
    name.len() > field.len()
}

fn link(header: &mut Header, records: &mut Vec<u8>, target: &[u8]) {
    if put(&mut header.as_old_mut().linkname, target) {
        record(records, b"linkpath", target);
    }
}

fn device(header: &mut Header, major: u32, minor: u32) -> Result<()> {
    if major > OCTAL_7 || minor > OCTAL_7 {
        bail!("its device number {major}:{minor} has no place in a tar archive");
    }
    header.set_device_major(major)?;
    header.set_device_minor(minor)?;
    Ok(())
}

/// `LENGTH KEYWORD=VALUE\n`; the length counts its own digits, too.
fn record(records: &mut Vec<u8>, keyword: &[u8], value: &[u8]) {
    let body = keyword.len() + value.len() + 3;
    let mut length = body + body.to_string().len();
    length = body + length.to_string().len();
    records.extend(length.to_string().as_bytes());
    records.push(b' ');
    records.extend(keyword);
    records.push(b'=');
    records.extend(value);
    records.push(b'\n');
}

/// As GNU tar writes the name of an attribute.
fn escape(name: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(name.len());
    for byte in name {
        match byte {
            b'%' => out.extend(b"%25"),
            b'=' => out.extend(b"%3D"),
            byte => out.push(*byte),
        }
    }
    out
}

/// Seconds with nine digits behind the point, minus sign for before 1970.
fn time(time: Time) -> String {
    let nanoseconds = i128::from(time.seconds) * 1_000_000_000 + i128::from(time.nanoseconds);
    let sign = if nanoseconds < 0 { "-" } else { "" };
    let (seconds, rest) = (
        nanoseconds.unsigned_abs() / 1_000_000_000,
        nanoseconds.unsigned_abs() % 1_000_000_000,
    );
    format!("{sign}{seconds}.{rest:09}")
}

/// The map of format 1.0, padded to whole blocks. GNU tar knows a file's end by
/// it: a hole there is ended by an extent without data.
fn sparse_map(extents: &[Extent], size: u64) -> Vec<u8> {
    let end = |e: &Extent| e.offset.saturating_add(e.length);
    let last = Extent {
        offset: size,
        length: 0,
    };
    let last = (extents.last().map(end) != Some(size)).then_some(&last);
    let all: Vec<_> = extents.iter().chain(last).collect();
    let mut text = format!("{}\n", all.len());
    for extent in all {
        text += &format!("{}\n{}\n", extent.offset, extent.length);
    }
    let mut map = text.into_bytes();
    pad(&mut map);
    map
}
