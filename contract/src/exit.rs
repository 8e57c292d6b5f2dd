// SPDX-License-Identifier: MIT OR Apache-2.0
//! How the agent tells `/init` what comes next.

/// What the agent asks `/init` for by its exit status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// A reboot.
    Reboot = 20,
    /// The machine switched off.
    PowerOff = 21,
    /// The recovery console.
    Console = 22,
    /// From the recovery console only: the migration, by hand.
    Migrate = 23,
}

impl Exit {
    /// The exit status that asks for it.
    pub const fn status(self) -> u8 {
        self as u8
    }

    /// What an exit status asks for.
    pub fn from_status(status: i32) -> Option<Exit> {
        [Exit::Reboot, Exit::PowerOff, Exit::Console, Exit::Migrate]
            .into_iter()
            .find(|exit| i32::from(exit.status()) == status)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses() {
        for status in -1..=256 {
            let exit = Exit::from_status(status);
            let status = u8::try_from(status).ok();
            assert_eq!(exit.is_some(), matches!(status, Some(20..=23)));
            assert!(exit.is_none_or(|exit| Some(exit.status()) == status));
        }
    }
}
