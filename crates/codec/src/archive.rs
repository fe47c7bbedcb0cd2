//! Random access: a `Read + Seek` view of an archive's content, and what an archive says of itself.
//!
//! Any byte is reached by decoding at most two segments: its own and the key that primes it.

use std::io::{self, Read, Seek, SeekFrom};
use std::sync::Arc;

use vxc_format::{
    ArchiveIndex, EntryKind, FileIndex, Footer, Header, SegmentInfo, TokeniserSource,
};

use crate::budget::Budget;
use crate::decoder::{decode_segment, start_state};
use crate::error::Error;
use crate::model::Model;
use crate::options::DecompressOptions;
use crate::segment_code::State;
use crate::stream::Stream;
use crate::streams::Streams;

/// An archive (or several, one after the other) in a seekable input.
pub struct Archive<R> {
    input: R,
    index: FileIndex,
    options: DecompressOptions,
    budget: Budget,
    /// Streams opened so far, by (archive, stream).
    streams: Streams<(usize, u32)>,
    /// The caller's models, then embedded ones that streams use.
    models: Vec<Arc<Model>>,
    /// The key state used last, by (archive, segment), and the bytes that it holds.
    key: Option<((usize, u64), State, u64)>,
    /// The segment decoded last: its content offset and bytes.
    last: Option<(u64, Vec<u8>)>,
    at: u64,
}

/// A segment as [`Archive::segments`] lists it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SegmentEntry {
    /// Number of its archive in the file.
    pub archive: usize,
    /// Place and coding. Offsets count from the content of its own archive.
    pub info: SegmentInfo,
    /// Bytes in the file, the block's head included.
    pub file_bytes: u64,
    /// Where the block starts in the file.
    pub file_offset: u64,
}

impl<R: Read + Seek> Archive<R> {
    /// Reads header, index and footer; no segment.
    ///
    /// # Errors
    /// Whatever is wrong with them.
    pub fn open(mut input: R, options: DecompressOptions) -> Result<Self, Error> {
        let mut budget = Budget::new(&options)?;
        let index = FileIndex::read(&mut input, &options.limits)?;
        budget.hold("the table of blocks", index.table_bytes(), 0)?;
        Ok(Self {
            input,
            index,
            budget,
            models: options.models.clone(),
            options,
            streams: Streams::new(),
            key: None,
            last: None,
            at: 0,
        })
    }

    /// Number of content bytes.
    pub fn len(&self) -> u64 {
        self.index.raw_len()
    }

    /// Whether there is no content.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Header of the first archive.
    pub fn header(&self) -> Option<&Header> {
        self.index.archives().first().map(ArchiveIndex::header)
    }

    /// Headers of all archives. What is read by ranges is the content, also where a header says that it is the
    /// unpacked form of a file ([`Header::original`]).
    pub fn headers(&self) -> impl Iterator<Item = &Header> {
        self.index.archives().iter().map(ArchiveIndex::header)
    }

    /// Footers of all archives.
    pub fn footers(&self) -> impl Iterator<Item = &Footer> {
        self.index.archives().iter().map(ArchiveIndex::footer)
    }

    /// Number of segments.
    pub fn segment_count(&self) -> u64 {
        self.index.archives().iter().map(ArchiveIndex::segment_count).fold(0, u64::saturating_add)
    }

    /// All segments in order.
    pub fn segments(&self) -> Vec<SegmentEntry> {
        let mut out = Vec::new();
        for (archive, a) in self.index.archives().iter().enumerate() {
            let entries = a.entries();
            for (i, entry) in entries.iter().enumerate() {
                if let EntryKind::Segment(info) = entry.kind {
                    let end = entries.get(i + 1).map_or(a.footer().index_offset, |e| e.offset);
                    out.push(SegmentEntry {
                        archive,
                        info,
                        file_bytes: end.saturating_sub(entry.offset),
                        file_offset: a.start() + entry.offset,
                    });
                }
            }
        }
        out
    }

    /// Number of streams of the first archive.
    pub fn stream_count(&self) -> u32 {
        self.index.archives().first().map_or(0, ArchiveIndex::stream_count)
    }

