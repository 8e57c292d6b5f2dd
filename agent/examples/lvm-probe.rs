// SPDX-License-Identifier: MIT OR Apache-2.0
//! Volume groups by hand, for tests on a machine with device-mapper.
//!
//! ```text
//! lvm-probe scan DEVICE...
//! lvm-probe activate VG LV|--all rw|ro DEVICE...
//! lvm-probe remove-group VG DEVICE...
//! lvm-probe remove-disk DEVICE
//! lvm-probe create VG NAME=MIB|NAME=rest,... DEVICE...
//! lvm-probe dm
//! ```

use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::ExitCode;

use ondisk::lifeboat::Protected;
use ondisk::manifest::{Size, Volume, VolumeGroup};
use replant::block::{BlockDevice, SYS, by_number};
use replant::lvm::{Access, ActiveLv, LvmError, Mapper, create, mapping, scan};
use replant::plan::{PvDevice, volume_group};

type Failure = Box<dyn std::error::Error>;

fn device(path: &str) -> Result<BlockDevice, Failure> {
    let rdev = std::fs::metadata(path)
        .map_err(|e| format!("{path}: {e}"))?
        .rdev();
    Ok(by_number(Path::new(SYS), rdev.into())?)
}

fn devices(paths: &[&str]) -> Result<Vec<BlockDevice>, Failure> {
    paths.iter().map(|p| device(p)).collect()
}

fn show(active: &ActiveLv) {
    let access = if active.read_only { "ro" } else { "rw" };
    let (node, link) = (active.node.display(), active.link.display());
    println!("active {node} {link} {} {access}", active.size);
}

fn probe(words: &[&str]) -> Result<(), Failure> {
    match words {
        ["scan", paths @ ..] => {
            let found = scan(&devices(paths)?);
            for group in &found.groups {
                println!("group {} seqno {}", group.vg.name, group.vg.seqno);
                for problem in &group.problems {
                    println!("problem {problem}");
                }
                for lv in &group.vg.lvs {
                    match mapping(group, lv) {
                        Ok(m) => m.targets.iter().for_each(|t| println!("{}: {t}", m.name)),
                        Err(e) => println!("refused {e}"),
                    }
                }
            }
            found.failures.iter().for_each(|f| println!("failure {f}"));
        }
        ["activate", vg, lv, access, paths @ ..] => {
            let access = if *access == "ro" {
                Access::ReadOnly
            } else {
                Access::ReadWrite
            };
            let found = scan(&devices(paths)?);
            let (group, mapper) = (found.group(vg)?, Mapper::open()?);
            if *lv == "--all" {
                let (active, refused) = mapper.activate_all(group, access)?;
                active.iter().for_each(show);
                refused.iter().for_each(|e| println!("refused {e}"));
            } else {
                show(&mapper.activate(group, lv, access)?);
            }
        }
        ["remove-group", vg, paths @ ..] => {
            let found = scan(&devices(paths)?);
            let removed = Mapper::open()?.deactivate_group(&found.group(vg)?.vg)?;
            println!("removed {}", removed.join(" "));
        }
        ["remove-disk", path] => {
            let removed = Mapper::open()?.deactivate_disk(device(path)?.dev)?;
            println!("removed {}", removed.join(" "));
        }
        ["create", vg, volumes, paths @ ..] => {
            let volumes = volumes
                .split(',')
                .filter_map(|v| v.split_once('='))
                .map(|(name, size)| {
                    let size = match size {
                        "rest" => Size::Rest,
                        mib => Size::Bytes(mib.parse::<u64>()? << 20),
                    };
                    Ok(Volume {
                        name: name.to_owned(),
                        size,
                    })
                })
                .collect::<Result<Vec<_>, std::num::ParseIntError>>()?;
            let devices = devices(paths)?;
            let pv = |d: &BlockDevice| PvDevice {
                path: d.to_string(),
                bytes: d.bytes,
                avoid: Vec::new(),
            };
            let pvs: Vec<PvDevice> = devices.iter().map(pv).collect();
            let wanted = VolumeGroup {
                name: (*vg).to_owned(),
                partitions: Vec::new(),
                extent_size: Size::Bytes(4 << 20),
                volumes,
            };
            let mut urandom = std::fs::File::open("/dev/urandom")?;
            let mut random = |bytes: &mut [u8]| {
                // Bytes that repeat would be refused by lvm2.
                let _ = urandom.read_exact(bytes);
            };
            let plan = volume_group(&wanted, &pvs, "probe", 1_795_383_992, &mut random)?;
            let group = create(&plan, &devices, &Protected::default())?;
            println!("created {}", group.vg.id);
        }
        ["dm"] => dm()?,
        _ => return Err("see the head of agent/examples/lvm-probe.rs".into()),
    }
    Ok(())
}

/// Every request, on a device of our own.
fn dm() -> Result<(), LvmError> {
    use sys::dm::{Selector, TableLine};
    let mapper = Mapper::open()?;
    let control = mapper.control();
    let line = |start, length, kind: &str, params: &str| TableLine {
        start,
        length,
        kind: kind.to_owned(),
        params: params.to_owned(),
    };
    println!("create {}", control.create("probe", "PROBE-1")?.active);
    for (what, e) in [
        ("same name", control.create("probe", "").err()),
        ("same uuid", control.create("probe2", "PROBE-1").err()),
        ("slash", control.create("a/b", "").err()),
        (
            "no target",
            control
                .load("probe", false, &[line(0, 8, "nosuch", "")])
                .err(),
        ),
        (
            "gap",
            control
                .load("probe", false, &[line(8, 8, "error", "")])
                .err(),
        ),
        ("missing", control.remove("not-there").err()),
    ] {
        println!(
            "{what}: {}",
            e.map_or_else(|| "no error".to_owned(), |e| e.to_string())
        );
    }
    println!("empty table {:?}", control.table("probe")?);
    control.load(
        "probe",
        true,
        &[line(0, 8, "error", ""), line(8, 16, "error", "")],
    )?;
    // More than the first buffer holds.
    let many: Vec<TableLine> = (0..2000).map(|n| line(n * 8, 8, "error", "")).collect();
    control.load("probe", false, &many)?;
    println!("resume {}", control.resume("probe", false)?.targets);
    println!("same table {}", control.table("probe")? == many);
    println!(
        "listed {}",
        control.list()?.iter().any(|name| name == "probe")
    );
    control.remove("probe")?;
    println!("gone {:?}", control.status(Selector::Name("probe"))?);
    Ok(())
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match probe(&words) {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            println!("error {e}");
            ExitCode::FAILURE
        }
    }
}
