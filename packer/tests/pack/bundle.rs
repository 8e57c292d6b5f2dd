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
         mkdir package; truncate -s 1G disk
         sgdisk -n 1:2048:6143 -t 1:EF02 -n 2:6144:0 disk >&2
         sgdisk --backup=package/va.sgdisk disk >&2
         printf 'name = \"va\"\n[[filesystem]]\ndevice = \"partition 2\"\nmount = \"/\"\n' \
             >package/layout.toml",
    );
    bench.shell(SYSTEM);
    bench.shell(PAYLOAD);
    bench
}

/// The least that a new system must have.
pub const SYSTEM: &str = "\
    mkdir -p new/boot new/etc/grub.d new/bin new/usr/sbin new/usr/share/grub new/var/tmp
    mkdir -p new/usr/lib/grub/i386-pc new/lib/modules/1; cp replant new/bin/sh; chmod 755 new/bin/sh
    mkdir new/sbin; cp -p new/bin/sh new/sbin/init; touch new/etc/passwd new/etc/group
    echo 'LABEL=top / ext4' >new/etc/fstab; touch new/boot/vmlinuz-1 new/lib/modules/1/modules.dep
    touch new/usr/share/grub/grub-mkconfig_lib; cd new/usr/lib/grub/i386-pc
    touch boot.img diskboot.img kernel.img lzma_decompress.img moddep.lst
    touch biosdisk.mod part_gpt.mod ext2.mod; cd ../../../../usr/sbin
    for p in grub-install grub-probe grub-mkconfig update-initramfs mkinitramfs; do
        echo '#!/bin/sh' >$p; chmod 755 $p
    done; cp -p grub-install ../../etc/grub.d/10_linux";
const PAYLOAD: &str = "tar --xattrs --xattrs-include='*' -cJf package/va.tar.xz -C new .";

const LINE: &str = "bundle package --kernel vmlinuz --initramfs image --replant replant -o made";

#[test]
fn the_package_has_its_files_and_their_sums() {
    testkit::needs!("image");
    let bench = bench();
    let output = bench.packs(LINE);
    assert!(
        output.starts_with("made: ") && output.ends_with(" MiB, va\n"),
        "{output}"
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
    testkit::needs!("image");
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
        bench.refuses(&LINE.replace(&format!(" {from}"), &format!(" {to}")), words);
    }
    for input in ["package/va.tar.xz", "package/../vmlinuz"] {
        bench.refuses(
            &LINE.replace("-o made", &format!("-o {input}")),
            "it is the input",
        );
    }
    bench.shell("cp package/layout.toml kept; sed -i 's/\"partition [0-9]*\"/\"partition 77\"/' package/layout.toml");
    let output = bench.fails(LINE);
    assert!(
        output.contains("there is no partition 77; va.sgdisk has 1, "),
        "{output}"
    );
    bench.shell("mv kept package/layout.toml");
    bench.shell("sgdisk=/sbin/sgdisk; $sgdisk -t 1:8300 disk >&2; $sgdisk --backup=package/va.sgdisk disk >&2");
    assert!(bench.fails(LINE).contains("no BIOS boot partition"));
    // No failure has touched what was there.
    let earlier = fs::read_to_string(bench.path("made")).unwrap();
    assert_eq!(earlier, "an earlier one");
    assert_eq!(bench.shell("ls -A | grep -c '^[.]tmp' || true"), "0\n");
}

