// SPDX-License-Identifier: MIT OR Apache-2.0
//! The parser on real archives, whole and in pieces.
use super::*;
use std::io::Read;

const GNU: &[u8] = include_bytes!("../../tests/fixtures/pax/gnu.tar.xz");
const PAX_0_0: &[u8] = include_bytes!("../../tests/fixtures/pax/pax-0.0.tar.xz");
const PAX_0_1: &[u8] = include_bytes!("../../tests/fixtures/pax/pax-0.1.tar.xz");
const PAX_1_0: &[u8] = include_bytes!("../../tests/fixtures/pax/pax-1.0.tar.xz");
const USTAR: &[u8] = include_bytes!("../../tests/fixtures/pax/ustar.tar.xz");

fn unxz(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    liblzma::read::XzDecoder::new(bytes)
        .read_to_end(&mut out)
        .unwrap();
    out
}

type Members = Vec<(Entry, Runs)>;

/// Data with its offsets, neighbours joined.
type Runs = Vec<(u64, Vec<u8>)>;

/// Every member with its data; the archive comes in pieces of so many bytes.
fn parse(archive: &[u8], piece: usize) -> Result<Members, Error> {
    let mut parser = Parser::new();
    let mut members: Members = Vec::new();
    let (mut open, mut ended) = (false, false);
    for mut input in archive.chunks(piece) {
        while let Some(event) = parser.next(&mut input)? {
            assert!(!ended, "an event after the end");
            match event {
                Event::Entry(entry) => {
                    assert!(!std::mem::replace(&mut open, true));
                    members.push((*entry, Runs::new()));
                }
                Event::Data { offset, bytes } => {
                    assert!(open && !bytes.is_empty());
                    let (entry, data) = members.last_mut().unwrap();
                    let Kind::File { size, .. } = entry.kind else {
                        panic!("data of no file");
                    };
                    assert!(offset + bytes.len() as u64 <= size);
                    match data.last_mut() {
                        Some((start, run)) if *start + run.len() as u64 == offset => {
                            run.extend_from_slice(bytes);
                        }
                        last => {
                            assert!(last.is_none_or(|(start, run)| *start + (run.len() as u64) < offset));
                            data.push((offset, bytes.to_vec()));
                        }
                    }
                }
                Event::EntryEnd => {
                    assert!(std::mem::replace(&mut open, false));
                    let (entry, data) = members.last().unwrap();
                    let stored: usize = data.iter().map(|(_, run)| run.len()).sum();
                    assert_eq!(stored as u64, entry.stored());
                }
                Event::End => ended = true,
            }
        }
        assert!(input.is_empty());
    }
    parser.finish()?;
    assert_eq!(parser.position(), archive.len() as u64);
    Ok(members)
}

fn find<'a>(members: &'a Members, path: &str) -> &'a (Entry, Runs) {
    members
        .iter()
        .find(|(entry, _)| entry.path == path.as_bytes())
        .unwrap()
}

