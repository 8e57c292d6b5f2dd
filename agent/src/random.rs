// SPDX-License-Identifier: MIT OR Apache-2.0
//! Random bytes from the kernel.

use rustix::io::Errno;
use rustix::rand::{GetRandomFlags, getrandom};
use std::fs::File;
use std::io::Read;
use std::time::{SystemTime, UNIX_EPOCH};

/// Where random bytes came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    /// getrandom(2), since Linux 3.17.
    Call,
    /// The device, on older ones.
    Device,
    /// The last resort; better than constant values.
    Clock,
}

/// Fills `bytes` from the kernel. Early in the boot of a machine without a
/// hardware source it waits for entropy; identifiers that repeat would be worse.
pub(crate) fn fill(bytes: &mut [u8]) {
    fill_from(bytes);
}

fn fill_from(bytes: &mut [u8]) -> Source {
    let mut filled = 0;
    while let Some(rest) = bytes.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match getrandom(&mut *rest, GetRandomFlags::empty()) {
            Ok(count) => filled += count,
            Err(Errno::INTR) => {}
            Err(_) => return without_the_call(rest),
        }
    }
    Source::Call
}

fn without_the_call(bytes: &mut [u8]) -> Source {
    let device = File::open("/dev/urandom").and_then(|mut device| device.read_exact(bytes));
    if device.is_ok() {
        return Source::Device;
    }
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let mut seed = now.as_nanos() | 1;
    for byte in bytes.iter_mut() {
        seed = seed.wrapping_mul(0x2360_ED05_1FC6_5DA4_4385_DF64_9FCC_F645);
        *byte = seed.to_be_bytes()[0];
    }
    Source::Clock
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAME: &str = "random::tests::the_kernel_gives_them_whatever_its_version";
    const OLD: &str = "REPLANT_TEST_OLD_KERNEL";

    #[test]
    fn the_kernel_gives_them_whatever_its_version() {
        testkit::needs!("perl");
        let is_old = std::env::var_os(OLD).is_some();
        let mut bytes = [[0; 64]; 2];
        let sources = bytes.each_mut().map(|bytes| fill_from(bytes));
        assert_ne!(bytes[0], bytes[1]);
        if is_old {
            assert_eq!(sources, [Source::Device; 2]);
            return;
        }
        assert_eq!(sources, [Source::Call; 2]);
        let mut again = testkit::on_linux_3_10(&std::env::current_exe().unwrap());
        let said = testkit::run(again.args(["--exact", NAME]).env(OLD, "1"));
        assert!(said.contains("1 passed"), "{said}");
    }
}
