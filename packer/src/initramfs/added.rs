// SPDX-License-Identifier: MIT OR Apache-2.0
//! Programs that are added to the tiny system with the libraries that they need.
//! Libraries are found as ld.so(8) does it, from the ELF files alone; nothing is
//! run, and libraries that a program loads later by itself are not found.

use crate::capture::inside;
use crate::file::{At, cannot};
use anyhow::{Context, Result, anyhow, bail, ensure};
use goblin::elf::{Elf, header::EM_X86_64};
use ondisk::glob;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Where programs are looked for by their name.
const PROGRAMS: [&str; 6] = [
    "usr/sbin",
    "usr/bin",
    "sbin",
    "bin",
    "usr/local/sbin",
    "usr/local/bin",
];
/// The default directories of ld.so in Debian and EL.
const LIBRARIES: [&str; 6] = [
    "lib/x86_64-linux-gnu",
    "usr/lib/x86_64-linux-gnu",
    "lib64",
    "usr/lib64",
    "lib",
    "usr/lib",
];
/// Names under which lvm2's program is called.
const LVM: [&str; 13] = [
    "lvchange",
    "lvcreate",
    "lvdisplay",
    "lvremove",
    "lvs",
    "lvscan",
    "pvs",
    "pvscan",
    "vgchange",
    "vgdisplay",
    "vgexport",
    "vgs",
    "vgscan",
];

/// Files and links to add to the image: paths below its root.
#[derive(Debug, Default)]
pub struct Added {
    pub files: BTreeMap<String, Vec<u8>>,
    /// Path, and target.
    pub links: BTreeMap<String, String>,
    /// Messages for a person.
    pub said: Vec<String>,
}

impl Added {
    /// Finds programs in the first of the roots that has them.
    pub fn find(roots: &[&Path], names: &[String], lvm2: bool) -> Result<Added> {
        let mut added = Added::default();
        for name in names {
            added.program(roots, name)?;
        }
        if lvm2 {
            let path = added.program(roots, "lvm").context(
                "--with-lvm2: there is no lvm; install lvm2 in the appliance or on this machine",
            )?;
            for name in LVM {
                added
                    .links
                    .insert(format!("bin/{name}"), format!("/{path}"));
            }
        }
        Ok(added)
    }

    /// Adds a program; its path in the image.
    fn program(&mut self, roots: &[&Path], name: &str) -> Result<String> {
        let places: Vec<String> = match name.contains('/') {
            true => vec![name.trim_start_matches('/').to_string()],
            false => PROGRAMS.iter().map(|p| format!("{p}/{name}")).collect(),
        };
        let found = roots.iter().find_map(|root| {
            let mut places = places.iter();
            places.find_map(|place| Some((*root, inside(root, place).filter(|p| p.is_file())?)))
        });
        let Some((root, path)) = found else {
            let roots: Vec<_> = roots.iter().map(|r| r.display().to_string()).collect();
            bail!(
                "--add {name}: there is no such program in {}",
                roots.join(" or ")
            );
        };
        let bytes = fs::read(&path).map_err(cannot("read", &path))?;
        ensure!(
            !bytes.starts_with(b"#!"),
            "--add {name}: {} is a script; add a program, or its interpreter and the script as files of an initramfs of your own",
            path.display()
        );
        let base = name.rsplit('/').next().unwrap_or(name);
        let target = format!("bin/{base}");
        ensure!(
            !["bin/replant"].contains(&target.as_str()),
            "--add {name}: {target} is the tiny system's own"
        );
        let before = self.files.len();
        self.libraries(root, &path, &bytes).at(&path)?;
        let libraries = self.files.len() - before;
        self.files.insert(target.clone(), bytes);
        self.said.push(format!(
            "added: {} with {libraries} libraries",
            path.display()
        ));
        Ok(target)
    }

