// SPDX-License-Identifier: MIT OR Apache-2.0
//! Blobs written, read, and made from their twins.

use super::*;
use crate::run::TooShort;

/// A stage 2 of nothing but 0xcc.
pub(super) const STAGE2: [u8; 0x80] = [0xcc; 0x80];
const MIB: u64 = 1 << 20;

/// A header with two sectors of setup that wants 2 MiB from 3 MiB on.
fn kernel() -> Vec<u8> {
    let mut head = vec![0; 1024];
    let mut put = |at: usize, bytes: &[u8]| head[at..at + bytes.len()].copy_from_slice(bytes);
    put(0x1f1, &[1]);
    put(0x202, b"HdrS\x0f\x02");
    put(0x211, &[1]);
    put(0x22c, &0x7fff_ffffu32.to_le_bytes());
    put(0x238, &255u32.to_le_bytes());
    put(0x258, &(3 * MIB).to_le_bytes());
    put(0x260, &0x20_0000u32.to_le_bytes());
    head
}

fn runs(of: &[(u64, u64)]) -> Vec<Run> {
    let run = |&(lba, sectors)| Run { lba, sectors };
    of.iter().map(run).collect()
}

fn line(words: &str) -> CommandLine {
    CommandLine::new(words, "drive=", "start=").unwrap()
}

fn file(of: &[(u64, u64)], bytes: u64, crc32: u32) -> File<'static> {
    let runs = runs(of).leak();
    File { runs, bytes, crc32 }
}

/// A kernel of 5 sectors without its setup, and an initramfs of 1000 bytes.
pub(super) fn parts() -> Parts<'static> {
    Parts {
        id: Id(*b"0123456789abcdef"),
        twin: Twin::B,
        kernel_head: kernel().leak(),
        kernel: file(&[(9, 4), (20, 8)], 1024 + 2500, 0xa1a2_a3a4),
        initramfs: file(&[(1 << 40, 9)], 1000, 0xb1b2_b3b4),
        line: line("quiet"),
        old_sector: [0xee; 512],
    }
}

fn sample() -> Blob {
    Blob::new(&parts()).unwrap()
}

