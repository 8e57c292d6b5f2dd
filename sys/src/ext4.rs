// SPDX-License-Identifier: MIT OR Apache-2.0
//! The ioctl of a mounted ext4 that makes it bigger (`linux/ext4.h`).

use std::os::fd::AsFd;

use rustix::{
    io::Result,
    ioctl::{Opcode, Setter, ioctl, opcode},
};

const EXT4_IOC_RESIZE_FS: Opcode = opcode::write::<u64>(b'f', 16);

/// Makes the mounted ext4 that `top` is in (its root directory, say) as big as
/// `blocks` of its own blocks, while it is in use; nothing happens if it is so
/// already. Needs CAP_SYS_RESOURCE.
pub fn resize(top: impl AsFd, blocks: u64) -> Result<()> {
    // SAFETY: the opcode is valid on any descriptor, and reads a u64.
    unsafe { ioctl(top, Setter::<EXT4_IOC_RESIZE_FS, u64>::new(blocks)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_s_number() {
        assert_eq!(EXT4_IOC_RESIZE_FS, 0x4008_6610);
    }
}
