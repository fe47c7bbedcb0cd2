//! Random access: footer → index → blocks, for input that can seek.

use std::io::{Read, Seek, SeekFrom};
use std::ops::Range;

use crate::block::{Block, BlockAt};
use crate::constants::{FOOTER_BYTES, SIGNATURE};
use crate::error::FormatError;
use crate::footer::Footer;
use crate::frame::{FrameHead, Tag};
use crate::header::{ARCHIVE_MEMORY, Header, check_signature, listed_memory};
use crate::index::{Entry, EntryKind, parse_payload};
use crate::ledger::Ledger;
use crate::limits::{self, DecodeLimits};
use crate::model::EmbeddedModel;
use crate::reader::check_footer;
use crate::segment::{Segment, SegmentInfo};
use crate::source::Source;
use crate::stream::StreamDef;

const _: () = assert!(size_of::<ArchiveIndex>() * 2 + 64 <= ARCHIVE_MEMORY);

/// The indexes of all archives of a file, in order.
#[derive(Clone, Debug)]
pub struct FileIndex {
    archives: Vec<ArchiveIndex>,
    bytes: u64,
}

/// Header, index and footer of one archive.
#[derive(Clone, Debug)]
pub struct ArchiveIndex {
    start: u64,
    raw_start: u64,
    header: Header,
    footer: Footer,
    ledger: Ledger,
}

impl FileIndex {
    /// Finds the archives from the end of the input and reads their headers and indexes. No block is
    /// read: their damage shows when they are.
    ///
    /// # Errors
    /// `InsufficientData` if no footer stands at the end: cut short, or damaged there. Any other kind
    /// but `InvalidArgument`.
    pub fn read<R: Read + Seek>(input: &mut R, limits: &DecodeLimits) -> Result<Self, FormatError> {
        let mut end = input.seek(SeekFrom::End(0))?;
        let mut archives: Vec<ArchiveIndex> = Vec::new();
        let mut memory = 0u64;
        loop {
            let archive = ArchiveIndex::read(input, end, limits.max_memory.saturating_sub(memory))?;
            memory = memory
                .saturating_add(archive.ledger.bytes())
                .saturating_add(listed_memory(Some(&archive.header)));
            limits::check("the table of blocks", memory, limits.max_memory)?;
            end = archive.start;
            archives.push(archive);
            if end == 0 {
                break;
            }
        }
        archives.reverse();
        let mut raw_start = 0u64;
        for archive in &mut archives {
            archive.raw_start = raw_start;
            raw_start = raw_start
                .checked_add(archive.raw_len())
                .ok_or_else(|| FormatError::corrupt("content beyond 64 bits"))?;
        }
        Ok(Self { archives, bytes: memory })
    }

    /// Bytes of memory that it holds.
    pub const fn table_bytes(&self) -> u64 {
        self.bytes
    }

    /// The archives, in file order; at least one.
    pub fn archives(&self) -> &[ArchiveIndex] {
        &self.archives
    }

    /// Content bytes of all archives together.
    pub fn raw_len(&self) -> u64 {
        self.archives.last().map_or(0, |a| a.raw_start.saturating_add(a.raw_len()))
    }

    /// The segments that hold content bytes of `range`, which counts over all archives, in order, each
    /// with the archive that it is in. [`ArchiveIndex::raw_start`] + [`SegmentInfo::raw_offset`] is
    /// where its bytes belong.
    pub fn segments_in(
        &self,
        range: Range<u64>,
    ) -> impl Iterator<Item = (&ArchiveIndex, &SegmentInfo)> {
        let first = self
            .archives
            .partition_point(|a| a.raw_start.saturating_add(a.raw_len()) <= range.start);
        self.archives
            .iter()
            .skip(first)
            .take_while({
                let range = range.clone();
                move |a| !range.is_empty() && a.raw_start < range.end
            })
            .flat_map(move |a| {
                let local =
                    range.start.saturating_sub(a.raw_start)..range.end.saturating_sub(a.raw_start);
                a.segments_in(local).map(move |s| (a, s))
            })
    }
}

impl ArchiveIndex {
    /// The archive that ends at `end`.
    fn read<R: Read + Seek>(input: &mut R, end: u64, max_memory: u64) -> Result<Self, FormatError> {
        let footer_len = u64::try_from(FOOTER_BYTES).unwrap_or(u64::MAX);
        let Some(footer_at) = end.checked_sub(footer_len) else {
            return Err(no_footer(input, end));
        };
        input.seek(SeekFrom::Start(footer_at))?;
        let mut source = Source::new(&mut *input, footer_at);
        let footer = match Footer::parse(&source.array("the footer")?, footer_at) {
            Err(FormatError::ChecksumMismatch { .. }) => return Err(no_footer(input, end)),
            other => other?,
        };
        let index_at = footer_at.checked_sub(footer.index_len.into());
        let start = index_at.and_then(|at| at.checked_sub(footer.index_offset));
        let (Some(index_at), Some(start)) = (index_at, start) else {
            return Err(FormatError::truncated(
                "the archive's start is missing: its footer points before the input",
            ));
        };

        input.seek(SeekFrom::Start(start))?;
        let mut source = Source::new(&mut *input, start);
        let (header, header_len) = Header::from_source(&mut source)?;

        input.seek(SeekFrom::Start(index_at))?;
        let mut source = Source::new(&mut *input, index_at);
        let frame = FrameHead::from_source(&mut source)?;
        if frame.tag != Tag::Index
            || !frame.head.is_empty()
            || frame.prefix_len.checked_add(frame.payload_len) != Some(footer.index_len.into())
        {
            return Err(FormatError::corrupt("the footer does not point at the index"));
        }
        limits::check("the index", frame.payload_len, max_memory)?;
        let payload = frame.payload(&mut source)?;
        let ledger = parse_payload(&payload, max_memory.saturating_sub(frame.payload_len))?;
        if ledger.header_len() != header_len {
            return Err(FormatError::corrupt("the index belongs to another header"));
        }
        check_footer(&footer, &header, &ledger, &frame)?;
        Ok(Self { start, raw_start: 0, header, footer, ledger })
    }

