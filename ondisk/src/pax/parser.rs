// SPDX-License-Identifier: MIT OR Apache-2.0
//! The archive from its first to its last block: members, and their contents.

use super::cursor::{Block, Cursor, padding, take};
use super::header::{self, Raw};
use super::member::{self, Described, Member, Pending};
use super::records::Overrides;
use super::sparse::MapReader;
use super::{BLOCK, Entry, Error, Kind, MAX_EXTENTS, MAX_LONG_NAME, MAX_PAX_HEADER};

/// What the parser found next.
#[derive(Debug, PartialEq)]
pub enum Event<'a> {
    /// A member begins.
    Entry(Box<Entry>),
    /// Bytes of the current member, a regular file. They come in ascending
    /// order; what lies between them is a hole.
    Data {
        /// Where in the file they go, in bytes.
        offset: u64,
        /// The bytes, straight from the input.
        bytes: &'a [u8],
    },
    /// The current member is complete. Comes once after every `Entry`.
    EntryEnd,
    /// The end of the archive. Nothing but zeros may follow.
    End,
}

impl From<Entry> for Event<'_> {
    fn from(entry: Entry) -> Self {
        Event::Entry(Box::new(entry))
    }
}

/// Reads an archive that is handed over in pieces of any size.
///
/// Call [`Parser::next`] until it returns `None`, hand over more bytes, and
/// at the end of them call [`Parser::finish`]. After an error the parser must
/// not be used further.
#[derive(Default)]
pub struct Parser {
    state: State,
    /// Bytes taken so far.
    at: u64,
    block: Block,
    global: Overrides,
    local: Option<Overrides>,
    long_name: Option<Vec<u8>>,
    long_link: Option<Vec<u8>>,
    /// Bytes of the pax headers that count: those in front of the next
    /// member, and the global ones.
    local_size: u64,
    global_size: u64,
}

#[derive(Default)]
enum State {
    #[default]
    Header,
    /// The body of a header that describes the next member.
    Collect {
        what: u8,
        at: u64,
        left: u64,
        padding: u64,
        body: Vec<u8>,
    },
    /// Blocks that hold the rest of an old GNU sparse map.
    Extension(Box<Pending>),
    /// Blocks in front of the data that hold a map of format 1.0.
    Map(Box<Pending>, MapReader),
    Data(Cursor),
    /// Data of a member that has none of its own (a directory's, say).
    Skip {
        left: u64,
    },
    End,
    Ended,
}

impl Parser {
    /// A parser at the beginning of an archive.
    pub fn new() -> Parser {
        Parser::default()
    }

    /// Bytes taken so far: the position in the archive.
    pub fn position(&self) -> u64 {
        self.at
    }

