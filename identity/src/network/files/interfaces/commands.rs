// SPDX-License-Identifier: MIT OR Apache-2.0
//! Applies the commands of `up` lines.

use super::syntax::Stanza;
use crate::network::address::Mac;
use crate::network::files::command::{self, Added, When};
use crate::network::model::Interface;
use crate::text::secret;

/// Parses every command of a line. Results go to `take`; commands that are not
/// understood are returned, as a warning may have them.
pub(super) fn commands(
    stanza: &Stanza,
    line: &str,
    i: &mut Interface,
    mut take: impl FnMut(Added),
) -> Vec<String> {
    let Some(list) = command::list(line) else {
        return vec![secret::command(line)];
    };
    // One command may have in a variable what another one is told.
    let hidden = secret::is_in_command(line);
    let shown = |text: &str| match hidden {
        true => secret::program(text),
        false => text.to_owned(),
    };
    let mut lost = Vec::new();
    let mut understood = true;
    for (when, text) in list {
        let text = text.trim();
        if when == When::Failed {
            if !command::is_harmless(text) {
                lost.push(format!("… || {}", shown(text)));
            }
            continue;
        }
        // A command that depends on one that is not understood may never run.
        if when == When::Worked && !understood {
            lost.push(format!("… && {}", shown(text)));
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
            Err(why) if why.is_empty() || hidden => lost.push(shown(text)),
            Err(why) => lost.push(format!("{text} ({why})")),
        }
    }
    lost
}

/// Parses the commands that replant itself writes:
/// `ip link set dev $IFACE mtu 1400`, `... address MAC`, `... up`. Returns
/// whether it was one.
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
