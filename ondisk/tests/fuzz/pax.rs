// SPDX-License-Identifier: MIT OR Apache-2.0
//! Damaged tar archives.

use std::io::Read;

use ondisk::pax::{Entry, Error, Event, Kind, Parser, Totals};

use testkit::Target;

const ARCHIVES: [&[u8]; 5] = [
    include_bytes!("../fixtures/pax/gnu.tar.xz"),
    include_bytes!("../fixtures/pax/pax-0.0.tar.xz"),
    include_bytes!("../fixtures/pax/pax-0.1.tar.xz"),
    include_bytes!("../fixtures/pax/pax-1.0.tar.xz"),
    include_bytes!("../fixtures/pax/ustar.tar.xz"),
];

/// Members, and the data of each: runs of offset and length.
type Members = Vec<(Entry, Vec<(u64, u64)>)>;

/// Reads an archive that comes in pieces of so many bytes; what comes before
/// an error is given, too.
fn read(archive: &[u8], piece: usize) -> (Members, Result<(), Error>) {
    let mut parser = Parser::new();
    let mut members: Members = Vec::new();
    let (mut open, mut ended) = (false, false);
    for mut input in archive.chunks(piece) {
        loop {
            let event = match parser.next(&mut input) {
                Ok(Some(event)) => event,
                Ok(None) => break,
                Err(error) => return (members, Err(error)),
            };
            assert!(!ended, "an event after the end");
            match event {
                Event::Entry(entry) => {
                    assert!(!std::mem::replace(&mut open, true));
                    members.push((*entry, Vec::new()));
                }
                Event::Data { offset, bytes } => {
                    let (entry, data) = members.last_mut().unwrap();
                    let length = bytes.len() as u64;
                    assert!(open && length > 0);
                    assert!(
                        matches!(entry.kind, Kind::File { size, .. } if offset + length <= size)
                    );
                    match data.last_mut() {
                        Some((start, run)) if *start + *run == offset => *run += length,
                        last => {
                            assert!(last.is_none_or(|(start, run)| *start + *run < offset));
                            data.push((offset, length));
                        }
                    }
                }
                Event::EntryEnd => {
                    assert!(std::mem::replace(&mut open, false));
                    let (entry, data) = members.last().unwrap();
                    let stored: u64 = data.iter().map(|(_, length)| length).sum();
                    assert_eq!(stored, entry.stored());
                }
                Event::End => ended = true,
            }
        }
        assert!(input.is_empty());
    }
    let result = parser.finish();
    assert!(result.is_err() || ended && !open);
    (members, result)
}

/// Makes the checksums of blocks that look like headers right.
pub fn mend(archive: &mut [u8]) {
    for block in archive.chunks_exact_mut(512) {
        if &block[257..262] == b"ustar" {
            block[148..156].fill(b' ');
            let sum: u32 = block.iter().map(|b| u32::from(*b)).sum();
            block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        }
    }
}

#[test]
fn archives() {
    let samples = ARCHIVES.map(|packed| {
        let mut archive = Vec::new();
        liblzma::read::XzDecoder::new(packed)
            .read_to_end(&mut archive)
            .unwrap();
        // Without the data of the sparse file damage hits headers more often.
        archive.truncate(40_000);
        archive
    });
    let target = Target {
        name: "tar",
        samples: samples.to_vec(),
        words: b"ustar\x0000~ustar  \0~77777777777\0~00000000000\0~-~\
            \x80\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff~\
            \xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff~../~/~\n~=~\0~\
            20 path=../../evil\n~12 size=999\n~22 GNU.sparse.major=1\n~GNU.sparse.map=",
        hot: vec![],
        rounds: 5000,
    };
    let tally = target.run(mend, |archive, random| {
        let (members, result) = read(archive, archive.len().max(1));
        let pieces = read(archive, 1 + random.below(3000));
        assert_eq!(pieces.1, result);
        assert!(pieces.0 == members, "other members in pieces");
        let mut totals = Totals::default();
        for (entry, _) in &members {
            totals.add(entry);
            let mut parts = entry.path.split(|b| *b == b'/');
            let safe = |part: &[u8]| !matches!(part, b"" | b"." | b"..") && !part.contains(&0);
            assert!(entry.path.is_empty() || parts.all(safe), "{entry:?}");
            assert!(entry.mode <= 0o7777 && entry.uid != u32::MAX && entry.gid != u32::MAX);
            assert!(entry.mtime.nanoseconds < 1_000_000_000);
        }
        match result {
            Ok(()) | Err(Error::Truncated { .. }) => true,
            Err(error) => {
                assert!(error.to_string().len() < 40_000);
                false
            }
        }
    });
    tally.at_least(500, 1000);
}