    /// Adds a library. Programs of two systems may bring two of one name, and
    /// one of them would not start.
    fn put(&mut self, place: String, content: Vec<u8>, by: &Path) -> Result<()> {
        match self.files.get(&place) {
            Some(present) if *present != content => bail!(
                "{} needs another {place} than a program that was added before: take both from one system",
                by.display()
            ),
            _ => self.files.insert(place, content),
        };
        Ok(())
    }

    /// Adds what a program needs, and what that needs.
    fn libraries(&mut self, root: &Path, program: &Path, bytes: &[u8]) -> Result<()> {
        let elf = parse(bytes)?;
        let Some(loader) = elf.interpreter else {
            return Ok(());
        };
        let at = inside(root, loader.trim_start_matches('/'))
            .with_context(|| format!("it needs {loader}, which is not there"))?;
        let content = fs::read(&at).map_err(cannot("read", &at))?;
        self.put(loader.trim_start_matches('/').into(), content, program)?;
        let search = Search {
            root,
            listed: listed(root, "etc/ld.so.conf", 0),
        };
        let mut done = BTreeSet::new();
        let mut open = vec![(program.to_path_buf(), bytes.to_vec())];
        while let Some((by, bytes)) = open.pop() {
            let elf = parse(&bytes).at(&by)?;
            for name in &elf.libraries {
                if !done.insert((*name).to_string()) {
                    continue;
                }
                let (path, place) = search.find(name, &by, &elf).with_context(|| {
                    format!(
                        "{} needs the library {name}, which is not found",
                        by.display()
                    )
                })?;
                let content = fs::read(&path).map_err(cannot("read", &path))?;
                self.put(place, content.clone(), &by)?;
                open.push((path, content));
            }
        }
        Ok(())
    }
}

fn parse(bytes: &[u8]) -> Result<Elf<'_>> {
    let elf = Elf::parse(bytes).map_err(|e| anyhow!("no program for this processor: {e}"))?;
    ensure!(
        elf.is_64 && elf.header.e_machine == EM_X86_64,
        "no program for x86_64"
    );
    Ok(elf)
}

/// How ld.so looks for libraries.
struct Search<'a> {
    root: &'a Path,
    /// The directories of ld.so.conf.
    listed: Vec<String>,
}

impl Search<'_> {
    /// Where a library is, and where the image gets it: the image has no
    /// ld.so.cache, so what only ld.so.conf names goes to where ld.so looks.
    fn find(&self, name: &str, by: &Path, elf: &Elf<'_>) -> Option<(PathBuf, String)> {
        let own = by
            .parent()?
            .strip_prefix(self.root.canonicalize().ok()?)
            .ok()?;
        let own = format!("/{}", own.display());
        let paths = match elf.runpaths.is_empty() {
            true => &elf.rpaths,
            false => &elf.runpaths,
        };
        let named = paths.iter().flat_map(|paths| paths.split(':'));
        let named = named.map(|p| p.replace("${ORIGIN}", &own).replace("$ORIGIN", &own));
        let named = named.map(|p| (p, true));
        let usual = LIBRARIES.iter().map(|p| ((*p).to_string(), true));
        let listed = self.listed.iter().map(|p| (p.clone(), false));
        for (directory, stays) in named.chain(usual).chain(listed) {
            let below = directory.trim_matches('/');
            let path = format!("{below}/{name}");
            let Some(found) = inside(self.root, &path) else {
                continue;
            };
            // A library for another processor is skipped.
            if fs::read(&found).is_ok_and(|bytes| parse(&bytes).is_ok()) {
                let place = match stays {
                    true => path,
                    false => format!("{}/{name}", self.usual()),
                };
                return Some((found, place));
            }
        }
        None
    }

    /// The directory that the C library is in, where its ld.so looks.
    fn usual(&self) -> &'static str {
        let has = |p: &&&str| inside(self.root, &format!("{p}/libc.so.6")).is_some();
        LIBRARIES.iter().find(has).unwrap_or(&"lib64")
    }
}

