// SPDX-License-Identifier: MIT OR Apache-2.0
//! Lines of fstab, sound and odd.

use super::*;

#[test]
fn reads_what_people_write() {
    let text = "# comment\n\n/dev/mapper/VA-root\t/ ext4 defaults 0 1\n\
        UUID=abc /boot/with\\040space/ ext4\nnone /tmp tmpfs\nbroken\n//server/x /mnt cifs\n\
        /dev/sr0 /media/cdrom0 udf,iso9660 user,noauto 0 0\n/dev/x none swap sw,nofail\n\
        /dev/shm/a /b auto bind\n  /dev/y //a/./b/  \n";
    let lines = parse(text.as_bytes()).unwrap();
    assert_eq!(lines.len(), 8);
    assert_eq!((lines[0].target.as_str(), lines[0].number), ("/", 3));
    assert_eq!(lines[1].target, "/boot/with space");
    assert_eq!(
        (lines[7].target.as_str(), lines[7].kind.as_str()),
        ("/a/b", "auto")
    );
    let is = |test: &dyn Fn(&Line) -> bool| -> String {
        lines
            .iter()
            .map(|l| if test(l) { 'x' } else { '.' })
            .collect()
    };
    assert_eq!(is(&|l| l.device().is_some()), "xx..xx.x");
    assert_eq!(is(&Line::is_optional), "....xx..");
    assert_eq!(is(&Line::is_mount), "xxxxx.xx");
    assert_eq!(is(&Line::takes_ext4), "xx....xx");
}

#[test]
fn escapes_are_getmntents() {
    for (field, means) in [
        ("a\\040b\\011c\\134d", "a b\tc\\d"),
        ("\\134040", "\\040"),
        ("\\\\040", "\\040"),
        ("\\04", "\\04"),
        ("\\043ä", "\\043ä"),
    ] {
        assert_eq!(decode(field), means, "{field}");
    }
}

#[test]
fn what_systemd_reads_otherwise_is_a_fault() {
    let long = format!("/dev/x /x ext4 {}", "a,".repeat(2048));
    for (text, line, words) in [
        ("# c\r\n/dev/x /x ext4\r\n", 2, "carriage return"),
        ("/dev/x /x ext4 defaults 0 0\r", 1, "carriage return"),
        ("\u{feff}# comment\n", 1, "byte order mark"),
        ("#\n/dev/x /x\0 ext4", 2, "NUL"),
        ("/dev/x /x\u{a0}ext4", 1, "neither space nor tab"),
        ("/dev/x /x ext4\u{b}defaults", 1, "control character"),
        ("/dev/a\rb /x ext4", 1, "control character"),
        (long.as_str(), 1, "4094"),
    ] {
        let fault = parse(text.as_bytes()).unwrap_err();
        assert_eq!(fault.line, line, "{fault}");
        assert!(fault.to_string().contains(words), "{fault}");
    }
    let fault = parse(b"LABEL=\xe4 / ext4").unwrap_err();
    assert!(
        fault.to_string().starts_with("line 1 is no UTF-8; "),
        "{fault}"
    );
    // In a comment, nothing of this matters.
    parse("#\u{a0}\r\n/dev/x /x ext4".as_bytes()).unwrap();
}

#[test]
fn of_two_opposites_the_last_one_counts() {
    let optional = |options: &str| {
        let text = format!("/dev/x /x ext4 {options}");
        parse(text.as_bytes()).unwrap()[0].is_optional()
    };
    assert!(optional("fail,nofail"));
    assert!(!optional("nofail,fail"));
    assert!(optional("auto,noauto"));
    assert!(!optional("noauto,auto"));
    assert!(optional("noauto,auto,nofail"));
}
