// SPDX-License-Identifier: MIT OR Apache-2.0
//! What happened, and what to do next.

use std::fs::File;
use std::io::{self, Write};

use super::{ConsoleError, Setup};
use crate::paths;
use sys::FileError;

/// Prints the failure, if there is one, whether the disk was changed, and the
/// command that goes on.
pub(super) fn print(setup: &Setup, output: &mut dyn Write) -> Result<(), ConsoleError> {
    let file = setup.path(paths::FAILURE);
    let failed = match std::fs::read(&file) {
        Ok(text) => {
            writeln!(output, "The migration stopped:")?;
            for line in String::from_utf8_lossy(&text).lines() {
                writeln!(output, "  {line}")?;
            }
            true
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => false,
        Err(e) => return Err(FileError::new("read", &file, e).into()),
    };
    if setup.past_no_return() && setup.goes_on_alone() {
        writeln!(
            output,
            "The disk is half rewritten, and has all that the migration needs: you may switch"
        )?;
        writeln!(
            output,
            "off at any time. `migrate` goes on, and so does `reboot`; `log` says more."
        )?;
    } else if setup.past_no_return() && setup.resumes() {
        writeln!(
            output,
            "The disk is half rewritten, and what starts this system from it is damaged. Do not"
        )?;
        writeln!(
            output,
            "switch off. `migrate` goes on; `log` and `dmesg` say more."
        )?;
    } else if setup.past_no_return() {
        writeln!(
            output,
            "The disk is half rewritten. Do not switch off: the new system's files"
        )?;
        writeln!(
            output,
            "are in memory. `migrate` goes on; `log` and `dmesg` say more."
        )?;
    } else {
        writeln!(output, "Nothing on the disk was changed.")?;
        writeln!(
            output,
            "`reboot` leaves this system; `log` and `dmesg` say more."
        )?;
        if failed {
            writeln!(output, "`migrate` tries again.")?;
        }
    }
    Ok(())
}

/// Prints the migration's log.
pub(super) fn log(setup: &Setup, output: &mut dyn Write) -> Result<(), ConsoleError> {
    let path = setup.path(paths::LOG);
    let mut file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            writeln!(
                output,
                "There is no log: no migration was started. See dmesg."
            )?;
            return Ok(());
        }
        Err(e) => return Err(FileError::new("open", path, e).into()),
    };
    super::files::copy_out(&mut file, &path, output)
}
