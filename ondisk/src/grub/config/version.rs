// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which of two kernels is the newer one, as Red Hat's GRUB sees it.

use std::cmp::Ordering;

/// Compares versions piece by piece, like rpm.
fn compare_versions(a: &str, b: &str, plus: bool) -> Ordering {
    let (mut one, mut two) = (a.as_bytes(), b.as_bytes());
    let skip = |text: &mut &[u8]| {
        let special = |b: &u8| b.is_ascii_alphanumeric() || *b == b'~' || plus && *b == b'+';
        let from = text.iter().position(special).unwrap_or(text.len());
        *text = text.get(from..).unwrap_or_default();
    };
    while !one.is_empty() || !two.is_empty() {
        skip(&mut one);
        skip(&mut two);
        let mark = |mark: u8| (one.first() == Some(&mark), two.first() == Some(&mark));
        match (mark(b'~'), mark(b'+')) {
            ((false, true), _) => return Ordering::Greater,
            ((true, false), _) => return Ordering::Less,
            ((false, false), (false, true)) => {
                return if one.is_empty() {
                    Ordering::Less
                } else {
                    Ordering::Greater
                };
            }
            ((false, false), (true, false)) => {
                return if two.is_empty() {
                    Ordering::Greater
                } else {
                    Ordering::Less
                };
            }
            ((true, true), _) | (_, (true, true)) => {
                one = one.get(1..).unwrap_or_default();
                two = two.get(1..).unwrap_or_default();
                continue;
            }
            _ => {}
        }
        if one.is_empty() || two.is_empty() {
            break;
        }
        let digits = one.first().is_some_and(u8::is_ascii_digit);
        let kind = |b: &u8| match digits {
            true => b.is_ascii_digit(),
            false => b.is_ascii_alphabetic(),
        };
        let cut = |text: &mut &[u8]| {
            let length = text.iter().take_while(|b| kind(b)).count();
            let (piece, rest) = text.split_at_checked(length).unwrap_or((text, &[]));
            *text = rest;
            piece.to_vec()
        };
        let (first, second) = (cut(&mut one), cut(&mut two));
        if second.is_empty() {
            // Numbers are newer than letters.
            return if digits {
                Ordering::Greater
            } else {
                Ordering::Less
            };
        }
        let order = if digits {
            let value = |piece: Vec<u8>| -> Vec<u8> {
                piece.into_iter().skip_while(|b| *b == b'0').collect()
            };
            let (first, second) = (value(first), value(second));
            first.len().cmp(&second.len()).then(first.cmp(&second))
        } else {
            first.cmp(&second)
        };
        if order != Ordering::Equal {
            return order;
        }
    }
    // What has something left is newer.
    (!one.is_empty()).cmp(&!two.is_empty())
}

/// Name, version and release, as in a package's name.
fn split(text: &str, has_name: bool) -> [&str; 3] {
    let (rest, release) = match text.rsplit_once('-') {
        Some((rest, release)) => (rest, Some(release)),
        None => (text, None),
    };
    if !has_name {
        return ["", rest, release.unwrap_or_default()];
    }
    match (rest.rsplit_once('-'), release) {
        (Some((name, version)), Some(release)) => [name, version, release],
        (_, Some(release)) => [rest, release, ""],
        (_, None) => [rest, "", ""],
    }
}

/// Compares names of packages, or of entries, part by part.
pub(super) fn compare(a: &str, b: &str, has_name: bool, plus: bool) -> Ordering {
    let (a, b) = (split(a, has_name), split(b, has_name));
    let pairs = a.iter().zip(&b);
    let mut orders = pairs.map(|(a, b)| compare_versions(a, b, plus));
    orders
        .find(|o| *o != Ordering::Equal)
        .unwrap_or(Ordering::Equal)
}
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions() {
        let newer = |a, b| {
            assert_eq!(compare(a, b, true, true), Ordering::Greater, "{a} {b}");
            assert_eq!(compare(b, a, true, true), Ordering::Less, "{b} {a}");
        };
        newer("ab-5.14.0-70.el9.x86_64", "ab-5.14.0-9.el9.x86_64");
        newer("ab-5.14.0-70.el9.x86_64", "ab-0-rescue");
        newer("ab-4.18.0-1", "aa-5.14.0-1");
        newer("ab-5.14.0-1", "ab-5.14.0-1~rc1");
        newer("ab-5.14.0-1+debug", "ab-5.14.0-1");
        newer("ab-5.014.1-1", "ab-5.14.0-1");
        newer("ab-5.a", "ab-5");
        newer("ab-5.1", "ab-5.a");
        let equal = compare("ab-5.14_0-1", "ab-5.14.0-1", true, true);
        assert_eq!(equal, Ordering::Equal);
    }
}
