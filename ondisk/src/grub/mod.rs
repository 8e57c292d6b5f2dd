// SPDX-License-Identifier: MIT OR Apache-2.0
//! GRUB 2 on BIOS machines: its environment block, its images on a disk, and
//! what it will make of its configuration.

pub mod config;
mod embed;
mod env;
mod files;
mod image;
mod script;
mod verdict;

pub use embed::{EmbedError, embed_boot, embed_core};
pub use env::{Env, EnvError};
pub use files::{Changed, Files, GrubPath, Node, Search, Tree};
pub use image::{BootImage, CoreImage, ImageError, Run};
pub use verdict::{judge, verdict};
