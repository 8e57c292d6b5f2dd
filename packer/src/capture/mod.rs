// SPDX-License-Identifier: MIT OR Apache-2.0
//! `replant-pack capture`: an appliance's disk becomes `va.sgdisk`,
//! `va.tar.xz` and `layout.toml`.
//!
//! The disk is only read. File systems are mounted at their offset in the
//! image, logical volumes too, so neither partition nodes nor device-mapper
//! are needed.

mod mounted;
#[cfg(test)]
mod tests;
pub mod volumes;

use crate::file::At;
use crate::layout::Layout;
use crate::{output, program, progress};
use anyhow::{Context, Result, anyhow, bail};
use mounted::Mounted;
use ondisk::fstab;
use ondisk::gpt::{Backup, Table};
use ondisk::manifest::{
    Console, Filesystem, PAYLOAD, Policy, Size, TABLE, Volume, VolumeGroup, Wipe,
};
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
pub fn run(args: &Args) -> Result<()> {
    let scratch =
        tempfile::tempdir().map_err(|e| anyhow!("no temporary directory: {e}; set TMPDIR"))?;
    let image = raw(&args.image, scratch.path())?;
    let file = File::open(&image).at(&image)?;
    // Not the metadata's length, which is 0 for a disk.
    let bytes = (&file).seek(SeekFrom::End(0)).at(&image)?;
    let read = |offset: u64, out: &mut [u8]| file.read_exact_at(out, offset);
    let found = Table::from_disk(bytes, 512, read)
        .at(&image)?
        .context("no GPT; the new system must boot from a GPT disk with a BIOS boot partition")
        .at(&image)?;
    let areas = Areas::find(&image, &file, &found.table)?;

    let mut sector_0 = [0; 512];
    read(0, &mut sector_0).at(&image)?;
    let backup = Backup::of(&found.table, &sector_0).at(&image)?;

    let root = scratch.path().join("root");
    let mut mounted = Mounted::new(&image);
    let (root_area, table) = find_root(&areas, &mut mounted, &root)?;
    let filesystems = mount_all(&areas, root_area, &table, &mut mounted, &root)?;
    let layout = Layout {
        name: args.name.clone(),
        version: args.version.clone(),
        protection: None,
        proof_boot: None,
        table: Default::default(),
        boot: Default::default(),
        identity: Policy::default(),
        console: Console::default(),
        wipe: Wipe::default(),
        volume_groups: groups(&areas, root_area),
        filesystems,
    };
    std::fs::create_dir_all(&args.output).at(&args.output)?;
    // What cannot be finished leaves an earlier capture as it is.
    let payload = tempfile::Builder::new()
        .prefix("va.tar.xz.")
        .permissions(Permissions::from_mode(0o644))
        .tempfile_in(&args.output)
        .at(&args.output)?;
    archive(&root, payload.path(), &args.exclude, &args.xz)?;
    mounted.release()?;
    let target = args.output.join(TABLE);
    std::fs::write(&target, backup.encode()).at(&target)?;
    layout.write(&args.output)?;
    let target = args.output.join(PAYLOAD);
    payload.persist(&target).at(&target)?;
    let made = format!(
        "{0}: {TABLE}, {PAYLOAD} and layout.toml; next: look at {0}/layout.toml, make the tiny system (replant-pack initramfs), then replant-pack bundle {0} --kernel FILE --initramfs FILE --replant FILE\n",
        args.output.display()
    );
    output::print(&made)
}

/// The image itself if it is raw, else a raw copy of it.
fn raw(image: &Path, scratch: &Path) -> Result<PathBuf> {
    let mut head = [0; 8];
    let file = File::open(image).at(image)?;
    file.read_exact_at(&mut head, 0).at(image)?;
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
    program::run(
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
) -> Result<(&'a Area, Vec<fstab::Line>)> {
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
            let bytes = std::fs::read(&path).at(&path)?;
            Ok((area, fstab::parse(&bytes).at(Path::new("/etc/fstab"))?))
        }
        [] => bail!("no file system of the disk has an /etc/fstab: none of them is the root"),
        _ => {
            let devices: Vec<_> = candidates.iter().map(|a| a.device.as_str()).collect();
            bail!(
                "several file systems have an /etc/fstab ({}); empty all but the new system's",
                devices.join(", ")
            )
        }
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
) -> Result<Vec<Filesystem>> {
    if let Some(line) = table.iter().find(|l| l.target == "/") {
        type_agrees(root_area, line)?;
    }
    let mut found = vec![describe(root_area, "/")];
    for (line, area) in mounts(areas, table)? {
        let target = inside(root, line.target.trim_start_matches('/'))
            .filter(|target| target.is_dir())
            .with_context(|| {
                format!(
                    "/etc/fstab mounts {}, and there is no such directory (a link may not lead out of the new system); make it there",
                    line.target
                )
            })?;
        mounted.whole(area, &target)?;
        found.push(describe(area, &line.target));
    }
    Ok(found)
}

/// The lines for file systems of the disk other than the root, parents first.
fn mounts<'a>(
    areas: &'a Areas,
    table: &'a [fstab::Line],
) -> Result<Vec<(&'a fstab::Line, &'a Area)>> {
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
            Some(area) => bail!(
                "/etc/fstab mounts {} from {}, which is {}; the new system has only ext4 and boots by BIOS: take the line out of the fstab (an EFI system partition is not used), or give it the option noauto or nofail",
                line.target,
                area.device,
                if area.kind.is_empty() {
                    "no file system"
                } else {
                    &area.kind
                }
            ),
            None => bail!(
                "/etc/fstab mounts {} from {}, which the disk does not have; correct the fstab, or give the line the option noauto or nofail",
                line.target,
                line.source
            ),
        }
    }
    found.sort_by_key(|(line, _)| line.target.matches('/').count());
    Ok(found)
}

/// The new file system is ext4 whatever this one is: the fstab must allow it.
fn type_agrees(area: &Area, line: &fstab::Line) -> Result<()> {
    if line.takes_ext4() {
        return Ok(());
    }
    bail!(
        "/etc/fstab mounts {} ({}) as {}, and the new file system will be ext4; write ext4 or auto into the type field of that line in the appliance's fstab, and capture again",
        line.target,
        area.device,
        line.kind
    )
}

fn describe(area: &Area, mount: &str) -> Filesystem {
    Filesystem {
        uuid: Some(area.uuid.clone()).filter(|u| !u.is_empty()),
        label: area.label.clone(),
        // Only ext4 can be made, whatever this one is.
        ..Filesystem::new(&area.device, mount)
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
fn archive(root: &Path, target: &Path, exclude: &[String], xz: &str) -> Result<()> {
    let file = File::create(target).at(target)?;
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
        .map_err(|e| program::not_started("tar", "tar", &e))?;
    let bar = progress::growing("files to va.tar.xz");
    let status = loop {
        if let Some(status) = tar.try_wait().at(target)? {
            break status;
        }
        bar.set_position(std::fs::metadata(target).map_or(0, |m| m.len()));
        std::thread::sleep(TICK);
    };
    bar.finish_and_clear();
    if status.success() {
        Ok(())
    } else {
        bail!("tar failed ({status}); its messages are above")
    }
}
