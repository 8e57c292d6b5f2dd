// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where a family's addresses come from.

use serde::{Deserialize, Serialize};

/// How a family gets addresses beside its static ones, which are a list of
/// their own: several ways at once, or none.
///
/// Written as `unset`, `off`, `link-local`, or the ways with `+` in between; `static`, which
/// earlier versions wrote, is `unset` with addresses.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Methods {
    /// Something is said. Otherwise the new system's default applies: IPv6
    /// heeds router advertisements, and IPv4 asks nobody.
    pub said: bool,
    /// DHCP.
    pub dhcp: bool,
    /// IPv6 router advertisements, and DHCPv6 when these say so.
    pub auto: bool,
    /// IPv6 without either: the link-local address all the same, which every
    /// interface has that is not off.
    pub local: bool,
}

impl Methods {
    /// Nothing is said.
    pub const UNSET: Methods = Methods {
        said: false,
        dhcp: false,
        auto: false,
        local: false,
    };
    /// Nothing but the static addresses, if there are any.
    pub const FIXED: Methods = Methods {
        said: true,
        ..Methods::UNSET
    };
    /// DHCP.
    pub const DHCP: Methods = Methods {
        dhcp: true,
        ..Methods::FIXED
    };
    /// Router advertisements.
    pub const AUTO: Methods = Methods {
        auto: true,
        ..Methods::FIXED
    };

    /// A link-local address, and router advertisements are not heeded.
    pub const LOCAL: Methods = Methods {
        local: true,
        ..Methods::FIXED
    };

    /// Both.
    pub fn and(self, other: Methods) -> Methods {
        let (dhcp, auto) = (self.dhcp || other.dhcp, self.auto || other.auto);
        Methods {
            said: self.said || other.said,
            dhcp,
            auto,
            local: (self.local || other.local) && !dhcp && !auto,
        }
    }

    /// Addresses come from outside.
    pub fn is_dynamic(self) -> bool {
        self.dhcp || self.auto
    }
}

impl From<Methods> for String {
    fn from(methods: Methods) -> String {
        let text = match (methods.said, methods.dhcp, methods.auto) {
            (_, true, true) => "auto+dhcp",
            (_, true, false) => "dhcp",
            (_, false, true) => "auto",
            (true, false, false) if methods.local => "link-local",
            (true, false, false) => "off",
            (false, false, false) => "unset",
        };
        text.to_owned()
    }
}

impl TryFrom<String> for Methods {
    type Error = String;
    fn try_from(text: String) -> Result<Methods, String> {
        let mut methods = Methods::UNSET;
        for word in text.split('+') {
            methods = methods.and(match word {
                "unset" | "static" => Methods::UNSET,
                "off" => Methods::FIXED,
                "link-local" => Methods::LOCAL,
                "dhcp" => Methods::DHCP,
                "auto" => Methods::AUTO,
                _ => return Err(format!("{text:?} is no way to an address")),
            });
        }
        Ok(methods)
    }
}
