// SPDX-License-Identifier: MIT OR Apache-2.0
//! Whether a path matches a regular expression of file_contexts.
//!
//! libselinux puts `^` and `$` around the expression and gives it to PCRE2,
//! over bytes and with a dot that matches every one of them. Only yes or no is
//! asked, so all paths through the expression are followed at once: the time
//! is bounded by the product of the lengths, whatever the expression is.

use super::syntax::{self, Node, Set};

pub use syntax::Invalid;

/// Instructions that one expression may become, counted repetitions included.
const LONGEST: usize = 4096;

#[derive(Debug)]
enum Step {
    /// Takes one byte of the set, and goes on with the next step.
    Take(Set),
    /// Goes on at both places.
    Both(usize, usize),
    Jump(usize),
    /// Goes on at the beginning of the path only.
    Begin,
    /// Goes on at the end only, or before a last line feed.
    End,
    Match,
}

/// An expression, ready to match.
#[derive(Debug)]
pub struct Pattern {
    steps: Vec<Step>,
    anchored: bool,
}

impl Pattern {
    /// Reads an expression; `^` and `$` are put around it, as text.
    ///
    /// # Errors
    /// [`Invalid`]: PCRE2 would refuse it, too, or it uses what only
    /// backtracking can do, which no known policy does.
    pub fn new(text: &str) -> Result<Pattern, Invalid> {
        let node = syntax::parse(&format!("^{text}$"))?;
        let mut steps = Vec::new();
        compile(&node, &mut steps)?;
        steps.push(Step::Match);
        let anchored = !matches!(node, Node::Any(_));
        Ok(Pattern { steps, anchored })
    }

    /// Whether every match begins where the path begins. With alternatives
    /// outside of groups `^` belongs to the first of them and `$` to the last.
    pub fn is_anchored(&self) -> bool {
        self.anchored
    }

    /// Whether the path matches.
    pub fn matches(&self, path: &[u8]) -> bool {
        let steps = &self.steps;
        let (mut now, mut next) = (Front::new(steps.len()), Front::new(steps.len()));
        for at in 0..=path.len() {
            // Without an anchor a match may begin anywhere.
            if at == 0 || !self.anchored {
                now.add(0, steps, path, at);
            }
            if now.matched {
                return true;
            }
            let Some(byte) = path.get(at) else { break };
            for step in &now.takes {
                if let Some(Step::Take(set)) = steps.get(*step)
                    && set.has(*byte)
                {
                    next.add(step + 1, steps, path, at + 1);
                }
            }
            std::mem::swap(&mut now, &mut next);
            next.clear();
        }
        now.matched
    }
}

/// Where an expression stands after some bytes: in several places at once.
struct Front {
    seen: Vec<bool>,
    visited: Vec<usize>,
    takes: Vec<usize>,
    matched: bool,
}

impl Front {
    fn new(steps: usize) -> Front {
        Front {
            seen: vec![false; steps],
            visited: Vec::new(),
            takes: Vec::new(),
            matched: false,
        }
    }

    fn clear(&mut self) {
        for step in self.visited.drain(..) {
            if let Some(seen) = self.seen.get_mut(step) {
                *seen = false;
            }
        }
        self.takes.clear();
        self.matched = false;
    }

    /// Adds a place, and all that are reached from it without a byte.
    fn add(&mut self, step: usize, steps: &[Step], path: &[u8], at: usize) {
        let mut rest = vec![step];
        while let Some(step) = rest.pop() {
            match self.seen.get_mut(step) {
                Some(seen) if !*seen => *seen = true,
                _ => continue,
            }
            self.visited.push(step);
            match steps.get(step) {
                Some(Step::Take(_)) => self.takes.push(step),
                Some(Step::Both(one, other)) => rest.extend([*one, *other]),
                Some(Step::Jump(to)) => rest.push(*to),
                Some(Step::Begin) if at == 0 => rest.push(step + 1),
                Some(Step::End) if matches!(path.get(at..), Some([] | [b'\n'])) => {
                    rest.push(step + 1);
                }
                Some(Step::Match) => self.matched = true,
                _ => {}
            }
        }
    }
}

fn compile(node: &Node, steps: &mut Vec<Step>) -> Result<(), Invalid> {
    if steps.len() >= LONGEST {
        return Err(Invalid("it is too long"));
    }
    match node {
        Node::Take(set) => steps.push(Step::Take(*set)),
        Node::Begin => steps.push(Step::Begin),
        Node::End => steps.push(Step::End),
        Node::All(nodes) => {
            for node in nodes {
                compile(node, steps)?;
            }
        }
        Node::Any(nodes) => any(nodes, steps)?,
        Node::Repeat { node, least, most } => {
            for _ in 0..*least {
                compile(node, steps)?;
            }
            match most {
                None => {
                    let begin = steps.len();
                    steps.push(Step::Jump(0));
                    compile(node, steps)?;
                    steps.push(Step::Jump(begin));
                    skip(steps, begin);
                }
                Some(most) => {
                    let mut open = Vec::new();
                    for _ in *least..*most {
                        open.push(steps.len());
                        steps.push(Step::Jump(0));
                        compile(node, steps)?;
                    }
                    for begin in open {
                        skip(steps, begin);
                    }
                }
            }
        }
    }
    Ok(())
}

fn any(nodes: &[Node], steps: &mut Vec<Step>) -> Result<(), Invalid> {
    let mut ends = Vec::new();
    for (n, node) in nodes.iter().enumerate() {
        let begin = steps.len();
        let last = n + 1 == nodes.len();
        if !last {
            steps.push(Step::Jump(0));
        }
        compile(node, steps)?;
        if !last {
            ends.push(steps.len());
            steps.push(Step::Jump(0));
            skip(steps, begin);
        }
    }
    for end in ends {
        let next = steps.len();
        put(steps, end, Step::Jump(next));
    }
    Ok(())
}

/// Fills in that at `begin` all up to here may be left out.
fn skip(steps: &mut [Step], begin: usize) {
    let next = steps.len();
    put(steps, begin, Step::Both(begin + 1, next));
}

/// Fills in a step whose target was not known.
fn put(steps: &mut [Step], at: usize, step: Step) {
    if let Some(place) = steps.get_mut(at) {
        *place = step;
    }
}
