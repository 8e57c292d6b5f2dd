// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is made of several devices, by the real tools under a real kernel, with
//! a part of it on the disk that would be replaced (vda) and another one
//! elsewhere (vdb): each is seen, in use or not.

use harness::example::example;
use harness::hostroot;
use std::time::Duration;

const MIB: u64 = 1 << 20;

const SCRIPT: &str = r#"
set -u
export DM_DISABLE_UDEV=1 LVM_SUPPRESS_FD_WARNINGS=1
mkdir -p /run/lvm /run/cryptsetup /run/mdadm
for m in md-mod raid1 btrfs xfs ext4 bcache dm-mod dm-crypt dm-integrity; do modprobe $m; done
for d in vda vdb; do printf 'label: gpt
size=300M
size=300M
size=300M
' | sfdisk -q /dev/$d; done
printf secret >/run/key
look() { "$PROGRAM" vda 2>&1 | grep -v -e PARTUUID -e ^GUID; }
clean() { for p in /dev/vd[ab][123]; do wipefs -qa $p; dd if=/dev/zero of=$p bs=1M count=4 status=none
    dd if=/dev/zero of=$p bs=1M seek=298 status=none 2>/dev/null; done; blockdev --flushbufs /dev/vda /dev/vdb; }
quiet() { "$@" >/run/said 2>&1 || { echo "$* failed:"; cat /run/said; }; }
lvm2() { quiet lvm "$@" --config 'activation{udev_sync=0 udev_rules=0} devices{obtain_device_list_from_udev=0 use_devicesfile=0}'; }
format() { quiet cryptsetup luksFormat -q --pbkdf pbkdf2 --pbkdf-force-iterations 1000 "$@" /run/key; }
open() { quiet cryptsetup open --key-file /run/key "$@" c; }

for version in 1.2 1.0 0.90; do
    echo "== raid $version"; clean
    quiet mdadm --create /dev/md0 --run --level=1 --metadata=$version -n2 /dev/vda1 /dev/vdb1
    look; quiet mdadm --stop /dev/md0; echo "-- stopped"; look
