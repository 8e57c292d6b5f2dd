// SPDX-License-Identifier: MIT OR Apache-2.0
//! Commands of `up` lines.

use super::syntax::Stanza;
use crate::network::address::Mac;
use crate::network::files::command::{self, Added, When};
use crate::network::model::Interface;

/// Every command of a line: what it adds goes to `take`, what is not understood
/// comes back.
pub(super) fn commands(
    stanza: &Stanza,
    line: &str,
    i: &mut Interface,
    mut take: impl FnMut(Added),
) -> Vec<String> {
    let Some(list) = command::list(line) else {
        return vec![line.to_owned()];
    };
    let mut lost = Vec::new();
    let mut understood = true;
    for (when, text) in list {
        let text = text.trim();
        if when == When::Failed {
            if !command::is_harmless(text) {
                lost.push(format!("… || {text}"));
            }
            continue;
        }
        // What depends on a command that is not understood may never run.
        if when == When::Worked && !understood {
            lost.push(format!("… && {text}"));
            continue;
        }
        understood = command::is_harmless(text) || set_link(text, i);
        if understood {
            continue;
        }
        match command::added(text, stanza.v6) {
            Ok(added) => {
                understood = true;
                take(added);
            }
            Err(why) if why.is_empty() => lost.push(text.to_owned()),
            Err(why) => lost.push(format!("{text} ({why})")),
        }
    }
    lost
}

/// What replant itself writes: `ip link set dev $IFACE mtu 1400`, `… address
/// MAC`, `… up`. True if it was that.
fn set_link(command: &str, i: &mut Interface) -> bool {
    let words: Vec<&str> = command.split_whitespace().collect();
    let [program, "link" | "l", "set", rest @ ..] = words.as_slice() else {
        return false;
    };
    let rest = rest.strip_prefix(&["dev"]).unwrap_or(rest);
    let Some((name, rest)) = rest.split_first() else {
        return false;
    };
    let own = ["$IFACE", "${IFACE}", i.name.as_str()].contains(name);
    if !own || program.rsplit('/').next() != Some("ip") {
        return false;
    }
    match rest {
        ["up"] => {}
        ["mtu", mtu] if mtu.parse::<u32>().is_ok() => i.mtu = mtu.parse().ok(),
        ["address", mac] if mac.parse::<Mac>().is_ok() => i.cloned_mac = mac.parse().ok(),
        _ => return false,
    }
    true
}
