// SPDX-License-Identifier: MIT OR Apache-2.0
//! Keys and headers that lie on the disk to be replaced and open encrypted
//! devices elsewhere (crypttab(5)).

use super::identify;
use crate::block::{self, BlockDevice, DevNo, SYS};
use std::collections::BTreeSet;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// A line of crypttab: the device, and the files that open it.
#[derive(Debug, PartialEq, Eq)]
struct Line<'a> {
    device: &'a str,
    files: Vec<&'a str>,
}

fn parse(text: &str) -> Vec<Line<'_>> {
    let lines = text.lines().map(str::trim).filter(|l| !l.starts_with('#'));
    let line = |line| {
        let mut words = str::split_whitespace(line).skip(1);
        let device = words.next()?;
        let key = words.next().unwrap_or("none");
        let mut options = words.next().unwrap_or_default().split(',');
        let header = options.find_map(|option| option.strip_prefix("header="));
        // A key from /dev/urandom is a new one at each boot, so nothing is lost.
        let is_file = |path: &&str| path.starts_with('/') && !path.starts_with("/dev/");
        let files = [Some(key), header].into_iter().flatten().filter(is_file);
        let files: Vec<&str> = files.collect();
        (!files.is_empty()).then_some(Line { device, files })
    };
    lines.filter_map(line).collect()
}

/// Files on `disk` that open devices elsewhere, each with its device. Files that
/// do not exist in the running system are left out.
pub fn keys(blocks: &[BlockDevice], disk: &BlockDevice, crypttab: &Path) -> Vec<(String, String)> {
    let Ok(text) = std::fs::read_to_string(crypttab) else {
        return Vec::new();
    };
    let disks = |dev: DevNo| block::disks_below(Path::new(SYS), dev).unwrap_or_default();
    let mut found = BTreeSet::new();
    for line in parse(&text) {
        let Some(device) = blocks.iter().find(|b| is_meant(b, line.device)) else {
            continue;
        };
        if disks(device.dev).contains(&disk.name) {
            continue;
        }
        for file in line.files {
            let on_disk = std::fs::metadata(file)
                .is_ok_and(|meta| disks(meta.dev().into()).contains(&disk.name));
            if on_disk {
                found.insert((file.to_owned(), device.to_string()));
            }
        }
    }
    found.into_iter().collect()
}

/// Whether a device has the name that a file gives it: `UUID=...`, or a path.
pub(super) fn is_meant(block: &BlockDevice, device: &str) -> bool {
    let content = || identify(&block.path()).unwrap_or_default();
    match device.split_once('=') {
        Some(("UUID", uuid)) => content().uuid.eq_ignore_ascii_case(uuid.trim_matches('"')),
        Some(("LABEL", label)) => content().label == label.trim_matches('"'),
        Some((tag @ ("PARTUUID" | "PARTLABEL"), name)) => {
            let link = format!("/dev/disk/by-{}/{name}", tag.to_ascii_lowercase());
            std::fs::canonicalize(link).is_ok_and(|path| path == block.path())
        }
        _ => std::fs::canonicalize(device).is_ok_and(|path| path == block.path()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use testkit::{Loop, sparse, tool};

    #[test]
    fn lines_with_files() {
        let text = "# <name> <device> <key> <options>\n\
            data UUID=1234 /etc/keys/data luks,discard\n\
            \tswap /dev/sda3 /dev/urandom swap\nhome /dev/sdb1 none luks\n\
            far /dev/sdc - header=/root/far.header\nboth /dev/sdd /k luks,header=/h\nodd\n";
        let found = parse(text);
        let of = |n: usize| (found[n].device, found[n].files.clone());
        assert_eq!(of(0), ("UUID=1234", vec!["/etc/keys/data"]));
        assert_eq!(of(1), ("/dev/sdc", vec!["/root/far.header"]));
        assert_eq!(of(2), ("/dev/sdd", vec!["/k", "/h"]));
        assert_eq!(found.len(), 3);
    }

    /// Needs root: the key is on a file system on a disk of its own.
    #[test]
    fn a_key_counts_if_it_is_on_the_disk_and_its_device_is_not() {
        testkit::needs!("root", "mke2fs");
        let dir = tempfile::tempdir().unwrap();
        let loops = ["disk", "other"].map(|n| Loop::new(sparse(dir.path().join(n), 16 << 20)));
        let [disk, other] = [0, 1].map(|n: usize| loops[n].name().to_owned());
        tool("mke2fs", &["-q", "-F", &disk]);
        let mounted = dir.path().join("mounted");
        std::fs::create_dir(&mounted).unwrap();
        tool("mount", &[&disk, mounted.to_str().unwrap()]);
        let key = mounted.join("key").display().to_string();
        std::fs::write(&key, "secret").unwrap();
        let blocks = block::list(Path::new(SYS)).unwrap();
        let find = |node: &str| blocks.iter().find(|b| b.path() == Path::new(node)).unwrap();
        let keys = |replaced: &str, device: &str| {
            let crypttab = dir.path().join("crypttab");
            std::fs::write(&crypttab, format!("x {device} {key} luks\n")).unwrap();
            keys(&blocks, find(replaced), &crypttab)
        };
        let found = [
            keys(&disk, &other),
            // The device is on the disk itself; the key is not on it.
            keys(&disk, &disk),
            keys(&other, &disk),
        ];
        testkit::unmount(&mounted);
        assert_eq!(found[0], [(key, other)]);
        assert_eq!((found[1].len(), found[2].len()), (0, 0));
    }
}
