//! Decompression: a `Read` adaptor over an archive, segments decoded in parallel and given out in order.

use std::io::{self, Read};
use std::sync::Arc;
use std::time::{Duration, Instant};

use vxc_format::{
    Block, BlockReader, ContentHasher, FormatError, Header, ModelId, RawSummary, Segment,
    SegmentKind, StreamDef, TokeniserSource,
};

use crate::PROFILE;
use crate::budget::Budget;
use crate::error::Error;
use crate::model::Model;
use crate::options::{DecompressOptions, threads};
use crate::parallel::in_parallel;
use crate::segment_code::{State, check_memory};
use crate::stream::Stream;
use crate::stream_code::StreamCode;

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
    /// A segment read but not decoded yet.
    ahead: Option<Segment>,
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

/// Final states of fresh segments, the newest last.
#[derive(Default)]
pub(crate) struct Keys(Vec<Key>);

/// The final state of a segment.
pub(crate) struct Key {
    pub stream: u32,
    pub segment: u64,
    pub state: State,
    /// Bytes that it holds.
    pub bytes: u64,
}

impl Keys {
    pub fn get(&self, stream: u32, segment: u64) -> Option<&State> {
        self.0.iter().find(|k| (k.stream, k.segment) == (stream, segment)).map(|k| &k.state)
    }

    pub fn put(&mut self, key: Key) {
        self.0.retain(|k| k.stream != key.stream);
        if self.0.len() >= vxc_format::constants::KEPT_KEYS {
            self.0.remove(0);
        }
        self.0.push(key);
    }

    /// Bytes that all states hold.
    pub fn bytes(&self) -> u64 {
        self.0.iter().map(|k| k.bytes).sum()
    }

    /// Whether the keys of other streams hold more than `most` bytes.
    fn others_exceed(&self, stream: u32, most: u64) -> bool {
        self.0.iter().filter(|k| k.stream != stream).map(|k| k.bytes).sum::<u64>() > most
    }
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
            ahead: None,
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
        let mut most = usize::MAX;
        while batch.len() < most {
            let segment = match self.ahead.take() {
                Some(segment) => segment,
                None => match self.reader.next_block()? {
                    Block::Stream(def) => {
                        let header = self.reader.header();
                        self.streams.push(self.budget.open_stream(&def, &self.models, header)?);
                        continue;
                    }
                    Block::Model(embedded) => {
                        self.models.push(self.budget.load_model(embedded)?);
                        continue;
                    }
                    Block::Segment(segment) => segment,
                    Block::End(footer) => {
                        self.decode(std::mem::take(&mut batch))?;
                        footer.content.verify(&self.hasher.digest())?;
                        self.hasher = ContentHasher::new();
                        self.streams.clear();
                        self.budget.restart();
                        self.keys = Keys::default();
                        self.models = self.options.models.clone();
                        self.done = !self.reader.next_archive()?;
                        self.ended = true;
                        return Ok(());
                    }
                },
            };
            let info = segment.header.info;
            let stream = stream_of(&self.streams, info.stream)?;
            let each = stream.memory(info.kind, info.raw_len);
            // A primed segment works beside its key's state.
            let state = stream.code().state_bytes(info.kind);
            let key = if info.primed_by.is_some() { state } else { 0 };
            let held = self.budget.held().saturating_add(self.reader.table_bytes());
            let needed = each.saturating_add(held).saturating_add(key);
            check_memory(needed, &self.options.limits)?;
            let memory = self.options.limits.max_memory;
            let crowded = self.keys.others_exceed(info.stream, memory - needed);
            let fixed = held.saturating_add(self.keys.bytes().max(state));
            let allowed = threads(self.options.threads, memory, fixed, each);
            // A segment waits for the one that primes it.
            let waits =
                info.primed_by.is_some_and(|n| batch.iter().any(|s| s.header.info.number == n));
            if waits || batch.len() >= allowed || (crowded && !batch.is_empty()) {
                self.ahead = Some(segment);
                break;
            }
            if crowded {
                // A stream that ended gives way to the one that goes on.
                self.keys.0.retain(|k| k.stream == info.stream);
            }
            most = most.min(allowed);
            batch.push(segment);
        }
        self.decode(batch)
    }

    fn decode(&mut self, batch: Vec<Segment>) -> Result<(), Error> {
        let mut jobs = Vec::with_capacity(batch.len());
        for segment in &batch {
            let info = segment.header.info;
            let stream = stream_of(&self.streams, info.stream)?;
            let state = match info.primed_by {
                None => None,
                // The rules of the format keep it; only memory can have been short.
                Some(n) => Some(self.keys.get(info.stream, n).cloned().ok_or(
                    FormatError::LimitExceeded {
                        what: "the states of streams that take turns",
                        needed: self.options.limits.max_memory.saturating_add(1),
                        limit: self.options.limits.max_memory,
                    },
                )?),
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

/// Opens a stream from its definition.
///
/// # Errors
/// [`Error::ModelMissing`]; [`FormatError::UnsupportedVersion`] for the arithmetic of another program; [`Error::Corruption`].
pub(crate) fn open_stream(
    def: &StreamDef,
    models: &[Arc<Model>],
    header: &Header,
) -> Result<Stream, Error> {
    if header.profile != PROFILE {
        let profile = format!("arithmetic profile {}", header.profile);
        return Err(FormatError::UnsupportedVersion(profile).into());
    }
    let stream = match def.source {
        TokeniserSource::Inline => Stream::new(StreamCode::from_bytes(&def.payload)?),
        TokeniserSource::Model(_) if !def.payload.is_empty() => {
            return Err(Error::Corruption("a definition beside that of the model".into()));
        }
        TokeniserSource::Model(id) => {
            Stream::of_model(find_model(models, id, &header.writer.to_string())?)
        }
    };
    if def.kind != stream.code().kind() {
        return Err(Error::Corruption("the kind of a stream is not that of its code".into()));
    }
    Ok(stream)
}

fn find_model(models: &[Arc<Model>], id: ModelId, writer: &str) -> Result<Arc<Model>, Error> {
    models
        .iter()
        .find(|m| m.id() == id)
        .cloned()
        .ok_or_else(|| Error::ModelMissing { id, writer: writer.to_string() })
}

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
