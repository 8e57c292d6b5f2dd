// SPDX-License-Identifier: MIT OR Apache-2.0
//! Drivers that the new system lacks, on machines with a sysfs of files.

use super::*;
use crate::old::output::Output;
use crate::old::rows::State;
use identity::network::Cidr;
use identity::network::kernel::{Link, Route};
use std::fs::{create_dir_all, write};
use std::os::unix::fs::symlink;

/// A sysfs of devices that have drivers, with modaliases as machines have them
/// (numbers of vendors and devices after pci.ids and the drivers' own tables).
struct Sys(tempfile::TempDir);

const VIRTIO_NET: &str = "virtio:d00000001v00001AF4";
const VIRTIO_PCI: &str = "pci:v00001AF4d00001000sv00001AF4sd00000001bc02sc00i00";
const E1000: &str = "pci:v00008086d0000100Esv00001AF4sd00001100bc02sc00i00";
const VMXNET3: &str = "pci:v000015ADd000007B0sv000015ADsd000007B0bc02sc00i00";
const NETVSC: &str = "vmbus:635161f83edfc546913ff2d2f965ed0e";
const ENA: &str = "pci:v00001D0Fd0000EC20sv00001D0Fsd0000EC20bc02sc00i00";
const AHCI: &str = "pci:v00008086d00002922sv00001AF4sd00001100bc01sc06i01";
const PVSCSI: &str = "pci:v000015ADd000007C0sv000015ADsd000007C0bc01sc07i00";

impl Sys {
    fn new() -> Sys {
        Sys(tempfile::tempdir().unwrap())
    }

    /// A device at this path with a driver of this module.
    fn device(&self, path: &str, modalias: &str, module: &str) {
        let root = self.0.path();
        let (device, driver) = (
            root.join("devices").join(path),
            root.join("bus/drivers").join(module),
        );
        let home = root.join("module").join(module);
        for directory in [&device, &driver, &home] {
            create_dir_all(directory).unwrap();
        }
        write(device.join("modalias"), format!("{modalias}\n")).unwrap();
        symlink(&driver, device.join("driver")).unwrap();
        let _ = symlink(&home, driver.join("module"));
    }

    /// A disk or an interface that hangs on a device.
    fn component(&self, class: &str, path: &str, name: &str) {
        let root = self.0.path();
        let directory = root.join("devices").join(path).join(class).join(name);
        create_dir_all(&directory).unwrap();
        create_dir_all(root.join("class").join(class)).unwrap();
        symlink(&directory, root.join("class").join(class).join(name)).unwrap();
    }

    /// A machine with a disk on AHCI, and this card on PCI.
    fn with_card(modalias: &str, module: &str) -> Sys {
        let sys = Sys::new();
        sys.device("pci0000:00/0000:00:1f.2", AHCI, "ahci");
        sys.device(
            "pci0000:00/0000:00:1f.2/ata1/host0/target0:0:0/0:0:0:0",
            "scsi:t-0x00",
            "sd_mod",
        );
        sys.component(
            "block",
            "pci0000:00/0000:00:1f.2/ata1/host0/target0:0:0/0:0:0:0",
            "sda",
        );
        sys.device("pci0000:00/0000:00:03.0", modalias, module);
        sys.component("net", "pci0000:00/0000:00:03.0", "eth0");
        create_dir_all(sys.0.path().join("devices/virtual/net/lo")).unwrap();
        sys
    }
}

/// The kernel's table with a default route over this interface.
fn routed(name: &str) -> KernelNetwork {
    KernelNetwork {
        links: vec![Link {
            index: 2,
            name: name.into(),
            ..Link::default()
        }],
        routes: vec![Route {
            link: Some(2),
            to: Cidr::new("0.0.0.0".parse().unwrap(), 0).unwrap(),
            via: None,
            metric: 0,
            protocol: 4,
            table: 254,
            multipath: false,
            on_link: false,
            source: None,
        }],
        ..KernelNetwork::default()
    }
}

/// Lines of modules.alias of Debian 12's kernel 6.1.0-56-amd64.
const ALIASES: &str = "alias pci:v*d*sv*sd*bc01sc06i01* ahci
alias scsi:t-0x00* sd_mod
alias virtio:d00000001v* virtio_net
alias pci:v00001AF4d*sv*sd*bc*sc*i* virtio_pci
alias pci:v00008086d0000100Esv*sd*bc*sc*i* e1000
alias pci:v000015ADd000007B0sv*sd*bc*sc*i* vmxnet3
alias vmbus:635161f83edfc546913ff2d2f965ed0e hv_netvsc
alias pci:v00001D0Fd0000EC20sv*sd*bc*sc*i* ena
alias pci:v000015ADd000007C0sv*sd*bc*sc*i* vmw_pvscsi
";

