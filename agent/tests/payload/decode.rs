// SPDX-License-Identifier: MIT OR Apache-2.0
//! Every kind of xz file that xz writes, and the memory that decoding takes.
use super::equal::LIMITS;
use super::scratch::{compressible, file, peak, sh, xz};
use replant::payload::xz::{Decoder, Error, Limits};
use std::path::Path;
use std::process::Command;
use testkit::Random;

/// Decodes all of it.
pub fn decode(bytes: &[u8], limits: Limits) -> Result<Vec<u8>, Error> {
    let mut decoder = Decoder::new(bytes, Path::new("va.tar.xz"), limits);
    let mut decoded = Vec::new();
    let mut buffer = vec![0; 70_001];
    loop {
        match decoder.read(&mut buffer)? {
            0 => {
                assert_eq!(decoder.position(), bytes.len() as u64);
                return Ok(decoded);
            }
            read => decoded.extend_from_slice(&buffer[..read]),
        }
    }
}

#[test]
fn whatever_xz_writes() {
    testkit::needs!("xz");
    let data = compressible(&mut Random(1), 1_300_000);
    for options in [
        &["-0", "-T2", "--block-size=100KiB"][..],
        &["-0", "-T1"],
        &["-0", "-T2", "--block-size=64MiB"],
        &["-0", "-T1", "--block-size=33KiB"],
        &["-0", "--check=crc32", "-T2", "--block-size=100KiB"],
        &["-0", "--check=sha256", "-T2", "--block-size=100KiB"],
        &["--x86", "--lzma2=preset=0"],
        &["--x86", "--lzma2=preset=0", "-T2", "--block-size=100KiB"],
        &["--delta=dist=4", "--lzma2=preset=0"],
        &["--arm64", "--lzma2=preset=0"],
        &["-9"],
    ] {
        let Some(packed) = packed(options, &data) else {
            continue;
        };
        for threads in [1, 2, 5] {
            let limits = Limits { threads, ..LIMITS };
            assert!(
                decode(&packed, limits).unwrap() == data,
                "{options:?} {threads}"
            );
        }
    }
}

/// `None` for a filter that the installed xz does not know; ours knows all.
fn packed(options: &[&str], data: &[u8]) -> Option<Vec<u8>> {
    let help = String::from_utf8(sh("xz --long-help", &[])).unwrap();
    let known = !options.contains(&"--arm64") || help.contains("--arm64");
    known.then(|| xz(options, data))
}

#[test]
fn several_streams_and_padding() {
    testkit::needs!("xz");
    let mut random = Random(2);
    let parts: Vec<_> = (0..4)
        .map(|i| compressible(&mut random, 200_000 * i + 1))
        .collect();
    let whole = parts.concat();
    for padding in [0, 4, 512, 300_000] {
        let mut packed = Vec::new();
        for (part, options) in parts.iter().zip([
            &["-0", "-T2", "--block-size=50KiB"][..],
            &["-0", "--check=crc32"],
            &["--x86", "--lzma2=preset=0"],
            &["-0", "-T2", "--block-size=50KiB", "--check=sha256"],
        ]) {
            packed.extend(xz(options, part));
            packed.extend(vec![0; padding]);
        }
        assert!(decode(&packed, LIMITS).unwrap() == whole, "{padding}");
    }
    assert!(decode(&xz(&["-0"], b""), LIMITS).unwrap().is_empty());
}

#[test]
fn memory_follows_the_limit() {
    testkit::needs!("time", "xz");
    let mib = 1 << 20;
    // One block whose header has its sizes: a decoder on many threads would
    // hold 60 MiB of output. One without sizes. Many of both at once.
    for (options, limit) in [
        ("-0 -T2 --block-size=60MiB", 24),
        ("-0 -T1", 24),
        ("-0 -T2 --block-size=4MiB", 24),
        ("-0 -T2 --block-size=4MiB", 5),
    ] {
        let archive = tempfile::tempdir().unwrap();
        let archive = archive.path().join("big.xz");
        sh(
            &format!("(head -c 2M /dev/urandom; head -c 58M /dev/zero) | xz {options} >\"$1\""),
            &[&archive],
        );
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "decode::child_says_its_peak", "--nocapture"])
            .env("REPLANT_TEST_ARCHIVE", &archive)
            .env("REPLANT_TEST_LIMIT", (limit * mib).to_string())
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{text}");
        let mut numbers = text
            .lines()
            .find_map(|line| line.strip_prefix("peak "))
            .unwrap()
            .split(' ');
        let mut number = || numbers.next().unwrap().parse::<u64>().unwrap();
        let (base, peak, decoded) = (number(), number(), number());
        assert_eq!(decoded, 60 * mib, "{options}");
        let used = (peak - base) * 1024;
        // Beside liblzma's own: the input's buffer, ours, and malloc's slack.
        assert!(
            used < (limit + 8) * mib,
            "{options} with {limit} MiB: {} KiB",
            used / 1024
        );
    }
}

/// Runs by itself, too, and in `memory_follows_the_limit` as a process whose
/// memory nobody else uses.
#[test]
fn child_says_its_peak() {
    testkit::needs!("xz");
    let (_dir, archive, limit) = match std::env::var_os("REPLANT_TEST_ARCHIVE") {
        Some(archive) => {
            let limit = std::env::var("REPLANT_TEST_LIMIT").unwrap();
            (None, archive.into(), limit.parse().unwrap())
        }
        None => {
            let (dir, path) = file("small.xz", &xz(&["-0"], b"small"));
            (Some(dir), path, 64 << 20)
        }
    };
    let base = peak();
    let reader = std::fs::File::open(&archive).unwrap();
    let limits = Limits {
        threads: 4,
        memory: limit,
    };
    let mut decoder = Decoder::new(reader, &archive, limits);
    let (mut buffer, mut decoded) = (vec![0; 1 << 20], 0);
    loop {
        match decoder.read(&mut buffer).unwrap() {
            0 => break,
            read => decoded += read,
        }
    }
    assert!(decoded > 0);
    println!("\npeak {base} {} {decoded}", peak());
}

#[test]
fn a_dictionary_that_does_not_fit_is_refused() {
    testkit::needs!("xz");
    let packed = xz(&["--lzma2=preset=0,dict=256MiB"], b"hello");
    let limits = Limits {
        memory: 100 << 20,
        ..LIMITS
    };
    let error = decode(&packed, limits).unwrap_err();
    assert!(matches!(error, Error::Memory { .. }), "{error}");
    let text = error.to_string();
    assert!(
        text.contains("va.tar.xz needs more than the 104857600 bytes"),
        "{text}"
    );
    let enough = Limits {
        memory: 300 << 20,
        ..LIMITS
    };
    assert_eq!(decode(&packed, enough).unwrap(), b"hello");
}
