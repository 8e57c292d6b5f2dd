// SPDX-License-Identifier: MIT OR Apache-2.0
//! The processor level and the kernel modules found in a payload.

use super::*;
use crate::cpu::{Level, tests::library};

#[test]
fn the_highest_level_that_a_library_demands_counts() {
    let level = |files: &[(&str, u32)]| {
        let mut sample = Sample::new();
        for (path, bits) in files {
            sample.file(path, 0o755, &library(*bits));
        }
        let found = sample.found();
        found
            .demands
            .processor()
            .map(|(level, name)| (level, name.to_string()))
    };
    assert_eq!(level(&[]), None);
    let libc = ("usr/lib64/libc.so.6", 0b11);
    assert_eq!(
        level(&[libc]),
        Some((Level::V2, "usr/lib64/libc.so.6".into()))
    );
    // EL8 has it under this name, Debian in another directory.
    let v3 = ("usr/lib64/ld-2.28.so", 0b111);
    assert_eq!(
        level(&[v3, libc]),
        Some((Level::V3, "usr/lib64/ld-2.28.so".into()))
    );
    let debian = ("usr/lib/x86_64-linux-gnu/libc.so.6", 0b1);
    assert_eq!(level(&[debian]).unwrap().0, Level::V1);
    // What is only used where the processor has it demands nothing.
    let optional = ("usr/lib64/glibc-hwcaps/x86-64-v3/libc.so.6", 0b111);
    assert_eq!(level(&[optional, debian]).unwrap().0, Level::V1);
}

#[test]
fn the_modules_of_each_kernel_are_known() {
    let mut sample = Sample::new();
    let alias = b"alias virtio:d00000001v* virtio_net\n";
    sample.file("usr/lib/modules/6.1.0-10/modules.alias", 0o644, alias);
    sample.file(
        "usr/lib/modules/6.1.0-10/modules.builtin",
        0o644,
        b"kernel/x.ko\n",
    );
    sample.file(
        "usr/lib/modules/6.1.0-9/modules.builtin.modinfo",
        0o644,
        b"a.b=c\0",
    );
    let demands = sample.found().demands;
    let modules = demands.modules("6.1.0-10").unwrap();
    assert_eq!(modules.alias.as_bytes(), alias);
    assert_eq!(modules.builtin, "kernel/x.ko\n");
    // Without modules.alias nothing is known of its drivers.
    assert_eq!(demands.modules("6.1.0-9"), None);
    assert_eq!(demands.modules("5.10"), None);
}