/// What is said of a kernel without the aliases of `without`.
fn says(sys: &Sys, live: &KernelNetwork, without: &str, builtin: &str) -> Vec<(State, String)> {
    let lines = ALIASES
        .lines()
        .filter(|line| without.is_empty() || !line.ends_with(without));
    let modules = Modules {
        alias: lines.map(|line| format!("{line}\n")).collect(),
        builtin: builtin.into(),
        // What a kernel from 5.2 on says, of something else.
        builtin_modinfo: b"loop.license=GPL\0".to_vec(),
    };
    said(sys, live, &modules)
}

fn said(sys: &Sys, live: &KernelNetwork, modules: &Modules) -> Vec<(State, String)> {
    let mut rows = Rows::new(Output::Silent);
    let components = components(sys.0.path(), Some("sda"), Some(live));
    drivers("6.1.0-56", modules, &components, true, &mut rows);
    rows.iter().map(|row| (row.state, row.text())).collect()
}

#[test]
fn a_card_that_the_new_kernel_does_not_drive_is_refused_by_name() {
    for (modalias, module) in [
        (E1000, "e1000"),
        (VMXNET3, "vmxnet3"),
        (NETVSC, "hv_netvsc"),
        (ENA, "ena"),
    ] {
        let sys = Sys::with_card(modalias, module);
        let all = says(&sys, &routed("eth0"), "", "");
        assert_eq!(all.len(), 1);
        assert_eq!(all[0].0, State::Fine, "{all:?}");
        let without = says(&sys, &routed("eth0"), module, "");
        let (state, text) = &without[0];
        assert_eq!((without.len(), *state), (1, State::Refused), "{text}");
        for words in [
            "network interface eth0: ",
            "kernel 6.1.0-56",
            module,
            "has no driver",
        ] {
            assert!(text.contains(words), "{words}: {text}");
        }
        // One that no default route leads to can be done without.
        assert_eq!(says(&sys, &routed("eth1"), module, "")[0].0, State::Warning);
        // It may be built in.
        let builtin = format!("kernel/drivers/net/{module}.ko\n");
        assert_eq!(
            says(&sys, &routed("eth0"), module, &builtin)[0].0,
            State::Fine
        );
    }
}

#[test]
fn a_controller_of_the_root_that_the_new_kernel_does_not_drive_is_refused() {
    let sys = Sys::with_card(E1000, "e1000");
    let found = says(&sys, &routed("eth0"), "ahci", "");
    assert_eq!((found.len(), found[0].0), (1, State::Refused));
    assert!(found[0].1.starts_with("disk sda: "), "{found:?}");
    assert!(found[0].1.contains("would not find its root"), "{found:?}");
    // Of another disk it is a warning.
    sys.device("pci0000:00/0000:03:00.0", PVSCSI, "vmw_pvscsi");
    sys.component(
        "block",
        "pci0000:00/0000:03:00.0/host2/target2:0:0/2:0:0:0",
        "sdb",
    );
    let found = says(&sys, &routed("eth0"), "vmw_pvscsi", "");
    assert_eq!((found.len(), found[0].0), (1, State::Warning));
    assert!(found[0].1.starts_with("disk sdb: "), "{found:?}");
}

#[test]
fn a_card_below_a_bond_is_needed_where_it_is_the_only_one() {
    let sys = Sys::with_card(VIRTIO_PCI, "virtio_pci");
    let virtio = "pci0000:00/0000:00:04.0/virtio1";
    sys.device("pci0000:00/0000:00:04.0", VIRTIO_PCI, "virtio_pci");
    sys.device(virtio, VIRTIO_NET, "virtio_net");
    sys.component("net", virtio, "eth1");
    for (upper, lower) in [("bond0", "eth1"), ("bond0.7", "bond0")] {
        sys.component("net", "virtual", upper);
        let class = sys.0.path().join("class/net");
        symlink(
            class.join(lower),
            class.join(upper).join(format!("lower_{lower}")),
        )
        .unwrap();
    }
    assert_eq!(says(&sys, &routed("bond0.7"), "", "")[0].0, State::Fine);
    let found = says(&sys, &routed("bond0.7"), "virtio_net", "");
    assert_eq!((found.len(), found[0].0), (1, State::Refused), "{found:?}");
    assert!(
        found[0].1.starts_with("network interface eth1: "),
        "{found:?}"
    );
    // Not eth0, which is no part of it.
    assert_eq!(
        says(&sys, &routed("eth0"), "virtio_net", "")[0].0,
        State::Warning
    );
    // With a second port, whose card has its driver, the machine is reached.
    sys.device("pci0000:00/0000:00:05.0", E1000, "e1000");
    sys.component("net", "pci0000:00/0000:00:05.0", "eth2");
    let class = sys.0.path().join("class/net");
    symlink(class.join("eth2"), class.join("bond0/lower_eth2")).unwrap();
    let found = says(&sys, &routed("bond0.7"), "virtio_net", "");
    assert_eq!((found.len(), found[0].0), (1, State::Warning), "{found:?}");
}

