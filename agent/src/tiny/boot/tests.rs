// SPDX-License-Identifier: MIT OR Apache-2.0
//! Programs of the new system that hang, or write where they must not.

use super::*;
use crate::disk::Disk;
use ondisk::gpt::{Guid, Table};
use std::time::Duration;

fn job(script: &str, optional: bool) -> Job {
    Job {
        words: ["/sh", "-c", script].map(String::from).to_vec(),
        optional,
        guarded: true,
    }
}

/// A disk of 8 MiB in an image file, with a table as [`table`] says.
fn image(dir: &Path) -> std::path::PathBuf {
    let path = testkit::sparse(dir.join("disk.img"), 8 << 20);
    let disk = Disk::open_writable(&path).unwrap();
    crate::disk::table::write(&disk, &table(), Some(&[0x90; 440])).unwrap();
    path
}

/// A BIOS boot partition from 1 to 3 MiB, and the rest.
fn table() -> Table {
    let mut table = Table::new(8 << 20, 512, Guid([1; 16])).unwrap();
    for (number, kind, start, end) in [(1, Guid::BIOS_BOOT, 1, 3), (2, Guid::LINUX, 3, 7)] {
        table.partitions.push(ondisk::gpt::Partition {
            number,
            type_guid: kind,
            guid: Guid([number as u8; 16]),
            first_lba: start * 2048,
            last_lba: end * 2048 - 1,
            attributes: 0,
            name: ondisk::gpt::Name::new("").unwrap(),
        });
    }
    table
}

#[test]
fn what_a_program_changes_is_put_back_and_the_program_named() {
    use std::os::unix::fs::FileExt;
    let dir = tempfile::tempdir().unwrap();
    let path = image(dir.path());
    let disk = Disk::open_writable(&path).unwrap();
    let area = Area::of(&disk, &table());
    let before = std::fs::read(&path).unwrap();
    let keep = |places: &[u64], fails: bool| {
        let mut lines: Vec<String> = Vec::new();
        let name = "grub-install --no-bootsector";
        let result = area.keep(name, &mut |line| lines.push(line.into()), |_| {
            for at in places {
                let byte = [before[*at as usize] ^ 1];
                disk.file().write_all_at(&byte, *at).unwrap();
            }
            match fails {
                true => Err(Error::NoInitramfsTool),
                false => Ok(()),
            }
        });
        (result, lines.join("\n"))
    };
    let mib = 1 << 20;
    for (places, first) in [
        (&[0][..], "sector 0"),
        (&[511], "sector 0"),
        (&[3 * mib - 1, 2 * mib, 700, 440], "sector 0"),
        (&[512], "the partition table"),
        (&[mib, mib - 1], "the partition table"),
        (&[mib], "the BIOS boot partition"),
        (&[3 * mib - 1], "the BIOS boot partition"),
    ] {
        for fails in [false, true] {
            let (result, lines) = keep(places, fails);
            let error = result.unwrap_err();
            assert!(
                matches!(&error, Error::Overwritten { what, .. } if *what == first),
                "{error}"
            );
            let text = error.to_string();
            let words = format!(
                "in the new system: grub-install --no-bootsector has written {first} of {}, which programs there must not do (it was put back)",
                path.display()
            );
            assert!(text.starts_with(&words), "{text}");
            // What the program itself failed with is not lost.
            assert_eq!(lines.contains("neither dracut nor"), fails);
            assert!(std::fs::read(&path).unwrap() == before, "{places:?}");
        }
    }
    let (result, _) = keep(&[3 * mib, 8 * mib - 1], true);
    assert!(matches!(result, Err(Error::NoInitramfsTool)));
    keep(&[3 * mib], false).0.unwrap();

    crate::disk::cut::after(0, 0);
    let text = keep(&[3], false).0.unwrap_err().to_string();
    assert!(crate::disk::cut::mended());
    assert!(
        text.contains("it could not be put back: cannot write sector 0"),
        "{text}"
    );
}

