// SPDX-License-Identifier: MIT OR Apache-2.0
//! A unit for the new system's first start, in case the power fails between
//! `switch` and the end of `release`: it does the rest once, by the new system's
//! own programs, and then removes itself.

use ondisk::lvm::PINNED;
use rootdir::{Attributes, Result, RootDir};

const NAME: &str = "replant-release.service";
const UNIT: &str = "etc/systemd/system/replant-release.service";
const WANTED: &str = "etc/systemd/system/multi-user.target.wants/replant-release.service";
const SCRIPT: &str = "etc/systemd/system/replant-release.sh";

const UNIT_TEXT: &str = "\
[Unit]
Description=Give back the room on the disk that the migration needed
After=local-fs.target

[Service]
Type=oneshot
ExecStart=/bin/sh /etc/systemd/system/replant-release.sh
";

/// A group, and the volume in it that gets the room, with the device of its
/// ext4, if it has one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Task {
    pub(super) group: String,
    /// Empty where the room becomes free.
    pub(super) volume: String,
    pub(super) grow: bool,
}

/// The script. Names of groups and volumes have no character that is special to
/// the shell (lvm2 allows none).
fn script(tasks: &[Task]) -> String {
    let mut text = String::from("#!/bin/sh\n# Made by replant; see replant(8).\nset -e\n");
    for Task {
        group,
        volume,
        grow,
    } in tasks
    {
        // The space may still contain the old machine's keys, so it is zeroed
        // before it is freed.
        text += &format!(
            "if lvs {group}/{PINNED} >/dev/null 2>&1; then\n\
             \x20   lvchange -p rw {group}/{PINNED} || :\n\
             \x20   lvchange -a y {group}/{PINNED}\n\
             \x20   bytes=$(blockdev --getsize64 /dev/{group}/{PINNED})\n\
             \x20   head -c \"$bytes\" /dev/zero >/dev/{group}/{PINNED}\n\
             \x20   sync\n\
             \x20   lvremove -f {group}/{PINNED}\n\
             fi\n"
        );
        if volume.is_empty() {
            continue;
        }
        text += &format!(
            "if [ \"$(vgs --noheadings -o vg_free_count {group} | tr -d ' ')\" != 0 ]; then\n\
             \x20   lvextend -l +100%FREE {group}/{volume}\n\
             fi\n"
        );
        if *grow {
            text += &format!("resize2fs /dev/{group}/{volume}\n");
        }
    }
    text += &format!("rm -f /{WANTED} /{UNIT} /{SCRIPT}\nsystemctl daemon-reload\n");
    text
}

/// Puts the unit into the new system. Returns whether that has systemd.
pub(super) fn place(new: &RootDir, tasks: &[Task]) -> Result<bool> {
    if !new.is_dir("etc/systemd/system")? {
        return Ok(false);
    }
    new.write(SCRIPT, script(tasks).as_bytes(), Attributes::root(0o700))?;
    new.write(UNIT, UNIT_TEXT.as_bytes(), Attributes::root(0o644))?;
    let dir = WANTED.strip_suffix(NAME).unwrap_or(WANTED);
    new.make_dir(dir.trim_end_matches('/'), Attributes::root(0o755))?;
    if new.link(WANTED)?.is_none() {
        new.symlink(WANTED, &format!("/{UNIT}"))?;
    }
    Ok(true)
}

/// Removes the unit, because nothing is left to do.
pub(super) fn remove(new: &RootDir) -> Result<()> {
    for file in [WANTED, UNIT, SCRIPT] {
        new.remove(file)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tasks() -> Vec<Task> {
        vec![Task {
            group: "VA".into(),
            volume: "root".into(),
            grow: true,
        }]
    }

    #[test]
    fn the_unit_is_placed_and_taken_away() {
        let dir = tempfile::tempdir().unwrap();
        let new = RootDir::open(dir.path()).unwrap();
        assert!(!place(&new, &tasks()).unwrap());
        std::fs::create_dir_all(dir.path().join("etc/systemd/system")).unwrap();
        for _ in 0..2 {
            assert!(place(&new, &tasks()).unwrap());
        }
        let link = std::fs::read_link(dir.path().join(WANTED)).unwrap();
        assert_eq!(
            link.to_str(),
            Some("/etc/systemd/system/replant-release.service")
        );
        remove(&new).unwrap();
        remove(&new).unwrap();
        let left = std::fs::read_dir(dir.path().join("etc/systemd/system")).unwrap();
        let names: Vec<_> = left.map(|e| e.unwrap().file_name()).collect();
        assert_eq!(names, ["multi-user.target.wants"]);
    }

    /// With programs that only say how they were called.
    #[test]
    fn the_script_does_all_and_nothing_twice() {
        let dir = tempfile::tempdir().unwrap();
        let bin = dir.path().join("bin");
        std::fs::create_dir(&bin).unwrap();
        let log = dir.path().join("log");
        let program = |name: &str, does: &str| {
            let path = bin.join(name);
            let text = format!(
                "#!/bin/sh\necho {name} \"$@\" >>{}\n{does}\n",
                log.display()
            );
            std::fs::write(&path, text).unwrap();
            std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755))
                .unwrap();
        };
        for name in [
            "lvchange",
            "lvremove",
            "lvextend",
            "resize2fs",
            "rm",
            "sync",
        ] {
            program(name, "");
        }
        program("systemctl", "");
        program("head", "echo zeros");
        program("blockdev", "echo 4096");
        let run = |pinned: bool, free: &str| {
            let _ = std::fs::remove_file(&log);
            program("lvs", if pinned { "exit 0" } else { "exit 5" });
            program("vgs", &format!("echo '  {free}'"));
            let text = script(&tasks()).replace("/dev/", &format!("{}/", dir.path().display()));
            std::fs::create_dir_all(dir.path().join("VA")).unwrap();
            let path = format!("{}:/usr/bin:/bin", bin.display());
            let status = std::process::Command::new("sh")
                .args(["-c", &text])
                .env("PATH", path)
                .status()
                .unwrap();
            assert!(status.success());
            let log = std::fs::read_to_string(&log).unwrap();
            let words = log
                .lines()
                .map(|line| line.split(' ').next().unwrap().to_owned());
            words.collect::<Vec<_>>()
        };
        let whole = [
            "lvs",
            "lvchange",
            "lvchange",
            "blockdev",
            "head",
            "sync",
            "lvremove",
            "vgs",
            "lvextend",
            "resize2fs",
            "rm",
            "systemctl",
        ];
        assert_eq!(run(true, "7"), whole);
        let zeros = std::fs::read_to_string(dir.path().join("VA/replant-pinned")).unwrap();
        assert_eq!(zeros, "zeros\n");
        // The room was given before the power went, and the file system not grown.
        assert_eq!(
            run(false, "0"),
            ["lvs", "vgs", "resize2fs", "rm", "systemctl"]
        );
    }
}
