// SPDX-License-Identifier: MIT OR Apache-2.0
//! `replant-pack build`: a package from an appliance in one command.
//!
//! Intermediate files lie in a directory beside the result, which is removed at
//! the end, also after an error or an interrupt.

mod kernel;

use crate::capture::{Appliance, Options};
use crate::file::{At, beside};
use crate::initramfs::{self, Source};
use crate::layout::LAYOUT;
use crate::programs::Programs;
use crate::{bundle, output, sign};
use anyhow::{Result, bail};
use kernel::Kernel;
use ondisk::manifest::{BINARY, INITRAMFS, KERNEL, PAYLOAD, TABLE};
use std::path::{Path, PathBuf};

/// The arguments of `replant-pack build`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The appliance: a disk (raw, qcow2, vmdk, vdi, vhd, vhdx), an .ova, a directory or a tar archive
    appliance: PathBuf,

    /// Where the package goes
    #[arg(short, long, value_name = "FILE", default_value = "migration.tar.gz")]
    output: PathBuf,

    #[command(flatten)]
    options: Options,

    /// Prints the layout.toml that would be made, and makes no package
    #[arg(long)]
    show_layout: bool,

    /// Another kernel for the tiny system than the appliance's newest
    #[arg(long, value_name = "VMLINUZ")]
    kernel: Option<PathBuf>,

    /// Its modules: lib/modules/VERSION, or a root that contains it
    #[arg(long, value_name = "DIR", requires = "kernel")]
    modules: Option<PathBuf>,

    /// Takes its modules out of this initramfs instead
    #[arg(
        long,
        value_name = "FILE",
        requires = "kernel",
        conflicts_with = "modules"
    )]
    from_initrd: Option<PathBuf>,

    #[command(flatten)]
    image: initramfs::Options,

    #[command(flatten)]
    programs: Programs,

    #[command(flatten)]
    signing: sign::Options,
}

/// Makes the package.
pub fn run(args: &Args) -> Result<()> {
    let own = [&args.kernel, &args.from_initrd].into_iter().flatten();
    let own = own.chain([&args.appliance]).map(PathBuf::as_path);
    let inputs = own
        .chain(args.options.inputs())
        .chain(args.programs.inputs())
        .chain(args.signing.inputs());
    output::refuse_input(&args.output, inputs)?;
    let directory = beside(&args.output);
    refuse_inside(&args.appliance, &directory)?;
    // Quick checks come first.
    let (init, replant) = match args.show_layout {
        true => (Vec::new(), Vec::new()),
        false => (args.programs.init()?, args.programs.replant()?),
    };
    let key = match args.show_layout {
        true => None,
        false => args.signing.key()?,
    };
    let scratch = tempfile::Builder::new()
        .prefix(".replant-pack.")
        .tempdir_in(&directory)
        .at(&directory)?;
    let at = |name: &str| scratch.path().join(name);
    let mut appliance = Appliance::open(&args.appliance, &args.options, scratch.path())?;
    if args.show_layout {
        output::print(&appliance.text)?;
        return appliance.release();
    }
    let Kernel { vmlinuz, modules } = match (&args.kernel, &args.modules) {
        (Some(kernel), modules) => Kernel {
            vmlinuz: kernel.clone(),
            modules: modules.clone().unwrap_or_default(),
        },
        (None, _) => kernel::newest(&appliance.root)?,
    };
    let source = match &args.from_initrd {
        Some(file) => Source::Initrd(file),
        None if modules.as_os_str().is_empty() => {
            bail!("--kernel needs its modules: give --modules DIR or --from-initrd FILE")
        }
        None => Source::Directory(&modules),
    };
    std::fs::copy(&vmlinuz, at(KERNEL)).at(&vmlinuz)?;
    std::fs::write(at(BINARY), &replant).at(&at(BINARY))?;
    initramfs::make(
        &vmlinuz,
        source,
        &args.image,
        &[&appliance.root, Path::new("/")],
        (init, replant),
        &at(INITRAMFS),
    )?;
    appliance.archive(&at(PAYLOAD), &args.options)?;
    for (name, bytes) in [
        (TABLE, &appliance.table.encode()[..]),
        (LAYOUT, appliance.text.as_bytes()),
    ] {
        std::fs::write(at(name), bytes).at(&at(name))?;
    }
    let layout = appliance.layout.clone();
    appliance.release()?;
    bundle::make(&bundle::Parts {
        dir: scratch.path(),
        layout,
        kernel: &at(KERNEL),
        initramfs: &at(INITRAMFS),
        replant: &at(BINARY),
        key: key.as_ref(),
        output: &args.output,
    })
}

/// Refuses a result inside of the directory that it is made of.
fn refuse_inside(appliance: &Path, directory: &Path) -> Result<()> {
    let found = (appliance.canonicalize(), directory.canonicalize());
    if let (Ok(appliance), Ok(directory)) = found
        && appliance.is_dir()
        && directory.starts_with(&appliance)
    {
        bail!(
            "the package would lie in {}, of which it is made; give another place to -o",
            appliance.display()
        );
    }
    Ok(())
}
