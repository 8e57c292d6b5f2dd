// SPDX-License-Identifier: MIT OR Apache-2.0
//! The level of the x86-64 architecture that a system demands, and the features
//! that a processor has.
//!
//! Levels and their features are those of the x86-64 psABI, "Micro-architecture
//! levels"; a feature is named as Linux does it in /proc/cpuinfo
//! (arch/x86/include/asm/cpufeatures.h). What a program demands stands in its
//! ELF file as a note (GNU_PROPERTY_X86_ISA_1_NEEDED of the "Linux Extensions to
//! gABI" for x86): the C library of a distribution that was built for a level
//! has it, and its loader refuses to start anything on an older processor.

use crate::numbers::{u16_at, u32_at, u64_at};
use serde::{Deserialize, Serialize};
use std::fmt;

/// A level of the x86-64 architecture; each has all features of those below it.
/// In files it is written as [`fmt::Display`] does it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub enum Level {
    /// Every processor with 64 bits.
    #[default]
    #[serde(rename = "x86-64")]
    V1,
    /// About 2009.
    #[serde(rename = "x86-64-v2")]
    V2,
    /// About 2013.
    #[serde(rename = "x86-64-v3")]
    V3,
    /// With AVX-512.
    #[serde(rename = "x86-64-v4")]
    V4,
}

impl Level {
    const ALL: [Level; 4] = [Level::V1, Level::V2, Level::V3, Level::V4];

    /// The features that the level adds to the one below it, under Linux's names:
    /// LAHF is `lahf_lm`, SSE3 `pni`, LZCNT `abm`, OSXSAVE `xsave`.
    const fn features(self) -> &'static [&'static str] {
        match self {
            Level::V1 => &[
                "cmov", "cx8", "fpu", "fxsr", "mmx", "syscall", "sse", "sse2",
            ],
            Level::V2 => &[
                "cx16", "lahf_lm", "popcnt", "pni", "sse4_1", "sse4_2", "ssse3",
            ],
            Level::V3 => &[
                "avx", "avx2", "bmi1", "bmi2", "f16c", "fma", "abm", "movbe", "xsave",
            ],
            Level::V4 => &["avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"],
        }
    }

    /// The features of this level that a processor lacks. `cpuinfo` is the text
    /// of /proc/cpuinfo; of several processors the first speaks for all. `None`
    /// where it does not say what it has.
    pub fn lacking(self, cpuinfo: &str) -> Option<Vec<&'static str>> {
        let flags = cpuinfo.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            (key.trim() == "flags").then_some(value)
        })?;
        let has = |wanted: &&str| flags.split_whitespace().any(|flag| flag == *wanted);
        let levels = Level::ALL.into_iter().filter(|level| *level <= self);
        let wanted = levels.flat_map(|level| level.features().iter().copied());
        Some(wanted.filter(|feature| !has(feature)).collect())
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Level::V1 => "x86-64",
            Level::V2 => "x86-64-v2",
            Level::V3 => "x86-64-v3",
            Level::V4 => "x86-64-v4",
        })
    }
}

/// The level that an ELF file of x86-64 demands; `head` are its first bytes,
/// which contain the notes of a shared library. `None` if it does not say.
pub fn demanded(head: &[u8]) -> Option<Level> {
    const NOTE: u32 = 4;
    // EI_CLASS 2 is 64 bit, EI_DATA 1 little-endian, machine 62 x86-64.
    if !head.starts_with(&[0x7f, b'E', b'L', b'F', 2, 1]) || u16_at(head, 18)? != 62 {
        return None;
    }
    let table = usize::try_from(u64_at(head, 32)?).ok()?;
    let (size, count) = (u16_at(head, 54)?, u16_at(head, 56)?);
    let mut level = None;
    for number in 0..usize::from(count) {
        let at = table.checked_add(number.checked_mul(usize::from(size))?)?;
        if u32_at(head, at) != Some(NOTE) {
            continue;
        }
        let offset = usize::try_from(u64_at(head, at.checked_add(8)?)?).ok()?;
        let length = usize::try_from(u64_at(head, at.checked_add(32)?)?).ok()?;
        let notes = head.get(offset..offset.checked_add(length)?);
        level = level.max(notes.and_then(of_notes));
    }
    level
}

