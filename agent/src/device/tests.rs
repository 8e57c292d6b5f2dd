// SPDX-License-Identifier: MIT OR Apache-2.0
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use super::*;

/// A sysfs with these files (path and content), devices linked into their class.
fn sysfs(files: &[(&str, &str)]) -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir_all(root.path().join("class/block")).unwrap();
    for (path, content) in files {
        let path = root.path().join("devices").join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        if path.ends_with("dev") {
            let device = path.parent().unwrap();
            let name = device.file_name().unwrap();
            symlink(device, root.path().join("class/block").join(name)).unwrap();
        }
    }
    root
}

const DISK: &str = "pci0000:00/0000:00:05.0/host0/target0:0:0/0:0:0:0/block/sda";

fn one_disk() -> tempfile::TempDir {
    let at = |path: &str| format!("{DISK}/{path}");
    let owned = [
        (at("dev"), "8:0\n"),
        (at("size"), "16777216\n"),
        (at("ro"), "0\n"),
        (at("queue/logical_block_size"), "4096\n"),
        (at("device/vendor"), "VMware  \n"),
        (at("device/model"), "Virtual disk    \n"),
        (at("device/vpd_pg80"), "\0\u{1}\0\u{6} AB12 "),
        (at("sda10/dev"), "8:10\n"),
        (at("sda10/partition"), "10\n"),
        (at("sda10/start"), "4096\n"),
        (at("sda10/size"), "100\n"),
        (at("sda10/ro"), "1\n"),
        (at("sda2/dev"), "8:2\n"),
        (at("sda2/partition"), "2\n"),
        (at("sda2/start"), "2048\n"),
        ("virtual/block/dm-0/dev".into(), "253:0\n"),
        ("virtual/block/dm-0/size".into(), "100\n"),
        ("virtual/block/dm-0/dm/name".into(), "vg-root\n"),
        ("virtual/block/dm-0/dm/uuid".into(), "LVM-abc\n"),
        ("pci0000:00/usb1/1-1/idVendor".into(), "46f4\n"),
        ("pci0000:00/usb1/1-1/serial".into(), "STICK\n"),
        (
            "pci0000:00/usb1/1-1/1-1:1.0/host1/block/sdb/dev".into(),
            "8:16\n",
        ),
        (
            "pci0000:00/0000:00:01.1/ata2/block/sr0/dev".into(),
            "11:0\n",
        ),
        (
            "pci0000:00/0000:00:01.1/ata2/block/sr0/size".into(),
            "2097151\n",
        ),
    ];
    let files: Vec<_> = owned
        .iter()
        .map(|(path, content)| (path.as_str(), *content))
        .collect();
    sysfs(&files)
}

#[test]
fn block_devices_of_a_machine() {
    let sys = one_disk();
    let devices = list_block_devices(sys.path()).unwrap();
    let names: Vec<_> = devices.iter().map(|device| device.name.as_str()).collect();
    assert_eq!(names, ["dm-0", "sda", "sda2", "sda10", "sdb", "sr0"]);
    let disk = &devices[1];
    assert_eq!((disk.major, disk.minor, disk.sectors), (8, 0, 16_777_216));
    assert_eq!(disk.bytes(), 8 << 30);
    assert_eq!(disk.logical_block_size, 4096);
    assert_eq!(disk.model.as_deref(), Some("VMware Virtual disk"));
    assert_eq!(disk.serial.as_deref(), Some("AB12"));
    assert_eq!(
        disk.describe(),
        "/dev/sda (8192 MiB, VMware Virtual disk, AB12)"
    );
    assert!(disk.is_disk() && !disk.is_virtual() && !disk.read_only);
    let part = &devices[3];
    assert_eq!(
        part.partition,
        Some(Partition {
            number: 10,
            start: 4096
        })
    );
    assert_eq!(part.parent.as_deref(), Some("sda"));
    assert_eq!(part.logical_block_size, 4096);
    assert!(part.read_only && !part.is_disk());
    assert_eq!(devices[0].dm_name.as_deref(), Some("vg-root"));
    assert_eq!(devices[0].dm_uuid.as_deref(), Some("LVM-abc"));
    assert!(devices[0].is_virtual() && !devices[0].is_disk());
    assert_eq!(devices[4].serial.as_deref(), Some("STICK"));
    assert!(!devices[5].is_disk());
}

#[test]
fn no_sysfs_is_an_error_and_no_disk_is_none() {
    let sys = sysfs(&[]);
    assert_eq!(list_block_devices(sys.path()).unwrap(), []);
    let error = list_block_devices(Path::new("/nowhere")).unwrap_err();
    assert!(
        error.to_string().contains("/nowhere/class/block"),
        "{error}"
    );
}

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
fn devices_without_a_driver_are_told_with_the_module_they_want() {
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
    let lines: Vec<_> = unserved::find(sys.path(), &modules)
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
fn what_is_a_disk() {
    let at = |path: &str, name: &str, more: &[(&str, &str)]| {
        let mut files = vec![(format!("{path}/{name}/dev"), "259:0\n")];
        files.push((format!("{path}/{name}/size"), "2048\n"));
        files.extend(
            more.iter()
                .map(|(p, text)| (format!("{path}/{name}/{p}"), *text)),
        );
        let files: Vec<_> = files.iter().map(|(p, text)| (p.as_str(), *text)).collect();
        let sys = sysfs(&files);
        let devices = list_block_devices(sys.path()).unwrap();
        devices[0].clone()
    };
    let head = at("virtual/nvme-subsystem/nvme-subsys0", "nvme0n1", &[]);
    assert!(head.is_disk() && !head.is_virtual());
    for name in ["loop0", "ram0", "zram0", "md0", "dm-0"] {
        assert!(!at("virtual/block", name, &[]).is_disk(), "{name}");
    }
    assert!(!at("virtual/nvme-fabrics/ctl/nvme0", "nvme0n1", &[]).is_disk());
    let old = at("pci0000:00/0000:01:00.0", "cciss!c0d0", &[("ro", "1\n")]);
    assert!(old.is_disk() && old.read_only);
    assert_eq!(old.path(), Path::new("/dev/cciss/c0d0"));
}

/// Whatever stands in them, and however much of it.
#[test]
fn odd_numbers_in_sysfs_do_no_harm() {
    for odd in ["", "-1\n", "99999999999999999999\n", "0x10", "\0", "8:"] {
        let at = |path: &str| format!("{DISK}/{path}");
        let names = [
            "size",
            "ro",
            "queue/logical_block_size",
            "device/vpd_pg80",
            "serial",
        ];
        let mut files: Vec<_> = names.iter().map(|name| (at(name), odd)).collect();
        files.push((at("dev"), "8:0\n"));
        files.push((at("sda1/dev"), odd));
        files.push((at("sda1/partition"), odd));
        let files: Vec<_> = files.iter().map(|(p, text)| (p.as_str(), *text)).collect();
        let sys = sysfs(&files);
        let devices = list_block_devices(sys.path()).unwrap();
        assert_eq!((devices.len(), devices[0].sectors), (1, 0), "{odd:?}");
        assert!(!devices[0].is_disk());
    }
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
