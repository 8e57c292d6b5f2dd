// SPDX-License-Identifier: MIT OR Apache-2.0
//! All the checks of `check` and `stage`, in their order. What one of them
//! finds does not end the others, but for those that need what it did not find.

mod content;
mod fit;
mod starting;

use super::Error;
use super::bootentry::{Entry, Loader, View};
use super::duration::Measured;
use super::erase::Forecast;
use super::initramfs::Image;
use super::package::Package;
use super::protection::{self, Obstacle};
use super::rows::Rows;
use super::survey::Survey;
use crate::payload::memory;
use crate::plan::Plan;
use fit::Fit;
use ondisk::inventory::Facts;
use ondisk::manifest::{INITRAMFS, PAYLOAD, Protection};
use starting::Starting;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

pub(super) use fit::replan;

/// What is to be checked.
pub(super) struct Asked<'a> {
    /// The package's directory.
    pub(super) dir: &'a Path,
    /// Words for the tiny system's kernel.
    pub(super) append: &'a [&'a str],
    /// The level of protection that somebody asked for.
    pub(super) protection: Option<Protection>,
    /// Whether gigabytes are read although something is in the way already.
    pub(super) thorough: bool,
}

/// A package and a machine that fit each other.
pub(super) struct Checked {
    pub(super) package: Package,
    pub(super) survey: Survey,
    pub(super) loader: Loader,
    pub(super) entry: Entry,
    pub(super) view: View,
    /// The file that gets the entry.
    pub(super) entry_file: PathBuf,
    pub(super) plan: Plan,
    pub(super) budget: memory::Budget,
    /// What is in the payload.
    pub(super) facts: Facts,
    /// Hash of the tiny console's password.
    pub(super) console: Option<String>,
    /// What erasing free space will take.
    pub(super) erase: Option<Forecast>,
    /// What a power cut will lead to.
    pub(super) protection: Protection,
    /// What is in the way of a better one.
    pub(super) obstacles: Vec<Obstacle>,
    /// The kernel's words in the armed boot, as it is to get them.
    pub(super) words: String,
    /// What is not carried over, and which file systems stay mounted.
    pub(super) machine: identity::Machine,
    /// What the migration's duration is guessed from.
    pub(super) measured: Option<Measured>,
}

/// Makes the checks. Where nothing is in the way, all that they found is
/// returned; what they say is in the rows.
///
/// # Errors
/// When nothing could be found out at all.
pub(super) fn examine(asked: &Asked, rows: &mut Rows) -> Result<Option<Checked>, Error> {
    let time = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |d| d.as_secs());
    let survey = Survey::take(time, rows)?;
    let starting = Starting::find(survey.as_ref(), asked.append, rows);
    let package = rows.take("package", Package::open(asked.dir));
    let Some(package) = package else {
        rows.skip("plan", "there is no package that could be looked at");
        return Ok(None);
    };
    let console = fit::console(asked.dir, &package, rows);
    let fit = Fit::new(asked, &package, survey.as_ref(), starting.as_ref());
    let plan = fit.plan(rows);
    let erase = fit.erase(plan.as_ref(), rows);
    let protection = fit.protection(plan.as_ref(), rows);
    let image = Image::read(&package.dir.join(INITRAMFS), rows);
    let place = protection.as_ref().map(|(level, _)| match level {
        Protection::None => memory::Place::Ram(package.expected_size(PAYLOAD)),
        Protection::Resume => memory::Place::Disk,
    });
    let budget = fit::memory(&image, place, rows);
    if let Some(survey) = &survey {
        image.compare(survey, rows);
    }
    fit.room(rows);
    if !asked.thorough && !rows.is_clear() {
        rows.skip("payload", "something is in the way already");
        return Ok(None);
    }
    let looked = content::look(&package, rows);
    if let (Some(looked), Some(plan)) = (&looked, &plan) {
        rows.take("plan", plan.holds(&looked.found.facts));
    }
    let machine = content::identity(survey.as_ref(), &package, looked.as_ref(), rows);
    let disk = plan.as_ref().map(|plan| plan.disk.as_path());
    let measured = looked
        .as_ref()
        .and_then(|looked| looked.measure(disk, rows));
    if !rows.is_clear() {
        return Ok(None);
    }
    let whole = || {
        let (protection, obstacles) = protection?;
        let (survey, starting) = (survey?, starting?);
        let entry = match protection {
            Protection::None => starting.entry,
            Protection::Resume => protection::chain(&survey, &starting.entry),
        };
        Some(Checked {
            package,
            survey,
            entry_file: starting.file,
            loader: starting.loader,
            entry,
            view: starting.view,
            plan: plan?,
            budget: budget?,
            facts: looked?.found.facts,
            console: console?,
            erase: erase?,
            protection,
            obstacles,
            words: starting.words,
            machine: machine?,
            measured,
        })
    };
    Ok(whole())
}
