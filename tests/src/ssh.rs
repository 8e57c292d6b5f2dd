// SPDX-License-Identifier: MIT OR Apache-2.0
//! Somebody at another machine who logs in by ssh, and knows the host's key.

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// How somebody proves who he is.
#[derive(Debug, Clone, Copy)]
pub enum Proof<'a> {
    /// The file of a private key.
    Key(&'a Path),
    /// A password.
    Password(&'a str),
}

/// An address at which only a host with this key is trusted.
pub struct Host {
    port: u16,
    dir: tempfile::TempDir,
}

impl Host {
    /// The host that answers at this port of this machine, and whose public key
    /// this is, as in a file `ssh_host_ed25519_key.pub`.
    ///
    /// # Panics
    /// When files cannot be written.
    pub fn new(port: u16, public_key: &str) -> Host {
        let dir = tempfile::tempdir().expect("a directory");
        let words: Vec<&str> = public_key.split_whitespace().collect();
        let known = format!("[127.0.0.1]:{port} {} {}\n", words[0], words[1]);
        std::fs::write(dir.path().join("known"), known).expect("known hosts");
        Host { port, dir }
    }

    /// What this command prints there, or what ssh says.
    ///
    /// # Errors
    /// When ssh or the command fails.
    ///
    /// # Panics
    /// When ssh cannot be started.
    pub fn run(&self, user: &str, proof: Proof<'_>, command: &str) -> Result<String, String> {
        let known = self.dir.path().join("known");
        let mut ssh = Command::new("ssh");
        ssh.args(["-F", "none", "-p", &self.port.to_string()])
            .args(["-o", &format!("UserKnownHostsFile={}", known.display())])
            .args([
                "-o",
                "StrictHostKeyChecking=yes",
                "-o",
                "ConnectTimeout=120",
            ])
            .args(["-o", "HostKeyAlgorithms=ssh-ed25519"])
            .args(["-o", "NumberOfPasswordPrompts=1"]);
        match proof {
            Proof::Key(key) => {
                let key = self.private(key);
                ssh.args(["-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes"])
                    .arg("-i")
                    .arg(key);
            }
            Proof::Password(password) => {
                ssh.args(["-o", "PubkeyAuthentication=no"])
                    .env("SSH_ASKPASS", self.askpass(password))
                    .env("SSH_ASKPASS_REQUIRE", "force");
            }
        }
        let output = ssh
            .arg(format!("{user}@127.0.0.1"))
            .arg(command)
            .stdin(Stdio::null())
            .output()
            .expect("ssh");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_string();
        match output.status.success() {
            true => Ok(text(&output.stdout)),
            false => Err(format!(
                "{}\n{}",
                text(&output.stdout),
                text(&output.stderr)
            )),
        }
    }

    /// ssh takes no key that others could read.
    fn private(&self, key: &Path) -> PathBuf {
        let own = self.dir.path().join("key");
        std::fs::copy(key, &own).expect("the key");
        mode(&own, 0o600);
        own
    }

    fn askpass(&self, password: &str) -> PathBuf {
        let program = self.dir.path().join("askpass");
        std::fs::write(&program, format!("#!/bin/sh\necho '{password}'\n")).expect("askpass");
        mode(&program, 0o700);
        program
    }
}

fn mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("chmod");
}

/// A port of this machine that nobody listens at.
///
/// # Panics
/// When there is none.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("its address").port()
}
