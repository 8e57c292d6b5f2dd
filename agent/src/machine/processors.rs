// SPDX-License-Identifier: MIT OR Apache-2.0
//! The processors that may be used.

/// How many processors this thread and its children may run on; 1 if the kernel
/// does not say. std would also ask the control groups, which the tiny system
/// does not have.
pub fn processors() -> u32 {
    rustix::thread::sched_getaffinity(None).map_or(1, |set| set.count().max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_those_that_are_allowed() {
        let status = std::fs::read_to_string("/proc/thread-self/status").unwrap();
        let allowed = |line: &str| Some(line.strip_prefix("Cpus_allowed:")?.trim().to_owned());
        let mask = status.lines().find_map(allowed).unwrap();
        let digits = mask.chars().filter_map(|c| c.to_digit(16));
        assert_eq!(processors(), digits.map(u32::count_ones).sum());
    }
}