    /// Where the archive starts in the input.
    pub const fn start(&self) -> u64 {
        self.start
    }

    /// Content bytes of the archives before it.
    pub const fn raw_start(&self) -> u64 {
        self.raw_start
    }

    /// Content bytes of this archive.
    pub const fn raw_len(&self) -> u64 {
        self.ledger.raw_total()
    }

    /// The header.
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// The footer.
    pub const fn footer(&self) -> &Footer {
        &self.footer
    }

    /// All blocks in order. Their offsets count from [`ArchiveIndex::start`].
    pub fn entries(&self) -> &[Entry] {
        self.ledger.entries()
    }

    /// Number of stream definitions.
    pub fn stream_count(&self) -> u32 {
        self.ledger.streams()
    }

    /// Number of segments.
    pub fn segment_count(&self) -> u64 {
        self.ledger.segment_count()
    }

    /// Entry and description of segment `number`.
    pub fn segment(&self, number: u64) -> Option<(&Entry, &SegmentInfo)> {
        self.ledger.segment(usize::try_from(number).ok()?)
    }

    /// The segments that hold content bytes of `range`, which counts from this archive's content.
    pub fn segments_in(&self, range: Range<u64>) -> impl Iterator<Item = &SegmentInfo> {
        let first = self.ledger.first_segment_behind(range.start);
        (first..)
            .map_while(|n| self.ledger.segment(n))
            .map(|(_, info)| info)
            .take_while(move |info| !range.is_empty() && info.raw_offset < range.end)
    }

    /// Reads segment `number`.
    ///
    /// # Errors
    /// `InvalidArgument` if there is none; `Corruption` if the block is not what the index says; any
    /// other kind from reading it.
    pub fn read_segment<R: Read + Seek>(
        &self,
        input: &mut R,
        number: u64,
        limits: &DecodeLimits,
    ) -> Result<Segment, FormatError> {
        let (entry, _) = self
            .segment(number)
            .ok_or_else(|| FormatError::argument(format!("there is no segment {number}")))?;
        match self.read_entry(input, entry, limits)? {
            Block::Segment(s) => Ok(s),
            _ => Err(self.contradiction(entry)),
        }
    }

    /// Reads the definition of stream `id`.
    ///
    /// # Errors
    /// As [`ArchiveIndex::read_segment`].
    pub fn read_stream<R: Read + Seek>(
        &self,
        input: &mut R,
        id: u32,
        limits: &DecodeLimits,
    ) -> Result<StreamDef, FormatError> {
        let entry = self
            .ledger
            .stream(id)
            .ok_or_else(|| FormatError::argument(format!("there is no stream {id}")))?;
        match self.read_entry(input, entry, limits)? {
            Block::Stream(def) => Ok(def),
            _ => Err(self.contradiction(entry)),
        }
    }

    /// Reads the embedded models, one after the other.
    ///
    /// # Errors
    /// As [`ArchiveIndex::read_segment`], for each.
    pub fn read_models<R: Read + Seek>(
        &self,
        input: &mut R,
        limits: &DecodeLimits,
    ) -> impl Iterator<Item = Result<EmbeddedModel, FormatError>> {
        self.entries().iter().filter(|e| e.kind == EntryKind::Model).map(move |entry| {
            match self.read_entry(input, entry, limits)? {
                Block::Model(model) => Ok(model),
                _ => Err(self.contradiction(entry)),
            }
        })
    }

    fn read_entry<R: Read + Seek>(
        &self,
        input: &mut R,
        entry: &Entry,
        limits: &DecodeLimits,
    ) -> Result<Block, FormatError> {
        let block = BlockAt::open(input, self.start.saturating_add(entry.offset))?;
        // Before its payload is read: what the caller allows for is what the index says.
        if block.is(entry) { block.read(limits) } else { Err(self.contradiction(entry)) }
    }

    fn contradiction(&self, entry: &Entry) -> FormatError {
        FormatError::corrupt(format!(
            "the block at byte {} is not the one that the index lists",
            self.start.saturating_add(entry.offset)
        ))
    }
}

/// What is wrong with an input that has no footer before `end`: it may be no archive at all.
fn no_footer<R: Read + Seek>(input: &mut R, end: u64) -> FormatError {
    let mut start = Vec::with_capacity(SIGNATURE.len());
    let read = input
        .seek(SeekFrom::Start(0))
        .and_then(|_| input.take(SIGNATURE.len() as u64).read_to_end(&mut start));
    if let Err(e) = read {
        return e.into();
    }
    if let Err(e) = check_signature(&start, 0) {
        return e;
    }
    FormatError::truncated(format!(
        "no footer before byte {end}: the archive is cut short, still being written, or damaged there"
    ))
}
