// SPDX-License-Identifier: MIT OR Apache-2.0
//! Devices of this machine: what sysfs and uevents say, and the modules that they ask for.
//!
//! In the tiny system nobody else loads modules: no udev, no modprobe.
//! [`Devices`] walks sysfs once (`coldplug`), then follows the kernel's
//! uevents, loads what each modalias asks for, and waits for disks by the same
//! events. Device nodes are devtmpfs's job.

mod coldplug;
mod drivers;
mod events;
mod image;
mod modules;
mod parameters;
mod served;
#[cfg(test)]
mod tests;
mod uevent;
mod unserved;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::block::{self, BlockDevice, SYS};
use rustix::io::Errno;
use sys::FileError;
use sys::transient;

pub use coldplug::devices;
pub use drivers::Drivers;
pub use events::Events;
pub use image::check as check_image;
pub use modules::{Modules, modprobe};
pub use parameters::Parameters;
pub use served::{Served, above};
pub use uevent::{Action, Uevent};
pub use unserved::{Foreseen, Unserved, foresee, matters};

/// Longest time between two looks at the devices although no event came.
const TICK: Duration = Duration::from_secs(2);

/// What can go wrong with devices and modules.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The initramfs was not unpacked to its end.
    #[error(
        "the initramfs is incomplete ({path} is missing or cut off): it is damaged or RAM is too small; \
         stage the package again on the old system"
    )]
    Incomplete { path: PathBuf },
    /// Kernel and initramfs do not belong together.
    #[error(
        "this initramfs holds the modules of kernel {image}, but {running} is running; \
         boot vmlinuz-convert and initramfs-convert.img of the same package"
    )]
    Kernel { image: String, running: String },
    /// A file or directory that cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// The index of the modules is damaged.
    #[error("{directory}: {source}")]
    Index {
        directory: PathBuf,
        source: ondisk::modules::Error,
    },
    /// A module that is wanted and not in the image.
    #[error(
        "kernel module {wanted}{by} is not in this initramfs (kernel {kernel}); \
         make it again with `replant-pack initramfs --with {wanted}`"
    )]
    NotThere {
        wanted: String,
        /// `, which MODULE needs,` or nothing.
        by: String,
        kernel: String,
    },
    /// A module that the kernel refuses.
    #[error("cannot load kernel module {module}: {source}; {hint}")]
    Load {
        module: String,
        source: Errno,
        /// What the kernel's errno means for a module.
        hint: &'static str,
    },
    /// No uevents.
    #[error("cannot listen to the kernel's uevents: {0}")]
    Events(Errno),
    /// A device did not appear in time.
    #[error("{what} did not appear within {seconds} s; {found}{unserved}")]
    Timeout {
        what: String,
        seconds: u64,
        /// The disks that are there.
        found: String,
        /// Devices that may hide it because they have no driver, each with `; `
        /// before it.
        unserved: String,
    },
}

impl Error {
    /// Whether trying again may succeed.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::File(error) => error.is_transient(),
            Self::Load { source, .. } | Self::Events(source) => transient::errno(*source),
            Self::Timeout { .. } => true,
            Self::Incomplete { .. }
            | Self::Kernel { .. }
            | Self::Index { .. }
            | Self::NotThere { .. } => false,
        }
    }
}

/// All devices of the machine, with their modules loaded as they appear.
#[derive(Debug)]
pub struct Devices {
    modules: Modules,
    events: Events,
    sys: PathBuf,
    /// Modaliases that were looked up already; each is loaded for once only.
    seen: BTreeSet<String>,
}

impl Devices {
    /// Starts to listen to uevents and reads the index of the running kernel's
    /// modules. `cmdline` is the text of /proc/cmdline: `MODULE.PARAMETER=VALUE`
    /// and `modprobe.blacklist=` are honoured.
    pub fn open(cmdline: &str) -> Result<Self, Error> {
        Ok(Self {
            modules: Modules::open(Path::new("/"), cmdline)?,
            // Before anything is loaded, or events are lost.
            events: Events::open().map_err(Error::Events)?,
            sys: PathBuf::from(SYS),
            seen: BTreeSet::new(),
        })
    }

    /// Loads the modules for all devices that are there, and for those that
    /// appear by that, until nothing more happens at once. A module that does
    /// not load is logged; the devices that stay without a driver are told by
    /// [`Devices::unserved`].
    pub fn coldplug(&mut self) -> Result<(), Error> {
        for modalias in coldplug::modaliases(&self.sys) {
            self.load_for(&modalias);
        }
        while self.pump(Duration::ZERO)?.any {}
        Ok(())
    }

