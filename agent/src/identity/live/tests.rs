// SPDX-License-Identifier: MIT OR Apache-2.0
use super::*;

#[test]
fn a_damaged_length_ends_the_list() {
    let damaged = [5u8, 0, 0, 0, 16, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    assert_eq!(
        parse::messages(&damaged).collect::<Vec<_>>(),
        [parse::Event::Damaged(0)]
    );
    assert_eq!(
        parse::messages(&damaged[..3]).collect::<Vec<_>>(),
        [parse::Event::Damaged(0)]
    );
    assert_eq!(parse::messages(&[]).count(), 0);
}
