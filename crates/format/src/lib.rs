//! The `.vxc` container: its on-disk structures and nothing else.
//!
//! ```text
//! file    := archive+                       concatenated archives decode to concatenated content
//! archive := header block* index footer
//! block   := stream definition | embedded model | segment
//! ```
//!
//! One on-disk structure is one file of this crate: [`header`], [`frame`] (what all blocks share),
//! [`stream`], [`model`], [`segment`], [`index`], [`footer`]. On top of them stand [`writer`] (to any
//! `Write`), [`reader`] (from any `Read`), [`seek`] (random access through the index) and [`mod@recover`]
//! (what is left of a damaged file). `docs/format.md` is the specification.
//!
//! Payloads (tokenisers, models, coded bytes) are opaque here. Input is hostile: nothing panics, every
//! declared size is checked against [`DecodeLimits`] before memory is asked for, and memory grows only
//! with the bytes that really arrive.
//!
//! ```
//! use vxc_format::*;
//! # fn main() -> Result<(), FormatError> {
//! let raw = b"content";
//! let mut writer = ArchiveWriter::new(Vec::new(), &Header::default())?;
//! let stream = writer.define_stream(StreamKind::Bytes, TokeniserSource::Inline, b"")?;
//! writer.content(raw);
//! writer.segment(&NewSegment {
//!     stream,
//!     kind: SegmentKind::Stored,
//!     primed_by: None,
//!     raw: RawSummary::of(raw),
//!     coded: raw,
//! })?;
//! let (bytes, _footer) = writer.finish()?;
//!
//! let mut reader = BlockReader::new(&bytes[..], DecodeLimits::default())?;
//! let mut hash = ContentHasher::new();
//! loop {
//!     match reader.next_block()? {
//!         Block::Stream(_) | Block::Model(_) => {}
//!         Block::Segment(segment) => {
//!             let raw = segment.coded; // decoding, for a stored segment
//!             segment.header.verify_raw(&RawSummary::of(&raw))?;
//!             hash.update(&raw);
//!         }
//!         Block::End(footer) => {
//!             footer.content.verify(&hash.digest())?;
//!             break;
//!         }
//!     }
//! }
//! assert!(!reader.next_archive()?);
//! # Ok(())
//! # }
//! ```
#![forbid(unsafe_code)]
#![deny(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::indexing_slicing,
    clippy::unwrap_used
)]
#![cfg_attr(
    test,
    allow(
        clippy::arithmetic_side_effects,
        clippy::cast_possible_truncation,
        clippy::indexing_slicing,
        clippy::unwrap_used
    )
)]

pub mod block;
pub mod constants;
pub mod content;
pub mod error;
pub mod footer;
pub mod frame;
pub mod header;
pub mod index;
mod ledger;
pub mod limits;
pub mod model;
mod parse;
pub mod reader;
pub mod recover;
pub mod seek;
pub mod segment;
mod source;
pub mod stream;
pub mod varint;
pub mod writer;

pub use block::{Block, BlockAt, read_block_at};
pub use content::{ContentDigest, ContentHasher, RawSummary};
pub use error::FormatError;
pub use footer::Footer;
pub use frame::{FrameHead, Tag};
pub use header::{Header, Original, Writer};
pub use index::{Entry, EntryKind};
pub use limits::DecodeLimits;
pub use model::{EmbeddedModel, ModelId};
pub use reader::{BlockReader, NextBlock};
pub use recover::{Recovery, recover};
pub use seek::{ArchiveIndex, FileIndex};
pub use segment::{Segment, SegmentHeader, SegmentInfo, SegmentKind, min_coded_len};
pub use stream::{StreamDef, StreamKind, TokeniserSource};
pub use writer::{ArchiveWriter, NewSegment};
