// SPDX-License-Identifier: MIT OR Apache-2.0
//! Damaged superblocks and labels.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use ondisk::signature::{Device, find, regions};

use super::lvm_fixture::devices;
use testkit::Target;

/// The first blocks of a file system of the ext4 fixtures: pairs of a block's
/// number and its 4096 bytes, behind a head of 24 bytes.
fn ext4() -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/ext4/el9-1G-lazy.blk.xz");
    let mut bytes = Vec::new();
    liblzma::read::XzDecoder::new(File::open(path).unwrap())
        .read_to_end(&mut bytes)
        .unwrap();
    bytes[32..32 + 4096].to_vec()
}

#[test]
fn signatures() {
    let tables = include_bytes!("../fixtures/mbr/logical.bin");
    let backup = include_bytes!("../fixtures/gpt/seed.gptbak");
    let mut samples = vec![ext4(), tables.to_vec(), backup[..1024].to_vec()];
    for case in ["single3", "mda2", "orphan"] {
        samples.push(devices(case)[0].head[..8192].to_vec());
    }
    for sample in &mut samples {
        sample.resize(8192, 0);
    }
    let target = Target {
        name: "signatures",
        samples,
        words: b"EFI PART~LABELONE~LVM2 001~ LVM2 x[5A%r0N*>~\x55\xaa~\x53\xef~XFSB~LUKS\xba\xbe~\
            SKUL\xba\xbe~SWAPSPACE2~\xfc\x4e\x2b\xa9~\x0c\xb1\xba\0\0\0\0\0~NTFS    ~FAT32   ~\
            \xf8~\xfe\xed\xba\xbe~integrt\0~bluestore block device\n~\
            !Stra0tis\x86\xff\x02^\x41rh~\
            \xc6\x85\x73\xf6\x4e\x1a\x45\xca\x82\x65\xf5\x7f\x48\xba\x6d\x81~\
            \xc6\x85\x73\xf6\x66\xce\x90\xa9\xd9\x6a\x60\xcf\x80\x3d\xf7\xef~_BHRfS_M",
        hot: vec![0..64, 446..640, 1024..1280, 4086..4300],
        rounds: 20_000,
    };
    let tally = target.read(|bytes, random| {
        let size = [8192, 1 << 30, bytes.len() as u64, u64::MAX, 511][random.below(5)];
        let pieces = [(0, bytes), (size.saturating_sub(8192), bytes)];
        let device = Device::new(size, pieces);
        let found = find(&device);
        for signature in &found {
            assert!(
                signature
                    .clear
                    .iter()
                    .all(|r| r.start < r.end && r.end <= size)
            );
        }
        let read = regions(size);
        assert!(read.iter().all(|r| r.start < r.end && r.end <= size));
        assert!(read.is_sorted_by(|a, b| a.end < b.start));
        !found.is_empty()
    });
    tally.at_least(1000, 100);
}
