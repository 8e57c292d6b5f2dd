// SPDX-License-Identifier: MIT OR Apache-2.0
//! A virtual machine in QEMU, seen through its serial ports.

use crate::accelerator;
use std::fmt::Write as _;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

/// What a machine is made of; [`Vm::start`] boots it.
pub struct Vm {
    args: Vec<String>,
    append: String,
    memory_mib: u32,
    serials: usize,
    echo: bool,
    next_drive: usize,
}

/// How a disk is attached.
#[derive(Debug, Clone, Copy)]
pub enum Bus {
    /// `virtio-blk`: /dev/vda ...
    Virtio,
    /// `virtio-scsi`: /dev/sda ...
    Scsi,
    /// No device: the caller adds one by [`Vm::arg`] for the drive's id `driveN`.
    None,
}

impl Default for Vm {
    fn default() -> Self {
        Self::new()
    }
}

impl Vm {
    /// A machine with 1 GiB of RAM, one serial port, no network and no disk.
    /// KVM is used where it can be.
    pub fn new() -> Vm {
        let fixed = ["-no-user-config", "-display", "none", "-monitor", "none"];
        let args = accelerator::arguments()
            .into_iter()
            .chain(fixed)
            .chain(["-nic", "none", "-rtc", "base=utc"])
            .map(String::from)
            .collect();
        Vm {
            args,
            append: String::new(),
            memory_mib: 1024,
            serials: 1,
            echo: true,
            next_drive: 0,
        }
    }

    /// RAM in MiB.
    pub fn memory(mut self, mib: u32) -> Vm {
        self.memory_mib = mib;
        self
    }

    /// Any further argument of QEMU.
    pub fn arg(mut self, arg: impl Into<String>) -> Vm {
        self.args.push(arg.into());
        self
    }

    /// Boots this kernel and initramfs, without firmware and boot loader.
    pub fn kernel(self, kernel: &Path, initrd: &Path) -> Vm {
        // On a busy host the kernel may find its timer too slow, and panics.
        self.append("no_timer_check")
            .arg("-kernel")
            .arg(text(kernel))
            .arg("-initrd")
            .arg(text(initrd))
    }

    /// Adds words to the kernel's command line.
    pub fn append(mut self, words: &str) -> Vm {
        if !self.append.is_empty() {
            self.append.push(' ');
        }
        self.append.push_str(words);
        self
    }

    /// Number of serial ports (ttyS0 ...), at most 4.
    pub fn serials(mut self, count: usize) -> Vm {
        self.serials = count;
        self
    }

    /// Does not copy the first serial port to the test's standard error.
    pub fn quiet(mut self) -> Vm {
        self.echo = false;
        self
    }

    /// Attaches a raw disk image.
    pub fn disk(self, image: &Path, bus: Bus) -> Vm {
        self.drive(image, bus, "format=raw,cache=unsafe,discard=unmap")
    }

    /// Attaches a disk image with these further options of `-drive`.
    pub fn drive(self, image: &Path, bus: Bus, options: &str) -> Vm {
        let n = self.next_drive;
        let options = format!("if=none,id=drive{n},file={},{options}", text(image));
        self.arg("-drive").arg(options).device(bus)
    }

    /// Attaches what these options of `-blockdev` describe.
    pub fn blockdev(self, bus: Bus, options: &str) -> Vm {
        let options = format!("node-name=drive{},{options}", self.next_drive);
        self.arg("-blockdev").arg(options).device(bus)
    }

    /// Attaches a raw disk image as `virtio-blk`. All that is written to it is
    /// kept in `log`, which must exist, one boot after the other.
    pub fn recorded(self, image: &Path, log: &Path) -> Vm {
        let append = match std::fs::metadata(log).is_ok_and(|meta| meta.len() > 0) {
            true => "log-append=on",
            false => "log-sector-size=512",
        };
        let [image, log] = [image, log].map(text);
        // Flushes must come to the log, and no further.
        self.blockdev(
            Bus::Virtio,
            &format!(
                "driver=blklogwrites,cache.no-flush=off,discard=unmap,{append},\
                 log-super-update-interval=1,\
                 file.driver=raw,file.cache.no-flush=on,file.discard=unmap,\
                 file.file.driver=file,file.file.filename={image},\
                 file.file.cache.no-flush=on,log.driver=file,log.filename={log},\
                 log.cache.no-flush=on"
            ),
        )
    }

