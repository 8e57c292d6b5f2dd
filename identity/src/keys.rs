// SPDX-License-Identifier: MIT OR Apache-2.0
//! ssh host keys.

use super::error::Result;
use super::host_key::{self, Keys};
use super::report::Report;

use rootdir::{Attributes, RootDir};

const DIR: &str = "etc/ssh";

/// Reads the old system's keys; those that no current ssh takes are left out.
pub(super) fn collect(root: &RootDir, report: &mut Report) -> Result<Keys> {
    let mut keys = Keys::new();
    for name in root.list(DIR)?.into_iter().filter(|n| host_key::is_name(n)) {
        // Protocol 1 and DSA are gone from OpenSSH.
        if name.contains("_dsa_") || name.starts_with("ssh_host_key") {
            if !name.ends_with(".pub") {
                report.warn(format!(
                    "{DIR}/{name} is of a kind that sshd no longer takes; left out"
                ));
            }
            continue;
        }
        let Some(bytes) = root.read(&format!("{DIR}/{name}"))? else {
            continue;
        };
        if bytes.is_empty() {
            report.warn(format!("{DIR}/{name} is empty; left out"));
            continue;
        }
        if let Some(bits) = rsa_bits(&String::from_utf8_lossy(&bytes))
            && bits < 2048
        {
            report.warn(format!(
                "{DIR}/{name} has {bits} bits, fewer than EL9's policy takes (2048); sshd may ignore it"
            ));
        }
        keys.push((name, bytes));
    }
    Ok(keys)
}

/// The length of the modulus of an RSA public key line, to 8 bits.
fn rsa_bits(public: &str) -> Option<u32> {
    let blob = public.strip_prefix("ssh-rsa ")?.split_whitespace().next()?;
    let bytes = blob.trim_end_matches('=').len() as u32 * 3 / 4;
    // Three lengths of 4 bytes, "ssh-rsa", an exponent of 3 bytes and a
    // leading zero of the modulus.
    Some(bytes.saturating_sub(23) * 8).filter(|bits| *bits >= 512)
}

/// What makes missing keys at boot: EL's units, the script of SUSE's, Arch's
/// unit. Debian makes them only when the package is installed.
const KEYGEN: [&str; 4] = [
    "usr/lib/systemd/system/sshd-keygen@.service",
    "usr/lib/systemd/system/sshd-keygen.service",
    "usr/lib/systemd/system/sshdgenkeys.service",
    "usr/sbin/sshd-gen-keys-start",
];

/// Whether the new system makes host keys at boot where there are none.
fn makes_keys(root: &RootDir) -> Result<bool> {
    for path in KEYGEN {
        if root.exists(path)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Puts the old keys into the new system, and removes its own.
pub(super) fn apply(root: &RootDir, keys: &Keys, report: &mut Report) -> Result<()> {
    if !root.is_dir(DIR)? {
        report.warn("the new system has no etc/ssh; the ssh host keys are not used");
        return Ok(());
    }
    let theirs: Vec<String> = root
        .list(DIR)?
        .into_iter()
        .filter(|n| host_key::is_name(n))
        .collect();
    if keys.is_empty() && !makes_keys(root)? {
        if theirs.is_empty() {
            if root.exists("usr/sbin/sshd")? || root.exists("sbin/sshd")? {
                report.warn(
                    "neither the old system nor the payload has ssh host keys, and the new system makes none at boot: its sshd will not start until ssh-keygen -A has been run, on its console",
                );
            }
            return Ok(());
        }
        report.warn(
            "the old system had no ssh host keys; the payload's are kept, which other machines of the same package share: make new ones with ssh-keygen -A",
        );
        return Ok(());
    }
    for name in theirs.iter().filter(|n| !keys.iter().any(|(k, _)| k == *n)) {
        root.remove(&format!("{DIR}/{name}"))?;
        report.done(format!("{DIR}/{name} of the payload removed"));
    }
    for (name, bytes) in keys {
        // Every sshd takes private keys of 0600. EL8 and EL9 would make them
        // 0640 for a group of theirs, which later versions refuse.
        let mode = if name.ends_with(".pub") { 0o644 } else { 0o600 };
        let attributes = Attributes::root(mode);
        root.write(&format!("{DIR}/{name}"), bytes, attributes)?;
    }
    if !keys.is_empty() {
        report.done(format!(
            "{} files of ssh host keys carried over",
            keys.len()
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A machine to which nobody can log in by ssh is not left without a word.
    #[test]
    fn without_any_key() {
        let own = "etc/ssh/ssh_host_ed25519_key";
        for (files, warned) in [
            (&["etc/ssh/sshd_config"][..], ""),
            (
                &["etc/ssh/sshd_config", "usr/sbin/sshd"],
                "neither the old system nor",
            ),
            (
                &["etc/ssh/sshd_config", "sbin/sshd"],
                "neither the old system nor",
            ),
            (&[own, "usr/sbin/sshd"], "the payload's are kept"),
            (&["etc/ssh/sshd_config", "usr/sbin/sshd", KEYGEN[0]], ""),
            (&["etc/ssh/sshd_config", "usr/sbin/sshd", KEYGEN[3]], ""),
            (&[own, "usr/sbin/sshd", KEYGEN[1]], ""),
        ] {
            let top = tempfile::tempdir().unwrap();
            let root = RootDir::open(top.path()).unwrap();
            for path in files {
                root.write(path, b"x", Attributes::root(0o600)).unwrap();
            }
            let mut report = Report::default();
            apply(&root, &Keys::new(), &mut report).unwrap();
            let said = report.warnings.join("\n");
            assert_eq!(said.is_empty(), warned.is_empty(), "{files:?}: {said}");
            assert!(said.contains(warned), "{files:?}: {said}");
            // Keys that others share go where new ones are made.
            let kept = files.contains(&own) && !warned.is_empty();
            assert_eq!(root.exists(own).unwrap(), kept, "{files:?}");
        }
    }

    #[test]
    fn lengths_of_rsa_keys() {
        // Lengths of blobs that ssh-keygen 9.2 writes for 1024, 2048, 4096 bits.
        for (length, padding, bits) in [(202, "==", 1024), (372, "", 2048), (714, "==", 4096)] {
            let line = format!("ssh-rsa {}{padding} me", "A".repeat(length));
            assert_eq!(rsa_bits(&line), Some(bits));
        }
        assert_eq!(rsa_bits("ssh-ed25519 AAAA me"), None);
        assert_eq!(rsa_bits("ssh-rsa "), None);
    }
}
