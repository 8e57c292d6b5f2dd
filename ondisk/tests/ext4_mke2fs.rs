// SPDX-License-Identifier: MIT OR Apache-2.0
//! The formatter against the installed mke2fs, bit by bit, on sparse files.
//! Needs root (for loop devices) and e2fsprogs.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use ondisk::ext4::{Label, Layout, Options};
use testkit::{Loop, Random, run, sparse};

const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;

/// What mke2fs formats.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Target {
    File,
    /// A loop device with sectors of this many bytes.
    Loop(u32),
}

struct Image {
    path: PathBuf,
}

impl Image {
    fn new(name: &str, size: u64) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("ext4-{name}-{size}.img"));
        Self {
            path: sparse(path, size),
        }
    }

    /// Every block of 4 KiB that is not zero.
    fn blocks(&self) -> BTreeMap<u64, Vec<u8>> {
        let file = File::open(&self.path).unwrap();
        let size = file.metadata().unwrap().len();
        let mut blocks = BTreeMap::new();
        let mut offset = 0;
        // filefrag and fiemap would need a flush; SEEK_DATA sees dirty pages.
        while let Ok(start) = rustix::fs::seek(&file, rustix::fs::SeekFrom::Data(offset)) {
            let end = rustix::fs::seek(&file, rustix::fs::SeekFrom::Hole(start)).unwrap();
            for block in start / 4096..end.div_ceil(4096) {
                let mut bytes = vec![0; 4096];
                let length = usize::try_from((size - block * 4096).min(4096)).unwrap();
                file.read_exact_at(&mut bytes[..length], block * 4096)
                    .unwrap();
                if bytes.iter().any(|&byte| byte != 0) {
                    blocks.insert(block, bytes);
                }
            }
            offset = end;
        }
        blocks
    }
}

impl Drop for Image {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Whether this mke2fs counts its own writes as the fixtures' does. Later ones
/// have another cache, and the field that holds the count differs.
fn counts_writes_alike() -> bool {
    let output = Command::new("mke2fs")
        .arg("-V")
        .output()
        .expect("mke2fs: install e2fsprogs");
    let version = String::from_utf8_lossy(&output.stderr).into_owned();
    version.contains(" 1.47.0 ") || version.contains(" 1.46.")
}

fn uuid_text(uuid: &[u8; 16]) -> String {
    let hex: String = uuid.iter().map(|byte| format!("{byte:02x}")).collect();
    [
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..],
    ]
    .join("-")
}

fn mke2fs(image: &Image, target: Target, options: &Options, label: &str) {
    let config = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/ext4/mke2fs.conf");
    let device = match target {
        Target::File => None,
        Target::Loop(sector) => Some(Loop::sectors(&image.path, sector)),
    };
    let seed = uuid_text(&options.hash_seed);
    let extended = match target {
        Target::File => format!("hash_seed={seed}"),
        Target::Loop(_) => format!("hash_seed={seed},nodiscard"),
    };
    run(Command::new("mke2fs")
        .args(["-q", "-F", "-t", "ext4", "-L", label])
        .args(["-U", &uuid_text(&options.uuid), "-E", &extended])
        .env("MKE2FS_CONFIG", config)
        .env("E2FSPROGS_FAKE_TIME", options.time.to_string())
        .arg(device.as_ref().map_or(&image.path, |device| &device.0)));
}

/// Leaves out what another mke2fs counts otherwise: the field and the checksum.
fn without_count(superblock: &mut [u8]) {
    superblock[0x178..0x180].fill(0);
    superblock[0x3fc..0x400].fill(0);
}

