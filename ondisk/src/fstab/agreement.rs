// SPDX-License-Identifier: MIT OR Apache-2.0
//! Whether the payload's fstab and the layout agree: what the fstab mounts
//! must be what the target's disk will have.

use super::{Line, foreign_to_ext4};
use crate::gpt::Table;
use crate::manifest::Filesystem;
use crate::naming::{Name, is_device_of, is_partition_path};
use crate::uuid;

/// A line that the layout does not bear out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the payload's etc/fstab has {line}, {what}")]
pub struct Disagreement {
    /// The line's first fields and its number.
    pub line: String,
    /// What does not agree, and what to do.
    pub what: String,
}

/// Compares each line with the file systems; fills in UUIDs and labels that
/// the layout does not say. What a person should know, but what does not keep
/// the new system from coming up, is returned.
pub fn compare(
    lines: &[Line],
    filesystems: &mut [Filesystem],
    table: &Table,
) -> Result<Vec<String>, Disagreement> {
    let mut warnings = Vec::new();
    for line in lines {
        let Some(device) = line.device() else {
            if line.is_mount() && line.is_lost() && !line.is_optional() {
                return Err(refuse(
                    line,
                    "which names no device: the new system would wait for it while booting; correct the line, or give it the option noauto or nofail",
                ));
            }
            continue;
        };
        if line.kind == "swap" && line.is_optional() {
            continue;
        }
        if line.kind == "swap" {
            warnings.push(format!(
                "the payload's etc/fstab has {line}: no swap is made on the target, and the new system waits for it while booting; use a swap file, or give the line the option nofail"
            ));
            continue;
        }
        if !line.is_mount() {
            continue;
        }
        match filesystems.iter_mut().find(|f| f.mount == line.target) {
            Some(filesystem) => warnings.extend(agree(line, &device, filesystem, table)?),
            None if line.is_optional() => {}
            None => {
                return Err(refuse(
                    line,
                    "which layout.toml does not make; add the file system to layout.toml, or take the line out of the fstab or give it the option noauto or nofail",
                ));
            }
        }
    }
    for filesystem in filesystems.iter() {
        let mount = &filesystem.mount;
        if !lines.iter().any(|l| l.is_mount() && l.target == *mount) {
            warnings.push(format!(
                "layout.toml makes {mount} on {}, and the payload's etc/fstab does not mount it",
                filesystem.device
            ));
        }
    }
    Ok(warnings)
}

fn refuse(line: &Line, what: impl Into<String>) -> Disagreement {
    Disagreement {
        line: line.to_string(),
        what: what.into(),
    }
}