#[test]
fn every_format_tells_the_same() {
    for (name, archive) in [
        ("gnu", GNU),
        ("0.0", PAX_0_0),
        ("0.1", PAX_0_1),
        ("1.0", PAX_1_0),
    ] {
        let members = parse(&unxz(archive), usize::MAX).unwrap();
        assert_eq!(members.len(), 13, "{name}");
        let pax = name != "gnu";

        let (entry, data) = find(&members, "etc/again");
        assert_eq!((entry.uid, entry.gid), (3_000_000, 10));
        assert_eq!(entry.mode, if pax { 0o4775 } else { 0o4755 });
        let nanoseconds = if pax { 123_456_789 } else { 0 };
        assert_eq!(
            entry.mtime,
            Time {
                seconds: -631_054_555,
                nanoseconds
            }
        );
        assert_eq!(data, &[(0, b"hello\n".to_vec())]);
        if pax {
            let value = |name: &[u8]| {
                &entry
                    .xattrs
                    .iter()
                    .find(|xattr| xattr.name == name)
                    .unwrap()
                    .value[..]
            };
            assert_eq!(value(b"user.a=b%c"), b"\x0a\x0099 path=evil\x0a");
            assert_eq!(value(b"system.posix_acl_access")[16], 0x0a);
            assert_eq!(find(&members, "empty").0.xattrs.len(), 2);
            assert_eq!(find(&members, "etc/soft").0.xattrs[0].name, b"trusted.link");
        }

        let kind = |path: &str| find(&members, path).0.kind.clone();
        assert_eq!(
            kind("etc/hello"),
            Kind::HardLink {
                target: b"etc/again".to_vec()
            }
        );
        assert_eq!(
            kind("etc/soft"),
            Kind::Symlink {
                target: b"../etc/hello".to_vec()
            }
        );
        assert_eq!(
            kind("link"),
            Kind::Symlink {
                target: vec![b't'; 200]
            }
        );
        assert_eq!(
            kind("dev/wide"),
            Kind::BlockDevice {
                major: 259,
                minor: 1_048_575
            }
        );
        assert_eq!(kind("dev/null"), Kind::CharDevice { major: 1, minor: 3 });
        assert_eq!(kind("dev/pipe"), Kind::Fifo);
        assert_eq!(kind("empty"), Kind::Directory);
        assert_eq!(
            find(&members, &"n".repeat(180)).1,
            [(0, b"long\n".to_vec())]
        );
        assert_eq!(
            kind("hole"),
            Kind::File {
                size: 10_000_000_000,
                sparse: Some(vec![])
            }
        );

        let (entry, data) = find(&members, "sparse");
        let Kind::File {
            size: 500_001,
            sparse: Some(map),
        } = &entry.kind
        else {
            panic!("{name}: {:?}", entry.kind);
        };
        assert_eq!(map.len(), 30, "{name}");
        for (i, (offset, run)) in data.iter().enumerate() {
            assert_eq!(*offset, i as u64 * 12_288);
            assert!(run.starts_with(format!("data{i}").as_bytes()), "{name}");
        }
    }
    let members = parse(&unxz(USTAR), usize::MAX).unwrap();
    assert_eq!(
        find(&members, "dev/wide").0.kind,
        Kind::BlockDevice {
            major: 259,
            minor: 1_048_575
        }
    );
}

#[test]
fn pieces_of_any_size_give_the_same() {
    for archive in [GNU, PAX_0_0, PAX_1_0] {
        let archive = unxz(archive);
        let whole = parse(&archive, usize::MAX).unwrap();
        for piece in [1, 7, 511, 512, 513, 4096] {
            assert!(parse(&archive, piece).unwrap() == whole, "{piece}");
        }
    }
}

#[test]
fn every_cut_is_noticed() {
    for archive in [GNU, PAX_1_0] {
        let archive = unxz(archive);
        // GNU tar fills the last record with zeros; the first block of them
        // is the end mark.
        let (mut parser, mut input) = (Parser::new(), &archive[..]);
        while parser.next(&mut input).unwrap() != Some(Event::End) {}
        let mark = parser.position() as usize;
        assert!(parse(&archive[..mark], usize::MAX).is_ok());
        for length in (0..mark).step_by(97).chain((0..mark).step_by(512)) {
            let error = parse(&archive[..length], usize::MAX).unwrap_err();
            assert_eq!(error, Error::Truncated { at: length as u64 });
        }
    }
}

/// A header block of our own making.
fn header(flag: u8, name: &[u8], size: u64) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.as_old_mut().linkflag = [flag];
    header.as_old_mut().name[..name.len()].copy_from_slice(name);
    header.set_mode(0o100644);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_size(size);
    header.set_cksum();
    header
}

fn first(archive: &[u8]) -> Result<Entry, Error> {
    let mut parser = Parser::new();
    match parser.next(&mut &archive[..])? {
        Some(Event::Entry(entry)) => Ok(*entry),
        other => panic!("{other:?}"),
    }
}

/// A pax header with these records, and a file after it.
fn described(records: &[(&str, &str)], file: &tar::Header) -> Vec<u8> {
    let mut body = String::new();
    for (keyword, value) in records {
        let length = keyword.len() + value.len() + 3;
        let digits = (length + 2).to_string().len();
        body += &format!("{} {keyword}={value}\n", length + digits);
    }
    let mut archive = header(b'x', b"pax", body.len() as u64).as_bytes().to_vec();
    archive.extend(body.as_bytes());
    archive.resize(archive.len().next_multiple_of(512), 0);
    archive.extend(file.as_bytes());
    archive
}

/// One record of so many bytes.
fn record_of(size: usize) -> Vec<u8> {
    let mut record = format!("{size} comment=").into_bytes();
    record.resize(size - 1, b'x');
    record.push(b'\n');
    record
}

