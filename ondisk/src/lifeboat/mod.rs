// SPDX-License-Identifier: MIT OR Apache-2.0
//! The formats of what lies on the disk while a migration can be cut off at any
//! moment.

mod address;
mod allowed;
pub mod blob;
pub mod boot_sector;
mod filler;
mod fits;
mod id;
mod protected;
pub mod record;
mod role;
pub mod state;
mod stream;

// Where its files lie.
pub use crate::run::{Run, SECTOR, SECTOR_LEN, TooShort, cut, join};
pub use address::{Address, BadAddress};
pub use allowed::{AllowedError, DataArea, allowed, data_areas};
pub use blob::{Blob, BlobError};
pub use boot_sector::{BootSector, BootSectorError};
pub use filler::{BLOCK, Filler, Misplaced};
pub use fits::{Piece, fits};
pub use id::{BadId, Id};
pub use protected::{Protected, ProtectedError};
pub use role::{Role, Twin};
pub use stream::Stream;