done
echo "== raid here"; clean
quiet mdadm --create /dev/md0 --run --level=1 --metadata=1.2 -n2 /dev/vda1 /dev/vda2
quiet mdadm --stop /dev/md0; look
echo "== raid cut"; wipefs -qa /dev/vda2; look
echo "== btrfs"; clean; quiet mkfs.btrfs -qf /dev/vda1 /dev/vdb1; look
echo "== btrfs alone"; clean; quiet mkfs.btrfs -qf /dev/vda1; look
echo "== journal here"; clean; quiet mke2fs -qFO journal_dev /dev/vda1
quiet mke2fs -qFt ext4 -J device=/dev/vda1 /dev/vdb1; look
echo "== journal there"; clean; quiet mke2fs -qFO journal_dev /dev/vdb1
quiet mke2fs -qFt ext3 -J device=/dev/vdb1 /dev/vda1; look
echo "== xfs"; clean; quiet mkfs.xfs -qf -l logdev=/dev/vda1 /dev/vdb1; look
echo "== realtime"; clean; quiet mkfs.xfs -qf -r rtdev=/dev/vdb2 /dev/vda1; look
quiet mount -t xfs -o rtdev=/dev/vdb2 /dev/vda1 /mnt; echo "-- mounted"; look; umount /mnt
echo "== bcache"; clean; quiet make-bcache -C /dev/vda1 -B /dev/vdb1; look
for d in vda1 vdb1; do echo /dev/$d >/sys/fs/bcache/register; done
echo "-- in use"; look
echo 1 >/sys/block/bcache0/bcache/stop; for s in /sys/fs/bcache/*-*; do echo 1 >$s/stop; done
n=0; while [ -e /sys/block/bcache0 ] && [ $n -lt 50 ]; do sleep 0.2; n=$((n+1)); done; sleep 1
echo "== group on crypt"; clean; format /dev/vdb1; open /dev/vdb1
lvm2 vgcreate -q span /dev/vda1 /dev/mapper/c; lvm2 lvcreate -qn v -l 10 span /dev/vda1; look
lvm2 vgchange -qan span; quiet cryptsetup close c; echo "-- locked"; look
echo "== group here"; clean; format /dev/vda2; open /dev/vda2
lvm2 vgcreate -q own /dev/vda1 /dev/mapper/c; look
lvm2 vgchange -qan own; quiet cryptsetup close c; echo "-- locked"; look
for type in luks1 luks2; do
    echo "== header $type"; clean; format --type $type --header /dev/vda1 /dev/vdb1; look
    open --header /dev/vda1 /dev/vdb1; echo "-- open"; look; quiet cryptsetup close c
done
echo "== integrity"; clean
quiet integritysetup format -q --no-wipe --data-device /dev/vdb1 /dev/vda1; look
quiet integritysetup open --data-device /dev/vdb1 /dev/vda1 c; echo "-- open"; look
quiet integritysetup close c
echo "== by hand"; clean
printf '0 1000 linear /dev/vda1 0\n1000 1000 linear /dev/vdb1 0\n' | dmsetup create c; look; dmsetup remove c
echo "== disks"; clean; quiet mke2fs -qFt ext4 -L data -U 3b1ee2f5-6e1b-4a43-9c0e-0123456789ab /dev/vdb1
dd if=/dev/urandom of=/dev/vdb2 bs=1M count=1 status=none; look
echo "== end"
"#;

#[test]
fn what_needs_two_disks_is_seen() {
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let disks = ["a", "b"].map(|name| {
        let disk = dir.path().join(name);
        let file = std::fs::File::create(&disk).unwrap();
        file.set_len(1024 * MIB).unwrap();
        disk
    });
    let script = format!("PROGRAM='{}'\n{SCRIPT}", example("others").display());
    let disks = disks.each_ref().map(|disk| disk.as_path());
    let outcome = hostroot::run(&script, &disks, Duration::from_secs(500));
    let output = outcome.output.replace('\r', "");
    println!("{output}");
    assert!(!output.contains(" failed:"), "{output}");
    // What is told of a case, in its state.
    let found = |case: &str, state: usize| {
        let (_, rest) = output.split_once(&format!("== {case}\n")).expect(case);
        let rest = rest.split("== ").next().unwrap().to_owned();
        rest.split("-- ").nth(state).expect(case).to_owned()
    };
    let spans = |case: &str, state, kind: &str| {
        let found = found(case, state);
        let line = format!("{kind}: here /dev/vda1; elsewhere /dev/vdb1; missing 0\n");
        assert!(found.contains(&line), "{case}: {found}");
    };
    for version in ["1.2", "1.0", "0.90"] {
        spans(&format!("raid {version}"), 0, "RAID array");
        spans(&format!("raid {version}"), 1, "RAID array");
    }
    spans("btrfs", 0, "btrfs file system");
    spans("journal here", 0, "external journal");
    let there = found("journal there", 0);
    assert!(
        there.contains("external journal: here /dev/vda1; elsewhere /dev/vdb1;"),
        "{there}"
    );
    spans("xfs", 0, "XFS file system");
    spans("bcache", 0, "bcache set");
    spans("bcache", 1, "bcache set");
    let has = |case: &str, state: usize, line: &str| {
        let found = found(case, state);
        assert!(found.contains(line), "{case}: no {line:?} in: {found}");
    };
    has(
        "raid here",
        0,
        "RAID array: here /dev/vda1 /dev/vda2; elsewhere ; missing 0",
    );
    has(
        "raid cut",
        0,
        "RAID array: here /dev/vda1; elsewhere ; missing 1",
    );
    has(
        "realtime",
        0,
        "XFS file system: here /dev/vda1; elsewhere ; missing 1",
    );
    has(
        "realtime",
        1,
        "XFS file system: here /dev/vda1; elsewhere /dev/vdb2; missing 0",
    );
    has(
        "group on crypt",
        0,
        "group span on /dev/dm-0 and here on /dev/vda1",
    );
    has(
        "group on crypt",
        1,
        "volume group: here /dev/vda1; elsewhere ; missing 1",
    );
    has(
        "group on crypt",
        1,
        "unclear /dev/vdb1: encrypted and not open",
    );
    has(
        "group here",
        0,
        "volume group: here /dev/dm-0 /dev/vda1; elsewhere ; missing 0",
    );
    has(
        "group here",
        1,
        "volume group: here /dev/vda1; elsewhere ; missing 1",
    );
    for case in ["header luks1", "header luks2"] {
        has(
            case,
            0,
            "LUKS header: here /dev/vda1; elsewhere ; missing 1",
        );
        has(
            case,
            1,
            "LUKS header: here /dev/vda1; elsewhere /dev/dm-0; missing 0",
        );
    }
    has(
        "integrity",
        0,
        "dm-integrity device: here /dev/vda1; elsewhere ; missing 1",
    );
    has(
        "integrity",
        1,
        "dm-integrity device: here /dev/dm-0 /dev/vda1; elsewhere /dev/dm-0",
    );
    has(
        "by hand",
        0,
        "device: here /dev/vda; elsewhere /dev/vdb; missing 0",
    );
    has(
        "disks",
        0,
        "UUID 3b1ee2f5-6e1b-4a43-9c0e-0123456789ab on /dev/vdb1",
    );
    has("disks", 0, "label \"data\" on /dev/vdb1");
    has("disks", 0, "holds /dev/vdb1: ext4 \"data\"");
    has("disks", 0, "unclear /dev/vdb2: nothing that is known");
    has("disks", 0, "holds /dev/vdb3: empty");
    let alone = found("btrfs alone", 0);
    assert!(!alone.contains("here"), "{alone}");
}
