// SPDX-License-Identifier: MIT OR Apache-2.0
//! Damaged metadata: an error or a sane value, never a panic.

use ondisk::lvm::{DevNo, Label, MdaHeader, VolumeGroup, crc, decode, encode, parse};

use super::fixture::{Device, GROUPS, devices, texts};

struct Rng(u64);

impl Rng {
    fn next(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % n.max(1) as u64) as usize
    }

    /// Flips bits, cuts, splices, and puts in what the grammar cares about.
    fn mutate(&mut self, data: &mut Vec<u8>) {
        const WORDS: &[&[u8]] = &[
            b"{",
            b"}",
            b"[",
            b"]",
            b"\"",
            b"\\",
            b"#",
            b"=",
            b",",
            b"\0",
            b"-1",
            b"0",
            b"0x",
            b"9223372036854775807",
            b"99999999999999999999",
            b"striped",
            b"pv0",
            b"'",
            b"/",
            b"segment1 {",
            b"\xff\xfe",
            b"stripe_count = 3\n",
        ];
        for _ in 0..1 + self.next(4) {
            let at = self.next(data.len());
            match self.next(6) {
                0 if !data.is_empty() => data[at] ^= 1 << self.next(8),
                1 => data.truncate(at),
                2 => {
                    let end = (at + self.next(200)).min(data.len());
                    let part = data[at..end].to_vec();
                    let to = self.next(data.len());
                    data.splice(to..to, part);
                }
                3 => {
                    let end = (at + self.next(100)).min(data.len());
                    data.drain(at..end);
                }
                _ => {
                    let word = WORDS[self.next(WORDS.len())];
                    data.splice(at..at, word.iter().copied());
                }
            }
        }
    }
}

/// Whatever was decoded can be judged, mapped and written without a panic, and
/// what is mapped stays within its physical volumes.
fn exercise(vg: &VolumeGroup) {
    let sane = vg.problems().is_empty();
    for lv in &vg.lvs {
        let device = |uuid: &ondisk::lvm::Uuid| {
            let minor = vg.pvs.iter().position(|p| p.id == *uuid)?;
            Some(DevNo {
                major: 7,
                minor: minor as u32,
            })
        };
        if let Ok(m) = vg.mapping(lv, device) {
            assert!(sane);
            let mut at = 0;
            for t in &m.targets {
                assert_eq!(t.start, at);
                at += t.length;
                if let ondisk::lvm::TargetKind::Linear(dev, start) = t.kind {
                    let pv = &vg.pvs[dev.minor as usize];
                    let end = pv.pe_start + pv.pe_count * vg.extent_size;
                    assert!(start + t.length <= end);
                }
            }
        }
    }
    if let Ok(again) = decode(&encode(vg)) {
        let mut wanted = vg.clone();
        wanted.origin = again.origin.clone();
        if sane {
            assert_eq!(again.lvs.len(), wanted.lvs.len());
        }
    }
}

#[test]
fn damaged_texts() {
    let mut rng = Rng(0x1234_5678_9abc_def1);
    let mut decoded = 0;
    for case in GROUPS {
        for text in texts(case) {
            for _ in 0..400 {
                let mut data = text.clone().into_bytes();
                rng.mutate(&mut data);
                let _ = parse(&data);
                if let Ok(vg) = decode(&data) {
                    decoded += 1;
                    exercise(&vg);
                }
            }
        }
    }
    assert!(decoded > 100, "{decoded}");
}

#[test]
fn damaged_sectors() {
    let mut rng = Rng(0xfeed_beef_dead_0001);
    let all: Vec<Device> = GROUPS
        .iter()
        .flat_map(|c| devices(c))
        .filter(|d| matches!(d.try_pv(), Ok(Some(_))))
        .collect();
    for round in 0..4000 {
        let mut device = all[rng.next(all.len())].clone();
        device.head.truncate(64 << 10);
        // A valid checksum over damage goes deeper than a wrong one.
        let label = rng.next(2) == 0;
        let base = if label { 512 } else { 4096 };
        for _ in 0..1 + rng.next(6) {
            let at = base + rng.next(if label { 200 } else { 100 });
            device.head[at] = [rng.next(256) as u8, 0, 0xff][rng.next(3)];
        }
        if round % 4 != 0 {
            let sector = &mut device.head[base..base + 512];
            let (sum, from) = if label { (16, 20) } else { (0, 4) };
            let value = crc(&[&sector[from..]]).to_le_bytes();
            sector[sum..sum + 4].copy_from_slice(&value);
        }
        if let Ok(Some(pv)) = device.try_pv() {
            let _ = pv.label.encode();
            pv.groups().for_each(exercise);
        }
        let cut = rng.next(2048);
        let _ = Label::find(&device.head[..cut]);
        let _ = MdaHeader::decode(&device.head[4096..4096 + rng.next(600)], 4096);
    }
}
