// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where results go: standard output, and files.

use anyhow::{Result, bail};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Refuses a result that would take the place of what it is made of, by
/// whatever name.
pub fn refuse_input<'a>(output: &Path, inputs: impl IntoIterator<Item = &'a Path>) -> Result<()> {
    let file = |path: &Path| std::fs::metadata(path).ok().map(|m| (m.dev(), m.ino()));
    let Some(found) = file(output) else {
        return Ok(());
    };
    for input in inputs {
        if file(input) == Some(found) {
            bail!(
                "{}: it is the input {}, which would be lost; give another name to -o",
                output.display(),
                input.display()
            );
        }
    }
    Ok(())
}

/// Prints text. A reader that has read enough (`| head`) is no failure.
pub fn print(text: &str) -> Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(e) if e.kind() != ErrorKind::BrokenPipe => bail!("standard output: {e}"),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_result_does_not_take_the_place_of_its_source() {
        let dir = tempfile::tempdir().unwrap();
        let [source, link, other] = ["source", "link", "other"].map(|n| dir.path().join(n));
        std::fs::write(&source, "x").unwrap();
        std::fs::write(&other, "x").unwrap();
        std::fs::hard_link(&source, &link).unwrap();
        let inputs = || [source.as_path()];
        refuse_input(&other, inputs()).unwrap();
        refuse_input(&dir.path().join("new"), inputs()).unwrap();
        for same in [&source, &link, &dir.path().join("./source")] {
            let error = refuse_input(same, inputs()).unwrap_err().to_string();
            assert!(error.contains("give another name to -o"), "{error}");
        }
    }
}
