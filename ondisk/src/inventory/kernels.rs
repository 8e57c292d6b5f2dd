// SPDX-License-Identifier: MIT OR Apache-2.0
//! Kernels: an image in /boot, and modules of its version.

use super::Findings;
use super::sight::Sight;
use super::tree::{Node, Tree};
use crate::grub::config::Dialect;
use crate::modules::is_module_file;
use crate::pax::Name;

/// The versions of the kernels that have modules, newest first. Any other file
/// that a boot loader would take for a kernel is refused: it would be offered, or
/// be the default, and would not come up.
pub(super) fn find(sight: Sight<'_>, dialect: Dialect, refusals: &mut Findings) -> Vec<String> {
    let mut kernels = Vec::new();
    for path in images(sight.tree, dialect) {
        match judge(sight, &path) {
            Image::Kernel(version) => kernels.push(version),
            Image::Rescue => {}
            Image::Refused(why) => refusals.push(&path, why),
        }
    }
    if kernels.is_empty() {
        refusals.push(
            b"boot",
            "has no kernel: no vmlinuz-VERSION with modules in lib/modules/VERSION; install one in the new system and capture it again",
        );
    }
    kernels.sort_by_key(|kernel| std::cmp::Reverse(numbers(kernel)));
    kernels
}

/// What GRUB's 10_linux takes for kernels of a PC: /boot/vmlinuz-*,
/// /vmlinuz-* and /boot/kernel-*, if `test -f` says that there is a file.
fn images(tree: &Tree, dialect: Dialect) -> Vec<Vec<u8>> {
    let places: [(&[u8], &[&[u8]]); 2] = [
        (b"boot/", &[b"vmlinuz-", b"kernel-"]),
        (b"", &[b"vmlinuz-"]),
    ];
    let mut found = Vec::new();
    for (directory, starts) in places {
        let top = directory.strip_suffix(b"/").unwrap_or(directory);
        for (name, _) in tree.inside(top) {
            let is_image = !name.contains(&b'/') && starts.iter().any(|s| name.starts_with(s));
            let path = [directory, name].concat();
            if is_image && !is_garbage(name, dialect) && tree.is_file(&path) {
                found.push(path);
            }
        }
    }
    found
}

/// Names that 10_linux leaves out (`grub_file_is_not_garbage`).
fn is_garbage(name: &[u8], dialect: Dialect) -> bool {
    let ends = |end: &[u8]| name.ends_with(end);
    name.windows(6).any(|part| part == b".dpkg-")
        || ends(b".rpmsave")
        || ends(b".rpmnew")
        // Came after EL 7.
        || ends(b".sig") && dialect != Dialect::El7
        // In Debian and Ubuntu; UEFI's form of another image.
        || ends(b".efi.signed") && dialect == Dialect::Upstream
}

enum Image {
    Kernel(String),
    /// EL's `0-rescue-MACHINE-ID`: the oldest of all, with an initramfs of its
    /// own that needs no modules.
    Rescue,
    Refused(String),
}

/// What an image is; `path` leads to a file.
fn judge(sight: Sight<'_>, path: &[u8]) -> Image {
    let is_link = matches!(sight.tree.get(path), Some(Node::Symlink(_)));
    let refused = |why: String| Image::Refused(why);
    let Some(name) = path.strip_prefix(b"boot/vmlinuz-") else {
        return refused(
            "would be taken by GRUB for a kernel, for which no initramfs is made; remove it from the new system or name it boot/vmlinuz-VERSION, and capture it again".into(),
        );
    };
    if path.strip_prefix(b"boot/") == Some(crate::manifest::KERNEL.as_bytes()) {
        return refused(
            "is replant's own kernel: the new system was captured from a machine that is staged; run there: replant revert, and capture it again".into(),
        );
    }
    let version = std::str::from_utf8(name).ok();
    let version = version.filter(|version| has_modules(sight.tree, version));
    let Some(version) = version else {
        if name.starts_with(b"0-rescue-") && !is_link {
            return Image::Rescue;
        }
        let version = Name::new(name);
        return refused(match is_link {
            true => format!(
                "is a link, which GRUB would take for a kernel of its own: there are no modules in lib/modules/{version}, and no initramfs is made for it; remove it from the new system, and capture it again"
            ),
            false => format!(
                "has no modules (lib/modules/{version}), and GRUB would take it for a kernel that boots; remove it from the new system or install its modules, and capture it again"
            ),
        });
    };
    if !sight.is_file(path) {
        return refused(
            "is a link that leads out of the file system which it is on, so GRUB could not follow it; put the kernel itself there in the new system, and capture it again".into(),
        );
    }
    let of_grub = grub_version(version);
    if of_grub != version {
        return refused(format!(
            "is {of_grub} to GRUB, which would look for that one's initramfs: it takes a version to begin with a number; remove this kernel from the new system, and capture it again"
        ));
    }
    Image::Kernel(version.into())
}

/// What 10_linux makes of a version: `s,^[^0-9]*-,,`, on all of the name.
fn grub_version(version: &str) -> &str {
    let digit = version.find(|c: char| c.is_ascii_digit());
    let before = version.get(..digit.unwrap_or(version.len()));
    let dash = before.and_then(|before| before.rfind('-'));
    let rest = dash.and_then(|dash| version.get(dash + 1..));
    rest.unwrap_or(version)
}

fn has_modules(tree: &Tree, version: &str) -> bool {
    let path = format!("lib/modules/{version}");
    let Some((directory, Node::Directory)) = tree.resolve(path.as_bytes()) else {
        return false;
    };
    tree.inside(&directory).any(|(path, node)| {
        let name = path.rsplit(|byte| *byte == b'/').next().unwrap_or(path);
        let name = String::from_utf8_lossy(name);
        matches!(node, Node::File(_)) && (path == b"modules.dep" || is_module_file(&name))
    })
}

/// The numbers of a version, so that 5.14.0-70 comes after 5.14.0-9.
pub fn numbers(text: &str) -> Vec<u64> {
    text.split(|c: char| !c.is_ascii_digit())
        .filter_map(|n| n.parse().ok())
        .collect()
}
