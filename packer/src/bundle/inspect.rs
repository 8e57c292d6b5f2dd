// SPDX-License-Identifier: MIT OR Apache-2.0
//! Examines the payload by decoding it once, without writing it.

use crate::file::At;
use crate::{progress, stop};
use anyhow::{Error, Result, anyhow};
use liblzma::read::XzDecoder;
use liblzma::stream::{self, CONCATENATED, Stream};
use ondisk::inventory::{Inventory, Report, Target};
use ondisk::manifest::DECODER_BYTES;
use ondisk::pax::Parser;
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// Reads the whole payload of a file.
pub fn inspect(path: &Path, target: Target) -> Result<Report> {
    let file = File::open(path).at(path)?;
    let length = file.metadata().at(path)?.len();
    let bar = progress::bytes("looking through the payload", length);
    let found = look(bar.wrap_read(file), path, target)?;
    bar.finish_and_clear();
    Ok(found)
}

/// Reads a whole payload; `path` is for messages.
pub fn look(payload: impl Read, path: &Path, target: Target) -> Result<Report> {
    let decoder = Stream::new_stream_decoder(DECODER_BYTES, CONCATENATED).at(path)?;
    let mut reader = XzDecoder::new_stream(payload, decoder);
    let mut parser = Parser::new();
    let mut inventory = Inventory::new(target);
    let mut buffer = vec![0; 1 << 20];
    loop {
        stop::check()?;
        let read = reader.read(&mut buffer).map_err(|e| failed(path, e))?;
        if read == 0 {
            break;
        }
        let mut input = buffer.get(..read).unwrap_or_default();
        while let Some(event) = parser.next(&mut input).at(path)? {
            inventory.event(&event);
        }
    }
    parser.finish().at(path)?;
    Ok(inventory.finish())
}

fn failed(path: &Path, source: std::io::Error) -> Error {
    let inner = source.get_ref().and_then(|e| e.downcast_ref());
    let path = path.display();
    match inner {
        Some(stream::Error::MemLimit) => anyhow!(
            "{path}: its decoder needs more than {} MiB; compress it with xz -9 or a smaller preset",
            DECODER_BYTES >> 20
        ),
        Some(stream::Error::Format) => {
            anyhow!("{path} is no xz archive; compress the tar archive with xz")
        }
        _ => anyhow!("{path}: {source}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;
    use testkit::output;

    #[test]
    fn what_is_no_archive_is_reported() {
        testkit::needs!("xz");
        let dir = tempfile::tempdir().unwrap();
        let target = dir.path().join("va.tar.xz");
        let inspected = |bytes: &[u8]| {
            std::fs::write(&target, bytes).unwrap();
            let found = inspect(&target, Target::default());
            found.map(|_| ()).map_err(|e| e.to_string()).unwrap_err()
        };
        let random = testkit::Random(1).bytes(100_000);
        let text = inspected(&random);
        assert!(text.contains("va.tar.xz is no xz archive; "), "{text}");
        let archive = dir.path().join("va.tar");
        std::fs::write(&archive, &random).unwrap();
        let xz = |path: &Path| output(Command::new("xz").arg("-c").arg(path)).stdout;
        let text = inspected(&xz(&archive));
        assert!(text.contains("is not a tar header"), "{text}");
        std::fs::write(&archive, [0; 10240]).unwrap();
        let bytes = xz(&archive);
        let text = inspected(&bytes[..bytes.len() - 40]);
        assert!(text.contains("va.tar.xz"), "{text}");
    }

    #[test]
    fn no_dictionary_is_bigger_than_that_of_the_biggest_preset() {
        testkit::needs!("xz");
        let dir = tempfile::tempdir().unwrap();
        let target = dir.path().join("va.tar.xz");
        let tried = |options: &str| {
            // A tar archive without members. The block's header names the
            // dictionary, whatever the block's size is.
            let archive = dir.path().join("va.tar");
            std::fs::write(&archive, [0; 10240]).unwrap();
            let mut xz = Command::new("xz");
            xz.arg("-c").args(options.split(' ')).arg(&archive);
            let out = output(&mut xz);
            assert!(out.status.success());
            std::fs::write(&target, out.stdout).unwrap();
            let found = inspect(&target, Target::default());
            found.map(|_| ()).map_err(|e| e.to_string())
        };
        for options in ["-9e", "-T2 -9", "--x86 --lzma2=preset=9"] {
            tried(options).unwrap();
        }
        let error = tried("--lzma2=preset=9,dict=96MiB").unwrap_err();
        assert!(error.contains("80 MiB"), "{error}");
    }
}
