// SPDX-License-Identifier: MIT OR Apache-2.0
//! The package's initramfs, read on the old system: which devices of this machine
//! the tiny system could not drive.

use super::rows::Rows;
use super::survey::Survey;
use super::{Error, Package};
use crate::block::{self, SYS};
use crate::device::{Drivers, above, devices, foresee, matters};
use crate::machine;
use crate::payload::{memory, xz};
use ondisk::compression::Format;
use ondisk::cpio::{MARKER, Marker, Tree};
use ondisk::manifest::INITRAMFS;
use ondisk::modules::modalias::kind;
use ondisk::modules::{ABSENT, Texts};
use std::collections::BTreeSet;
use std::io::Read;
use std::path::Path;
use sys::cannot;

/// Assumed growth of an initramfs that cannot be unpacked here. Images of kernel
/// modules grow to five times their size.
const GROWTH: u64 = 6;
/// The most bytes that are unpacked; no initramfs has more.
const MOST: u64 = 1 << 30;
const PAGE: u64 = 4096;

/// What the tiny system will have.
#[derive(Debug)]
pub(super) struct Image {
    /// Bytes of RAM that its files take.
    pub(super) bytes: u64,
    /// The module index and the kernel's version; `None` where the image cannot
    /// be read here.
    drivers: Option<(Drivers, String)>,
}

impl Image {
    /// An image of which only the size is known.
    #[cfg(test)]
    pub(super) fn of_size(bytes: u64) -> Image {
        let drivers = None;
        Image { bytes, drivers }
    }

    /// Reads the package's initramfs, if it is the one of the manifest: what nobody
    /// has signed is not decoded.
    pub(super) fn of(package: &Package, rows: &mut Rows) -> Image {
        if package.verify_one(INITRAMFS, &mut |_| {}).is_ok() {
            return Image::read(&package.dir.join(INITRAMFS), rows);
        }
        // Why, the row about the package's files says.
        rows.skip("initramfs", "it is damaged");
        let drivers = None;
        Image { bytes: 0, drivers }
    }

    /// Reads an initramfs. If that fails, a row says why.
    fn read(path: &Path, rows: &mut Rows) -> Image {
        let read = bytes(path).and_then(|found| match found {
            Unpacked::Whole(bytes) => parse(path, &bytes),
            Unpacked::Other(format, size) => {
                rows.warn("initramfs", format_args!(
                    "it is compressed by {format}, which is not read here, so whether it has the drivers of this machine is not known; make it by replant-pack initramfs without --compress, or rehearse (stage --no-reboot --append replant=rehearse, and reboot)"
                ));
                Ok(Image { bytes: size.saturating_mul(GROWTH), drivers: None })
            }
        });
        rows.take("initramfs", read).unwrap_or(Image {
            bytes: 0,
            drivers: None,
        })
    }

    /// Adds a row for each device of this machine that the image has no driver
    /// for.
    pub(super) fn compare(&self, survey: &Survey, rows: &mut Rows) {
        let Some((drivers, kernel)) = &self.drivers else {
            return;
        };
        let clear = rows.is_clear();
        let mut wanted = vec!["dm-mod", "ext4", survey.root_kind.as_str()];
        wanted.dedup();
        for wanted in wanted {
            let built_in = |name: &str| drivers.is_builtin(name);
            if let Err(error) = drivers.order(wanted, kernel, &built_in) {
                rows.refuse("initramfs", error);
            }
        }
        let sys = Path::new(SYS);
        let disk = sys.join("class/block").join(&survey.facts.disk);
        let needed = above(&disk);
        if needed.is_empty() {
            rows.warn("initramfs", format_args!(
                "{SYS} does not say what the disk {} hangs on, so whether the tiny system finds it is not known",
                survey.facts.disk
            ));
        }
        let mut seen = BTreeSet::new();
        for device in &needed {
            seen.insert(device.device.clone());
            let Some(lack) = foresee(device, drivers) else {
                continue;
            };
            let text = format!(
                "the disk {} would not be found, for in the tiny system {lack}",
                survey.facts.disk
            );
            // Where it is not known, the machine that does not find its disk
            // goes back to the old system by itself.
            match lack.certain {
                true => rows.refuse("initramfs", text),
                false => rows.warn("initramfs", text),
            }
        }
        for (path, modalias) in devices(sys) {
            let others = matters(kind(&modalias)).then(|| above(&path));
            let device = others.unwrap_or_default().into_iter().next();
            let Some(device) = device.filter(|device| seen.insert(device.device.clone())) else {
                continue;
            };
            if let Some(lack) = foresee(&device, drivers) {
                rows.warn("initramfs", format_args!("in the tiny system {lack}"));
            }
        }
        if clear && rows.is_clear() {
            let names: Vec<String> = needed.iter().map(|d| d.module.clone()).collect();
            rows.fine(
                "initramfs",
                format_args!(
                    "Linux {kernel}, has the drivers of {}{}",
                    block::node(&survey.facts.disk).display(),
                    match names.as_slice() {
                        [] => String::new(),
                        names => format!(" ({})", names.join(", ")),
                    }
                ),
            );
        }
    }
}

