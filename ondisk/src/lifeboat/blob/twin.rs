// SPDX-License-Identifier: MIT OR Apache-2.0
//! The other blob of two.

use super::decode::code_of;
use super::{Blob, BlobError, Load, Run, SECTOR, Twin, cut, sectors};

/// The bytes of a blob, from those of the other one: only where kernel and
/// initramfs lie, and the letter, are not the same in both. `kernel` and
/// `initramfs` are the places of the whole files that it names.
///
/// # Errors
/// When `other` is no blob, or the files do not lie in the places.
pub fn twin(
    other: &[u8],
    twin: Twin,
    kernel: &[Run],
    initramfs: &[Run],
) -> Result<Vec<u8>, BlobError> {
    let blob = Blob::decode(other)?;
    let moved = |what, load: &Load, runs: &[Run], skip: u64| {
        let runs = cut(runs, skip, sectors(u64::from(load.bytes)));
        let runs = runs.map_err(|short| BlobError::Runs { what, short })?;
        Ok::<_, BlobError>(Load {
            runs,
            ..load.clone()
        })
    };
    let setup = blob.setup.len() as u64 / SECTOR;
    let kernel = moved("kernel", &blob.kernel, kernel, setup)?;
    let initramfs = moved("initramfs", &blob.initramfs, initramfs, 0)?;
    let code = code_of(other).ok_or(BlobError::NotOurs)?;
    let blob = Blob {
        twin,
        kernel,
        initramfs,
        ..blob
    };
    blob.encode(code)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{STAGE2, parts};
    use super::super::{Blob, Parts};
    use super::*;

    #[test]
    fn each_is_made_of_the_other() {
        let b = parts();
        let mut a = Parts {
            twin: Twin::A,
            ..parts()
        };
        let run = |lba, sectors| Run { lba, sectors };
        // The setup's two sectors are in two runs here, and there is room behind.
        let kernel = [run(700, 1), run(300, 3), run(900, 40)];
        let initramfs = [run(7, 1), run(77, 1)];
        (a.kernel.runs, a.initramfs.runs) = (&kernel, &initramfs);
        let bytes = |parts: &Parts| Blob::new(parts).unwrap().encode(&STAGE2).unwrap();
        let (a_bytes, b_bytes) = (bytes(&a), bytes(&b));
        assert_ne!(a_bytes.len(), 0);
        let made = twin(&b_bytes, Twin::A, &kernel, &initramfs).unwrap();
        assert!(made == a_bytes);
        let made = twin(&a_bytes, Twin::B, b.kernel.runs, b.initramfs.runs).unwrap();
        assert!(made == b_bytes);

        let short = twin(&b_bytes, Twin::A, &kernel[..2], &initramfs).unwrap_err();
        assert!(matches!(short, BlobError::Runs { what: "kernel", .. }));
        let short = twin(&b_bytes, Twin::A, &kernel, &initramfs[1..]).unwrap_err();
        assert!(matches!(
            short,
            BlobError::Runs {
                what: "initramfs",
                ..
            }
        ));
        for bad in [&b_bytes[..512], &b_bytes[1..], &[]] {
            twin(bad, Twin::A, &kernel, &initramfs).unwrap_err();
        }
    }
}
