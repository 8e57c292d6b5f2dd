// SPDX-License-Identifier: MIT OR Apache-2.0
//! `replant-pack initramfs` on Debian's generic kernel, and on vendors'
//! initramfs images made and packed by the real tools.

use super::bench::{Bench, kernel, program, vmlinuz};
use std::fs;

/// What a machine with its disk on one of these must find in the image,
/// whatever the list of wanted modules says. (Debian has the keyboard built in.)
const STORAGE: &str = "
    virtio_pci virtio_blk virtio_scsi virtio_mmio vmw_pvscsi mptspi mptsas BusLogic
    hv_vmbus hv_storvsc hyperv-keyboard pci-hyperv xen-blkfront xen-scsifront
    ahci ata_piix ata_generic nvme vmd megaraid_sas sym53c8xx am53c974
    usb-storage uas xhci-pci ehci-pci ohci-pci uhci-hcd usbhid hid-generic
    sd_mod dm-mod dm-snapshot dm-zero dm-mirror dm-raid dm-thin-pool
    ext4 xfs vfat crc32c_generic crc32c-intel libcrc32c nls_cp437 nls_ascii";

fn generic() -> String {
    let root = kernel().root.display();
    format!("initramfs --kernel {root}/vmlinuz --modules {root} --init init --replant replant")
}

#[test]
fn the_image_is_small_and_the_hosts_tools_read_it() {
    testkit::needs!("image");
    let bench = Bench::new();
    let output = bench.packs(&format!("{} -o image.xz", generic()));
    assert!(!output.contains("missing:"), "{output}");
    assert!(output.contains("built in: i8042 atkbd"), "{output}");
    let length = fs::metadata(bench.path("image.xz")).unwrap().len();
    assert!(length < 6 << 20, "{length} bytes");
    assert!(length > 4 << 20, "{length} bytes: that cannot be all");

    bench.packs(&format!("{} -o image.cpio --compress none", generic()));
    bench.shell("xz -dc image.xz | cmp - image.cpio");
    let listed = bench.shell("xz -lvv image.xz");
    assert!(
        listed.contains("CRC32") && !listed.contains("CRC64"),
        "{listed}"
    );
    let names = bench.shell("(cpio -it --quiet; cpio -it --quiet) <image.cpio");
    let names: Vec<&str> = names.lines().collect();
    for name in [
        "init",
        "bin/replant",
        "sbin/modprobe",
        "dev/console",
        "sysroot",
        "proc",
    ] {
        assert!(names.contains(&name), "{name}: {names:?}");
    }
    assert_eq!(names.last(), Some(&"etc/replant-image"));

    // The files are the kernel's own, and our cut of modules.dep is depmod's own.
    bench.shell(
        "mkdir root; cd root; (cpio -id --quiet; cpio -id --quiet) <../image.cpio
         cd lib/modules/$VERSION; find kernel -type f | sort >../../../../files
         cp modules.dep ../../../../dep
         while read -r f; do cmp $f \"$KERNEL/lib/modules/$VERSION/$f\"; done <../../../../files
         cd ../../../..
         sed 's/$/:/' files | grep -F -f - \"$KERNEL/lib/modules/$VERSION/modules.dep\" |
             sort >theirs
         sort dep | diff - theirs >&2
         test $(wc -l <theirs) = $(wc -l <files)
         test $(wc -l <files) -gt 80",
    );
    let files = fs::read_to_string(bench.path("files")).unwrap();
    for name in STORAGE.split_whitespace() {
        let file = format!("/{name}.ko");
        assert!(files.lines().any(|path| path.ends_with(&file)), "{name}");
    }
    let absent = fs::read_to_string(bench.path(&format!(
        "root/lib/modules/{}/modules.absent",
        kernel().version
    )));
    let absent = absent.unwrap();
    assert!(
        absent.contains(" mpt3sas\n") && !absent.contains(" ahci\n"),
        "{absent}"
    );
}

#[test]
fn the_same_input_gives_the_same_bytes_in_every_format() {
    testkit::needs!("image");
    let bench = Bench::new();
    fs::write(bench.path("replant"), program(1000)).unwrap();
    // A small tree is enough.
    bench.tree("ext4 dm-mod sd_mod", "cat", "ko");
    let own = format!(
        "initramfs --kernel {}/vmlinuz --modules root --init init --replant replant",
        kernel().root.display()
    );
    for format in ["xz", "gzip", "zstd", "none"] {
        bench.packs(&format!("{own} -o one --compress {format}"));
        bench.packs(&format!("{own} -o two --compress {format}"));
        bench.shell("cmp one two");
    }
}

