// SPDX-License-Identifier: MIT OR Apache-2.0
//! YAML as a tree in which each node has its place in the file. Anchors and
//! aliases are refused: nobody uses them for a network.

use super::secret;
use saphyr_parser::{Event, Parser, ScalarStyle};

/// A value, and where it stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Node {
    /// The file with the line, for warnings.
    pub at: String,
    pub data: Data,
}

/// What a value is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum Data {
    /// Nothing, or `null`.
    #[default]
    Null,
    /// A word.
    Text(String),
    /// Several.
    List(Vec<Node>),
    /// By name, in order.
    Map(Vec<(String, Node)>),
}

/// Deeper ones are refused.
const DEEPEST: usize = 32;

/// Reads a file. The error has its place.
pub(crate) fn parse(file: &str, text: &str) -> Result<Node, String> {
    let mut root = Node::default();
    // Collections that are not closed yet, each with the name of its value.
    let mut open: Vec<(Option<String>, Node)> = Vec::new();
    // The key whose value comes next.
    let mut names: Vec<Option<String>> = Vec::new();
    for event in Parser::new_from_str(text) {
        let (event, span) =
            event.map_err(|e| format!("{file}:{}: {}", e.marker().line(), e.info()))?;
        let at = format!("{file}:{}", span.start.line());
        let data = match event {
            Event::Scalar(word, style, anchor, _) => {
                refuse(anchor, &at)?;
                // A mapping without a pending key gets this text as the key.
                if let (
                    Some((
                        _,
                        Node {
                            data: Data::Map(_), ..
                        },
                    )),
                    Some(name @ None),
                ) = (open.last(), names.last_mut())
                {
                    *name = Some(word.into_owned());
                    continue;
                }
                let plain = style == ScalarStyle::Plain;
                match plain && ["", "~", "null", "Null", "NULL"].contains(&&*word) {
                    true => Data::Null,
                    false => Data::Text(word.into_owned()),
                }
            }
            Event::SequenceStart(anchor, _) | Event::MappingStart(anchor, _) => {
                refuse(anchor, &at)?;
                let map = matches!(event, Event::MappingStart(..));
                if map
                    && matches!(
                        open.last(),
                        Some((
                            _,
                            Node {
                                data: Data::Map(_),
                                ..
                            }
                        ))
                    )
                    && names.last() == Some(&None)
                {
                    return Err(format!("{at}: a name that is no word"));
                }
                if open.len() >= DEEPEST {
                    return Err(format!("{at}: too deep"));
                }
                let name = names.last_mut().and_then(Option::take);
                let data = if map {
                    Data::Map(Vec::new())
                } else {
                    Data::List(Vec::new())
                };
                open.push((name, Node { at, data }));
                names.push(None);
                continue;
            }
            Event::SequenceEnd | Event::MappingEnd => {
                names.pop();
                let Some((name, node)) = open.pop() else {
                    continue;
                };
                if let Some(slot) = names.last_mut() {
                    *slot = name;
                }
                put(&mut open, &mut names, &mut root, node)?;
                continue;
            }
            Event::Alias(_) => return Err(format!("{at}: aliases are not understood")),
            _ => continue,
        };
        put(&mut open, &mut names, &mut root, Node { at, data })?;
    }
    Ok(root)
}

fn refuse(anchor: usize, at: &str) -> Result<(), String> {
    match anchor {
        0 => Ok(()),
        _ => Err(format!("{at}: anchors are not understood")),
    }
}

/// Adds a complete value to its collection.
fn put(
    open: &mut [(Option<String>, Node)],
    names: &mut [Option<String>],
    root: &mut Node,
    node: Node,
) -> Result<(), String> {
    match open.last_mut() {
        None => *root = node,
        Some((_, parent)) => match (&mut parent.data, names.last_mut().and_then(Option::take)) {
            (Data::List(all), _) => all.push(node),
            (Data::Map(all), Some(name)) => {
                if all.iter().any(|(n, _)| *n == name) {
                    return Err(format!("{}: {name} stands there twice", node.at));
                }
                all.push((name, node));
            }
            _ => return Err(format!("{}: a value without a name", node.at)),
        },
    }
    Ok(())
}

