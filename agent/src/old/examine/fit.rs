// SPDX-License-Identifier: MIT OR Apache-2.0
//! Whether package and machine fit: sizes, memory, room, protection.

use super::{Request, Starting};
use crate::machine::MemInfo;
use crate::old::erase::Forecast;
use crate::old::initramfs::Image;
use crate::old::places::Places;
use crate::old::protection::{self, Obstacle, Question};
use crate::old::rows::Rows;
use crate::old::survey::Survey;
use crate::old::{Package, console, space};
use crate::payload::memory;
use crate::plan::{self, Plan, Refusal};
use ondisk::lifeboat::Protected;
use ondisk::manifest::{INITRAMFS, KERNEL, Protection, Seal};
use std::path::Path;

/// The package, and what was found of the machine.
pub(super) struct FitCheck<'a> {
    request: &'a Request<'a>,
    package: &'a Package,
    survey: Option<&'a Survey>,
    starting: Option<&'a Starting>,
    /// Bytes that staging copies to the root.
    copied: u64,
}

impl<'a> FitCheck<'a> {
    pub(super) fn new(
        request: &'a Request<'a>,
        package: &'a Package,
        survey: Option<&'a Survey>,
        starting: Option<&'a Starting>,
    ) -> FitCheck<'a> {
        // Big files get a second name instead of a copy where the package lies on
        // the root file system. What was staged before still takes space until
        // the new files are complete.
        let copied = package
            .names()
            .filter(|name| !space::can_be_linked(&request.dir.join(name)))
            .map(|name| package.expected_size(name))
            .fold(0, u64::saturating_add);
        FitCheck {
            request,
            package,
            survey,
            starting,
            copied,
        }
    }

    /// Computes the whole plan, to see that it exists. Its random values are made
    /// up and thrown away.
    pub(super) fn plan(&self, rows: &mut Rows) -> Option<Plan> {
        let Some(survey) = self.survey else {
            rows.skip("plan", "it depends on the machine's disk");
            return None;
        };
        for disk in &survey.facts.others.disks {
            if !disk.unclear.is_empty() {
                rows.warn(
                    "disks",
                    format_args!(
                        "{} is not written, but what is on it is not understood ({}): whether it needs the replaced disk is not known; look at it before you go on",
                        disk.device,
                        disk.unclear.join(", ")
                    ),
                );
            }
        }
        let facts = survey.facts.protected.clone();
        let plan = rows.take("plan", replan(self.package, survey, facts))?;
        rows.fine("plan", "table, volume groups and file systems fit the disk");
        Some(plan)
    }

    /// What erasing will take, if the package asks for it.
    pub(super) fn erase(&self, plan: Option<&Plan>, rows: &mut Rows) -> Option<Option<Forecast>> {
        let forecast = Forecast::of(&self.package.manifest, &plan?.disk);
        let forecast = rows.take("erase", forecast)?;
        if let Some(erase) = forecast {
            rows.fine("erase", erase);
        }
        Some(forecast)
    }

    /// The level of protection, and what is in the way of a better one.
    pub(super) fn protection(
        &self,
        plan: Option<&Plan>,
        rows: &mut Rows,
    ) -> Option<(Protection, Vec<Obstacle>)> {
        let (Some(plan), Some(survey), Some(starting)) = (plan, self.survey, self.starting) else {
            rows.skip("protection", "it depends on what is in the way above");
            return None;
        };
        let obstacles = protection::judge(&Question {
            package: self.package,
            survey,
            plan,
            loader: &starting.loader,
            view: &starting.view,
            normal: &starting.normal,
            entry: &starting.entry,
            words: &starting.words,
            copied: self.copied,
            replan: &|protected| replan(self.package, survey, protected),
        });
        let obstacles = rows.take("protection", obstacles)?;
        let manifest = &self.package.manifest;
        let level = protection::choose(self.request.protection, manifest.protection, &obstacles);
        let level = rows.take("protection", level)?;
        let leads_to = match level {
            Protection::None => {
                "a machine that loses power after the point of no return has no system"
            }
            Protection::Resume => "a machine that loses power goes on when it has power again",
        };
        rows.fine("protection", format_args!("{level}, {leads_to}"));
        if level == Protection::Resume && !manifest.has_proof_boot() {
            rows.warn(
                "protection",
                "the package leaves out the restart that proves replant's loader before anything is destroyed (migration.toml: proof_boot = false)",
            );
        }
        if level == Protection::None && obstacles.is_empty() {
            rows.warn(
                "protection",
                "a power cut leaves this machine without a system, and need not; stage --protection resume would have it so that it goes on",
            );
        }
        for obstacle in &obstacles {
            rows.warn(
                "protection",
                format_args!("in the way of protection \"resume\": {obstacle}"),
            );
        }
        Some((level, obstacles))
    }

    /// Whether there is room for what staging makes.
    pub(super) fn room(&self, rows: &mut Rows) {
        let boot = self.survey.map_or(Path::new("/boot"), |s| &s.boot_mount);
        let size = |name: &str| self.package.expected_size(name);
        let for_boot = size(KERNEL).saturating_add(size(INITRAMFS));
        let found = space::require_both((Path::new("/"), self.copied), (boot, for_boot));
        if found.is_empty() {
            rows.fine(
                "space",
                format_args!(
                    "room for {} MiB on / and {} MiB in {}",
                    self.copied >> 20,
                    for_boot >> 20,
                    boot.display()
                ),
            );
        }
        for error in &found {
            rows.error("space", error);
        }
    }
}