fn error(change: impl FnOnce(&mut Parts<'static>)) -> BlobError {
    let mut parts = parts();
    change(&mut parts);
    Blob::new(&parts).unwrap_err()
}

#[test]
fn where_things_are_loaded_to() {
    let blob = sample();
    assert_eq!(blob.kernel.address, 0x10_0000);
    assert_eq!(blob.kernel.runs, runs(&[(11, 2), (20, 3)]));
    assert_eq!((blob.kernel.bytes, blob.kernel.crc32), (2500, 0xa1a2_a3a4));
    // Behind the 2 MiB from 3 MiB on.
    assert_eq!(blob.initramfs.address, 0x50_0000);
    assert_eq!(blob.initramfs.runs, runs(&[(1 << 40, 2)]));
    let ram = [
        0x10_0000..0x10_0a00,
        0x30_0000..0x50_0000,
        0x50_0000..0x50_0400,
    ];
    assert_eq!(blob.ram, ram);
}

#[test]
fn a_kernel_that_is_larger_than_what_it_takes() {
    let mut parts = parts();
    parts.kernel = file(&[(100, 10 * MIB / 512)], 7 * MIB + 1, 0);
    let initramfs = Blob::new(&parts).unwrap().initramfs;
    // From 1 MiB on, 7 MiB and a byte without 1 KiB of setup: a page's border.
    assert_eq!(initramfs.address, 0x80_0000);
}

#[test]
fn golden_bytes() {
    let bytes = sample().encode(&STAGE2).unwrap();
    let setup = 0x80 + 3 * 16;
    let text = setup + 1024;
    assert_eq!(bytes.len(), 2048);
    #[rustfmt::skip]
    let header = [
        b'R', b'P', b'L', b'2', b'0', b'1', b'2', b'3', b'4', b'5', b'6', b'7', b'8', b'9', b'a',
        b'b', b'c', b'd', b'e', b'f',
        0x80, 0, 2, 0, 1, 0, 0xb0, 0, 0, 4, 0xb0, 4, 26, 0, 0xbc, 4, 0xc5, 4, 0, 6,
        0xc4, 9, 0, 0, 0xa4, 0xa3, 0xa2, 0xa1, 0xe8, 3, 0, 0, 0xb4, 0xb3, 0xb2, 0xb1,
        0, 0, 0x10, 0, 0, 0x0a, 0x10, 0, 0, 0, 0x30, 0, 0, 0, 0x50, 0, 0, 0, 0x50, 0, 0, 4, 0x50, 0,
        b'B',
    ];
    assert_eq!(bytes[..4], [0xcc; 4]);
    assert_eq!(bytes[4..4 + header.len()], header);
    assert_eq!(bytes[0x55..0x60], [0; 11]);
    assert_eq!(bytes[0x60..0x80], [0xcc; 0x20]);
    #[rustfmt::skip]
    let table = [
        11, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0x10, 0,
        20, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 4, 0x10, 0,
        0, 0, 0, 0, 0, 1, 0, 0, 2, 0, 0, 0, 0, 0, 0x50, 0,
    ];
    assert_eq!(bytes[0x80..setup], table);
    let mut expected = kernel();
    expected[0x1fa..0x1fc].fill(0xff);
    expected[0x210..0x212].copy_from_slice(&[0xff, 0x81]);
    expected[0x218..0x220].copy_from_slice(&[0, 0, 0x50, 0, 0xe8, 3, 0, 0]);
    expected[0x224..0x226].copy_from_slice(&[0, 0xde]);
    expected[0x228..0x22c].copy_from_slice(&[0, 0xf0, 3, 0]);
    assert_eq!(bytes[setup..text], expected);
    let end = b"quiet drive=?? start=????\0";
    assert_eq!(bytes[text..text + end.len()], *end);
    assert_eq!(bytes[text + end.len()..1536], [0; 1536 - 0x4b0 - 26]);
    assert_eq!(bytes[1536..], [0xee; 512]);
    assert_eq!(Blob::decode(&bytes), Ok(sample()));
}

/// As many pieces as fit beside the setup of Debian 12's kernel and 1 KiB of
/// command line.
#[test]
fn two_and_a_half_thousand_pieces() {
    let blob = |pieces: u64| {
        let mut blob = sample();
        blob.setup = vec![0; 20480];
        blob.setup[0x218..0x228]
            .copy_from_slice(&[0, 0, 0x50, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        blob.line = line(&"x".repeat(1000));
        blob.initramfs.runs = (0..pieces)
            .map(|n| Run {
                lba: 3 * n,
                sectors: 1,
            })
            .collect();
        blob.encode(&[0; 2048])
    };
    assert_eq!(blob(2550).map(|bytes| bytes.len()), Ok(MAX_BYTES));
    let too_large = blob(2600).unwrap_err();
    let (bytes, pieces) = (MAX_BYTES + 1024, 2602);
    assert_eq!(too_large, BlobError::TooLarge { bytes, pieces });
    assert!(
        too_large.to_string().contains("in 2602 pieces"),
        "{too_large}"
    );
}

#[test]
fn what_is_refused() {
    let cut_off = error(|p| p.kernel_head = &p.kernel_head[..1000]);
    assert!(matches!(cut_off, BlobError::Kernel(_)), "{cut_off}");
    let short = |has, wanted| TooShort { has, wanted };
    let runs = |what, short| BlobError::Runs { what, short };
    assert_eq!(
        error(|p| p.kernel.bytes = 1024 + 6000),
        runs("kernel", short(12, 14))
    );
    assert_eq!(
        error(|p| p.initramfs.bytes = 10 * 512),
        runs("initramfs", short(9, 10))
    );
    assert_eq!(
        error(|p| p.kernel.bytes = 1024),
        BlobError::KernelTooShort {
            bytes: 1024,
            setup: 1024
        }
    );
    let no_room = |what, bytes| BlobError::NoRoom { what, bytes };
    assert_eq!(error(|p| p.initramfs.bytes = 0), no_room("initramfs", 0));
    let loaded = |bytes: u64, max: u32| {
        let mut parts = parts();
        let mut head = kernel();
        head[0x22c..0x230].copy_from_slice(&max.to_le_bytes());
        parts.kernel_head = head.leak();
        parts.initramfs = file(&[(0, 1 << 40)], bytes, 0);
        Blob::new(&parts).map(|blob| blob.initramfs.bytes)
    };
    // From 5 MiB on.
    assert_eq!(loaded(3 * MIB, 0x7f_ffff), Ok(3 << 20));
    assert_eq!(
        loaded(3 * MIB + 1, 0x7f_ffff),
        Err(no_room("initramfs", 3 * MIB + 1))
    );
    let all = (1 << 32) - 5 * MIB;
    assert_eq!(loaded(all, u32::MAX), Err(no_room("initramfs", all)));
    assert!(loaded(all - 512, u32::MAX).is_ok());
    assert_eq!(
        loaded(u64::MAX, u32::MAX),
        Err(runs("initramfs", short(1 << 40, 1 << 55)))
    );
}

#[test]
fn command_lines() {
    let only = CommandLine::new("", "drive=", "start=").unwrap();
    assert_eq!(only.text(), b"drive=?? start=????");
    assert_eq!((only.drive(), only.start()), (6, 15));
    assert_eq!(
        CommandLine::new("a\0b", "d=", "s="),
        Err(BlobError::LineNul)
    );
    // The kernel takes 255 bytes.
    let of = |length: usize| {
        let fixed = line("").text().len() + 1;
        let mut parts = parts();
        parts.line = line(&"x".repeat(length - fixed));
        Blob::new(&parts).map(|blob| blob.line.text().len())
    };
    assert_eq!(of(255), Ok(255));
    let (bytes, limit) = (256, 255);
    assert_eq!(of(256), Err(BlobError::LineTooLong { bytes, limit }));
}

#[test]
fn what_is_no_blob() {
    let good = sample().encode(&STAGE2).unwrap();
    let decode = |at: usize, byte: u8| {
        let mut bad = good.clone();
        bad[at] = byte;
        Blob::decode(&bad).unwrap_err()
    };
    assert_eq!(Blob::decode(&good[..2047]), Err(BlobError::NotOurs));
    assert_eq!(Blob::decode(&[]), Err(BlobError::NotOurs));
    assert_eq!(decode(4, b'r'), BlobError::NotOurs);
    for at in [0x18, 0x1e, 0x20, 0x22, 0x2a, 0x54, 0x55, 0x5f, 1535] {
        assert_eq!(decode(at, 0x77), BlobError::Damaged("header"), "{at:#x}");
    }
    for at in [0x2d, 0x35, 0x88, 0x8c, 0x9c] {
        let damaged = BlobError::Damaged("load table");
        assert_eq!(decode(at, 0x77), damaged, "{at:#x}");
    }
    for at in [0x24, 0x27, 0x29, 0x4b5, 0x4c9] {
        let byte = if at < 0x80 { 0x77 } else { 0 };
        let byte = if at == 0x4c9 { b'x' } else { byte };
        let damaged = BlobError::Damaged("command line");
        assert_eq!(decode(at, byte), damaged, "{at:#x}");
    }
    for at in [0x218, 0x21c, 0x228] {
        let damaged = BlobError::Damaged("setup");
        assert_eq!(decode(0xb0 + at, 0x77), damaged, "{at:#x}");
    }
}
