// SPDX-License-Identifier: MIT OR Apache-2.0
//! The files of packages, with their original checksums. dpkg keeps lists of
//! paths and MD5 sums in text files. rpm has a database, so its program is asked:
//! for the sums of all configuration files, and for the owner of a few paths.
//! (`rpm -Va` would read every file of every package, which takes minutes.)

use crate::error::Result;
use ondisk::hex;
use ondisk::md5;
use ondisk::sha256::Sha256Sum;
use rootdir::RootDir;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;

/// Asks the program rpm.
pub trait Rpm {
    /// What `rpm -qa --configfiles --dump` prints.
    ///
    /// # Errors
    /// Why it printed nothing, for a person.
    fn config_files(&self) -> std::result::Result<String, String>;

    /// Those of these paths that no package has.
    ///
    /// # Errors
    /// Why that is not known, for a person.
    fn unowned(&self, paths: &[String]) -> std::result::Result<Vec<String>, String>;
}

/// Where a file comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    /// From a package, as it is.
    Package,
    /// From a package, and changed.
    Changed,
    /// From a person, or a program.
    Own,
}

/// The files of packages.
#[derive(Debug, Default)]
pub(super) struct Packages {
    /// Paths of files, as `/etc/crontab`; all of /usr/lib as /lib has them.
    owned: BTreeSet<String>,
    /// MD5 or SHA-256 of configuration files.
    sums: BTreeMap<String, String>,
    /// Whether owners are known at all.
    pub known: bool,
    /// Why something is not known.
    pub unread: Vec<String>,
}

impl Packages {
    /// Reads dpkg's files, or asks rpm for its configuration files.
    pub(super) fn read(root: &RootDir, rpm: Option<&dyn Rpm>) -> Result<Packages> {
        let mut packages = Packages::default();
        if let Some(status) = long(root, "var/lib/dpkg/status")? {
            packages.known = true;
            packages.sums = conffiles(&status);
            // What ucf manages has its sums there.
            let ucf = root.text("var/lib/ucf/hashfile")?.unwrap_or_default();
            for line in ucf.lines() {
                if let Some((sum, path)) = line.split_once(' ') {
                    packages
                        .sums
                        .insert(path.trim().to_owned(), sum.to_ascii_lowercase());
                }
            }
            for name in root.list("var/lib/dpkg/info")? {
                if name.ends_with(".list") {
                    let list = long(root, &format!("var/lib/dpkg/info/{name}"))?;
                    packages.own(list.unwrap_or_default().lines());
                }
            }
            let names: Vec<String> = packages.sums.keys().cloned().collect();
            packages.own(names.iter().map(String::as_str));
        } else if let Some(rpm) = rpm {
            match rpm.config_files() {
                Ok(text) => {
                    packages.known = true;
                    packages.sums = dump(&text);
                    let names: Vec<String> = packages.sums.keys().cloned().collect();
                    packages.own(names.iter().map(String::as_str));
                }
                Err(why) => packages.unread.push(why),
            }
        } else {
            packages
                .unread
                .push("neither dpkg's files nor rpm say what packages brought".into());
        }
        Ok(packages)
    }

    fn own<'a>(&mut self, paths: impl Iterator<Item = &'a str>) {
        const OF_INTEREST: [&str; 3] = ["/etc/", "/lib/systemd/", "/usr/local/"];
        let paths = paths.map(plain);
        let paths = paths.filter(|p| OF_INTEREST.iter().any(|dir| p.starts_with(dir)));
        self.owned.extend(paths.map(str::to_owned));
    }

    /// Asks rpm for the paths that are not known yet.
    pub(super) fn ask(&mut self, rpm: Option<&dyn Rpm>, paths: &[String]) {
        let new = |p: &&String| !self.owned.contains(plain(p));
        let new: Vec<String> = paths.iter().filter(new).cloned().collect();
        let Some(rpm) = rpm.filter(|_| self.known && !new.is_empty()) else {
            return;
        };
        match rpm.unowned(&new) {
            Ok(unowned) => {
                let owned = new.iter().filter(|p| !unowned.contains(p));
                self.owned.extend(owned.map(|p| plain(p).to_owned()));
            }
            Err(why) => self.unread.push(why),
        }
    }

    /// Where a file with this content comes from.
    pub(super) fn origin(&self, path: &str, content: &[u8]) -> Origin {
        match self.sums.get(path) {
            Some(sum) if is_sum_of(sum, content) => Origin::Package,
            Some(_) => Origin::Changed,
            None if self.has(path) => Origin::Package,
            None => Origin::Own,
        }
    }

    /// Whether a package has a file of that path.
    pub(super) fn has(&self, path: &str) -> bool {
        self.owned.contains(plain(path))
    }
}

/// One name for /lib and /usr/lib, which are one directory on most systems.
fn plain(path: &str) -> &str {
    let without = path.strip_prefix("/usr");
    without.filter(|p| p.starts_with("/lib/")).unwrap_or(path)
}

fn is_sum_of(sum: &str, content: &[u8]) -> bool {
    match sum.len() {
        32 => md5::of(content) == sum,
        64 => Sha256Sum::of(content).to_string() == sum,
        // A sum of another kind cannot be compared.
        _ => true,
    }
}

/// A file of dpkg, which may be longer than files of configuration are.
fn long(root: &RootDir, path: &str) -> Result<Option<String>> {
    const LIMIT: u64 = 64 << 20;
    let Some(file) = root.open_file(path)? else {
        return Ok(None);
    };
    let mut bytes = Vec::new();
    let read = file.take(LIMIT).read_to_end(&mut bytes);
    read.map_err(sys::cannot("read", &root.full(path)))
        .map_err(rootdir::Error::from)?;
    Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
}

/// The `Conffiles:` of dpkg's status: path and MD5, and `obsolete`,
/// `remove-on-upgrade` or nothing.
pub(super) fn conffiles(status: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut inside = false;
    for line in status.lines() {
        if !line.starts_with(' ') {
            inside = line.trim_end() == "Conffiles:";
            continue;
        }
        if !inside {
            continue;
        }
        let line = line.trim_start();
        // A path may hold spaces; the sum is what looks like one.
        let at = line.match_indices(' ').map(|(at, _)| at).find(|at| {
            let rest = line.get(at + 1..).unwrap_or_default();
            let sum = rest.split(' ').next().unwrap_or_default();
            hex::decode::<16>(sum.as_bytes()).is_some()
        });
        if let Some((path, rest)) = at.and_then(|at| line.split_at_checked(at)) {
            let sum = rest.split_whitespace().next().unwrap_or_default();
            found.insert(path.to_owned(), sum.to_ascii_lowercase());
        }
    }
    found
}

/// Lines of `rpm --dump`: path, size, time, sum, mode, owner, group, three
/// flags and the target of a link. The path may hold spaces; ten words follow
/// it.
pub(super) fn dump(text: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for line in text.lines() {
        let mut words = line.rsplitn(11, ' ');
        let after: Vec<&str> = words.by_ref().take(10).collect();
        let (Some(path), [_, _, _, _, _, _, mode, sum, _, _]) = (words.next(), after.as_slice())
        else {
            continue;
        };
        // Links and what is made by programs have zeros.
        let is_file = mode.starts_with("010");
        let empty = sum.bytes().all(|b| b == b'0');
        if path.starts_with('/') && is_file && !empty {
            found.insert(path.to_owned(), sum.to_ascii_lowercase());
        }
    }
    found
}
