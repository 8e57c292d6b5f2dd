// SPDX-License-Identifier: MIT OR Apache-2.0
//! GRUB 2 on BIOS machines: its environment block, and its images on a disk.

mod env;
mod image;

pub use env::{Env, EnvError};
pub use image::{BootImage, CoreImage, ImageError, Run};
