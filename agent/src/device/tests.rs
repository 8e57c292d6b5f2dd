// SPDX-License-Identifier: MIT OR Apache-2.0
//! Events and modules, with a sysfs of files and a loader that only counts.

use std::fs;

use super::*;
use crate::block::tests::{one_disk, sysfs};

/// A root with an index for the kernel that runs here; its modules are no files.
fn modules(dep: &str, alias: &str, absent: &str) -> (tempfile::TempDir, Modules) {
    let root = tempfile::tempdir().unwrap();
    let directory = root
        .path()
        .join("lib/modules")
        .join(image::running_kernel());
    fs::create_dir_all(&directory).unwrap();
    fs::write(directory.join("modules.dep"), dep).unwrap();
    fs::write(directory.join("modules.alias"), alias).unwrap();
    fs::write(directory.join(ondisk::modules::ABSENT), absent).unwrap();
    let modules = Modules::open(root.path(), "").unwrap();
    (root, modules)
}

#[test]
fn devices_without_a_driver_are_reported_with_the_module_they_want() {
    let megasas = "pci:v00001000d00000060sv00001000sd00001013bc01sc04i00";
    let sys = sysfs(&[
        (
            "pci0000:00/0000:00:01.0/modalias",
            "pci:v00008086d00001237sv0sd0bc06sc00i00\n",
        ),
        (
            "pci0000:00/0000:00:02.0/modalias",
            "pci:v00008086d000024CDsv0sd0bc0Csc03i20\n",
        ),
        (
            "pci0000:00/0000:00:03.0/modalias",
            "virtio:d00000002v00001AF4\n",
        ),
        ("pci0000:00/0000:00:03.0/driver/x", ""),
        ("pci0000:00/0000:00:04.0/modalias", &format!("{megasas}\n")),
        (
            "pci0000:00/0000:00:05.0/modalias",
            "pci:v00009999d00009999sv0sd0bc01sc80i00\n",
        ),
    ]);
    let (_root, modules) = modules(
        "kernel/ehci-pci.ko:\n",
        "alias pci:v*d*sv*sd*bc0Csc03i20* ehci_pci\n",
        "alias pci:v00001000d00000060sv*sd*bc*sc*i* megaraid_sas\n",
    );
    let lines: Vec<_> = unserved::find(sys.path(), modules.drivers())
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        lines,
        [
            "0000:00:04.0 (PCI device 1000:0060, class 0104 (RAID controller)) has no driver: \
             module megaraid_sas is wanted and not in this initramfs; \
             make it again with `replant-pack initramfs --with megaraid_sas`",
            "0000:00:05.0 (PCI device 9999:9999, class 0180 (mass storage controller)) has no \
             driver: no module of this kernel is known for it",
            "0000:00:02.0 (PCI device 8086:24cd, class 0c03 (USB controller)) has no driver: \
             module ehci_pci did not take it, see dmesg",
        ]
    );
}

#[test]
fn what_cannot_be_loaded_is_named() {
    let dep = "kernel/ext4.ko: kernel/nosuch1.ko\nkernel/gone.ko:\n";
    let (_root, mut modules) = modules(dep, "alias fs-ext4 ext4\n", "");
    let error = modules.ensure(&["fs-ext4"]).unwrap_err().to_string();
    assert!(
        error.starts_with("kernel module nosuch1, which ext4 needs, is not in this"),
        "{error}"
    );
    let error = modules.ensure(&["nosuch-mod"]).unwrap_err().to_string();
    assert!(
        error.ends_with("`replant-pack initramfs --with nosuch-mod`"),
        "{error}"
    );
    let error = modules.ensure(&["gone"]).unwrap_err().to_string();
    assert!(error.contains("kernel/gone.ko: No such file"), "{error}");
}

#[test]
fn one_that_the_kernel_has_does_not_hide_one_that_is_missing() {
    // Every kernel has printk, and no module of that name.
    let dep = "kernel/x.ko: kernel/zz_none.ko kernel/printk.ko\nkernel/y.ko: kernel/printk.ko\n";
    let (_root, mut modules) = modules(dep, "", "");
    let error = modules.ensure(&["x"]).unwrap_err().to_string();
    assert!(
        error.starts_with("kernel module zz_none, which x needs, is not in this"),
        "{error}"
    );
    let error = modules.ensure(&["y"]).unwrap_err().to_string();
    assert!(error.contains("kernel/y.ko: No such file"), "{error}");
}

