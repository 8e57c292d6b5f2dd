// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where the modules come from: a directory, or a vendor's initramfs.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use ondisk::modules::{Index, ModInfo, Module, Texts, is_module_file};

use super::segments::{self, Segment};
use super::{Error, decompress, read};

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
    pub fn from_directory(path: &Path, version: &str) -> Result<Self, Error> {
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
    pub fn from_initrd(path: &Path, segments: &'a [Segment], version: &str) -> Result<Self, Error> {
        let tree = segments::tree(segments).map_err(|source| Error::Initrd {
            path: path.to_owned(),
            source,
        })?;
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

    fn new(
        path: &Path,
        version: &str,
        files: BTreeMap<String, Content<'a>>,
    ) -> Result<Self, Error> {
        let mut source = Self {
            path: path.to_owned(),
            files,
            index: Index::default(),
        };
        if !source.files.keys().any(|name| is_module_file(name)) {
            return Err(Error::Empty {
                path: path.to_owned(),
            });
        }
        source.index = source.read_index()?;
        source.check_version(version)?;
        Ok(source)
    }

    fn read_index(&self) -> Result<Index, Error> {
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
        .map_err(|source| Error::Index {
            path: self.path.clone(),
            source,
        })?;
        // An initramfs may have the whole system's modules.dep and few of its modules.
        index.retain(|_, module| self.files.contains_key(&module.path));
        Ok(index)
    }

    /// The first module's word for which kernel it is; the directory's name may lie.
    fn check_version(&self, version: &str) -> Result<(), Error> {
        let Some((_, module)) = self.index.iter().next() else {
            return Err(Error::Empty {
                path: self.path.clone(),
            });
        };
        let info = self.modinfo(&module.path)?;
        let found = info
            .vermagic()
            .and_then(|magic| magic.split(' ').next())
            .unwrap_or_default();
        if found == version {
            return Ok(());
        }
        Err(Error::Vermagic {
            path: self.path.join(&module.path).display().to_string(),
            version: version.to_owned(),
            found: found.to_owned(),
        })
    }

    /// The module's file, uncompressed; its signature stays at its end.
    pub fn module(&self, module: &Module) -> Result<Vec<u8>, Error> {
        self.unpacked(&module.path)
    }

    fn unpacked(&self, name: &str) -> Result<Vec<u8>, Error> {
        let bytes = self.bytes(name)?.unwrap_or_default();
        decompress::file(bytes).map_err(|source| Error::Decompress {
            path: name.to_owned(),
            source,
        })
    }

    fn modinfo(&self, name: &str) -> Result<ModInfo, Error> {
        ModInfo::from_elf(&self.unpacked(name)?).map_err(|source| Error::Module {
            path: name.to_owned(),
            source,
        })
    }

    fn bytes(&self, name: &str) -> Result<Option<Vec<u8>>, Error> {
        match self.files.get(name) {
            None => Ok(None),
            Some(Content::Bytes(bytes)) => Ok(Some(bytes.to_vec())),
            Some(Content::File(path)) => read(path).map(Some),
        }
    }

    fn text(&self, name: &str) -> Result<String, Error> {
        let bytes = self.bytes(name)?.unwrap_or_default();
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }
}

/// Files below `directory`, without what links lead to outside of it.
fn walk<'a>(
    directory: &Path,
    prefix: &str,
    files: &mut BTreeMap<String, Content<'a>>,
) -> Result<(), Error> {
    let wrong = |source| Error::Read {
        path: directory.to_owned(),
        source,
    };
    for entry in fs::read_dir(directory).map_err(wrong)? {
        let entry = entry.map_err(wrong)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let below = if prefix.is_empty() {
            name
        } else {
            format!("{prefix}/{name}")
        };
        // `build` and `source` are links to directories; a link to a module is fine.
        if entry.file_type().map_err(wrong)?.is_dir() {
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
    if found.is_empty() {
        return Error::Empty {
            path: path.to_owned(),
        };
    }
    found.sort();
    let found = found.join(", ");
    Error::Version {
        path: path.to_owned(),
        version: version.to_owned(),
        found,
    }
}
