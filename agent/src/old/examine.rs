// SPDX-License-Identifier: MIT OR Apache-2.0
//! All checks of `check` and `stage`, in their order. A finding does not end the
//! others, except those that need a result that is missing.

mod content;
mod fit;
mod starting;

use super::Error;
use super::bootentry::{Entry, Loader, View};
use super::duration::Measured;
use super::erase::Forecast;
use super::initramfs::Image;
use super::package::{Package, Sealed};
use super::protection::{self, Obstacle};
use super::rows::Rows;
use super::staged::Signed;
use super::survey::Survey;
use super::trust::{self, Trust};
use crate::paths;
use crate::payload::memory;
use crate::plan::Plan;
use fit::FitCheck;
use ondisk::inventory::Facts;
use ondisk::manifest::{PAYLOAD, Protection};
use starting::Starting;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

pub(super) use fit::replan;

/// What is to be checked.
pub(super) struct Request<'a> {
    /// The package's directory.
    pub(super) dir: &'a Path,
    /// Additional words for the tiny system's kernel command line.
    pub(super) append: &'a [&'a str],
    /// The level of protection asked for on the command line.
    pub(super) protection: Option<Protection>,
    /// Whether the payload is read even if something is in the way already.
    pub(super) thorough: bool,
    /// Files of keys that are trusted, beside the installed ones.
    pub(super) trust: &'a [PathBuf],
}

/// A package and a machine that fit each other.
pub(super) struct Checked {
    pub(super) package: Package,
    /// Who signed it, if only signed ones are taken here.
    pub(super) signature: Option<Signed>,
    pub(super) survey: Survey,
    pub(super) loader: Loader,
    pub(super) entry: Entry,
    pub(super) view: View,
    pub(super) entry_file: PathBuf,
    pub(super) plan: Plan,
    pub(super) budget: memory::Budget,
    /// What is in the payload.
    pub(super) facts: Facts,
    /// Hash of the tiny console's password.
    pub(super) console: Option<String>,
    /// What erasing free space will take.
    pub(super) erase: Option<Forecast>,
    /// The level of protection that the machine gets.
    pub(super) protection: Protection,
    /// What keeps the machine from a better level.
    pub(super) obstacles: Vec<Obstacle>,
    /// The kernel's command line in the armed boot.
    pub(super) words: String,
    /// What is not carried over, and which file systems stay mounted.
    pub(super) machine: identity::Machine,
    /// What the duration is estimated from.
    pub(super) measured: Option<Measured>,
}

/// The package, if who signed it is trusted here. Of one that is not, nothing is
/// looked at.
fn package(request: &Request, rows: &mut Rows) -> Option<(Package, Option<Signed>)> {
    let trust = Trust::read(Path::new(paths::TRUSTED_KEYS), request.trust, rows);
    trust::suspect(request.trust, request.dir, rows);
    let sealed = rows.take("package", Sealed::read(request.dir))?;
    let signature = trust?.judge(&sealed, rows)?;
    let package = rows.take("package", Package::of(sealed))?;
    if signature.is_some() {
        trust::unbound(&package.dir, &package.manifest, rows);
    }
    Some((package, signature))
}

/// Makes the checks, and adds a row for each. Returns what they found if nothing
/// is in the way.
///
/// # Errors
/// When no check could be made at all.
pub(super) fn examine(request: &Request, rows: &mut Rows) -> Result<Option<Checked>, Error> {
    let time = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |d| d.as_secs());
    let survey = Survey::take(time, rows)?;
    let starting = Starting::find(survey.as_ref(), request.append, rows);
    let Some((package, signature)) = package(request, rows) else {
        rows.skip("plan", "there is no package that may be looked at");
        return Ok(None);
    };
    let console = fit::console(request.dir, &package, rows);
    let fit = FitCheck::new(request, &package, survey.as_ref(), starting.as_ref());
    let plan = fit.plan(rows);
    let erase = fit.erase(plan.as_ref(), rows);
    let protection = fit.protection(plan.as_ref(), rows);
    let image = Image::of(&package, rows);
    let place = protection.as_ref().map(|(level, _)| match level {
        Protection::None => memory::Medium::Ram(package.expected_size(PAYLOAD)),
        Protection::Resume => memory::Medium::Disk,
    });
    let budget = fit::memory(&image, place, rows);
    if let Some(survey) = &survey {
        image.compare(survey, rows);
    }
    fit.room(rows);
    if !request.thorough && !rows.is_clear() {
        rows.skip("payload", "something is in the way already");
        return Ok(None);
    }
    let decoded = content::look(&package, rows);
    if let (Some(decoded), Some(plan)) = (&decoded, &plan) {
        rows.take("plan", plan.holds(&decoded.found.facts));
    }
    let machine = content::identity(survey.as_ref(), &package, decoded.as_ref(), rows);
    let disk = plan.as_ref().map(|plan| plan.disk.as_path());
    let measured = decoded
        .as_ref()
        .and_then(|decoded| decoded.measure(disk, rows));
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
            signature,
            survey,
            entry_file: starting.file,
            loader: starting.loader,
            entry,
            view: starting.view,
            plan: plan?,
            budget: budget?,
            facts: decoded?.found.facts,
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
