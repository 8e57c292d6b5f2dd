// SPDX-License-Identifier: MIT OR Apache-2.0
//! What would keep the identity from being written.

use super::*;

#[test]
fn what_stands_in_the_identitys_way_is_refused() {
    refuses(&["etc/hosts is longer than 4194304 bytes, "], |s| {
        s.add("etc/hosts", long(), 0o644, b"");
    });
    refuses(&["etc/hosts is longer than 4194304 bytes, "], |s| {
        s.add("usr/share/ads", long(), 0o644, b"");
        s.add("etc/hosts", link("../usr/share/ads"), 0o777, b"");
    });
    refuses(&["etc/hosts is longer than 4194304 bytes, "], |s| {
        s.add("usr/share/ads", long(), 0o644, b"");
        s.add("etc/hosts", hard("usr/share/ads"), 0o644, b"");
    });
    refuses(&["etc/sudoers.d/all is longer than"], |s| {
        s.add("etc/sudoers.d/all", long(), 0o644, b"");
    });
    refuses(
        &["etc/systemd/network is a link that leads nowhere, "],
        |s| {
            s.add("etc/systemd/network", link("/gone/network"), 0o777, b"");
        },
    );
    refuses(&["etc/systemd is no directory, "], |s| {
        s.file("etc/systemd", 0o644, b"");
    });
    refuses(&["etc/hostname is a directory, "], |s| {
        s.add("etc/hostname", Kind::Directory, 0o755, b"");
    });
    refuses(
        &["etc/sudoers is a link that leads round in a circle, "],
        |s| {
            s.add("etc/sudoers", link("sudoers"), 0o777, b"");
        },
    );
    refuses(&["etc/ssh is a link that leads round in a circle, "], |s| {
        s.add("etc/ssh", link("ssh"), 0o777, b"");
    });
}

#[test]
fn what_is_only_unusual_is_not_in_the_way() {
    let message = refused(|s| {
        for (path, target) in [
            // Written as a file in its place.
            ("etc/hostname", "/gone/hostname"),
            ("etc/resolv.conf", "../run/systemd/resolve/stub-resolv.conf"),
            ("etc/ssh", "../usr/lib/ssh"),
        ] {
            s.add(path, link(target), 0o777, b"");
        }
        s.add("usr/lib/ssh", Kind::Directory, 0o755, b"");
        s.add("etc/sudoers.d/old", Kind::Directory, 0o755, b"");
        s.add("etc/other", long(), 0o644, b"");
        // The last member of one name counts.
        s.add("etc/hosts", long(), 0o644, b"");
        s.file("etc/hosts", 0o644, b"");
    });
    assert!(message.is_empty(), "{message:?}");
}

fn long() -> Kind {
    Kind::File {
        size: LONGEST_FILE + 1,
        sparse: Some(Vec::new()),
    }
}
