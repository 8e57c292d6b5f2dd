// SPDX-License-Identifier: MIT OR Apache-2.0
//! The payload decoded on one thread and consumed on another.

use super::xz::{self, Decoder, Limits};
use super::{Payload, SourceError};
use ondisk::pax::{self, Event, Parser};
use std::sync::mpsc;
use std::thread;

/// Bytes of a buffer between the decoder and the writer.
const BUFFER: usize = 1 << 20;
/// Buffers between them. A few let both go on while the other one waits.
const BUFFERS: usize = 4;

/// Memory that goes through the pipe, in bytes, beside the decoder's own.
pub(super) const PIPE: u64 = (BUFFER * BUFFERS) as u64;

/// How far an archive is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Progress {
    /// Compressed bytes taken by the decoder.
    pub compressed: u64,
    /// Compressed bytes in all.
    pub compressed_total: u64,
    /// Bytes of file data so far (as in [`pax::Totals::bytes`]).
    pub bytes: u64,
    pub entries: u64,
}

/// Why the archive cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum StreamError {
    #[error(transparent)]
    Source(#[from] SourceError),
    #[error(transparent)]
    Xz(#[from] xz::Error),
    #[error("{file}: {error}")]
    Tar { file: String, error: pax::Error },
    #[error("cannot start the decoder's thread: {0}")]
    Thread(std::io::Error),
}

impl StreamError {
    /// Whether trying again may succeed.
    pub fn is_transient(&self) -> bool {
        match self {
            StreamError::Source(error) => error.is_transient(),
            StreamError::Xz(error) => error.is_transient(),
            StreamError::Tar { .. } => false,
            StreamError::Thread(error) => sys::transient::io(error),
        }
    }
}

/// A buffer that goes round between decoder and consumer.
struct Piece {
    buffer: Vec<u8>,
    /// How many bytes the decoder put into it, and how many compressed ones it
    /// had taken by then.
    filled: Result<(usize, u64), xz::Error>,
}

impl Piece {
    fn empty(buffer: Vec<u8>) -> Piece {
        let filled = Ok((0, 0));
        Piece { buffer, filled }
    }
}

/// Decodes `payload` on a thread of its own and hands every event of the
/// archive to `consume`, until the file's very end, so that every check has
/// been verified when this returns `Ok`. Decoder and consumer work at the
/// same time; at most [`PIPE`] bytes lie between them.
pub(super) fn read<E: From<StreamError>>(
    payload: &Payload,
    limits: Limits,
    progress: &mut dyn FnMut(Progress),
    mut consume: impl FnMut(Event<'_>) -> Result<(), E>,
) -> Result<(), E> {
    let reader = payload.open().map_err(StreamError::Source)?;
    let mut decoder = Decoder::new(reader, payload.name(), limits);
    let (full, filled) = mpsc::sync_channel(BUFFERS);
    let (empty, emptied) = mpsc::channel();
    for _ in 0..BUFFERS {
        // The receiver lives: this cannot fail.
        let _ = empty.send(Piece::empty(vec![0; BUFFER]));
    }
    let decode = move || {
        // Either channel closes when the other side gave up.
        while let Ok(mut piece) = emptied.recv() {
            let length = fill(&mut decoder, &mut piece.buffer);
            piece.filled = length.map(|length| (length, decoder.position()));
            let last = !matches!(piece.filled, Ok((1.., _)));
            if full.send(piece).is_err() || last {
                return;
            }
        }
    };
    let tar = |error| StreamError::Tar {
        file: payload.name().display().to_string(),
        error,
    };
    thread::scope(|scope| {
        thread::Builder::new()
            .name("decode".into())
            .spawn_scoped(scope, decode)
            .map_err(StreamError::Thread)?;
        // Moved in, so that an error closes the channels before the scope
        // waits for the thread.
        let (filled, empty) = (filled, empty);
        let mut parser = Parser::new();
        let mut now = Progress {
            compressed_total: payload.size(),
            ..Progress::default()
        };
        for Piece { buffer, filled } in &filled {
            let (length, compressed) = filled.map_err(StreamError::Xz)?;
            now.compressed = compressed;
            let mut input = buffer.get(..length).unwrap_or_default();
            if input.is_empty() {
                break;
            }
            while let Some(event) = parser.next(&mut input).map_err(tar)? {
                match &event {
                    Event::Entry(_) => now.entries = now.entries.saturating_add(1),
                    Event::Data { bytes, .. } => {
                        now.bytes = now.bytes.saturating_add(bytes.len() as u64);
                    }
                    _ => {}
                }
                consume(event)?;
                progress(now);
            }
            // The decoder may be done already.
            let _ = empty.send(Piece::empty(buffer));
        }
        parser.finish().map_err(tar)?;
        progress(now);
        Ok(())
    })
}

/// Fills the buffer as far as the archive goes: big pieces make big writes.
fn fill<R: std::io::Read>(decoder: &mut Decoder<R>, buffer: &mut [u8]) -> Result<usize, xz::Error> {
    let mut length = 0usize;
    while let Some(room @ [_, ..]) = buffer.get_mut(length..) {
        match decoder.read(room)? {
            0 => break,
            read => length = length.saturating_add(read),
        }
    }
    Ok(length)
}
