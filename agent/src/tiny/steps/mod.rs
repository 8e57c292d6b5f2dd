// SPDX-License-Identifier: MIT OR Apache-2.0
//! The migration: a list of steps.
//!
//! Each step is a type of its own in a file of its own. A step is idempotent:
//! run twice, the result is the same. Steps share a [`Context`] and never
//! call each other.

mod arm;
mod boot;
mod context;
mod course;
mod discover;
mod elsewhere;
mod erase;
mod error;
mod finish;
mod format;
mod heirs;
mod identity;
mod load;
mod mark;
mod migrate;
mod mounts;
mod next;
mod openat2;
mod panics;
mod partition;
mod preflight;
mod record;
mod release;
mod rest;
mod run;
mod staged;
mod switch;
mod unpack;
mod volumes;
mod wipe;

pub use context::{Context, Discovered, Loaded};
pub use error::{Error, Failure};
pub use mark::{Mark, Sign};
pub use migrate::migrate;
pub use next::Next;
pub use run::rehearse;

/// A step of the migration.
pub trait Step {
    /// Its name, one word: in the display, in the log, for `replant.break=`.
    fn name(&self) -> &'static str;

    /// Does its work; running it again gives the same result.
    fn run(&self, context: &mut Context) -> Result<(), Error>;

    /// Checks that the work is really done, on the disk where possible.
    fn confirm(&self, context: &mut Context) -> Result<(), Error>;
}

/// The names of all steps in their order.
pub fn names() -> Vec<&'static str> {
    steps(true).map(|step| step.name()).collect()
}

/// The steps in their order; some exist only with a lifeboat.
fn steps(lifeboat: bool) -> impl Iterator<Item = &'static dyn Step> {
    let only = |step| lifeboat.then_some(step);
    let before = BEFORE.into_iter().chain(only(ARM));
    before.chain(AFTER).chain(only(RELEASE))
}

/// The steps before the point of no return; they change nothing on the disk.
pub const BEFORE: [&dyn Step; 3] = [&discover::Discover, &load::Load, &preflight::Preflight];

/// The step in between, only where the migration survives a power cut.
pub const ARM: &dyn Step = &arm::Arm;

/// The last step in that case, when the disk starts the new system already.
pub const RELEASE: &dyn Step = &release::Release;

/// The steps after the point of no return.
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
