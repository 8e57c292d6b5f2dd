// SPDX-License-Identifier: MIT OR Apache-2.0
//! Step 5: the new partition table, on the disk and in the kernel.

use super::{Context, Error, Step};
use crate::disk::{reread, table};
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(30);

/// Writes the table of `va.sgdisk`, fitted to this disk.
pub struct Partition;

impl Step for Partition {
    fn name(&self) -> &'static str {
        "partition"
    }

    fn run(&self, context: &mut Context) -> Result<(), Error> {
        let table = &context.plan()?.table;
        // The old system's boot code would start a system that is gone.
        let code = match &context.lifeboat {
            Some(lifeboat) => lifeboat.boot_code()?.to_vec(),
            None => context.mark()?.boot_code().to_vec(),
        };
        table::write(&context.disk_alone()?, table, Some(&code))?;
        // Some kernels do not reread the table of a disk that is held
        // exclusively.
        let disk = context.disk()?;
        reread::reread(&disk, table, PATIENCE)?;
        drop(disk);
        context
            .devices
            .settle(Duration::from_millis(100), Instant::now() + PATIENCE)?;
        Ok(())
    }

    fn confirm(&self, context: &mut Context) -> Result<(), Error> {
        let disk = context.disk()?;
        let plan = context.plan()?;
        let what = || format!("the partition table of {}", plan.disk.display());
        if let Some(lifeboat) = &context.lifeboat
            && !lifeboat.is_closed(&disk)?
        {
            return Err(Error::Unverified {
                what: format!("the first sector of {}", plan.disk.display()),
                found: "it is not replant's loader".into(),
            });
        }
        match table::read(&disk)? {
            table::Present::Gpt(gpt) if gpt.table == plan.table => {
                match gpt.primary_problem.or(gpt.backup_problem) {
                    None => Ok(()),
                    Some(problem) => Err(Error::Unverified {
                        what: what(),
                        found: problem.to_string(),
                    }),
                }
            }
            _ => Err(Error::Unverified {
                what: what(),
                found: "another table".into(),
            }),
        }
    }
}