enum Unpacked {
    Whole(Vec<u8>),
    /// Compressed in a way that is not read here; its size in bytes.
    Other(Format, u64),
}

/// Reads and decodes the file.
fn bytes(path: &Path) -> Result<Unpacked, Error> {
    let mut file = std::fs::File::open(path).map_err(cannot("open", path))?;
    let size = file.metadata().map_err(cannot("look at", path))?.len();
    let mut head = [0; 8];
    let read = file.read(&mut head).map_err(cannot("read", path))?;
    let head = head.get(..read).unwrap_or_default();
    let file = std::fs::File::open(path).map_err(cannot("open", path))?;
    let mut whole = Vec::new();
    match Format::of(head) {
        None => {
            let read = file.take(MOST).read_to_end(&mut whole);
            read.map_err(cannot("read", path))?;
        }
        Some(Format::Xz) => {
            let available = machine::MemInfo::read()?.available;
            let limits = memory::beside(available, machine::processors());
            let mut decoder = xz::Decoder::new(file, path, limits);
            let mut buffer = vec![0; 1 << 20];
            loop {
                let length = decoder
                    .read(&mut buffer)
                    .map_err(crate::payload::StreamError::Xz)?;
                if length == 0 || whole.len() as u64 > MOST {
                    break;
                }
                whole.extend_from_slice(buffer.get(..length).unwrap_or_default());
            }
        }
        Some(format) => return Ok(Unpacked::Other(format, size)),
    }
    Ok(Unpacked::Whole(whole))
}

