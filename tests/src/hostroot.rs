// SPDX-License-Identifier: MIT OR Apache-2.0
//! Runs a shell script in a virtual machine that sees this host's files.
//!
//! The host's root is shared read-only by 9p and overlaid by a tmpfs, so the
//! real lvm2, e2fsprogs and the rest run under a real kernel with
//! device-mapper, and nothing that they write stays.

use crate::cache::{self, Kernel};
use crate::initrd::Initrd;
use crate::vm::{Bus, Vm};
use std::path::Path;
use std::time::Duration;

/// What a script did.
#[derive(Debug)]
pub struct Outcome {
    /// Its standard output and standard error.
    pub output: String,
    /// Its exit status.
    pub status: i32,
}

const INIT: &str = r#"#!/bin/sh
export PATH=/bin
mount -t devtmpfs dev /dev; mount -t proc proc /proc; mount -t sysfs sys /sys
while read -r m; do insmod "/m/$m"; done </m/order
mkdir -p /low /top /new
mount -t 9p -o trans=virtio,version=9p2000.L,ro,msize=262144,cache=loose root /low
mount -t tmpfs -o size=70% top /top
mkdir /top/up /top/work
mount -t overlay -o lowerdir=/low,upperdir=/top/up,workdir=/top/work over /new
for d in dev proc sys; do mount --move /$d /new/$d; done
mkdir -p /new/run /new/tmp /new/lib/modules /kept/source /kept/modules
# They may lie below /tmp, and are still to be seen there.
. /env
mount --bind "/new$SOURCE" /kept/source; mount --bind "/new$MODULES" /kept/modules
mount -t tmpfs run /new/run; mount -t tmpfs tmp /new/tmp; mount -t devpts pts /new/dev/pts
mkdir -p "/new$SOURCE"; mount --bind /kept/source "/new$SOURCE"
mount --bind /kept/modules /new/lib/modules
cp /script /new/tmp/script
exec chroot /new /bin/sh -c '
    export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C
    stty -F /dev/ttyS1 raw -echo
    cd /tmp
    sh /tmp/script >/dev/ttyS1 2>&1 </dev/null
    echo "@status $?@" >/dev/ttyS1
    sleep 1; echo o >/proc/sysrq-trigger; sleep 60'
"#;

/// The beginning of a script: lvm2 without udev, on the disks vda and vdb alone.
pub const LVM2: &str = r#"
set -eu
mkdir /tmp/lvm; export LVM_SYSTEM_DIR=/tmp/lvm LVM_SUPPRESS_FD_WARNINGS=1
cat >/tmp/lvm/lvm.conf <<END
devices { filter=["a|^/dev/vd[ab][0-9]*$|","r|.*|"] global_filter=["a|^/dev/vd[ab][0-9]*$|","r|.*|"]
 use_devicesfile=0 hints="none" obtain_device_list_from_udev=0 external_device_info_source="none" }
activation { udev_sync=0 udev_rules=0 verify_udev_operations=0 monitoring=0 }
global { event_activation=0 use_lvmpolld=0 notify_dbus=0 thin_check_executable="" }
END
"#;

/// Runs `script` with `sh` as root in a machine with these raw disks, as
/// /dev/vda, /dev/vdb ..., and 2 GiB of RAM; `modprobe` works in it.
///
/// # Panics
/// When the machine does not boot or the script takes longer than `limit`.
pub fn run(script: &str, disks: &[&Path], limit: Duration) -> Outcome {
    let attach = |vm: Vm| disks.iter().fold(vm, |vm, disk| vm.disk(disk, Bus::Virtio));
    run_on(script, attach, limit)
}

/// The same in a machine to which `change` gives what it likes: other disks,
/// other memory.
///
/// # Panics
/// When the machine does not boot or the script takes longer than `limit`.
pub fn run_on(script: &str, change: impl FnOnce(Vm) -> Vm, limit: Duration) -> Outcome {
    let kernel = Kernel::generic();
    let dir = tempfile::tempdir_in(cache::directory()).expect("a temporary directory");
    let modules = ["virtio_pci", "9pnet_virtio", "9p", "overlay", "virtio_blk"];
    let mut initrd = Initrd::new()
        .busybox(&["sh", "mount", "insmod", "mkdir", "chroot", "cp"])
        .file("/init", 0o755, INIT.as_bytes())
        .file("/script", 0o755, script.as_bytes());
    let mut order = String::new();
    for (n, file) in kernel.closure(&modules).iter().enumerate() {
        initrd = initrd.copy(file, &format!("/m/{n}.ko"));
        order += &format!("{n}.ko\n");
    }
    let modules = kernel.root.join("lib/modules");
    let source = cache::source();
    let env = format!(
        "MODULES='{}' SOURCE='{}'\n",
        modules.display(),
        source.display()
    );
    let image = initrd
        .file("/m/order", 0o644, order.as_bytes())
        .file("/env", 0o644, env.as_bytes())
        .write(&dir.path().join("initrd"));
    let vm = Vm::new()
        .memory(2048)
        .serials(2)
        .quiet()
        .kernel(&kernel.vmlinuz(), &image)
        .append("console=ttyS0 panic=-1 loglevel=4")
        .arg("-no-reboot")
        .arg("-fsdev")
        .arg("local,id=root,path=/,security_model=none,readonly=on,multidevs=remap")
        .arg("-device")
        .arg("virtio-9p-pci,fsdev=root,mount_tag=root");
    let running = change(vm).start();
    let port = &running.serials[1];
    let Some(end) = port.wait("@status ", 0, limit) else {
        panic!(
            "no end of the script within {limit:?}: {}\n{}",
            port.output(),
            running.tail()
        );
    };
    port.wait("@", end, Duration::from_secs(60))
        .expect("the end of the status");
    let output = port.output();
    let (output, status) = output.rsplit_once("@status ").expect("found before");
    let status = status
        .trim_end()
        .trim_end_matches('@')
        .parse()
        .expect("a number");
    Outcome {
        output: output.to_string(),
        status,
    }
}
