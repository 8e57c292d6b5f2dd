// SPDX-License-Identifier: MIT OR Apache-2.0
//! An appliance of any form: its contents, and the layout and table that the
//! target gets.

use super::disk;
use super::image::{self, Form};
use super::mounted::Mounted;
use super::tree;
use super::volumes::Areas;
use crate::archive::choice::Choice;
use crate::archive::{self, Archive, Compressor, Tarred};
use crate::file::At;
use crate::layout::Layout;
use crate::leave_out::LeaveOut;
use crate::{output, progress};
use anyhow::{Context, Result, anyhow, bail};
use ondisk::gpt::{Backup, Table};
use std::fs::File;
use std::io::{Seek, SeekFrom};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// How an appliance is captured.
#[derive(Debug, clap::Args)]
#[group(skip)]
pub struct Options {
    /// What the package is called; the appliance's file name by default
    #[arg(long, value_name = "NAME")]
    name: Option<String>,

    /// The version of the appliance
    #[arg(long = "appliance-version", value_name = "VERSION", default_value = "")]
    version: String,

    /// Takes this layout.toml instead of making one
    #[arg(long, value_name = "FILE")]
    layout: Option<PathBuf>,

    /// For a directory or a tar archive: the new partition table, as sgdisk --backup writes it
    #[arg(long, value_name = "FILE")]
    table: Option<PathBuf>,

    /// Leaves out what matches, as tar does; /back/* and /data/* for example
    #[arg(long, value_name = "PATTERN")]
    exclude: Vec<String>,

    /// Compresses the payload by the program xz with these options
    #[arg(long, value_name = "OPTIONS", allow_hyphen_values = true)]
    xz: Option<String>,
}

/// An open appliance. Its file systems that are mounted are unmounted when it is
/// dropped.
pub struct Appliance {
    pub layout: Layout,
    /// The layout as the text of `layout.toml`.
    pub text: String,
    pub table: Backup,
    /// Where its files can be read: all of them, or those of a tar archive that
    /// must be examined.
    pub root: PathBuf,
    mounted: Option<Mounted>,
    tarred: Option<Tarred>,
}

impl Appliance {
    /// Opens an appliance. `scratch` is a directory for intermediate files, and
    /// must outlive it.
    pub fn open(path: &Path, options: &Options, scratch: &Path) -> Result<Appliance> {
        let given = match &options.layout {
            Some(file) => Some((Layout::read(file)?, std::fs::read_to_string(file).at(file)?)),
            None => None,
        };
        // Invalid options are reported before anything slow.
        options.choice(&LeaveOut::default())?;
        archive::source_date_epoch()?;
        let form = image::form(path, scratch)?;
        if let (Form::Disk(_), Some(table)) = (&form, &options.table) {
            bail!(
                "--table {}: {} is a disk and has its own table; leave this option away",
                table.display(),
                path.display()
            );
        }
        let name = || match &options.name {
            Some(name) => name.clone(),
            None => image::name(path),
        };
        let (root, found) = match &form {
            Form::Disk(image) => return Appliance::of_disk(image, name(), options, given, scratch),
            Form::Directory => (path.to_path_buf(), None),
            Form::Tar(tarred) => {
                let root = scratch.join("root");
                std::fs::create_dir(&root).at(&root)?;
                let bar = progress::bytes("looking through the archive", 0);
                tarred.extract(&root, &bar, &tree::is_looked_at)?;
                bar.finish_and_clear();
                (root, Some(tarred.clone()))
            }
        };
        let (layout, text) = match given {
            Some(given) => given,
            None => finished(tree::layout(name(), &options.version))?,
        };
        let table = match &options.table {
            Some(file) => Backup::parse(&std::fs::read(file).at(file)?).at(file)?,
            None => tree::table(&layout)?,
        };
        Ok(Appliance {
            layout,
            text,
            table,
            root,
            mounted: None,
            tarred: found,
        })
    }