fn compare(size: u64, target: Target, random: &mut Random) {
    let mut uuid = [0; 16];
    let mut hash_seed = [0; 16];
    uuid.iter_mut()
        .chain(&mut hash_seed)
        .for_each(|byte| *byte = random.next().to_le_bytes()[0]);
    let time = random.below(1_u32 << 31);
    let label = &"a label of 16 by"[..random.below(17)];
    let mut options = Options::new(size, uuid, hash_seed, time);
    options.label = Label::new(label).unwrap();
    match target {
        Target::File => options.zeroed = true,
        Target::Loop(sector) => options.sector_bytes = sector,
    }

    let image = Image::new(&format!("{target:?}"), size);
    mke2fs(&image, target, &options, label);
    let mut expected = image.blocks();
    let layout = Layout::plan(&options).unwrap();
    let mut got: BTreeMap<u64, Vec<u8>> = BTreeMap::new();
    for write in layout.writes() {
        for (offset, chunk) in (write.offset..).step_by(1024).zip(write.data.chunks(1024)) {
            let block = got.entry(offset / 4096).or_insert_with(|| vec![0; 4096]);
            let at = usize::try_from(offset % 4096).unwrap();
            block[at..at + chunk.len()].copy_from_slice(chunk);
        }
    }
    got.retain(|_, block| block.iter().any(|&byte| byte != 0));
    if !counts_writes_alike() {
        for blocks in [&mut got, &mut expected] {
            without_count(&mut blocks.get_mut(&0).unwrap()[1024..2048]);
            let group = u64::from(layout.block_size()) * 8;
            let first = u64::from(layout.block_size() == 1024);
            for block in (1..)
                .map(|n| first + n * group)
                .take_while(|&b| b < layout.blocks())
            {
                let at = usize::try_from(block * u64::from(layout.block_size()) % 4096).unwrap();
                let block = block * u64::from(layout.block_size()) / 4096;
                if let Some(bytes) = blocks.get_mut(&block)
                    && bytes[at + 0x38..at + 0x3a] == [0x53, 0xef]
                {
                    without_count(&mut bytes[at..]);
                }
            }
        }
    }
    let all: std::collections::BTreeSet<_> = expected.keys().chain(got.keys()).collect();
    let differing: Vec<_> = all
        .into_iter()
        .filter(|n| expected.get(n) != got.get(n))
        .collect();
    if let Some(&&first) = differing.first() {
        let zeros = vec![0; 4096];
        let (e, g) = (
            expected.get(&first).unwrap_or(&zeros),
            got.get(&first).unwrap_or(&zeros),
        );
        let bytes: Vec<_> = (0..4096).filter(|&i| e[i] != g[i]).take(20).collect();
        panic!(
            "{size} bytes, {target:?}: blocks of 4 KiB that differ from mke2fs: {:?} of {}; \
             in the first, bytes {bytes:?}",
            &differing[..differing.len().min(10)],
            expected.len()
        );
    }
}

#[test]
fn twenty_sizes_between_64_mib_and_2_tib() {
    testkit::needs!("mke2fs");
    let mut random = Random(0x5eed_0000_0000_0001);
    for round in 0..20 {
        // Every factor of two gets its share; the byte count is odd.
        let power = 26 + round * 15 / 20;
        let size = (1 << power) + random.below(1 << power);
        compare(size, Target::File, &mut random);
    }
    compare(2048 * GIB, Target::File, &mut random);
}

/// Lengths in blocks of a group behind `groups` whole ones: one block, and those
/// around the least one that mke2fs keeps: 50 blocks over the metadata.
fn tails(groups: u64, block_size: u64, copy: bool) -> Vec<u64> {
    let ratio = if block_size == 1024 { 4096 } else { 16384 };
    let inodes = (groups * block_size * 8 * block_size / ratio).div_ceil(groups + 1);
    // The tail itself adds inodes, which may be one block of them.
    let table = (inodes * 256).div_ceil(block_size);
    let all = groups + 1;
    let descriptors = (all * 64).div_ceil(block_size);
    let most = (1024 * (groups * block_size * 8 + 600)).div_ceil(block_size * 8);
    let reserved = ((most * 64).div_ceil(block_size) - descriptors).min(block_size / 4);
    let copy = if copy { 1 + descriptors + reserved } else { 0 };
    let least = 2 + table + copy + 50;
    std::iter::once(1).chain(least - 3..least + 6).collect()
}

#[test]
fn sizes_at_the_edges() {
    testkit::needs!("mke2fs");
    let mut random = Random(0x5eed_0000_0000_0002);
    let mut sizes = vec![
        8 * MIB,
        10 * MIB,
        16 * MIB,
        64 * MIB,
        128 * MIB,
        512 * MIB,
        512 * MIB - 1,
    ];
    // A tail group that is just cut off, and one that is just kept: without
    // and with a copy of the superblock, alone in its flex group or not.
    for groups in [8, 9, 16, 25] {
        for tail in tails(groups, 4096, [9, 25].contains(&groups)) {
            sizes.push((groups * 32768 + tail) * 4096);
        }
    }
    for groups in [1, 2, 3, 16] {
        for tail in tails(groups, 1024, [1, 3].contains(&groups)) {
            // A multiple of 4 KiB, for mke2fs rounds down to pages.
            sizes.push(((1 + groups * 8192 + tail) * 1024).next_multiple_of(4096));
        }
    }
    for size in sizes {
        compare(size, Target::File, &mut random);
    }
}

#[test]
fn block_devices() {
    testkit::needs!("root", "mke2fs");
    let mut random = Random(0x5eed_0000_0000_0003);
    for (size, sector) in [(100 * MIB, 512), (600 * MIB, 512), (70 * GIB + 8192, 512)] {
        compare(size, Target::Loop(sector), &mut random);
    }
    for size in [8 * MIB, 40 * MIB, 300 * MIB, 5 * GIB] {
        compare(size, Target::Loop(4096), &mut random);
    }
}
