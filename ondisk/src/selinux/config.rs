// SPDX-License-Identifier: MIT OR Apache-2.0
//! /etc/selinux/config, as libselinux reads it.

/// What the file says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Whether a policy is loaded at boot.
    pub on: bool,
    /// The policy's name, its directory below /etc/selinux.
    pub policy: String,
    /// Whether files get labels at boot when they are asked for; otherwise the
    /// machine stops at a console instead.
    pub autorelabel: bool,
}

impl Config {
    /// Reads the file.
    pub fn parse(text: &str) -> Config {
        let mut config = Config {
            on: true,
            policy: "targeted".into(),
            autorelabel: true,
        };
        let mut mode = false;
        for line in text.lines() {
            // Of the modes the first that is one counts, and only at the
            // beginning of a line; of the policies the last.
            if let Some(value) = line.strip_prefix("SELINUX=").filter(|_| !mode) {
                let value = value.trim_start().to_ascii_lowercase();
                let is = |word: &&str| value.starts_with(word);
                if let Some(word) = ["enforcing", "permissive", "disabled"]
                    .iter()
                    .find(|w| is(w))
                {
                    mode = true;
                    config.on = *word != "disabled";
                }
            }
            let line = line.trim_start();
            if let Some((name, value)) = line.split_once('=') {
                if name.eq_ignore_ascii_case("SELINUXTYPE") {
                    config.policy = value.trim().to_owned();
                } else if name == "AUTORELABEL" {
                    // Read by a shell.
                    config.autorelabel = value.trim().trim_matches(['"', '\'']) != "0";
                }
            }
        }
        config
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (bool, String, bool) {
        let Config {
            on,
            policy,
            autorelabel,
        } = Config::parse(text);
        (on, policy, autorelabel)
    }

    #[test]
    fn is_read_as_libselinux_does() {
        let text = "# comment\nSELINUX=permissive\n# SELINUXTYPE= one of\nSELINUXTYPE=default \r\n";
        assert_eq!(read(text), (true, "default".into(), true));
        assert_eq!(read(""), (true, "targeted".into(), true));
        let text = "SELINUX=maybe\nSELINUX=Disabled # x\nSELINUX=enforcing\nselinuxtype= mls\n";
        assert_eq!(read(text), (false, "mls".into(), true));
        // Not at the beginning of the line, and in quotes: neither counts.
        assert!(read(" SELINUX=disabled\nSELINUX=\"disabled\"\n").0);
        assert!(!read("SELINUX=enforcing\nAUTORELABEL=\"0\"\n").2);
    }
}
