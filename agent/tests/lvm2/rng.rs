// SPDX-License-Identifier: MIT OR Apache-2.0
//! Random numbers that are the same in each run.

pub struct Rng(pub u64);

impl Rng {
    /// A number from `low` up to and without `high`.
    pub fn range(&mut self, low: u64, high: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        low + self.0 % (high - low)
    }
}
