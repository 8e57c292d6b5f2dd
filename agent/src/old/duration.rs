// SPDX-License-Identifier: MIT OR Apache-2.0
//! An estimate of how long a migration will take, and the measurements it is made
//! from.

use std::fmt;

/// Seconds that dracut or update-initramfs and GRUB's programs take for each
/// kernel, by experience: on a quick machine, and on a slow one.
const PROGRAMS: [u64; 2] = [30, 180];

/// What was measured on this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Measured {
    /// Milliseconds that decoding the payload took.
    pub(super) decoding: u64,
    pub(super) processors: u32,
    /// Bytes that the payload unpacks to.
    pub(super) unpacked: u64,
    /// Bytes per second that the disk reads.
    pub(super) rate: u64,
    pub(super) kernels: u64,
}

impl Measured {
    /// The least and the most seconds between the two restarts. Unpacking is as
    /// slow as the slower of decoding and writing; the pessimistic number assumes
    /// a disk that writes a quarter as fast as it reads.
    pub(super) fn seconds(&self) -> [u64; 2] {
        let decoding = self.decoding.div_ceil(1000);
        let writing = self.unpacked.div_ceil(self.rate.max(1));
        [(1, 0), (4, 1)].map(|(slower, most)| {
            let unpacking = decoding.max(writing.saturating_mul(slower));
            let programs = PROGRAMS.get(most).copied().unwrap_or_default();
            unpacking.saturating_add(programs.saturating_mul(self.kernels.max(1)))
        })
    }
}

impl fmt::Display for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [least, most] = self.seconds().map(|seconds| seconds.div_ceil(60).max(1));
        write!(
            f,
            "{least} to {most} min, and the restarts: decoding took {} s here with {}, {} MiB are written to a disk that reads {} MiB/s, and the programs of the new system take {} to {} s for each of {}",
            self.decoding.div_ceil(1000),
            count(u64::from(self.processors), "processor"),
            self.unpacked >> 20,
            self.rate >> 20,
            PROGRAMS[0],
            PROGRAMS[1],
            count(self.kernels.max(1), "kernel")
        )
    }
}

fn count(number: u64, thing: &str) -> String {
    format!("{number} {thing}{}", if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slower_of_decoding_and_writing_counts() {
        let measured = Measured {
            decoding: 92_100,
            processors: 2,
            unpacked: 2000 << 20,
            rate: 100 << 20,
            kernels: 1,
        };
        // 93 s of decoding; 20 s of writing, or 80.
        assert_eq!(measured.seconds(), [123, 273]);
        let slow = Measured {
            rate: 10 << 20,
            ..measured
        };
        assert_eq!(slow.seconds(), [230, 980]);
        assert_eq!(
            measured.to_string(),
            "3 to 5 min, and the restarts: decoding took 93 s here with 2 processors, 2000 MiB are written to a disk that reads 100 MiB/s, and the programs of the new system take 30 to 180 s for each of 1 kernel"
        );
        let nothing = Measured {
            decoding: 0,
            processors: 1,
            unpacked: 0,
            rate: 0,
            kernels: 0,
        };
        assert_eq!(nothing.seconds(), [30, 180]);
    }
}
