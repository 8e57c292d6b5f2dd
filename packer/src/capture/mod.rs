// SPDX-License-Identifier: MIT OR Apache-2.0
//! `replant-pack capture`: an appliance's disk becomes `va.sgdisk`,
//! `va.tar.xz` and `layout.toml`.
//!
//! The disk is only read. File systems are mounted at their offset in the
//! image, logical volumes too, so neither partition nodes nor device-mapper
//! are needed.

mod error;
mod mounted;
#[cfg(test)]
mod tests;
mod volumes;

pub use error::Error;

use crate::fstab;
use crate::layout::Layout;
use crate::{output, progress};
use mounted::Mounted;
use ondisk::gpt::{Backup, Table};
use ondisk::manifest::{Filesystem, PAYLOAD, Size, TABLE, Volume, VolumeGroup};
use std::fs::{File, Permissions};
use std::io::{Seek, SeekFrom};
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use volumes::{Area, Areas};

/// How often a person sees how far the archive is.
const TICK: std::time::Duration = std::time::Duration::from_millis(200);

/// The arguments of `replant-pack capture`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The appliance's disk: a raw image, or what qemu-img can convert (qcow2, vmdk, vdi, vhdx)
    image: PathBuf,

    /// Where va.sgdisk, va.tar.xz and layout.toml go
    #[arg(short, long, value_name = "DIR", default_value = "package")]
    output: PathBuf,

    /// What the package is called
    #[arg(long, default_value = "va")]
    name: String,

    /// The version of the appliance
    #[arg(long = "appliance-version", default_value = "")]
    version: String,

    /// Leaves out what matches, as tar does; ./back/* and ./data/* for example
    #[arg(long, value_name = "PATTERN")]
    exclude: Vec<String>,

    /// xz's options for the payload; blocks are what several processors decode
    #[arg(
        long,
        value_name = "OPTIONS",
        default_value = "-T0 -6",
        allow_hyphen_values = true
    )]
    xz: String,
}

/// Captures a disk.
pub fn run(args: &Args) -> Result<(), Error> {
    let scratch = tempfile::tempdir().map_err(|source| Error::Scratch { source })?;
    let image = raw(&args.image, scratch.path())?;
    let file = File::open(&image).map_err(|e| Error::file(&image, e))?;
    // Not the metadata's length, which is 0 for a disk.
    let bytes = (&file)
        .seek(SeekFrom::End(0))
        .map_err(|e| Error::file(&image, e))?;
    let read = |offset: u64, out: &mut [u8]| file.read_exact_at(out, offset);
    let found = Table::from_disk(bytes, 512, read)
        .map_err(|source| Error::Table {
            image: image.clone(),
            source,
        })?
        .ok_or_else(|| Error::NoTable(image.clone()))?;
    let areas = Areas::find(&image, &file, &found.table)?;

    let mut sector_0 = [0; 512];
    read(0, &mut sector_0).map_err(|e| Error::file(&image, e))?;
    let backup = Backup::of(&found.table, &sector_0).map_err(|source| Error::Table {
        image: image.clone(),
        source,
    })?;

    let root = scratch.path().join("root");
    let mut mounted = Mounted::new(&image);
    let (root_area, table) = find_root(&areas, &mut mounted, &root)?;
    let filesystems = mount_all(&areas, root_area, &table, &mut mounted, &root)?;
    let layout = Layout {
        name: args.name.clone(),
        version: args.version.clone(),
        table: Default::default(),
        boot: Default::default(),
        identity: toml::Table::new(),
        volume_groups: groups(&areas, root_area),
        filesystems,
    };
    std::fs::create_dir_all(&args.output).map_err(|e| Error::file(&args.output, e))?;
    // What cannot be finished leaves an earlier capture as it is.
    let payload = tempfile::Builder::new()
        .prefix("va.tar.xz.")
        .permissions(Permissions::from_mode(0o644))
        .tempfile_in(&args.output)
        .map_err(|e| Error::file(&args.output, e))?;
    archive(&root, payload.path(), &args.exclude, &args.xz)?;
    mounted.release()?;
    let target = args.output.join(TABLE);
    std::fs::write(&target, backup.encode()).map_err(|e| Error::file(&target, e))?;
    layout.write(&args.output)?;
    let target = args.output.join(PAYLOAD);
    payload
        .persist(&target)
        .map_err(|e| Error::file(&target, e.error))?;
    let made = format!(
        "{}: {TABLE}, {PAYLOAD} and layout.toml; next: replant-pack bundle {}\n",
        args.output.display(),
        args.output.display()
    );
    output::print(&made).map_err(Error::Output)
}

