// SPDX-License-Identifier: MIT OR Apache-2.0
//! `replant-pack initramfs`: the tiny system's initramfs, from a kernel's own modules.

mod compress;
mod decompress;
mod error;
mod executable;
mod image;
mod segments;
mod select;
mod source;
mod summary;
mod vmlinuz;
mod wanted;

use std::fs;
use std::path::{Path, PathBuf};

use clap::ArgGroup;
use ondisk::cpio::{MARKER, Marker};

use crate::output;

pub use compress::Compression;
pub use error::Error;
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
pub fn run(args: &Args) -> Result<(), Error> {
    let version = kernel(&args.kernel)?;
    // The bytes that a vendor's files are slices of.
    let segments;
    let source = match (&args.modules, &args.from_initrd) {
        (_, Some(path)) => {
            segments = segments::unpack(&read(path)?).map_err(|source| Error::Initrd {
                path: path.clone(),
                source,
            })?;
            Source::from_initrd(path, &segments, &version)?
        }
        (Some(path), None) => Source::from_directory(path, &version)?,
        (None, None) => return Err(Error::NoModules),
    };
    let selection = select::select(&source, &args.with, &args.without)?;
    output::print(&summary::text(&selection, &version, args.list)).map_err(Error::Output)?;
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
    output::print(&written).map_err(Error::Output)
}

/// The version of the kernel at `path`; a warning where migrations with it
/// would be refused.
fn kernel(path: &Path) -> Result<String, Error> {
    let version = vmlinuz::version(&read(path)?).map_err(|what| Error::Kernel {
        path: path.to_owned(),
        what,
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
pub fn check(image: &Path, vmlinuz: &Path) -> Result<(), Error> {
    let version = kernel(vmlinuz)?;
    let wrong = |source| Error::Initrd {
        path: image.to_owned(),
        source,
    };
    let segments = segments::unpack(&read(image)?).map_err(wrong)?;
    let tree = segments::tree(&segments).map_err(wrong)?;
    let marker = tree
        .get(MARKER)
        .map(|node| String::from_utf8_lossy(node.data));
    match marker.and_then(|text| Marker::parse(&text)) {
        None => Err(Error::Foreign {
            path: image.to_owned(),
        }),
        Some(marker) if marker.kernel != version => Err(Error::OtherKernel {
            path: image.to_owned(),
            found: marker.kernel,
            kernel: vmlinuz.to_owned(),
            version,
        }),
        Some(_) => Ok(()),
    }
}

/// Reads a program that runs where no library is.
pub fn program(path: &Path) -> Result<Vec<u8>, Error> {
    let bytes = read(path)?;
    executable::check(&bytes).map_err(|what| Error::Program {
        path: path.to_owned(),
        what,
    })?;
    Ok(bytes)
}

fn read(path: &Path) -> Result<Vec<u8>, Error> {
    fs::read(path).map_err(|source| Error::Read {
        path: path.to_owned(),
        source,
    })
}
