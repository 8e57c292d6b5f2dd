// SPDX-License-Identifier: MIT OR Apache-2.0
//! `replant check`: whether it would go well. Changes nothing.

use super::arguments::Lines;
use super::bootentry::{Entry, Loader, View};
use super::erase::Forecast;
use super::package::Package;
use super::places::Places;
use super::protection::{self, Obstacle, Question};
use super::space;
use super::survey::Survey;
use super::{Error, display};
use crate::losses;
use crate::machine;
use crate::payload::memory;
use crate::plan::{self, Plan, Refusal};
use crate::report::quote;
use crate::terminal::say;
use ondisk::agreement;
use ondisk::inventory::Facts;
use ondisk::lifeboat::Protected;
use ondisk::manifest::{INITRAMFS, KERNEL, PAYLOAD, Protection, Seal};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// What the tiny system's kernel, its unpacked initramfs and its page tables
/// take of the RAM that the old system sees.
const TINY_SYSTEM: u64 = 96 << 20;

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
    /// What a person should know.
    pub(super) warnings: Vec<String>,
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
}

/// Says whether staging and migrating would go well.
pub fn check(package: &Path, json: bool) -> Result<(), Error> {
    let checked = match checked(package, &[], None).and_then(Checked::with_identity) {
        Ok(checked) => checked,
        Err(error) => {
            if json {
                say(format_args!(
                    "{{\"ok\":false,\"error\":{}}}",
                    quote(&error.to_string())
                ));
            }
            return Err(error);
        }
    };
    if json {
        say(format_args!(
            "{{\"ok\":true,\"disk\":{},\"root\":{},\"boot_loader\":{},\"memory_needed\":{},\"memory\":{},\"console_password\":{},\"protection\":{},\"obstacles\":[{}],\"erase_bytes\":{},\"erase_seconds\":{},{},\"not_carried\":[{}],\"warnings\":[{}],\"plan\":{}}}",
            quote(&checked.plan.disk.display().to_string()),
            quote(&checked.survey.root),
            quote(&checked.entry_file.display().to_string()),
            checked.budget.needed(),
            checked.survey.memory,
            checked.console.is_some(),
            quote(checked.protection.word()),
            list(checked.obstacles.iter().map(Obstacle::to_string)),
            checked.erase.map_or(0, |e| e.bytes),
            number(checked.erase.and_then(Forecast::seconds)),
            super::others::json(&checked.survey.facts.others),
            losses::json(&checked.machine.losses),
            list(checked.warnings()),
            quote(&checked.plan.to_string()),
        ));
    } else {
        say(checked.describe());
        say("this machine can be migrated; nothing was changed");
    }
    Ok(())
}

/// Texts as a list of JSON, without its brackets.
fn list(texts: impl IntoIterator<Item = String>) -> String {
    let quoted = texts.into_iter().map(|text| quote(&text));
    quoted.collect::<Vec<_>>().join(",")
}

/// A number of JSON that may be unknown.
fn number(value: Option<u64>) -> String {
    value.map_or("null".into(), |value| value.to_string())
}

