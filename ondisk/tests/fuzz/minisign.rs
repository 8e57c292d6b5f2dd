// SPDX-License-Identifier: MIT OR Apache-2.0
//! Damaged keys and signatures.

use ondisk::minisign::{PublicKey, Signature, verify};

use testkit::Target;

const KEY: &[u8] = include_bytes!("../fixtures/minisign/vendor.pub");
const SECRET: &[u8] = include_bytes!("../fixtures/minisign/vendor.key");
const MESSAGE: &[u8] = include_bytes!("../fixtures/minisign/message");
const PREHASHED: &[u8] = include_bytes!("../fixtures/minisign/prehashed.minisig");
const LEGACY: &[u8] = include_bytes!("../fixtures/minisign/legacy.minisig");

#[test]
fn keys() {
    let target = Target {
        name: "public keys",
        samples: vec![KEY.to_vec(), SECRET.to_vec()],
        words: b"\n~\r\n~untrusted comment: ~RW~RWRTY0Iy~=~ ~\xff~+/",
        hot: vec![],
        rounds: 10_000,
    };
    let tally = target.read(|bytes, _| {
        let Ok(key) = PublicKey::parse(bytes) else {
            return false;
        };
        let again = PublicKey::parse(key.line().as_bytes()).unwrap();
        assert_eq!((again.id(), again.line()), (key.id(), key.line()));
        true
    });
    tally.at_least(100, 1000);
}

#[test]
fn signatures() {
    let key = PublicKey::parse(KEY).unwrap();
    let target = Target {
        name: "signatures",
        samples: vec![PREHASHED.to_vec(), LEGACY.to_vec()],
        words: b"\n~\r\n~untrusted comment: ~trusted comment: ~RUQ~RWQ~=~ ~\xff~\x1b[2J",
        hot: vec![],
        rounds: 3000,
    };
    let good = [PREHASHED, LEGACY].map(|bytes| Signature::parse(bytes).unwrap().comment());
    let tally = target.read(|bytes, _| {
        let Ok(read) = Signature::parse(bytes) else {
            return false;
        };
        assert!(!read.comment().contains(char::is_control));
        // Whatever was changed, what is signed was not.
        if let Ok(signed) = verify(MESSAGE, Some(bytes), std::slice::from_ref(&key)) {
            assert!(good.contains(&signed.comment()));
            assert_eq!(signed.by(), key.id());
        }
        true
    });
    tally.at_least(50, 500);
}
