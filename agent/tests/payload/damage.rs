// SPDX-License-Identifier: MIT OR Apache-2.0
//! Damaged and cut archives: an error that names the place, never wrong data.
use super::decode::decode;
use super::equal::LIMITS;
use super::scratch::{compressible, filter, xz};
use replant::payload::xz::Error;
use testkit::Random;

fn archive() -> (Vec<u8>, Vec<u8>) {
    let data = compressible(&mut Random(5), 120_000);
    let packed = xz(&["-0", "-T2", "--block-size=20KiB"], &data);
    (data, packed)
}

#[test]
fn seven_hundred_mutations_never_give_wrong_data() {
    testkit::needs!("xz");
    let (data, packed) = archive();
    let single = xz(&["-0", "-T1"], &data);
    let streams = [&packed[..], &[0; 8], &single[..]].concat();
    let mut random = Random(6);
    let (mut errors, mut harmless) = (0, 0);
    for round in 0..700 {
        let (mut bad, good) = match round % 3 {
            0 => (packed.clone(), data.clone()),
            1 => (single.clone(), data.clone()),
            _ => (streams.clone(), [&data[..], &data[..]].concat()),
        };
        let at = random.below(bad.len());
        match random.below(4) {
            0 => bad[at] ^= 1 << random.below(8),
            1 => bad[at] = random.below(256) as u8,
            2 => {
                let length = random.below(16) + 1;
                bad.drain(at..(at + length).min(bad.len() - 1));
            }
            _ => {
                let from = random.below(packed.len() - 32);
                for (to, byte) in bad[at..].iter_mut().zip(&packed[from..from + 32]) {
                    *to = *byte;
                }
            }
        }
        match decode(&bad, LIMITS) {
            Ok(decoded) => {
                assert!(decoded == good, "round {round}: wrong data");
                harmless += 1;
            }
            Err(_) => errors += 1,
        }
    }
    // A byte may be replaced by itself; nearly everything else is noticed.
    assert!(errors > 650, "{errors} errors, {harmless} harmless");
}

#[test]
fn every_fiftieth_is_a_cut() {
    testkit::needs!("xz");
    let (data, packed) = archive();
    for (packed, kind) in [(&packed, "blocks"), (&xz(&["-0", "-T1"], &data), "single")] {
        for part in 0..50 {
            let length = packed.len() * part / 50;
            let error = decode(&packed[..length], LIMITS).unwrap_err();
            match &error {
                Error::Truncated { at, .. } => assert_eq!(*at, length as u64, "{kind}"),
                Error::NotXz { found: "empty", .. } if length == 0 => {}
                _ => panic!("{kind} cut at {length}: {error}"),
            }
        }
        let error = decode(&packed[..packed.len() - 1], LIMITS)
            .unwrap_err()
            .to_string();
        let place = format!("va.tar.xz is cut: it ends at byte {}", packed.len() - 1);
        assert!(error.starts_with(&place), "{error}");
    }
}

/// Where the damage is said to be is where it is, within a block or so.
#[test]
fn the_place_is_named() {
    testkit::needs!("xz");
    let (_, packed) = archive();
    // Blocks hold 20 KiB of data each and compress to less.
    let widest = 2 * 20 * 1024;
    let mut named = 0;
    for part in 1..40 {
        let place = packed.len() * part / 40;
        let mut bad = packed.clone();
        bad[place] ^= 0x10;
        match decode(&bad, LIMITS).unwrap_err() {
            Error::Damaged { from, to, file } => {
                assert_eq!(file.to_str(), Some("va.tar.xz"));
                let place = place as u64;
                assert!(from <= place && place < to, "{from} {place} {to}");
                assert!(to - from <= widest, "{from} {to}");
                named += 1;
            }
            other => panic!("{place}: {other}"),
        }
    }
    assert_eq!(named, 39);
}

#[test]
fn what_is_not_a_proper_archive_is_refused_by_name() {
    testkit::needs!("xz");
    let good = xz(&["-0"], b"hello");
    let bad_check = {
        // Check type 2 is reserved; the header's own CRC is right.
        let mut bad = good.clone();
        bad[7] = 2;
        let crc = ondisk::checksum::crc32(&bad[6..8]);
        bad[8..12].copy_from_slice(&crc.to_le_bytes());
        bad
    };
    let end = good.len();
    for (bytes, message) in [
        (
            xz(&["-0", "--check=none"], b"hello"),
            "has no integrity check (stream at byte 0)".into(),
        ),
        (
            bad_check,
            "has an integrity check of unknown type 2 (stream at byte 0)".into(),
        ),
        (
            [&good[..], b"garbage"].concat(),
            format!("something else after the archive, at byte {end}"),
        ),
        (
            [&good[..], &[0; 4], b"x"].concat(),
            format!("something else after the archive, at byte {}", end + 4),
        ),
        (
            [&good[..], &[0; 3]].concat(),
            format!("something else after the archive, at byte {}", end + 3),
        ),
        (
            [&good[..], &[0; 6], &good[..]].concat(),
            format!("something else after the archive, at byte {}", end + 6),
        ),
        (
            [&good[..], &good[..7]].concat(),
            format!("is cut: it ends at byte {}", end + 7),
        ),
        (
            filter("gzip", &["-c"], b"hello"),
            "is a gzip file, not an xz archive".into(),
        ),
        (
            b"hello, world: this is no archive".to_vec(),
            "is something unknown, not an xz archive".into(),
        ),
        (Vec::new(), "is empty, not an xz archive".into()),
        (
            filter("tar", &["-c", "-C", "/", "etc/hostname"], b""),
            "is an uncompressed tar archive".into(),
        ),
        (
            [&[0; 4], &good[..]].concat(),
            "is something unknown, not an xz archive".into(),
        ),
    ] {
        let error = decode(&bytes, LIMITS).unwrap_err().to_string();
        assert!(
            error.contains("va.tar.xz ") && error.contains(&message),
            "{message}: {error}"
        );
    }
}
