// SPDX-License-Identifier: MIT OR Apache-2.0
//! Runs a migration from its beginning, or from where it stopped.

use super::run::{after, rehearse, resume};
use super::{Context, Error, Failure, Next, course};
use crate::cmdline::Cmdline;
use contract::cmdline::LIFEBOAT;

/// Migrates: all the steps, or, once it has begun, those that are left.
///
/// # Errors
/// [`Failure`] names the step, and says whether the disk may have been written
/// to.
pub fn migrate(context: &mut Context, begun: bool, by_hand: bool) -> Result<Next, Failure> {
    if let Some(address) = context.cmdline.lifeboat {
        return course::run(context, address, by_hand);
    }
    if let Some(error) = misread(&context.cmdline) {
        return Err(Failure {
            step: "resume",
            past_no_return: begun,
            error: Box::new(error),
        });
    }
    if let Some(from) = context.elsewhere.take() {
        context.reporter.line(&format!(
            "{from} is not used: this migration has its payload in memory"
        ));
    }
    if begun {
        resume(context)?;
    } else {
        rehearse(context)?;
        after(context)?;
    }
    Ok(Next::New)
}

/// Refuses an address that cannot be parsed. It must not count as missing: /init
/// takes this for a migration that continues by itself, and the disk may be half
/// rewritten.
fn misread(cmdline: &Cmdline) -> Option<Error> {
    let mut words = cmdline.unknown.iter();
    let word = words.find(|word| word.contains(LIFEBOAT))?;
    Some(Error::Unknown(Box::new(Error::NoAddress {
        word: word.clone(),
    })))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_cannot_be_read_is_none_that_is_missing() {
        for line in [
            "replant=migrate",
            "replant=migrate replant.lifeboat replant.x",
        ] {
            assert!(misread(&Cmdline::parse(line)).is_none(), "{line}");
        }
        for word in ["replant.lifeboat=00,1,2,8,16", "\"replant.lifeboat=\""] {
            let line = Cmdline::parse(&format!("replant=migrate {word}"));
            let error = misread(&line).unwrap().to_string();
            assert!(error.contains("is no address"), "{error}");
        }
    }
}
