//! Compression: a `Write` adaptor that plans, cuts, codes segments in parallel, verifies and writes.
//!
//! What is written depends on the bytes and the options alone: not on how they arrive, nor on the number of
//! threads. Decisions are made when the look-ahead is full or the input ends.

mod planning;
mod segment;

use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use vxc_format::{ArchiveWriter, Footer, Header, NewSegment, Writer};
use vxc_tokens::RecordLayout;

use self::segment::{Coded, Cut, Output, code_segment};
use crate::error::Error;
use crate::level::{LOOKAHEAD, Level};
use crate::model::Model;
use crate::options::{CompressOptions, threads};
use crate::parallel::in_parallel;
use crate::plan::{Part, parts};
use crate::segment_code::State;

/// What a compression did.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Summary {
    /// Content bytes.
    pub raw_bytes: u64,
    /// Archive bytes.
    pub coded_bytes: u64,
    /// Number of segments.
    pub segments: u64,
    /// Record sizes of the streams, 0 for plain bytes.
    pub streams: Vec<u64>,
    /// How many of them are coded with a network.
    pub networks: usize,
    /// Bytes of models within the archive.
    pub embedded_bytes: u64,
    /// Adler-32 of the content.
    pub adler32: u32,
    /// Seconds spent on finding layouts, fitting and choosing.
    pub plan_seconds: f64,
    /// Seconds spent on coding, summed over threads.
    pub coding_seconds: f64,
    /// Seconds spent on decoding again and comparing, summed over threads.
    pub verify_seconds: f64,
}

/// Compresses what is written to it. [`Encoder::finish`] completes the archive; an encoder that is dropped
/// before leaves a truncated one.
pub struct Encoder<W: Write> {
    options: CompressOptions,
    /// The level that is used: that of the options where it can be.
    level: Level,
    /// What was trained on the input.
    trained: Option<Arc<Model>>,
    /// Whether the model is used already.
    model_used: bool,
    writer: ArchiveWriter<Counting<W>>,
    /// Bytes not coded yet, from `start` on.
    buffer: Vec<u8>,
    start: usize,
    /// What the pending bytes are, where [`Encoder::section`] said so: then of all of them.
    given: Vec<Part>,
    /// Of what is planned.
    streams: Vec<Output>,
    cuts: VecDeque<Cut>,
    summary: Summary,
}

impl<W: Write> Encoder<W> {
    /// Starts an archive on `inner`.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for options that cannot be; I/O errors.
    pub fn new(inner: W, options: CompressOptions) -> Result<Self, Error> {
        vxc_infer::Isa::from_env()?;
        let header = Header {
            level: options.level.number(),
            profile: crate::PROFILE,
            writer: writer_version(),
            name: options.metadata.name.clone(),
            mtime: options.metadata.mtime,
            mode: options.metadata.mode,
            raw_size: None,
            original: options.original,
        };
        let writer = ArchiveWriter::new(Counting { inner, bytes: 0 }, &header)?;
        // Without a network, a neural level is the best of the others.
        let network = match &options.model {
            Some(model) => model.neural().is_some(),
            None => options.trainer.is_some(),
        };
        let level = if network { options.level } else { options.level.without_network() };
        Ok(Self {
            options,
            level,
            trained: None,
            model_used: false,
            writer,
            buffer: Vec::new(),
            start: 0,
            given: Vec::new(),
            streams: Vec::new(),
            cuts: VecDeque::new(),
            summary: Summary::default(),
        })
    }

    /// Compresses the rest and completes the archive.
    ///
    /// # Errors
    /// [`Error::Verify`] if a segment does not decode to what was given; I/O errors.
    pub fn finish(mut self) -> Result<(W, Summary), Error> {
        self.code_pending()?;
        let (counting, footer): (Counting<W>, Footer) = self.writer.finish()?;
        self.summary.coded_bytes = counting.bytes;
        self.summary.adler32 = footer.content.adler32;
        Ok((counting.inner, self.summary))
    }

    /// Adds bytes.
    ///
    /// # Errors
    /// As [`Encoder::finish`].
    pub fn push(&mut self, mut bytes: &[u8]) -> Result<(), Error> {
        if !self.given.is_empty() && !bytes.is_empty() {
            self.code_pending()?;
        }
        while !bytes.is_empty() {
            let room = (LOOKAHEAD as usize + 1).saturating_sub(self.pending());
            let (now, later) = bytes.split_at(bytes.len().min(room));
            self.buffer.extend_from_slice(now);
            bytes = later;
            if self.pending() > LOOKAHEAD as usize {
                self.plan(true)?;
                self.code_planned()?;
            }
        }
        Ok(())
    }

    /// Adds bytes that belong together, apart from those before and after: they are streams of their own. With a
    /// layout they are its records and are not looked at for others; what is no whole record at their end is
    /// coded as bytes. Without one they are bytes.
    ///
    /// # Errors
    /// As [`Encoder::finish`].
    pub fn section(&mut self, bytes: &[u8], layout: Option<&RecordLayout>) -> Result<(), Error> {
        let stretch = LOOKAHEAD as usize;
        let most = layout.map_or(stretch, |l| (stretch / l.record_bytes).max(1) * l.record_bytes);
        self.add_section(bytes, most, |bytes| match layout {
            Some(layout) => parts(bytes, Some(layout), false),
            None => vec![Part { len: bytes.len(), layout: None }],
        })
    }

