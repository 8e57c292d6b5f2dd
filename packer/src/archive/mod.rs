// SPDX-License-Identifier: MIT OR Apache-2.0
//! The payload: members from a directory or an archive become a tar archive,
//! compressed by xz. The same members give the same bytes.

pub mod choice;
mod compress;
mod member;
mod tarred;
#[cfg(test)]
mod tests;
mod walk;

pub use compress::Compressor;
pub use tarred::{Tarred, is_tar};
pub use walk::{apparent, walk};

use anyhow::{Result, bail};
use ondisk::pax::{BLOCK, Entry};
use std::io::Write;

/// An archive that is being written.
pub struct Archive<W> {
    out: W,
    /// Latest time that a member may have, in seconds since 1970.
    epoch: Option<i64>,
    /// Bytes of data of the current member, and how many of them came.
    stored: u64,
    came: u64,
}

impl<W: Write> Archive<W> {
    /// Starts an archive; times after `epoch` are replaced by `epoch`.
    pub fn new(out: W, epoch: Option<i64>) -> Archive<W> {
        Archive {
            out,
            epoch,
            stored: 0,
            came: 0,
        }
    }

    /// Begins a member.
    pub fn begin(&mut self, entry: &mut Entry) -> Result<()> {
        if let Some(epoch) = self.epoch.filter(|epoch| entry.mtime.seconds >= *epoch) {
            entry.mtime.seconds = epoch;
            entry.mtime.nanoseconds = 0;
        }
        (self.stored, self.came) = (entry.stored(), 0);
        self.out.write_all(&member::head(entry)?)?;
        Ok(())
    }

    /// Bytes of the current member, without its holes.
    pub fn data(&mut self, bytes: &[u8]) -> Result<()> {
        self.came = self.came.saturating_add(bytes.len() as u64);
        self.out.write_all(bytes)?;
        Ok(())
    }

    /// Ends the current member.
    pub fn end(&mut self) -> Result<()> {
        if self.came != self.stored {
            bail!(
                "it was changed while it was read: {} bytes instead of {}; let nothing write there, and try again",
                self.came,
                self.stored
            );
        }
        let zeros = [0; BLOCK];
        let padding = zeros.get(..member::padding(self.stored));
        self.out.write_all(padding.unwrap_or_default())?;
        Ok(())
    }

    /// Ends the archive.
    pub fn finish(mut self) -> Result<W> {
        self.out.write_all(&[0; 2 * BLOCK])?;
        Ok(self.out)
    }
}

/// The time of `SOURCE_DATE_EPOCH`, in seconds since 1970; it is an error if it
/// is no number.
pub fn source_date_epoch() -> Result<Option<i64>> {
    let Some(value) = std::env::var_os("SOURCE_DATE_EPOCH") else {
        return Ok(None);
    };
    let text = value.to_string_lossy();
    match text.parse::<u32>() {
        Ok(seconds) => Ok(Some(seconds.into())),
        Err(_) => bail!("SOURCE_DATE_EPOCH is \"{text}\", and not seconds since 1970"),
    }
}
