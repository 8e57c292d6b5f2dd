// SPDX-License-Identifier: MIT OR Apache-2.0
//! Block devices, as sysfs shows them.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use super::{ConsoleError, Setup};

/// One block device.
#[derive(Debug, PartialEq, Eq)]
struct Device {
    name: String,
    /// In bytes.
    size: u64,
    read_only: bool,
    /// Vendor and model, or the name of a device-mapper device.
    label: String,
    /// Partitions, by their order on the disk.
    parts: Vec<Device>,
}

/// Prints every disk with its partitions, and the mapped devices.
pub(super) fn print(setup: &Setup<'_>, output: &mut dyn Write) -> Result<(), ConsoleError> {
    let devices = scan(&setup.path("/sys/block"))?;
    if devices.is_empty() {
        writeln!(
            output,
            "The kernel knows no disk: is the driver's module loaded? See dmesg."
        )?;
    }
    for device in &devices {
        line(setup, device, "", output)?;
        for part in &device.parts {
            line(setup, part, "  ", output)?;
        }
    }
    Ok(())
}

fn line(
    setup: &Setup<'_>,
    device: &Device,
    indent: &str,
    output: &mut dyn Write,
) -> Result<(), ConsoleError> {
    let path = setup.path("/dev").join(&device.name);
    let name = format!("{indent}{}", device.name);
    let mode = if device.read_only { " read-only" } else { "" };
    let content = (setup.signature)(&path).unwrap_or_default();
    let text = format!(
        "{name:<14} {:>10}{mode}  {}  {content}",
        human(device.size),
        device.label
    );
    writeln!(output, "{}", text.trim_end())?;
    Ok(())
}

/// Bytes with a binary unit, one decimal.
fn human(bytes: u64) -> String {
    let mut value = bytes as f64;
    for unit in ["B", "KiB", "MiB", "GiB"] {
        if value < 1024.0 {
            return format!("{value:.1} {unit}");
        }
        value /= 1024.0;
    }
    format!("{value:.1} TiB")
}

/// The devices below /sys/block that hold something, sorted by name.
fn scan(path: &Path) -> Result<Vec<Device>, ConsoleError> {
    let entries = fs::read_dir(path).map_err(|source| ConsoleError::File {
        action: "list",
        path: path.to_path_buf(),
        source,
    })?;
    let mut devices: Vec<Device> = entries
        .flatten()
        .filter_map(|entry| device(&entry.path()))
        .collect();
    devices.retain(|device| device.size > 0);
    devices.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(devices)
}

fn device(path: &Path) -> Option<Device> {
    let read = |name: &str| {
        fs::read_to_string(path.join(name))
            .map(|text| text.trim().to_string())
            .unwrap_or_default()
    };
    let parts: Vec<PathBuf> = fs::read_dir(path)
        .ok()?
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.join("partition").exists())
        .collect();
    let mut parts: Vec<(u64, Device)> = parts
        .iter()
        .filter_map(|path| {
            let start = fs::read_to_string(path.join("start")).ok()?;
            Some((start.trim().parse().ok()?, device(path)?))
        })
        .collect();
    parts.sort_by_key(|(start, _)| *start);
    let label = match read("dm/name") {
        name if name.is_empty() => format!("{} {}", read("device/vendor"), read("device/model"))
            .trim()
            .to_string(),
        name => name,
    };
    Some(Device {
        name: path.file_name()?.to_str()?.to_string(),
        // In sysfs always in units of 512 bytes.
        size: read("size").parse::<u64>().unwrap_or(0).saturating_mul(512),
        read_only: read("ro") == "1",
        label,
        parts: parts.into_iter().map(|(_, part)| part).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        assert_eq!(human(0), "0.0 B");
        assert_eq!(human(1 << 20), "1.0 MiB");
        assert_eq!(human(8 << 30), "8.0 GiB");
        assert_eq!(human(u64::MAX), "16777216.0 TiB");
    }

    #[test]
    fn a_tree_like_sysfs() {
        let root = tempfile::tempdir().unwrap();
        let file = |path: &str, text: &str| {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        file("vda/size", "16777216\n");
        file("vda/ro", "0\n");
        for (name, start) in [("vda10", "4096"), ("vda2", "2048")] {
            file(&format!("vda/{name}/partition"), "1\n");
            file(&format!("vda/{name}/start"), start);
            file(&format!("vda/{name}/size"), "2048\n");
        }
        file("dm-0/size", "8\n");
        file("dm-0/dm/name", "vg-root\n");
        file("dm-0/ro", "1\n");
        file("loop0/size", "0\n");
        file("sdb/size", "rubbish\n");
        let devices = scan(root.path()).unwrap();
        let names: Vec<&str> = devices.iter().map(|d| d.name.as_str()).collect();
        assert_eq!(names, ["dm-0", "vda"]);
        assert_eq!(
            (devices[0].label.as_str(), devices[0].read_only),
            ("vg-root", true)
        );
        assert_eq!(devices[1].size, 8 << 30);
        let parts: Vec<&str> = devices[1].parts.iter().map(|d| d.name.as_str()).collect();
        assert_eq!(parts, ["vda2", "vda10"]);
    }
}
