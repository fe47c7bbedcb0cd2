//! Decompression: a `Read` adaptor over an archive, segments decoded in parallel and given out in order.

use std::io::{self, Read};
use std::sync::Arc;
use std::time::{Duration, Instant};

use vxc_format::{
    Block, BlockReader, ContentHasher, Header, NextBlock, RawSummary, Segment, SegmentKind,
};

use crate::admission::{Key, Keys, Load};
use crate::budget::Budget;
use crate::error::Error;
use crate::model::Model;
use crate::options::DecompressOptions;
use crate::parallel::in_parallel;
use crate::segment_code::State;
use crate::stream::Stream;

/// Decompresses an archive, or several one after the other, from a reader.
///
/// The content's checksums are verified; an error comes before any byte of a segment that is wrong.
pub struct Decoder<R: Read> {
    reader: BlockReader<R>,
    options: DecompressOptions,
    streams: Vec<Stream>,
    models: Vec<Arc<Model>>,
    keys: Keys,
    hasher: ContentHasher,
    out: Vec<u8>,
    at: usize,
    budget: Budget,
    /// Time spent on decoding segments, summed over threads.
    coding: Duration,
    /// The header of the archive whose content is given out.
    header: Header,
    /// Whether the rest of that archive's content is in `out`.
    ended: bool,
    done: bool,
    failed: bool,
}

impl<R: Read> Decoder<R> {
    /// Reads the header.
    ///
    /// # Errors
    /// Whatever is wrong with it.
    pub fn new(inner: R, options: DecompressOptions) -> Result<Self, Error> {
        vxc_infer::Isa::from_env()?;
        let budget = Budget::new(&options)?;
        let reader = BlockReader::new(inner, options.limits)?;
        Ok(Self {
            header: reader.header().clone(),
            ended: false,
            reader,
            models: options.models.clone(),
            options,
            streams: Vec::new(),
            keys: Keys::default(),
            hasher: ContentHasher::new(),
            out: Vec::new(),
            at: 0,
            budget,
            coding: Duration::ZERO,
            done: false,
            failed: false,
        })
    }

    /// The header of the archive that is being read.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The next decoded bytes of the archive that [`Decoder::header`] is of; empty at its end.
    ///
    /// # Errors
    /// As [`Decoder::next_chunk`].
    pub fn archive_chunk(&mut self) -> Result<&[u8], Error> {
        self.ready()?;
        let from = self.at;
        self.at = self.out.len();
        Ok(&self.out[from..])
    }

    /// Decodes until there are bytes to give, or the archive ends; says which.
    fn ready(&mut self) -> Result<bool, Error> {
        while self.at == self.out.len() && !self.ended {
            self.out.clear();
            self.at = 0;
            self.fill()?;
        }
        Ok(self.at < self.out.len())
    }

    /// At the end of an archive: goes on to the next one; false where there is none.
    pub fn next_archive(&mut self) -> bool {
        if self.ended && !self.done {
            self.header = self.reader.header().clone();
            self.ended = false;
            return true;
        }
        false
    }

    /// The next decoded bytes; empty at the end of the input.
    ///
    /// # Errors
    /// Whatever is wrong with the input. Bytes given before are right.
    pub fn next_chunk(&mut self) -> Result<&[u8], Error> {
        while !self.ready()? && self.next_archive() {}
        self.archive_chunk()
    }

    /// All content from here on.
    ///
    /// # Errors
    /// Whatever is wrong with the input; nothing is given then.
    pub fn decode_all(&mut self) -> Result<Vec<u8>, Error> {
        self.out.drain(..self.at);
        self.at = 0;
        while !self.ended || self.next_archive() {
            self.fill()?;
        }
        Ok(std::mem::take(&mut self.out))
    }

    /// Seconds spent so far on decoding segments and checking their own checksums, summed over threads: the counterpart
    /// of [`Summary::coding_seconds`](crate::Summary::coding_seconds). The rest is reading, opening streams and the
    /// checksums of the whole content.
    pub fn coding_seconds(&self) -> f64 {
        self.coding.as_secs_f64()
    }

