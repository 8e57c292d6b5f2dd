// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where things lie, on the old system and in the tiny one.

use contract::path::{self, text};

/// Directory of the staged package, below the old root.
pub const STAGED_DIR: &str = "etc/upd";
/// The staged record in that directory.
pub const STAGED: &str = "staged.toml";
/// The saved identity in that directory.
pub const IDENTITY: &str = "identity";
/// Report of a migration that failed, in that directory.
pub const FAILURE_REPORT: &str = "report.txt";

/// Public keys of those whose packages the old system takes.
pub const TRUSTED_KEYS: &str = "/etc/replant/trusted-keys";

/// Directory of the migration's records, below the new root.
pub const NEW_LOGS: &str = "var/log/replant";
/// Its log in that directory.
pub const MIGRATION_LOG: &str = "migration.log";

/// What the tiny system keeps in RAM.
pub const RUN: &str = text(path::RUN);
/// The log.
pub const LOG: &str = "/run/replant/log";
/// The payload's own tmpfs.
pub const PAYLOAD_DIR: &str = "/run/replant/payload";
/// Its existence means that the disk may have been written to.
pub const POINT_OF_NO_RETURN: &str = text(path::POINT_OF_NO_RETURN);
/// Why the migration stopped, for the console.
pub const FAILURE: &str = text(path::FAILURE);
/// Hash of the console's password, in the initramfs.
pub const CONSOLE_PASSWORD: &str = text(path::CONSOLE_PASSWORD);
/// The step before which `replant.break=` has stopped already.
pub const BROKE: &str = "/run/replant/break-done";
/// /init makes it when somebody asks the migration to stop.
pub const STOP: &str = text(path::STOP);
/// A number that changes while the migration gets on.
pub const PROGRESS: &str = text(path::PROGRESS);
/// Exists while the recovery console runs a command.
pub const CONSOLE_BUSY: &str = text(path::CONSOLE_BUSY);
/// Exists while the machine would not continue the migration after a restart.
pub const MUST_STAY: &str = text(path::MUST_STAY);
/// `DEVICE:PATH` of a payload that a person named on the console.
pub const PAYLOAD_FROM: &str = "/run/replant/payload-from";
/// Where that device is mounted, read-only.
pub const ELSEWHERE: &str = "/run/replant/elsewhere";
/// The program that replaces os-prober while programs run in the new root.
pub const NO_PROBER: &str = "/run/replant/no-prober";
/// Where the old root is mounted, read-only.
pub const OLD_ROOT: &str = "/run/replant/old";
/// Where the new root is mounted.
pub const NEW_ROOT: &str = "/sysroot";

/// Whether the disk may have been written to already. An error counts as yes,
/// because assuming so does no harm.
pub fn begun() -> bool {
    std::path::Path::new(POINT_OF_NO_RETURN)
        .try_exists()
        .unwrap_or(true)
}
