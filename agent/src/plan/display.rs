// SPDX-License-Identifier: MIT OR Apache-2.0
//! A plan for a person to read before it is carried out.

use super::Plan;
use crate::report::bytes;
use std::fmt;

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} ({}) gets this table:",
            self.disk.display(),
            bytes(self.table.disk_bytes())
        )?;
        for partition in &self.table.partitions {
            let range = self.table.byte_range(partition);
            let size = range.end.saturating_sub(range.start);
            writeln!(
                f,
                "  {:>2}  {:>8}  {}",
                partition.number,
                bytes(size),
                partition.name
            )?;
        }
        for group in &self.groups {
            let pvs: Vec<&str> = group.pvs.iter().map(|pv| pv.device.as_str()).collect();
            writeln!(f, "volume group {} on {}:", group.name, pvs.join(", "))?;
            let Ok(built) = group.build() else { continue };
            for lv in &group.lvs {
                let extents = built.lv(&lv.name).map_or(0, |lv| lv.extents());
                let size = extents.saturating_mul(built.extent_bytes());
                writeln!(f, "  {:<10}  {:>8}", lv.name, bytes(size))?;
            }
        }
        writeln!(f, "file systems:")?;
        for filesystem in &self.filesystems {
            writeln!(
                f,
                "  {:<10}  {:>8}  ext4 on {}, {} of payload",
                filesystem.mount,
                bytes(filesystem.options.size_bytes),
                filesystem.device.display(),
                bytes(filesystem.content_bytes),
            )?;
        }
        write!(
            f,
            "kernel {}",
            self.kernels.first().map_or("none", String::as_str)
        )
    }
}