#[test]
fn waiting_ends_at_the_deadline_and_says_what_is_there() {
    let sys = one_disk();
    let (_root, modules) = modules("", "", "");
    let mut devices = Devices {
        modules,
        events: Events::open().unwrap(),
        sys: sys.path().to_owned(),
        seen: BTreeSet::new(),
    };
    let begin = Instant::now();
    let deadline = begin + Duration::from_millis(300);
    let error = devices
        .wait_for("/dev/sdb", deadline, |_| None::<()>)
        .unwrap_err()
        .to_string();
    assert!(begin.elapsed() >= Duration::from_millis(300));
    assert_eq!(
        error,
        "/dev/sdb did not appear within 0 s; there are /dev/sda (8192 MiB, VMware Virtual disk, AB12)"
    );
    let found = devices.wait_for("a disk", deadline, |all| {
        all.iter()
            .find(|device| device.is_disk())
            .map(|device| device.name.clone())
    });
    assert_eq!(found.unwrap(), "sda");
    // Nothing happens on the host meanwhile, or the second call says so.
    let quiet = devices.settle(
        Duration::from_millis(50),
        Instant::now() + Duration::from_secs(30),
    );
    assert!(quiet.unwrap());
}

/// A device of a system that runs: its directory, with a driver of a module.
fn serve(sys: &std::path::Path, device: &str, module: &str) {
    let driver = sys.join("bus/drivers").join(module);
    let home = sys.join("module").join(module);
    fs::create_dir_all(&driver).unwrap();
    fs::create_dir_all(&home).unwrap();
    let link = driver.join("module");
    if !link.exists() {
        std::os::unix::fs::symlink(&home, link).unwrap();
    }
    let directory = sys.join("devices").join(device);
    fs::create_dir_all(&directory).unwrap();
    std::os::unix::fs::symlink(&driver, directory.join("driver")).unwrap();
}

#[test]
fn what_the_tiny_system_will_lack_is_known_before() {
    let scsi = "pci0000:00/0000:03:00.0/host2/target2:0:0/2:0:0:0";
    let sys = sysfs(&[
        // VMware's paravirtual SCSI controller behind a bridge, and its disk.
        ("pci0000:00/modalias", "acpi:PNP0A08:PNP0A03:\n"),
        (
            "pci0000:00/0000:03:00.0/modalias",
            "pci:v000015ADd000007C0sv000015ADsd000007C0bc01sc07i00\n",
        ),
        (&format!("{scsi}/modalias"), "scsi:t-0x00\n"),
        (&format!("{scsi}/block/sda/size"), "1\n"),
    ]);
    serve(sys.path(), "pci0000:00/0000:03:00.0", "vmw_pvscsi");
    serve(sys.path(), scsi, "sd_mod");
    let above = above(&sys.path().join("devices").join(scsi).join("block/sda"));
    let names: Vec<_> = above
        .iter()
        .map(|d| (d.device.as_str(), d.module.as_str()))
        .collect();
    assert_eq!(
        names,
        [("2:0:0:0", "sd_mod"), ("0000:03:00.0", "vmw_pvscsi")]
    );

    let pvscsi = "alias pci:v000015ADd000007C0sv*sd*bc*sc*i* vmw_pvscsi\n";
    let sd = "alias scsi:t-0x00* sd_mod\n";
    let says = |alias: &str, builtin: &str, absent: &str| -> Vec<String> {
        let texts = ondisk::modules::Texts {
            dep: "kernel/sd_mod.ko:\n",
            alias,
            builtin,
            ..Default::default()
        };
        let drivers = Drivers::of(&texts, absent).unwrap();
        above
            .iter()
            .filter_map(|device| foresee(device, &drivers))
            .map(|u| u.to_string())
            .collect()
    };
    assert_eq!(says(&format!("{sd}{pvscsi}"), "", ""), [""; 0]);
    assert_eq!(says(sd, "kernel/drivers/scsi/vmw_pvscsi.ko\n", ""), [""; 0]);
    assert_eq!(
        says(sd, "", pvscsi),
        [
            "0000:03:00.0 (PCI device 15ad:07c0, class 0107 (SAS controller)) has no driver: \
             module vmw_pvscsi is wanted and not in this initramfs; make it again with \
             `replant-pack initramfs --with vmw_pvscsi`"
        ]
    );
    let unknown = says(sd, "", "");
    assert!(
        unknown[0].ends_with(
            "no module of this kernel is known for it, unless its driver is built in, which is not known"
        ),
        "{unknown:?}"
    );
}