    /// The device of the next drive.
    fn device(mut self, bus: Bus) -> Vm {
        let n = self.next_drive;
        self.next_drive += 1;
        match bus {
            Bus::Virtio => self
                .arg("-device")
                .arg(format!("virtio-blk-pci,drive=drive{n}")),
            Bus::Scsi => self
                .arg("-device")
                .arg(format!("virtio-scsi-pci,id=scsi{n}"))
                .arg("-device")
                .arg(format!("scsi-hd,bus=scsi{n}.0,drive=drive{n}")),
            Bus::None => self,
        }
    }

    /// Starts QEMU.
    ///
    /// # Panics
    /// When QEMU is missing or doesn't open its serial ports within five minutes.
    pub fn start(self) -> Running {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let mut command = Command::new("qemu-system-x86_64");
        command
            .args(&self.args)
            .arg("-m")
            .arg(self.memory_mib.to_string());
        if !self.append.is_empty() {
            command.arg("-append").arg(&self.append);
        }
        let paths: Vec<PathBuf> = (0..self.serials)
            .map(|n| dir.path().join(format!("serial{n}")))
            .collect();
        for path in &paths {
            command
                .arg("-serial")
                .arg(format!("unix:{},server=on,wait=on", text(path)));
        }
        let stderr = std::fs::File::create(dir.path().join("stderr")).expect("create");
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::from(stderr))
            .spawn()
            .expect("qemu-system-x86_64 (package qemu-system-x86)");
        let mut serials = Vec::new();
        for (n, path) in paths.iter().enumerate() {
            match connect(path, &mut child) {
                Some(stream) => serials.push(Serial::new(stream, self.echo && n == 0)),
                None => {
                    let _ = child.kill();
                    let message = std::fs::read_to_string(dir.path().join("stderr"));
                    panic!("QEMU did not start: {}", message.unwrap_or_default());
                }
            }
        }
        Running {
            child,
            serials,
            dir,
            started: Instant::now(),
            cpu: Duration::ZERO,
        }
    }
}

fn text(path: &Path) -> String {
    path.to_str()
        .unwrap_or_else(|| panic!("{} is not UTF-8", path.display()))
        .to_string()
}

fn connect(path: &Path, child: &mut Child) -> Option<UnixStream> {
    let deadline = Instant::now() + Duration::from_secs(300);
    while Instant::now() < deadline {
        if let Ok(stream) = UnixStream::connect(path) {
            return Some(stream);
        }
        if child.try_wait().expect("wait").is_some() {
            return None;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    None
}

/// One serial port: all that came out of it so far, and a way to type.
pub struct Serial {
    stream: UnixStream,
    seen: Arc<(Mutex<Seen>, Condvar)>,
}

#[derive(Default)]
struct Seen {
    bytes: Vec<u8>,
    closed: bool,
}

impl Serial {
    fn new(stream: UnixStream, echo: bool) -> Serial {
        let seen = Arc::new((Mutex::new(Seen::default()), Condvar::new()));
        let shared = Arc::clone(&seen);
        let mut input = stream.try_clone().expect("a second handle");
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            loop {
                let n = input.read(&mut buffer).unwrap_or(0);
                let mut seen = shared.0.lock().expect("not poisoned");
                seen.bytes.extend_from_slice(&buffer[..n]);
                seen.closed = n == 0;
                shared.1.notify_all();
                drop(seen);
                if n == 0 {
                    return;
                }
                if echo {
                    let _ = std::io::stderr().write_all(&buffer[..n]);
                }
            }
        });
        Serial { stream, seen }
    }

    /// All output so far; bytes that are not UTF-8 are replaced.
    pub fn output(&self) -> String {
        String::from_utf8_lossy(&self.bytes()).into_owned()
    }

    /// All output so far.
    pub fn bytes(&self) -> Vec<u8> {
        self.seen.0.lock().expect("not poisoned").bytes.clone()
    }

    /// Waits until `needle` stands in the output at or after byte `from`, and
    /// returns the offset of the byte after it. `None` at the deadline or
    /// when the machine went away.
    pub fn wait(&self, needle: &str, from: usize, limit: Duration) -> Option<usize> {
        let deadline = Instant::now() + limit;
        let mut seen = self.seen.0.lock().expect("not poisoned");
        loop {
            let area = seen.bytes.get(from..).unwrap_or(&[]);
            if let Some(at) = area
                .windows(needle.len())
                .position(|w| w == needle.as_bytes())
            {
                return Some(from + at + needle.len());
            }
            let left = deadline.checked_duration_since(Instant::now())?;
            if seen.closed {
                return None;
            }
            seen = self
                .seen
                .1
                .wait_timeout(seen, left)
                .expect("not poisoned")
                .0;
        }
    }

    /// Types these characters.
    pub fn send(&self, keys: &str) {
        (&self.stream)
            .write_all(keys.as_bytes())
            .expect("the machine's serial port");
    }
}

