// SPDX-License-Identifier: MIT OR Apache-2.0
//! The tiny system's initramfs, as replant-pack makes it, on a machine with
//! every disk controller that QEMU has and the image has a driver for.

use std::fs::File;
use std::path::Path;
use std::process::Command;
use std::time::Duration;
use testkit::{run, tool};

use harness::cache::{self, Kernel};
use harness::example::example;
use harness::initrd::Initrd;
use harness::product;
use harness::vm::{Bus, Vm};

/// Serial number and the `-device` arguments; `DRIVE` is the drive's id.
/// The SAS controller shows only disks with a SAS address.
const CONTROLLERS: &[(&str, &[&str])] = &[
    ("PIIX", &["ide-hd,bus=ide.0,serial=PIIX,drive=DRIVE"]),
    (
        "AHCI",
        &[
            "ich9-ahci,id=ahci",
            "ide-hd,bus=ahci.0,serial=AHCI,drive=DRIVE",
        ],
    ),
    (
        "VIRTIOBLK",
        &["virtio-blk-pci,serial=VIRTIOBLK,drive=DRIVE"],
    ),
    (
        "VIRTIOSCSI",
        &[
            "virtio-scsi-pci,id=vs",
            "scsi-hd,bus=vs.0,serial=VIRTIOSCSI,drive=DRIVE",
        ],
    ),
    (
        "PVSCSI",
        &["pvscsi,id=pv", "scsi-hd,bus=pv.0,serial=PVSCSI,drive=DRIVE"],
    ),
    (
        "MPTSAS",
        &[
            "mptsas1068,id=mpt",
            "scsi-hd,bus=mpt.0,serial=MPTSAS,wwn=0x5000c50000000002,drive=DRIVE",
        ],
    ),
    (
        "MEGASAS",
        &[
            "megasas,id=mega",
            "scsi-hd,bus=mega.0,serial=MEGASAS,drive=DRIVE",
        ],
    ),
    (
        "LSI",
        &[
            "lsi53c895a,id=lsi",
            "scsi-hd,bus=lsi.0,serial=LSI,drive=DRIVE",
        ],
    ),
    ("NVME", &["nvme,serial=NVME,drive=DRIVE"]),
    (
        "XHCI",
        &[
            "qemu-xhci,id=xhci",
            "usb-storage,bus=xhci.0,serial=XHCI,drive=DRIVE",
        ],
    ),
    (
        "UAS",
        &[
            "usb-uas,id=uas,bus=xhci.0",
            "scsi-hd,bus=uas.0,serial=UAS,drive=DRIVE",
        ],
    ),
    (
        "UHCI",
        &[
            "piix3-usb-uhci,id=uhci",
            "usb-storage,bus=uhci.0,serial=UHCI,drive=DRIVE",
        ],
    ),
    (
        "EHCI",
        &[
            "usb-ehci,id=ehci",
            "usb-storage,bus=ehci.0,serial=EHCI,drive=DRIVE",
        ],
    ),
];

/// What stands in the agent's place, and the libraries that it needs, as a
/// second archive behind the first one, whose /bin/replant it replaces.
fn stand_in(image: &Path) {
    let program = example("devices");
    let mut initrd = Initrd::new().copy(&program, "/bin/replant");
    for word in tool("ldd", &[program.to_str().unwrap()]).split_whitespace() {
        if word.starts_with('/') {
            initrd = initrd.copy(Path::new(word), word);
        }
    }
    let more = initrd.write(&image.with_extension("more"));
    let mut bytes = std::fs::read(image).unwrap();
    // An archive begins at a multiple of 4.
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes.extend(std::fs::read(more).unwrap());
    std::fs::write(image, bytes).unwrap();
}

