//! The content of a deflate stream of any length, in parts.

use crate::error::RemakeError;
use crate::form;
use crate::scan::Item;
use flate2::{Decompress, FlushDecompress, Status};
use std::io::{Read, Seek};

/// Bytes of a part; those of a group are a multiple of it.
const PART: usize = 8 << 20;
/// Bytes read at a time.
const READ: u64 = 1 << 20;

/// A part of the content.
pub struct Part {
    /// [`form::FIRST`], [`form::LAST`].
    pub ends: u8,
    pub setting: u8,
    pub content: Vec<u8>,
}

/// A stream that is being read.
pub struct Stream<'a> {
    item: &'a Item,
    setting: u8,
    decoder: Decompress,
    stored: Vec<u8>,
    /// What of `stored` is decoded, and how far the stream was read.
    taken: usize,
    read: u64,
    started: bool,
    ended: bool,
}

impl<'a> Stream<'a> {
    pub fn new(item: &'a Item, setting: u8) -> Self {
        let decoder = Decompress::new(false);
        let (stored, taken, read) = (Vec::new(), 0, 0);
        Self { item, setting, decoder, stored, taken, read, started: false, ended: false }
    }

    /// The next part; none behind the last one.
    ///
    /// # Errors
    /// I/O, also where the file has changed since it was planned.
    pub fn next<R: Read + Seek>(&mut self, file: &mut R) -> Result<Option<Part>, RemakeError> {
        if self.ended {
            return Ok(None);
        }
        // It was read before, when it was planned.
        let changed = || std::io::Error::other("it changed while it was read");
        let mut content = vec![0; PART];
        let mut filled = 0;
        while filled < PART && !self.ended {
            if self.taken == self.stored.len() {
                let n = READ.min(self.item.bytes.saturating_sub(self.read));
                self.stored = super::read(file, self.item.offset + self.read, n)?;
                self.read += n;
                self.taken = 0;
            }
            let input = self.stored.get(self.taken..).unwrap_or_default();
            let room = content.get_mut(filled..).unwrap_or_default();
            let before = (self.decoder.total_in(), self.decoder.total_out());
            let status = self.decoder.decompress(input, room, FlushDecompress::None);
            let status = status.map_err(|_| changed())?;
            let taken = self.decoder.total_in() - before.0;
            let given = self.decoder.total_out() - before.1;
            self.taken += super::to_usize(taken);
            filled += super::to_usize(given);
            self.ended = status == Status::StreamEnd;
            if !self.ended && taken == 0 && given == 0 {
                return Err(changed().into());
            }
        }
        let whole = self.decoder.total_in() == self.item.bytes;
        if self.ended && !whole {
            return Err(changed().into());
        }
        content.truncate(filled);
        let first = if self.started { 0 } else { form::FIRST };
        self.started = true;
        let ends = first | if self.ended { form::LAST } else { 0 };
        Ok(Some(Part { ends, setting: self.setting, content }))
    }
}
