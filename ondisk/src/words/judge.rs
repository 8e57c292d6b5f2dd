// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a word means, compared with what is made.

use super::Finding;
use super::shell::Word;
use super::sources::{Group, Use};
use crate::fstab::foreign_to_ext4;
use crate::manifest::Device;
use crate::naming::{Made, Meaning, Name, is_partition_path};

/// What is wrong with a word.
pub(super) enum Fault {
    /// The new system would not come up as it should.
    Refused(String),
    /// A person should know it.
    Warned(String),
}

use Fault::{Refused, Warned};

pub(super) struct Judge<'a> {
    pub(super) made: &'a Made<'a>,
}

impl Judge<'_> {
    /// Judges the words that come together.
    pub(super) fn group(&self, texts: &[(&str, &str)], group: &Group) -> Vec<Finding> {
        let no_resume = group.words.iter().any(|w| w.text == "noresume");
        let mut found = Vec::new();
        for word in &group.words {
            if no_resume && word.text.starts_with("resume=") {
                continue;
            }
            let fault = match group.purpose {
                Use::Kernel => self.kernel(&word.text),
                Use::Devices => Name::parse(&word.text).and_then(|name| self.device(&name)),
                Use::Omitted => self.omitted(&word.text),
                Use::Only => None,
            };
            found.extend(fault.map(|fault| finding(texts, word, fault)));
        }
        if group.purpose == Use::Only {
            found.extend(self.only(texts, &group.words));
        }
        found
    }

    /// A word of the kernel's command line, or a variable that becomes one.
    pub(super) fn kernel(&self, word: &str) -> Option<Fault> {
        let word = word.trim_matches('"');
        let (key, value) = word.split_once('=').unwrap_or((word, ""));
        let value = value.trim_matches('"');
        // A variable: only when it is used, somebody knows what it says.
        if value.contains(['$', '`']) {
            return DEVICE_WORDS.contains(&key).then(|| {
                Warned("whose value is found out later: look yourself whether it names what layout.toml makes".into())
            });
        }
        match key {
            "root" | "GRUB_DEVICE" => self.root(value),
            "GRUB_DEVICE_UUID" => self.root(&format!("UUID={value}")),
            "GRUB_DEVICE_PARTUUID" => self.root(&format!("PARTUUID={value}")),
            "rd.lvm.lv" | "rd_LVM_LV" => self.volume(value),
            "rd.lvm.vg" | "rd_LVM_VG" => self.volume_group(value),
            "rd.lvm" if is_no(value) => self.no_lvm(),
            "rd_NO_LVM" => self.no_lvm(),
            "resume" | "RESUME" => self.resume(value),
            "boot" | "mount.usr" => Name::parse(value).and_then(|name| self.device(&name)),
            "rootfstype" => wrong_type(value),
            "rootflags" => wrong_option(value),
            _ if ENCRYPTED.contains(&key) => Some(Refused(
                "and layout.toml makes no encrypted device: the initramfs would wait for it; take the word out of the appliance's file".into(),
            )),
            _ if RAID.contains(&key) => Some(Refused(
                "and layout.toml makes no RAID: the initramfs would wait for it; take the word out of the appliance's file".into(),
            )),
            _ => None,
        }
    }

    /// `root=`: not anything that is made, but the root.
    fn root(&self, value: &str) -> Option<Fault> {
        let value = value.strip_prefix("block:").unwrap_or(value);
        let root = self.made.filesystems.iter().find(|f| f.mount == "/")?;
        let device = &root.device;
        let Some(name) = Name::parse(value) else {
            return Some(Refused(format!(
                "which is no local device, and layout.toml makes the root on {device}; correct it in the appliance"
            )));
        };
        match self.made.meaning(&name) {
            Meaning::Filesystem(found) if found.mount == "/" => self.device(&name),
            Meaning::Capitals(small) => Some(capitals(&small)),
            _ => match (&name, &root.uuid) {
                (Name::Uuid(uuid), None) => Some(Refused(format!(
                    "and the root on {device} gets another UUID; write uuid = \"{uuid}\" into layout.toml for the file system of /, or correct the word in the appliance"
                ))),
                _ => Some(Refused(format!(
                    "and layout.toml makes the root on {device}; correct the word in the appliance, or make the two the same"
                ))),
            },
        }
    }

    /// A device that must be there.
    fn device(&self, name: &Name) -> Option<Fault> {
        match (self.made.meaning(name), name) {
            (Meaning::Capitals(small), _) => Some(capitals(&small)),
            (Meaning::Nothing, _) => Some(Refused(
                "which layout.toml does not make: the initramfs would wait for it; take the word out of the appliance's file, or make the device in layout.toml".into(),
            )),
            (_, Name::Path(path)) if is_partition_path(path) => Some(Warned(format!(
                "and {path} may be another disk on the target; use UUID="
            ))),
            _ => None,
        }
    }

    fn volume(&self, value: &str) -> Option<Fault> {
        let known = value
            .split_once('/')
            .is_some_and(|(group, volume)| self.made.has_volume(group, volume));
        (!known).then(|| {
            Refused(format!(
                "and layout.toml makes no volume {value}: dracut would wait for it and stop in its emergency shell; take the word out of the appliance's file, or make the volume in layout.toml"
            ))
        })
    }

    fn volume_group(&self, value: &str) -> Option<Fault> {
        let known = self.made.groups.iter().any(|g| g.name == value);
        (!known).then(|| {
            Refused(format!(
                "and layout.toml makes no volume group {value}: dracut would wait for it and stop in its emergency shell; take the word out of the appliance's file"
            ))
        })
    }

    fn no_lvm(&self) -> Option<Fault> {
        let device = self.root_volume()?;
        Some(Refused(format!(
            "so that the initramfs would not activate the root volume {device}; take the word out of the appliance's file"
        )))
    }

    fn resume(&self, value: &str) -> Option<Fault> {
        if ["", "none", "auto"].contains(&value) {
            return None;
        }
        let gone = || {
            Refused(
                "and layout.toml makes no such device (no swap is made on the target): the initramfs would wait for it at every boot; take the word out of the appliance's file".into(),
            )
        };
        match Name::parse(value) {
            None => Some(gone()),
            Some(name) => match self.device(&name) {
                Some(Refused(_)) if self.made.meaning(&name) == Meaning::Nothing => Some(gone()),
                other => other,
            },
        }
    }

    fn omitted(&self, module: &str) -> Option<Fault> {
        let device = self.root_volume().filter(|_| module == "lvm")?;
        Some(Refused(format!(
            "in omit_dracutmodules, and the root is the logical volume {device}; take it out of the appliance's file"
        )))
    }

    /// `dracutmodules=` names all that the initramfs will have.
    fn only(&self, texts: &[(&str, &str)], words: &[Word]) -> Option<Finding> {
        let first = words.first()?;
        let device = self.root_volume()?;
        let lacks = !words.iter().any(|w| w.text == "lvm");
        lacks.then(|| {
            let fault = Refused(format!(
                "in dracutmodules, which leaves out lvm, and the root is the logical volume {device}; add lvm there"
            ));
            finding(texts, first, fault)
        })
    }

    fn root_volume(&self) -> Option<&str> {
        let root = self.made.filesystems.iter().find(|f| f.mount == "/")?;
        matches!(root.device(), Some(Device::Volume { .. })).then_some(root.device.as_str())
    }
}

