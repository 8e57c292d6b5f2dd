// SPDX-License-Identifier: MIT OR Apache-2.0
//! Files and directories: ls, cat, cp, cd.

use std::fs::{self, File, Metadata};
use std::io::{self, Read, Write};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use super::ConsoleError;
use sys::{FileError, cannot};

/// One line for each entry, sorted: mode, owner, size, name.
pub(super) fn ls(paths: &[PathBuf], output: &mut dyn Write) -> Result<(), ConsoleError> {
    for path in paths {
        let metadata = fs::symlink_metadata(path).map_err(cannot("list", path))?;
        // A link to a directory is listed as that directory.
        if !path.is_dir() {
            line(output, path, &path.to_string_lossy(), &metadata)?;
            continue;
        }
        if paths.len() > 1 {
            writeln!(output, "{}:", path.display())?;
        }
        let entries = fs::read_dir(path).map_err(cannot("list", path))?;
        let mut entries = entries
            .collect::<Result<Vec<_>, _>>()
            .map_err(cannot("list", path))?;
        entries.sort_unstable_by_key(fs::DirEntry::file_name);
        for entry in entries {
            // It may be gone by now, as in /proc.
            if let Ok(metadata) = entry.metadata() {
                line(
                    output,
                    &entry.path(),
                    &entry.file_name().to_string_lossy(),
                    &metadata,
                )?;
            }
        }
    }
    Ok(())
}

fn line(output: &mut dyn Write, path: &Path, name: &str, metadata: &Metadata) -> io::Result<()> {
    let kind = metadata.file_type();
    let device = metadata.rdev();
    let size = if kind.is_block_device() || kind.is_char_device() {
        format!(
            "{},{}",
            rustix::fs::major(device),
            rustix::fs::minor(device)
        )
    } else {
        metadata.len().to_string()
    };
    write!(
        output,
        "{} {:>5} {:>5} {size:>12} {}",
        mode(metadata),
        metadata.uid(),
        metadata.gid(),
        name.escape_debug()
    )?;
    match fs::read_link(path) {
        Ok(target) if kind.is_symlink() => {
            writeln!(output, " -> {}", target.to_string_lossy().escape_debug())
        }
        _ => writeln!(output),
    }
}

/// `drwxr-xr-x`
fn mode(metadata: &Metadata) -> String {
    let kind = metadata.file_type();
    let kind = match () {
        () if kind.is_dir() => 'd',
        () if kind.is_symlink() => 'l',
        () if kind.is_block_device() => 'b',
        () if kind.is_char_device() => 'c',
        () if kind.is_fifo() => 'p',
        () if kind.is_socket() => 's',
        () => '-',
    };
    let bits = metadata.mode();
    let mut text = String::from(kind);
    for (shift, special, mark) in [(6, 0o4000, 's'), (3, 0o2000, 's'), (0, 0o1000, 't')] {
        let three = bits >> shift;
        text.push(if three & 4 != 0 { 'r' } else { '-' });
        text.push(if three & 2 != 0 { 'w' } else { '-' });
        text.push(match (three & 1 != 0, bits & special != 0) {
            (true, true) => mark,
            (false, true) => mark.to_ascii_uppercase(),
            (true, false) => 'x',
            (false, false) => '-',
        });
    }
    text
}

/// The files' contents, one after the other.
pub(super) fn cat(paths: &[PathBuf], output: &mut dyn Write) -> Result<(), ConsoleError> {
    for path in paths {
        let mut file = File::open(path).map_err(cannot("open", path))?;
        copy_out(&mut file, path, output)?;
    }
    Ok(())
}

/// Copies a file's bytes to the console; bytes that would upset a terminal are
/// shown as `?`.
pub(super) fn copy_out(
    file: &mut File,
    path: &Path,
    output: &mut dyn Write,
) -> Result<(), ConsoleError> {
    let mut buffer = [0; 4096];
    let mut last = b'\n';
    loop {
        let got = file.read(&mut buffer).map_err(cannot("read", path))?;
        let Some(read) = buffer.get_mut(..got).filter(|read| !read.is_empty()) else {
            break;
        };
        last = read.last().copied().unwrap_or(last);
        for byte in read.iter_mut() {
            if (*byte < b' ' && !matches!(byte, b'\n' | b'\t')) || *byte == 0x7f {
                *byte = b'?';
            }
        }
        output.write_all(read)?;
    }
    if last != b'\n' {
        writeln!(output)?;
    }
    Ok(())
}

/// Copies one file, and says how much it was.
pub(super) fn cp(from: &Path, to: &Path, output: &mut dyn Write) -> Result<(), ConsoleError> {
    let target = match from.file_name() {
        Some(name) if to.is_dir() => to.join(name),
        _ => to.to_path_buf(),
    };
    // Copying a file onto itself would empty it.
    let same = |a: &Metadata, b: &Metadata| (a.dev(), a.ino()) == (b.dev(), b.ino());
    let source = fs::metadata(from).map_err(cannot("copy", from))?;
    if !source.is_file() {
        let error = io::Error::other("it is not a plain file");
        return Err(FileError::new("copy", from, error).into());
    }
    if fs::metadata(&target).is_ok_and(|target| same(&source, &target)) {
        let error = io::Error::other("it is the same file");
        return Err(FileError::new("copy", from, error).into());
    }
    let count = fs::copy(from, &target).map_err(cannot("write", &target))?;
    writeln!(output, "{}: {count} bytes", target.display())?;
    Ok(())
}

/// Changes the working directory of the console.
pub(super) fn cd(directory: &Path) -> Result<(), ConsoleError> {
    Ok(std::env::set_current_dir(directory).map_err(cannot("go to", directory))?)
}
