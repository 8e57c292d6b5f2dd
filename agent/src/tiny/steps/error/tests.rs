// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which errors of a step are tried again.

use super::*;
use crate::tiny::boot;
use crate::{device, disk, locate, lvm, machine, mount, payload, program};
use ondisk::pax::Name;
use rustix::io::Errno;
use std::io;

const PASSES: bool = true;
const STAYS: bool = false;

fn path() -> PathBuf {
    "/x".into()
}

fn error(errno: Errno) -> io::Error {
    errno.into()
}

fn file(errno: Errno) -> FileError {
    FileError::new("write", path(), errno)
}

fn name() -> Name {
    Name::new(b"etc/fstab")
}

/// What is known of each kind of error: an answer of the kernel that may be
/// another one next time, and one that will not.
fn table() -> Vec<(Error, bool)> {
    vec![
        // Devices and modules.
        (device::Error::Events(Errno::NOBUFS).into(), PASSES),
        (
            device::Error::Load {
                module: "ext4".into(),
                source: Errno::NOEXEC,
                hint: "",
            }
            .into(),
            STAYS,
        ),
        (
            device::Error::Timeout {
                what: "sda".into(),
                seconds: 60,
                found: String::new(),
                unserved: String::new(),
            }
            .into(),
            PASSES,
        ),
        (
            device::Error::NotThere {
                wanted: "ext4".into(),
                by: String::new(),
                kernel: "6.1".into(),
            }
            .into(),
            STAYS,
        ),
        // The old root.
        (locate::Error::NoRoot.into(), STAYS),
        (
            locate::Error::NotFound {
                spec: "UUID=0".into(),
                why: vec![],
            }
            .into(),
            PASSES,
        ),
        (
            locate::Error::Ambiguous {
                spec: "UUID=0".into(),
                devices: vec![],
            }
            .into(),
            STAYS,
        ),
        (machine::Error::File(file(Errno::IO)).into(), PASSES),
        (
            machine::Error::Unexpected {
                path: path(),
                what: String::new(),
            }
            .into(),
            STAYS,
        ),
        // Volume groups.
        (
            lvm::LvmError::Busy {
                name: "VA-root".into(),
                seconds: 5,
                open_count: 1,
            }
            .into(),
            PASSES,
        ),
        (lvm::LvmError::File(file(Errno::IO)).into(), PASSES),
        (lvm::LvmError::File(file(Errno::PERM)).into(), STAYS),
        (
            lvm::LvmError::DeviceSize {
                device: "sda2".into(),
                found: 1,
                planned: 2,
            }
            .into(),
            STAYS,
        ),
        // The disk.
        (
            disk::Error::Busy {
                partition: path(),
                holders: vec![],
            }
            .into(),
            PASSES,
        ),
        (
            disk::Error::Open {
                path: path(),
                source: error(Errno::NOENT),
            }
            .into(),
            PASSES,
        ),
        (disk::Error::ReadOnly { path: path() }.into(), STAYS),
        (
            disk::Error::Protected {
                path: path(),
                what: "zeros".into(),
                lba: 8,
                range: 4096..8192,
            }
            .into(),
            STAYS,
        ),
        (
            disk::Error::Write {
                path: path(),
                what: "zeros",
                offset: 0,
                source: error(Errno::ROFS),
            }
            .into(),
            STAYS,
        ),
        (
            disk::ext4::Error::Write(disk::Error::Write {
                path: path(),
                what: "the superblock",
                offset: 0,
                source: error(Errno::IO),
            })
            .into(),
            PASSES,
        ),
        // Mounting.
        (
            mount::Error::Unmount {
                target: path(),
                errno: Errno::BUSY,
            }
            .into(),
            PASSES,
        ),
        (
            mount::Error::Mount {
                what: "x".into(),
                target: path(),
                kind: "ext4".into(),
                errno: Errno::INVAL,
            }
            .into(),
            STAYS,
        ),
        // The package.
        (
            payload::tmpfs::Error::Mount {
                path: path(),
                size: 1,
                errno: Errno::NOMEM,
            }
            .into(),
            PASSES,
        ),
        (
            payload::tmpfs::Error::Missing { path: path() }.into(),
            STAYS,
        ),
        (
            payload::verify::Error::TooLong {
                file: path(),
                expected: 1,
            }
            .into(),
            STAYS,
        ),
        (payload::SourceError::File(file(Errno::NOENT)).into(), STAYS),
        (
            payload::unpack::Error::Full {
                name: name(),
                step: "write",
            }
            .into(),
            STAYS,
        ),
        (
            payload::unpack::Error::Sync { errno: Errno::IO }.into(),
            PASSES,
        ),
        (
            payload::unpack::Error::Entry {
                name: name(),
                step: "make",
                errno: Errno::NOMEM,
            }
            .into(),
            PASSES,
        ),
        (
            payload::unpack::Error::Stream(
                payload::xz::Error::Damaged {
                    file: path(),
                    from: 0,
                    to: 1,
                }
                .into(),
            )
            .into(),
            STAYS,
        ),
        (
            payload::unpack::Error::Stream(payload::StreamError::Thread(error(Errno::AGAIN)))
                .into(),
            PASSES,
        ),
        // Identity.
        (rootdir::Error::File(file(Errno::IO)).into(), PASSES),
        (rootdir::Error::File(file(Errno::NOSPC)).into(), STAYS),
        (
            identity::Error::File(rootdir::Error::TooLarge {
                path: path(),
                limit: 1,
            })
            .into(),
            STAYS,
        ),
        // Booting.
        (boot::Error::NoInitramfsTool.into(), STAYS),
        (
            boot::Error::Menu {
                path: path(),
                kernel: "6.1".into(),
            }
            .into(),
            STAYS,
        ),
        (
            boot::Error::Program(program::Error::Hung {
                command: "dracut".into(),
                seconds: 300,
                last: String::new(),
                stuck: vec![],
            })
            .into(),
            STAYS,
        ),
        (
            boot::Error::Program(program::Error::Start {
                command: "dracut".into(),
                source: error(Errno::NOMEM),
            })
            .into(),
            PASSES,
        ),
        // The steps' own.
        (file(Errno::IO).into(), PASSES),
        (file(Errno::NOENT).into(), STAYS),
        (
            Error::OtherDisk {
                disk: path(),
                why: String::new(),
            },
            STAYS,
        ),
        (
            Error::Unverified {
                what: String::new(),
                found: String::new(),
            },
            PASSES,
        ),
        (
            Error::NotThePayload {
                file: String::new(),
                found: String::new(),
                expected: String::new(),
            },
            STAYS,
        ),
        (Error::OtherMachine(String::new()), STAYS),
        (Error::Stopped, STAYS),
        (Error::Break("wipe"), STAYS),
    ]
}

#[test]
fn only_what_may_pass_is_tried_again() {
    for (error, passes) in table() {
        assert_eq!(error.is_transient(), passes, "{error:?}");
    }
}
