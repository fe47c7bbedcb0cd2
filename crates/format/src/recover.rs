//! What is left of a damaged file: every block that is still intact, and which content is lost.
//!
//! With all indexes intact, each block is checked where its index puts it. Otherwise the input is walked
//! from its start; where the walk loses its way it looks for the next byte at which a header or the head
//! of a block has a valid checksum. Blocks know their number and their place in the content, so what is
//! found after a gap is placed exactly; `scan` says what is taken for content of a damaged segment.
//!
//! Only container checksums are checked: decoding a segment still verifies its raw bytes. Of a damaged `.vxc` that is
//! stored in a damaged segment, blocks may be taken for the outer archive's where their numbers happen to fit; the raw
//! checksum and the content digest are the judges then.

mod scan;

use std::io::{Read, Seek, SeekFrom};
use std::ops::Range;

use crate::block::BlockHead;
use crate::content::{crc32c_more, len64};
use crate::error::FormatError;
use crate::footer::Footer;
use crate::frame::FrameHead;
use crate::header::{ARCHIVE_MEMORY, Header, listed_memory};
use crate::index::EntryKind;
use crate::limits::{self, DecodeLimits};
use crate::model::ModelId;
use crate::seek::{ArchiveIndex, FileIndex};
use crate::segment::{SegmentHeader, SegmentInfo};
use crate::source::Source;

/// How the blocks were found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Through intact indexes: nothing intact can have been missed.
    Index,
    /// By walking and scanning.
    Scan,
}

/// What is left of a file.
#[derive(Clone, Debug)]
pub struct Recovery {
    /// How it was found.
    pub method: Method,
    /// What is left of each archive, in file order.
    pub archives: Vec<RecoveredArchive>,
    /// Bytes of the input that belong to nothing intact.
    pub damaged: Vec<Range<u64>>,
    /// Bytes of memory that these lists hold, and those that can be made of them.
    pub table_bytes: u64,
}

/// What is left of an archive. Offsets count from the input's start, for
/// [`read_block_at`](crate::read_block_at).
#[derive(Clone, Debug, Default)]
pub struct RecoveredArchive {
    /// The header, if intact.
    pub header: Option<Header>,
    /// Intact stream definitions: (id, offset).
    pub streams: Vec<(u32, u64)>,
    /// Intact embedded models: (id, offset).
    pub models: Vec<(ModelId, u64)>,
    /// Intact segments in the order of the content: (head, offset).
    pub segments: Vec<(SegmentHeader, u64)>,
    /// Segments that an intact index lists, and that are not intact.
    pub lost: Vec<SegmentInfo>,
    /// Length of the content, if an intact index says it.
    pub listed_len: Option<u64>,
    /// The footer, if intact.
    pub footer: Option<Footer>,
}

/// Content that no intact segment holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LostContent {
    /// Which bytes.
    pub content: Range<u64>,
    /// The number of the one segment that held them, where it is known.
    pub segment: Option<u64>,
}

impl RecoveredArchive {
    /// Ranges of the archive's content that no intact segment holds, as far as they are known: where the
    /// footer is lost, the content's end is too.
    pub fn lost_content(&self) -> Vec<LostContent> {
        if !self.lost.is_empty() {
            // The index knows all.
            let lost = |s: &SegmentInfo| (s.raw_offset..s.raw_end(), Some(s.number));
            let lost = self.lost.iter().map(lost);
            return lost.map(|(content, segment)| LostContent { content, segment }).collect();
        }
        let mut lost = Vec::new();
        let (mut at, mut number) = (0u64, 0u64);
        for (header, _) in &self.segments {
            let info = &header.info;
            if info.raw_offset > at {
                let only = info.number == number.saturating_add(1);
                let segment = only.then_some(number);
                lost.push(LostContent { content: at..info.raw_offset, segment });
            }
            at = at.max(info.raw_end());
            number = info.number.saturating_add(1);
        }
        if let Some(end) = self.content_end().filter(|&end| end > at) {
            lost.push(LostContent { content: at..end, segment: None });
        }
        lost
    }

    /// Where the content ends, if footer, index or header say so.
    pub fn content_end(&self) -> Option<u64> {
        let footer = self.footer.map(|f| f.content.len);
        footer.or(self.listed_len).or(self.header.as_ref().and_then(|h| h.raw_size))
    }

    /// Whether nothing is there at all.
    fn is_empty(&self) -> bool {
        self.header.is_none()
            && self.streams.is_empty()
            && self.models.is_empty()
            && self.segments.is_empty()
            && self.footer.is_none()
    }
}

/// Finds the intact blocks of an input. Memory: a megabyte, and the list of the blocks, which
/// [`DecodeLimits::max_memory`] bounds.
///
/// # Errors
/// `Io` if the input cannot be read; `LimitExceeded`; `UnsupportedVersion` for an archive of a later version. Damage is
/// no error.
pub fn recover<R: Read + Seek>(
    input: &mut R,
    limits: &DecodeLimits,
) -> Result<Recovery, FormatError> {
    match FileIndex::read(input, limits) {
        Ok(index) => by_index(input, &index, limits),
        Err(e @ (FormatError::Io(_) | FormatError::LimitExceeded { .. })) => Err(e),
        Err(_) => scan::Scan::new(input, limits)?.run(),
    }
}

