// SPDX-License-Identifier: MIT OR Apache-2.0
//! ioctls of block devices (`linux/fs.h`, `linux/blkpg.h`).
//!
//! Each takes the open device and gives the kernel's error as it is; the
//! caller knows the device's name.

use std::{
    ffi::{c_int, c_void},
    os::fd::AsFd,
};

use rustix::{
    io::Result,
    ioctl::{Getter, NoArg, Opcode, Setter, ioctl},
};

const BLKRRPART: Opcode = 0x125f;
const BLKROSET: Opcode = 0x125d;
const BLKROGET: Opcode = 0x125e;
const BLKFLSBUF: Opcode = 0x1261;
const BLKPG: Opcode = 0x1269;
const BLKGETSIZE64: Opcode = 0x8008_1272;

const BLKPG_ADD_PARTITION: c_int = 1;
const BLKPG_DEL_PARTITION: c_int = 2;

/// `struct blkpg_ioctl_arg`: 24 bytes on 64-bit machines.
#[repr(C)]
struct PartitionRequest {
    op: c_int,
    flags: c_int,
    size: c_int,
    data: *mut c_void,
}

/// `struct blkpg_partition`: 152 bytes.
#[repr(C)]
struct PartitionData {
    start: i64,
    length: i64,
    number: c_int,
    device_name: [u8; 64],
    volume_name: [u8; 64],
}

/// Size in bytes.
pub fn size(device: impl AsFd) -> Result<u64> {
    // SAFETY: the opcode is valid on any descriptor, and writes a u64.
    unsafe { ioctl(device, Getter::<BLKGETSIZE64, u64>::new()) }
}

/// Logical block size in bytes: the unit of LBAs and of the smallest write.
pub fn logical_block_size(device: impl AsFd) -> Result<u32> {
    rustix::fs::ioctl_blksszget(device)
}

/// Physical block size in bytes, as the disk claims it: what it writes at once.
pub fn physical_block_size(device: impl AsFd) -> Result<u32> {
    rustix::fs::ioctl_blkpbszget(device)
}

/// Whether the device refuses writes.
pub fn is_read_only(device: impl AsFd) -> Result<bool> {
    // SAFETY: the opcode is valid on any descriptor, and writes an int.
    let flag = unsafe { ioctl(device, Getter::<BLKROGET, c_int>::new()) }?;
    Ok(flag != 0)
}

/// Makes the kernel refuse writes to the device, or take them again. A
/// partition has a flag of its own beside its disk's. Who has the device open
/// for writing already is not stopped.
pub fn set_read_only(device: impl AsFd, read_only: bool) -> Result<()> {
    let flag = c_int::from(read_only);
    // SAFETY: the opcode is valid on any descriptor, and reads an int.
    unsafe { ioctl(device, Setter::<BLKROSET, c_int>::new(flag)) }
}

/// Makes the kernel read the disk's partition table again. `EBUSY` while any
/// partition of it is open, even for reading; `EINVAL` on a device that has
/// no partitions (a partition, a loop device without partition scanning).
pub fn reread_partitions(disk: impl AsFd) -> Result<()> {
    // SAFETY: the opcode is valid on any descriptor and takes no argument.
    unsafe { ioctl(disk, NoArg::<BLKRRPART>::new()) }
}

/// Writes dirty pages of the device's cache out and drops the cache.
pub fn flush_cache(device: impl AsFd) -> Result<()> {
    // SAFETY: the opcode is valid on any descriptor and takes no argument.
    unsafe { ioctl(device, NoArg::<BLKFLSBUF>::new()) }
}

/// Tells the kernel of a partition: `start` and `length` in bytes, multiples
/// of the logical block size. Nothing is written to the disk. `EBUSY` if
/// it overlaps another one; a place behind the disk's end is not refused.
pub fn add_partition(disk: impl AsFd, number: u32, start: u64, length: u64) -> Result<()> {
    let start = i64::try_from(start).map_err(|_| rustix::io::Errno::OVERFLOW)?;
    let length = i64::try_from(length).map_err(|_| rustix::io::Errno::OVERFLOW)?;
    partition_request(disk, BLKPG_ADD_PARTITION, number, start, length)
}

/// Makes the kernel forget a partition. Nothing is written to the disk.
/// `EBUSY` while it is open or mounted, `ENXIO` if there is none.
pub fn delete_partition(disk: impl AsFd, number: u32) -> Result<()> {
    partition_request(disk, BLKPG_DEL_PARTITION, number, 0, 0)
}

fn partition_request(
    disk: impl AsFd,
    op: c_int,
    number: u32,
    start: i64,
    length: i64,
) -> Result<()> {
    let number = c_int::try_from(number).map_err(|_| rustix::io::Errno::OVERFLOW)?;
    let mut data = PartitionData {
        start,
        length,
        number,
        device_name: [0; 64],
        volume_name: [0; 64],
    };
    let request = PartitionRequest {
        op,
        flags: 0,
        size: size_of::<PartitionData>() as c_int,
        data: (&raw mut data).cast(),
    };
    // SAFETY: the opcode reads a blkpg_ioctl_arg; its pointer leads to `data`,
    // which is a blkpg_partition and lives until the call returns.
    unsafe { ioctl(disk, Setter::<BLKPG, PartitionRequest>::new(request)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn structures_have_the_kernel_s_sizes() {
        assert_eq!(size_of::<PartitionRequest>(), 24);
        assert_eq!(size_of::<PartitionData>(), 152);
        assert_eq!(std::mem::offset_of!(PartitionData, volume_name), 84);
    }
}