impl Node {
    /// The value of a name.
    pub(crate) fn get(&self, name: &str) -> Option<&Node> {
        self.pairs().iter().find(|(n, _)| n == name).map(|(_, v)| v)
    }

    /// Names and values.
    pub(crate) fn pairs(&self) -> &[(String, Node)] {
        match &self.data {
            Data::Map(all) => all,
            _ => &[],
        }
    }

    /// The values of a list.
    pub(crate) fn items(&self) -> &[Node] {
        match &self.data {
            Data::List(all) => all,
            _ => &[],
        }
    }

    /// A word.
    pub(crate) fn text(&self) -> Option<&str> {
        match &self.data {
            Data::Text(text) => Some(text),
            _ => None,
        }
    }

    /// A short form for warnings.
    pub(crate) fn shown(&self) -> String {
        match &self.data {
            Data::Null => "null".to_owned(),
            Data::Text(text) => text.clone(),
            Data::List(all) => {
                let all: Vec<String> = all.iter().map(Node::shown).collect();
                format!("[{}]", all.join(", "))
            }
            Data::Map(all) => {
                let all: Vec<String> = all.iter().map(|(n, v)| v.shown_as(n)).collect();
                format!("{{{}}}", all.join(", "))
            }
        }
    }

    /// The same behind its name. What is for nobody's eyes is left out.
    pub(crate) fn shown_as(&self, name: &str) -> String {
        format!("{name}: {}", secret::shown("", name, &self.shown()))
    }

    /// Adds what a later file says: maps are joined, lists continued, and
    /// words replaced.
    pub(crate) fn join(&mut self, later: Node) {
        match (&mut self.data, later.data) {
            (Data::Map(mine), Data::Map(others)) => {
                for (name, value) in others {
                    match mine.iter_mut().find(|(n, _)| *n == name) {
                        Some((_, own)) => own.join(value),
                        None => mine.push((name, value)),
                    }
                }
            }
            (Data::List(mine), Data::List(others)) => {
                for other in others {
                    if !mine.iter().any(|m| m.data == other.data) {
                        mine.push(other);
                    }
                }
            }
            (mine, other) => {
                *mine = other;
                self.at = later.at;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trees_with_places() {
        let text = "# c\na: {b: [1, '2', null], \"c\": ~}\nd:\n  - e: x\n    f: |\n      two\n      lines\n  -\n";
        let node = parse("f", text).unwrap();
        assert_eq!(
            node.shown(),
            "{a: {b: [1, 2, null], c: null}, d: [{e: x, f: two\nlines\n}, null]}"
        );
        let e = node.get("d").unwrap().items()[0].get("e").unwrap();
        assert_eq!((e.text(), e.at.as_str()), (Some("x"), "f:4"));
        for (text, why) in [
            ("a: &x 1\n", "f:1: anchors are not understood"),
            ("a: *x\n", "f:1: "),
            ("a: 1\na: 2\n", "f:2: a stands there twice"),
            ("a: [1\nb: 2\n", "f:2: "),
            ("a:\n\t- b\n", "f:2: "),
            ("? {a: b}\n: c\n", "f:1: a name that is no word"),
            ("? [a]\n: c\n", "f:1: "),
        ] {
            let error = parse("f", text).unwrap_err();
            assert!(error.starts_with(why), "{text}: {error}");
        }
        assert!(parse("f", &"[".repeat(5000)).is_err());
        assert_eq!(parse("f", "").unwrap(), Node::default());
    }

    #[test]
    fn later_files_win() {
        let mut node = parse("a", "x: {l: [1, 2], w: 1, m: {p: q}}").unwrap();
        node.join(parse("b", "x: {l: [2, 3], w: 2, m: {r: s}}\ny: 1").unwrap());
        assert_eq!(
            node.shown(),
            "{x: {l: [1, 2, 3], w: 2, m: {p: q, r: s}}, y: 1}"
        );
        assert_eq!(node.get("x").unwrap().get("w").unwrap().at, "b:1");
    }
}
