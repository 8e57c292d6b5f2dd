// SPDX-License-Identifier: MIT OR Apache-2.0
//! What no tool here makes, and the regions. All others are compared with
//! blkid in `tests/signatures`.

// One range is one range.
#![allow(clippy::single_range_in_vec_init)]

use super::*;

fn find_in(image: &[u8]) -> Vec<Signature> {
    find(&Device::new(image.len() as u64, [(0, image)]))
}

#[test]
fn regions_of_small_and_large_devices() {
    assert_eq!(regions(0), []);
    assert_eq!(regions(1000), [0..1000]);
    assert_eq!(regions(3 << 20), [0..(1 << 20) + 4096, 2 << 20..3 << 20]);
    let large = regions(1 << 40);
    assert_eq!(large.len(), 6);
    assert_eq!(large.last(), Some(&((1 << 40) - (1 << 20)..1 << 40)));
    let bytes: u64 = large.iter().map(|range| range.end - range.start).sum();
    assert!(bytes < 3 << 20);
}

#[test]
fn an_empty_device_has_none() {
    assert_eq!(find_in(&[]), []);
    assert_eq!(find_in(&[0; 100]), []);
    assert_eq!(find_in(&vec![0; 5 << 20]), []);
    assert_eq!(find_in(&vec![0xff; 5 << 20]), []);
}

#[test]
fn pages_of_other_machines_swap() {
    for page in [8192, 16384, 32768, 65536] {
        let mut image = vec![0; 1 << 20];
        image[page - 10..page].copy_from_slice(b"SWAPSPACE2");
        image[1036..1052].fill(0xab);
        let found = find_in(&image);
        assert_eq!(found[0].kind, Kind::Swap);
        assert_eq!(
            found[0].uuid.as_deref(),
            Some("abababab-abab-abab-abab-abababababab")
        );
        assert_eq!(found[0].clear, [page as u64 - 10..page as u64]);
    }
}

#[test]
fn a_label_of_lvm_counts_only_in_the_sector_that_it_names() {
    let mut image = vec![0; 1 << 20];
    image[1024..1032].copy_from_slice(b"LABELONE");
    image[1048..1056].copy_from_slice(b"LVM2 001");
    assert_eq!(find_in(&image), []);
    image[1032] = 2;
    assert_eq!(find_in(&image)[0].clear, [1024..1536]);
}

#[test]
fn a_gpt_of_which_only_one_piece_is_left() {
    let size = 8 << 20;
    let mut image = vec![0; size];
    image[size - 4096..size - 4088].copy_from_slice(b"EFI PART");
    image[size - 4096 + 24..size - 4096 + 32]
        .copy_from_slice(&(size as u64 / 4096 - 1).to_le_bytes());
    assert_eq!(
        find_in(&image)[0].clear,
        [size as u64 - 4096..size as u64 - 4096 + 512]
    );
    let mut image = vec![0; size];
    image[450] = 0xee;
    image[510..512].copy_from_slice(&[0x55, 0xaa]);
    let found = find_in(&image);
    assert_eq!(
        (found[0].kind, found[0].clear.as_slice()),
        (Kind::Gpt, &[446..512][..])
    );
    assert_eq!(found.len(), 1);
}