    /// Decodes the next batch of segments and appends them to `out`.
    fn fill(&mut self) -> Result<(), Error> {
        if self.failed {
            return Err(Error::Corruption("the archive is damaged further up".into()));
        }
        let good = self.out.len();
        let result = self.fill_batch();
        if result.is_err() {
            // What was not verified is never given out.
            self.out.truncate(good);
            self.failed = true;
        }
        result
    }

    fn fill_batch(&mut self) -> Result<(), Error> {
        let mut batch: Vec<Segment> = Vec::new();
        let mut load = Load::new(&self.options);
        loop {
            let held = self.budget.held().saturating_add(self.reader.table_bytes());
            match self.reader.peek()? {
                NextBlock::Segment(info, coded_len) => {
                    let stream = stream_of(&self.streams, info.stream)?;
                    let need = stream.memory(info.kind, info.raw_len, coded_len);
                    let all = self.beside(&load).saturating_add(held);
                    if self.left(all) < need {
                        self.free_output();
                    }
                    if !load.take(&mut self.keys, &info, need, held)? {
                        break;
                    }
                    if let Block::Segment(segment) = self.reader.next_block()? {
                        batch.push(segment);
                    }
                }
                NextBlock::Definition(len) => {
                    // A payload has to fit beside the rest before it is read.
                    while self.left(self.beside(&load).saturating_add(held)) < len
                        && self.make_room(&mut batch, &mut load)?
                    {}
                    let all = self.beside(&load).saturating_add(held).saturating_add(len);
                    self.options.limits.check_memory("a definition", all)?;
                    let block = self.reader.next_block()?;
                    loop {
                        match self.define(&block, self.beside(&load)) {
                            Err(e) if e.is_limit() && self.make_room(&mut batch, &mut load)? => {}
                            defined => break defined?,
                        }
                    }
                    // What was decoded to make room is given out before more is.
                    if !self.out.is_empty() {
                        break;
                    }
                }
                NextBlock::End => {
                    self.decode(batch)?;
                    return self.end();
                }
            }
        }
        self.decode(batch)
    }

    /// Memory beside so many bytes.
    fn left(&self, bytes: u64) -> u64 {
        self.options.limits.max_memory.saturating_sub(bytes)
    }

    /// Bytes that are worked with, beside those held.
    fn beside(&self, load: &Load) -> u64 {
        let output = if self.out.is_empty() { self.out.capacity() } else { 0 };
        load.bytes().saturating_add(self.keys.bytes()).saturating_add(output as u64)
    }

    /// Frees the output of the segments before, if it was given out. Whether there was any.
    fn free_output(&mut self) -> bool {
        let free = self.out.is_empty() && self.out.capacity() > 0;
        if free {
            self.out = Vec::new();
        }
        free
    }

    /// Frees memory for a definition: output that was given out, segments that wait (they are decoded), a key. Whether
    /// there was any.
    fn make_room(&mut self, batch: &mut Vec<Segment>, load: &mut Load) -> Result<bool, Error> {
        if self.free_output() {
            return Ok(true);
        }
        if !batch.is_empty() {
            *load = Load::new(&self.options);
            self.decode(std::mem::take(batch))?;
            return Ok(true);
        }
        Ok(self.keys.give_way(None))
    }

    /// Opens a stream or loads a model.
    fn define(&mut self, block: &Block, beside: u64) -> Result<(), Error> {
        let beside = beside.saturating_add(self.reader.table_bytes());
        match block {
            Block::Stream(def) => {
                let header = self.reader.header();
                let stream = self.budget.open_stream(def, &self.models, header, beside)?;
                self.streams.push(stream);
            }
            Block::Model(embedded) => self.models.push(self.budget.load_model(embedded, beside)?),
            Block::Segment(_) | Block::End(_) => {}
        }
        Ok(())
    }

    /// The end of an archive: the index is compared, then the checksums of the content.
    fn end(&mut self) -> Result<(), Error> {
        if let Block::End(footer) = self.reader.next_block()? {
            footer.content.verify(&self.hasher.digest())?;
        }
        self.hasher = ContentHasher::new();
        self.streams.clear();
        self.budget.restart();
        self.keys = Keys::default();
        self.models = self.options.models.clone();
        self.done = !self.reader.next_archive()?;
        self.ended = true;
        Ok(())
    }

