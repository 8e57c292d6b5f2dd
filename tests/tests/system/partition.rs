// SPDX-License-Identifier: MIT OR Apache-2.0
//! A disk is repartitioned under a real kernel: nobody on it, somebody on it.

use harness::example::example;
use harness::hostroot;
use harness::table::table;
use ondisk::gpt::{Backup, Guid};
use std::path::Path;
use std::time::Duration;

const MIB: u64 = 1 << 20;

/// A table in a file of `sgdisk --backup`: partitions by number, first and
/// last LBA, for a disk of 256 MiB.
fn backup(path: &Path, partitions: &[(u32, u64, u64)]) {
    let partitions = partitions.iter();
    let partitions: Vec<_> = partitions
        .map(|&(number, first, last)| (number, Guid::LINUX, first, last))
        .collect();
    let table = table(256 * MIB, &partitions);
    std::fs::write(path, Backup::of(&table, &[]).unwrap().encode()).unwrap();
}

#[test]
fn the_kernel_takes_a_new_table_over() {
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let disk = dir.path().join("disk");
    std::fs::File::create(&disk)
        .unwrap()
        .set_len(512 * MIB)
        .unwrap();
    backup(
        &dir.path().join("new"),
        &[(1, 2048, 6143), (2, 6144, 43007), (3, 43008, 90000)],
    );
    backup(
        &dir.path().join("other"),
        &[(1, 2048, 4095), (2, 6144, 43007), (4, 43008, 90000)],
    );
    let script = format!(
        r#"
        set -u
        run() {{ '{program}' /dev/vda '{dir}'/"$@" 2>&1; echo "exit $?"; }}
        has() {{ for p in /sys/block/vda/vda*; do
            echo "${{p##*/}} $(cat $p/start) $(cat $p/size)"; done; ls -1 /dev/vda?*; }}
        dos() {{ printf 'label: dos\nstart=2048,size=40960,type=83\nstart=43008,type=5\n
            start=45056,size=40960,type=8e\nstart=88064,size=40960,type=82\n' |
            sfdisk -q --wipe always /dev/vda; }}
        hold() {{ sleep 1000 <$1 & holder=$!
            until ls -l /proc/$holder/fd 2>/dev/null | grep -q $1; do sleep 0.1; done; }}
        release() {{ kill $holder; wait $holder 2>/dev/null; }}

        echo "== free"; dos; has; run new 5; has; sgdisk -v /dev/vda
        echo "== again"; run new 5
        echo "== open"; dos; hold /dev/vda5
        run new 3 | sed "s/process $holder /process N /"
        release; run new 5; has
        echo "== same place"; hold /dev/vda2; run other 5; has; release
        echo "== mounted"; dos; mke2fs -q /dev/vda1 && mount /dev/vda1 /mnt
        run new 3; umount /mnt; run new 5
        echo "== end"
        "#,
        program = example("partition").display(),
        dir = dir.path().display(),
    );
    let outcome = hostroot::run(&script, &[&disk], Duration::from_secs(240));
    let output = outcome.output.replace('\r', "");
    println!("{output}");
    let part = |name: &str| {
        let from = output.find(&format!("== {name}")).expect(name);
        output[from + 3..].split("== ").next().unwrap().to_owned()
    };
    // The last partition ends at the last full MiB before the backup table.
    let size = (511 * MIB) / 512 - 43008;
    let new = format!(
        "vda1 2048 4096\nvda2 6144 36864\nvda3 43008 {size}\n/dev/vda1\n/dev/vda2\n/dev/vda3\n"
    );
    let free = part("free");
    assert!(
        free.contains("vda5 45056 40960\nvda6 88064 40960"),
        "{free}"
    );
    assert!(free.contains(&new) && free.contains("exit 0"), "{free}");
    assert!(free.contains("No problems found"), "{free}");
    assert!(part("again").contains("exit 0"));
    let open = part("open");
    assert!(
        open.contains("/dev/vda5 is in use: process N sleep;"),
        "{open}"
    );
    assert!(open.contains("exit 1") && open.contains(&new), "{open}");
    let same = part("same place");
    let other = format!("vda1 2048 2048\nvda2 6144 36864\nvda4 43008 {size}\n/dev/vda1\n");
    assert!(same.contains(&other) && same.contains("exit 0"), "{same}");
    let mounted = part("mounted");
    assert!(
        mounted.contains("/dev/vda1 is in use: mounted at /mnt;"),
        "{mounted}"
    );
    assert!(mounted.trim_end().ends_with("exit 0"), "{mounted}");
}