    /// As [`Encoder::section`], of bytes of which nothing is known: they are looked at for tables and text, by
    /// themselves.
    ///
    /// # Errors
    /// As [`Encoder::finish`].
    pub fn unknown_section(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.add_section(bytes, LOOKAHEAD as usize, |bytes| parts(bytes, None, false))
    }

    fn add_section(
        &mut self,
        bytes: &[u8],
        most: usize,
        parts: impl Fn(&[u8]) -> Vec<Part>,
    ) -> Result<(), Error> {
        if self.given.is_empty() {
            self.code_pending()?;
        }
        let stretch = LOOKAHEAD as usize;
        for bytes in bytes.chunks(most) {
            if self.pending() + bytes.len() > stretch {
                self.code_pending()?;
            }
            self.buffer.extend_from_slice(bytes);
            self.given.extend(parts(bytes));
        }
        Ok(())
    }

    /// Codes what is pending.
    fn code_pending(&mut self) -> Result<(), Error> {
        while self.pending() > 0 {
            self.plan(false)?;
            self.code_planned()?;
        }
        Ok(())
    }

    fn pending(&self) -> usize {
        self.buffer.len() - self.start
    }

    /// Codes and writes all planned segments.
    fn code_planned(&mut self) -> Result<(), Error> {
        loop {
            let batch = self.next_batch();
            if batch.is_empty() {
                self.buffer.drain(..self.start);
                self.start = 0;
                // The streams end here.
                self.streams.clear();
                return Ok(());
            }
            let coded = self.code_batch(&batch)?;
            for (cut, coded) in batch.iter().zip(coded) {
                self.write(*cut, coded)?;
            }
        }
    }

    /// The next segments that can be coded side by side.
    fn next_batch(&mut self) -> Vec<Cut> {
        let mut batch: Vec<Cut> = Vec::new();
        // What the most demanding segment takes.
        let (mut state, mut each) = (0, 0);
        // A key comes before what it primes.
        while !batch.last().is_some_and(|c| c.key)
            && let Some(&cut) = self.cuts.front()
        {
            let output = &self.streams[cut.stream];
            let kind = output.method.kind();
            state = output.stream.code().state_bytes(kind).max(state);
            each = output.stream.memory(kind, cut.len as u64, cut.len as u64).max(each);
            // The key's state stays beside those of the threads.
            let fixed = LOOKAHEAD + state;
            if batch.len() >= threads(self.options.threads, self.options.memory, fixed, each)
                && !batch.is_empty()
            {
                break;
            }
            self.cuts.pop_front();
            batch.push(cut);
        }
        batch
    }

    fn code_batch(&self, batch: &[Cut]) -> Result<Vec<Coded>, Error> {
        let mut at = self.start;
        let mut jobs = Vec::with_capacity(batch.len());
        for cut in batch {
            jobs.push((&self.streams[cut.stream], &self.buffer[at..at + cut.len], cut.key));
            at += cut.len;
        }
        let (verify, progress) = (self.options.verify, self.options.progress.as_deref());
        let bytes = batch.iter().map(|cut| cut.len as u64).sum();
        let results = in_parallel(bytes, jobs, |(output, raw, key)| {
            let coded = code_segment(output, raw, key, verify)?;
            if let Some(progress) = progress {
                progress.fetch_add(raw.len() as u64, Relaxed);
            }
            Ok(coded)
        });
        results
            .into_iter()
            .map(|r| {
                r.map_err(|e| match e {
                    Error::Verify { .. } => Error::Verify { at: self.summary.raw_bytes },
                    e => e,
                })
            })
            .collect()
    }

    fn write(&mut self, cut: Cut, coded: Coded) -> Result<(), Error> {
        let output = &mut self.streams[cut.stream];
        let raw = &self.buffer[self.start..self.start + cut.len];
        self.writer.content(raw);
        let primed_by = match &output.key {
            Some((number, kind, _)) if *kind == coded.kind => Some(*number),
            _ => None,
        };
        let number = self.writer.segment(&NewSegment {
            stream: output.id,
            kind: coded.kind,
            primed_by,
            raw: coded.raw,
            coded: &coded.bytes,
        })?;
        if cut.key && !matches!(coded.state, State::None) {
            output.key = Some((number, coded.kind, coded.state));
        }
        self.start += cut.len;
        self.summary.raw_bytes += cut.len as u64;
        self.summary.segments += 1;
        self.summary.coding_seconds += coded.coding.as_secs_f64();
        self.summary.verify_seconds += coded.verify.as_secs_f64();
        Ok(())
    }
}

fn writer_version() -> Writer {
    let part = |s: &str| s.parse().unwrap_or(0);
    Writer {
        major: part(env!("CARGO_PKG_VERSION_MAJOR")),
        minor: part(env!("CARGO_PKG_VERSION_MINOR")),
        patch: part(env!("CARGO_PKG_VERSION_PATCH")),
    }
}

impl<W: Write> Write for Encoder<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.push(bytes).map_err(Error::into_io)?;
        Ok(bytes.len())
    }

    /// Does nothing: coded bytes appear when segments are full.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Counts what is written.
struct Counting<W> {
    inner: W,
    bytes: u64,
}

impl<W: Write> Write for Counting<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = self.inner.write(bytes)?;
        self.bytes += n as u64;
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}
