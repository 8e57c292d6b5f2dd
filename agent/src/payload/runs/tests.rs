// SPDX-License-Identifier: MIT OR Apache-2.0
//! A payload in pieces of a disk: order, damage, and sectors that cannot be
//! read.

use super::*;
use ondisk::lifeboat::Role;
use ondisk::lifeboat::record::{Chunks, Damage};
use ondisk::sha256::Sha256Sum;
use rustix::io::Errno;

const CHUNK: u64 = 4096;

fn disk(sectors: u64) -> (tempfile::NamedTempFile, Disk) {
    let file = tempfile::NamedTempFile::new().unwrap();
    file.as_file().set_len(sectors * SECTOR).unwrap();
    let disk = Disk::open(file.path()).unwrap();
    (file, disk)
}

fn runs(size: u64, places: &[(u64, u64)], chunk_bytes: u64, chunks: usize) -> Result<Runs, String> {
    let runs: Vec<Run> = places
        .iter()
        .map(|&(lba, sectors)| Run { lba, sectors })
        .collect();
    let sums = vec![Sha256Sum([0; 32]); chunks];
    let file = Pinned {
        role: Role::Payload,
        bytes: size,
        sum: None,
        runs,
        chunks: (chunk_bytes > 0).then_some(Chunks {
            bytes: chunk_bytes,
            sums,
        }),
    };
    let (_file, disk) = disk(100);
    Runs::new(disk, "va.tar.xz", file).map_err(|error| error.why)
}

#[test]
fn what_cannot_be_a_file_on_this_disk_is_refused() {
    let size = 8 * SECTOR;
    assert!(runs(size, &[(0, 8)], CHUNK, 1).is_ok());
    assert!(runs(0, &[], CHUNK, 0).is_ok());
    for (places, chunk_bytes, chunks, why) in [
        (
            &[(0, 7)][..],
            CHUNK,
            1,
            "the runs have 7 sectors of 512 bytes, 8 are needed",
        ),
        (&[(0, 8)], CHUNK, 2, "2 chunks of 4096 bytes for 4096 bytes"),
        (&[(0, 8)], 0, 1, "no checksums of its chunks"),
        (&[(0, 8)], 100, 41, "41 chunks of 100 bytes for 4096 bytes"),
        (
            &[(0, 8)],
            2 * MAX_CHUNK,
            1,
            "1 chunks of 2097152 bytes for 4096 bytes",
        ),
        (
            &[(0, 8), (100, 1)],
            CHUNK,
            1,
            "1 sectors from LBA 100 on a disk of 51200 bytes",
        ),
        (
            &[(0, 8), (3, 0)],
            CHUNK,
            1,
            "0 sectors from LBA 3 on a disk of 51200 bytes",
        ),
        (
            &[(1, u64::MAX)],
            CHUNK,
            1,
            "18446744073709551615 sectors from LBA 1 on a disk of 51200 bytes",
        ),
        (
            &[(u64::MAX, 1)],
            CHUNK,
            1,
            "1 sectors from LBA 18446744073709551615 on a disk of 51200 bytes",
        ),
    ] {
        let found = runs(size, places, chunk_bytes, chunks).map(|_| ());
        assert_eq!(found, Err(why.to_string()));
    }
}

#[test]
fn what_failed_each_time_is_not_tried_for_ever() {
    let read = |errno: Errno| Error::Read {
        disk: "/dev/vda".into(),
        role: Role::Payload,
        at: Run { lba: 8, sectors: 1 },
        source: Arc::new(errno.into()),
    };
    for (errno, passes) in [
        (Errno::IO, false),
        (Errno::NODATA, false),
        (Errno::REMOTEIO, false),
        (Errno::NXIO, true),
        (Errno::NOMEM, true),
        (Errno::INVAL, false),
    ] {
        let error = read(errno);
        assert_eq!(error.is_transient(), passes, "{errno}");
        // The readers of the payload ask the same.
        let outside = std::io::Error::from(error);
        assert_eq!(crate::payload::source::may_pass(&outside), passes);
    }
    let text = read(Errno::IO).to_string();
    assert!(
        text.starts_with("/dev/vda cannot be read at LBA 8: Input/output error"),
        "{text}"
    );
}

#[test]
fn what_is_read_again_is_told_without_advice() {
    let error = Error::from(Box::new(Changed {
        disk: "/dev/vda".into(),
        name: "va.tar.xz".into(),
        bytes: 4096..8192,
        damage: Damage {
            role: Role::Payload,
            chunk: 1,
            runs: vec![Run { lba: 8, sectors: 8 }],
        },
    }));
    let what = "/dev/vda does not hold what was staged, in bytes 4096 to 8192 of va.tar.xz: \
                chunk 1 of payload is damaged: sectors of 512 bytes of the disk: 8 to 15";
    assert_eq!(error.what(), what);
    assert!(error.to_string().starts_with(&format!("{what}; the disk ")));
}
