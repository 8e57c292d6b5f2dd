// SPDX-License-Identifier: MIT OR Apache-2.0
//! Damaged manifests.

use ondisk::manifest::{Manifest, Size};

use testkit::Target;

const TEXT: &[u8] = include_bytes!("../fixtures/manifest/migration.toml");

#[test]
fn manifests() {
    let target = Target {
        name: "migration.toml",
        samples: vec![TEXT.to_vec()],
        words: b"\n~[~]~[[~{~}~\"~'~\"\"\"~\\u0000~\\~=~.~#~a.b.c = 1\n~nan~inf~1e400~0x~\
            1979-05-27~rest~-1~18446744073709551616~../~/~\xff~hostname = ",
        hot: vec![],
        rounds: 6000,
    };
    let tally = target.read(|bytes, _| {
        let text = String::from_utf8_lossy(bytes);
        let Ok(manifest) = Manifest::parse(&text) else {
            return false;
        };
        let written = manifest.encode().unwrap();
        let again = Manifest::parse(&written).unwrap();
        // A NaN is not even itself, so the texts are compared.
        assert_eq!(again.encode().unwrap(), written);
        assert_eq!(again.mount_order().len(), manifest.filesystems.len());
        for filesystem in &manifest.filesystems {
            assert!(filesystem.device().is_some());
            assert_eq!(filesystem.uuid.is_some(), filesystem.uuid_bytes().is_some());
        }
        true
    });
    tally.at_least(100, 1000);
}

/// What a recursive parser would need a deep stack for.
#[test]
fn deep_nesting() {
    let text = String::from_utf8(TEXT.to_vec()).unwrap();
    let depth = 200_000;
    for deep in [
        format!("x = {}", "[".repeat(depth)),
        format!("x = {}1{}", "[".repeat(depth), "]".repeat(depth)),
        format!("x = {}", "{a=".repeat(depth)),
        format!("{}a = 1", "a.".repeat(depth)),
        format!("[{}a]\nb = 1", "a.".repeat(depth)),
    ] {
        let start = testkit::cpu_time();
        let place = text.find("[identity]\n").unwrap() + "[identity]\n".len();
        let mut bad = text.clone();
        bad.insert_str(place, &format!("{deep}\n"));
        assert!(Manifest::parse(&bad).is_err(), "{}", &deep[..20]);
        assert!(
            (testkit::cpu_time() - start).as_secs() < 5,
            "{}",
            &deep[..20]
        );
    }
}

#[test]
fn sizes_and_uuids() {
    let target = Target {
        name: "sizes and UUIDs",
        samples: [
            "512MiB",
            "8 GiB",
            "1048576",
            "rest",
            "11111111-2222-3333-4444-555555555555",
        ]
        .map(|text| text.as_bytes().to_vec())
        .to_vec(),
        words: b"TiB~KiB~ ~-~+~\xc3\xa9~18446744073709551615",
        hot: vec![],
        rounds: 10_000,
    };
    let tally = target.read(|bytes, _| {
        let text = String::from_utf8_lossy(bytes);
        let size = Size::parse(&text);
        if let Some(size) = size {
            assert_eq!(Size::parse(&size.to_string()), Some(size));
        }
        size.is_some() || ondisk::uuid::parse(&text).is_some()
    });
    tally.at_least(500, 1000);
}