#[test]
fn sizes_are_bounded_before_memory_is_taken() {
    for (flag, limit) in [
        (b'x', MAX_PAX_HEADER),
        (b'g', MAX_PAX_HEADER),
        (b'L', MAX_LONG_NAME),
    ] {
        let mut parser = Parser::new();
        let good = header(flag, b"x", limit);
        assert_eq!(parser.next(&mut &good.as_bytes()[..]), Ok(None));
        let error = first(header(flag, b"x", limit + 1).as_bytes()).unwrap_err();
        assert!(matches!(error, Error::TooLong { at: 0, size, .. } if size == limit + 1));
    }
    // Many small ones are as bad as a big one.
    for flag in [b'x', b'g'] {
        let mut block = header(flag, b"x", 1 << 20).as_bytes().to_vec();
        block.extend(record_of(1 << 20));
        let error = parse(&block.repeat(3), usize::MAX).unwrap_err();
        let third = 2 * block.len() as u64;
        assert!(
            matches!(error, Error::TooLong { at, .. } if at == third),
            "{error}"
        );
    }
    let mut map = described(
        &[
            ("GNU.sparse.major", "1"),
            ("GNU.sparse.minor", "0"),
            ("GNU.sparse.realsize", "9"),
        ],
        &header(b'0', b"f", 1024),
    );
    map.extend(format!("{}\n", MAX_EXTENTS + 1).as_bytes());
    map.resize(map.len() + 512, 0);
    let error = first(&map).unwrap_err();
    assert!(error.to_string().contains("too many extents"), "{error}");
}

#[test]
fn records_replace_what_the_header_says() {
    let entry = first(&described(
        &[
            ("path", "./a/long/name"),
            ("uid", "4294967294"),
            ("mtime", "-0.5"),
            ("size", "9000000000"),
            ("RHT.security.selinux", "u:r:t:s0"),
            ("comment", "nothing"),
        ],
        &header(b'0', b"short", 5),
    ))
    .unwrap();
    assert_eq!(entry.path, b"a/long/name");
    assert_eq!(entry.uid, 4_294_967_294);
    assert_eq!(
        entry.mtime,
        Time {
            seconds: -1,
            nanoseconds: 500_000_000
        }
    );
    assert_eq!(
        entry.kind,
        Kind::File {
            size: 9_000_000_000,
            sparse: None
        }
    );
    assert_eq!(entry.mode, 0o644);
    assert_eq!(entry.xattrs[0].value, b"u:r:t:s0\0");
}

#[test]
fn numbers_that_do_not_fit_are_refused() {
    for (keyword, value) in [
        ("uid", "4294967295"),
        ("gid", "4294967296"),
        ("size", "9223372036854775808"),
        ("size", "18446744073709551616"),
        ("mtime", "9223372036854775808"),
    ] {
        let error = first(&described(&[(keyword, value)], &header(b'0', b"f", 0))).unwrap_err();
        assert!(
            matches!(error, Error::Number { field, .. } if field == keyword),
            "{error}"
        );
    }
}

#[test]
fn maps_that_do_not_fit_are_refused() {
    for (map, reason) in [
        ("0,5,3,5", "overlap"),
        ("5,5,0,5", "overlap"),
        ("0,5,96,5", "beyond the end"),
        ("18446744073709551615,10", "beyond the end"),
        ("0,9", "does not match the bytes stored"),
        ("0,11", "does not match the bytes stored"),
    ] {
        let records = [("GNU.sparse.map", map), ("GNU.sparse.size", "100")];
        let error = first(&described(&records, &header(b'0', b"f", 10))).unwrap_err();
        assert!(error.to_string().contains(reason), "{map}: {error}");
    }
    let good = [
        ("GNU.sparse.map", "0,4,90,6,100,0"),
        ("GNU.sparse.size", "100"),
    ];
    let entry = first(&described(&good, &header(b'0', b"f", 10))).unwrap();
    let Kind::File {
        size: 100,
        sparse: Some(map),
    } = entry.kind
    else {
        panic!("{:?}", entry.kind);
    };
    assert_eq!(map.len(), 2);
}

#[test]
fn names_are_printed_so_that_a_terminal_survives() {
    let name = Name::new(b"a\x1b[2J\n\xff/\xc3\xa9");
    assert_eq!(name.to_string(), "a\\u{1b}[2J\\n\\xff/\u{e9}");
    assert_eq!(Name::new(b"").to_string(), ".");
}

#[test]
fn totals_count_data_and_blocks() {
    let mut totals = Totals::default();
    for (entry, _) in parse(&unxz(PAX_1_0), usize::MAX).unwrap() {
        totals.add(&entry);
    }
    // 30 extents of a block each, "hello\n", "long\n"; three directories.
    let bytes = 30 * 4096 + 6 + 5;
    assert_eq!(
        totals,
        Totals {
            entries: 13,
            bytes,
            blocks: (30 + 2 + 3) * 4096
        }
    );
}
