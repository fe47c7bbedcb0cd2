//! Decompression: a `Read` adaptor over an archive, segments decoded in parallel and given out in order.

mod room;
mod segment;

use std::io::{self, Read};
use std::sync::Arc;
use std::time::{Duration, Instant};

use vxc_format::{
    Block, BlockReader, ContentHasher, Header, NextBlock, Segment, SegmentInfo, StreamDef,
};

use crate::admission::{Key, Keys, Load};
use crate::budget::Budget;
use crate::error::Error;
use crate::model::Model;
use crate::options::DecompressOptions;
use crate::parallel::in_parallel;
use crate::segment_code::State;
use crate::stream::Stream;
use crate::streams::Streams;
use room::Batch;
pub(crate) use segment::{decode_segment, start_state};

/// Decompresses an archive, or several one after the other, from a reader.
///
/// The content's checksums are verified; an error comes before any byte of a segment that is wrong.
pub struct Decoder<R: Read> {
    reader: BlockReader<R>,
    options: DecompressOptions,
    /// Of the streams of this archive, by id.
    definitions: Vec<StreamDef>,
    streams: Streams<u32>,
    /// A definition that was read and waits for room.
    waiting: Option<Block>,
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
    /// What comes behind the bytes that are to be given out.
    failure: Option<Error>,
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
            definitions: Vec::new(),
            streams: Streams::new(),
            waiting: None,
            keys: Keys::default(),
            hasher: ContentHasher::new(),
            out: Vec::new(),
            at: 0,
            budget,
            coding: Duration::ZERO,
            done: false,
            failure: None,
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
        if let Some(error) = self.failure.take() {
            return Err(error);
        }
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
        let mut batch = Batch { segments: Vec::new(), load: Load::new(&self.options) };
        let collected = self.collect(&mut batch);
        let waiting = !batch.segments.is_empty();
        self.decode(batch.segments)?;
        if self.failure.is_some() {
            return Ok(());
        }
        let ended = match collected {
            Ok(true) => self.end(),
            collected => collected.map(drop),
        };
        match ended {
            Ok(()) => Ok(()),
            // What comes before is given out first.
            Err(error) if waiting => {
                self.fail_behind(error);
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    /// Fails when what was decoded is given out.
    fn fail_behind(&mut self, error: Error) {
        (self.failure, self.failed) = (Some(error), true);
    }

    /// Takes the next segments that can be decoded side by side, and definitions before them. Whether the archive ends
    /// behind them.
    fn collect(&mut self, batch: &mut Batch) -> Result<bool, Error> {
        // Nothing is asked of the reader that the next output does not need.
        while !batch.load.is_full() {
            let goes_on = match self.waiting.take() {
                Some(block) => self.define(block, batch)?,
                None => match self.reader.peek()? {
                    NextBlock::Segment(info, coded_len) => self.take(&info, coded_len, batch)?,
                    NextBlock::Definition(len) if self.make_room(len, batch)? => {
                        let block = self.reader.next_block()?;
                        self.define(block, batch)?
                    }
                    NextBlock::Definition(_) => false,
                    NextBlock::End => return Ok(true),
                },
            };
            if !goes_on {
                break;
            }
        }
        Ok(false)
    }

    fn stream(&self, id: u32) -> Result<&Arc<Stream>, Error> {
        let missing = || Error::Corruption(format!("stream {id} is not open"));
        self.streams.get(id).ok_or_else(missing)
    }

    /// The end of an archive: the index is compared, then the checksums of the content.
    fn end(&mut self) -> Result<(), Error> {
        if let Block::End(footer) = self.reader.next_block()? {
            footer.content.verify(&self.hasher.digest())?;
        }
        self.hasher = ContentHasher::new();
        self.definitions.clear();
        self.streams = Streams::new();
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
            let stream = Arc::clone(self.stream(info.stream)?);
            jobs.push((stream, segment, self.key(&info)?.cloned()));
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
            let mut state = start_state(&stream, segment, state);
            let mut raw = Vec::new();
            let started = Instant::now();
            decode_segment(&stream, segment, &mut state, &mut raw)?;
            Ok::<_, Error>((raw, state, started.elapsed()))
        });
        for (k, (segment, result)) in batch.iter().zip(results).enumerate() {
            let (raw, state, coding) = match result {
                // What comes before is given out first, as if it had been decoded alone.
                Err(error) if k > 0 => {
                    self.fail_behind(error);
                    return Ok(());
                }
                result => result?,
            };
            self.coding += coding;
            self.hasher.update(&raw);
            self.out.extend_from_slice(&raw);
            self.keep(segment, state)?;
        }
        Ok(())
    }

    /// The state that a segment starts from, if it does not start anew.
    ///
    /// # Errors
    /// [`Error::Corruption`] if its key is missing; `LimitExceeded` if there was no room for it.
    fn key(&self, info: &SegmentInfo) -> Result<Option<&State>, Error> {
        let Some(n) = info.primed_by else { return Ok(None) };
        let key = self.keys.get(info.stream, n, self.options.limits.max_memory)?;
        key.ok_or_else(|| Error::Corruption("a key segment is missing".into())).map(Some)
    }

    /// Keeps the final state of a segment that may prime others.
    fn keep(&mut self, segment: &Segment, state: State) -> Result<(), Error> {
        let info = segment.header.info;
        if info.primed_by.is_none() && !matches!(state, State::None) {
            let bytes = self.stream(info.stream)?.code().state_bytes(info.kind);
            let (stream, segment, state) = (info.stream, info.number, Some(state));
            self.keys.put(Key { stream, segment, state, bytes });
        }
        Ok(())
    }
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
