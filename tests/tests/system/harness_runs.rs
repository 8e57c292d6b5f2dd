// SPDX-License-Identifier: MIT OR Apache-2.0
//! The harness itself: the host's programs under a real kernel.

use harness::hostroot;
use std::time::Duration;

#[test]
fn a_script_sees_the_hosts_programs_a_disk_and_device_mapper() {
    let disk = tempfile::NamedTempFile::new().unwrap();
    disk.as_file().set_len(64 << 20).unwrap();
    let script = "
        modprobe dm-mod && dmsetup version
        echo '0 8 zero' | { modprobe dm-zero; dmsetup create nothing; } && dmsetup table
        blockdev --getsize64 /dev/vda
        exit 7";
    let outcome = hostroot::run(script, &[disk.path()], Duration::from_secs(120));
    assert_eq!(outcome.status, 7, "{}", outcome.output);
    assert!(
        outcome.output.contains("Driver version"),
        "{}",
        outcome.output
    );
    assert!(
        outcome.output.contains("nothing: 0 8 zero"),
        "{}",
        outcome.output
    );
    assert!(
        outcome.output.contains(&(64 << 20).to_string()),
        "{}",
        outcome.output
    );
}
