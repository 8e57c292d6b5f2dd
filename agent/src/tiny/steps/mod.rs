// SPDX-License-Identifier: MIT OR Apache-2.0
//! The migration: a list of steps.
//!
//! Each step is a type of its own in a file of its own. A step is idempotent:
//! run twice, the result is the same. Steps share a [`Context`] and never
//! call each other.

mod boot;
mod context;
mod discover;
mod erase;
mod error;
mod finish;
mod format;
mod identity;
mod load;
mod mark;
mod openat2;
mod panics;
mod partition;
mod preflight;
mod run;
mod staged;
mod switch;
mod unpack;
mod volumes;
mod wipe;

pub use context::{Context, Found, Loaded};
pub use error::{Error, Failure};
pub use mark::{Mark, Sign};
pub use run::{migrate, rehearse};

/// A step of the migration.
pub trait Step {
    /// Its name, one word: in the display, in the log, for `replant.break=`.
    fn name(&self) -> &'static str;

    /// Does its work; the same again when run again.
    fn run(&self, context: &mut Context) -> Result<(), Error>;

    /// Looks whether the work is really done, on the disk where it can.
    fn confirm(&self, context: &mut Context) -> Result<(), Error>;
}

/// The names of all steps in their order.
pub fn names() -> Vec<&'static str> {
    BEFORE
        .iter()
        .chain(&AFTER)
        .map(|step| step.name())
        .collect()
}

/// What is done before the point of no return: nothing on the disk changes.
pub const BEFORE: [&dyn Step; 3] = [&discover::Discover, &load::Load, &preflight::Preflight];

/// What is done after it.
pub const AFTER: [&dyn Step; 10] = [
    &wipe::Wipe,
    &partition::Partition,
    &volumes::Volumes,
    &format::Format,
    &unpack::Unpack,
    &identity::Identity,
    &boot::Boot,
    &erase::Erase,
    &finish::Finish,
    &switch::Switch,
];