    fn decode(&mut self, batch: Vec<Segment>) -> Result<(), Error> {
        let mut jobs = Vec::with_capacity(batch.len());
        for segment in &batch {
            let info = segment.header.info;
            let stream = stream_of(&self.streams, info.stream)?;
            let limit = self.options.limits.max_memory;
            let state = match info.primed_by {
                None => None,
                Some(n) => {
                    let state = self.keys.get(info.stream, n, limit)?.cloned();
                    Some(
                        state
                            .ok_or_else(|| Error::Corruption("a key segment is missing".into()))?,
                    )
                }
            };
            jobs.push((stream, segment, state));
        }
        if let ([segment], [(stream, _, state)]) = (&batch[..], &mut jobs[..]) {
            // One segment: straight into the output, whose memory is used again and again.
            let mut state = start_state(stream, segment, state.take());
            let from = self.out.len();
            let started = Instant::now();
            decode_segment(stream, segment, &mut state, &mut self.out)?;
            self.coding += started.elapsed();
            self.hasher.update(&self.out[from..]);
            return self.keep(segment, state);
        }
        let bytes = batch.iter().map(|s| s.header.info.raw_len).fold(0, u64::saturating_add);
        let results = in_parallel(bytes, jobs, |(stream, segment, state)| {
            let mut state = start_state(stream, segment, state);
            let mut raw = Vec::new();
            let started = Instant::now();
            decode_segment(stream, segment, &mut state, &mut raw)?;
            Ok::<_, Error>((raw, state, started.elapsed()))
        });
        for (segment, result) in batch.iter().zip(results) {
            let (raw, state, coding) = result?;
            self.coding += coding;
            self.hasher.update(&raw);
            self.out.extend_from_slice(&raw);
            self.keep(segment, state)?;
        }
        Ok(())
    }

    /// Keeps the final state of a segment that may prime others.
    fn keep(&mut self, segment: &Segment, state: State) -> Result<(), Error> {
        let info = segment.header.info;
        if info.primed_by.is_none() && !matches!(state, State::None) {
            let bytes = stream_of(&self.streams, info.stream)?.code().state_bytes(info.kind);
            self.keys.put(Key { stream: info.stream, segment: info.number, state, bytes });
        }
        Ok(())
    }
}

/// The stream of a segment.
///
/// # Errors
/// [`Error::Corruption`] if it is not there.
pub(crate) fn stream_of(streams: &[Stream], id: u32) -> Result<&Stream, Error> {
    streams.get(id as usize).ok_or_else(|| {
        Error::Corruption(format!("a segment names stream {id}, which is not there"))
    })
}

/// What a segment starts from: its key's final state, or nothing learned.
pub(crate) fn start_state(stream: &Stream, segment: &Segment, key: Option<State>) -> State {
    match (key, segment.header.info.kind) {
        (Some(state), _) => state,
        (None, SegmentKind::Stored | SegmentKind::Lz) => State::None,
        (None, kind) => stream.fresh(kind),
    }
}

/// Decodes one segment, appends it to `out` and checks it.
///
/// # Errors
/// [`Error::Corruption`]; that its checksum is another.
pub(crate) fn decode_segment(
    stream: &Stream,
    segment: &Segment,
    state: &mut State,
    out: &mut Vec<u8>,
) -> Result<(), Error> {
    let info = segment.header.info;
    let raw_len = usize::try_from(info.raw_len)
        .map_err(|_| Error::Corruption("length of a segment".into()))?;
    let from = out.len();
    stream.decode(info.kind, state, &segment.coded, out, raw_len)?;
    segment.header.verify_raw(&RawSummary::of(&out[from..]))?;
    Ok(())
}

impl<R: Read> Read for Decoder<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        while !self.ready().map_err(Error::into_io)? && self.next_archive() {}
        let n = buf.len().min(self.out.len() - self.at);
        buf[..n].copy_from_slice(&self.out[self.at..self.at + n]);
        self.at += n;
        Ok(n)
    }
}