/// A machine that runs; killed when dropped.
pub struct Running {
    child: Child,
    /// The serial ports, ttyS0 first.
    pub serials: Vec<Serial>,
    dir: tempfile::TempDir,
    /// When QEMU was started.
    pub started: Instant,
    cpu: Duration,
}

impl Running {
    /// Waits for `needle` on the first serial port.
    ///
    /// # Panics
    /// When it does not come within `limit`; the message ends with the last output.
    pub fn expect(&self, needle: &str, limit: Duration) -> usize {
        self.expect_after(needle, 0, limit)
    }

    /// Like [`Running::expect`], in the output from byte `from` on.
    pub fn expect_after(&self, needle: &str, from: usize, limit: Duration) -> usize {
        self.serials[0]
            .wait(needle, from, limit)
            .unwrap_or_else(|| {
                panic!("{needle:?} did not come within {limit:?}.\n{}", self.tail());
            })
    }

    /// Waits until QEMU ends by itself (`-no-reboot`, power off).
    ///
    /// # Panics
    /// When it does not within `limit`.
    pub fn wait_exit(&mut self, limit: Duration) -> ExitStatus {
        let deadline = Instant::now() + limit;
        loop {
            self.cpu = self.cpu_now().unwrap_or(self.cpu);
            if let Some(status) = self.child.try_wait().expect("wait") {
                return status;
            }
            assert!(
                Instant::now() < deadline,
                "the machine still runs after {limit:?}.\n{}",
                self.tail()
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Time of the host's processors that QEMU has taken, until about a twentieth
    /// of a second before its end: of a machine that is emulated, and on a host
    /// that is busy, it says more than a clock.
    pub fn cpu(&self) -> Duration {
        self.cpu_now().unwrap_or(self.cpu)
    }

    /// None once it has ended.
    fn cpu_now(&self) -> Option<Duration> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).ok()?;
        // Behind the name, which is in parentheses; in hundredths of a second.
        let (_, fields) = stat.rsplit_once(')')?;
        let mut fields = fields.split_whitespace().skip(11);
        let mut next = || fields.next()?.parse::<u64>().ok();
        Some(Duration::from_millis((next()? + next()?) * 10))
    }

    /// The last output of the first port and QEMU's own messages, for an error.
    pub fn tail(&self) -> String {
        let output = self.serials[0].output();
        let from = output
            .char_indices()
            .rev()
            .nth(4000)
            .map_or(0, |(at, _)| at);
        let mut message = String::new();
        let _ = write!(
            message,
            "--- last output ---\n{}\n--- QEMU ---\n",
            &output[from..]
        );
        message + &std::fs::read_to_string(self.dir.path().join("stderr")).unwrap_or_default()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
