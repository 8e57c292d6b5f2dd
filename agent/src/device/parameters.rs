// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the kernel's command line says about modules.

use std::collections::{BTreeMap, BTreeSet};

use ondisk::modules::Name;

/// `MODULE.PARAMETER=VALUE` and `modprobe.blacklist=A,B`, as modprobe takes
/// them from /proc/cmdline; `rd.driver.blacklist=` is dracut's word for the second.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Parameters {
    parameters: BTreeMap<Name, String>,
    blacklist: BTreeSet<Name>,
}

impl Parameters {
    /// Reads the text of /proc/cmdline.
    pub fn parse(cmdline: &str) -> Self {
        let mut found = Self::default();
        for word in contract::cmdline::words(cmdline.as_bytes()) {
            // What follows is init's.
            if word.is_last_of_kernel() {
                break;
            }
            // With its quotes, for the kernel reads a module's parameters by
            // the same rules.
            let whole = String::from_utf8_lossy(word.text);
            // GRUB puts a word with a space between quotes as a whole.
            let word = whole.trim_start_matches('"');
            let (key, value) = match word.split_once('=') {
                Some((key, value)) => (key, Some(value)),
                None => (word, None),
            };
            match (key, value) {
                ("modprobe.blacklist" | "rd.driver.blacklist", Some(names)) => {
                    let names = names.trim_matches('"').split(',');
                    found
                        .blacklist
                        .extend(names.filter(|name| !name.is_empty()).map(Name::new));
                }
                _ => {
                    let Some((module, _)) = key.split_once('.') else {
                        continue;
                    };
                    let Some(parameter) = word.get(module.len() + 1..) else {
                        continue;
                    };
                    if module.is_empty() || parameter.is_empty() {
                        continue;
                    }
                    let own = found.parameters.entry(Name::new(module)).or_default();
                    if !own.is_empty() {
                        own.push(' ');
                    }
                    if whole.starts_with('"') {
                        own.push('"');
                    }
                    own.push_str(parameter);
                }
            }
        }
        found
    }

    /// The parameters of a module, as the kernel takes them.
    pub fn of(&self, module: &Name) -> &str {
        self.parameters.get(module).map_or("", String::as_str)
    }

    /// Whether the module must not be loaded for a modalias (by its name it still may).
    pub fn is_blacklisted(&self, module: &Name) -> bool {
        self.blacklist.contains(module)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_modprobe_would_pass() {
        let line = "console=ttyS0,115200 nvme-core.io_timeout=30 nvme_core.multipath=N root=/dev/x \
                    dm_mod.create=\"a b,c\" \"i915.edid=a b\" modprobe.blacklist=uas,usb-storage libata.dma .x x. -- a.b=c";
        let parameters = Parameters::parse(line);
        let of = |name: &str| parameters.of(&Name::new(name)).to_owned();
        assert_eq!(of("nvme_core"), "io_timeout=30 multipath=N");
        assert_eq!(of("dm-mod"), "create=\"a b,c\"");
        // modprobe would pass it so; the kernel takes the quotes off.
        assert_eq!(of("i915"), "\"edid=a b\"");
        assert_eq!(of("libata"), "dma");
        assert_eq!(of("a"), "");
        assert_eq!(of("x"), "");
        assert!(parameters.is_blacklisted(&Name::new("usb_storage")));
        assert!(parameters.is_blacklisted(&Name::new("uas")));
        assert!(!parameters.is_blacklisted(&Name::new("nvme_core")));
    }
}