/// Computes the plan that leaves out the protected ranges, with made-up random
/// values.
pub(in crate::old) fn replan(
    package: &Package,
    survey: &Survey,
    protected: Protected,
) -> Result<Plan, Refusal> {
    let facts = plan::Facts {
        protected,
        ..survey.facts.clone()
    };
    let mut random = |bytes: &mut [u8]| bytes.fill(0x5a);
    Plan::compute(&package.manifest, &package.table, &facts, &mut random)
}

/// Whether the package lies where it may, and what protects the console.
pub(super) fn console(dir: &Path, package: &Package, rows: &mut Rows) -> Option<Option<String>> {
    rows.take("package", Places::all().refuse_inside(dir, package.names()));
    if package.seal == Seal::Absent {
        rows.warn("package", ondisk::package::UNSEALED);
    }
    let hash = console::hash(&package.manifest.console, Path::new("/"));
    let hash = rows.take("console", hash)?;
    rows.fine(
        "console",
        match hash {
            Some(_) => "the tiny system's console asks for a password",
            None => "the tiny system's console asks for no password",
        },
    );
    Some(hash)
}

/// Adds up the memory as the tiny system will do it. While it is not known
/// whether the payload will be in RAM or on the disk, only the smaller need is
/// compared.
pub(super) fn memory(
    image: &Image,
    place: Option<memory::Medium>,
    rows: &mut Rows,
) -> Option<memory::Budget> {
    let total = rows.take("memory", MemInfo::read())?.total;
    let sum = memory::plan(&memory::Input {
        available: memory::in_the_tiny_system(total, image.bytes),
        payload: place.unwrap_or(memory::Medium::Disk),
        processors: 1,
    });
    let budget = rows.take("memory", sum)?;
    match place {
        Some(_) => rows.fine("memory", budget),
        None => rows.skip("memory", "where the payload will be is not known"),
    }
    Some(budget)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::old::output::Output;
    use crate::old::rows::State;

    #[test]
    fn memory_counts_what_the_initramfs_takes() {
        let sum = |bytes, place| {
            let mut rows = Rows::new(Output::Silent);
            let budget = memory(&Image::of_size(bytes), place, &mut rows);
            let row = rows.iter().next().unwrap().clone();
            (budget, row.state, row.text())
        };
        let (budget, state, _) = sum(20 << 20, Some(memory::Medium::Disk));
        let (smaller, ..) = sum(40 << 20, Some(memory::Medium::Disk));
        assert_eq!(state, State::Fine);
        assert_eq!(
            budget.unwrap().available - smaller.unwrap().available,
            20 << 20
        );
        let much = memory::Medium::Ram(u64::MAX / 2);
        let (budget, state, text) = sum(0, Some(much));
        assert_eq!((budget, state), (None, State::Refused));
        assert!(text.contains("; give the machine"), "{text}");
        assert_eq!(sum(0, None).1, State::Skipped);
    }
}
