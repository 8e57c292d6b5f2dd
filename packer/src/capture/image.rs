// SPDX-License-Identifier: MIT OR Apache-2.0
//! Determines the form of an appliance, and converts disks that are not raw by
//! qemu-img.

use crate::archive::{Tarred, is_tar};
use crate::file::At;
use crate::{program, progress};
use anyhow::{Result, bail};
use ondisk::compression::Format;
use std::ffi::OsStr;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// A readable form of an appliance.
pub enum Form {
    /// A raw image, or a disk.
    Disk(PathBuf),
    /// A directory with a root.
    Directory,
    /// The archive of a root.
    Tar(Tarred),
}

/// How files of disk formats begin: qcow2, VMDK (sparse, and text that names
/// other files), VDI, VHDX.
const FOREIGN: [&[u8]; 5] = [b"QFI\xfb", b"KDMV", b"# Disk D", b"<<< ", b"vhdxfile"];
/// A VHD's footer, which may also be at its start.
const VHD: &[u8] = b"conectix";
/// What disks in an .ova are called.
const DISKS: [&str; 6] = ["vmdk", "vhd", "vhdx", "qcow2", "img", "raw"];
/// File name endings that are removed from an appliance's name.
const ENDINGS: [&str; 13] = [
    "tar", "tgz", "txz", "gz", "xz", "zst", "ova", "vdi", "vmdk", "vhd", "vhdx", "qcow2", "img",
];

/// Determines the form of an appliance; converted files go to `scratch`.
pub fn form(path: &Path, scratch: &Path) -> Result<Form> {
    if path.is_dir() {
        return Ok(Form::Directory);
    }
    let file = File::open(path).at(path)?;
    let mut head = [0; 8];
    let read = file.read_at(&mut head, 0).at(path)?;
    let head = head.get(..read).unwrap_or_default();
    if FOREIGN.iter().any(|magic| head.starts_with(magic)) {
        return convert(path, scratch, &[]).map(Form::Disk);
    }
    let mut foot = [0; 8];
    let length = file.metadata().at(path)?.len();
    if let Some(at) = length.checked_sub(512) {
        file.read_exact_at(&mut foot, at).at(path)?;
    }
    if head == VHD || foot == VHD {
        return convert(path, scratch, &["-f", "vpc"]).map(Form::Disk);
    }
    if is_tar(path)? {
        let tarred = Tarred::new(path);
        return match tarred.first()? {
            Some(name) if name.ends_with(b".ovf") => ova(path, &tarred, scratch),
            _ => Ok(Form::Tar(tarred)),
        };
    }
    if let Some(format) = Format::of(head) {
        bail!(
            "{} is compressed by {format} and is no tar archive; decompress it first",
            path.display()
        );
    }
    Ok(Form::Disk(path.to_path_buf()))
}

/// The disk of an .ova, a tar archive whose first member describes the machine
/// (DMTF DSP0243).
fn ova(path: &Path, tarred: &Tarred, scratch: &Path) -> Result<Form> {
    let inside = scratch.join("ova");
    std::fs::create_dir(&inside).at(&inside)?;
    let bar = progress::bytes("taking the disk out", 0);
    let is_disk = |name: &[u8]| {
        let name = String::from_utf8_lossy(name).to_lowercase();
        let ending = name.rsplit_once('.').map(|(_, ending)| ending);
        ending.is_some_and(|ending| DISKS.contains(&ending) || ending == "gz")
    };
    tarred.extract(&inside, &bar, &is_disk)?;
    bar.finish_and_clear();
    let mut disks = Vec::new();
    for entry in std::fs::read_dir(&inside).at(&inside)? {
        disks.push(entry.at(&inside)?.path());
    }
    disks.sort();
    let [disk] = &disks[..] else {
        let names: Vec<_> = disks.iter().filter_map(|d| d.file_name()).collect();
        bail!(
            "{} has {} disks {names:?}, and a package is made of one; unpack it (tar -xf) and name the disk of the new system",
            path.display(),
            disks.len()
        );
    };
    let form = form(disk, scratch)?;
    match &form {
        Form::Disk(raw) if raw != disk => std::fs::remove_file(disk).at(disk)?,
        Form::Disk(_) => {}
        _ => bail!("{}: {} is no disk", path.display(), disk.display()),
    }
    Ok(form)
}

/// Makes a raw image of a disk, with holes where nothing is.
fn convert(image: &Path, scratch: &Path, options: &[&str]) -> Result<PathBuf> {
    let target = scratch.join("disk.raw");
    let mut words: Vec<&OsStr> = ["convert", "-p", "-O", "raw"].map(OsStr::new).to_vec();
    words.extend(options.iter().map(OsStr::new));
    words.extend([image.as_os_str(), target.as_os_str()]);
    let bar = progress::percent("making a raw image");
    let mut seen = |text: &[u8]| {
        if let Some(percent) = percent(text) {
            bar.set_position(percent);
        }
    };
    program::run_seen("qemu-img", "qemu-utils", &words, &mut seen)?;
    bar.finish_and_clear();
    Ok(target)
}

/// The last percentage of what `qemu-img -p` printed: `    (12.34/100%)\r`.
fn percent(text: &[u8]) -> Option<u64> {
    let text = String::from_utf8_lossy(text);
    let (before, _) = text.rsplit_once("/100%)")?;
    let (_, number) = before.rsplit_once('(')?;
    number.split('.').next()?.trim().parse().ok()
}

/// The appliance's name, from its file name.
pub fn name(path: &Path) -> String {
    let path = path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
    let name = path.file_name().unwrap_or_default();
    let mut name = name.to_string_lossy().into_owned();
    while let Some((start, ending)) = name.rsplit_once('.') {
        if start.is_empty() || !(ENDINGS.contains(&ending) || ending == "raw") {
            break;
        }
        name = start.to_string();
    }
    if name.is_empty() { "va".into() } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_appliance_is_called_by_its_file() {
        for (path, found) in [
            ("/x/va-9.4.qcow2", "va-9.4"),
            ("root.tar.xz", "root"),
            ("va.ova", "va"),
            ("/", "va"),
            ("disk", "disk"),
        ] {
            assert_eq!(name(Path::new(path)), found, "{path}");
        }
    }

    #[test]
    fn how_far_qemu_img_is() {
        assert_eq!(
            percent(b"    (0.00/100%)\r    (12.34/100%)\r    (9"),
            Some(12)
        );
        assert_eq!(percent(b""), None);
        assert_eq!(percent(b"    (100.00/100%)\r\n"), Some(100));
    }
}
