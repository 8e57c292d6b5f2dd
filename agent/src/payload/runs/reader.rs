// SPDX-License-Identifier: MIT OR Apache-2.0
//! A reader whose chunks are read ahead by a thread.

use super::chunk::Chunks;
use super::{BUFFERS, Error, Runs};
use crate::disk::direct::Aligned;
use std::io::{self, Read};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::JoinHandle;

/// A buffer that goes round between the thread and the reader.
struct Piece {
    buffer: Aligned,
    /// Length of the verified chunk in it.
    filled: Result<usize, Error>,
}

impl Piece {
    fn empty(buffer: Aligned) -> Piece {
        let filled = Ok(0);
        Piece { buffer, filled }
    }
}

/// The file from its first byte on. When it is dropped its thread ends, at the
/// latest after the read that it is in.
pub(in crate::payload) struct Reader {
    name: PathBuf,
    /// Bytes not yet handed out.
    left: u64,
    /// The chunk that is being handed out: its filled bytes, and how many have
    /// been.
    current: Option<(Aligned, usize, usize)>,
    /// The first error is returned at each later read: the file must not seem to
    /// end there.
    failed: Option<Error>,
    filled: Receiver<Piece>,
    empty: Option<Sender<Piece>>,
    dropped: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Reader {
    pub(super) fn new(runs: Arc<Runs>) -> io::Result<Reader> {
        let dropped = Arc::new(AtomicBool::new(false));
        let (name, left) = (runs.name.clone(), runs.size());
        let chunks = Chunks::new(runs, Arc::clone(&dropped))?;
        let (full, filled) = mpsc::channel();
        let (empty, emptied) = mpsc::channel();
        for _ in 0..BUFFERS {
            // The receiver lives: this cannot fail.
            let _ = empty.send(Piece::empty(chunks.buffer()));
        }
        let ahead = move || {
            // Either channel closes when the reader is dropped.
            for index in 0.. {
                let Ok(mut piece) = emptied.recv() else {
                    return;
                };
                piece.filled = chunks.read(index, &mut piece.buffer);
                let goes_on = matches!(piece.filled, Ok(1..));
                if full.send(piece).is_err() || !goes_on {
                    return;
                }
            }
        };
        let thread = std::thread::Builder::new()
            .name("read ahead".into())
            .spawn(ahead)?;
        Ok(Reader {
            name,
            left,
            current: None,
            failed: None,
            filled,
            empty: Some(empty),
            dropped,
            thread: Some(thread),
        })
    }

    /// Returns the used buffer to the thread, and takes the next chunk.
    fn next(&mut self) -> Result<(), Error> {
        if let (Some((buffer, ..)), Some(empty)) = (self.current.take(), &self.empty) {
            // The thread may be done already.
            let _ = empty.send(Piece::empty(buffer));
        }
        let ended = |_| Error::Ended(self.name.clone());
        let Piece { buffer, filled } = self.filled.recv().map_err(ended)?;
        match filled? {
            0 => Err(Error::Ended(self.name.clone())),
            length => {
                self.current = Some((buffer, length, 0));
                Ok(())
            }
        }
    }
}

impl Read for Reader {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if let Some(error) = &self.failed {
            return Err(error.clone().into());
        }
        if out.is_empty() || self.left == 0 {
            return Ok(0);
        }
        loop {
            if let Some((buffer, length, used)) = &mut self.current
                && used < length
            {
                let bytes = buffer.get(*used..*length).unwrap_or_default();
                let count = bytes.len().min(out.len());
                if let (Some(to), Some(from)) = (out.get_mut(..count), bytes.get(..count)) {
                    to.copy_from_slice(from);
                }
                *used = used.saturating_add(count);
                self.left = self.left.saturating_sub(count as u64);
                return Ok(count);
            }
            if let Err(error) = self.next() {
                self.failed = Some(error.clone());
                return Err(error.into());
            }
        }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.dropped.store(true, Ordering::Relaxed);
        self.empty = None;
        if let Some(thread) = self.thread.take() {
            // A panic of the thread has closed the channel, which was noticed.
            let _ = thread.join();
        }
    }
}
