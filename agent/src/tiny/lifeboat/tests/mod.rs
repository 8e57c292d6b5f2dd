// SPDX-License-Identifier: MIT OR Apache-2.0
//! On images of a disk that was staged.

mod cuts;
mod image;
mod looks;
mod mended;

pub(crate) use image::armed;
