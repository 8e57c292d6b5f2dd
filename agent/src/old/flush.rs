// SPDX-License-Identifier: MIT OR Apache-2.0
//! Makes sure that GRUB sees what was written to /boot.

use super::Error;
use rustix::io::Errno;
use std::path::Path;
use std::time::Duration;
use sys::cannot;

/// How often a transient error is retried, a second apart.
const TRIES: u32 = 10;

/// GRUB does not replay journals, so the file system is frozen, which writes
/// everything to its final place. A file system that cannot be frozen (vfat) has
/// no journal.
///
/// # Errors
/// [`Error::Freeze`], and [`Error::Frozen`] where it stays frozen.
pub(super) fn for_grub(mount: &Path) -> Result<(), Error> {
    let open = std::fs::File::open(mount).map_err(cannot("open", mount))?;
    rustix::fs::syncfs(&open).map_err(cannot("flush", mount))?;
    if mount == Path::new("/") {
        // Freezing the root could block this process itself before it thaws it
        // again.
        return Ok(());
    }
    let wait = || std::thread::sleep(Duration::from_secs(1));
    // If a signal ended this program in between, nobody would thaw it.
    sys::chroot::undisturbed(|| {
        freeze_and_thaw(
            mount,
            &mut || sys::freeze::freeze(&open),
            &mut || sys::freeze::thaw(&open),
            &wait,
        )
    })
}

fn freeze_and_thaw(
    mount: &Path,
    freeze: &mut dyn FnMut() -> Result<(), Errno>,
    thaw: &mut dyn FnMut() -> Result<(), Errno>,
    wait: &dyn Fn(),
) -> Result<(), Error> {
    // Busy: another program, such as a backup, has frozen it.
    match again(freeze, wait, |errno| errno == Errno::BUSY) {
        Ok(()) => {}
        Err(Errno::OPNOTSUPP | Errno::NOTTY | Errno::INVAL) => return Ok(()),
        Err(errno) => {
            return Err(Error::Freeze {
                path: mount.into(),
                errno,
            });
        }
    }
    match again(thaw, wait, |errno| errno != Errno::INVAL) {
        // Another program has thawed it.
        Ok(()) | Err(Errno::INVAL) => Ok(()),
        Err(errno) => Err(Error::Frozen {
            path: mount.into(),
            errno,
        }),
    }
}

fn again(
    call: &mut dyn FnMut() -> Result<(), Errno>,
    wait: &dyn Fn(),
    may_pass: impl Fn(Errno) -> bool,
) -> Result<(), Errno> {
    let mut left = TRIES;
    loop {
        left = left.saturating_sub(1);
        match call() {
            Err(errno) if may_pass(errno) && left > 0 => wait(),
            result => return result,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The file system at /boot answers these, and the last one for ever.
    fn answers(list: &[Result<(), Errno>]) -> impl FnMut() -> Result<(), Errno> {
        let mut list = list.to_vec();
        move || match list.len() {
            1 => list[0],
            _ => list.remove(0),
        }
    }

    fn run(freeze: &[Result<(), Errno>], thaw: &[Result<(), Errno>]) -> Result<u32, String> {
        let count = std::cell::Cell::new(0);
        let wait = || count.set(count.get() + 1);
        let (mut freeze, mut thaw) = (answers(freeze), answers(thaw));
        freeze_and_thaw(Path::new("/boot"), &mut freeze, &mut thaw, &wait)
            .map(|()| count.get())
            .map_err(|e| e.to_string())
    }

    #[test]
    fn a_file_system_that_cannot_be_frozen_was_synced() {
        for errno in [Errno::OPNOTSUPP, Errno::NOTTY, Errno::INVAL] {
            // It must not be thawed either.
            assert_eq!(run(&[Err(errno)], &[Err(Errno::IO)]), Ok(0));
        }
        let error = run(&[Err(Errno::IO)], &[Ok(())]).unwrap_err();
        assert!(error.contains("/boot: cannot be flushed"), "{error}");
    }

    #[test]
    fn what_may_pass_is_tried_again() {
        assert_eq!(run(&[Err(Errno::BUSY), Ok(())], &[Ok(())]), Ok(1));
        let thaw = [Err(Errno::IO), Err(Errno::INTR), Ok(())];
        assert_eq!(run(&[Ok(())], &thaw), Ok(2));
        assert_eq!(run(&[Ok(())], &[Err(Errno::INVAL)]), Ok(0));
        assert!(run(&[Err(Errno::BUSY)], &[Ok(())]).is_err());
    }

    #[test]
    fn one_that_stays_frozen_is_named_with_its_remedy() {
        let error = run(&[Ok(())], &[Err(Errno::IO)]).unwrap_err();
        assert!(error.contains("fsfreeze --unfreeze /boot"), "{error}");
    }

    /// A tmpfs is a real one that knows no freezing. Needs root.
    #[test]
    fn the_kernels_own_answer() {
        testkit::needs!("root");
        let dir = tempfile::tempdir().unwrap();
        let flags = rustix::mount::MountFlags::empty();
        rustix::mount::mount("replant-test", dir.path(), "tmpfs", flags, None).unwrap();
        let result = for_grub(dir.path()).map_err(|e| e.to_string());
        rustix::mount::unmount(dir.path(), rustix::mount::UnmountFlags::empty()).unwrap();
        assert_eq!(result, Ok(()));
    }
}
