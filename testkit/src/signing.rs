// SPDX-License-Identifier: MIT OR Apache-2.0
//! A key of minisign that signs.

use minisign::KeyPair;

/// A new key without a password.
pub struct SigningKey(KeyPair);

impl SigningKey {
    /// Another one each time.
    #[allow(clippy::new_without_default)]
    pub fn new() -> SigningKey {
        SigningKey(KeyPair::generate_unencrypted_keypair().unwrap())
    }

    /// The content of its `.pub` file.
    pub fn public(&self) -> String {
        self.0.pk.to_box().unwrap().to_string()
    }

    /// Its number, as minisign shows it.
    pub fn id(&self) -> String {
        let number = self.0.pk.keynum().try_into().unwrap();
        format!("{:X}", u64::from_le_bytes(number))
    }

    /// The content of a `.minisig` file for these bytes.
    pub fn sign(&self, bytes: &[u8]) -> Vec<u8> {
        let comment = "timestamp:1700000000\tfile:migration.toml\thashed";
        let made = minisign::sign(None, &self.0.sk, bytes, Some(comment), None).unwrap();
        made.into_string().into_bytes()
    }
}
