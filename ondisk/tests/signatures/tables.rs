// SPDX-License-Identifier: MIT OR Apache-2.0
//! Partition tables.

use std::process::Command;

use ondisk::signature::Kind;

use crate::image::{Image, MIB, UUID, check};
use testkit::{Loop, run, tool};

#[test]
fn partition_tables() {
    testkit::needs!("root", "blkid", "wipefs", "sfdisk", "sgdisk");
    let options = [
        "-o",
        "-U",
        UUID,
        "-n",
        "1:2048:10239",
        "-t",
        "1:8300",
        "-n",
        "2:10240:0",
    ];
    check(
        &Image::new("gpt", 20 * MIB).make("sgdisk", &options),
        Kind::Gpt,
    );
    let image = Image::new("dos", 20 * MIB);
    let script = "printf 'label: dos\nlabel-id: 0x0badcafe\nstart=2048, size=4096, type=83\n' | sfdisk -q \"$0\"";
    run(Command::new("sh").args(["-c", script]).arg(&image.0));
    check(&image, Kind::Dos);

    // On a device with sectors of 4 KiB the table lies elsewhere.
    let image = Image::new("gpt-4k", 40 * MIB);
    let device = Loop::sectors(&image.0, 4096);
    tool("sgdisk", &["-o", "-U", UUID, device.name()]);
    drop(device);
    let found = image.find();
    assert_eq!(found.len(), 1);
    assert_eq!(
        (found[0].kind, found[0].uuid.as_deref()),
        (Kind::Gpt, Some(UUID))
    );
    assert_eq!(
        found[0].clear,
        [4096..4608, 40 * MIB - 4096..40 * MIB - 3584, 446..512]
    );
}
