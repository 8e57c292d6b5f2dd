// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where an sshd looks for keys, by configurations as distributions ship them.

use super::parse::words;
use super::*;
use rootdir::{Attributes, RootDir};
use testkit::Target;

const USER: &str = "alice:x:1000:1000::/home/alice:/bin/bash\n";

fn sshd(files: &[(&str, &str)]) -> Sshd {
    let top = tempfile::tempdir().unwrap();
    let root = RootDir::open(top.path()).unwrap();
    for (path, text) in files {
        root.write(path, text.as_bytes(), Attributes::root(0o644))
            .unwrap();
    }
    Sshd::read(&root).unwrap()
}

fn alice() -> User {
    User {
        name: "alice".into(),
        uid: 1000,
        gid: 1000,
        home: "/home/alice/".into(),
        groups: vec!["ops".into()],
        ..User::default()
    }
}

/// Where sshd looks with one file of configuration.
fn files(config: &str) -> KeyFiles {
    let sshd = sshd(&[("etc/ssh/sshd_config", config)]);
    let tables = Files::default();
    sshd.key_files(&Login::of(&alice(), &tables))
}

#[test]
fn the_first_value_wins_and_tokens_are_known() {
    for (config, want) in [
        (
            "",
            vec![
                "/home/alice/.ssh/authorized_keys",
                "/home/alice/.ssh/authorized_keys2",
            ],
        ),
        (
            "#AuthorizedKeysFile none\n",
            vec![
                "/home/alice/.ssh/authorized_keys",
                "/home/alice/.ssh/authorized_keys2",
            ],
        ),
        ("AuthorizedKeysFile none\n", vec![]),
        (
            "AuthorizedKeysFile\t/etc/ssh/keys/%u\nAuthorizedKeysFile /x\n",
            vec!["/etc/ssh/keys/alice"],
        ),
        (
            "authorizedkeysfile=%h/k %%/%U # all\n",
            vec!["/home/alice/k", "/home/alice/%/1000"],
        ),
        (
            "AuthorizedKeysFile \"/etc/my keys/%u\" .ssh/k .ssh/k\n",
            vec!["/etc/my keys/alice", "/home/alice/.ssh/k"],
        ),
        (
            "Match User bob\nAuthorizedKeysFile /b\nMatch Group wheel,o?s\nAuthorizedKeysFile /g\nMatch all\nAuthorizedKeysFile /a\n",
            vec!["/g"],
        ),
        (
            "AuthorizedKeysFile /first\nMatch User *,!alice\nAuthorizedKeysFile /second\n",
            vec!["/first"],
        ),
        (
            "AuthorizedKeysFile /first\nMatch User a* Group ops\nAuthorizedKeysFile /second\n",
            vec!["/second"],
        ),
    ] {
        let found = files(config);
        assert_eq!(found.paths, want, "{config}");
        assert_eq!(found.unknown, [""; 0], "{config}");
    }
}

#[test]
fn what_cannot_be_known_is_said() {
    let found = files(
        "AuthorizedKeysFile /k/%Z /k/%u\nMatch Address 10.0.0.0/8 User alice\nAuthorizedKeysFile /near\nMatch Address 10.0.0.0/8 User bob\nAuthorizedKeysFile /bob\n",
    );
    assert_eq!(found.paths, ["/k/alice"]);
    assert_eq!(found.unknown.len(), 2, "{found:?}");
    assert!(found.unknown[0].contains("%Z"), "{found:?}");
    let part = "/near counts only with Match Address 10.0.0.0/8 User alice (etc/ssh/sshd_config:3)";
    assert!(found.unknown[1].contains(part), "{found:?}");
    let sshd = sshd(&[(
        "etc/ssh/sshd_config",
        "AuthorizedKeysCommand /usr/bin/sss_ssh_authorizedkeys %u\nTrustedUserCAKeys none\n",
    )]);
    let ways = sshd.other_ways(&Login::of(&alice(), &Files::default()));
    assert_eq!(ways.len(), 1, "{ways:?}");
    assert!(ways[0].contains("sss_ssh_authorizedkeys"), "{ways:?}");
}