/// The image itself if it is raw, else a raw copy of it.
fn raw(image: &Path, scratch: &Path) -> Result<PathBuf, Error> {
    let mut head = [0; 8];
    let file = File::open(image).map_err(|e| Error::file(image, e))?;
    file.read_exact_at(&mut head, 0)
        .map_err(|e| Error::file(image, e))?;
    let foreign: [&[u8]; 5] = [b"QFI\xfb", b"KDMV", b"# Disk D", b"<<< ", b"vhdxfile"];
    if !foreign.iter().any(|magic| head.starts_with(magic)) {
        return Ok(image.to_path_buf());
    }
    let target = scratch.join("disk.raw");
    let words = [
        "convert".as_ref(),
        "-O".as_ref(),
        "raw".as_ref(),
        image.as_os_str(),
    ];
    crate::program::run(
        "qemu-img",
        "qemu-utils",
        &[&words[..], &[target.as_os_str()]].concat(),
    )?;
    Ok(target)
}

/// The file system with an /etc/fstab, mounted at `root`; and that table.
fn find_root<'a>(
    areas: &'a Areas,
    mounted: &mut Mounted,
    root: &Path,
) -> Result<(&'a Area, Vec<fstab::Line>), Error> {
    let mut candidates = Vec::new();
    for area in areas.filesystems() {
        mounted.peek(area, root)?;
        if inside(root, "etc/fstab").is_some_and(|path| path.is_file()) {
            candidates.push(area);
        }
        mounted.unmount_last()?;
    }
    match candidates[..] {
        [area] => {
            mounted.whole(area, root)?;
            let path = root.join("etc/fstab");
            let text = std::fs::read_to_string(&path).map_err(|e| Error::file(&path, e))?;
            Ok((area, fstab::parse(&text)))
        }
        [] => Err(Error::NoRoot),
        _ => Err(Error::SeveralRoots(
            candidates.iter().map(|a| a.device.clone()).collect(),
        )),
    }
}

/// Where a path of the captured system is; `None` if nothing is there, or if a
/// link leads out of it, to the build machine's own files.
fn inside(root: &Path, path: &str) -> Option<PathBuf> {
    let (root, found) = (
        root.canonicalize().ok()?,
        root.join(path).canonicalize().ok()?,
    );
    found.starts_with(root).then_some(found)
}

/// Mounts what the fstab mounts, and describes all of it.
fn mount_all(
    areas: &Areas,
    root_area: &Area,
    table: &[fstab::Line],
    mounted: &mut Mounted,
    root: &Path,
) -> Result<Vec<Filesystem>, Error> {
    if let Some(line) = table.iter().find(|l| l.target == "/") {
        type_agrees(root_area, line)?;
    }
    let mut found = vec![describe(root_area, "/")];
    for (line, area) in mounts(areas, table)? {
        let target = inside(root, line.target.trim_start_matches('/'))
            .filter(|target| target.is_dir())
            .ok_or_else(|| Error::NoMountPoint(line.target.clone()))?;
        mounted.whole(area, &target)?;
        found.push(describe(area, &line.target));
    }
    Ok(found)
}

