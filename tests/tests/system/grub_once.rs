// SPDX-License-Identifier: MIT OR Apache-2.0
//! A real GRUB that starts an entry once, and what was predicted of it.
//!
//! Debian's GRUB lies before the first partition of a small disk, reads a
//! grub.cfg of Debian's own scripts from an ext2 file system, and boots
//! Debian's kernel; the initramfs prints the kernel's command line and
//! restarts the machine. So one machine shows one boot after the other.

use contract::cmdline::Start as Way;
use harness::armed::Armed;
use harness::cache::Kernel;
use harness::initrd::Initrd;
use harness::vm::{Bus, Running, Vm};
use ondisk::grub::config::{Boot, Dialect, Entry, Kernel as Loaded, Start, boots};
use ondisk::grub::{BootImage, Env, GrubPath, Tree};
use replant::old::bootentry::{self, ID, block};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use testkit::tool;

/// The UUID in the configuration.
const UUID: &str = "7d1d4a2e-0e5f-4c3a-9d55-5d6e0a1b2c3d";
const CONFIG: &str = include_str!("../../../ondisk/tests/fixtures/grub/config/debian.cfg");
/// Where GRUB's modules are (package grub-pc-bin).
const MODULES: &str = "/usr/lib/grub/i386-pc";
/// First sector of the partition.
const PARTITION: u64 = 2048;
const SIZE: u64 = 96 << 20;
/// What lies behind it: what replant's loader loads.
const MORE: u64 = 96 << 20;
/// replant's loader in a file.
const STAGE1: &str = "/boot/replant/stage1.bin";
/// From one boot to the next, in software emulation on a busy machine.
const BOOT: Duration = Duration::from_secs(240);

const INIT: &str = "#!/bin/sh
/bin/mount -t proc proc /proc
echo \"@$(/bin/cat /proc/cmdline)@\"
/bin/reboot -f
";

/// How people protect the menu: who edits an entry or starts one that is not
/// for anybody is asked for a password.
const PASSWORD: &str = "set superusers=\"root\"\nexport superusers\npassword root secret\n";

struct Disk {
    dir: tempfile::TempDir,
    image: PathBuf,
    files: Tree,
}

fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

/// The entry as `stage` writes it; `chain` is the loader that the armed boot
/// goes through.
fn custom(chain: Option<&str>) -> String {
    let words = |last: &str| format!("console=ttyS0 quiet panic=10 {last}");
    block(&bootentry::Entry {
        kernel: "/boot/replant/linux".into(),
        initramfs: "/boot/replant/initramfs".into(),
        chain: chain.map(Into::into),
        boot_uuid: UUID.into(),
        armed: words("replant=migrate"),
        survey: words("replant=survey"),
    })
}

/// The environment block as `grub-reboot` leaves it.
fn armed() -> Vec<u8> {
    let mut block = b"# GRUB Environment Block\n".to_vec();
    block.resize(1024, b'#');
    let mut env = Env::parse(&block).expect("an empty block");
    env.set_once("next_entry", ID).expect("room");
    env.bytes().to_vec()
}

fn configuration(password: bool) -> String {
    let serial = "serial --unit=0 --speed=115200\nterminal_input serial\nterminal_output serial\n";
    let config = CONFIG.replacen("terminal_input console\n", serial, 1);
    let config = config.replacen("terminal_output console\n", "", 1);
    if !password {
        return config;
    }
    // On Debian the old system's own entries would ask, too.
    let config = config.replace("--class os $menu", "--class os --unrestricted $menu");
    config.replacen("### BEGIN /etc/grub.d/10_linux ###\n", PASSWORD, 1)
}

