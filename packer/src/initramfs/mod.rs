// SPDX-License-Identifier: MIT OR Apache-2.0
//! `replant-pack initramfs`: the tiny system's initramfs, from a kernel's own modules.

mod added;
mod compress;
mod decompress;
pub mod executable;
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
use ondisk::modules::Name;

use crate::file::{At, cannot};
use crate::output;
use crate::programs::Programs;

use added::Added;
pub use compress::Compression;
pub use summary::mebibytes;
pub use vmlinuz::is_recent;

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

    #[command(flatten)]
    programs: Programs,

    /// Where the image goes
    #[arg(
        short,
        long,
        value_name = "FILE",
        default_value = "initramfs-convert.img"
    )]
    output: PathBuf,

    #[command(flatten)]
    options: Options,

    /// Prints what would go into the image, and writes nothing
    #[arg(long)]
    list: bool,
}

/// What goes into an image beside what every migration needs.
#[derive(Debug, clap::Args)]
#[group(skip)]
pub struct Options {
    /// Adds this module and what it needs; a name or an alias
    #[arg(long, value_name = "MODULE", value_delimiter = ',')]
    pub with: Vec<String>,

    /// Leaves this module out
    #[arg(long, value_name = "MODULE", value_delimiter = ',')]
    pub without: Vec<String>,

    /// Adds a program with its libraries to the tiny system: of the appliance if it has it, otherwise of this machine
    #[arg(long, value_name = "PROGRAM", value_delimiter = ',')]
    pub add: Vec<String>,

    /// Adds lvm2 in the same way
    #[arg(long)]
    pub with_lvm2: bool,

    /// How the image is compressed; the kernel must be able to read it
    #[arg(long, value_enum, default_value_t = Compression::Xz)]
    pub compress: Compression,
}

/// `/init` and `replant`.
pub type Both = (Vec<u8>, Vec<u8>);

/// Where the modules are.
#[derive(Debug, Clone, Copy)]
pub enum Source<'a> {
    /// `lib/modules/VERSION`, or a root that has it.
    Directory(&'a Path),
    /// A vendor's initramfs.
    Initrd(&'a Path),
}

/// Builds the image, or only lists what would be in it.
pub fn run(args: &Args) -> Result<()> {
    let source = match (&args.modules, &args.from_initrd) {
        (_, Some(path)) => Source::Initrd(path),
        (Some(path), None) => Source::Directory(path),
        (None, None) => bail!("no modules: give --modules DIR or --from-initrd FILE"),
    };
    if args.list {
        return prepare(&args.kernel, source, &args.options, &[], None);
    }
    let given = args.from_initrd.iter().chain([&args.kernel]);
    let inputs = given.map(PathBuf::as_path).chain(args.programs.inputs());
    output::refuse_input(&args.output, inputs)?;
    let programs = (args.programs.init()?, args.programs.replant()?);
    let roots = [Path::new("/")];
    make(
        &args.kernel,
        source,
        &args.options,
        &roots,
        programs,
        &args.output,
    )
}

/// Builds the image of `/init` and `replant`; programs that are added are
/// looked for in `roots`.
pub fn make(
    kernel: &Path,
    source: Source<'_>,
    options: &Options,
    roots: &[&Path],
    programs: Both,
    output: &Path,
) -> Result<()> {
    prepare(kernel, source, options, roots, Some((programs, output)))
}

/// Prints the contents of the image; writes it if there is an output path.
fn prepare(
    vmlinuz: &Path,
    from: Source<'_>,
    options: &Options,
    roots: &[&Path],
    result: Option<(Both, &Path)>,
) -> Result<()> {
    let version = kernel(vmlinuz)?;
    // Owns the bytes that a vendor's files borrow.
    let segments;
    let source = match from {
        Source::Initrd(path) => {
            segments = segments::unpack(&read(path)?).at(path)?;
            source::Source::from_initrd(path, &segments, &version)?
        }
        Source::Directory(path) => source::Source::from_directory(path, &version)?,
    };
    let selection = select::select(&source, &options.with, &options.without)?;
    output::print(&summary::text(&selection, &version, result.is_none()))?;
    let Some(((init, replant), output)) = result else {
        return Ok(());
    };
    let added = Added::find(roots, &options.add, options.with_lvm2)?;
    for line in &added.said {
        output::print(&format!("{line}\n"))?;
    }
    let image = image::Image {
        added: &added,
        init,
        replant,
        selection: &selection,
        source: &source,
        version: &version,
    };
    let length = image.write(output, options.compress)?;
    let name = output.file_name().unwrap_or_default();
    let written = format!("{}: {}\n", name.display(), summary::mebibytes(length));
    output::print(&written)
}

/// The version of a kernel's image.
pub fn version(vmlinuz: &[u8]) -> Result<String> {
    Ok(ondisk::bzimage::version(vmlinuz)?)
}

/// The version of the kernel at `path`; a warning where migrations with it
/// would be refused.
fn kernel(path: &Path) -> Result<String> {
    recent(&read(path)?, path)
}

/// As [`kernel`], of its bytes.
fn recent(bytes: &[u8], path: &Path) -> Result<String> {
    let version = version(bytes).map_err(|what| {
        anyhow!(
            "{} is no kernel that can be used: {what}; give the vmlinuz of the distribution",
            path.display()
        )
    })?;
    // A distribution may have taken openat2 into an older one.
    if !is_recent(&version) {
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
    agree((&read(image)?, image), (&read(vmlinuz)?, vmlinuz))
}

/// As [`check`], of the bytes of both; the paths are for messages.
pub fn agree(image: (&[u8], &Path), vmlinuz: (&[u8], &Path)) -> Result<()> {
    let version = recent(vmlinuz.0, vmlinuz.1)?;
    let (image, path) = image;
    let segments = segments::unpack(image).at(path)?;
    let tree = segments::tree(&segments).at(path)?;
    let marker = tree
        .get(MARKER)
        .map(|node| String::from_utf8_lossy(node.data));
    let Some(marker) = marker.and_then(|text| Marker::parse(&text)) else {
        bail!(
            "{} was not made by `replant-pack initramfs`, or not all of it is there; make it again",
            path.display()
        );
    };
    ensure!(
        marker.kernel == version,
        "{} has the modules of kernel {}, and {} is version {version}; \
         give the kernel that the initramfs was made for",
        path.display(),
        marker.kernel,
        vmlinuz.1.display()
    );
    Ok(())
}

/// The names of the modules in an image.
pub fn modules(image: &[u8]) -> Result<Vec<String>> {
    let segments = segments::unpack(image)?;
    let tree = segments::tree(&segments)?;
    let files = tree.iter().filter_map(|(path, _)| Name::of_file(path));
    let mut names: Vec<_> = files.map(|name| name.to_string()).collect();
    names.sort();
    Ok(names)
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).map_err(cannot("read", path))
}
