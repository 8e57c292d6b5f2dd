// SPDX-License-Identifier: MIT OR Apache-2.0
//! The ranges of numbers of users, of system accounts, and of nobody.

/// The number of nobody, and the end of what a user can have.
pub(crate) const NOBODY: u32 = 65534;

/// Below, numbers are given by distributions, and are the same on all machines.
pub(crate) const FIRST: u32 = 100;

/// Whether a number is a system account's or a system group's; `min` is where
/// people's numbers begin.
pub(crate) fn is_system(number: u32, min: u32) -> bool {
    number < min || is_reserved(number)
}

/// nobody, and the numbers that mean "none" to the kernel, of today and of the
/// time of 16 bits.
pub(crate) fn is_reserved(number: u32) -> bool {
    [NOBODY, 65535, u32::MAX].contains(&number)
}