/// The directories that a file like ld.so.conf lists; `include` takes patterns.
fn listed(root: &Path, file: &str, depth: u32) -> Vec<String> {
    let text = inside(root, file).and_then(|path| fs::read_to_string(path).ok());
    let mut found = Vec::new();
    for line in text.unwrap_or_default().lines() {
        let line = line.split('#').next().unwrap_or_default().trim();
        let Some(pattern) = line.strip_prefix("include").filter(|_| depth < 5) else {
            if !line.is_empty() {
                found.push(line.to_string());
            }
            continue;
        };
        let pattern = pattern.trim();
        let pattern = match pattern.strip_prefix('/') {
            Some(below) => below.to_string(),
            None => format!("etc/{pattern}"),
        };
        let (directory, last) = pattern.rsplit_once('/').unwrap_or(("", &pattern));
        let entries = inside(root, directory).and_then(|d| fs::read_dir(d).ok());
        let names = entries.into_iter().flatten().flatten();
        let mut names: Vec<_> = names
            .map(|e| e.file_name().to_string_lossy().into_owned())
            .filter(|name| glob::matches(last, name))
            .collect();
        names.sort();
        for name in names {
            found.extend(listed(root, &format!("{directory}/{name}"), depth + 1));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;
    use testkit::run;

    #[test]
    fn a_program_comes_with_its_libraries_and_runs_with_them_alone() {
        testkit::needs!("root", "bash");
        let dir = tempfile::tempdir().unwrap();
        let added = Added::find(&[Path::new("/")], &["bash".into()], false).unwrap();
        for (path, bytes) in &added.files {
            let path = dir.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, bytes).unwrap();
            run(Command::new("chmod").arg("755").arg(&path));
        }
        assert!(added.files.keys().any(|path| path.ends_with("/libc.so.6")));
        let said = testkit::chroot(dir.path(), &["/bin/bash", "-c", "echo $((6 * 7))"]);
        assert_eq!(said, "42\n");
    }

    #[test]
    fn libraries_of_two_systems_do_not_mix() {
        let mut added = Added::default();
        let mut put = |bytes: &[u8]| {
            let place = "lib64/ld-linux-x86-64.so.2".to_string();
            added.put(place, bytes.to_vec(), Path::new("/bin/lvm"))
        };
        put(b"12").unwrap();
        put(b"12").unwrap();
        let error = put(b"13").unwrap_err().to_string();
        assert!(
            error.starts_with("/bin/lvm needs another lib64/ld-"),
            "{error}"
        );
    }

    #[test]
    fn directories_of_ld_so_conf() {
        let dir = tempfile::tempdir().unwrap();
        let at = |path: &str| dir.path().join(path);
        fs::create_dir_all(at("etc/ld.so.conf.d")).unwrap();
        fs::write(
            at("etc/ld.so.conf"),
            "include ld.so.conf.d/*.conf\n/opt/b # last\n",
        )
        .unwrap();
        fs::write(at("etc/ld.so.conf.d/a.conf"), "/opt/a\n").unwrap();
        fs::write(at("etc/ld.so.conf.d/a.old"), "/opt/no\n").unwrap();
        assert_eq!(
            listed(dir.path(), "etc/ld.so.conf", 0),
            ["/opt/a", "/opt/b"]
        );
    }

    #[test]
    fn what_cannot_be_added_is_named() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("bin")).unwrap();
        fs::write(dir.path().join("bin/script"), "#!/bin/sh\n").unwrap();
        fs::write(dir.path().join("bin/text"), "hello").unwrap();
        let add = |name: &str| {
            let added = Added::find(&[dir.path()], &[name.to_string()], false);
            added.unwrap_err().to_string()
        };
        assert!(add("script").contains("is a script"));
        assert!(add("text").contains("no program for this processor"));
        assert!(add("gone").contains("--add gone: there is no such program"));
        let none = Added::find(&[dir.path()], &[], true).unwrap_err();
        assert!(none.to_string().contains("install lvm2"));
    }
}