#[test]
fn compressed_modules_are_stored_as_they_were() {
    testkit::needs!("image");
    let bench = Bench::new();
    let wanted = "ext4 dm-mod sd_mod mptsas virtio_blk crc32c_generic";
    let line = format!(
        "initramfs --kernel {}/vmlinuz --modules root/lib --list",
        kernel().root.display()
    );
    bench.tree(wanted, "cat", "ko");
    let plain = bench.packs(&line.replace("root/lib", "root"));
    assert!(
        plain.contains("drivers/message/fusion/mptsas.ko\n"),
        "{plain}"
    );
    assert!(
        plain.contains("KVM: virtio_blk; missing: virtio_pci"),
        "{plain}"
    );
    for (packer, suffix) in [
        ("xz -c --check=crc32", "ko.xz"),
        ("zstd -qc", "ko.zst"),
        ("gzip -c", "ko.gz"),
    ] {
        bench.tree(wanted, packer, suffix);
        let version = &kernel().version;
        // By the words of the modules, then by depmod's files.
        let own = line.replace("root/lib", &format!("root/lib/modules/{version}"));
        assert_eq!(bench.packs(&own), plain, "{suffix}");
        if suffix != "ko.gz" {
            // This kmod has no zlib.
            bench.shell("depmod -b root $VERSION");
            assert_eq!(
                bench.packs(&line.replace("root/lib", "root")),
                plain,
                "{suffix}"
            );
        }
    }
}

#[test]
fn modules_come_out_of_any_vendors_initramfs() {
    testkit::needs!("image");
    let bench = Bench::new();
    bench.tree(
        "ext4 dm-mod sd_mod vmw_pvscsi",
        "xz -c --check=crc32",
        "ko.xz",
    );
    bench.shell("depmod -b root $VERSION");
    let kernel = format!("{}/vmlinuz", kernel().root.display());
    let list = format!("initramfs --kernel {kernel} --from-initrd initrd --list");
    let plain = bench.packs(&format!(
        "initramfs --kernel {kernel} --modules root --list"
    ));
    bench.shell(
        "mkdir -p early/kernel/x86/microcode; echo x >early/kernel/x86/microcode/GenuineIntel.bin
         (cd early; find . | cpio -o -H newc --quiet) >early.cpio
         (cd root; find . | cpio -o -H newc --quiet) >main.cpio
         mkdir other; echo no >other/etc; (cd other; find . | cpio -o -H crc --quiet) >other.cpio",
    );
    let formats = [
        "gzip -c",
        "xz -c --check=crc32",
        "xz -c --check=crc32 --x86 --lzma2",
        "xz -c --check=crc32 -T2 --block-size=262144",
        "xz -c --format=lzma",
        "zstd -qc",
        "zstd -q -19 --ultra --long=27 -c",
        "lz4 -l -c",
        "cat",
    ];
    for format in formats {
        bench.shell(&format!(
            "{{ cat early.cpio; {format} <main.cpio; }} >initrd
             s=$(stat -c %s initrd); truncate -s $(((s + 1027) / 4 * 4)) initrd
             gzip -c <other.cpio >>initrd"
        ));
        let output = bench.packs(&list);
        assert_eq!(output, plain, "{format}");
    }
    // An image from it has the same content as one from the tree.
    let line = format!("initramfs --kernel {kernel} --init init --replant replant --compress none");
    bench.packs(&format!("{line} --from-initrd initrd -o one"));
    bench.packs(&format!("{line} --modules root -o two"));
    bench.shell("cmp one two");

    bench.shell("bzip2 -c <main.cpio >initrd");
    let output = bench.fails(&list);
    assert!(
        output.ends_with("decompress it with the bzip2 program first"),
        "{output}"
    );
    bench.shell("gzip -c <main.cpio | head -c 100000 >initrd");
    bench.refuses(&list, "segment at byte 0: damaged or truncated gzip data");
    bench.shell("{ cat early.cpio; echo garbage; } >initrd");
    bench.refuses(&list, "there is neither a cpio archive");
    bench.refuses(
        &format!("initramfs --kernel {kernel} --from-initrd early.cpio --list"),
        "early.cpio has no kernel modules",
    );
}

#[test]
fn debians_own_initramfs_images() {
    testkit::needs!("image");
    for (root, maker) in [("old", "initramfs-tools"), ("new", "dracut")] {
        let bench = Bench::new();
        let tar = testkit::roots(root);
        bench.shell(&format!(
            "tar -xf {} --wildcards --no-anchored 'boot/vmlinuz-*' 'boot/initrd.img-*'
             mv boot/vmlinuz-* vmlinuz; mv boot/initrd.img-* initrd",
            tar.display()
        ));
        let output = bench.packs("initramfs --kernel vmlinuz --from-initrd initrd --list");
        for module in [
            "dm-mod.ko",
            "built in: ext4",
            "virtio_blk.ko",
            "sd_mod.ko",
            "crc32c",
        ] {
            assert!(output.contains(module), "{maker}: {module}\n{output}");
        }
        // The cloud kernel has no driver for it.
        assert!(
            output.contains("missing: ") && output.contains("mptspi"),
            "{maker}: {output}"
        );
        let line = "initramfs --kernel vmlinuz --from-initrd initrd --init init --replant replant -o image";
        let made = bench.packs(&format!("{line} --compress gzip"));
        assert!(
            made.lines().last().unwrap().starts_with("image: "),
            "{made}"
        );
    }
}

