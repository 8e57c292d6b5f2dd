// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where the modules come from: a directory, or a vendor's initramfs.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Error, Result, anyhow, ensure};
use ondisk::modules::{Index, ModInfo, Module, Texts, is_module_file};

use super::segments::{self, Segment};
use super::{decompress, read};
use crate::file::{At, cannot};

/// Where modules are in a root.
const ROOTS: [&str; 2] = ["lib/modules", "usr/lib/modules"];

/// The modules of one kernel.
#[derive(Debug)]
pub struct Source<'a> {
    path: PathBuf,
    /// Path below `lib/modules/VERSION` to where the file is.
    files: BTreeMap<String, Content<'a>>,
    /// What they say together; only modules that have a file.
    pub index: Index,
}

#[derive(Debug)]
enum Content<'a> {
    File(PathBuf),
    Bytes(&'a [u8]),
}

impl<'a> Source<'a> {
    /// The modules of kernel `version` in `path`, which is `lib/modules/VERSION`,
    /// `lib/modules`, or a root that has it.
    pub fn from_directory(path: &Path, version: &str) -> Result<Self> {
        let mut above = vec![path.to_owned()];
        above.extend(ROOTS.iter().map(|root| path.join(root)));
        let given = path.join("kernel").is_dir() || path.join("modules.dep").is_file();
        let directory = match above
            .iter()
            .map(|above| above.join(version))
            .find(|own| own.is_dir())
        {
            Some(directory) => directory,
            None if given => path.to_owned(),
            None => {
                let found = above.iter().flat_map(|above| versions(above)).collect();
                return Err(wrong_version(path, version, found));
            }
        };
        let mut files = BTreeMap::new();
        walk(&directory, "", &mut files)?;
        Self::new(path, version, files)
    }

    /// The modules of kernel `version` in the initramfs at `path`, which is
    /// already taken apart.
    pub fn from_initrd(path: &Path, segments: &'a [Segment], version: &str) -> Result<Self> {
        let tree = segments::tree(segments).at(path)?;
        let mut files = BTreeMap::new();
        let mut found: Vec<String> = Vec::new();
        for (name, node) in tree.iter() {
            let below = ROOTS
                .iter()
                .find_map(|root| name.strip_prefix(root)?.strip_prefix('/'));
            let Some((other, file)) = below.and_then(|below| below.split_once('/')) else {
                continue;
            };
            if is_module_file(file) && !found.iter().any(|known| known == other) {
                found.push(other.to_owned());
            }
            // A module may be a link to one elsewhere in the tree.
            let target = if node.is_file() {
                Some(name.to_owned())
            } else {
                tree.resolve(name)
            };
            let target = target
                .and_then(|target| tree.get(&target))
                .filter(|node| node.is_file());
            if let Some(node) = target.filter(|_| other == version) {
                files.insert(file.to_owned(), Content::Bytes(node.data));
            }
        }
        if !found.is_empty() && !found.iter().any(|known| known == version) {
            return Err(wrong_version(path, version, found));
        }
        Self::new(path, version, files)
    }

    fn new(path: &Path, version: &str, files: BTreeMap<String, Content<'a>>) -> Result<Self> {
        let mut source = Self {
            path: path.to_owned(),
            files,
            index: Index::default(),
        };
        if !source.files.keys().any(|name| is_module_file(name)) {
            return Err(wrong_version(path, version, Vec::new()));
        }
        source.index = source.read_index()?;
        source.check_version(version)?;
        Ok(source)
    }

    fn read_index(&self) -> Result<Index> {
        let (dep, alias) = (self.text("modules.dep")?, self.text("modules.alias")?);
        let builtin = self.text("modules.builtin")?;
        let modinfo = self.bytes("modules.builtin.modinfo")?.unwrap_or_default();
        if dep.is_empty() || alias.is_empty() {
            // depmod never ran here.
            let mut infos = Vec::new();
            for name in self.files.keys().filter(|name| is_module_file(name)) {
                infos.push((name.as_str(), self.modinfo(name)?));
            }
            let mut index = Index::from_modinfo(infos.iter().map(|(name, info)| (*name, info)));
            index.add_builtin(&builtin, &modinfo);
            return Ok(index);
        }
        let softdep = self.text("modules.softdep")?;
        let mut index = Index::from_texts(&Texts {
            dep: &dep,
            alias: &alias,
            softdep: &softdep,
            builtin: &builtin,
            builtin_modinfo: &modinfo,
        })
        .at(&self.path)?;
        // An initramfs may have the whole system's modules.dep and few of its modules.
        index.retain(|_, module| self.files.contains_key(&module.path));
        Ok(index)
    }

    /// The first module's word for which kernel it is; the directory's name may lie.
    fn check_version(&self, version: &str) -> Result<()> {
        let Some((_, module)) = self.index.iter().next() else {
            return Err(wrong_version(&self.path, version, Vec::new()));
        };
        let info = self.modinfo(&module.path)?;
        let found = info
            .vermagic()
            .and_then(|magic| magic.split(' ').next())
            .unwrap_or_default();
        ensure!(
            found == version,
            "{} was built for kernel {found}, not for {version}; give modules of one package",
            self.path.join(&module.path).display()
        );
        Ok(())
    }

    /// The module's file, uncompressed; its signature stays at its end.
    pub fn module(&self, module: &Module) -> Result<Vec<u8>> {
        self.unpacked(&module.path)
    }

    fn unpacked(&self, name: &str) -> Result<Vec<u8>> {
        let bytes = self.bytes(name)?.unwrap_or_default();
        decompress::file(bytes).at(Path::new(name))
    }

    fn modinfo(&self, name: &str) -> Result<ModInfo> {
        ModInfo::from_elf(&self.unpacked(name)?).at(Path::new(name))
    }

    fn bytes(&self, name: &str) -> Result<Option<Vec<u8>>> {
        match self.files.get(name) {
            None => Ok(None),
            Some(Content::Bytes(bytes)) => Ok(Some(bytes.to_vec())),
            Some(Content::File(path)) => read(path).map(Some),
        }
    }

    fn text(&self, name: &str) -> Result<String> {
        let bytes = self.bytes(name)?.unwrap_or_default();
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }
}

/// Files below `directory`, without what links lead to outside of it.
fn walk<'a>(
    directory: &Path,
    prefix: &str,
    files: &mut BTreeMap<String, Content<'a>>,
) -> Result<()> {
    let wrong = cannot("read", directory);
    for entry in fs::read_dir(directory).map_err(&wrong)? {
        let entry = entry.map_err(&wrong)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let below = if prefix.is_empty() {
            name
        } else {
            format!("{prefix}/{name}")
        };
        // `build` and `source` are links to directories; a link to a module is fine.
        if entry.file_type().map_err(&wrong)?.is_dir() {
            walk(&entry.path(), &below, files)?;
        } else if entry.path().is_file() {
            files.insert(below, Content::File(entry.path()));
        }
    }
    Ok(())
}

/// Names of directories in `directory` that look like a kernel's.
fn versions(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let own = entries.filter(|entry| {
        let path = entry.path();
        path.join("kernel").is_dir() || path.join("modules.dep").is_file()
    });
    own.map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect()
}

fn wrong_version(path: &Path, version: &str, mut found: Vec<String>) -> Error {
    let path = path.display();
    if found.is_empty() {
        return anyhow!(
            "{path} has no kernel modules; give lib/modules/VERSION, or a root that contains it"
        );
    }
    found.sort();
    anyhow!(
        "the kernel is version {version}, but {path} has modules of {}; \
         give a kernel and modules of the same package",
        found.join(", ")
    )
}