    /// Takes bytes from the front of `input` and says what they mean; `None`
    /// when all are taken and more are needed.
    pub fn next<'a>(&mut self, input: &mut &'a [u8]) -> Result<Option<Event<'a>>, Error> {
        loop {
            match &mut self.state {
                State::Header => {
                    let at = self.at.saturating_sub(self.block.filled());
                    let Some(block) = self.block.fill(input, &mut self.at) else {
                        return Ok(None);
                    };
                    if block.iter().all(|byte| *byte == 0) {
                        if self.local.is_some()
                            || self.long_name.is_some()
                            || self.long_link.is_some()
                        {
                            return Err(Error::Truncated { at });
                        }
                        self.state = State::Ended;
                        return Ok(Some(Event::End));
                    }
                    if let Some(entry) = self.header(&block, at)? {
                        return Ok(Some(Event::from(entry)));
                    }
                }
                State::Collect {
                    what,
                    at,
                    left,
                    padding,
                    body,
                } => {
                    body.extend_from_slice(take(input, left, &mut self.at));
                    if *left == 0 {
                        take(input, padding, &mut self.at);
                    }
                    if *left > 0 || *padding > 0 {
                        return Ok(None);
                    }
                    let (what, at, body) = (*what, *at, std::mem::take(body));
                    self.state = State::Header;
                    self.described(what, &body, at)?;
                }
                State::Extension(pending) => {
                    let Some(block) = self.block.fill(input, &mut self.at) else {
                        return Ok(None);
                    };
                    let (map, more) =
                        header::extension(&block, pending.entry.offset, &pending.entry.path)?;
                    pending.map.extend(map);
                    if pending.map.len() as u64 > MAX_EXTENTS {
                        return Err(pending.bad("it has too many extents"));
                    }
                    if !more {
                        let State::Extension(pending) = std::mem::take(&mut self.state) else {
                            continue;
                        };
                        return self.mapped(*pending).map(Event::from).map(Some);
                    }
                }
                State::Map(pending, reader) => {
                    let Some(block) = self.block.fill(input, &mut self.at) else {
                        return Ok(None);
                    };
                    let stored = pending.stored.checked_sub(BLOCK as u64);
                    pending.stored =
                        stored.ok_or_else(|| pending.bad("it is longer than the data"))?;
                    let map = reader.block(&block).map_err(|reason| pending.bad(reason))?;
                    if let Some(map) = map {
                        pending.map = map;
                        let State::Map(pending, _) = std::mem::take(&mut self.state) else {
                            continue;
                        };
                        return self.mapped(*pending).map(Event::from).map(Some);
                    }
                }
                State::Data(cursor) => {
                    if let Some((offset, bytes)) = cursor.data(input, &mut self.at) {
                        return Ok(Some(Event::Data { offset, bytes }));
                    }
                    if cursor.current.length > 0 {
                        return Ok(None);
                    }
                    take(input, &mut cursor.padding, &mut self.at);
                    if cursor.padding > 0 {
                        return Ok(None);
                    }
                    self.state = State::End;
                }
                State::Skip { left } => {
                    take(input, left, &mut self.at);
                    if *left > 0 {
                        return Ok(None);
                    }
                    self.state = State::End;
                }
                State::End => {
                    self.state = State::Header;
                    return Ok(Some(Event::EntryEnd));
                }
                State::Ended => {
                    if let Some(i) = input.iter().position(|byte| *byte != 0) {
                        return Err(Error::Trailing {
                            at: self.at.saturating_add(i as u64),
                        });
                    }
                    take(input, &mut u64::MAX.clone(), &mut self.at);
                    return Ok(None);
                }
            }
        }
    }

    /// To be called at the end of the input: an archive without its end mark
    /// was cut.
    pub fn finish(&self) -> Result<(), Error> {
        match self.state {
            State::Ended => Ok(()),
            _ => Err(Error::Truncated { at: self.at }),
        }
    }

    /// A header that describes the next member is complete.
    fn described(&mut self, what: u8, body: &[u8], at: u64) -> Result<(), Error> {
        let text = || body.strip_suffix(&[0]).unwrap_or(body).to_vec();
        match what {
            b'L' => self.long_name = Some(text()),
            b'K' => self.long_link = Some(text()),
            b'g' => self.global.apply(body, at)?,
            _ => {
                let global = &self.global;
                self.local
                    .get_or_insert_with(|| global.clone())
                    .apply(body, at)?;
            }
        }
        Ok(())
    }

    /// Reads a header block; the member, if one begins here and all of it is
    /// known. Leaves in `state` what comes after it.
    fn header(&mut self, block: &[u8; BLOCK], at: u64) -> Result<Option<Entry>, Error> {
        let raw = Raw::new(block, at)?;
        let flag = raw.flag();
        if matches!(flag, b'L' | b'K' | b'x' | b'X' | b'g') {
            let left = raw.size()?;
            // Several headers in a row add up.
            let (what, size, limit) = match flag {
                b'L' => ("long name", left, MAX_LONG_NAME),
                b'K' => ("long link name", left, MAX_LONG_NAME),
                _ => {
                    let sum = match flag {
                        b'g' => &mut self.global_size,
                        _ => &mut self.local_size,
                    };
                    *sum = sum.saturating_add(left);
                    ("pax header", *sum, MAX_PAX_HEADER)
                }
            };
            if size > limit {
                return Err(Error::TooLong {
                    at,
                    what,
                    size,
                    limit,
                });
            }
            self.state = State::Collect {
                what: flag,
                at,
                left,
                padding: padding(left),
                body: Vec::new(),
            };
            return Ok(None);
        }
        self.local_size = 0;
        let described = Described {
            overrides: self.local.take().unwrap_or_else(|| self.global.clone()),
            long_name: self.long_name.take(),
            long_link: self.long_link.take(),
        };
        if flag == b'V' {
            // A volume's label is no member.
            return Ok(None);
        }
        match member::read(&raw, at, described)? {
            Member::Whole(entry, stored) => {
                self.state = match entry.kind {
                    Kind::File { .. } => State::Data(Cursor::whole(stored)),
                    _ => State::Skip {
                        left: stored.saturating_add(padding(stored)),
                    },
                };
                Ok(Some(entry))
            }
            Member::Mapped(pending) => self.mapped(pending).map(Some),
            Member::Extended(pending) => {
                self.state = State::Extension(Box::new(pending));
                Ok(None)
            }
            Member::Ahead(pending) => {
                self.state = State::Map(Box::new(pending), MapReader::default());
                Ok(None)
            }
        }
    }

    /// A sparse file whose map is complete.
    fn mapped(&mut self, pending: Pending) -> Result<Entry, Error> {
        let stored = pending.stored;
        let (entry, map) = pending.finish()?;
        self.state = State::Data(Cursor::new(map, stored));
        Ok(entry)
    }
}