fn initramfs(kernel: &Kernel, target: &Path, extra: &[&str]) {
    let mut pack = Command::new(product::built("replant-pack"));
    pack.args(["initramfs", "--kernel"])
        .arg(kernel.vmlinuz())
        .arg("--modules")
        .arg(&kernel.root)
        .arg("--init")
        .arg(product::built("init"))
        .arg("--replant")
        .arg(product::built("replant"))
        .arg("-o")
        .arg(target)
        .args(extra);
    run(&mut pack);
    stand_in(target);
}

#[test]
fn every_controller_gives_its_disk() {
    let kernel = Kernel::generic();
    let dir = tempfile::tempdir_in(cache::directory()).unwrap();
    let image = dir.path().join("initramfs");
    initramfs(
        &kernel,
        &image,
        &["--compress", "zstd", "--without", "am53c974"],
    );

    let mut vm = Vm::new()
        .quiet()
        .kernel(&kernel.vmlinuz(), &image)
        .append("console=ttyS0 panic=-1 loglevel=4 ext4=NVME vfat=PVSCSI")
        .append(&format!("disks={}", CONTROLLERS.len()))
        .arg("-no-reboot");
    for (n, (name, devices)) in CONTROLLERS.iter().enumerate() {
        let disk = dir.path().join(name);
        // Each has a size of its own, in MiB.
        File::create(&disk)
            .unwrap()
            .set_len((16 + n as u64) << 20)
            .unwrap();
        match *name {
            "NVME" => drop(tool("mkfs.ext4", &["-q", disk.to_str().unwrap()])),
            "PVSCSI" => drop(tool("mkfs.vfat", &[disk.to_str().unwrap()])),
            _ => {}
        }
        vm = vm.disk(&disk, Bus::None);
        for device in *devices {
            vm = vm
                .arg("-device")
                .arg(device.replace("DRIVE", &format!("drive{n}")));
        }
    }
    vm = vm
        .arg("-device")
        .arg("am53c974")
        .arg("-device")
        .arg("usb-kbd,bus=xhci.0");
    let mut running = vm.start();
    running.expect("@end", Duration::from_secs(180));
    running.wait_exit(Duration::from_secs(30));

    let output = running.serials[0].output().replace('\r', "");
    let lines = |word: &str| -> Vec<String> {
        let start = format!("@{word} ");
        output
            .lines()
            .filter_map(|line| Some(line.split_once(&start)?.1.to_owned()))
            .collect()
    };
    for line in output.lines().filter(|line| line.contains('@')) {
        println!("{line}");
    }
    assert!(lines("error").is_empty(), "{output}");
    let image = lines("image").concat();
    assert!(
        image.starts_with(&format!("{} ", kernel.version)),
        "{image}"
    );

    let disks = lines("disk");
    for (n, (name, _)) in CONTROLLERS.iter().enumerate() {
        let wanted = format!(" {name} {} ", (16 + n) << 20);
        assert!(
            disks.iter().any(|disk| disk.contains(&wanted)),
            "no {wanted}in {disks:#?}"
        );
    }
    assert_eq!(disks.len(), CONTROLLERS.len(), "{disks:#?}");

    let unserved = lines("unserved");
    assert_eq!(unserved.len(), 1, "{unserved:#?}");
    assert!(
        unserved[0].contains("PCI device 1022:2020")
            && unserved[0].contains("module am53c974 is wanted and not in this initramfs"),
        "{unserved:#?}"
    );
    assert_eq!(lines("control"), ["true"]);
    // ext4 mounts only with a crc32c algorithm; vfat and its character set are
    // loaded because the kernel asks /sbin/modprobe for them.
    let mounted: Vec<_> = lines("mounted");
    assert_eq!(mounted.len(), 2, "{mounted:?}");

    let timeout = lines("timeout").concat();
    assert!(
        timeout.starts_with("UUID=0000 did not appear within 1 s; there are /dev/"),
        "{timeout}"
    );
    assert!(
        timeout.contains("NVME") && timeout.contains("am53c974"),
        "{timeout}"
    );
    let refused = lines("refused").concat();
    assert!(
        refused.starts_with("kernel module am53c974 is not in this initramfs"),
        "{refused}"
    );
}
