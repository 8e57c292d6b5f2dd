// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a payload holds, and whether a new system can be made of it.
//!
//! [`Inventory`] is fed with the events of the archive, whoever decodes it, and
//! at the end gives [`Report`]: numbers and names for the manifest and for
//! `staged.toml` ([`Facts`]), the small text files that further checks read
//! ([`Texts`]), and what is wrong: everything on which unpacking or the boot
//! step would fail when the old system is gone, or after which the new system
//! would not boot. The same checks serve `replant-pack bundle` on the build
//! machine and `replant check` and `stage` on the old one.

mod acl;
mod boot;
mod demands;
mod entries;
mod facts;
mod finding;
mod identity;
mod kernels;
mod limits;
mod program;
mod sight;
#[cfg(test)]
mod tests;
mod texts;
mod tree;

pub use boot::Programs;
pub use demands::{Demands, Modules};
pub use facts::{Content, Disagreement, Facts};
pub use finding::{Finding, Findings};
pub use kernels::numbers;
pub use limits::LONGEST_PATH;
pub use program::PATH;
pub use texts::Texts;

use crate::identity_path::{LONGEST_FILE, is_inside};
use crate::manifest::{Boot, Device, Filesystem, Hooks, Manifest, Payload, VolumeGroup};
use crate::pax::{Entry, Event, Kind, Totals};
use demands::Part;
use facts::Counts;
use program::Head;
use sight::Sight;
use std::collections::{BTreeMap, BTreeSet};
use tree::{Node, Tree};

/// The layout on which the new system will be made.
#[derive(Debug, Clone, Default)]
pub struct Target {
    /// The package's own commands, if it has any.
    pub boot: Boot,
    /// Its programs for this migration.
    pub hooks: Hooks,
    /// The volume groups.
    pub volume_groups: Vec<VolumeGroup>,
    /// The file systems.
    pub filesystems: Vec<Filesystem>,
}

impl Target {
    /// That of a manifest.
    pub fn of(manifest: &Manifest) -> Target {
        Target {
            boot: manifest.boot.clone(),
            hooks: manifest.hooks.clone(),
            volume_groups: manifest.volume_groups.clone(),
            filesystems: manifest.filesystems.clone(),
        }
    }

    /// The file system that a path lies on, by its place in the list.
    fn filesystem(&self, path: &[u8]) -> Option<usize> {
        let mounts = self.filesystems.iter().map(|f| below(&f.mount)).enumerate();
        let holds = mounts.filter(|(_, mount)| is_inside(path, mount));
        holds.max_by_key(|(_, mount)| mount.len()).map(|(n, _)| n)
    }

    /// Whether a path lies on a logical volume.
    fn on_volume(&self, path: &[u8]) -> bool {
        let filesystem = self.filesystem(path).and_then(|n| self.filesystems.get(n));
        filesystem.is_some_and(|f| matches!(f.device(), Some(Device::Volume { .. })))
    }
}

/// A path of the new system as a member has it.
fn below(path: &str) -> &[u8] {
    path.trim_start_matches('/').as_bytes()
}

/// All that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Numbers and names.
    pub facts: Facts,
    /// Small text files.
    pub texts: Texts,
    /// What it demands of the machine.
    pub demands: Demands,
    /// Why no new system can be made of it.
    pub refusals: Findings,
    /// What a person should know.
    pub warnings: Findings,
}

/// Examines a payload, member by member.
#[derive(Debug)]
pub struct Inventory {
    target: Target,
    tree: Tree,
    totals: Totals,
    counts: Vec<Counts>,
    texts: Texts,
    demands: Demands,
    refusals: Findings,
    warnings: Findings,
    /// The number of hard links to each path.
    links: BTreeMap<Vec<u8>, u32>,
    /// Files that the identity step would not read, for their length.
    long: BTreeSet<Vec<u8>>,
    /// The regular file that is being read.
    current: Option<Current>,
}

#[derive(Debug)]
struct Current {
    path: Vec<u8>,
    /// The beginning of a file that can be executed.
    head: Option<Head>,
    is_text: bool,
    /// What the file demands of the machine, if it is such a file.
    part: Option<Part>,
}

impl Inventory {
    /// Nothing has been seen yet.
    pub fn new(target: Target) -> Inventory {
        Inventory {
            counts: vec![Counts::default(); target.filesystems.len()],
            target,
            tree: Tree::default(),
            totals: Totals::default(),
            texts: Texts::default(),
            demands: Demands::default(),
            refusals: Findings::default(),
            warnings: Findings::default(),
            links: BTreeMap::new(),
            long: BTreeSet::new(),
            current: None,
        }
    }

    /// Members and bytes so far.
    pub fn totals(&self) -> Totals {
        self.totals
    }

    /// Takes what the parser found next.
    pub fn event(&mut self, event: &Event<'_>) {
        match event {
            Event::Entry(entry) => self.entry(entry),
            Event::Data { offset, bytes } => {
                let Some(current) = &mut self.current else {
                    return;
                };
                if let Some(head) = &mut current.head {
                    head.take(*offset, bytes);
                }
                if current.is_text {
                    self.texts.take(&current.path, bytes);
                }
                if let Some(part) = &mut current.part {
                    part.take(*offset, bytes);
                }
            }
            Event::EntryEnd => {
                let Some(current) = self.current.take() else {
                    return;
                };
                if let Some(head) = current.head {
                    self.tree.set_format(&current.path, head.format());
                }
                if current.is_text {
                    self.texts.end(&current.path);
                }
                if let Some(part) = current.part {
                    part.end(&current.path, &mut self.demands);
                }
            }
            Event::End => {}
        }
    }

