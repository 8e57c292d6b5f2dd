// SPDX-License-Identifier: MIT OR Apache-2.0
//! The package's bytes: read, verified, decompressed, unpacked.
//!
//! [`Payload`] is where the archive's bytes come from. [`unpack::unpack`]
//! writes them onto a mounted root, decoding on threads of its own, and verifies
//! every check of the xz format; [`look`] decodes it to nowhere and says what is
//! in it. [`tmpfs`] holds the archive in RAM; [`memory`]
//! says beforehand whether there is enough of it. [`runs`] reads it from the
//! disk instead, from the places where it lay in a file system that is gone, and
//! [`Copied`] takes another copy of the same in a file.

mod copied;
mod count;
mod limit;
mod look;
pub mod memory;
pub mod runs;
mod source;
mod stream;
pub mod tmpfs;
pub mod unpack;
pub mod verify;
pub mod xz;

pub use copied::{Copied, Differs};
pub use count::Count;
pub use limit::Limit;
pub use look::{LookError, look};
pub use source::{Payload, SourceError};
pub use stream::{Progress, StreamError};