    /// A stream of the first archive.
    ///
    /// # Errors
    /// [`Error::ModelMissing`] and whatever is wrong with its definition; `InvalidArgument` if there is none.
    pub fn first_stream(&mut self, id: u32) -> Result<&Stream, Error> {
        if id >= self.stream_count() {
            return Err(Error::InvalidArgument(format!("there is no stream {id}")));
        }
        Ok(self.stream(0, id, 0)?)
    }

    /// Counts what the caller keeps of the archive against its memory.
    ///
    /// # Errors
    /// `LimitExceeded`.
    pub fn hold(&mut self, what: &'static str, bytes: u64) -> Result<(), Error> {
        self.closing_streams(|archive| archive.budget.hold(what, bytes, 0))
    }

    /// Does something, once more without open streams where there is no room beside them.
    fn closing_streams<T>(
        &mut self,
        mut work: impl FnMut(&mut Self) -> Result<T, Error>,
    ) -> Result<T, Error> {
        match work(self) {
            Err(e) if e.is_limit() && self.streams.close(&mut self.budget, |_| false) => work(self),
            done => done,
        }
    }

    /// A stream, opened if it is not open for a segment of so many coded bytes.
    fn stream(&mut self, archive: usize, id: u32, segment: u64) -> Result<&Arc<Stream>, Error> {
        let key = (archive, id);
        if self.streams.get(key).is_none() {
            let stream = self.closing_streams(|own| own.open_stream(archive, id))?;
            self.streams.insert(key, stream, segment)?;
        }
        let missing = || Error::Corruption(format!("stream {id} is not open"));
        self.streams.get(key).ok_or_else(missing)
    }

    fn open_stream(&mut self, archive: usize, id: u32) -> Result<Stream, Error> {
        let a = &self.index.archives()[archive];
        // What was decoded can be decoded again.
        (self.last, self.key) = (None, None);
        let def = self.budget.within(0, |left| a.read_stream(&mut self.input, id, left))?;
        if let TokeniserSource::Model(id) = def.source
            && !self.models.iter().any(|m| m.id() == id)
        {
            // Embedded ones are read once, and only those that are used are kept.
            let found = self.budget.within(0, |left| {
                let mut models = a.read_models(&mut self.input, left);
                models.find(|m| m.as_ref().map_or(true, |m| m.id == id)).transpose()
            })?;
            if let Some(embedded) = found {
                self.models.push(self.budget.load_model(&embedded, 0)?);
            }
        }
        self.budget.open_stream(&def, &self.models, a.header(), 0)
    }

    /// Reads content bytes from `offset` on: fills `buf` as far as there is content, gives the number read.
    ///
    /// # Errors
    /// Whatever is wrong with the segments that hold the range.
    pub fn read_range(&mut self, offset: u64, buf: &mut [u8]) -> Result<usize, Error> {
        let mut done = 0;
        while done < buf.len() {
            let at = offset + done as u64;
            if at >= self.len() {
                break;
            }
            self.load(at)?;
            let Some((start, bytes)) = &self.last else { break };
            let from = (at - start) as usize;
            let n = (bytes.len() - from).min(buf.len() - done);
            buf[done..done + n].copy_from_slice(&bytes[from..from + n]);
            done += n;
        }
        Ok(done)
    }

    /// Decodes the segment that holds content byte `at`.
    fn load(&mut self, at: u64) -> Result<(), Error> {
        if let Some((start, bytes)) = &self.last
            && (*start..start + bytes.len() as u64).contains(&at)
        {
            return Ok(());
        }
        let (archive, info, base) = self
            .index
            .segments_in(at..at + 1)
            .next()
            .map(|(a, info)| (a.start(), *info, a.raw_start()))
            .ok_or_else(|| Error::Corruption("no segment holds this byte".into()))?;
        let archive = self
            .index
            .archives()
            .iter()
            .position(|a| a.start() == archive)
            .ok_or_else(|| Error::Corruption("no archive holds this byte".into()))?;
        // The stream first: what is opened is opened in place of keys.
        self.stream(archive, info.stream, self.coded_len(archive, info.number))?;
        if let Some(number) = info.primed_by {
            self.load_key(archive, number)?;
        }
        let (raw, end) = self.decode(archive, &info)?;
        if info.primed_by.is_none() {
            self.keep(archive, &info, end)?;
        }
        self.last = Some((base + info.raw_offset, raw));
        Ok(())
    }

