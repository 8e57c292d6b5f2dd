// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a modalias says about the device, in words.
//!
//! Source: the kernel's scripts/mod/file2alias.c.

/// What kind of device a modalias stands for, as far as it matters here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A disk controller or a disk: without its driver there may be no disk.
    Storage,
    /// A bus on which disks or keyboards hang: USB and other controllers, virtio, Hyper-V.
    Bus,
    /// A keyboard.
    Keyboard,
    /// A network card, which the tiny system has no use for.
    Network,
    /// Anything else.
    Other,
}

/// The kind of the device whose modalias this is.
pub fn kind(modalias: &str) -> Kind {
    let (bus, rest) = modalias.split_once(':').unwrap_or((modalias, ""));
    match bus {
        "pci" => match pci_class(rest) {
            Some(class) if class.starts_with("01") => Kind::Storage,
            // A bridge of RAID mode in front of NVMe (Intel VMD) calls itself 0104;
            // 0c03 is USB, 0805 a memory card.
            Some("0c03") => Kind::Bus,
            Some("0805") => Kind::Storage,
            _ if rest.starts_with("v00001AF4d") => virtio_pci(rest),
            Some(class) if class.starts_with("02") => Kind::Network,
            _ => Kind::Other,
        },
        "virtio" => match rest.get(..9) {
            Some("d00000001") => Kind::Network,
            Some("d00000002" | "d00000008") => Kind::Storage,
            Some("d00000012") => Kind::Keyboard,
            _ => Kind::Other,
        },
        // 0x00 disk, 0x07 optical memory, 0x0e simplified disk, 0x14 zoned disk.
        "scsi" => match rest {
            "t-0x00" | "t-0x07" | "t-0x0e" | "t-0x14" => Kind::Storage,
            _ => Kind::Other,
        },
        "usb" if rest.contains("ic08") => Kind::Storage,
        "usb" if rest.contains("ic03") => Kind::Keyboard,
        "vmbus" => match rest.to_ascii_lowercase().as_str() {
            // SCSI, IDE, Fibre Channel.
            "d96361baa104294db60572e2ffb1dc7f"
            | "32264132cb86a2449b5c50d1417354f5"
            | "4acc9b2f6900f34ab76b6fd0be528cda" => Kind::Storage,
            "6dad12f9172bea48bd65f927a61c7684" => Kind::Keyboard,
            "635161f83edfc546913ff2d2f965ed0e" => Kind::Network,
            // PCI pass-through, behind which NVMe disks are.
            "1df6c444444400449d52802e27ede19f" => Kind::Bus,
            _ => Kind::Other,
        },
        "xen" if rest == "vbd" || rest == "vscsi" => Kind::Storage,
        "xen" if rest == "vif" => Kind::Network,
        "nvme" | "mmc" | "ide" => Kind::Storage,
        "hid" => Kind::Keyboard,
        _ => Kind::Other,
    }
}

/// One line for a message: the modalias, shortened, and what it is in words.
pub fn describe(modalias: &str) -> String {
    let (bus, rest) = modalias.split_once(':').unwrap_or((modalias, ""));
    match bus {
        "pci" => {
            let number = |at: usize| rest.get(at..at + 4).map(str::to_ascii_lowercase);
            let class = pci_class(rest);
            match (number(5), number(14), class) {
                (Some(vendor), Some(device), Some(class)) => {
                    format!(
                        "PCI device {vendor}:{device}, class {class} ({})",
                        class_name(class)
                    )
                }
                _ => format!("PCI device {modalias}"),
            }
        }
        "virtio" if rest.starts_with("d00000002") => "virtio disk".to_owned(),
        "virtio" if rest.starts_with("d00000008") => "virtio SCSI controller".to_owned(),
        "scsi" if rest == "t-0x00" => "SCSI disk".to_owned(),
        "virtio" if rest.starts_with("d00000001") => "virtio network card".to_owned(),
        "usb" => match (rest.get(1..5), rest.get(6..10)) {
            (Some(vendor), Some(product)) => {
                format!(
                    "USB device {}:{}",
                    vendor.to_lowercase(),
                    product.to_lowercase()
                )
            }
            _ => format!("USB device {modalias}"),
        },
        "vmbus" if kind(modalias) == Kind::Storage => "Hyper-V disk controller".to_owned(),
        "vmbus" if kind(modalias) == Kind::Network => "Hyper-V network card".to_owned(),
        "xen" if rest == "vbd" => "Xen disk".to_owned(),
        "xen" if rest == "vif" => "Xen network card".to_owned(),
        _ => modalias.to_owned(),
    }
}

/// Base class and subclass of `v........d........sv........sd........bc..sc..i..`,
/// four hexadecimal digits in lower case where they are letters.
fn pci_class(rest: &str) -> Option<&'static str> {
    let at = rest.find("bc")?;
    let base = rest.get(at + 2..at + 4)?;
    let sub = rest.get(at + 4..)?.strip_prefix("sc")?.get(..2)?;
    let known = CLASSES.iter().find(|(class, _)| {
        class
            .get(..2)
            .is_some_and(|known| known.eq_ignore_ascii_case(base))
            && class
                .get(2..)
                .is_some_and(|known| known.eq_ignore_ascii_case(sub))
    });
    match known {
        Some((class, _)) => Some(class),
        None if base == "01" => Some("0180"),
        None if base == "02" => Some("0280"),
        None => None,
    }
}

/// Virtio devices have classes of their own only since version 1: disks are
/// 1001 and 1042, SCSI controllers 1004 and 1048.
fn virtio_pci(rest: &str) -> Kind {
    match rest.get(10..18) {
        Some("00001001" | "00001042" | "00001004" | "00001048") => Kind::Storage,
        _ => Kind::Bus,
    }
}

fn class_name(class: &str) -> &'static str {
    let known = CLASSES.iter().find(|(known, _)| *known == class);
    known.map_or("other", |(_, name)| name)
}

/// PCI base class and subclass, from the PCI Code and ID Assignment Specification.
const CLASSES: [(&str, &str); 15] = [
    ("0100", "SCSI controller"),
    ("0101", "IDE controller"),
    ("0102", "floppy controller"),
    ("0103", "IPI controller"),
    ("0104", "RAID controller"),
    ("0105", "ATA controller"),
    ("0106", "SATA controller"),
    ("0107", "SAS controller"),
    ("0108", "NVMe controller"),
    ("0109", "UFS controller"),
    ("0180", "mass storage controller"),
    ("0200", "Ethernet controller"),
    ("0280", "network controller"),
    ("0805", "SD host controller"),
    ("0c03", "USB controller"),
];