#[test]
fn drop_ins_come_where_they_are_included() {
    let look = |main: &str| {
        let sshd = sshd(&[
            ("etc/ssh/sshd_config", main),
            (
                "etc/ssh/sshd_config.d/10-a.conf",
                "Match User bob\nAuthorizedKeysFile /bob\n",
            ),
            (
                "etc/ssh/sshd_config.d/20-b.conf",
                "AuthorizedKeysFile /b\nStrictModes no\n",
            ),
            ("etc/ssh/sshd_config.d/30-c.conf", "AuthorizedKeysFile /c\n"),
            ("etc/ssh/sshd_config.d/.40-hidden.conf", "StrictModes yes\n"),
            ("etc/ssh/loop.conf", "Include loop.conf\n"),
        ]);
        let paths = sshd
            .key_files(&Login::of(&alice(), &Files::default()))
            .paths;
        (paths.join(" "), sshd.is_strict(), sshd.unread.len())
    };
    let include = "Include /etc/ssh/sshd_config.d/*.conf\n";
    let main = "AuthorizedKeysFile /main\n";
    assert_eq!(look(&format!("{include}{main}")), ("/b".into(), false, 0));
    assert_eq!(
        look(&format!("{main}{include}")),
        ("/main".into(), false, 0)
    );
    assert_eq!(look("include sshd_config.d/[23]*.conf\n").0, "/b");
    let stars = "*".repeat(70);
    assert_eq!(
        look(&format!("include sshd_config.d/{stars}.conf\n")),
        ("/b".into(), false, 0)
    );
    // In a block, the files hold where the block does.
    let inside = |user: &str| look(&format!("Match User {user}\n{include}Match all\n{main}")).0;
    assert_eq!(
        (inside("alice"), inside("bob")),
        ("/b".into(), "/main".into())
    );
    assert_eq!(
        look("Include loop.conf\nAuthorizedKeysFile /k\n"),
        ("/k".into(), true, 1)
    );
    let theirs = sshd(&[("usr/etc/ssh/sshd_config", "AuthorizedKeysFile /suse\n")]);
    assert_eq!(theirs.settings.len(), 1);
}

#[test]
fn sshd_is_strict_unless_strictmodes_says_no() {
    for (config, want) in [
        ("", true),
        ("#StrictModes no\nPort 22\n", true),
        ("Port 22\nstrictmodes no\n", false),
        ("StrictModes=no\n", false),
        ("StrictModes yes\nStrictModes no\n", true),
        ("Match User a\n AuthorizedKeysFile /x\n", true),
    ] {
        assert_eq!(
            sshd(&[("etc/ssh/sshd_config", config)]).is_strict(),
            want,
            "{config:?}"
        );
    }
}

/// Whatever stands there, it ends, and names a file or nothing.
#[test]
fn damaged_lines() {
    let samples = [
        "Match User a*,!b Group ops Address 1.2.3.4\nAuthorizedKeysFile \"%h/a b\" %%%u\n",
        "AuthorizedKeysFile = .ssh/k # x\n",
    ];
    let target = Target {
        name: "sshd_config",
        samples: samples.map(|s| s.as_bytes().to_vec()).to_vec(),
        words: b"%~%%~%h~\"~'~\\~*~?~!~,~=~#~match~all~\n",
        hot: vec![],
        rounds: 3000,
    };
    let tables = Files {
        passwd: super::super::database::Table::parse(USER),
        ..Files::default()
    };
    let tally = target.read(|bytes, _| {
        let text = String::from_utf8_lossy(bytes);
        let mut when = Vec::new();
        let mut sshd = Sshd::default();
        for line in text.lines() {
            match words(line) {
                Some((key, words)) if key == "match" => when = vec![parse::Block::new(words)],
                Some((key, words)) => sshd.settings.push(Setting {
                    key,
                    words,
                    when: when.clone(),
                    place: String::new(),
                }),
                None => {}
            }
        }
        let found = sshd.key_files(&Login::of(&alice(), &tables));
        assert!(found.paths.iter().all(|p| p.starts_with('/')), "{found:?}");
        !found.paths.is_empty() && found.unknown.is_empty()
    });
    tally.at_least(100, 10);
}
