// SPDX-License-Identifier: MIT OR Apache-2.0
//! The fixtures, as devices that can be read and written.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use ondisk::lvm::{LabelError, PvRead, Step, VolumeGroup, read_pv};

/// Cases with a volume group.
pub const GROUPS: &[&str] = &[
    "cache",
    "dashes",
    "exported",
    "extra",
    "mda2",
    "missing",
    "multiseg",
    "pvmove",
    "raid",
    "single3",
    "span2",
    "striped",
    "thin",
    "wrap",
    "wrap_next",
];
/// Cases without one.
pub const NO_GROUP: &[&str] = &["orphan", "pvremove_ff", "pvremoved", "vgremoved"];

pub fn path(case: &str, file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures/lvm")
        .join(case)
        .join(file)
}

pub fn text(case: &str, file: &str) -> String {
    let path = path(case, file);
    fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn unpack(path: &Path) -> Vec<u8> {
    let packed = fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let mut out = Vec::new();
    liblzma::read::XzDecoder::new(packed.as_slice())
        .read_to_end(&mut out)
        .unwrap();
    out
}

/// A sparse device in memory: its first bytes, its last ones, zeros between.
#[derive(Clone)]
pub struct Device {
    pub head: Vec<u8>,
    pub tail: Vec<u8>,
    pub size: u64,
}

impl Device {
    pub fn empty(size: u64) -> Self {
        Self {
            head: vec![0; 1 << 20],
            tail: Vec::new(),
            size,
        }
    }

    pub fn read(&self, offset: u64, len: usize) -> Vec<u8> {
        let end = (offset + len as u64).min(self.size);
        let tail = self.size - self.tail.len() as u64;
        (offset..end.max(offset))
            .map(|at| match at {
                at if at < self.head.len() as u64 => self.head[at as usize],
                at if at >= tail => self.tail[(at - tail) as usize],
                _ => 0,
            })
            .collect()
    }

    pub fn write(&mut self, offset: u64, bytes: &[u8]) {
        let tail = self.size - self.tail.len() as u64;
        match offset.checked_sub(tail) {
            Some(at) if !self.tail.is_empty() => {
                self.tail[at as usize..at as usize + bytes.len()].copy_from_slice(bytes);
            }
            _ => self.head[offset as usize..offset as usize + bytes.len()].copy_from_slice(bytes),
        }
    }

    pub fn try_pv(&self) -> Result<Option<PvRead>, LabelError> {
        read_pv(|offset, len| Ok::<_, Infallible>(self.read(offset, len))).unwrap()
    }

    pub fn pv(&self) -> PvRead {
        self.try_pv().unwrap().expect("a label")
    }
}

/// The devices of a case: pv0, pv1, …
pub fn devices(case: &str) -> Vec<Device> {
    (0..)
        .map_while(|n| {
            let head = path(case, &format!("pv{n}.head.img.xz"));
            if !head.exists() {
                return None;
            }
            let tail = path(case, &format!("pv{n}.tail.img.xz"));
            Some(Device {
                head: unpack(&head),
                tail: if tail.exists() {
                    unpack(&tail)
                } else {
                    Vec::new()
                },
                size: text(case, &format!("pv{n}.size")).trim().parse().unwrap(),
            })
        })
        .collect()
}

/// Every text that stands on the devices of a case, as in `pvN.mdaM.txt`.
pub fn texts(case: &str) -> Vec<String> {
    let name = |pv, mda| format!("pv{pv}.mda{mda}.txt");
    let all = (0..2).flat_map(|pv| (0..2).map(move |mda| name(pv, mda)));
    all.filter(|f| path(case, f).exists())
        .map(|f| text(case, &f))
        .collect()
}

/// The group of a case, from the first device that has its text.
pub fn group(case: &str) -> VolumeGroup {
    let devices = devices(case);
    let found = devices.iter().filter_map(|d| d.try_pv().ok().flatten());
    found
        .flat_map(|pv| pv.groups().cloned().collect::<Vec<_>>())
        .next()
        .expect(case)
}

/// The records of a report.
pub fn report(case: &str, file: &str) -> Vec<BTreeMap<String, String>> {
    let fields = |line: &str| {
        let inner = line
            .trim()
            .trim_end_matches(',')
            .strip_prefix("{\"")?
            .strip_suffix("\"}")?;
        let pair = |f: &str| {
            f.split_once("\":\"")
                .map(|(k, v)| (k.to_owned(), v.to_owned()))
        };
        inner
            .split("\", \"")
            .map(pair)
            .collect::<Option<BTreeMap<_, _>>>()
    };
    text(case, file).lines().filter_map(fields).collect()
}

/// Carries out steps on devices in memory, up to the end or `limit` writes.
pub fn apply(steps: &[Step], devices: &mut [Device], limit: usize) {
    let mut left = limit;
    for step in steps {
        if let Step::Write { pv, offset, bytes } = step {
            if left == 0 {
                return;
            }
            left -= 1;
            devices[*pv].write(*offset, bytes);
        }
    }
}