#[test]
fn a_reader_that_stops_early_and_an_old_kernel() {
    testkit::needs!("image");
    let bench = Bench::new();
    let root = kernel().root.display();
    let line = format!("initramfs --kernel {root}/vmlinuz --modules {root} --list");
    let pack = env!("CARGO_BIN_EXE_replant-pack");
    for words in [line.as_str(), "completions bash"] {
        // The reader is gone before anything is written.
        let output = bench.shell(&format!(
            "{{ sleep 0.2; {pack} {words} 2>&1 >&3; echo $?; }} 3>&1 >status | true; cat status"
        ));
        assert_eq!(output, "0\n", "{words}");
    }
    assert!(!bench.pack(&line).stderr.starts_with(b"warning"));

    bench.tree("ext4 dm-mod", "cat", "ko");
    fs::write(bench.path("old"), vmlinuz("4.18.0-553.el8")).unwrap();
    let output = bench.pack("initramfs --kernel old --modules root --list");
    let output = String::from_utf8(output.stderr).unwrap();
    assert!(
        output.starts_with("warning: old is Linux 4.18.0-553.el8"),
        "{output}"
    );
}

#[test]
fn bad_input_is_named() {
    testkit::needs!("image");
    let bench = Bench::new();
    let root = kernel().root.display();
    let version = &kernel().version;
    let generic = generic();
    let list = format!("initramfs --kernel {root}/vmlinuz --modules {root} --list");

    fs::write(bench.path("other"), vmlinuz("9.9.9-other")).unwrap();
    let output = bench.fails(&format!("initramfs --kernel other --modules {root} --list"));
    let wanted = format!("the kernel is version 9.9.9-other, but {root} has modules of {version};");
    assert!(output.contains(&wanted), "{output}");
    bench.refuses(
        &format!("initramfs --kernel other --modules {root}/lib/modules/{version} --list"),
        &format!("was built for kernel {version}, not for 9.9.9-other"),
    );

    bench.refuses(
        &format!("initramfs --kernel init --modules {root} --list"),
        "init is no kernel that can be used",
    );
    bench.refuses(
        &format!("initramfs --kernel nothing --modules {root} --list"),
        "cannot read nothing: No such file",
    );
    fs::create_dir(bench.path("empty")).unwrap();
    bench.refuses(
        &format!("initramfs --kernel {root}/vmlinuz --modules empty --list"),
        "empty has no kernel modules",
    );

    bench.refuses(
        &format!("{list} --with nosuch"),
        "--with nosuch: this kernel has no such module",
    );
    for (module, words) in [
        ("scsi-mod", "--without scsi_mod: "),
        ("dm-mod", "--without dm_mod: no migration works without it"),
        ("nosuch", "--without nosuch: this kernel has no such module"),
    ] {
        bench.refuses(&format!("{list} --without {module}"), words);
    }
    let output = bench.packs(&format!("{list} --with btrfs,loop --without xfs"));
    assert!(
        output.contains("/btrfs.ko\n")
            && output.contains("/loop.ko\n")
            && !output.contains("/xfs.ko\n"),
        "{output}"
    );

    // A tree without what the migration cannot do without.
    let own = format!("initramfs --kernel {root}/vmlinuz --modules root --list");
    bench.tree("ext4 virtio_blk", "cat", "ko");
    bench.refuses(&own, "no dm_mod and it is not built into the kernel");
    bench.tree("ext4 dm-mod", "cat", "ko");
    bench.shell("rm root/lib/modules/$VERSION/kernel/fs/jbd2/jbd2.ko");
    bench.refuses(&own, "ext4 needs module jbd2, which is not there");
    bench.shell("f=root/lib/modules/$VERSION/kernel/fs/ext4/ext4.ko; head -c 5000 $f >t; mv t $f");
    bench.refuses(&own, "ext4.ko: not a kernel module: ");

    // Programs that cannot run there.
    fs::copy(env!("CARGO_BIN_EXE_replant-pack"), bench.path("dynamic")).unwrap();
    bench.refuses(
        &generic.replace("--replant replant", "--replant dynamic"),
        "dynamic cannot run by itself: it is linked dynamically",
    );
    bench.refuses(
        &format!("{} -o nowhere/image --compress none", generic),
        "cannot write nowhere/image: No such file",
    );
    assert!(!bench.path("initramfs-convert.img").exists());
}
