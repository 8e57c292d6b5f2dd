// SPDX-License-Identifier: MIT OR Apache-2.0
//! Checks that read the whole package, and what of this machine will be carried
//! over.

use crate::disk::Disk;
use crate::machine;
use crate::old::duration::Measured;
use crate::old::output::Meter;
use crate::old::package::Package;
use crate::old::rows::{Rows, State};
use crate::old::survey::Survey;
use crate::old::{Error, erase, hardware, losses, mounts};
use ondisk::inventory::Report;
use ondisk::manifest::PAYLOAD;
use std::path::Path;
use std::time::Instant;

/// The result of reading the payload.
pub(super) struct Decoded {
    pub(super) found: Report,
    /// Milliseconds that decoding took.
    took: u64,
}

/// Compares every byte with the manifest, then decodes the payload.
pub(super) fn look(package: &Package, rows: &mut Rows) -> Option<Decoded> {
    let mut meter = Meter::new(rows.output(), "check", "verifying the package");
    let damage = package.verify(&mut |done, total| meter.show(done, total));
    meter.clear();
    for (_, error) in &damage {
        rows.error("package", error);
    }
    if damage.is_empty() {
        let (name, version) = (&package.manifest.name, &package.manifest.version);
        rows.fine(
            "package",
            format_args!("{name} {version}, as it was made")
                .to_string()
                .replace(" ,", ","),
        );
    }
    if damage.iter().any(|(name, _)| name == PAYLOAD) {
        rows.skip("payload", "it is damaged");
        return None;
    }
    let began = Instant::now();
    let mut meter = Meter::new(rows.output(), "check", "looking through the payload");
    let found = package.look(&mut |done, total| meter.show(done, total));
    meter.clear();
    let took = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    let found = rows.take("payload", found)?;
    // `replant-pack verify` asks the same function.
    let judged = ondisk::package::judge(&package.manifest, package.table.table(), &found);
    for warning in rows.take("payload", judged)? {
        rows.warn("payload", warning);
    }
    let facts = &found.facts.payload;
    rows.fine(
        "payload",
        format_args!(
            "{} members, {} MiB; kernel {}",
            facts.entries,
            facts.unpacked_bytes >> 20,
            facts.kernels.first().map_or("none", String::as_str)
        ),
    );
    Some(Decoded { found, took })
}

impl Decoded {
    /// What a forecast of the duration is made from.
    pub(super) fn measure(&self, disk: Option<&Path>, rows: &mut Rows) -> Option<Measured> {
        let rate = Disk::open(disk?).map_err(Error::from);
        let rate = match rate.and_then(|disk| erase::read_rate(&disk)) {
            Ok(rate) => rate,
            // Nothing depends on the forecast.
            Err(error) => {
                rows.warn("duration", format_args!("it cannot be told: {error}"));
                return None;
            }
        };
        let payload = &self.found.facts.payload;
        let measured = Measured {
            decoding: self.took,
            processors: machine::processors(),
            unpacked: payload.unpacked_bytes,
            rate,
            kernels: payload.kernels.len() as u64,
        };
        rows.fine("duration", measured);
        Some(measured)
    }
}

/// Which parts of this machine's identity the new system gets, and which it does
/// not.
pub(super) fn identity(
    survey: Option<&Survey>,
    package: &Package,
    decoded: Option<&Decoded>,
    rows: &mut Rows,
) -> Option<identity::Machine> {
    let live = rows.take("identity", identity::network::kernel::KernelNetwork::read());
    if let Some(decoded) = decoded {
        let requires = package.manifest.requires;
        hardware::compare(&decoded.found, requires, survey, live.as_ref(), rows);
    }
    let before = rows.count(State::Warning);
    let new = decoded.map(|payload| payload.found.texts.os_release());
    let new = new.filter(|_| package.manifest.identity.accounts);
    let report = live.and_then(|live| {
        let carry = &package.manifest.carry.paths;
        let report = identity::survey(Path::new("/"), Some(&live), new.as_ref(), carry);
        rows.take("identity", report)
    });
    for warning in report.iter().flat_map(|report| &report.warnings) {
        rows.warn("identity", warning);
    }
    let Some(survey) = survey else {
        rows.skip("lost", "it depends on the machine's disk");
        return None;
    };
    let disk = &survey.facts.disk;
    let all = rows.take("mounts", machine::mounts())?;
    let (kept, said) = rows.take("mounts", mounts::find(&all, disk))?;
    if package.manifest.identity.mounts {
        for warning in &said.warnings {
            rows.warn("mounts", warning);
        }
    }
    let carry = package.manifest.carry.paths.clone();
    let mut losses = losses::find(&all, disk);
    losses.retain(|loss| !carry.iter().any(|path| loss.is_below(path)));
    if report.is_some() && rows.count(State::Warning) == before {
        rows.fine("identity", "all of it can be carried over");
    }
    rows.fine(
        "lost",
        match losses.len() {
            0 => "nothing was found that the new system lacks".to_string(),
            count => format!("{count} things are not carried over, which are listed"),
        },
    );
    Some(identity::Machine {
        losses,
        mounts: kept,
        carry,
    })
}