/// All the checks; `append` are words for the tiny system's kernel, `asked` is
/// the level of protection that somebody asked for.
pub(super) fn checked(
    dir: &Path,
    append: &[&str],
    asked: Option<Protection>,
) -> Result<Checked, Error> {
    let time = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |d| d.as_secs());
    let survey = Survey::take(time)?;
    let loader = Loader::detect(Path::new("/"))?;
    loader.check()?;
    let lines = Lines::new(&survey.root, &survey.arguments, append)?;
    let [kernel, initramfs] = super::places::boot_files().map(|name| survey.grub_path(&name));
    let entry = Entry {
        kernel,
        initramfs,
        chain: None,
        boot_uuid: survey.boot_uuid.clone(),
        armed: lines.armed,
        survey: lines.survey,
    };
    let view = View::open(
        &loader,
        &survey.boot_mount,
        &survey.boot_uuid,
        &os_release(),
    )?;
    let normal = view.normal(&loader)?;
    view.forecast(&loader, &entry, &normal)?;
    // Whatever is quick to check is checked before gigabytes are read.
    let package = Package::open(dir)?;
    Places::all().refuse_inside(dir, package.names())?;
    let console = super::console::hash(&package.manifest.console, Path::new("/"))?;
    let plan = Plan::compute(&package.manifest, &package.table, &survey.facts, &mut |b| {
        b.fill(0x5a)
    })?;
    let size = |name: &str| package.expected_size(name);
    let erase = Forecast::of(&package.manifest, &plan.disk)?;
    // The big files are linked, not copied, where the package lies on the
    // root file system. What was staged before goes only when this is whole.
    let copied = package
        .names()
        .filter(|name| !space::can_be_linked(&dir.join(name)))
        .map(size)
        .fold(0, u64::saturating_add);
    let obstacles = protection::judge(&Question {
        package: &package,
        survey: &survey,
        plan: &plan,
        loader: &loader,
        view: &view,
        normal: &normal,
        entry: &entry,
        words: &lines.kernel,
        copied,
        replan: &|protected| replan(&package, &survey, protected),
    })?;
    let protection = protection::choose(asked, package.manifest.protection, &obstacles)?;
    let (entry, place) = match protection {
        Protection::None => (entry, memory::Place::Ram(size(PAYLOAD))),
        Protection::Resume => (protection::chain(&survey, &entry), memory::Place::Disk),
    };
    let budget = memory::plan(&memory::Input {
        available: survey.memory.saturating_sub(TINY_SYSTEM),
        payload: place,
        processors: 1,
    })?;
    space::require_both(
        (Path::new("/"), copied),
        (
            &survey.boot_mount,
            size(KERNEL).saturating_add(size(INITRAMFS)),
        ),
    )?;
    let mut meter = display::Meter::new("verifying the package");
    let verified = package.verify(&mut |done, total| meter.show(done, total));
    meter.clear();
    verified?;
    let mut meter = display::Meter::new("looking through the payload");
    let found = package.look(&mut |done, total| meter.show(done, total));
    meter.clear();
    let found = found?;
    plan.holds(&found.facts)?;
    let mut warnings = Vec::new();
    if package.seal == Seal::Absent {
        warnings.push(
            "migration.toml has no checksum of its own (a package of replant 0.1): whether it was changed is not known"
                .to_string(),
        );
    }
    warnings.extend(found.warnings.iter().map(|w| format!("va.tar.xz: {w}")));
    // The same comparison as when the package was made.
    let (texts, table) = (found.texts.iter(), package.table.table());
    warnings.extend(agreement::verify(texts, table, &package.manifest)?);
    let (mounts, disk) = (machine::mounts()?, &survey.facts.disk);
    let (kept, report) = super::mounts::find(&mounts, disk)?;
    if package.manifest.identity.mounts {
        warnings.extend(report.warnings);
    }
    let machine = identity::Machine {
        losses: super::losses::find(&mounts, disk),
        mounts: kept,
    };
    Ok(Checked {
        package,
        survey,
        entry_file: loader.file()?,
        loader,
        entry,
        view,
        plan,
        budget,
        facts: found.facts,
        warnings,
        console,
        erase,
        protection,
        obstacles,
        words: lines.kernel,
        machine,
    })
}

/// The plan that leaves out what is protected. Its random values are made up.
pub(super) fn replan(
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

/// Whose GRUB it is; without such a file, its authors'.
fn os_release() -> String {
    let paths = ["/etc/os-release", "/usr/lib/os-release"];
    let mut texts = paths.iter().filter_map(|path| std::fs::read(path).ok());
    let text = texts.next().unwrap_or_default();
    String::from_utf8_lossy(&text).into_owned()
}

impl Checked {
    pub(super) fn describe(&self) -> String {
        let mut text = format!(
            "package {} {}\n{}\nmemory: {}\none boot into the tiny system by {}\n{}",
            self.package.manifest.name,
            self.package.manifest.version,
            self.plan,
            self.budget,
            self.entry_file.display(),
            super::others::text(&self.survey.facts.others)
        );
        text += &self.protected();
        if self.console.is_some() {
            text += "\nthe tiny system's console asks for a password";
        }
        if let Some(erase) = self.erase {
            text += &format!("\n{erase}");
        }
        for warning in self.warnings() {
            text += &format!("\nwarning: {warning}");
        }
        text += "\n";
        text += &losses::text(&self.machine.losses);
        text
    }

    /// What a power cut leads to, and why to nothing better.
    fn protected(&self) -> String {
        let mut text = format!("\nprotection: {}", self.protection);
        text += match self.protection {
            Protection::None => {
                ", a machine that loses power after the point of no return has no system"
            }
            Protection::Resume => ", a machine that loses power goes on when it has power again",
        };
        if self.protection == Protection::Resume && !self.package.manifest.has_proof_boot() {
            text += "\nthe package leaves out the restart that proves replant's loader before anything is destroyed (migration.toml: proof_boot = false)";
        }
        if self.protection == Protection::None && self.obstacles.is_empty() {
            text += "\nstage --protection resume would have it so that it goes on";
        }
        for obstacle in &self.obstacles {
            text += &format!("\nin the way of protection \"resume\": {obstacle}");
        }
        text
    }

    /// Adds what saving the identity would say; `stage` says it when it saves.
    fn with_identity(mut self) -> Result<Checked, Error> {
        let live = identity::network::kernel::KernelNetwork::read()?;
        let report = identity::survey(Path::new("/"), Some(&live))?;
        self.warnings.extend(report.warnings);
        Ok(self)
    }

    /// What a person should know before it goes on.
    fn warnings(&self) -> Vec<String> {
        let unknown = &self.survey.arguments.unknown;
        let words = (!unknown.is_empty()).then(|| {
            format!(
                "words of this machine's kernel command line that the tiny system does not get, for nobody knows whether the machine needs them: {}; if it does, give them with --append",
                unknown.join(" ")
            )
        });
        words
            .into_iter()
            .chain(self.warnings.iter().cloned())
            .collect()
    }
}
