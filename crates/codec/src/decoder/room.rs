//! Room for what comes next: segments that are taken, streams that are opened, definitions that are read, each beside what
//! is there already, of which what can be had again goes first.

use std::io::Read;

use vxc_format::{Block, Segment, SegmentInfo, StreamDef};

use super::Decoder;
use crate::admission::Load;
use crate::error::Error;

/// Segments that are decoded side by side.
pub(super) struct Batch {
    pub segments: Vec<Segment>,
    pub load: Load,
}

impl Batch {
    pub fn uses(&self, stream: u32) -> bool {
        self.segments.iter().any(|s| s.header.info.stream == stream)
    }
}

impl<R: Read> Decoder<R> {
    /// Takes a segment, unless it has to wait for those that were taken.
    pub(super) fn take(
        &mut self,
        info: &SegmentInfo,
        coded_len: u64,
        batch: &mut Batch,
    ) -> Result<bool, Error> {
        if batch.load.waits(info) || !self.open(info.stream, coded_len, batch)? {
            return Ok(false);
        }
        self.key(info)?;
        let need = self.stream(info.stream)?.memory(info.kind, info.raw_len, coded_len);
        // To decode more side by side, no stream is closed.
        let first = batch.segments.is_empty();
        while self.left(batch) < need
            && (self.free_output()
                || first && self.streams.close(&mut self.budget, |id| id == info.stream))
        {}
        let held = self.held();
        if !batch.load.take(&mut self.keys, info, need, held)? {
            return Ok(false);
        }
        if let Block::Segment(segment) = self.reader.next_block()? {
            batch.segments.push(segment);
        }
        Ok(true)
    }

    /// Opens a stream again if it was closed. False: segments that wait are decoded first, to make room.
    fn open(&mut self, id: u32, segment: u64, batch: &Batch) -> Result<bool, Error> {
        if self.streams.get(id).is_some() {
            return Ok(true);
        }
        loop {
            let Some(def) = self.definitions.get(id as usize) else {
                let message = format!("a segment names stream {id}, which is not there");
                return Err(Error::Corruption(message));
            };
            let beside = self.beside(batch).saturating_add(self.reader.table_bytes());
            let header = self.reader.header();
            match self.budget.open_stream(def, &self.models, header, beside) {
                Err(e) if e.is_limit() && self.free(batch, Some(id)) => {}
                Err(e) if e.is_limit() && !batch.segments.is_empty() => return Ok(false),
                opened => {
                    self.streams.insert(id, opened?, segment)?;
                    return Ok(true);
                }
            }
        }
    }

    /// Bytes held, whatever is worked on.
    fn held(&self) -> u64 {
        self.budget.held().saturating_add(self.reader.table_bytes())
    }

    /// Bytes that are worked with, beside those held.
    fn beside(&self, batch: &Batch) -> u64 {
        let output = if self.out.is_empty() { self.out.capacity() } else { 0 };
        batch.load.bytes().saturating_add(self.keys.bytes()).saturating_add(output as u64)
    }

    /// Bytes beside all of these.
    fn left(&self, batch: &Batch) -> u64 {
        let all = self.held().saturating_add(self.beside(batch));
        self.options.limits.max_memory.saturating_sub(all)
    }

    /// Frees the output of the segments before, if it was given out. Whether there was any.
    fn free_output(&mut self) -> bool {
        let free = self.out.is_empty() && self.out.capacity() > 0;
        if free {
            self.out = Vec::new();
        }
        free
    }

    /// Frees what can be had again: output that was given out, streams that are not in use; if nothing waits, a key, but
    /// not that of one stream. Whether there was any.
    fn free(&mut self, batch: &Batch, but: Option<u32>) -> bool {
        self.free_output()
            || self.streams.close(&mut self.budget, |id| batch.uses(id))
            || batch.segments.is_empty() && self.keys.give_way(but)
    }

    /// Makes room for the payload of a definition, before it is read. False: segments that wait are decoded first.
    ///
    /// # Errors
    /// `LimitExceeded` if it cannot be.
    pub(super) fn make_room(&mut self, len: u64, batch: &Batch) -> Result<bool, Error> {
        while self.left(batch) < len {
            if self.free(batch, None) {
                continue;
            }
            if !batch.segments.is_empty() {
                return Ok(false);
            }
            let all = self.held().saturating_add(self.beside(batch)).saturating_add(len);
            self.options.limits.check_memory("a definition", all)?;
            break;
        }
        Ok(true)
    }

    /// Opens a stream or loads a model. False: segments that wait are decoded first, to make room.
    pub(super) fn define(&mut self, block: Block, batch: &Batch) -> Result<bool, Error> {
        loop {
            let beside = self.beside(batch).saturating_add(self.reader.table_bytes());
            match self.try_define(&block, beside) {
                Err(e) if e.is_limit() && self.free(batch, None) => {}
                Err(e) if e.is_limit() && !batch.segments.is_empty() => {
                    self.waiting = Some(block);
                    return Ok(false);
                }
                defined => {
                    defined?;
                    break;
                }
            }
        }
        if let Block::Stream(def) = block {
            self.definitions.push(def);
        }
        Ok(true)
    }

    fn try_define(&mut self, block: &Block, beside: u64) -> Result<(), Error> {
        match block {
            Block::Stream(def) => {
                let header = self.reader.header();
                let stream = self.budget.open_stream(def, &self.models, header, beside)?;
                // Twice: places in a list are not all taken.
                let bytes = 2 * size_of::<StreamDef>() as u64 + def.payload.len() as u64;
                if let Err(e) = self.budget.hold("the definitions of streams", bytes, beside) {
                    self.budget.release(stream.held_bytes());
                    return Err(e);
                }
                self.streams.insert(def.id, stream, 0)?;
            }
            Block::Model(embedded) => self.models.push(self.budget.load_model(embedded, beside)?),
            Block::Segment(_) | Block::End(_) => {}
        }
        Ok(())
    }
}