/// What the notes of a segment say; each has its name and its content in words
/// of 4 bytes.
fn of_notes(mut notes: &[u8]) -> Option<Level> {
    const PROPERTIES: u32 = 5;
    let mut level = None;
    while let (Some(name), Some(length), Some(kind)) =
        (u32_at(notes, 0), u32_at(notes, 4), u32_at(notes, 8))
    {
        let start = 12_usize.checked_add(padded(name, 4)?)?;
        let end = start.checked_add(usize::try_from(length).ok()?)?;
        let content = notes.get(start..end)?;
        if kind == PROPERTIES && notes.get(12..16) == Some(b"GNU\0") {
            level = level.max(of_properties(content));
        }
        // Segments of properties are aligned to 8, others to 4; a length of
        // properties is a multiple of 8.
        notes = notes.get(start.checked_add(padded(length, 4)?)?..)?;
    }
    level
}

/// What the properties of a note say; each is padded to 8 bytes.
fn of_properties(mut properties: &[u8]) -> Option<Level> {
    const NEEDED: u32 = 0xc000_8002;
    let mut level = None;
    while let (Some(kind), Some(length)) = (u32_at(properties, 0), u32_at(properties, 4)) {
        if kind == NEEDED {
            let bits = u32_at(properties, 8)?;
            let levels = Level::ALL.into_iter().enumerate();
            let set = levels.filter(|(bit, _)| bits >> bit & 1 == 1);
            level = level.max(set.map(|(_, level)| level).max());
        }
        properties = properties.get(8_usize.checked_add(padded(length, 8)?)?..)?;
    }
    level
}

fn padded(length: u32, to: usize) -> Option<usize> {
    usize::try_from(length).ok()?.checked_next_multiple_of(to)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// The head of a library whose only note demands these levels (bits), as
    /// binutils 2.40 writes it: one program header, one note of one property.
    pub(crate) fn library(bits: u32) -> Vec<u8> {
        let mut head = vec![0; 64 + 56];
        head[..6].copy_from_slice(&[0x7f, b'E', b'L', b'F', 2, 1]);
        head[18] = 62;
        head[32] = 64;
        head[54] = 56;
        head[56] = 1;
        head[64] = 4;
        head[64 + 8] = 120;
        head[64 + 32] = 32;
        for word in [
            4,
            16,
            5,
            u32::from_le_bytes(*b"GNU\0"),
            0xc000_8002,
            4,
            bits,
            0,
        ] {
            head.extend(word.to_le_bytes());
        }
        head
    }

    #[test]
    fn a_library_demands_the_highest_level_of_its_note() {
        for (bits, level) in [
            (0b1, Level::V1),
            (0b11, Level::V2),
            (0b111, Level::V3),
            (0b1000, Level::V4),
        ] {
            assert_eq!(demanded(&library(bits)), Some(level), "{bits:b}");
        }
        assert_eq!(demanded(&library(0)), None);
        let mut other = library(0b11);
        other[18] = 183;
        assert_eq!(demanded(&other), None);
        for length in 0..library(0b11).len() {
            assert_eq!(demanded(&library(0b11)[..length]), None, "{length}");
        }
    }

    /// Debian's is built for every processor with 64 bits.
    #[test]
    fn the_library_of_this_machine_is_read() {
        let path = "/lib/x86_64-linux-gnu/libc.so.6";
        let Ok(bytes) = std::fs::read(path) else {
            return;
        };
        assert_eq!(demanded(&bytes[..4096]), Some(Level::V1));
    }

    /// Flags of QEMU 7.2: `-cpu qemu64`, `-cpu Nehalem`, `-cpu Haswell`, of
    /// /proc/cpuinfo without those that no level asks for.
    #[test]
    fn what_a_processor_lacks_is_named() {
        let qemu64 = "processor\t: 0\nflags\t\t: fpu cx8 cmov mmx fxsr sse sse2 syscall nx lm pni cx16 hypervisor lahf_lm svm\n";
        let nehalem = format!("{} ssse3 sse4_1 sse4_2 popcnt\n", qemu64.trim_end());
        let haswell = format!(
            "{} avx avx2 bmi1 bmi2 f16c fma abm movbe xsave\n",
            nehalem.trim_end()
        );
        let lacks = |level: Level, text: &str| level.lacking(text).unwrap();
        assert_eq!(lacks(Level::V1, qemu64), [""; 0]);
        assert_eq!(
            lacks(Level::V2, qemu64),
            ["popcnt", "sse4_1", "sse4_2", "ssse3"]
        );
        assert_eq!(lacks(Level::V2, &nehalem), [""; 0]);
        assert!(lacks(Level::V3, &nehalem).contains(&"avx2"));
        assert_eq!(lacks(Level::V3, &haswell), [""; 0]);
        assert_eq!(lacks(Level::V4, &haswell).len(), 5);
        assert_eq!(Level::V2.lacking("processor : 0\n"), None);
    }
}
