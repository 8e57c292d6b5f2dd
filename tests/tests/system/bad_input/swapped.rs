// SPDX-License-Identifier: MIT OR Apache-2.0
//! Two equal disks that come back in another order, in the middle of a
//! migration: it goes on with its own, under the new name, and never writes the
//! other one.

use harness::cache::Kernel;
use harness::image::{overlay, written};
use harness::migration::Machine;
use harness::product;
use harness::vm::Vm;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(400);

/// QEMU's own console.
struct Monitor(BufReader<UnixStream>);

impl Monitor {
    fn connect(path: &Path) -> Monitor {
        let stream = UnixStream::connect(path).expect("QEMU's monitor");
        stream.set_read_timeout(Some(LIMIT)).expect("a timeout");
        let mut monitor = Monitor(BufReader::new(stream));
        monitor.wait("\"QMP\"");
        monitor.run("qmp_capabilities", "{}");
        monitor
    }

    fn wait(&mut self, needle: &str) {
        let mut line = String::new();
        while !line.contains(needle) {
            assert!(!line.contains("\"error\""), "QEMU: {line}");
            line.clear();
            let read = self.0.read_line(&mut line).expect("QEMU's monitor");
            assert!(read > 0, "QEMU went away before it said {needle}");
        }
    }

    fn run(&mut self, command: &str, arguments: &str) {
        let text = format!("{{\"execute\":\"{command}\",\"arguments\":{arguments}}}\n");
        self.0.get_mut().write_all(text.as_bytes()).expect("write");
        self.wait("\"return\"");
    }

    fn detach(&mut self, id: &str) {
        let text = format!("{{\"execute\":\"device_del\",\"arguments\":{{\"id\":\"{id}\"}}}}\n");
        self.0.get_mut().write_all(text.as_bytes()).expect("write");
        // The event may come before the answer.
        self.wait("DEVICE_DELETED");
    }

    fn attach(&mut self, id: &str, target: u32) {
        let words = format!(
            "{{\"driver\":\"scsi-hd\",\"id\":\"{id}\",\"bus\":\"scsi.0\",\"drive\":\"{id}\",\
             \"scsi-id\":{target},\"device_id\":\"\"}}"
        );
        self.run("device_add", &words);
    }
}

/// Starts with a staged machine.
pub fn is_told_apart(machine: &Machine) {
    let dir = machine.directory();
    let blank = dir.join("blank");
    let bytes = std::fs::metadata(&machine.disk).expect("the disk").len();
    std::fs::File::create(&blank)
        .and_then(|file| file.set_len(bytes))
        .expect("a sparse file");
    let images = ["own", "other"].map(|name| dir.join(format!("swapped-{name}.qcow2")));
    overlay(&machine.disk, &images[0]);
    overlay(&blank, &images[1]);
    let socket = dir.join("monitor");
    let mut vm = Vm::new()
        .quiet()
        .kernel(&Kernel::generic().vmlinuz(), &product::initramfs())
        .append("console=ttyS0 panic=10 quiet ro replant=migrate replant.break=partition")
        .append("root=UUID=0de00000-0000-4000-8000-000000000001")
        .arg("-no-reboot")
        .arg("-qmp")
        .arg(format!("unix:{},server=on,wait=off", socket.display()))
        .arg("-device")
        .arg("virtio-scsi-pci,id=scsi");
    for (n, (id, image)) in ["own", "other"].iter().zip(&images).enumerate() {
        vm = vm
            .arg("-blockdev")
            .arg(format!(
                "driver=qcow2,node-name={id},discard=unmap,file.driver=file,file.filename={}",
                image.display()
            ))
            .arg("-device")
            .arg(format!(
                "scsi-hd,id={id},bus=scsi.0,drive={id},scsi-id={n},device_id="
            ));
    }
    let mut running = vm.start();
    let at = running.expect("stopped before partition", LIMIT);
    let mut at = running.expect_after("replant> ", at, LIMIT);
    let said = running.serials[0].output();
    let mut monitor = Monitor::connect(&socket);
    let mut disks = |present: &[&str], gone: &[&str]| {
        // The kernel needs its moment to see them come and go.
        for _ in 0..LIMIT.as_secs() {
            running.serials[0].send("disks\r");
            let end = running.expect_after("replant> ", at, LIMIT);
            let all = running.serials[0].bytes();
            let said = String::from_utf8_lossy(&all[at..end]).into_owned();
            at = end;
            let has = |name: &&str| said.lines().any(|line| line.starts_with(*name));
            if present.iter().all(has) && !gone.iter().any(has) {
                return;
            }
            std::thread::sleep(Duration::from_secs(1));
        }
        panic!("{}", running.tail());
    };
    disks(&["sda", "sdb"], &[]);
    // The kernel looks at both at once: which one comes first is chance.
    let (was, is, order) = match said.contains(" on /dev/sda (") {
        true => ("sda", "sdb", ["other", "own"]),
        false => ("sdb", "sda", ["own", "other"]),
    };
    monitor.detach("own");
    monitor.detach("other");
    disks(&[], &["sda", "sdb"]);
    monitor.attach(order[0], 0);
    disks(&["sda"], &["sdb"]);
    monitor.attach(order[1], 1);
    disks(&["sda", "sdb"], &[]);
    running.serials[0].send("migrate\r");
    let line = format!("the disk that was {was} is /dev/{is}");
    let from = running.expect_after(&line, at, LIMIT);
    running.expect_after("unpack", from, LIMIT);
    // Ends with all that was written in the images.
    monitor.run("quit", "{}");
    running.wait_exit(LIMIT);
    assert_eq!(written(&images[1]), [], "the other disk was written");
    let own = written(&images[0]);
    assert!(own.iter().any(|(start, _)| *start == 0), "{own:?}");
}
