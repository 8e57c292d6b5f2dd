// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which programs of the new system make it bootable.

use super::Error;
use crate::plan::Plan;
use ondisk::manifest::Manifest;
use std::path::{Path, PathBuf};

/// A program of the new system and its arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// The program's name or path in the new root, and its arguments.
    pub words: Vec<String>,
    /// The new system boots without it: that it fails is told and no more.
    pub optional: bool,
}

/// The commands to run in the new root: those of the manifest, or what the
/// distribution has. Writes a dracut configuration where the initramfs would
/// not activate the root volume otherwise.
///
/// # Errors
/// [`Error::NoInitramfsTool`]; [`Error::File`].
pub fn prepare(root: &Path, plan: &Plan, manifest: &Manifest) -> Result<Vec<Job>, Error> {
    let disk = plan.disk.display().to_string();
    let newest = plan.kernels.first().map_or("", String::as_str);
    if !manifest.boot.commands.is_empty() {
        let fill = |word: &String| word.replace("{disk}", &disk).replace("{kernel}", newest);
        let commands = manifest.boot.commands.iter();
        return Ok(commands
            .map(|words| Job {
                words: words.iter().map(fill).collect(),
                optional: false,
            })
            .collect());
    }
    let mut jobs = Vec::new();
    let mut job = |words: &[&str], optional| {
        jobs.push(Job {
            words: words.iter().map(|w| w.to_string()).collect(),
            optional,
        });
    };
    // lvm2's own text backup, as vgcreate would have made it.
    if find(root, "vgcfgbackup").is_some() && !plan.groups.is_empty() {
        let names: Vec<&str> = plan.groups.iter().map(|g| g.name.as_str()).collect();
        job(&[&["vgcfgbackup", "-q"], &names[..]].concat(), true);
    }
    let mut add = |words: &[&str]| job(words, false);
    let grub = find(root, "grub2-install").or_else(|| find(root, "grub-install"));
    if let Some(grub) = &grub {
        add(&[grub, "--target=i386-pc", &disk]);
    }
    if find(root, "dracut").is_some() {
        name_root_volume(root, plan)?;
        for kernel in &plan.kernels {
            let image = initramfs(root, kernel).display().to_string();
            // Not only what this machine has: it may move to another host.
            add(&[
                "dracut",
                "--force",
                "--no-hostonly",
                "--kver",
                kernel,
                &image,
            ]);
        }
    } else if find(root, "update-initramfs").is_some() {
        // -c makes what is missing and overwrites what is there.
        for kernel in &plan.kernels {
            add(&["update-initramfs", "-c", "-k", kernel]);
        }
    } else {
        return Err(Error::NoInitramfsTool);
    }
    match &grub {
        Some(name) if name.contains("grub2") => {
            add(&["grub2-mkconfig", "-o", "/boot/grub2/grub.cfg"]);
        }
        Some(_) if find(root, "update-grub").is_some() => add(&["update-grub"]),
        Some(_) => add(&["grub-mkconfig", "-o", "/boot/grub/grub.cfg"]),
        None => {}
    }
    Ok(jobs)
}

/// The initramfs of a kernel, seen from the new root: where one is, or the
/// name that the distribution uses.
pub(super) fn initramfs(root: &Path, kernel: &str) -> PathBuf {
    let debian = PathBuf::from(format!("/boot/initrd.img-{kernel}"));
    let fedora = PathBuf::from(format!("/boot/initramfs-{kernel}.img"));
    let there = |path: &Path| path.strip_prefix("/").is_ok_and(|p| root.join(p).exists());
    if there(&debian) || !there(&fedora) && root.join("etc/debian_version").exists() {
        debian
    } else {
        fedora
    }
}

/// The path of a program, seen from the new root.
fn find(root: &Path, name: &str) -> Option<String> {
    ["usr/sbin", "usr/bin", "sbin", "bin"]
        .iter()
        .find_map(|directory| {
            // A link may be absolute, and then means another file out here.
            let path = root.join(directory).join(name);
            path.symlink_metadata()
                .is_ok()
                .then(|| format!("/{directory}/{name}"))
        })
}

const DRACUT_CONF: &str = "etc/dracut.conf.d/90-replant-root.conf";