    /// Loads the drivers of this machine's watchdogs, and nothing else. Until
    /// its driver is there nobody can feed one that runs. What fails is logged.
    pub fn watchdogs(&mut self) {
        for modalias in coldplug::modaliases(&self.sys) {
            self.modules.load_watchdog(&modalias);
        }
        // The driver of a bridge may create the device that the watchdog's driver
        // binds to.
        match self.events.wait(Duration::ZERO) {
            Ok(batch) => {
                for modalias in batch.events.iter().filter_map(Uevent::modalias) {
                    self.modules.load_watchdog(modalias);
                }
            }
            Err(error) => log::warn!("{}", Error::Events(error)),
        }
    }

    /// Loads these modules (names or aliases) with all that they need.
    pub fn ensure(&mut self, wanted: &[&str]) -> Result<(), Error> {
        self.modules.ensure(wanted)
    }

    /// The block devices that are there now.
    pub fn block_devices(&self) -> Result<Vec<BlockDevice>, Error> {
        Ok(block::list(&self.sys)?)
    }

    /// Devices that matter (disk controllers, USB, keyboards) and have no
    /// driver; disk controllers first.
    pub fn unserved(&self) -> Vec<Unserved> {
        unserved::find(&self.sys, self.modules.drivers())
    }

    /// Waits until `found` gives an answer for the block devices that are
    /// there, loading modules meanwhile. `what` names it for the error.
    /// `found` is asked at once, after each uevent of a block device, and every
    /// other second.
    pub fn wait_for<T>(
        &mut self,
        what: &str,
        deadline: Instant,
        mut found: impl FnMut(&[BlockDevice]) -> Option<T>,
    ) -> Result<T, Error> {
        let begin = Instant::now();
        loop {
            let devices = self.block_devices()?;
            if let Some(answer) = found(&devices) {
                return Ok(answer);
            }
            let look = Instant::now() + TICK;
            loop {
                let now = Instant::now();
                if now >= deadline || crate::stop::requested() {
                    return Err(self.timeout(what, begin.elapsed(), &devices));
                }
                let pumped = self.pump(look.min(deadline).saturating_duration_since(now))?;
                if pumped.block || Instant::now() >= look {
                    break;
                }
            }
        }
    }

    /// Follows uevents until none came for `quiet`, at most until `deadline`.
    /// Returns whether it became quiet.
    pub fn settle(&mut self, quiet: Duration, deadline: Instant) -> Result<bool, Error> {
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(false);
            }
            if !self.pump(quiet.min(left))?.any && quiet <= left {
                return Ok(true);
            }
        }
    }

    /// Waits for events up to `timeout` and loads the modules that they ask for.
    fn pump(&mut self, timeout: Duration) -> Result<Pumped, Error> {
        let batch = self.events.wait(timeout).map_err(Error::Events)?;
        let mut pumped = Pumped {
            any: batch.lost,
            block: batch.lost,
        };
        for event in &batch.events {
            pumped.any = true;
            pumped.block |= event.subsystem() == Some("block");
            if let Some(modalias) = event.modalias().filter(|_| event.action != Action::Remove) {
                self.load_for(modalias);
            }
        }
        if batch.lost {
            log::warn!("uevents were lost; looking at all devices again");
            for modalias in coldplug::modaliases(&self.sys) {
                self.load_for(&modalias);
            }
        }
        Ok(pumped)
    }

    fn load_for(&mut self, modalias: &str) {
        if !self.seen.contains(modalias) {
            self.seen.insert(modalias.to_owned());
            self.modules.load_for(modalias);
        }
    }

    fn timeout(&self, what: &str, waited: Duration, devices: &[BlockDevice]) -> Error {
        let disks: Vec<_> = devices
            .iter()
            .filter(|device| device.is_disk())
            .map(BlockDevice::describe)
            .collect();
        let found = match disks.as_slice() {
            [] => "there is no disk at all".to_owned(),
            disks => format!("there are {}", disks.join(", ")),
        };
        let unserved = self
            .unserved()
            .iter()
            .map(|device| format!("; {device}"))
            .collect();
        let seconds = waited.as_secs();
        Error::Timeout {
            what: what.to_owned(),
            seconds,
            found,
            unserved,
        }
    }
}

struct Pumped {
    any: bool,
    /// An event of a block device came, or some were lost.
    block: bool,
}
