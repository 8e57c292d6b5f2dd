// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which errors of the kernel may disappear when the same is tried again.
//!
//! Each error type says for itself whether trying again makes sense
//! (`is_transient`); those that carry an answer of the kernel ask here.

use rustix::io::Errno;

/// Whether trying again may succeed: a device was busy, slow, away for a moment
/// or failed once, or there was a lack of memory or processes. All other errors
/// would come again.
pub fn errno(errno: Errno) -> bool {
    matches!(
        errno,
        Errno::IO
            | Errno::BUSY
            | Errno::AGAIN
            | Errno::INTR
            | Errno::NOMEM
            | Errno::NOBUFS
            | Errno::TIMEDOUT
            | Errno::NODEV
            | Errno::NXIO
            // What the block layer makes of errors of transport, target and
            // medium (block/blk-core.c, blk_errors).
            | Errno::NOLINK
            | Errno::REMOTEIO
            | Errno::NODATA
    )
}

/// As [`errno`], for an error of the standard library. One that the library made
/// itself (an unexpected end of file) is not transient.
pub fn io(error: &std::io::Error) -> bool {
    Errno::from_io_error(error).is_some_and(self::errno)
}

/// The C library's texts of some of these errors, as printed by programs that run
/// with `LC_ALL=C`.
const TEXTS: [&str; 7] = [
    "Input/output error",
    "Device or resource busy",
    "Resource temporarily unavailable",
    "Cannot allocate memory",
    "Connection timed out",
    "No such device",
    "Remote I/O error",
];

/// Whether the output of a program contains one of these errors.
pub fn message(text: &str) -> bool {
    TEXTS.iter().any(|known| text.contains(known))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_pass_and_what_not() {
        for passes in [Errno::IO, Errno::BUSY, Errno::NOMEM, Errno::AGAIN] {
            assert!(errno(passes), "{passes}");
            assert!(io(&passes.into()), "{passes}");
        }
        for stays in [
            Errno::NOENT,
            Errno::NOSPC,
            Errno::ROFS,
            Errno::INVAL,
            Errno::PERM,
        ] {
            assert!(!errno(stays), "{stays}");
            assert!(!io(&stays.into()), "{stays}");
        }
        assert!(!io(&std::io::ErrorKind::UnexpectedEof.into()));
    }

    /// The texts are those of the C library that is here.
    #[test]
    fn texts_are_the_c_librarys() {
        let of = |errno: Errno| std::io::Error::from(errno).to_string();
        for passes in [
            Errno::IO,
            Errno::BUSY,
            Errno::AGAIN,
            Errno::NOMEM,
            Errno::TIMEDOUT,
            Errno::NODEV,
            Errno::NXIO,
            Errno::REMOTEIO,
        ] {
            assert!(message(&format!("grub-install: error: {}.", of(passes))));
        }
        assert!(!message(&of(Errno::NOENT)) && !message(&of(Errno::NOSPC)) && !message(""));
    }
}
