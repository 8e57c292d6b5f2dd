// SPDX-License-Identifier: MIT OR Apache-2.0
//! Decides which interface a route belongs to, which is not always the one whose
//! file has it.

use super::{Candidate, command::Command};

/// Adds a route to the interface that its command names. Without a name it goes,
/// as in the kernel, to the interface whose network contains the next hop, and
/// otherwise to `own`. `origin` is the file with the line, for warnings.
pub(super) fn place(
    all: &mut [Candidate],
    own: Option<usize>,
    command: Command,
    origin: &str,
    warnings: &mut Vec<String>,
) {
    let Command {
        device,
        route,
        lost,
    } = command;
    for word in lost {
        warnings.push(format!(
            "{origin}: `{word}` of the route to {} is not carried over",
            route.to
        ));
    }
    // A link-local next hop, or none, does not tell the interface.
    let near = |c: &Candidate| route.via.is_some_and(|hop| !c.interface.is_off_link(hop));
    // The network of an interface with DHCP is not known.
    let dynamic = |c: &Candidate| c.interface.v4.methods.dhcp;
    let any = |c: &Candidate| c.interface.auto && c.interface.master.is_none();
    let at = match &device {
        Some(name) => find(all, own, name),
        None if own
            .and_then(|o| all.get(o))
            .is_some_and(|c| near(c) || dynamic(c)) =>
        {
            own
        }
        // A blackhole route has no interface, but must be written for some.
        None if !route.kind.is_plain() => own.or(all.iter().position(any)),
        None => all.iter().position(near).or(own),
    };
    match at.and_then(|at| all.get_mut(at)) {
        Some(candidate) => candidate.interface.add_route(route),
        None => {
            let where_to = match device {
                Some(name) => format!("goes over {name}, which no file configures"),
                None => "has a next hop that is in no interface's network".to_owned(),
            };
            warnings.push(format!(
                "{origin}: the route to {} {where_to}; it is not carried over",
                route.to
            ));
        }
    }
}

/// Finds the interface that a command names. A file that is bound to a MAC
/// address has no name, and commands in it mean its own interface.
pub(super) fn find(all: &[Candidate], own: Option<usize>, name: &str) -> Option<usize> {
    let name = name.split(':').next().unwrap_or_default();
    let nameless = |o: &usize| all.get(*o).is_some_and(|c| c.interface.name.is_empty());
    let itself = ["$IFACE", "${IFACE}"].contains(&name);
    let named = all.iter().position(|c| c.interface.name == name);
    if itself {
        return own;
    }
    named.or(own.filter(nameless))
}
