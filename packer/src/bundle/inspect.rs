// SPDX-License-Identifier: MIT OR Apache-2.0
//! A look through the payload: what the manifest says of it.

use super::Error;
use liblzma::read::XzDecoder;
use ondisk::manifest::Payload;
use ondisk::pax::{Entry, Event, Kind, Parser, Totals};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// What was found.
pub struct Found {
    /// For the manifest.
    pub payload: Payload,
    /// By mount point: what lies on each file system.
    pub content: BTreeMap<String, Totals>,
}

const GRUB: [&str; 4] = [
    "usr/sbin/grub2-install",
    "sbin/grub2-install",
    "usr/sbin/grub-install",
    "sbin/grub-install",
];
const INITRAMFS: [&str; 5] = [
    "usr/bin/dracut",
    "usr/sbin/dracut",
    "sbin/dracut",
    "usr/sbin/update-initramfs",
    "sbin/update-initramfs",
];

/// Reads the whole payload.
pub fn inspect(path: &Path, mounts: &[String]) -> Result<Found, Error> {
    let file = File::open(path).map_err(|e| Error::file(path, e))?;
    let mut reader = XzDecoder::new_multi_decoder(file);
    let mut parser = Parser::new();
    let mut look = Look::new(mounts);
    let mut buffer = vec![0; 1 << 20];
    let archive = |source| Error::Archive {
        file: path.to_path_buf(),
        source,
    };
    loop {
        let read = reader.read(&mut buffer).map_err(|e| Error::file(path, e))?;
        if read == 0 {
            break;
        }
        let mut input = buffer.get(..read).unwrap_or_default();
        while let Some(event) = parser.next(&mut input).map_err(archive)? {
            if let Event::Entry(entry) = event {
                look.see(&entry);
            }
        }
    }
    parser.finish().map_err(archive)?;
    Ok(look.finish())
}

struct Look {
    totals: Totals,
    content: BTreeMap<String, Totals>,
    kernels: Vec<String>,
    fstab: bool,
    grub: Option<usize>,
    initramfs: Option<usize>,
}

impl Look {
    fn new(mounts: &[String]) -> Look {
        Look {
            totals: Totals::default(),
            content: mounts
                .iter()
                .map(|m| (m.clone(), Totals::default()))
                .collect(),
            kernels: Vec::new(),
            fstab: false,
            grub: None,
            initramfs: None,
        }
    }

    fn see(&mut self, entry: &Entry) {
        self.totals.add(entry);
        let path = String::from_utf8_lossy(&entry.path);
        let path = path.trim_start_matches("./").trim_end_matches('/');
        let inside = |mount: &str| {
            let mount = mount.trim_start_matches('/');
            mount.is_empty()
                || path == mount
                || path
                    .strip_prefix(mount)
                    .is_some_and(|rest| rest.starts_with('/'))
        };
        let holds = self.content.iter_mut().filter(|(mount, _)| inside(mount));
        if let Some((_, totals)) = holds.max_by_key(|(mount, _)| mount.len()) {
            totals.add(entry);
        }
        let file = matches!(entry.kind, Kind::File { .. } | Kind::HardLink { .. });
        let program = file || matches!(entry.kind, Kind::Symlink { .. });
        if let Some(version) = path.strip_prefix("boot/vmlinuz-").filter(|_| file)
            // Rescue images of EL carry the machine-id, not a version.
            && !version.contains("rescue")
        {
            self.kernels.push(version.to_string());
        }
        self.fstab |= path == "etc/fstab" && file;
        let better = |found: &mut Option<usize>, names: &[&str]| {
            let at = names
                .iter()
                .position(|name| *name == path)
                .filter(|_| program);
            *found = [*found, at].into_iter().flatten().min();
        };
        better(&mut self.grub, &GRUB);
        better(&mut self.initramfs, &INITRAMFS);
    }

    fn finish(mut self) -> Found {
        self.kernels
            .sort_by_key(|kernel| std::cmp::Reverse(versions(kernel)));
        let name = |found: Option<usize>, names: &[&str]| {
            found
                .and_then(|at| names.get(at))
                .map_or(String::new(), |name| format!("/{name}"))
        };
        let payload = Payload {
            unpacked_bytes: self.totals.bytes,
            entries: self.totals.entries,
            kernels: self.kernels,
            fstab: self.fstab,
            grub_install: name(self.grub, &GRUB),
            initramfs_tool: name(self.initramfs, &INITRAMFS),
            decoder_bytes: 0,
        };
        Found {
            payload,
            content: self.content,
        }
    }
}

/// The numbers of a version, so that 5.14.0-70 comes after 5.14.0-9.
fn versions(text: &str) -> Vec<u64> {
    text.split(|c: char| !c.is_ascii_digit())
        .filter_map(|n| n.parse().ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    #[test]
    fn finds_what_a_new_system_must_have() {
        let dir = tempfile::tempdir().unwrap();
        let tree = dir.path().join("tree");
        for path in ["boot", "etc", "usr/sbin", "data/deep"] {
            std::fs::create_dir_all(tree.join(path)).unwrap();
        }
        for path in [
            "boot/vmlinuz-5.14.0-9.el9",
            "boot/vmlinuz-5.14.0-70.el9",
            "boot/vmlinuz-0-rescue-123",
            "etc/fstab",
            "usr/sbin/grub2-install",
            "usr/sbin/dracut",
        ] {
            std::fs::write(tree.join(path), "x").unwrap();
        }
        std::fs::write(tree.join("data/deep/file"), [1; 5000]).unwrap();
        let target = dir.path().join("va.tar.xz");
        let status = Command::new("tar")
            .args([
                "-cJf",
                target.to_str().unwrap(),
                "-C",
                tree.to_str().unwrap(),
                ".",
            ])
            .status()
            .unwrap();
        assert!(status.success());
        let mounts = ["/", "/data", "/boot"].map(String::from);
        let found = inspect(&target, &mounts).unwrap();
        assert_eq!(found.payload.kernels, ["5.14.0-70.el9", "5.14.0-9.el9"]);
        assert!(found.payload.fstab);
        assert_eq!(found.payload.grub_install, "/usr/sbin/grub2-install");
        assert_eq!(found.payload.initramfs_tool, "/usr/sbin/dracut");
        assert_eq!(found.payload.unpacked_bytes, 5006);
        assert_eq!(found.payload.entries, 14);
        let data = &found.content["/data"];
        assert_eq!((data.entries, data.bytes), (3, 5000));
        assert!(data.blocks >= 8192);

        let bytes = std::fs::read(&target).unwrap();
        std::fs::write(&target, &bytes[..bytes.len() - 40]).unwrap();
        let error = inspect(&target, &mounts)
            .map(|_| ())
            .unwrap_err()
            .to_string();
        assert!(error.contains("va.tar.xz"), "{error}");
    }
}
