// SPDX-License-Identifier: MIT OR Apache-2.0
//! Formats what `check` reports of the disks that stay.

use crate::plan::Others;
use crate::report::quote;

/// Lines for a person.
pub(super) fn text(others: &Others) -> String {
    let mut lines = Vec::new();
    for whole in others.lost() {
        let (kind, name) = (&whole.kind, &whole.name);
        let devices = whole.here.join(", ");
        lines.push(format!("is lost: {kind} {name} on {devices}"));
    }
    for disk in &others.disks {
        if !disk.holds.is_empty() {
            lines.push(format!("stays: {}", disk.holds.join("; ")));
        }
        if !disk.unclear.is_empty() {
            lines.push(format!(
                "is not written, but not understood: {}; whether it needs the replaced disk is not known",
                disk.unclear.join("; ")
            ));
        }
    }
    if others.disks.is_empty() {
        lines.push("stays: nothing, for there is no other disk".into());
    }
    lines.join("\n")
}

/// Members of a JSON object.
pub(super) fn json(others: &Others) -> String {
    let list = |words: &mut dyn Iterator<Item = String>| {
        let words: Vec<String> = words.map(|word| quote(&word)).collect();
        format!("[{}]", words.join(","))
    };
    let disks = || others.disks.iter();
    format!(
        "\"lost\":{},\"stays\":{},\"not_understood\":{}",
        list(&mut others.lost().map(|w| format!("{} {}", w.kind, w.name))),
        list(&mut disks().flat_map(|d| d.holds.clone())),
        list(&mut disks().flat_map(|d| d.unclear.clone())),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{OtherDisk, Whole};

    #[test]
    fn only_what_is_understood_stays() {
        let whole = |elsewhere: &[&str], missing| Whole {
            kind: "RAID array".into(),
            name: "r".into(),
            here: vec!["/dev/sda3".into(), "/dev/sda4".into()],
            elsewhere: elsewhere.iter().map(|d| d.to_string()).collect(),
            missing,
        };
        let mut others = Others {
            disks: vec![OtherDisk {
                device: "/dev/sdb".into(),
                holds: vec!["/dev/sdb1: ext4 \"data\"".into()],
                unclear: vec!["/dev/sdb2: nothing that is known".into()],
            }],
            wholes: vec![whole(&[], 0), whole(&["/dev/sdb3"], 0), whole(&[], 1)],
            ..Others::default()
        };
        let all = text(&others);
        let lines: Vec<&str> = all.lines().collect();
        assert_eq!(lines[0], "is lost: RAID array r on /dev/sda3, /dev/sda4");
        assert_eq!(lines[1], "stays: /dev/sdb1: ext4 \"data\"");
        assert!(
            lines[2].contains("not understood: /dev/sdb2: nothing"),
            "{all}"
        );
        assert_eq!(lines.len(), 3);
        assert_eq!(
            json(&others),
            "\"lost\":[\"RAID array r\"],\"stays\":[\"/dev/sdb1: ext4 \\\"data\\\"\"],\"not_understood\":[\"/dev/sdb2: nothing that is known\"]"
        );
        others.disks.clear();
        assert!(text(&others).ends_with("there is no other disk"));
    }
}
