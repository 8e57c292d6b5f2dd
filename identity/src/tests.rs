// SPDX-License-Identifier: MIT OR Apache-2.0
//! The identity as one text, written and read.

use super::*;
use rootdir::{Attributes, RootDir};
use testkit::Target;

/// A root with these files of root's.
pub(crate) fn tree(files: &[(&str, &str)]) -> (tempfile::TempDir, RootDir) {
    let top = tempfile::tempdir().unwrap();
    let root = RootDir::open(top.path()).unwrap();
    for (path, text) in files {
        root.write(path, text.as_bytes(), Attributes::root(0o644))
            .unwrap();
    }
    (top, root)
}

const WORDS: &[u8] = b"=~[~]]~\"~\'\'\'~-1~1e9~[[accounts.users]]~\\u0000";

#[test]
fn a_mutated_identity_is_refused_or_read() {
    let mut identity = Identity {
        version: model::VERSION,
        ..Identity::default()
    };
    identity.host.name = Some("web1".into());
    identity.host.machine_id = Some("0123456789abcdef0123456789abcdef".into());
    identity.network.interfaces = sample();
    identity.accounts.users.push(accounts::User {
        name: "root".into(),
        ..Default::default()
    });
    let text = ondisk::document::write(&identity).unwrap();
    assert_eq!(store::parse(text.as_bytes()).unwrap(), identity);
    let target = Target {
        name: "identity.toml",
        samples: vec![text.into_bytes()],
        words: WORDS,
        hot: vec![],
        rounds: 2000,
    };
    let tally = target.read(|bytes, _| store::parse(bytes).is_ok());
    tally.at_least(100, 300);
    assert!(matches!(
        store::parse(b"version = 2"),
        Err(store::Bad::Version(2))
    ));
    assert!(matches!(
        store::parse(b"version = 0"),
        Err(store::Bad::Version(0))
    ));
}

/// Whatever is damaged: the store holds hashes, and no message may.
#[test]
fn no_message_on_a_damaged_store_quotes_it() {
    let secret = "$6$salt$topsecrethash";
    let mut identity = Identity {
        version: model::VERSION,
        ..Identity::default()
    };
    identity.accounts.users.push(accounts::User {
        name: "root".into(),
        password: secret.into(),
        ..Default::default()
    });
    identity.accounts.groups.push(accounts::Group {
        name: "web".into(),
        password: secret.into(),
        ..Default::default()
    });
    assert!(!format!("{identity:?}").contains("topsecret"));
    let text = ondisk::document::write(&identity).unwrap();
    let quoted = |bytes: &[u8]| match store::parse(bytes) {
        Ok(_) => false,
        Err(error) => {
            let error = format!("{error:?}");
            let secret = error.contains("topsecret") || error.contains("$6$");
            assert!(!secret, "{error}");
            true
        }
    };
    for (from, to) in [
        ("uid = 0", format!("uid = \"{secret}\"")),
        ("groups = []", format!("groups = [3, \"{secret}\"]")),
        ("password = \"", "password = $".into()),
        ("password = \"", "password = [\"".into()),
        ("version = 1", format!("version = \"{secret}\"")),
    ] {
        assert!(quoted(text.replace(from, &to).as_bytes()), "{to}");
    }
    let target = Target {
        name: "identity.toml with a hash",
        samples: vec![text.into_bytes()],
        words: WORDS,
        hot: vec![],
        rounds: 3000,
    };
    target.read(|bytes, _| quoted(bytes)).at_least(500, 100);
}

#[test]
fn an_identity_that_could_not_be_read_again_is_refused() {
    let mut identity = Identity {
        version: model::VERSION,
        ..Identity::default()
    };
    for (name, length) in [("a", 10), ("b", 4 << 20), ("c", 20)] {
        identity.accounts.users.push(accounts::User {
            name: name.into(),
            authorized_keys: "k".repeat(length),
            ..Default::default()
        });
    }
    let encode = |identity: &Identity| store::encode(identity, std::path::Path::new("/x"));
    let error = encode(&identity).unwrap_err().to_string();
    assert!(error.contains("those of b: shorten"), "{error}");
    identity.accounts.users.remove(1);
    let text = encode(&identity).unwrap();
    assert_eq!(store::parse(text.as_bytes()).unwrap(), identity);
    identity.version = 7;
    assert!(encode(&identity).is_err());
}

/// `check` says before anything is lost whose password the new system cannot
/// verify.
#[test]
fn hashes_that_the_new_system_does_not_verify() {
    let (top, _root) = tree(&[
        (
            "etc/passwd",
            "root:x:0:0::/root:/bin/sh\nann:x:1000:100::/home/ann:/bin/sh\n",
        ),
        ("etc/group", "users:x:100:\n"),
        (
            "etc/shadow",
            "root:$6$s$h:1::::::\nann:$y$j9T$s$h:1::::::\n",
        ),
    ]);
    for (new, said) in [
        (None, ""),
        (Some("ID=debian\nVERSION_ID=\"12\"\n"), ""),
        (
            Some("ID=\"rocky\"\nVERSION_ID=\"8.9\"\n"),
            "ann: rocky 8.9 does not know yescrypt",
        ),
        (Some(""), ""),
    ] {
        let new = new.map(ondisk::os_release::OsRelease::of);
        let report = survey(top.path(), None, new.as_ref(), &[]).unwrap();
        let lines = report
            .warnings
            .iter()
            .filter(|w| w.contains("password hashes"));
        let lines: Vec<_> = lines.collect();
        assert_eq!(lines.is_empty(), said.is_empty(), "{new:?}: {lines:?}");
        assert!(lines.iter().all(|l| l.starts_with(said)), "{lines:?}");
        assert!(!report.warnings.join("").contains("$y$"));
    }
}

fn sample() -> Vec<network::Interface> {
    let mut i = network::Interface {
        name: "eth0".into(),
        ..Default::default()
    };
    i.mac = Some("52:54:00:12:34:56".parse().unwrap());
    i.add_address(network::Cidr::parse("10.0.2.15/24").unwrap());
    i.add_address(network::Cidr::parse("2001:db8::1/64").unwrap());
    let vlan = network::Interface {
        name: "eth0.5".into(),
        kind: network::Kind::Vlan {
            parent: "eth0".into(),
            id: 5,
        },
        ..Default::default()
    };
    vec![i, vlan]
}
