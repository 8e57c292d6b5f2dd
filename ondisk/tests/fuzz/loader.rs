// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the boot loader reads, and the header of the kernel that it starts.
use ondisk::bzimage::{BzImage, version};
use ondisk::lifeboat::blob::{CommandLine, File, Parts};
use ondisk::lifeboat::boot_sector::BlobPlace;
use ondisk::lifeboat::{Blob, BootSector, Id, Run, Twin};
use testkit::Target;

const ID: Id = Id(*b"0123456789abcdef");

/// The first bytes of a kernel image.
fn kernel_head() -> Vec<u8> {
    let mut head = vec![0; 1100];
    let mut put = |at: usize, bytes: &[u8]| head[at..at + bytes.len()].copy_from_slice(bytes);
    put(0x1f1, &[1]);
    put(0x202, b"HdrS\x0f\x02");
    put(0x20e, &0x200u16.to_le_bytes());
    put(0x211, &[1]);
    put(0x22c, &0x7fff_ffffu32.to_le_bytes());
    put(0x238, &255u32.to_le_bytes());
    put(0x258, &0x100_0000u64.to_le_bytes());
    put(0x260, &0x20_0000u32.to_le_bytes());
    put(0x400, b"6.1.0-13-amd64 (debian-kernel@lists.debian.org)\0");
    head
}

fn blob(head: &[u8], bytes: u64) -> Option<Blob> {
    let runs = [7, 30, 20].map(|lba| Run { lba, sectors: 5 });
    let file = File {
        runs: &runs,
        bytes,
        crc32: 5,
    };
    let parts = Parts {
        id: ID,
        twin: Twin::A,
        kernel_head: head,
        kernel: file,
        initramfs: file,
        line: CommandLine::new("quiet", "replant.drive=", "replant.start=").ok()?,
        old_sector: [1; 512],
    };
    Blob::new(&parts).ok()
}

#[test]
fn blobs() {
    let samples = [3000, 7680].map(|bytes| blob(&kernel_head(), bytes).expect("a blob"));
    let target = Target {
        name: "blobs",
        samples: samples
            .iter()
            .map(|blob| blob.encode(&[0xcc; 0x60]).expect("room"))
            .collect(),
        words: b"",
        hot: vec![0x18..0x60, 0x60..0xc0, 0x4c0..0x510],
        rounds: 20_000,
    };
    let tally = target.read(|bytes, _| {
        let Ok(blob) = Blob::decode(bytes) else {
            return false;
        };
        // What is taken is what would be written.
        let code = usize::from(u16::from_le_bytes([bytes[0x18], bytes[0x19]]));
        let again = blob.encode(&bytes[..code]);
        assert!(again.expect("it was one") == bytes);
        true
    });
    tally.at_least(500, 5000);
}

#[test]
fn boot_sectors() {
    let place = |lba| BlobPlace {
        lba,
        sectors: 9,
        crc32: 4,
    };
    let sectors = [None, Some(8)].map(|way_back| BootSector {
        start: *b"disk",
        blobs: [place(5), place(1 << 40)],
        way_back,
    });
    let mut code = [0x11; 512];
    code[510..].copy_from_slice(&[0x55, 0xaa]);
    let target = Target {
        name: "boot sectors",
        samples: sectors
            .iter()
            .map(|sector| sector.encode(&code, &[0x22; 512]).expect("places").to_vec())
            .collect(),
        words: b"RPL1",
        hot: vec![0x160..0x1b8, 0x1fe..0x200],
        rounds: 20_000,
    };
    let tally = target.read(|bytes, _| {
        let Ok(sector) = BootSector::decode(bytes) else {
            return false;
        };
        let bytes: &[u8; 512] = bytes.try_into().expect("decoded");
        assert_eq!(sector.encode(bytes, bytes).as_ref(), Ok(bytes));
        true
    });
    tally.at_least(500, 5000);
}

/// Whatever a kernel's header says, a blob is made that reads back, or an error.
#[test]
fn kernels() {
    let target = Target {
        name: "kernels",
        samples: vec![kernel_head()],
        words: b"HdrS",
        hot: vec![0x1f0..0x212, 0x228..0x264, 0x400..0x440],
        rounds: 20_000,
    };
    let tally = target.read(|head, random| {
        let _ = version(head);
        let Some(blob) = blob(head, random.below(8000) as u64) else {
            return false;
        };
        assert!(BzImage::parse(head).is_ok());
        let bytes = blob.encode(&[0; 0x60]).expect("few pieces");
        assert_eq!(Blob::decode(&bytes), Ok(blob));
        true
    });
    tally.at_least(500, 2000);
}
