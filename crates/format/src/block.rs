//! One block of an archive, whichever kind, and reading the one at a known place.

use std::io::{Read, Seek, SeekFrom};

use crate::error::FormatError;
use crate::footer::Footer;
use crate::frame::{FrameHead, Tag};
use crate::index::{Entry, EntryKind};
use crate::limits::{self, DecodeLimits};
use crate::model::{EmbeddedModel, ModelId};
use crate::segment::{Segment, SegmentHeader};
use crate::source::Source;
use crate::stream::{StreamDef, StreamKind, TokeniserSource};

/// What a reader meets in an archive. All stored checksums of it hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Block {
    /// The definition of the next stream.
    Stream(StreamDef),
    /// A model for the stream definitions that follow.
    Model(EmbeddedModel),
    /// The segment that follows in the content.
    Segment(Segment),
    /// The archive's end: its index agrees with the blocks seen. The caller compares
    /// [`Footer::content`] with the digest of what it decoded.
    End(Footer),
}

/// A block whose payload is still to be read.
#[derive(Clone, Debug)]
pub(crate) enum BlockHead {
    Stream { id: u32, kind: StreamKind, source: TokeniserSource },
    Model(ModelId),
    Segment(SegmentHeader),
}

impl BlockHead {
    /// Understands the head of a frame that is not the index.
    pub(crate) fn parse(frame: &FrameHead) -> Result<Self, FormatError> {
        Ok(match frame.tag {
            Tag::Stream => {
                let StreamDef { id, kind, source, payload: _ } =
                    StreamDef::parse(&frame.head, Vec::new())?;
                BlockHead::Stream { id, kind, source }
            }
            Tag::Model => BlockHead::Model(EmbeddedModel::parse_head(&frame.head)?),
            Tag::Segment => {
                BlockHead::Segment(SegmentHeader::parse(&frame.head, frame.payload_len)?)
            }
            Tag::Index => {
                return Err(FormatError::corrupt(format!(
                    "the index at byte {}, where another block was expected",
                    frame.offset
                )));
            }
        })
    }

    pub(crate) const fn entry_kind(&self) -> EntryKind {
        match self {
            BlockHead::Stream { id, .. } => EntryKind::Stream(*id),
            BlockHead::Model(_) => EntryKind::Model,
            BlockHead::Segment(h) => EntryKind::Segment(h.info),
        }
    }

    /// What a decoder must be willing to hold, before the payload is read.
    pub(crate) fn check_limits(
        &self,
        payload_len: u64,
        limits: &DecodeLimits,
    ) -> Result<(), FormatError> {
        limits::check("the bytes of a block", payload_len, limits.max_memory)?;
        match self {
            BlockHead::Stream { .. } | BlockHead::Model(_) => {
                limits::check(limits::DEFINITION, payload_len, limits.max_model_bytes)
            }
            BlockHead::Segment(h) => {
                limits::check(limits::SEGMENT, h.info.raw_len, limits.max_segment)?;
                // Checked here as well as in sum, for readers that take blocks one by one.
                limits::check(limits::CONTENT, h.info.raw_len, limits.max_output)
            }
        }
    }

    pub(crate) fn complete(
        self,
        frame: &FrameHead,
        payload: Vec<u8>,
    ) -> Result<Block, FormatError> {
        Ok(match self {
            BlockHead::Stream { id, kind, source } => {
                Block::Stream(StreamDef { id, kind, source, payload })
            }
            BlockHead::Model(_) => {
                Block::Model(EmbeddedModel::parse(&frame.head, payload, frame.offset)?)
            }
            BlockHead::Segment(header) => Block::Segment(Segment { header, coded: payload }),
        })
    }
}

/// The block at a known place of the input, before its payload is read.
pub struct BlockAt<'a, R> {
    source: Source<&'a mut R>,
    frame: FrameHead,
    head: BlockHead,
}

impl<'a, R: Read + Seek> BlockAt<'a, R> {
    /// Reads the head of the block that starts at byte `offset`, as an [`ArchiveIndex`](crate::ArchiveIndex) or a
    /// [`Recovery`](crate::Recovery) names it. Rules between blocks are not checked here.
    ///
    /// # Errors
    /// Any kind but `InvalidArgument`, `LimitExceeded`; `Corruption` if the block there is the index.
    pub fn open(input: &'a mut R, offset: u64) -> Result<Self, FormatError> {
        input.seek(SeekFrom::Start(offset))?;
        let mut source = Source::new(input, offset);
        let frame = FrameHead::from_source(&mut source)?;
        let head = BlockHead::parse(&frame)?;
        Ok(Self { source, frame, head })
    }

    /// Bytes of the payload, as the head says.
    pub const fn payload_len(&self) -> u64 {
        self.frame.payload_len
    }

    /// Whether it is the block of an index entry.
    pub(crate) fn is(&self, entry: &Entry) -> bool {
        self.head.entry_kind() == entry.kind && self.frame.payload_len == entry.payload_len
    }

    /// Reads the payload, if it is within limits.
    ///
    /// # Errors
    /// Any kind but `InvalidArgument`.
    pub fn read(mut self, limits: &DecodeLimits) -> Result<Block, FormatError> {
        self.head.check_limits(self.frame.payload_len, limits)?;
        let payload = self.frame.payload(&mut self.source)?;
        self.head.complete(&self.frame, payload)
    }
}

/// Reads the block at a known place: [`BlockAt`], in one step.
///
/// # Errors
/// Any kind but `InvalidArgument`; `Corruption` if the block there is the index.
pub fn read_block_at<R: Read + Seek>(
    input: &mut R,
    offset: u64,
    limits: &DecodeLimits,
) -> Result<Block, FormatError> {
    BlockAt::open(input, offset)?.read(limits)
}
