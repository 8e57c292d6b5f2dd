// SPDX-License-Identifier: MIT OR Apache-2.0
//! What can go wrong while an initramfs is built.

use std::io;
use std::path::PathBuf;

use super::{decompress, segments};

/// What can go wrong while an initramfs is built.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file that cannot be read.
    #[error("cannot read {path}: {source}")]
    Read {
        /// Its path.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The image cannot be written.
    #[error("cannot write {path}: {source}")]
    Write {
        /// Its path.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Not a kernel.
    #[error("{path} is no kernel that can be used: {what}; give the vmlinuz of the distribution")]
    Kernel {
        /// Its path.
        path: PathBuf,
        /// What is wrong with it.
        what: &'static str,
    },
    /// Neither `--modules` nor `--from-initrd`.
    #[error("no modules: give --modules DIR or --from-initrd FILE")]
    NoModules,
    /// Modules of another kernel.
    #[error(
        "the kernel is version {version}, but {path} has modules of {found}; \
         give a kernel and modules of the same package"
    )]
    Version {
        /// The directory or initramfs.
        path: PathBuf,
        /// The kernel's version.
        version: String,
        /// What versions were found there.
        found: String,
    },
    /// No modules at all.
    #[error("{path} has no kernel modules; give lib/modules/VERSION, or a root that contains it")]
    Empty {
        /// The directory or initramfs.
        path: PathBuf,
    },
    /// A module that says it belongs to another kernel.
    #[error("{path} was built for kernel {found}, not for {version}; give modules of one package")]
    Vermagic {
        /// The module.
        path: String,
        /// The kernel's version.
        version: String,
        /// The module's word.
        found: String,
    },
    /// modules.dep and its like.
    #[error("{path}: {source}")]
    Index {
        /// The directory or initramfs.
        path: PathBuf,
        /// What is wrong.
        source: ondisk::modules::Error,
    },
    /// A module that cannot be decompressed.
    #[error("{path}: {source}")]
    Decompress {
        /// The module.
        path: String,
        /// What is wrong.
        source: decompress::Error,
    },
    /// A module that cannot be understood.
    #[error("{path}: {source}")]
    Module {
        /// The module.
        path: String,
        /// What is wrong.
        source: ondisk::modules::Error,
    },
    /// An initramfs that cannot be understood.
    #[error("{path}: {source}")]
    Initrd {
        /// Its path.
        path: PathBuf,
        /// What is wrong.
        source: segments::Error,
    },
    /// Something that the migration cannot do without.
    #[error(
        "the modules have no {module} and it is not built into the kernel, \
         but the migration cannot do without; use modules that have it"
    )]
    Indispensable {
        /// The module.
        module: String,
    },
    /// A `--with` that leads nowhere.
    #[error("--with {module}: this kernel has no such module; see `--list` for what is picked")]
    With {
        /// The module.
        module: String,
    },
    /// A `--without` that leaves nothing out.
    #[error("--without {module}: this kernel has no such module; see `--list` for what is picked")]
    NotThere {
        /// The module.
        module: String,
    },
    /// A `--without` of what every migration needs.
    #[error("--without {module}: no migration works without it; leave this option away")]
    Needed {
        /// The module.
        module: String,
    },
    /// A `--without` of something that is needed.
    #[error("--without {module}: {by} needs it; leave that out, too")]
    Without {
        /// The module.
        module: String,
        /// What needs it.
        by: String,
    },
    /// A dependency without a file.
    #[error("{by} needs module {module}, which is not there; the modules tree is incomplete")]
    Dependency {
        /// The module.
        module: String,
        /// What needs it.
        by: String,
    },
    /// A program that the tiny system cannot start.
    #[error("{path} cannot run by itself: {what}")]
    Program {
        /// Its path.
        path: PathBuf,
        /// What is wrong with it.
        what: &'static str,
    },
    /// An image without the marker.
    #[error(
        "{path} was not made by `replant-pack initramfs`, or not all of it is there; make it again"
    )]
    Foreign {
        /// Its path.
        path: PathBuf,
    },
    /// An image and a kernel that do not belong together.
    #[error(
        "{path} has the modules of kernel {found}, and {kernel} is version {version}; \
         give the kernel that the initramfs was made for"
    )]
    OtherKernel {
        /// The image.
        path: PathBuf,
        /// The version that it was made for.
        found: String,
        /// The kernel.
        kernel: PathBuf,
        /// The kernel's version.
        version: String,
    },
    /// Standard output.
    #[error("standard output: {0}")]
    Output(io::Error),
    /// What goes into the image makes no archive.
    #[error(transparent)]
    Cpio(#[from] ondisk::cpio::Error),
    /// The compressor failed.
    #[error("cannot compress the image: {0}")]
    Compress(io::Error),
    /// The file has not what was written into it.
    #[error("{path} reads back differently ({what}); the disk or this program is broken")]
    Verify {
        /// Its path.
        path: PathBuf,
        /// What is different.
        what: String,
    },
}
