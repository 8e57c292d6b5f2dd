// SPDX-License-Identifier: MIT OR Apache-2.0
//! `replant-pack initramfs`: the tiny system's initramfs, from a kernel's own modules.

mod compress;
mod decompress;
mod executable;
mod image;
pub(crate) mod segments;
mod select;
mod source;
mod summary;
mod vmlinuz;
mod wanted;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Result, anyhow, bail, ensure};
use clap::ArgGroup;
use ondisk::cpio::{MARKER, Marker};

use crate::file::{At, cannot};
use crate::output;

pub use compress::Compression;
use source::Source;

/// The arguments of `replant-pack initramfs`.
#[derive(Debug, clap::Args)]
#[command(group = ArgGroup::new("from").required(true))]
pub struct Args {
    /// The kernel that will boot the image (vmlinuz, x86)
    #[arg(long, value_name = "VMLINUZ")]
    kernel: PathBuf,

    /// The kernel's modules: lib/modules/VERSION, or a root that contains it
    #[arg(long, value_name = "DIR", group = "from")]
    modules: Option<PathBuf>,

    /// Takes the modules out of this initramfs instead, for example of an installation medium
    #[arg(long, value_name = "FILE", group = "from")]
    from_initrd: Option<PathBuf>,

    /// The static program that becomes /init
    #[arg(long, value_name = "FILE", required_unless_present = "list")]
    init: Option<PathBuf>,

    /// The static program that becomes /bin/replant
    #[arg(long, value_name = "FILE", required_unless_present = "list")]
    replant: Option<PathBuf>,

    /// Where the image goes
    #[arg(
        short,
        long,
        value_name = "FILE",
        default_value = "initramfs-convert.img"
    )]
    output: PathBuf,

    /// Adds this module and what it needs; a name or an alias
    #[arg(long, value_name = "MODULE", value_delimiter = ',')]
    with: Vec<String>,

    /// Leaves this module out
    #[arg(long, value_name = "MODULE", value_delimiter = ',')]
    without: Vec<String>,

    /// How the image is compressed; the kernel must be able to read it
    #[arg(long, value_enum, default_value_t = Compression::Xz)]
    compress: Compression,

    /// Prints what would go into the image, and writes nothing
    #[arg(long)]
    list: bool,
}

/// Builds the image, or only lists what would be in it.
pub fn run(args: &Args) -> Result<()> {
    if !args.list {
        let given = [&args.from_initrd, &args.init, &args.replant];
        let inputs = given.into_iter().flatten().chain([&args.kernel]);
        output::refuse_input(&args.output, inputs.map(PathBuf::as_path))?;
    }
    let version = kernel(&args.kernel)?;
    // The bytes that a vendor's files are slices of.
    let segments;
    let source = match (&args.modules, &args.from_initrd) {
        (_, Some(path)) => {
            segments = segments::unpack(&read(path)?).at(path)?;
            Source::from_initrd(path, &segments, &version)?
        }
        (Some(path), None) => Source::from_directory(path, &version)?,
        (None, None) => bail!("no modules: give --modules DIR or --from-initrd FILE"),
    };
    let selection = select::select(&source, &args.with, &args.without)?;
    output::print(&summary::text(&selection, &version, args.list))?;
    let (Some(init), Some(replant), false) = (&args.init, &args.replant, args.list) else {
        return Ok(());
    };

    let image = image::Image {
        init: program(init)?,
        replant: program(replant)?,
        selection: &selection,
        source: &source,
        version: &version,
    };
    let length = image.write(&args.output, args.compress)?;
    let written = format!(
        "{}: {}\n",
        args.output.display(),
        summary::mebibytes(length)
    );
    output::print(&written)
}

/// The version of the kernel at `path`; a warning where migrations with it
/// would be refused.
fn kernel(path: &Path) -> Result<String> {
    let version = ondisk::bzimage::version(&read(path)?).map_err(|what| {
        anyhow!(
            "{} is no kernel that can be used: {what}; give the vmlinuz of the distribution",
            path.display()
        )
    })?;
    // A distribution may have taken openat2 into an older one.
    if !vmlinuz::is_recent(&version) {
        eprintln!(
            "warning: {} is Linux {version}, and the tiny system wants 5.6 or later (openat2); \
             with most older ones it refuses to migrate",
            path.display()
        );
    }
    Ok(version)
}

/// Checks that `image` was made by `replant-pack initramfs` for this kernel.
pub fn check(image: &Path, vmlinuz: &Path) -> Result<()> {
    let version = kernel(vmlinuz)?;
    let segments = segments::unpack(&read(image)?).at(image)?;
    let tree = segments::tree(&segments).at(image)?;
    let marker = tree
        .get(MARKER)
        .map(|node| String::from_utf8_lossy(node.data));
    let Some(marker) = marker.and_then(|text| Marker::parse(&text)) else {
        bail!(
            "{} was not made by `replant-pack initramfs`, or not all of it is there; make it again",
            image.display()
        );
    };
    ensure!(
        marker.kernel == version,
        "{} has the modules of kernel {}, and {} is version {version}; \
         give the kernel that the initramfs was made for",
        image.display(),
        marker.kernel,
        vmlinuz.display()
    );
    Ok(())
}

/// Reads a program that runs where no library is.
pub fn program(path: &Path) -> Result<Vec<u8>> {
    let bytes = read(path)?;
    executable::check(&bytes)
        .map_err(|what| anyhow!("{} cannot run by itself: {what}", path.display()))?;
    Ok(bytes)
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).map_err(cannot("read", path))
}
