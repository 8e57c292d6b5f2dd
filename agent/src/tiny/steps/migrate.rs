// SPDX-License-Identifier: MIT OR Apache-2.0
//! A migration from its beginning, or from where it is.

use super::run::{after, rehearse, resume};
use super::{Context, Failure, Next, course};

/// Migrates: all the steps, or, once it has begun, those that are left.
///
/// # Errors
/// [`Failure`] names the step; whether the disk may have been written is in it.
pub fn migrate(context: &mut Context, begun: bool, by_hand: bool) -> Result<Next, Failure> {
    if let Some(address) = context.cmdline.lifeboat {
        return course::run(context, address, by_hand);
    }
    if begun {
        resume(context)?;
    } else {
        rehearse(context)?;
        after(context)?;
    }
    Ok(Next::New)
}
