// SPDX-License-Identifier: MIT OR Apache-2.0
//! Checks that the tiny system's kernel has openat2.

use super::Error;
use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, openat2};
use rustix::io::Errno;

/// Checks that the kernel can confine unpacked files to the new root. It is asked
/// before the old root is even mounted, because the identity is read in the same
/// way.
pub(super) fn require() -> Result<(), Error> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    judge(openat2(CWD, "/", flags, Mode::empty(), ResolveFlags::NO_MAGICLINKS).map(|_| ()))
}

fn judge(answer: rustix::io::Result<()>) -> Result<(), Error> {
    match answer {
        Err(Errno::NOSYS) => {
            let kernel = rustix::system::uname();
            Err(Error::OldKernel(kernel.release().to_string_lossy().into()))
        }
        // Any other answer comes from a kernel that knows the call.
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kernel_without_openat2_is_refused() {
        require().unwrap();
        assert!(judge(Err(Errno::LOOP)).is_ok());
        let error = judge(Err(Errno::NOSYS)).unwrap_err().to_string();
        assert!(error.contains("older than Linux 5.6"), "{error}");
    }
}