fn by_index<R: Read + Seek>(
    input: &mut R,
    index: &FileIndex,
    limits: &DecodeLimits,
) -> Result<Recovery, FormatError> {
    // What is listed becomes what is found, so all of it is known before.
    let blocks = |a: &ArchiveIndex| {
        let blocks = u64::try_from(a.entries().len()).unwrap_or(u64::MAX);
        blocks.saturating_mul(FOUND_MEMORY).saturating_add(listed_memory(Some(a.header())))
    };
    let table_bytes = index.archives().iter().map(blocks).fold(0, u64::saturating_add);
    let all = table_bytes.saturating_add(index.table_bytes());
    limits::check("the table of blocks", all, limits.max_memory)?;
    let mut archives = Vec::new();
    let mut damaged = Vec::new();
    for archive in index.archives() {
        let mut found = RecoveredArchive {
            header: Some(archive.header().clone()),
            footer: Some(*archive.footer()),
            ..RecoveredArchive::default()
        };
        for entry in archive.entries() {
            let at = archive.start().saturating_add(entry.offset);
            input.seek(SeekFrom::Start(at))?;
            let mut source = Source::new(&mut *input, at);
            let head = intact(FrameHead::from_source(&mut source))?
                .filter(|f| f.payload_len == entry.payload_len)
                .and_then(|f| BlockHead::parse(&f).ok().map(|head| (f, head)))
                .filter(|(_, head)| head.entry_kind() == entry.kind);
            match head {
                Some((frame, head)) if payload_is_intact(&mut source, &frame)? => {
                    found.add(head, at);
                }
                _ => {
                    if let EntryKind::Segment(info) = entry.kind {
                        found.lost.push(info);
                    }
                    damaged.push(at..archive.start().saturating_add(entry.end()));
                }
            }
        }
        archives.push(found);
    }
    Ok(Recovery { method: Method::Index, archives, damaged, table_bytes })
}

impl RecoveredArchive {
    fn add(&mut self, head: BlockHead, at: u64) {
        match head {
            BlockHead::Stream { id, .. } => self.streams.push((id, at)),
            BlockHead::Model(id) => self.models.push((id, at)),
            BlockHead::Segment(header) => self.segments.push((header, at)),
        }
    }

    /// Whether a block that is found behind the others can belong to the same archive.
    fn continues(&self, head: &BlockHead) -> bool {
        match head {
            BlockHead::Stream { id, .. } => self.streams.last().is_none_or(|(last, _)| last < id),
            BlockHead::Model(_) => true,
            BlockHead::Segment(h) => self.segments.last().is_none_or(|(last, _)| {
                last.info.number < h.info.number && last.info.raw_end() <= h.info.raw_offset
            }),
        }
    }
}

/// Damage as `None`; what is no damage stays an error.
fn intact<T>(result: Result<T, FormatError>) -> Result<Option<T>, FormatError> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(e @ (FormatError::Io(_) | FormatError::LimitExceeded { .. })) => Err(e),
        Err(_) => Ok(None),
    }
}

/// Reads a payload in steps and compares its checksum.
fn payload_is_intact<R: Read>(
    source: &mut Source<R>,
    frame: &FrameHead,
) -> Result<bool, FormatError> {
    let size = usize::try_from(frame.payload_len).unwrap_or(usize::MAX).min(WINDOW);
    let mut buffer = vec![0u8; size];
    let mut left = frame.payload_len;
    let mut crc = 0u32;
    while left > 0 {
        let take = usize::try_from(left).unwrap_or(usize::MAX).min(WINDOW);
        let room = buffer.get_mut(..take).unwrap_or_default();
        if source.fill(room)? < take {
            return Ok(false);
        }
        crc = crc32c_more(crc, room);
        left = left.saturating_sub(len64(room));
    }
    Ok(crc == frame.payload_crc)
}

/// Memory of one found block, of one lost segment, of one damaged range: lists grow by doubling.
const FOUND_MEMORY: u64 = 256;
const _: () = assert!(size_of::<(SegmentHeader, u64)>() * 2 <= 256);
const _: () = assert!(size_of::<RecoveredArchive>() * 2 + 128 <= ARCHIVE_MEMORY);

/// Bytes looked at together.
const WINDOW: usize = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::segment::SegmentKind;
    use crate::stream::{StreamKind, TokeniserSource};

    /// What is found behind the last segment belongs to its archive if it has a later number and begins behind it.
    #[test]
    fn segments_that_continue_an_archive() {
        let segment = |number, raw_offset, raw_len| {
            let kind = SegmentKind::Mix;
            let info =
                SegmentInfo { number, raw_offset, stream: 0, kind, primed_by: None, raw_len };
            SegmentHeader { info, raw_xxh3: 0 }
        };
        let found =
            RecoveredArchive { segments: vec![(segment(3, 100, 50), 0)], ..Default::default() };
        for (number, offset, belongs) in [
            (4, 150, true),
            (7, 151, true),
            (3, 150, false),
            (2, 150, false),
            (4, 149, false),
            (4, 100, false),
        ] {
            let head = BlockHead::Segment(segment(number, offset, 10));
            assert_eq!(found.continues(&head), belongs, "{number} at {offset}");
        }
        let stream =
            |id| BlockHead::Stream { id, kind: StreamKind::Bytes, source: TokeniserSource::Inline };
        let found = RecoveredArchive { streams: vec![(5, 0)], ..found };
        assert_eq!([4, 5, 6].map(|id| found.continues(&stream(id))), [false, false, true]);
        assert!(RecoveredArchive::default().continues(&BlockHead::Segment(segment(9, 900, 1))));
    }
}
