// SPDX-License-Identifier: MIT OR Apache-2.0
//! `make qemu`: the tiny system on a scratch disk, into its console, on this
//! terminal. Words after `--` go to the kernel's command line.

use harness::cache::Kernel;
use harness::{accelerator, product};
use std::process::Command;

fn main() {
    let kernel = Kernel::generic();
    let dir = tempfile::tempdir().expect("a temporary directory");
    let disk = dir.path().join("scratch");
    let file = std::fs::File::create(&disk).expect("a scratch disk");
    file.set_len(8 << 30).expect("a sparse file");
    let words: Vec<String> = std::env::args().skip(1).collect();
    println!("starting QEMU; the console comes in half a minute. Leave with Ctrl-A X");
    let append = format!("console=ttyS0 panic=10 quiet {}", words.join(" "));
    let status = Command::new("qemu-system-x86_64")
        .args(accelerator::arguments())
        .args(["-m", "1024", "-nographic", "-nic", "none", "-no-reboot"])
        .args(["-append", &append])
        .arg("-kernel")
        .arg(kernel.vmlinuz())
        .arg("-initrd")
        .arg(product::initramfs())
        .arg("-drive")
        .arg(format!(
            "if=virtio,format=raw,cache=unsafe,file={}",
            disk.display()
        ))
        .status()
        .expect("qemu-system-x86_64 (package qemu-system-x86)");
    // The BIOS turned it off.
    print!("\x1b[?7h");
    std::process::exit(status.code().unwrap_or(1));
}