/// Words whose value names a device.
const DEVICE_WORDS: [&str; 9] = [
    "root",
    "GRUB_DEVICE",
    "GRUB_DEVICE_UUID",
    "GRUB_DEVICE_PARTUUID",
    "rd.lvm.lv",
    "rd.lvm.vg",
    "resume",
    "RESUME",
    "mount.usr",
];

/// dracut.cmdline(7), systemd-cryptsetup-generator(8), initramfs-tools, Arch.
const ENCRYPTED: [&str; 11] = [
    "rd.luks.uuid",
    "rd.luks.name",
    "rd.luks.partuuid",
    "rd.luks.label",
    "rd.luks.serial",
    "luks.uuid",
    "luks.name",
    "rd_LUKS_UUID",
    "rd_LUKS_SERIAL",
    "cryptdevice",
    "cryptopts",
];

const RAID: [&str; 4] = ["rd.md.uuid", "rd_MD_UUID", "rd.dm.uuid", "rd_DM_UUID"];

fn is_no(value: &str) -> bool {
    ["0", "no", "off"].contains(&value)
}

fn capitals(small: &str) -> Fault {
    Refused(format!(
        "and udev's link of it has small letters: it would not be found; write {small}"
    ))
}

fn wrong_type(value: &str) -> Option<Fault> {
    let right = value
        .split(',')
        .any(|kind| kind == "ext4" || kind == "auto");
    (!right).then(|| {
        Refused(
            "and the root will be ext4; write ext4, or take the word out of the appliance's file"
                .into(),
        )
    })
}

fn wrong_option(value: &str) -> Option<Fault> {
    let option = value.split(',').find(|o| foreign_to_ext4(o))?;
    Some(Refused(format!(
        "and the root will be ext4, which does not know the option {option}; take it out of the appliance's file"
    )))
}

pub(super) fn finding(texts: &[(&str, &str)], word: &Word, fault: Fault) -> Finding {
    let (what, refused) = match fault {
        Refused(what) => (what, true),
        Warned(what) => (what, false),
    };
    Finding {
        file: texts
            .get(word.file)
            .map_or("", |(path, _)| path)
            .to_string(),
        line: word.line,
        word: word.text.clone(),
        what,
        refused,
    }
}