#[test]
fn a_payload_that_would_fail_after_the_wipe_is_refused_by_name() {
    testkit::needs!("image");
    let bench = bench();
    let data = "[[filesystem]]\\ndevice = \"VA/data\"\\nmount = \"/data\"\\n\
                [[volume_group]]\\nname = \"VA\"\\npartitions = [3]\\n\
                [[volume_group.volume]]\\nname = \"data\"\\nsize = \"rest\"\\n";
    let volume = format!("printf '{data}' >>package/layout.toml; cp new/bin/sh new/bin/lvm; ");
    for (change, words) in [
        (
            "head -c 3000000 /dev/urandom >package/va.tar.xz".to_string(),
            "va.tar.xz is no xz archive; compress",
        ),
        (
            "head -c 300000 /dev/urandom | xz -c >package/va.tar.xz".into(),
            "is not a tar header or is damaged",
        ),
        (
            format!("rm -r new/usr/lib/grub; {PAYLOAD}"),
            "usr/lib/grub/i386-pc is missing or has no boot.img",
        ),
        (
            format!("rm new/usr/sbin/grub-mkconfig; {PAYLOAD}"),
            "grub-mkconfig is missing or may not be executed, which makes GRUB's menu",
        ),
        (
            format!("rm new/bin/sh; {PAYLOAD}"),
            "needs /bin/sh, and /bin/sh is missing",
        ),
        (
            format!("cp new/boot/vmlinuz-1 new/boot/vmlinuz-6.1.bak; {PAYLOAD}"),
            "boot/vmlinuz-6.1.bak has no modules (lib/modules/6.1.bak)",
        ),
        (
            format!("cp new/boot/vmlinuz-1 new/boot/vmlinuz-convert; {PAYLOAD}"),
            "boot/vmlinuz-convert is replant's own kernel",
        ),
        (
            format!("{volume}mkdir new/data; ln new/etc/fstab new/data/x; {PAYLOAD}"),
            " is a hard link to ",
        ),
        (
            format!("{volume}ln -s srv new/data; {PAYLOAD}"),
            "data is a symbolic link, and a file system is to be mounted at /data",
        ),
        (
            format!("{volume}touch new/data; {PAYLOAD}"),
            "data is a file, and a file system is to be mounted at /data",
        ),
        (
            // Not every file system that a test may run on holds such ones.
            "tar --format=posix --pax-option=SCHILY.xattr.user.big:=\
$(head -c 5000 /dev/zero | tr '\\0' v) -cf y -C new ./etc/fstab .; xz -c y >package/va.tar.xz"
                .into(),
            "etc/fstab has more extended attributes than ext4 can hold: user.big (5000 bytes)",
        ),
    ] {
        bench.shell(&format!(
            "rm -rf old; cp -a new old; cp package/layout.toml x.toml; {change}"
        ));
        let output = bench.fails(LINE);
        assert!(output.contains(words), "{change}: {output}");
        bench.shell("rm -rf new; mv old new; mv x.toml package/layout.toml");
    }
    // Nothing but that was wrong.
    bench.shell(PAYLOAD);
    bench.packs(LINE);
}

/// Files of a new system, and what is said of them.
#[test]
fn what_the_new_system_would_wait_for_in_vain_is_refused() {
    testkit::needs!("image");
    let bench = bench();
    let stale = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../ondisk/tests/fixtures/words/stale/etc-default-grub"
    );
    let uuid = "3F0F0000-0000-4000-8000-00000000000A";
    for (file, make, words) in [
        (
            "etc/default/grub",
            format!("cp {stale} new/etc/default/grub"),
            "etc/default/grub line 2 has resume=/dev/mapper/rl-swap, ",
        ),
        (
            "etc/fstab",
            format!("echo 'UUID={uuid} / ext4' >new/etc/fstab"),
            "write 3f0f0000-",
        ),
        (
            "etc/fstab",
            "printf 'LABEL=top / ext4\\r\\n' >new/etc/fstab".into(),
            "etc/fstab: line 1 ends in a carriage return",
        ),
        (
            "etc/kernel/cmdline",
            "echo 'root=LABEL=old ro' >new/etc/kernel/cmdline".into(),
            "etc/kernel/cmdline line 1 has root=LABEL=old, ",
        ),
    ] {
        bench.shell(&format!(
            "mkdir -p new/etc/default new/etc/kernel; cp new/etc/fstab kept; {make}; {PAYLOAD}"
        ));
        let output = bench.fails(LINE);
        assert!(output.contains(words) && output.contains("; "), "{output}");
        bench.shell(&format!("rm new/{file}; cp kept new/etc/fstab"));
    }
    bench.shell(&format!(
        "mkdir -p new/etc/selinux; echo AUTORELABEL=0 >new/etc/selinux/config; {PAYLOAD}"
    ));
    bench.packs(LINE);
}