/// A disk that boots through GRUB; `chained` with replant's loader, and what
/// that loads behind the file system.
fn disk(password: bool, chained: bool) -> Disk {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let at = |name: &str| dir.path().join(name);
    let tree = at("tree");
    let initramfs = Initrd::new()
        .busybox(&["sh", "mount", "cat", "reboot"])
        .file("/init", 0o755, INIT.as_bytes())
        .write(&at("initramfs"));
    let kernel = std::fs::read(Kernel::generic().vmlinuz()).expect("the kernel");
    let initramfs = std::fs::read(initramfs).expect("the initramfs");
    let image = at("disk");
    let loader = Armed {
        words: "console=ttyS0 quiet panic=10 replant=migrate".into(),
        start: Way::File,
        from: SIZE / 512,
        size: SIZE + MORE,
        ..Armed::new(&kernel, &initramfs)
    };
    let stage1 = loader.write(&image).boot_sector;
    let custom = custom(chained.then_some(STAGE1));
    let config = configuration(password);
    let small: [(&str, &[u8]); 4] = [
        ("boot/grub/grub.cfg", config.as_bytes()),
        ("boot/grub/custom.cfg", custom.as_bytes()),
        ("boot/grub/grubenv", &armed()),
        (STAGE1.trim_start_matches('/'), &stage1),
    ];
    let large: [(&str, &[u8]); 4] = [
        ("boot/vmlinuz-6.1.0-10-amd64", &kernel),
        ("boot/initrd.img-6.1.0-10-amd64", &initramfs),
        ("boot/replant/linux", &kernel),
        ("boot/replant/initramfs", &initramfs),
    ];
    let mut files = Tree::new().with_uuid("hd0,msdos1", UUID);
    for (path, content) in small.iter().chain(&large) {
        let target = tree.join(path);
        std::fs::create_dir_all(target.parent().expect("a parent")).expect("mkdir");
        std::fs::write(target, content).expect("write");
    }
    for (path, content) in small {
        files = files.with("hd0,msdos1", path, content);
    }
    for (path, _) in large {
        files = files.with("hd0,msdos1", path, "some");
    }
    tool("cp", &["-r", MODULES, text(&tree.join("boot/grub/"))]);

    let system = at("system");
    std::fs::File::create(&system)
        .and_then(|file| file.set_len(SIZE - PARTITION * 512))
        .expect("an image");
    let mke2fs = ["-q", "-t", "ext2", "-U", UUID, "-d", text(&tree)];
    tool("mke2fs", &[&mke2fs[..], &[text(&system)]].concat());
    let core = at("core.img");
    let mkimage = ["-O", "i386-pc", "-p", "(hd0,msdos1)/boot/grub", "-o"];
    let modules = ["biosdisk", "part_msdos", "ext2"];
    tool(
        "grub-mkimage",
        &[&mkimage[..], &[text(&core)], &modules].concat(),
    );
    let open = std::fs::File::options().write(true).open(&image);
    let written = open.and_then(|disk| disk.write_all_at(&whole(&core, &system), 0));
    written.expect("the disk");
    Disk { dir, image, files }
}