/// Compares a line with the file system that layout.toml makes at its place.
fn agree(
    line: &Line,
    device: &Name,
    filesystem: &mut Filesystem,
    table: &Table,
) -> Result<Option<String>, Disagreement> {
    if !line.takes_ext4() {
        let what = "and the file system will be ext4; write ext4 or auto into the type field of the appliance's fstab";
        return Err(refuse(line, what));
    }
    if let Some(option) = line.options().find(|o| foreign_to_ext4(o)) {
        let what = format!(
            "with the option {option}, and the file system will be ext4, which does not know it; take it out of the appliance's fstab"
        );
        return Err(refuse(line, what));
    }
    let own = filesystem.device.clone();
    let differs = |what: &str, own: &str| {
        let what = format!(
            "and layout.toml makes it with the {what} {own}; make the two the same, or leave the {what} out of layout.toml"
        );
        refuse(line, what)
    };
    let another = |what: String| Err(refuse(line, what));
    if let Name::Uuid(asked) = device
        && uuid::parse(asked).is_none()
    {
        return another(
            "which is no UUID of an ext4 file system (8-4-4-4-12); correct the fstab".into(),
        );
    }
    if let Some(small) = device.small() {
        let what = format!(
            "and udev's link of it has small letters: it would not be found; write {small}"
        );
        return Err(refuse(line, what));
    }
    match device {
        Name::Uuid(asked) => match &filesystem.uuid {
            Some(uuid) if uuid.eq_ignore_ascii_case(asked) => Ok(None),
            Some(uuid) => Err(differs("uuid", uuid)),
            None => {
                filesystem.uuid = Some(asked.clone());
                Ok(None)
            }
        },
        Name::Label(asked) => match filesystem.label.as_str() {
            label if label == asked => Ok(None),
            "" => {
                filesystem.label = asked.clone();
                Ok(None)
            }
            label => Err(differs("label", label)),
        },
        Name::PartUuid(_) | Name::PartLabel(_) if is_device_of(filesystem, device, table) => {
            Ok(None)
        }
        Name::PartUuid(_) | Name::PartLabel(_) => another(format!(
            "and layout.toml has it on {own}, which is another device; make the two the same"
        )),
        Name::Path(path) if !is_device_of(filesystem, device, table) => another(format!(
            "and layout.toml has it on {own}, which is not {path}; name it by UUID= or by its path"
        )),
        Name::Path(path) if is_partition_path(path) => Ok(Some(format!(
            "the payload's etc/fstab has {line}: {path} may be another disk on the target; use UUID="
        ))),
        Name::Path(_) => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fstab;
    use crate::gpt::{self, Guid, Partition};

    const BOOT: &str = "0e000000-0000-4000-8000-00000000000a";

    fn table() -> Table {
        let mut table = Table::new(1 << 30, 512, Guid([7; 16])).unwrap();
        table.partitions.push(Partition {
            number: 2,
            type_guid: Guid::LINUX,
            guid: Guid([2; 16]),
            first_lba: 2048,
            last_lba: 40959,
            attributes: 0,
            name: gpt::Name::new("boot").unwrap(),
        });
        table
    }

    /// The file systems afterwards and the warnings, with these lines besides
    /// that of the root.
    fn compared(text: &str) -> Result<(Vec<Filesystem>, Vec<String>), String> {
        let text = format!("/dev/mapper/my--vg-root / ext4 defaults 0 1\n{text}\n");
        let mut filesystems = vec![
            Filesystem::new("my-vg/root", "/"),
            Filesystem::new("partition 2", "/boot"),
        ];
        filesystems[0].uuid = Some(BOOT.replace('a', "b"));
        filesystems[0].label = "root".into();
        let lines = fstab::parse(text.as_bytes()).unwrap();
        let warnings = compare(&lines, &mut filesystems, &table()).map_err(|e| e.to_string())?;
        Ok((filesystems, warnings))
    }

    #[test]
    fn what_the_layout_leaves_open_comes_from_the_fstab() {
        let (found, warnings) = compared(&format!("UUID={BOOT} /boot/ ext4")).unwrap();
        assert_eq!(found[1].uuid.as_deref(), Some(BOOT));
        assert!(warnings.is_empty(), "{warnings:?}");
        let (found, _) = compared("LABEL=Boot /boot auto defaults").unwrap();
        assert_eq!(found[1].label, "Boot");
        assert_eq!(found[1].uuid, None);
    }

    #[test]
    fn agrees_in_all_forms() {
        let guid = Guid([2; 16]);
        for line in [
            "LABEL=root / ext4",
            "/dev/my-vg/root / ext4",
            &format!("UUID={} / ext4", BOOT.replace('a', "b")),
            &format!("PARTUUID={guid} /boot ext4"),
            "PARTLABEL=boot /boot ext4",
            "/dev/vda2 /boot ext4",
            "UUID=1234-ABCD /media/stick vfat noauto",
            "/dev/sr0 /media/cdrom0 udf,iso9660 user,noauto 0 0",
            "/dev/mapper/other-x /x xfs nofail",
            "tmpfs /tmp tmpfs",
            "none /x auto bind",
            "x /x ext4 nofail",
            "/srv/image /x ext4 loop",
            "server:/x /x nfs",
        ] {
            compared(line).unwrap_or_else(|e| panic!("{line}: {e}"));
        }
    }

    #[test]
    fn refuses_what_would_not_be_there() {
        for (line, words) in [
            ("UUID=1234-ABCD /boot/efi vfat", "does not make"),
            ("/dev/mapper/my--vg-data /data ext4", "does not make"),
            ("/dev/sr0 /media/cdrom0 iso9660 ro", "does not make"),
            ("UUID=1234-ABCD /boot ext4", "no UUID of an ext4"),
            (&format!("UUID={BOOT} / ext4"), "with the uuid 0e00"),
            ("LABEL=other / ext4", "with the label root"),
            ("/dev/mapper/my--vg-rot / ext4", "on my-vg/root"),
            ("/dev/my--vg/root / ext4", "on my-vg/root"),
            ("/dev/sda3 /boot ext4", "on partition 2"),
            ("/dev/disk/by-id/x /boot ext4", "on partition 2"),
            ("PARTLABEL=bot /boot ext4", "another device"),
            ("PARTLABEL=boot / ext4", "another device"),
            ("/dev/my-vg/root / xfs", "ext4 or auto"),
            // udev makes no link of these names.
            (
                &format!("UUID={} /boot ext4", BOOT.to_uppercase()),
                "write 0e00",
            ),
            (
                &format!(
                    "PARTUUID={} /boot ext4",
                    "02".repeat(16).to_uppercase() + "A"
                ),
                "write 02",
            ),
            ("/dev/disk/by-uuid/0E00 /boot ext4", "no UUID of an ext4"),
            // No name at all, for systemd.
            ("uuid=0e00 /boot ext4", "names no device"),
            ("root /data xfs", "names no device"),
            // Left over from another type.
            ("LABEL=root / auto defaults,inode64", "option inode64"),
            ("LABEL=root / ext4 subvol=@,noatime", "option subvol=@"),
            // With two fields, systemd mounts it, too.
            ("/dev/sdb1 /data", "does not make"),
            ("/dev/sdb1 /data ext4 nofail,fail", "does not make"),
        ] {
            let error = compared(line).map(|_| ()).unwrap_err();
            let source = line.split(' ').next().unwrap();
            assert!(error.contains(words) && error.contains(source), "{error}");
            assert!(error.contains("; ") && !error.contains('\n'), "{error}");
        }
    }

    #[test]
    fn warns_of_what_only_delays_or_surprises() {
        let warned = |line: &str| compared(line).unwrap().1.join("\n");
        let boot = "UUID=0e000000-0000-4000-8000-00000000000a /boot ext4";
        assert_eq!(warned(boot), "");
        assert!(warned(&format!("{boot}\n/dev/VA/swap none swap sw")).contains("no swap"));
        assert_eq!(
            warned(&format!("{boot}\n/dev/VA/swap none swap nofail")),
            ""
        );
        assert!(warned("").contains("makes /boot on partition 2"));
        assert!(warned("/dev/sda2 /boot ext4").contains("use UUID="));
    }
}
