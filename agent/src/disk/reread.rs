// SPDX-License-Identifier: MIT OR Apache-2.0
//! The kernel's partitions of a disk, and making them follow the table.

use std::{
    path::Path,
    thread::sleep,
    time::{Duration, Instant},
};

use ondisk::gpt::Table;
use rustix::io::Errno;

use super::{Disk, Error};
use crate::block::{Partition, SYS, partition_name, partitions, users};

/// Pause between two attempts.
const PAUSE: Duration = Duration::from_millis(50);
/// How long rereading the whole table is tried, before the partitions are changed
/// one by one. Others (udev) open a partition only for moments.
const WHOLE: Duration = Duration::from_secs(2);

/// The partitions that the kernel should have by a table.
fn wanted(table: &Table) -> Vec<Partition> {
    let mut wanted: Vec<_> = table
        .partitions
        .iter()
        .map(|p| {
            let bytes = table.byte_range(p);
            Partition {
                number: p.number,
                start: bytes.start,
                length: bytes.end - bytes.start,
            }
        })
        .collect();
    wanted.sort_unstable();
    wanted
}

/// What to change, partition by partition. Deletions come first, because an old
/// partition may overlap a new one.
#[derive(Debug, PartialEq, Eq)]
struct Changes {
    delete: Vec<u32>,
    add: Vec<Partition>,
}

impl Changes {
    fn between(have: &[Partition], want: &[Partition]) -> Changes {
        let delete = have.iter().filter(|p| !want.contains(p)).map(|p| p.number);
        let add = want.iter().filter(|p| !have.contains(p));
        Changes {
            delete: delete.collect(),
            add: add.copied().collect(),
        }
    }

    fn is_empty(&self) -> bool {
        self.delete.is_empty() && self.add.is_empty()
    }
}

/// Makes the kernel see exactly the partitions of `table`, which was written
/// to `disk`, and waits until their nodes are there: all at once if nobody
/// uses any old partition, otherwise one by one. Gives up after `wait`.
///
/// # Errors
/// [`Error::Busy`] names the old partition that is in the way and who uses
/// it. [`Error::NoPartitions`] on an image file or a plain loop device.
pub fn reread(disk: &Disk, table: &Table, wait: Duration) -> Result<(), Error> {
    let no_partitions = |source| Error::NoPartitions {
        path: disk.path().to_owned(),
        source,
    };
    let Some(name) = disk.kernel_name() else {
        return Err(no_partitions(Errno::NOTBLK));
    };
    let want = wanted(table);
    let start = Instant::now();
    let deadline = start + wait;
    disk.flush()?;
    loop {
        match sys::block::reread_partitions(disk.file()) {
            Err(Errno::BUSY) if start.elapsed() < WHOLE.min(wait) => sleep(PAUSE),
            Err(e @ (Errno::INVAL | Errno::NOTTY)) => return Err(no_partitions(e)),
            // The rest is done one by one, which tells which partition is in the
            // way.
            Ok(()) | Err(_) => break,
        }
    }
    let mut applied = false;
    loop {
        let changes = Changes::between(&partitions(Path::new(SYS), name)?, &want);
        if changes.is_empty() {
            break;
        }
        let late = Instant::now() >= deadline;
        // Only fails after a comparison that follows the last attempt, however
        // late that is.
        if late && applied {
            let detail = format!("partitions {:?} are not as in the table", changes.add);
            return Err(Error::NotTaken {
                path: disk.path().to_owned(),
                detail,
            });
        }
        match apply(disk, &changes) {
            Ok(()) => applied = true,
            Err(Error::Busy { .. }) if !late => sleep(PAUSE),
            Err(e) => return Err(e),
        }
    }
    wait_for_nodes(disk, &want, deadline)?;
    disk.flush()
}

/// Applies the changes once; the first partition in use ends it.
fn apply(disk: &Disk, changes: &Changes) -> Result<(), Error> {
    let name = disk.kernel_name().unwrap_or_default();
    let busy = |number| Error::Busy {
        partition: disk.partition_node(number).unwrap_or_default(),
        holders: users(&partition_name(name, number)),
    };
    for &number in &changes.delete {
        match sys::block::delete_partition(disk.file(), number) {
            Ok(()) | Err(Errno::NXIO) => {}
            Err(Errno::BUSY) => return Err(busy(number)),
            Err(e) => return Err(disk.ioctl_error("make the kernel forget a partition", e)),
        }
    }
    for p in &changes.add {
        match sys::block::add_partition(disk.file(), p.number, p.start, p.length) {
            Ok(()) => {}
            Err(Errno::BUSY) => return Err(busy(p.number)),
            Err(e) => return Err(disk.ioctl_error("tell the kernel of a partition", e)),
        }
    }
    Ok(())
}

/// devtmpfs has the nodes at once; where udev makes them it takes a moment.
fn wait_for_nodes(disk: &Disk, want: &[Partition], deadline: Instant) -> Result<(), Error> {
    for node in want.iter().filter_map(|p| disk.partition_node(p.number)) {
        while !node.exists() {
            if Instant::now() >= deadline {
                let detail = format!("there is no {}", node.display());
                return Err(Error::NotTaken {
                    path: disk.path().to_owned(),
                    detail,
                });
            }
            sleep(PAUSE);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::block::tests::part;

    #[test]
    fn changes_leave_alone_what_is_right() {
        let have = [
            part(1, 1 << 20, 1 << 20),
            part(2, 2 << 20, 5 << 20),
            part(5, 9 << 20, 1024),
        ];
        let want = [
            part(1, 1 << 20, 1 << 20),
            part(2, 2 << 20, 6 << 20),
            part(3, 8 << 20, 512),
        ];
        let changes = Changes::between(&have, &want);
        assert_eq!(changes.delete, [2, 5]);
        assert_eq!(changes.add, want[1..]);
        assert!(Changes::between(&want, &want).is_empty());
    }
}