/// boot.img with a partition table, the core image behind it, the partition.
fn whole(core: &Path, system: &Path) -> Vec<u8> {
    let core = std::fs::read(core).expect("core.img");
    let system = std::fs::read(system).expect("the file system");
    let mut disk = std::fs::read(Path::new(MODULES).join("boot.img")).expect("boot.img");
    assert_eq!(BootImage::parse(&disk).expect("boot.img").core_sector, 1);
    let mut entry = [0x80, 0, 0, 0, 0x83, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    entry[8..12].copy_from_slice(&(PARTITION as u32).to_le_bytes());
    entry[12..].copy_from_slice(&((system.len() / 512) as u32).to_le_bytes());
    disk[446..510].fill(0);
    disk[446..462].copy_from_slice(&entry);
    disk.extend(core);
    assert!(
        disk.len() < PARTITION as usize * 512,
        "core.img is too large"
    );
    disk.resize(PARTITION as usize * 512, 0);
    disk.extend(system);
    disk
}

impl Disk {
    /// What the next starts will be if nobody touches a key.
    fn predicted(&self, count: usize) -> Vec<Boot> {
        let start = Start {
            device: "hd0,msdos1".into(),
            directory: "/boot/grub".into(),
            dialect: Dialect::Upstream,
        };
        let boots = boots(&self.files, &start, count).expect("a configuration");
        for boot in &boots {
            assert_eq!(boot.notes, [], "GRUB does nothing that is not evaluated");
        }
        boots
    }

    fn start(&self) -> Running {
        Vm::new()
            .quiet()
            .memory(512)
            .disk(&self.image, Bus::Virtio)
            .start()
    }

    /// The environment block as it is on the disk.
    fn environment(&self) -> Vec<u8> {
        let disk = std::fs::read(&self.image).expect("the disk");
        let system = self.dir.path().join("after");
        let partition = &disk[PARTITION as usize * 512..SIZE as usize];
        std::fs::write(&system, partition).expect("write");
        let out = Command::new("debugfs")
            .args(["-R", "cat /boot/grub/grubenv", text(&system)])
            .output()
            .expect("debugfs (package e2fsprogs)");
        out.stdout
    }
}

/// The command line that a kernel is given.
fn command_line(kernel: Option<&Loaded>) -> String {
    let kernel = kernel.expect("a kernel");
    format!(
        "BOOT_IMAGE={} {}",
        kernel.place.path,
        kernel.words.join(" ")
    )
}

fn entry(boot: &Boot) -> (usize, Entry) {
    let at = boot
        .menu
        .iter()
        .position(|e| e.id == ID)
        .expect("our entry");
    (at, boot.menu[at].clone())
}

/// What the next kernel that starts is given, and where its line ends.
fn observed(machine: &Running, from: usize) -> (String, usize) {
    let start = machine.expect_after("@BOOT_IMAGE=", from, BOOT);
    let end = machine.expect_after("@", start, BOOT);
    let bytes = machine.serials[0].bytes();
    let line = String::from_utf8_lossy(&bytes[start..end - 1]).into_owned();
    (format!("BOOT_IMAGE={line}"), end)
}

/// Marks the entry of this number in the menu and starts it.
fn choose(machine: &Running, from: usize, number: usize) -> usize {
    let at = machine.expect_after("Advanced options", from, BOOT);
    for _ in 0..number {
        // Ctrl-N: the next entry.
        machine.serials[0].send("\x0e");
        std::thread::sleep(Duration::from_millis(300));
    }
    machine.serials[0].send("\r");
    at
}

fn once_and_then_by_hand(password: bool) {
    let disk = disk(password, false);
    let predicted = disk.predicted(3);
    let machine = disk.start();

    let (armed, at) = observed(&machine, 0);
    assert_eq!(armed, command_line(predicted[0].kernel()));
    assert!(armed.ends_with(" replant=migrate"), "{armed}");
    let (old, at) = observed(&machine, at);
    assert_eq!(old, command_line(predicted[1].kernel()));
    assert!(old.starts_with("BOOT_IMAGE=/boot/vmlinuz-6.1.0-10-amd64 root="));

    // Nobody was asked for a password so far.
    let (number, ours) = entry(&predicted[2]);
    assert_eq!(ours.asks, password);
    assert!(!machine.serials[0].output().contains("Enter username"));
    let mut at = choose(&machine, at, number);
    if password {
        at = machine.expect_after("Enter username:", at, BOOT);
        machine.serials[0].send("root\r");
        at = machine.expect_after("Enter password:", at, BOOT);
        machine.serials[0].send("secret\r");
    }
    let (by_hand, _) = observed(&machine, at);
    assert_eq!(by_hand, command_line(ours.outcome.kernel.as_ref()));
    assert!(by_hand.ends_with(" replant=survey"), "{by_hand}");
    let asked = machine.serials[0].output().contains("Enter username");
    assert_eq!(asked, password);
    drop(machine);
    grub_wrote_what_was_predicted(&disk, &predicted);
}

fn grub_wrote_what_was_predicted(disk: &Disk, predicted: &[Boot]) {
    let block = predicted[0].environments.values().next().expect("a write");
    assert_eq!(&disk.environment(), block);
    let env = Env::parse(block).expect("a whole block");
    assert_eq!(env.get("next_entry").as_deref(), Some(""));
}

#[test]
fn the_armed_entry_starts_once_and_by_hand_it_migrates_nothing() {
    once_and_then_by_hand(false);
}

#[test]
fn a_password_is_asked_for_only_by_hand() {
    once_and_then_by_hand(true);
}

/// The kernel gets the line that the loader carries, once; the same entry by
/// hand starts the same kernel with another line, and without the loader.
#[test]
fn the_armed_boot_goes_through_the_loader() {
    let disk = disk(false, true);
    let predicted = disk.predicted(3);
    let first = predicted[0].started().expect("an entry");
    let stage1 = GrubPath::new("hd0,msdos1", STAGE1);
    assert_eq!((&first.id[..], &first.outcome.chained), (ID, &Some(stage1)));
    let machine = disk.start();

    let line = "@console=ttyS0 quiet panic=10 replant=migrate replant.drive=80 replant.start=file@";
    let at = machine.expect("loading, copy A", BOOT);
    let at = machine.expect_after(line, at, BOOT);
    let (old, at) = observed(&machine, at);
    assert_eq!(old, command_line(predicted[1].kernel()));
    assert!(old.starts_with("BOOT_IMAGE=/boot/vmlinuz-6.1.0-10-amd64 root="));
    let (number, ours) = entry(&predicted[2]);
    let at = choose(&machine, at, number);
    let (by_hand, _) = observed(&machine, at);
    assert_eq!(by_hand, command_line(ours.outcome.kernel.as_ref()));
    assert!(by_hand.ends_with(" replant=survey"), "{by_hand}");
    drop(machine);
    grub_wrote_what_was_predicted(&disk, &predicted);
}
