// SPDX-License-Identifier: MIT OR Apache-2.0
//! Formats the list of what is not carried over: for a person who decides, for
//! programs, and for the log.

use crate::report::{bytes, quote};
use identity::losses::{Kind, Loss};

/// How many of one kind are shown to a person; `--json` and the log have all.
const SHOWN: usize = 6;

/// One of them, without its kind.
fn short(loss: &Loss) -> String {
    let size = loss.bytes.map(|count| {
        let more = if loss.more { "more than " } else { "" };
        format!("{more}{}", bytes(count))
    });
    let note = Some(loss.note.clone()).filter(|note| !note.is_empty());
    let about: Vec<String> = [note, size].into_iter().flatten().collect();
    match about.as_slice() {
        [] => loss.what.clone(),
        about => format!("{} ({})", loss.what, about.join(", ")),
    }
}

/// One of them, as a line of the log.
pub(crate) fn line(loss: &Loss) -> String {
    format!("not carried over: {}: {}", loss.kind.title(), short(loss))
}

/// All of them for a person, a paragraph for each kind.
pub(crate) fn text(losses: &[Loss]) -> String {
    if losses.is_empty() {
        return "not carried over: nothing was found that the new system lacks".into();
    }
    let mut text = String::from(
        "not carried over, and lost with the old system (what the new one has of it is its own):",
    );
    for kind in Kind::ALL {
        let of: Vec<&Loss> = losses.iter().filter(|l| l.kind == kind).collect();
        // Directories of data are never cut short.
        let shown = if kind == Kind::Tree { of.len() } else { SHOWN };
        if of.is_empty() {
            continue;
        }
        text += &format!("\n  {} ({}):", kind.title(), of.len());
        for loss in of.iter().take(shown) {
            text += &format!("\n    {}", short(loss));
        }
        if let Some(more) = of.len().checked_sub(shown).filter(|more| *more > 0) {
            text += &format!("\n    and {more} more (check --json names them)");
        }
    }
    text
}

/// A list of JSON objects, without its brackets.
pub(crate) fn json(losses: &[Loss]) -> String {
    let rows = losses.iter().map(|loss| {
        let size = loss.bytes.map_or("null".into(), |count| count.to_string());
        format!(
            "{{\"kind\":{},\"what\":{},\"note\":{},\"bytes\":{size},\"more\":{}}}",
            quote(loss.kind.word()),
            quote(&loss.what),
            quote(&loss.note),
            loss.more
        )
    });
    rows.collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loss(kind: Kind, what: &str, bytes: Option<u64>, more: bool) -> Loss {
        Loss {
            kind,
            what: what.into(),
            note: String::new(),
            bytes,
            more,
        }
    }

    #[test]
    fn sizes_are_words_for_people_and_numbers_for_programs() {
        let mut losses = vec![
            loss(Kind::Tree, "/home", Some(3 << 30), true),
            loss(Kind::Cron, "/etc/cron.d/\"x\"", None, false),
        ];
        losses[0].note = "x".into();
        let said = text(&losses);
        assert!(
            said.contains("\n    /home (x, more than 3.0 GiB)\n"),
            "{said}"
        );
        assert_eq!(
            json(&losses),
            "{\"kind\":\"tree\",\"what\":\"/home\",\"note\":\"x\",\"bytes\":3221225472,\"more\":true},{\"kind\":\"cron\",\"what\":\"/etc/cron.d/\\\"x\\\"\",\"note\":\"\",\"bytes\":null,\"more\":false}"
        );
        assert_eq!(
            line(&losses[1]),
            "not carried over: jobs of cron and at: /etc/cron.d/\"x\""
        );
        assert!(text(&[]).ends_with("nothing was found that the new system lacks"));
    }

    #[test]
    fn long_lists_say_how_many_are_not_shown_and_no_tree_is_left_out() {
        let many = |kind| (0..9).map(move |n| loss(kind, &format!("/{n}"), None, false));
        let losses: Vec<Loss> = many(Kind::Tree).chain(many(Kind::Changed)).collect();
        let said = text(&losses);
        assert_eq!(said.matches("\n    /8").count(), 1, "{said}");
        assert!(
            said.ends_with("and 3 more (check --json names them)"),
            "{said}"
        );
    }
}
