// SPDX-License-Identifier: MIT OR Apache-2.0
//! `replant-pack build` on a small system in every form that it may have.

use super::bench::{Bench, kernel, program, vmlinuz};
use super::bundle::SYSTEM;
use std::fs;
use std::process::{Command, Stdio};

/// A bench with a system in `new/`, its own kernel in it.
pub fn bench() -> Bench {
    let bench = Bench::new();
    fs::write(bench.path("replant"), program(1000)).unwrap();
    bench.tree("ext4 dm-mod", "cat", "ko");
    bench.shell(SYSTEM);
    bench.shell(
        "rm -r new/lib/modules/1 new/boot/vmlinuz-1; cp -r root/usr/lib/modules/$VERSION new/lib/modules
         mkdir -p new/etc/ssh new/var/log/app new/srv/x; echo 0123 >new/etc/machine-id
         echo key >new/etc/ssh/ssh_host_rsa_key; echo line >new/var/log/app/x.log
         echo x >new/srv/x/file",
    );
    let own = bench.path(&format!("new/boot/vmlinuz-{}", kernel().version));
    fs::write(own, vmlinuz(&kernel().version)).unwrap();
    bench
}

pub const OWN: &str = "--init init --replant replant --compress gzip";

/// Names in the payload of a package, sorted.
fn names(bench: &Bench, package: &str) -> String {
    bench.shell(&format!(
        "tar -xOf {package} va.tar.xz | tar -tJf - | LC_ALL=C sort"
    ))
}

#[test]
fn the_same_directory_gives_the_same_bytes_and_nothing_is_cloned() {
    testkit::needs!("image");
    let bench = bench();
    let out = bench.packs(&format!("build new -o one {OWN} --name va"));
    assert!(out.contains("emptied: /etc/machine-id (1)\n"), "{out}");
    assert!(out.contains("left out: /etc/ssh/ssh_host_* (1)\n"), "{out}");
    assert!(out.ends_with("MiB, va\n"), "{out}");
    let line = format!(
        "mkdir -p tmp; TMPDIR=$PWD/tmp taskset -c 0 {} build ./new/ -o two {OWN} --name va >&2",
        env!("CARGO_BIN_EXE_replant-pack")
    );
    bench.shell(&line);
    bench.shell("cmp one two");
    assert_eq!(
        bench.shell("tar -tf one; ls -A | grep '^[.]' || true"),
        "migration.toml\nupgrade_to_tiny_system.sh\nva.sgdisk\nva.tar.xz\n\
         initramfs-convert.img\nvmlinuz-convert\nreplant\n"
    );
    bench.shell(
        "tar -xf one; cmp vmlinuz-convert new/boot/vmlinuz-$VERSION; mkdir out; tar -xJf va.tar.xz -C out",
    );
    let differ = bench.shell("diff -rq new out || true");
    assert_eq!(
        differ,
        "Files new/etc/machine-id and out/etc/machine-id differ\n\
         Only in new/etc/ssh: ssh_host_rsa_key\n\
         Files new/var/log/app/x.log and out/var/log/app/x.log differ\n"
    );

    // A line that is deleted brings the file; a slash at the start is the root.
    let layout = bench.packs("build new --show-layout");
    assert!(layout.contains("# host keys: "), "{layout}");
    let kept: String = layout
        .lines()
        .filter(|line| !line.contains("ssh_host"))
        .map(|line| format!("{line}\n"))
        .collect();
    fs::write(bench.path("layout.toml"), kept).unwrap();
    let line =
        format!("build new -o three {OWN} --layout layout.toml --exclude /srv/x --exclude /no");
    let out = bench.pack(&line);
    let errors = String::from_utf8(out.stderr).unwrap();
    assert!(out.status.success(), "{errors}");
    assert!(
        errors.starts_with("warning: --exclude /no: there is no such file"),
        "{errors}"
    );
    let (all, three) = (names(&bench, "one"), names(&bench, "three"));
    assert!(three.contains("./etc/ssh/ssh_host_rsa_key\n") && !three.contains("./srv/x/"));
    assert!(all.contains("./srv/x/file\n") && !all.contains("./etc/ssh/ssh_host_rsa_key\n"));
}

