// SPDX-License-Identifier: MIT OR Apache-2.0
//! Stands in for the agent in the test of devices: loads what the machine
//! needs, waits for `disks=N` disks (on the kernel's command line), mounts the
//! file systems that `ext4=` and `vfat=` name by serial number, and tells what
//! it saw in lines that begin with `@`.
#![allow(missing_docs)]

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use replant::block::BlockDevice;
use replant::device::{self, Devices};
use rustix::mount::MountFlags;
use rustix::time::{ClockId, clock_gettime};

/// The status by which /init is asked to switch the power off.
const POWER_OFF: u8 = 21;

fn main() -> ExitCode {
    let mut args = std::env::args();
    if args.next().is_some_and(|name| name.ends_with("modprobe")) {
        return match device::modprobe(args) {
            Ok(()) => ExitCode::SUCCESS,
            Err(_) => ExitCode::FAILURE,
        };
    }
    if let Err(error) = tell() {
        println!("@error {error}");
    }
    println!("@end");
    ExitCode::from(POWER_OFF)
}

/// Seconds since the kernel started.
fn uptime() -> f64 {
    let now = clock_gettime(ClockId::Boottime);
    now.tv_sec as f64 + now.tv_nsec as f64 / 1e9
}

fn tell() -> Result<(), Box<dyn Error>> {
    let marker = device::check_image(Path::new("/"))?;
    println!(
        "@image {} {} {:.2}",
        marker.kernel,
        marker.modules,
        uptime()
    );
    let cmdline = replant::cmdline::read(replant::cmdline::PATH)?;
    let word = |key: &str| {
        let words = cmdline
            .split_whitespace()
            .filter_map(|word| word.split_once('='));
        words
            .filter(|(name, _)| *name == key)
            .map(|(_, value)| value.to_owned())
            .next()
    };
    let wanted: usize = word("disks")
        .ok_or("no disks= on the command line")?
        .parse()?;

    let mut devices = Devices::open(&cmdline)?;
    devices.coldplug()?;
    println!("@coldplug {:.2}", uptime());
    devices.ensure(&["dm-mod", "ext4"])?;
    let mut seen: Vec<String> = Vec::new();
    let deadline = Instant::now() + Duration::from_secs(90);
    let disks = devices.wait_for(&format!("{wanted} disks"), deadline, |all| {
        let disks: Vec<BlockDevice> = all.iter().filter(|disk| disk.is_disk()).cloned().collect();
        for disk in &disks {
            if !seen.contains(&disk.name) {
                seen.push(disk.name.clone());
                let serial = disk.serial.as_deref().unwrap_or("-");
                println!(
                    "@disk {} {serial} {} {:.2}",
                    disk.name,
                    disk.bytes,
                    uptime()
                );
            }
        }
        (disks.len() >= wanted).then_some(disks)
    })?;
    let quiet = devices.settle(
        Duration::from_millis(500),
        Instant::now() + Duration::from_secs(20),
    )?;
    println!("@settled {quiet} {:.2}", uptime());
    for device in devices.unserved() {
        println!("@unserved {device}");
    }
    println!("@control {}", Path::new("/dev/mapper/control").exists());

    for kind in ["ext4", "vfat"] {
        let serial = word(kind).ok_or("which disk?")?;
        let disk = disks
            .iter()
            .find(|disk| disk.serial.as_deref() == Some(serial.as_str()));
        let disk = disk.ok_or("no disk with that serial number")?;
        let at = format!("/mnt/{kind}");
        std::fs::create_dir_all(&at)?;
        rustix::mount::mount(disk.path(), at.as_str(), kind, MountFlags::RDONLY, None)?;
        println!("@mounted {kind} {}", disk.name);
    }

    let missing = Instant::now() + Duration::from_secs(1);
    let error = devices.wait_for("UUID=0000", missing, |_| None::<()>).err();
    println!(
        "@timeout {}",
        error.map_or_else(String::new, |error| error.to_string())
    );
    let error = devices.ensure(&["am53c974"]).err();
    println!(
        "@refused {}",
        error.map_or_else(String::new, |error| error.to_string())
    );
    Ok(())
}
