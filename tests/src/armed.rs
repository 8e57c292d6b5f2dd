// SPDX-License-Identifier: MIT OR Apache-2.0
//! Disks with replant's loader, a kernel and an initramfs.

use contract::cmdline::{DRIVE, START, Start};
use ondisk::bzimage::BzImage;
use ondisk::lifeboat::blob::{CommandLine, File, Parts};
use ondisk::lifeboat::boot_sector::{BlobPlace, BootSector, MAX_SECTORS};
use ondisk::lifeboat::{Blob, Id, Run, Twin};
use std::os::unix::fs::FileExt;
use std::path::Path;
use testkit::Random;

/// What lies on the disk, and how.
pub struct Armed {
    /// The staging.
    pub id: Id,
    /// The kernel's image.
    pub kernel: Vec<u8>,
    /// The initramfs.
    pub initramfs: Vec<u8>,
    /// The command line, without the loader's own words.
    pub words: String,
    /// How the loader is started.
    pub start: Start,
    /// In how many pieces each copy of each file lies, shuffled.
    pub pieces: usize,
    /// The sector from which on the blobs and they lie.
    pub from: u64,
    /// Bytes of the disk.
    pub size: u64,
    /// Whether the way back to the old boot sector is open.
    pub way_back: bool,
    /// The old boot sector.
    pub old_sector: [u8; 512],
}

/// Where it lies: of each the first and the second copy.
pub struct Places {
    /// The boot sector that was made; LBA 0 has it if it starts from there.
    pub boot_sector: [u8; 512],
    /// The blobs.
    pub blobs: [Run; 2],
    /// The kernels.
    pub kernels: [Vec<Run>; 2],
    /// The initramfses.
    pub initramfses: [Vec<Run>; 2],
}

impl Armed {
    /// This kernel and initramfs on a disk of 128 MiB, each in one piece.
    pub fn new(kernel: &[u8], initramfs: &[u8]) -> Armed {
        Armed {
            id: Id(*b"0123456789abcdef"),
            kernel: kernel.to_vec(),
            initramfs: initramfs.to_vec(),
            words: "console=ttyS0".into(),
            start: Start::Disk,
            pieces: 1,
            from: 4096,
            size: 128 << 20,
            way_back: false,
            old_sector: [0; 512],
        }
    }

    /// Makes the image, sparse.
    ///
    /// # Panics
    /// When that fails, or when it is too large for the loader.
    pub fn write(&self, image: &Path) -> Places {
        let file = std::fs::OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(image)
            .expect("an image");
        file.set_len(self.size).expect("its size");
        let blobs = [self.from, self.from + u64::from(MAX_SECTORS)];
        let mut from = blobs[1] + u64::from(MAX_SECTORS);
        let mut random = Random(1);
        let mut scatter = |bytes: &[u8]| {
            let runs = scattered(bytes.len() as u64, self.pieces, &mut from, &mut random);
            let mut rest = bytes;
            for run in &runs {
                let length = rest.len().min(run.sectors as usize * 512);
                file.write_all_at(&rest[..length], run.lba * 512)
                    .expect("write");
                rest = &rest[length..];
            }
            runs
        };
        let kernels = [scatter(&self.kernel), scatter(&self.kernel)];
        let initramfses = [scatter(&self.initramfs), scatter(&self.initramfs)];
        let setup = BzImage::parse(&self.kernel).expect("a kernel").setup_bytes;
        let copies = [Twin::A, Twin::B].into_iter().zip(blobs);
        let copies = copies.zip(kernels.iter().zip(&initramfses));
        let places: Vec<BlobPlace> = copies
            .map(|((twin, lba), (kernel, initramfs))| {
                let blob = Blob::new(&Parts {
                    id: self.id,
                    twin,
                    kernel_head: &self.kernel,
                    kernel: whole(kernel, &self.kernel, setup),
                    initramfs: whole(initramfs, &self.initramfs, 0),
                    line: CommandLine::new(&self.words, DRIVE, START).expect("no NUL"),
                    old_sector: self.old_sector,
                });
                let blob = blob.expect("a blob").encode(&loader::STAGE2);
                let blob = blob.expect("not too many pieces");
                file.write_all_at(&blob, lba * 512).expect("write");
                BlobPlace::of(lba, 1, &blob).expect("not too large")
            })
            .collect();
        let blobs = [places[0], places[1]];
        let sector = BootSector {
            start: *self.start.letters(),
            blobs,
            way_back: self
                .way_back
                .then(|| ondisk::checksum::crc32(&self.old_sector)),
        };
        let mut before = [0; 512];
        file.read_exact_at(&mut before, 0).expect("LBA 0");
        let boot_sector = sector.encode(&loader::STAGE1, &before).expect("places");
        if self.start == Start::Disk {
            file.write_all_at(&boot_sector, 0).expect("write");
        }
        Places {
            boot_sector,
            blobs: blobs.map(|place| Run {
                lba: place.lba,
                sectors: u64::from(place.sectors),
            }),
            kernels,
            initramfses,
        }
    }
}

fn whole<'a>(runs: &'a [Run], bytes: &[u8], skip: usize) -> File<'a> {
    File {
        runs,
        bytes: bytes.len() as u64,
        crc32: ondisk::checksum::crc32(&bytes[skip..]),
    }
}

/// Runs for so many bytes: pieces of an even number of sectors, in another order
/// on the disk than in the file, with a gap after each.
fn scattered(bytes: u64, pieces: usize, from: &mut u64, random: &mut Random) -> Vec<Run> {
    let sectors = bytes.div_ceil(512).next_multiple_of(2);
    let pairs = sectors / 2;
    let mut cuts: Vec<u64> = Vec::new();
    while cuts.len() + 1 < pieces.min(pairs as usize) {
        let cut = 1 + random.below(pairs as usize - 1) as u64;
        if !cuts.contains(&cut) {
            cuts.push(cut);
        }
    }
    cuts.push(pairs);
    cuts.sort_unstable();
    let mut start = 0;
    let mut runs: Vec<Run> = Vec::new();
    for cut in cuts {
        let sectors = (cut - start) * 2;
        runs.push(Run { lba: 0, sectors });
        start = cut;
    }
    let mut order: Vec<usize> = (0..runs.len()).collect();
    for i in (1..order.len()).rev() {
        order.swap(i, random.below(i + 1));
    }
    for i in order {
        runs[i].lba = *from;
        *from += runs[i].sectors + 6;
    }
    runs
}

/// Damages this byte of what lies there.
///
/// # Panics
/// When that fails.
pub fn damage(image: &Path, run: &Run, byte: u64) {
    let file = std::fs::OpenOptions::new()
        .read(true)
        .write(true)
        .open(image)
        .expect("the image");
    let at = run.lba * 512 + byte;
    let mut byte = [0];
    file.read_exact_at(&mut byte, at).expect("read");
    file.write_all_at(&[!byte[0]], at).expect("write");
}