#[test]
fn an_appliance_in_any_form_is_the_same_system() {
    testkit::needs!("image", "root", "mke2fs", "sgdisk", "qemu-img");
    let bench = bench();
    bench.shell(
        "PATH=$PATH:/usr/sbin:/sbin; truncate -s 100M va.raw
         sgdisk -n 1:2048:6143 -t 1:EF02 -n 2:6144:0 va.raw >&2
         mke2fs -q -t ext4 -L top -d new -E offset=3145728 va.raw 96M
         qemu-img convert -O qcow2 va.raw va.qcow2; qemu-img convert -O vhdx va.raw va.vhdx
         qemu-img convert -O vpc va.raw va.vhd
         qemu-img convert -O vmdk -o subformat=streamOptimized va.raw disk.vmdk
         echo '<Envelope/>' >va.ovf; tar -cf va.ova va.ovf disk.vmdk
         tar -czf va.tar.gz -C new .",
    );
    bench.packs(&format!("build va.raw -o raw.tar.gz {OWN}"));
    bench.shell("tar -xf raw.tar.gz; cp va.sgdisk raw.sgdisk; cp va.tar.xz raw.xz");
    let manifest = fs::read_to_string(bench.path("migration.toml")).unwrap();
    assert!(manifest.contains("name = \"va\"") && manifest.contains("label = \"top\""));
    let layout = bench.packs("build va.raw --show-layout");
    for form in ["va.qcow2", "va.vhdx", "va.vhd"] {
        assert_eq!(bench.packs(&format!("build {form} --show-layout")), layout);
    }
    bench.packs(&format!("build va.ova -o made {OWN}"));
    bench.shell("tar -xf made; cmp va.tar.xz raw.xz; cmp va.sgdisk raw.sgdisk");
    bench.packs(&format!("build va.tar.gz -o made {OWN}"));
    let found = names(&bench, "made");
    assert_eq!(
        found,
        names(&bench, "raw.tar.gz").replace("./lost+found/\n", "")
    );
    // Nothing is left of what was mounted.
    assert_eq!(
        bench.shell("losetup -a | grep -c \"$PWD\" || true; grep -c \"$PWD\" /proc/mounts || true; ls -A | grep '^[.]' || true"),
        "0\n0\n"
    );
    bench.shell("cp disk.vmdk other.vmdk; tar -cf va.ova va.ovf disk.vmdk other.vmdk; gzip -c va.raw >va.gz");
    bench.refuses(
        &format!("build va.ova -o made {OWN}"),
        "has 2 disks [\"disk.vmdk\", \"other.vmdk\"]",
    );
    bench.refuses(
        &format!("build va.gz -o made {OWN}"),
        "va.gz is compressed by gzip and is no tar archive",
    );
    bench.refuses(
        &format!("build va.raw --table raw.sgdisk -o made {OWN}"),
        "is a disk and has its own table",
    );
}

#[test]
fn who_is_stopped_leaves_nothing() {
    testkit::needs!("image", "root", "mke2fs", "sgdisk");
    let bench = bench();
    bench.shell(
        "PATH=$PATH:/usr/sbin:/sbin; head -c 4000000 /dev/urandom >new/srv/big; truncate -s 100M va.raw
         sgdisk -n 1:2048:6143 -t 1:EF02 -n 2:6144:0 va.raw >&2
         mke2fs -q -t ext4 -L top -d new -E offset=3145728 va.raw 96M; mkdir bin out
         printf '#!/bin/sh\\ntouch began\\nwhile [ \"$(dd bs=64k count=1 2>/dev/null | wc -c)\" != 0 ]; do sleep 0.05; done\\n' >bin/xz
         chmod 755 bin/xz; echo earlier >out/made",
    );
    for signal in ["TERM", "INT", "HUP"] {
        let path = format!(
            "{}:{}",
            bench.path("bin").display(),
            std::env::var("PATH").unwrap()
        );
        let mut child = Command::new(env!("CARGO_BIN_EXE_replant-pack"))
            .args(format!("build va.raw -o out/made --xz=-0 {OWN}").split_whitespace())
            .current_dir(bench.path(""))
            .env("PATH", path)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        while !bench.path("began").exists() {
            assert_eq!(child.try_wait().unwrap(), None);
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        assert_eq!(
            bench.shell("grep -c \"$PWD/out/[.]replant-pack\" /proc/mounts"),
            "1\n"
        );
        bench.shell(&format!("kill -{signal} {}; rm began", child.id()));
        let out = child.wait_with_output().unwrap();
        assert_eq!(out.status.code(), Some(1));
        let text = String::from_utf8(out.stderr).unwrap();
        assert!(
            text.ends_with("stopped; what was begun is taken back\n"),
            "{text}"
        );
        assert_eq!(
            bench.shell("ls -A out; cat out/made; grep -c \"$PWD\" /proc/mounts || true; losetup -a | grep -c \"$PWD\" || true"),
            "made\nearlier\n0\n0\n"
        );
    }
}

#[test]
fn what_is_missing_is_named() {
    testkit::needs!("image");
    let bench = bench();
    let line = format!("build new -o made {OWN}");
    bench.refuses(
        "build new -o made --init init",
        "no replant: this replant-pack was built without it; give --replant FILE",
    );
    bench.refuses(
        &format!("build new -o new/made {OWN}"),
        "of which it is made",
    );
    bench.refuses(&format!("{line} --exclude /"), "--exclude");
    bench.shell("mv new/lib/modules/$VERSION away");
    bench.refuses(&line, "the appliance has no kernel");
    bench.shell("mkdir new/lib/modules/4.18.0; touch new/boot/vmlinuz-4.18.0");
    bench.refuses(&line, "(4.18.0) are older than 5.6");
    fs::write(bench.path("new/boot/vmlinuz-9.9.9"), vmlinuz("9.9.9")).unwrap();
    fs::create_dir(bench.path("new/lib/modules/9.9.9")).unwrap();
    bench.refuses(&line, "has no kernel modules");
    let given = format!("{line} --kernel {0}/vmlinuz", kernel().root.display());
    bench.refuses(&given, "--kernel needs its modules");
    // The tiny system's kernel is taken from elsewhere; the payload's is not.
    bench.refuses(
        &format!("{given} --modules root"),
        "va.tar.xz: boot/vmlinuz-4.18.0 has no modules",
    );
    assert_eq!(bench.shell("ls -A | grep '^[.]' || true"), "");
}