    /// Keeps the state that a fresh segment leaves behind, instead of another.
    fn keep(&mut self, archive: usize, info: &SegmentInfo, end: State) -> Result<(), Error> {
        if !matches!(end, State::None) {
            let bytes = self.stream(archive, info.stream, 0)?.code().state_bytes(info.kind);
            self.key = Some(((archive, info.number), end, bytes));
        }
        Ok(())
    }

    /// Decodes a key segment, if its state is not the one that is there.
    fn load_key(&mut self, archive: usize, number: u64) -> Result<(), Error> {
        if self.key_of(archive, number).is_none() {
            let info = self.index.archives()[archive].segment(number).map(|(_, info)| *info);
            let info = info.ok_or_else(|| Error::Corruption("a key segment is missing".into()))?;
            let (_, end) = self.decode(archive, &info)?;
            self.keep(archive, &info, end)?;
        }
        Ok(())
    }

    /// Bytes of a segment in the file, without its head.
    fn coded_len(&self, archive: usize, number: u64) -> u64 {
        let segment = self.index.archives()[archive].segment(number);
        segment.map_or(0, |(entry, _)| entry.payload_len)
    }

    fn key_of(&self, archive: usize, number: u64) -> Option<&State> {
        self.key.as_ref().filter(|(id, ..)| *id == (archive, number)).map(|(_, state, _)| state)
    }

    /// Decodes a segment; its key's state is there.
    fn decode(&mut self, archive: usize, info: &SegmentInfo) -> Result<(Vec<u8>, State), Error> {
        // The segment decoded last goes, a key's state stays while there is room, the segment's own in any case.
        self.last = None;
        let coded_len = self.coded_len(archive, info.number);
        let stream = Arc::clone(self.stream(archive, info.stream, coded_len)?);
        let limits = self.options.limits;
        let need = stream.memory(info.kind, info.raw_len, coded_len);
        let own = info.primed_by.is_some_and(|n| self.key_of(archive, n).is_some());
        let key = self.key.as_ref().map_or(0, |(.., bytes)| *bytes);
        if self.budget.held().saturating_add(need).saturating_add(key) > limits.max_memory {
            self.streams.close(&mut self.budget, |id| id == (archive, info.stream));
        }
        let all = self.budget.held().saturating_add(need);
        let fits = |key: u64| all.saturating_add(key) <= limits.max_memory;
        if !own && self.key.as_ref().is_some_and(|(.., bytes)| !fits(*bytes)) {
            self.key = None;
        }
        let key = self.key.as_ref().map_or(0, |(.., bytes)| *bytes);
        limits.check_memory("a segment", all.saturating_add(key))?;
        let a = &self.index.archives()[archive];
        let segment = a.read_segment(&mut self.input, info.number, &limits)?;
        let key =
            match info.primed_by {
                None => None,
                Some(n) => Some(self.key_of(archive, n).cloned().ok_or_else(|| {
                    Error::Corruption("a key segment leaves no state behind".into())
                })?),
            };
        let mut state = start_state(&stream, &segment, key);
        let mut raw = Vec::new();
        decode_segment(&stream, &segment, &mut state, &mut raw)?;
        Ok((raw, state))
    }
}

impl<R: Read + Seek> Read for Archive<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.read_range(self.at, buf).map_err(Error::into_io)?;
        self.at += n as u64;
        Ok(n)
    }
}

impl<R: Read + Seek> Seek for Archive<R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(n) => Some(n),
            SeekFrom::End(d) => self.len().checked_add_signed(d),
            SeekFrom::Current(d) => self.at.checked_add_signed(d),
        };
        self.at = at.ok_or_else(|| {
            io::Error::new(io::ErrorKind::InvalidInput, "seek before the start of the content")
        })?;
        Ok(self.at)
    }
}
