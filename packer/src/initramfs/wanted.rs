// SPDX-License-Identifier: MIT OR Apache-2.0
//! The modules that a machine may need to find its disks and to be spoken to.

/// Modules with one purpose.
#[derive(Debug)]
pub struct Group {
    pub purpose: &'static str,
    /// Names or aliases; what they depend on is added by itself.
    pub modules: &'static [&'static str],
    /// Whether a migration is impossible without each of them.
    pub indispensable: bool,
}

const fn group(purpose: &'static str, modules: &'static [&'static str]) -> Group {
    Group {
        purpose,
        modules,
        indispensable: false,
    }
}

/// Everything that goes into an image. A kernel has some of it built in and lacks
/// some: the first is fine, the second is reported.
pub const GROUPS: &[Group] = &[
    Group {
        purpose: "volumes and file systems",
        modules: &["dm_mod", "ext4"],
        indispensable: true,
    },
    // linear, striped and error are parts of dm_mod. crypt, cache, multipath
    // and integrity wait for --with: nothing here activates them.
    group(
        "device-mapper targets",
        &[
            "dm_snapshot",
            "dm_zero",
            "dm_mirror",
            "dm_raid",
            "dm_thin_pool",
        ],
    ),
    // ext4 asks for the algorithm by its alias at mount; no dependency says so.
    group("checksums", &["crypto-crc32c", "libcrc32c"]),
    group(
        "old system's file systems",
        &[
            "xfs",
            "vfat",
            "nls_cp437",
            "nls_ascii",
            "nls_iso8859_1",
            "nls_utf8",
            "efivarfs",
        ],
    ),
    group("SCSI disks", &["sd_mod"]),
    group(
        "KVM",
        &[
            "virtio_pci",
            "virtio_mmio",
            "virtio_blk",
            "virtio_scsi",
            "virtio_console",
        ],
    ),
    // megaraid_sas, sym53c8xx and am53c974 are what QEMU's other SCSI controllers want.
    group(
        "QEMU's SCSI controllers",
        &["megaraid_sas", "sym53c8xx", "am53c974"],
    ),
    group(
        "VMware and VirtualBox",
        &["vmw_pvscsi", "mptspi", "mptsas", "BusLogic"],
    ),
    // Behind pci_hyperv are the NVMe disks of Azure.
    group(
        "Hyper-V",
        &[
            "hv_vmbus",
            "hv_storvsc",
            "hyperv_keyboard",
            "hid_hyperv",
            "pci_hyperv",
        ],
    ),
    group("Xen", &["xen_blkfront", "xen_scsifront", "xen_kbdfront"]),
    group("SATA and IDE", &["ahci", "ata_piix", "ata_generic"]),
    group("NVMe", &["nvme", "vmd"]),
    group(
        "USB",
        &[
            "xhci_pci",
            "ehci_pci",
            "ohci_pci",
            "uhci_hcd",
            "usb_storage",
            "uas",
        ],
    ),
    group("keyboard", &["i8042", "atkbd", "hid_generic", "usbhid"]),
    group("serial console", &["8250"]),
    // One that the firmware or the old system left running must be fed, and
    // only its driver can. lpc_ich and i2c_i801 make the device of iTCO_wdt.
    group(
        "watchdogs",
        &[
            "i6300esb",
            "iTCO_wdt",
            "lpc_ich",
            "i2c_i801",
            "wdat_wdt",
            "sp5100_tco",
            "hpwdt",
            "xen_wdt",
        ],
    ),
];

/// Directories of modules whose aliases are kept although the modules are not,
/// so that the tiny system can name the module that a disk controller wants.
pub const ABSENT_DIRECTORIES: &[&str] = &[
    "kernel/drivers/ata/",
    "kernel/drivers/block/",
    "kernel/drivers/message/",
    "kernel/drivers/mmc/",
    "kernel/drivers/nvme/",
    "kernel/drivers/pci/",
    "kernel/drivers/scsi/",
    "kernel/drivers/ufs/",
    "kernel/drivers/usb/host/",
    "kernel/drivers/usb/storage/",
    "kernel/drivers/virtio/",
    "kernel/drivers/xen/",
];
