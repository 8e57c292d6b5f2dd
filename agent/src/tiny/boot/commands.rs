// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which programs of the new system make it bootable.

use super::{Error, dracut, entries, programs};
use crate::plan::Plan;
use ondisk::manifest::Manifest;
use rootdir::RootDir;

/// A program of the new system and its arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// The program's name or path in the new root, and its arguments.
    pub words: Vec<String>,
    /// The new system boots without it: if it fails, a line says so.
    pub optional: bool,
    /// The places that start the machine must not change while it runs:
    /// [`super::Area`].
    pub guarded: bool,
}

/// The commands to run in the new root: those of the manifest, or what the
/// distribution has. Where the root is a logical volume, dracut's configuration
/// gets its name.
pub fn prepare(root: &RootDir, plan: &Plan, manifest: &Manifest) -> Result<Vec<Job>, Error> {
    let disk = plan.disk.display().to_string();
    let newest = plan.kernels.first().map_or("", String::as_str);
    // The package's own programs come first: what they write may belong into the
    // initramfs. The new system starts without them, too.
    let hooks = manifest.hooks.after_identity.iter().map(|words| Job {
        words: words.clone(),
        optional: true,
        guarded: true,
    });
    let mut jobs: Vec<Job> = hooks.collect();
    if !manifest.boot.commands.is_empty() {
        let fill = |word: &String| word.replace("{disk}", &disk).replace("{kernel}", newest);
        let commands = manifest.boot.commands.iter();
        jobs.extend(commands.map(|words| Job {
            words: words.iter().map(fill).collect(),
            optional: false,
            // The package's own commands may install a boot loader.
            guarded: false,
        }));
        return Ok(jobs);
    }
    let mut job = |words: &[&str], optional| {
        jobs.push(Job {
            words: words.iter().map(|w| w.to_string()).collect(),
            optional,
            guarded: true,
        });
    };
    // lvm2's own text backup, as vgcreate would have made it.
    if programs::find(root, "vgcfgbackup")?.is_some() && !plan.groups.is_empty() {
        let names: Vec<&str> = plan.groups.iter().map(|g| g.name.as_str()).collect();
        job(&[&["vgcfgbackup", "-q"], &names[..]].concat(), true);
    }
    let mut add = |words: &[&str]| job(words, false);
    let found = programs::programs(root)?;
    let grub = match found.grub_install {
        Some(name) => programs::find(root, name)?,
        None => None,
    };
    if let Some(grub) = &grub {
        // The boot sector is written last, when all that it leads to is on the disk.
        add(&[grub, "--target=i386-pc", "--no-bootsector", &disk]);
    }
    match found.initramfs {
        Some("dracut") => {
            let volumes = dracut::early_volumes(plan);
            let named = dracut::words(&volumes);
            if !volumes.is_empty() {
                dracut::configure(root, &volumes)?;
            }
            // A later file of the configuration may override what the first one
            // says of these volumes, so they are also named here.
            let more = (!volumes.is_empty()).then_some([
                "--add",
                "lvm",
                "--kernel-cmdline",
                named.as_str(),
            ]);
            for kernel in &plan.kernels {
                let image = programs::initramfs(root, kernel)?;
                // Includes drivers for other machines, too, because a virtual
                // machine may move to another host.
                let mut words = vec!["dracut", "--force", "--no-hostonly"];
                words.extend(more.iter().flatten());
                words.extend(["--kver", kernel.as_str(), image.as_str()]);
                add(&words);
            }
        }
        Some(name) => {
            // -c creates a missing initramfs and overwrites an existing one.
            for kernel in &plan.kernels {
                add(&[name, "-c", "-k", kernel]);
            }
        }
        None => return Err(Error::NoInitramfsTool),
    }
    match found.menu {
        Some("grub2-mkconfig") => {
            let menu = ["grub2-mkconfig", "-o", "/boot/grub2/grub.cfg"];
            let anew = entries::are_stale(root, plan, manifest)?.then_some("--update-bls-cmdline");
            add(&menu.into_iter().chain(anew).collect::<Vec<_>>());
        }
        Some("grub-mkconfig") => add(&["grub-mkconfig", "-o", "/boot/grub/grub.cfg"]),
        Some(name) => add(&[name]),
        None => {}
    }
    Ok(jobs)
}

#[cfg(test)]
mod tests;
