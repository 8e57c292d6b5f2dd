// SPDX-License-Identifier: MIT OR Apache-2.0
//! How much RAM a migration needs, known before anything on the disk changes.
//!
//! From the wipe on the payload is in RAM, or on the disk, where only the
//! read-ahead takes memory. Besides it, the decoder, the page cache for
//! unpacking, and the new system's programs in the chroot need memory. The rest
//! makes decoding faster.
use super::runs::READ_AHEAD;
use super::xz::Limits;
use std::fmt;

const MIB: u64 = 1 << 20;

/// The minimum for the decoder, which suffices for every payload.
const DECODER_LEAST: u64 = ondisk::manifest::DECODER_BYTES;
/// The most that a decoding thread can use: a block of `xz -T0 -9` of 192 MiB,
/// its compressed bytes, and the dictionary.
const DECODER_THREAD: u64 = 480 * MIB;
/// Dirty pages on their way to the disk. With less the kernel stalls writers.
const PAGE_CACHE: u64 = 64 * MIB;
/// grub-install, dracut with its compressor, their libraries and scratch
/// files; they run after unpacking, in the decoder's place.
const CHROOT: u64 = 256 * MIB;
/// The agent's own heap: file names, directories, log.
const AGENT: u64 = 16 * MIB + super::stream::PIPE;
/// The least that the kernel keeps free for itself.
const RESERVE: u64 = 24 * MIB;

/// What the tiny system's kernel takes of the RAM that the old one sees: its
/// own tables and heap, modules, and the agent while it reads the package.
const TINY_KERNEL: u64 = 40 * MIB;
/// With this much RAM a kernel makes huge pages, and keeps so much more free
/// for them that it does not call it available; from [`THREE_ZONES`] on for a
/// zone more (mm/khugepaged.c, set_recommended_min_free_kbytes, and
/// mm/page_alloc.c, si_mem_available).
const HUGE_PAGES: u64 = 512 * MIB;
const KEPT_FREE: u64 = 91 * MIB;
const THREE_ZONES: u64 = 3072 * MIB;
const KEPT_FREE_MORE: u64 = 50 * MIB;

/// Where the payload is while the new system is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Medium {
    /// In a tmpfs, with so many bytes.
    Ram(u64),
    /// On the disk, read from there: [`super::runs`].
    Disk,
}

/// The input of the sum, known before the wipe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Input {
    /// Bytes that can be used, before the payload is in RAM: what
    /// [`crate::machine::MemInfo::available`] says in the tiny system.
    pub available: u64,
    pub payload: Medium,
    pub processors: u32,
}

/// A part of the sum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    pub what: &'static str,
    /// Bytes.
    pub bytes: u64,
}

/// The memory that is needed at the peak, in parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// The parts, in the order in which they are printed. Their sum is the
    /// peak.
    pub parts: [Part; 5],
    /// Bytes that are available.
    pub available: u64,
    /// The decoder's limits: its minimum and most of what is left.
    pub decoder: Limits,
}

/// There is not enough RAM. The message contains the whole sum.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "not enough memory: {budget}; give the machine {} MiB more, or make the payload smaller",
    mib(.missing)
)]
pub struct TooLittle {
    pub budget: Box<Budget>,
    /// Bytes missing.
    pub missing: u64,
}

impl Budget {
    /// Bytes needed at the peak.
    pub fn needed(&self) -> u64 {
        self.parts
            .iter()
            .fold(0, |sum, part| sum.saturating_add(part.bytes))
    }
}

/// `payload 341 MiB + decoder ... = 700 MiB of 972 MiB`.
impl fmt::Display for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, part) in self.parts.iter().enumerate() {
            let plus = if i > 0 { " + " } else { "" };
            write!(f, "{plus}{} {} MiB", part.what, mib(&part.bytes))?;
        }
        let (needed, available) = (self.needed(), self.available / MIB);
        write!(
            f,
            " = {} MiB needed, {available} MiB available",
            mib(&needed)
        )
    }
}

/// Adds up what a migration needs, and gives the decoder what it may use.
pub fn plan(input: &Input) -> Result<Budget, TooLittle> {
    // While files are unpacked the decoder and the page cache are needed, in
    // the chroot afterwards other programs: the bigger of the two counts.
    let working = CHROOT.max(DECODER_LEAST + PAGE_CACHE);
    let part = |what, bytes| Part { what, bytes };
    let payload = match input.payload {
        Medium::Ram(bytes) => part("payload", bytes),
        Medium::Disk => part("payload read ahead", READ_AHEAD),
    };
    let mut budget = Budget {
        parts: [
            payload,
            part("decoder", DECODER_LEAST),
            part("page cache or chroot", working - DECODER_LEAST),
            part("agent", AGENT),
            part("kernel", RESERVE),
        ],
        available: input.available,
        decoder: Limits {
            threads: input.processors.max(1),
            memory: DECODER_LEAST,
        },
    };
    let Some(spare) = input.available.checked_sub(budget.needed()) else {
        let missing = budget.needed().saturating_sub(input.available);
        return Err(TooLittle {
            budget: Box::new(budget),
            missing,
        });
    };
    // Part of the rest is left to the page cache, which makes writing faster.
    let most = DECODER_THREAD.saturating_mul(u64::from(budget.decoder.threads));
    budget.decoder.memory = DECODER_LEAST.saturating_add(spare / 4 * 3).min(most);
    Ok(budget)
}