/// Azure's: the card that packets go through is a part of the one that is seen.
#[test]
fn a_part_that_can_be_done_without_is_a_warning() {
    let sys = Sys::with_card(NETVSC, "hv_netvsc");
    let part = "pci8a3f:00/8a3f:00:02.0";
    let mlx5 = "pci:v000015B3d00001016sv000015B3sd00000190bc02sc00i00";
    sys.device(part, mlx5, "mlx5_core");
    sys.component("net", part, "enP35391");
    let class = sys.0.path().join("class/net");
    symlink(class.join("enP35391"), class.join("eth0/lower_enP35391")).unwrap();
    let found = says(&sys, &routed("eth0"), "", "");
    assert_eq!((found.len(), found[0].0), (1, State::Warning), "{found:?}");
    assert!(found[0].1.contains("enP35391"), "{found:?}");
}

#[test]
fn the_best_default_route_counts() {
    let sys = Sys::with_card(E1000, "e1000");
    let mut live = routed("eth0");
    live.links.push(Link {
        index: 3,
        name: "wlan0".into(),
        ..Link::default()
    });
    let first = live.routes[0].clone();
    let other = |metric, table| Route {
        link: Some(3),
        metric,
        table,
        ..first.clone()
    };
    live.routes[0].metric = 100;
    for (route, expected) in [
        (other(600, 254), State::Refused),
        (other(0, 100), State::Refused),
        (other(50, 254), State::Warning),
    ] {
        let live = KernelNetwork {
            routes: vec![route, live.routes[0].clone()],
            ..live.clone()
        };
        assert_eq!(says(&sys, &live, "e1000", "")[0].0, expected);
    }
}

/// Kernels before 5.2 say only the names of what they have built in.
#[test]
fn what_is_not_known_is_no_refusal() {
    let sys = Sys::with_card(E1000, "e1000");
    let modules = Modules {
        alias: String::new(),
        builtin: "kernel/drivers/ata/ahci.ko\nkernel/drivers/scsi/sd_mod.ko\n".into(),
        builtin_modinfo: Vec::new(),
    };
    let found = said(&sys, &routed("eth0"), &modules);
    assert_eq!((found.len(), found[0].0), (1, State::Warning), "{found:?}");
    assert!(found[0].1.contains("which is not known"), "{found:?}");
}

/// A driver that is built in has no link to its module, and may have another
/// name.
#[test]
fn a_driver_is_known_by_its_module() {
    for (driver, module) in [
        ("sd", "sd_mod"),
        ("vbd", "xen_blkfront"),
        ("e1000", "e1000"),
    ] {
        let sys = Sys::new();
        sys.device("bus/one", "scsi:t-0x00", driver);
        std::fs::remove_file(sys.0.path().join("bus/drivers").join(driver).join("module")).unwrap();
        let found = above(&sys.0.path().join("devices/bus/one"));
        assert_eq!(found[0].module, module);
    }
}

#[test]
fn words_that_hide_what_a_processor_has() {
    for word in ["clearcpuid=514", "noxsave", "gather_data_sampling=force"] {
        assert!(hides_flags(word), "{word}");
    }
    for word in ["quiet", "xsave", "root=/dev/sda1"] {
        assert!(!hides_flags(word), "{word}");
    }
}

#[test]
fn the_higher_level_is_demanded_of_a_processor() {
    let libc = |level| Some((level, "usr/lib/libc.so.6 of the new system".to_owned()));
    for (own, asked, want) in [
        (None, None, None),
        (None, Some(Level::V3), Some((Level::V3, "[requires]"))),
        (libc(Level::V2), None, Some((Level::V2, "libc"))),
        (
            libc(Level::V2),
            Some(Level::V3),
            Some((Level::V3, "[requires]")),
        ),
        (libc(Level::V3), Some(Level::V3), Some((Level::V3, "libc"))),
        (libc(Level::V3), Some(Level::V1), Some((Level::V3, "libc"))),
    ] {
        let got = demanded(own, Requires { cpu: asked });
        let got = got.as_ref().map(|(level, who)| (*level, who.as_str()));
        match (got, want) {
            (None, None) => {}
            (Some((level, who)), Some((wanted, word))) => {
                assert_eq!(level, wanted);
                assert!(who.contains(word), "{who}");
            }
            other => panic!("{other:?}"),
        }
    }
}