/// dracut activates no volume unless the command line names one (64-lvm
/// rules). Where nothing names it, a configuration file puts it into every
/// initramfs that dracut will make.
fn name_root_volume(root: &Path, plan: &Plan) -> Result<(), Error> {
    let device = plan.root().map(|f| f.device.clone()).unwrap_or_default();
    let volume = plan.groups.iter().find_map(|group| {
        let is_root = |lv: &&ondisk::lvm::LvPlan| {
            ondisk::lvm::dm_name(&group.name, &lv.name)
                .is_ok_and(|name| Path::new("/dev/mapper").join(name) == device)
        };
        group
            .lvs
            .iter()
            .find(is_root)
            .map(|lv| format!("{}/{}", group.name, lv.name))
    });
    let Some(volume) = volume else { return Ok(()) };
    // Not /boot/loader/entries or /etc/kernel/cmdline: EL9's grub2-mkconfig may
    // write the entries anew, with what /etc/default/grub says.
    let mut files = vec![root.join("etc/default/grub")];
    for directory in ["etc/cmdline.d", "etc/dracut.conf.d"] {
        let Ok(entries) = std::fs::read_dir(root.join(directory)) else {
            continue;
        };
        files.extend(entries.flatten().map(|e| e.path()));
    }
    let path = root.join(DRACUT_CONF);
    let named = files.iter().filter(|f| **f != path).any(|file| {
        std::fs::read_to_string(file)
            .is_ok_and(|text| text.contains("rd.lvm.") || text.contains("rd.auto"))
    });
    if named {
        return Ok(());
    }
    let write = || {
        std::fs::create_dir_all(path.parent().unwrap_or(root))?;
        let text = format!(
            "# Written by replant: dracut activates the root volume only if it is named.\n\
             kernel_cmdline+=\" rd.lvm.lv={volume} \"\nadd_dracutmodules+=\" lvm \"\n"
        );
        std::fs::write(&path, text)
    };
    write().map_err(|source| Error::File {
        path: path.clone(),
        source,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::sample;

    fn touch(root: &Path, path: &str) {
        let path = root.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, "").unwrap();
    }

    fn lines(commands: &[Job]) -> Vec<String> {
        let mark = |job: &Job| if job.optional { "-" } else { "" };
        let text = |job: &Job| mark(job).to_string() + &job.words.join(" ");
        commands.iter().map(text).collect()
    }

    #[test]
    fn takes_the_programs_that_the_distribution_has() {
        let (manifest, plan) = sample();
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        assert!(matches!(
            prepare(root, &plan, &manifest),
            Err(Error::NoInitramfsTool)
        ));
        for path in [
            "usr/sbin/grub-install",
            "usr/sbin/update-grub",
            "etc/debian_version",
        ] {
            touch(root, path);
        }
        touch(root, "usr/sbin/update-initramfs");
        let found = lines(&prepare(root, &plan, &manifest).unwrap());
        assert_eq!(
            found,
            [
                "/usr/sbin/grub-install --target=i386-pc /dev/nvme0n1",
                "update-initramfs -c -k 6.1",
                "update-grub"
            ]
        );
        assert!(!root.join(DRACUT_CONF).exists());

        touch(root, "usr/bin/dracut");
        touch(root, "usr/sbin/vgcfgbackup");
        touch(root, "usr/sbin/grub2-install");
        std::fs::remove_file(root.join("etc/debian_version")).unwrap();
        let found = lines(&prepare(root, &plan, &manifest).unwrap());
        assert_eq!(
            found,
            [
                "-vgcfgbackup -q VA",
                "/usr/sbin/grub2-install --target=i386-pc /dev/nvme0n1",
                "dracut --force --no-hostonly --kver 6.1 /boot/initramfs-6.1.img",
                "grub2-mkconfig -o /boot/grub2/grub.cfg"
            ]
        );
        let conf = std::fs::read_to_string(root.join(DRACUT_CONF)).unwrap();
        assert!(conf.contains("rd.lvm.lv=VA/root"), "{conf}");
    }

    #[test]
    fn leaves_dracut_alone_where_the_volume_is_named() {
        let (manifest, plan) = sample();
        let dir = tempfile::tempdir().unwrap();
        touch(dir.path(), "usr/bin/dracut");
        touch(dir.path(), "etc/default/grub");
        let text = "GRUB_CMDLINE_LINUX=\"rd.lvm.lv=VA/root\"\n";
        std::fs::write(dir.path().join("etc/default/grub"), text).unwrap();
        prepare(dir.path(), &plan, &manifest).unwrap();
        assert!(!dir.path().join(DRACUT_CONF).exists());
        // What grub2-mkconfig may throw away does not count.
        std::fs::write(dir.path().join("etc/default/grub"), "").unwrap();
        touch(dir.path(), "etc/kernel/cmdline");
        std::fs::write(dir.path().join("etc/kernel/cmdline"), text).unwrap();
        prepare(dir.path(), &plan, &manifest).unwrap();
        assert!(dir.path().join(DRACUT_CONF).exists());
    }

    #[test]
    fn the_manifests_own_commands_replace_all() {
        let (mut manifest, plan) = sample();
        manifest.boot.commands = vec![vec![
            "/sbin/setup".into(),
            "{disk}".into(),
            "--kernel={kernel}".into(),
        ]];
        let dir = tempfile::tempdir().unwrap();
        let found = lines(&prepare(dir.path(), &plan, &manifest).unwrap());
        assert_eq!(found, ["/sbin/setup /dev/nvme0n1 --kernel=6.1"]);
    }
}
