// SPDX-License-Identifier: MIT OR Apache-2.0
//! A disk with a mounted file system.

use crate::old::pinned::{Allowed, Pinned, Site, Wish, foreseen};
use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use testkit::{Loop, Mount, Random, sparse, tool};

/// Kind of the file system, as mount(8) has it, and what makes it.
pub(in crate::old) type Kind = (&'static str, &'static [&'static str]);

/// In which group a directory lies depends on a random number.
const SEED: [&str; 2] = ["-E", "hash_seed=6c1d4f0e-0000-4000-8000-000000000001"];

/// All that the old root may be.
pub(in crate::old) const KINDS: [Kind; 8] = [
    (
        "ext2",
        &["mke2fs", "-q", SEED[0], SEED[1], "-t", "ext2", "-b", "1024"],
    ),
    (
        "ext2",
        &["mke2fs", "-q", SEED[0], SEED[1], "-t", "ext2", "-b", "4096"],
    ),
    (
        "ext3",
        &["mke2fs", "-q", SEED[0], SEED[1], "-t", "ext3", "-b", "1024"],
    ),
    (
        "ext3",
        &["mke2fs", "-q", SEED[0], SEED[1], "-t", "ext3", "-b", "4096"],
    ),
    EXT4_SMALL_BLOCKS,
    EXT4,
    ("xfs", &["mkfs.xfs", "-q", "-m", "reflink=0"]),
    XFS,
];
pub(in crate::old) const EXT4_SMALL_BLOCKS: Kind = (
    "ext4",
    &["mke2fs", "-q", SEED[0], SEED[1], "-t", "ext4", "-b", "1024"],
);
pub(in crate::old) const EXT4: Kind = (
    "ext4",
    &["mke2fs", "-q", SEED[0], SEED[1], "-t", "ext4", "-b", "4096"],
);
pub(in crate::old) const XFS: Kind = ("xfs", &["mkfs.xfs", "-q", "-m", "reflink=1"]);

pub(in crate::old) struct Ground {
    mount: Mount,
    pub(in crate::old) disk: Loop,
    pub(in crate::old) image: PathBuf,
    _dir: tempfile::TempDir,
}

impl Ground {
    pub(in crate::old) fn new(kind: Kind, mib: u64) -> Ground {
        Ground::mounted(kind, mib, "rw")
    }

    pub(in crate::old) fn mounted((_, make): Kind, mib: u64, options: &str) -> Ground {
        let dir = tempfile::tempdir().unwrap();
        let image = sparse(dir.path().join("disk"), mib << 20);
        let (program, words) = make.split_first().unwrap();
        tool(program, &[words, &[image.to_str().unwrap()]].concat());
        let disk = Loop::new(&image);
        let mount = Mount::new(&disk.0, dir.path().join("mnt"), options);
        Ground {
            mount,
            disk,
            image,
            _dir: dir,
        }
    }

    pub(in crate::old) fn root(&self) -> &Path {
        &self.mount.0
    }

    pub(in crate::old) fn site(&self) -> Site {
        foreseen(self.root(), &self.disk.0, &[Wish::runs(1)]).unwrap()
    }

    /// Many small files, every other one removed.
    pub(in crate::old) fn age(&self, mib: u64) {
        let old = self.root().join("old");
        fs::create_dir(&old).unwrap();
        let mut random = Random(7);
        let (mut names, mut bytes) = (Vec::new(), 0);
        while bytes < mib << 20 {
            let length = 1 + random.below(60_000usize);
            let path = old.join(names.len().to_string());
            fs::write(&path, vec![1; length]).unwrap();
            names.push(path);
            bytes += length as u64;
        }
        self.sync();
        for path in names.iter().step_by(2) {
            fs::remove_file(path).unwrap();
        }
        self.sync();
    }

    pub(in crate::old) fn sync(&self) {
        let open = File::open(self.root()).unwrap();
        rustix::fs::syncfs(open).unwrap();
    }

    /// All that the image has from a byte on.
    pub(in crate::old) fn from(&self, start: u64) -> Allowed {
        Allowed::from(start..fs::metadata(&self.image).unwrap().len())
    }

    /// What lies at the places, by another way than the one that is tested.
    pub(in crate::old) fn content(&self, pinned: &Pinned) -> Vec<u8> {
        let disk = File::open(&self.image).unwrap();
        let mut content = Vec::new();
        for run in &pinned.runs {
            let mut piece = vec![0; run.sectors as usize * 512];
            disk.read_exact_at(&mut piece, run.lba * 512).unwrap();
            content.extend(piece);
        }
        content.truncate(pinned.bytes as usize);
        content
    }

    pub(in crate::old) fn free(&self) -> u64 {
        self.sync();
        let stat = rustix::fs::statvfs(self.root()).unwrap();
        stat.f_bfree * stat.f_frsize
    }

    /// Whether nearly as much is free as there was. xfs frees what was removed
    /// a little later, and all of it before it is frozen.
    pub(in crate::old) fn is_free_again(&self, before: u64) {
        let root = File::open(self.root()).unwrap();
        sys::freeze::freeze(&root).unwrap();
        sys::freeze::thaw(&root).unwrap();
        let free = self.free();
        assert!(
            before.saturating_sub(free) < 1 << 20,
            "{before} bytes were free, now {free}"
        );
    }
}
