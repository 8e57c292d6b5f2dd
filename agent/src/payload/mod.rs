// SPDX-License-Identifier: MIT OR Apache-2.0
//! The package's bytes: read, verified, decompressed, unpacked.
//!
//! [`Payload`] is where the archive's bytes come from. [`unpack::unpack`]
//! writes them onto a mounted root, decoding on threads of its own, and verifies
//! every check of the xz format. [`tmpfs`] holds the archive in RAM; [`memory`]
//! says beforehand whether there is enough of it.

mod count;
mod hash;
mod limit;
pub mod memory;
mod source;
mod stream;
pub mod tmpfs;
pub mod unpack;
pub mod verify;
pub mod xz;

pub use count::Count;
pub use hash::{Hash, Sha256, Sha256Sum};
pub use limit::Limit;
pub use source::{Payload, SourceError};
pub use stream::{Progress, StreamError};