/// The lines for file systems of the disk other than the root, parents first.
fn mounts<'a>(
    areas: &'a Areas,
    table: &'a [fstab::Line],
) -> Result<Vec<(&'a fstab::Line, &'a Area)>, Error> {
    let mut found = Vec::new();
    for line in table.iter().filter(|l| l.is_mount() && l.target != "/") {
        let Some(device) = line.device() else {
            continue;
        };
        match areas.by_device(&device) {
            Some(area) if area.is_known() => {
                type_agrees(area, line)?;
                found.push((line, area));
            }
            // A CD drive, for example; or what the new system does without.
            _ if line.is_optional() => {}
            Some(area) => {
                return Err(Error::Foreign {
                    target: line.target.clone(),
                    device: area.device.clone(),
                    kind: area.kind.clone(),
                });
            }
            None => {
                return Err(Error::NoDevice {
                    target: line.target.clone(),
                    source_spec: line.source.clone(),
                });
            }
        }
    }
    found.sort_by_key(|(line, _)| line.target.matches('/').count());
    Ok(found)
}

/// The new file system is ext4 whatever this one is: the fstab must allow it.
fn type_agrees(area: &Area, line: &fstab::Line) -> Result<(), Error> {
    if line.takes_ext4() {
        return Ok(());
    }
    Err(Error::Type {
        target: line.target.clone(),
        device: area.device.clone(),
        kind: line.kind.clone(),
    })
}

fn describe(area: &Area, mount: &str) -> Filesystem {
    Filesystem {
        device: area.device.clone(),
        mount: mount.to_string(),
        // Only ext4 can be made, whatever this one is.
        kind: "ext4".into(),
        uuid: Some(area.uuid.clone()).filter(|u| !u.is_empty()),
        label: area.label.clone(),
        content_bytes: 0,
        content_entries: 0,
    }
}

/// The volume groups, the root volume taking what the others leave.
fn groups(areas: &Areas, root: &Area) -> Vec<VolumeGroup> {
    let volume = |group: &str, name: &str, bytes: u64| Volume {
        name: name.to_string(),
        size: if root.device == format!("{group}/{name}") {
            Size::Rest
        } else {
            Size::Bytes(bytes)
        },
    };
    let mut groups = Vec::new();
    for group in &areas.groups {
        groups.push(VolumeGroup {
            name: group.name.clone(),
            partitions: group.partitions.clone(),
            extent_size: Size::Bytes(group.extent_bytes),
            volumes: group
                .volumes
                .iter()
                .map(|(n, bytes)| volume(&group.name, n, *bytes))
                .collect(),
        });
    }
    groups
}

/// The seed's own command line, with a fixed order of names.
fn archive(root: &Path, target: &Path, exclude: &[String], xz: &str) -> Result<(), Error> {
    let file = File::create(target).map_err(|e| Error::file(target, e))?;
    let mut tar = Command::new("tar")
        .arg("-C")
        .arg(root)
        .args([
            "--create",
            "--file=-",
            "--format=posix",
            "--sort=name",
            "--numeric-owner",
        ])
        .args([
            "--xattrs",
            "--xattrs-include=*",
            "--sparse",
            "--exclude=./lost+found/*",
        ])
        .arg(format!("--use-compress-program=xz {xz}"))
        .args(exclude.iter().map(|pattern| format!("--exclude={pattern}")))
        .arg(".")
        .stdin(Stdio::null())
        .stdout(Stdio::from(file))
        .spawn()
        .map_err(|source| {
            Error::Program(crate::program::Error::Start {
                program: "tar",
                package: "tar",
                source,
            })
        })?;
    let bar = progress::growing("files to va.tar.xz");
    let status = loop {
        if let Some(status) = tar.try_wait().map_err(|e| Error::file(target, e))? {
            break status;
        }
        bar.set_position(std::fs::metadata(target).map_or(0, |m| m.len()));
        std::thread::sleep(TICK);
    };
    bar.finish_and_clear();
    if status.success() {
        Ok(())
    } else {
        Err(Error::Tar(status))
    }
}