/// Foretells [`crate::machine::MemInfo::available`] in the tiny system, from the
/// old system's `total` and the bytes that the unpacked initramfs takes. Within 3
/// % of measurements with Linux 6.1 and 384 MiB to 4 GiB of RAM.
pub fn in_the_tiny_system(total: u64, initramfs: u64) -> u64 {
    let kept = match total {
        THREE_ZONES.. => KEPT_FREE + KEPT_FREE_MORE,
        HUGE_PAGES.. => KEPT_FREE,
        _ => 0,
    };
    total
        .saturating_sub(initramfs)
        .saturating_sub(TINY_KERNEL + kept)
}

/// The decoder's limits on a running system: at most half of the available
/// memory.
pub fn beside(available: u64, processors: u32) -> Limits {
    let threads = processors.max(1);
    Limits {
        threads,
        memory: (available / 2).min(DECODER_THREAD.saturating_mul(u64::from(threads))),
    }
}

fn mib(bytes: &u64) -> u64 {
    bytes.div_ceil(MIB)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn input(available: u64, payload: u64) -> Input {
        Input {
            available: available * MIB,
            payload: Medium::Ram(payload * MIB),
            processors: 2,
        }
    }

    #[test]
    fn replant_pack_names_the_same_sum() {
        let budget = plan(&Input {
            available: 4 << 30,
            payload: Medium::Ram(5),
            processors: 1,
        });
        let sum = 5 + ondisk::manifest::BESIDE_PAYLOAD;
        assert_eq!(budget.unwrap().needed(), sum);
    }

    #[test]
    fn the_border_is_the_sum() {
        let payload = 341;
        let enough = plan(&input(100_000, payload)).unwrap().needed();
        let exact = Input {
            available: enough,
            ..input(0, payload)
        };
        assert_eq!(plan(&exact).unwrap().decoder.memory, DECODER_LEAST);
        let short = Input {
            available: enough - 1,
            ..exact
        };
        assert_eq!(plan(&short).unwrap_err().missing, 1);
    }

    #[test]
    fn the_decoder_grows_with_the_machine_but_not_for_ever() {
        let memory = |available| plan(&input(available, 300)).unwrap().decoder.memory;
        assert!(memory(900) > DECODER_LEAST && memory(1200) > memory(900));
        assert_eq!(memory(64 << 10), 2 * DECODER_THREAD);
        let budget = plan(&input(1200, 300)).unwrap();
        assert!(budget.needed() - DECODER_LEAST + budget.decoder.memory <= 1200 * MIB);
    }

    #[test]
    fn a_payload_on_the_disk_takes_the_same_whatever_its_size() {
        let disk = Input {
            payload: Medium::Disk,
            ..input(303, 0)
        };
        let text = plan(&disk).unwrap_err().to_string();
        assert_eq!(
            text,
            "not enough memory: payload read ahead 4 MiB + decoder 80 MiB + page cache or chroot \
             176 MiB + agent 20 MiB + kernel 24 MiB = 304 MiB needed, 303 MiB available; give the \
             machine 1 MiB more, or make the payload smaller"
        );
    }

    /// MemTotal and MemAvailable of the console of a tiny system that takes
    /// 20 MiB unpacked (Linux 6.1.0-56 of Debian 12 in QEMU 7.2), in KiB; in the
    /// last two lines the old system's MemTotal, and what `load` counted.
    #[test]
    fn the_forecast_is_what_was_measured() {
        for (total, available) in [
            (339_388, 292_600),
            (468_412, 419_724),
            (983_740, 841_720),
            (2_014_396, 1_867_344),
            (4_009_396, 3_810_844),
            (972 << 10, 814 << 10),
            (972 << 10, 819 << 10),
        ] {
            let forecast = in_the_tiny_system(total << 10, 20 << 20) >> 10;
            let off = forecast.abs_diff(available) * 100 / available;
            assert!(off < 10, "{total}: {forecast} and not {available}");
        }
    }

    #[test]
    fn beside_a_running_system_half_is_enough() {
        assert_eq!(beside(100 * MIB, 4).memory, 50 * MIB);
        assert_eq!(beside(1 << 50, 0).memory, DECODER_THREAD);
    }

    #[test]
    fn the_refusal_spells_the_sum_out() {
        let text = plan(&input(512, 341)).unwrap_err().to_string();
        assert_eq!(
            text,
            "not enough memory: payload 341 MiB + decoder 80 MiB + page cache or chroot 176 MiB \
             + agent 20 MiB + kernel 24 MiB = 641 MiB needed, 512 MiB available; give the \
             machine 129 MiB more, or make the payload smaller"
        );
    }
}
