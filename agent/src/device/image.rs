// SPDX-License-Identifier: MIT OR Apache-2.0
//! Checks that the initramfs is complete.

use std::path::Path;

use ondisk::cpio::{MARKER, Marker};

use super::Error;

/// Checks that the image below `root` (`/` in the tiny system) is complete and
/// belongs to the kernel that is running.
pub fn check(root: &Path) -> Result<Marker, Error> {
    let path = root.join(MARKER);
    let text = std::fs::read_to_string(&path).unwrap_or_default();
    let marker = Marker::parse(&text).ok_or(Error::Incomplete { path })?;
    let running = running_kernel();
    if marker.kernel != running {
        return Err(Error::Kernel {
            image: marker.kernel,
            running,
        });
    }
    Ok(marker)
}

/// `uname -r`.
pub(super) fn running_kernel() -> String {
    rustix::system::uname()
        .release()
        .to_string_lossy()
        .into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn incomplete_and_foreign_images_are_refused() {
        let root = tempfile::tempdir().unwrap();
        assert!(matches!(check(root.path()), Err(Error::Incomplete { .. })));
        std::fs::create_dir(root.path().join("etc")).unwrap();
        let mut marker = Marker {
            kernel: "0.1-none".into(),
            modules: 3,
        };
        std::fs::write(root.path().join(MARKER), marker.to_string()).unwrap();
        let error = check(root.path()).unwrap_err();
        assert!(
            error.to_string().contains("modules of kernel 0.1-none"),
            "{error}"
        );
        marker.kernel = running_kernel();
        std::fs::write(root.path().join(MARKER), marker.to_string()).unwrap();
        assert_eq!(check(root.path()).unwrap(), marker);
    }
}