    fn of_disk(
        image: &Path,
        name: String,
        options: &Options,
        given: Option<(Layout, String)>,
        scratch: &Path,
    ) -> Result<Appliance> {
        let file = File::open(image).at(image)?;
        // The metadata's length would be 0 for a block device.
        let bytes = (&file).seek(SeekFrom::End(0)).at(image)?;
        let read = |offset: u64, out: &mut [u8]| file.read_exact_at(out, offset);
        let found = Table::from_disk(bytes, 512, read)
            .at(image)?
            .context("no GPT; the new system must boot from a GPT disk with a BIOS boot partition")
            .at(image)?;
        let areas = Areas::find(image, &file, &found.table)?;
        let mut sector_0 = [0; 512];
        read(0, &mut sector_0).at(image)?;
        let backup = Backup::of(&found.table, &sector_0).at(image)?;
        let root = scratch.join("root");
        let mut mounted = Mounted::new(image);
        let (root_area, table) = disk::find_root(&areas, &mut mounted, &root)?;
        let filesystems = disk::mount_all(&areas, root_area, &table, &mut mounted, &root)?;
        let (layout, text) = match given {
            Some(given) => given,
            None => {
                let groups = disk::groups(&areas, root_area);
                let layout = Layout::new(name, &options.version, groups, filesystems);
                finished(layout)?
            }
        };
        Ok(Appliance {
            layout,
            text,
            table: backup,
            root,
            mounted: Some(mounted),
            tarred: None,
        })
    }

    /// Writes the payload, and prints what is left out.
    pub fn archive(&mut self, target: &Path, options: &Options) -> Result<()> {
        let usual = LeaveOut::usual();
        let mut choice = options.choice(self.layout.leave_out.as_ref().unwrap_or(&usual))?;
        let file = File::create(target).at(target)?;
        let mut compressor = Compressor::new(file, options.xz.as_deref())?;
        let epoch = archive::source_date_epoch()?;
        let bar = progress::bytes("files to va.tar.xz", 0);
        let mut archive = Archive::new(&mut compressor, epoch);
        let written = match &self.tarred {
            Some(tarred) => tarred
                .copy(&mut choice, &mut archive, &bar)
                .map(|()| Vec::new()),
            None => {
                bar.set_length(archive::apparent(&self.root));
                archive::walk(&self.root, &mut choice, &mut archive, &bar)
            }
        };
        let written = written.and_then(|warnings| archive.finish().map(|_| warnings));
        let warnings = match written {
            Ok(warnings) => warnings,
            Err(error) => return Err(compressor.failed(error)),
        };
        compressor.finish().at(target)?;
        bar.finish_and_clear();
        let (lines, missed) = choice.report();
        for line in lines {
            output::print(&(line + "\n"))?;
        }
        for warning in warnings.iter().chain(&missed) {
            eprintln!("warning: {warning}");
        }
        Ok(())
    }

    /// Unmounts what is mounted.
    pub fn release(self) -> Result<()> {
        match self.mounted {
            Some(mounted) => mounted.release(),
            None => Ok(()),
        }
    }
}

/// A generated layout as read back from its own text, so that both agree.
fn finished(mut layout: Layout) -> Result<(Layout, String)> {
    let text = layout.text()?;
    layout.leave_out = Some(LeaveOut::usual());
    Ok((layout, text))
}

impl Options {
    /// What goes into the payload, by the command line and by the layout.
    fn choice(&self, leave_out: &LeaveOut) -> Result<Choice> {
        let mut choice = Choice::default();
        for pattern in &self.exclude {
            choice
                .exclude(pattern)
                .map_err(|e| anyhow!("--exclude: {e}"))?;
        }
        choice.add("/lost+found/*", crate::archive::choice::Fate::LeaveOut)?;
        leave_out
            .choose(&mut choice)
            .map_err(|e| anyhow!("layout.toml: [leave_out]: {e}"))?;
        Ok(choice)
    }

    /// Files that the command line names.
    pub fn inputs(&self) -> impl Iterator<Item = &Path> {
        let files = [&self.layout, &self.table];
        files.into_iter().flatten().map(PathBuf::as_path)
    }
}