    fn entry(&mut self, entry: &Entry) {
        self.current = None;
        self.totals.add(entry);
        let filesystem = self.target.filesystem(&entry.path);
        if let Some(counts) = filesystem.and_then(|n| self.counts.get_mut(n)) {
            counts.add(entry);
        }
        limits::member(entry, &mut self.refusals, &mut self.warnings);
        let refused = self.place(entry, filesystem);
        if let Err(what) = refused {
            self.refusals.push(&entry.path, what);
            return;
        }
        self.measure(entry);
        if matches!(entry.kind, Kind::File { .. }) {
            let is_text = texts::is_wanted(&entry.path);
            if is_text {
                self.texts.begin(&entry.path);
            }
            self.current = Some(Current {
                part: Part::of(&entry.path),
                path: entry.path.clone(),
                head: (entry.mode & 0o111 != 0).then(Head::default),
                is_text,
            });
        } else {
            self.texts.other(entry);
        }
    }

    /// Notes whether it is a long file.
    fn measure(&mut self, entry: &Entry) {
        let is_long = match &entry.kind {
            Kind::File { size, .. } => *size > LONGEST_FILE,
            Kind::HardLink { target } => self.long.contains(target),
            _ => false,
        };
        match is_long {
            true => self.long.insert(entry.path.clone()),
            false => self.long.remove(&entry.path),
        };
    }

    /// Puts a member into the tree as the unpacker will; the reason why it
    /// cannot.
    fn place(&mut self, entry: &Entry, filesystem: Option<usize>) -> Result<(), String> {
        let path = &entry.path;
        if entry.kind != Kind::Directory {
            let mut mounts = self.target.filesystems.iter();
            let inside = |f: &&Filesystem| is_inside(below(&f.mount), path);
            if let Some(mount) = mounts.find(inside).map(|f| &f.mount) {
                let kind = kind_name(&entry.kind);
                return Err(format!(
                    "is a {kind}, and a file system is to be mounted at {mount}; make it a directory in the new system"
                ));
            }
        }
        let node = match &entry.kind {
            Kind::Directory => Node::Directory,
            Kind::File { .. } => Node::File(program::NOT_EXECUTABLE),
            Kind::Symlink { target } => Node::Symlink(target.as_slice().into()),
            Kind::HardLink { target } => self.linked(entry, target, filesystem)?,
            Kind::CharDevice { .. } | Kind::BlockDevice { .. } | Kind::Fifo => Node::Other,
        };
        self.tree.insert(path, node).map_err(String::from)
    }

    /// The target of a hard link.
    fn linked(
        &mut self,
        entry: &Entry,
        target: &[u8],
        filesystem: Option<usize>,
    ) -> Result<Node, String> {
        let name = crate::pax::Name::new(target);
        let other = self.target.filesystem(target);
        if other != filesystem {
            let mount = |n: Option<usize>| {
                let found = n.and_then(|n| self.target.filesystems.get(n));
                found.map_or_else(String::new, |f| f.mount.clone())
            };
            return Err(format!(
                "is a hard link to {name}, and the one will lie on the file system of {}, the other on that of {}; make it a file of its own (cp --remove-destination) in the new system",
                mount(filesystem),
                mount(other)
            ));
        }
        let links = self.links.entry(target.to_vec()).or_insert(1);
        *links = links.saturating_add(1);
        if *links == limits::MOST_LINKS + 1 {
            return Err(format!(
                "is a hard link to {name}, which has more than {} names, more than ext4 can hold; make copies of it in the new system",
                limits::MOST_LINKS
            ));
        }
        match self.tree.get(target) {
            None => Err(format!(
                "is a hard link to {name}, which is not in the archive before it; make the archive again"
            )),
            Some(Node::Directory) => Err(format!(
                "is a hard link to {name}, which is a directory; make the archive again"
            )),
            Some(node) => {
                let node = node.clone();
                self.texts.link(&entry.path, target);
                Ok(node)
            }
        }
    }

    /// The archive is complete.
    pub fn finish(mut self) -> Report {
        let sight = Sight {
            tree: &self.tree,
            target: &self.target,
        };
        let kernels = kernels::find(sight, self.texts.dialect(), &mut self.refusals);
        entries::check(sight, &self.texts, &kernels, &mut self.refusals);
        let (grub_install, initramfs_tool) = boot::named(&self.tree);
        boot::check(&self.tree, &self.target, &mut self.refusals);
        identity::check(&self.tree, &self.long, &mut self.refusals);
        self.texts.check(&mut self.refusals, &mut self.warnings);
        let payload = Payload {
            unpacked_bytes: self.totals.bytes,
            entries: self.totals.entries,
            kernels,
            fstab: self.texts.get("etc/fstab").is_some(),
            grub_install,
            initramfs_tool,
        };
        let mounts = self.target.filesystems.iter().map(|f| f.mount.clone());
        let counts = mounts.zip(self.counts);
        Report {
            facts: Facts {
                payload,
                content: counts.map(|(mount, c)| c.content(mount)).collect(),
            },
            texts: self.texts,
            demands: self.demands,
            refusals: self.refusals,
            warnings: self.warnings,
        }
    }
}

fn kind_name(kind: &Kind) -> &'static str {
    match kind {
        Kind::File { .. } => "file",
        Kind::HardLink { .. } => "hard link",
        Kind::Symlink { .. } => "symbolic link",
        Kind::Directory => "directory",
        Kind::CharDevice { .. } | Kind::BlockDevice { .. } => "device",
        Kind::Fifo => "named pipe",
    }
}
