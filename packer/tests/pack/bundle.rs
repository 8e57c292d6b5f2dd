// SPDX-License-Identifier: MIT OR Apache-2.0
//! `replant-pack bundle` on a small captured system.

use super::bench::{Bench, kernel, program, vmlinuz};
use std::fs;

/// A bench with `package/`, `image` and what else `LINE` names.
fn bench() -> Bench {
    let bench = Bench::new();
    fs::write(bench.path("replant"), program(1000)).unwrap();
    bench.tree("ext4 dm-mod", "cat", "ko");
    let vmlinuz = kernel().root.join("vmlinuz");
    bench.packs(&format!(
        "initramfs --kernel {} --modules root --init init --replant replant \
         --compress gzip -o image",
        vmlinuz.display()
    ));
    bench.shell(
        "PATH=$PATH:/usr/sbin:/sbin; cp $KERNEL/vmlinuz vmlinuz
         mkdir -p package new/boot new/etc new/sbin; truncate -s 1G disk
         sgdisk -n 1:2048:6143 -t 1:EF02 -n 2:6144:0 disk >&2
         sgdisk --backup=package/va.sgdisk disk >&2
         echo 'LABEL=top / ext4' >new/etc/fstab
         touch new/boot/vmlinuz-1 new/sbin/grub-install new/sbin/update-initramfs
         tar -cJf package/va.tar.xz -C new .
         printf 'name = \"va\"\n[[filesystem]]\ndevice = \"partition 2\"\nmount = \"/\"\n' \
             >package/layout.toml",
    );
    bench
}

const LINE: &str = "bundle package --kernel vmlinuz --initramfs image --replant replant -o made";

#[test]
fn the_package_has_its_files_and_their_sums() {
    let bench = bench();
    let told = bench.packs(LINE);
    assert!(
        told.starts_with("made: ") && told.ends_with(" MiB, va\n"),
        "{told}"
    );
    assert_eq!(
        bench.shell("stat -c %a made; tar -tf made; tar -xf made; stat -c %a replant"),
        "644\nmigration.toml\nupgrade_to_tiny_system.sh\nva.sgdisk\nva.tar.xz\n\
         initramfs-convert.img\nvmlinuz-convert\nreplant\n755\n"
    );
    let manifest = fs::read_to_string(bench.path("migration.toml")).unwrap();
    assert!(manifest.contains("label = \"top\""), "{manifest}");
    // As sha256sum has them.
    let files = "upgrade_to_tiny_system.sh va.sgdisk va.tar.xz initramfs-convert.img \
                 vmlinuz-convert replant";
    let sums = bench.shell(&format!("sha256sum {files}"));
    assert_eq!(sums.lines().count(), 6);
    for sum in sums.lines().filter_map(|line| line.split(' ').next()) {
        assert!(manifest.contains(sum), "{sum}: {manifest}");
    }
    bench.shell("cmp image initramfs-convert.img; cmp vmlinuz vmlinuz-convert");
}

#[test]
fn what_does_not_belong_together_is_refused() {
    let bench = bench();
    fs::write(bench.path("made"), "an earlier one").unwrap();
    fs::write(bench.path("old"), vmlinuz("9.9.9-old")).unwrap();
    fs::copy(env!("CARGO_BIN_EXE_replant-pack"), bench.path("dynamic")).unwrap();
    let version = &kernel().version;
    for (from, to, words) in [
        (
            "vmlinuz",
            "old",
            &*format!("image has the modules of kernel {version}, and old is version 9.9.9-old;"),
        ),
        ("vmlinuz", "image", "image is no kernel that can be used"),
        (
            "image",
            "vmlinuz",
            "vmlinuz: at byte 0 there is neither a cpio",
        ),
        (
            "image",
            "strange",
            "strange was not made by `replant-pack initramfs`",
        ),
        ("image", "cut", "cut: segment at byte"),
        (
            "replant -o",
            "dynamic -o",
            "dynamic cannot run by itself: it is linked",
        ),
        (
            "replant -o",
            "nothing -o",
            "cannot read nothing: No such file",
        ),
        ("package", "image", "layout.toml"),
        ("made", "nowhere/made", "nowhere/made: No such file"),
    ] {
        bench.shell(
            "cd new; find . | cpio -o -H newc --quiet >../strange; cd ..; head -c -30000 image >cut",
        );
        let told = bench.fails(&LINE.replace(&format!(" {from}"), &format!(" {to}")));
        assert!(told.contains(words), "{told}");
    }
    bench.shell("sgdisk=/sbin/sgdisk; $sgdisk -t 1:8300 disk >&2; $sgdisk --backup=package/va.sgdisk disk >&2");
    assert!(bench.fails(LINE).contains("no BIOS boot partition"));
    // No failure has touched what was there.
    let earlier = fs::read_to_string(bench.path("made")).unwrap();
    assert_eq!(earlier, "an earlier one");
    assert_eq!(bench.shell("ls -A | grep -c '^[.]tmp' || true"), "0\n");
}