/// The whole way of a program of the new system that hangs: started in a
/// chroot, ended with its daemon, and the new root is left without a mount.
#[test]
fn a_program_that_hangs_in_the_new_system_leaves_nothing_mounted() {
    testkit::needs!("root", "/bin/busybox");
    const NAME: &str =
        "tiny::boot::tests::a_program_that_hangs_in_the_new_system_leaves_nothing_mounted";
    let Some(root) = crate::namespace::enter(NAME) else {
        return;
    };
    let root = root.as_path();
    busybox(root);
    let supervision = Supervision {
        silence: Duration::from_secs(2),
        grace: Duration::from_secs(2),
        disk: None,
    };
    let dir = tempfile::tempdir().unwrap();
    let node = testkit::Loop::new(image(dir.path()));
    let disk = Disk::open_writable(&node.0).unwrap();
    let area = Area::of(&disk, &table());
    let mut lines: Vec<String> = Vec::new();
    let mut run = |jobs: &[Job]| {
        lines.clear();
        let result = run(root, jobs, &area, &supervision, &mut |line| {
            lines.push(line.into())
        });
        let mounts = crate::machine::mounts().unwrap();
        assert!(
            !mounts
                .iter()
                .any(|m| Path::new(&m.target).starts_with(root))
        );
        assert!(!disk.is_write_protected().unwrap());
        (result, lines.join("\n"))
    };
    // A daemon that stands in /dev would keep it from being unmounted.
    let hangs =
        "cd /dev; /busybox setsid /busybox sleep 1000 & echo installing; /busybox sleep 1000";
    let jobs = [job(hangs, false), job("echo next", false)];
    let (result, lines) = run(&jobs);
    let error = result.unwrap_err();
    assert!(!error.is_transient());
    let text = error.to_string();
    assert!(text.contains("it hung and was ended"), "{text}");
    assert!(text.ends_with("printed: installing"), "{text}");
    assert!(!lines.contains("next"), "{lines}");

    // What the new system can do without is done without.
    let (result, lines) = run(&[job(hangs, true), job("echo next", false)]);
    let without = result.unwrap().join("\n");
    assert!(without.contains("was done without: "), "{without}");
    assert!(lines.contains("it is done without: "), "{lines}");
    assert!(lines.ends_with("next"), "{lines}");
}

fn busybox(root: &Path) {
    testkit::copy_program("/bin/busybox", &root.join("busybox"));
    std::os::unix::fs::symlink("busybox", root.join("sh")).unwrap();
}

const SUPERVISION: Supervision = Supervision {
    silence: Duration::from_secs(60),
    grace: Duration::from_secs(2),
    disk: None,
};

/// Through the node, buffered and not, and by a descriptor; then where the
/// kernel cannot refuse it: in an image file.
#[test]
fn what_starts_the_machine_is_not_written_by_programs() {
    testkit::needs!("root", "/bin/busybox");
    const NAME: &str = "tiny::boot::tests::what_starts_the_machine_is_not_written_by_programs";
    let Some(root) = crate::namespace::enter(NAME) else {
        return;
    };
    let root = root.as_path();
    busybox(root);
    let path = image(root);
    let node = testkit::Loop::new(&path);
    let disk = Disk::open_writable(&node.0).unwrap();
    let area = Area::of(&disk, &table());
    let before = std::fs::read(&path).unwrap();
    let run = |script: &str, optional, area: &Area| {
        run(
            root,
            &[job(script, optional)],
            area,
            &SUPERVISION,
            &mut |_| {},
        )
    };
    let dd = |to: &str, seek: u32, more: &str| {
        format!("/busybox dd if=/busybox of={to} bs=4096 count=1 seek={seek} conv=notrunc {more}")
    };
    for script in [
        dd(node.name(), 0, "2>&1"),
        dd(node.name(), 256, "oflag=direct 2>&1"),
        format!("echo GRUB 2>&1 1<>{}", node.name()),
    ] {
        let error = run(&script, false, &area).unwrap_err().to_string();
        assert!(error.contains("sh -c"), "{error}");
        assert!(!disk.is_write_protected().unwrap());
        assert!(std::fs::read(&path).unwrap() == before, "{script}");
    }
    // Others may write, and so may all afterwards.
    run("echo x", false, &area).unwrap();
    disk.write_at("data", 3 << 20, b"x").unwrap();

    drop(disk);
    drop(node);
    let disk = Disk::open_writable(&path).unwrap();
    let area = Area::of(&disk, &table());
    for (seek, what) in [
        (0, "sector 0"),
        (1, "the partition table"),
        (255, "the partition table"),
        (256, "the BIOS boot partition"),
        (767, "the BIOS boot partition"),
    ] {
        // Also if it is a program that the new system can do without.
        let error = run(&dd("/disk.img", seek, ""), seek == 1, &area).unwrap_err();
        let found = matches!(&error, Error::Overwritten { what: found, .. } if *found == what);
        assert!(found, "{seek}: {error}");
        assert!(error.to_string().contains("(it was put back)"), "{error}");
    }
    run(&dd("/disk.img", 768, ""), false, &area).unwrap();
    let mut own = job(&dd("/disk.img", 0, ""), false);
    own.guarded = false;
    super::run(root, &[own], &area, &SUPERVISION, &mut |_| {}).unwrap();
}