/// Finds the index of the modules.
fn parse(path: &Path, bytes: &[u8]) -> Result<Image, Error> {
    let damaged = |what: String| Error::Part {
        text: format!(
            "{} {what}; make the package again with an initramfs of replant-pack",
            path.display()
        ),
        refusal: true,
    };
    let mut tree = Tree::new();
    tree.add(bytes)
        .map_err(|error| damaged(format!("is no initramfs: {error}")))?;
    let marker = tree
        .get(MARKER)
        .map(|node| String::from_utf8_lossy(node.data));
    let marker = marker.and_then(|text| Marker::parse(&text));
    let kernel = marker
        .ok_or_else(|| damaged(format!("is not complete: it has no {MARKER}")))?
        .kernel;
    let file = |name: &str| -> &[u8] {
        let path = tree.resolve(&format!("lib/modules/{kernel}/{name}"));
        path.and_then(|path| tree.get(&path))
            .map_or(&[], |node| node.data)
    };
    let text = |name: &str| String::from_utf8_lossy(file(name)).into_owned();
    let texts = Texts {
        dep: &text("modules.dep"),
        alias: &text("modules.alias"),
        softdep: &text("modules.softdep"),
        builtin: &text("modules.builtin"),
        builtin_modinfo: file("modules.builtin.modinfo"),
    };
    let drivers = Drivers::of(&texts, &text(ABSENT));
    let drivers = drivers.map_err(|error| damaged(format!("lib/modules/{kernel}: {error}")))?;
    let sizes = tree
        .iter()
        .map(|(_, node)| (node.data.len() as u64).next_multiple_of(PAGE));
    Ok(Image {
        bytes: sizes.fold(0, u64::saturating_add),
        drivers: Some((drivers, kernel)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::old::output::Output;
    use crate::old::rows::State;
    use ondisk::cpio::Builder;
    use ondisk::manifest::{Manifest, Seal};
    use ondisk::sha256::Sha256Sum;

    fn image(files: &[(&str, &str)]) -> Vec<u8> {
        let mut builder = Builder::new();
        for (name, text) in files {
            builder.file(name, 0o644, text.as_bytes().to_vec()).unwrap();
        }
        builder.build()
    }

    fn marker() -> String {
        let kernel = "6.1.0-0".into();
        Marker { kernel, modules: 1 }.to_string()
    }

    #[test]
    fn an_image_is_read_with_its_index_and_its_size() {
        let marker = marker();
        let index = "kernel/ext4.ko:\n";
        let bytes = image(&[
            ("lib/modules/6.1.0-0/modules.dep", index),
            (MARKER, &marker),
        ]);
        let image = parse(Path::new("x.img"), &bytes).unwrap();
        assert_eq!(image.bytes, 2 * PAGE);
        let (drivers, kernel) = image.drivers.unwrap();
        assert_eq!(kernel, "6.1.0-0");
        drivers.order("ext4", &kernel, &|_| false).unwrap();
        let error = drivers
            .order("xfs", &kernel, &|_| false)
            .unwrap_err()
            .to_string();
        assert!(
            error.ends_with("make it again with `replant-pack initramfs --with xfs`"),
            "{error}"
        );
    }

    #[test]
    fn what_the_manifest_does_not_name_is_not_decoded() {
        let dir = tempfile::tempdir().unwrap();
        let script = b"#!/bin/sh";
        std::fs::write(dir.path().join(INITRAMFS), script).unwrap();
        let (mut manifest, table, _) = crate::plan::sample_input();
        let says = |manifest: &Manifest| {
            let package = Package {
                dir: dir.path().into(),
                manifest: manifest.clone(),
                text: String::new(),
                manifest_sha256: String::new(),
                seal: Seal::Right,
                table: table.clone(),
            };
            let mut rows = Rows::new(Output::Silent);
            Image::of(&package, &mut rows);
            rows.iter().map(|row| row.state).collect::<Vec<_>>()
        };
        assert_eq!(says(&manifest), [State::Skipped]);
        let mut files = manifest.files.iter_mut();
        let named = files.find(|file| file.name == INITRAMFS).unwrap();
        named.size = script.len() as u64;
        named.sha256 = Sha256Sum::of(script).to_string();
        assert_eq!(says(&manifest), [State::Refused]);
    }

    #[test]
    fn what_is_no_initramfs_of_ours_is_refused_and_what_cannot_be_read_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("initramfs-convert.img");
        let says = |bytes: &[u8]| {
            std::fs::write(&path, bytes).unwrap();
            let mut rows = Rows::new(Output::Silent);
            let image = Image::read(&path, &mut rows);
            let row = rows.iter().next().unwrap().clone();
            (image.bytes, row.state, row.text())
        };
        let (_, state, text) = says(&image(&[("init", "x")]));
        assert_eq!(state, State::Refused);
        assert!(
            text.contains("is not complete: it has no etc/replant-image; make"),
            "{text}"
        );
        let (_, state, text) = says(b"#!/bin/sh");
        assert_eq!(state, State::Refused, "{text}");
        // gzip's first bytes.
        let (bytes, state, text) = says(&[&[0x1f, 0x8b][..], &[0; 98]].concat());
        assert_eq!((bytes, state), (600, State::Warning));
        assert!(text.contains("compressed by gzip"), "{text}");
    }
}
