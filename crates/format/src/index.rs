//! The index: one entry per block, so that a seekable archive is read at any byte of its content.
//!
//! It is a frame with tag `I` and an empty head, and the last one. Payload:
//! ```text
//! header length varint · number of entries varint · entry*
//! entry := tag u8 · prefix length varint · payload length varint
//!          [segments: stream varint · kind u8 · primed-by varint · raw length varint]
//! ```
//! Offsets are sums: a block starts where the one before ends, the first one behind the header.

use crate::content::len64;
use crate::error::FormatError;
use crate::frame::Tag;
use crate::ledger::Ledger;
use crate::parse::Parse;
use crate::segment::SegmentInfo;
use crate::varint;

/// What an entry's block is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// The definition of the stream with this id.
    Stream(u32),
    /// An embedded model.
    Model,
    /// A segment.
    Segment(SegmentInfo),
}

impl EntryKind {
    /// Its block's tag.
    pub const fn tag(&self) -> Tag {
        match self {
            EntryKind::Stream(_) => Tag::Stream,
            EntryKind::Model => Tag::Model,
            EntryKind::Segment(_) => Tag::Segment,
        }
    }
}

/// One block as the index knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Where the block starts, from the archive's start.
    pub offset: u64,
    /// Number of its bytes before the payload.
    pub prefix_len: u64,
    /// Number of bytes of its payload; of a segment, the coded length.
    pub payload_len: u64,
    /// What it is.
    pub kind: EntryKind,
}

impl Entry {
    /// Offset behind the block, from the archive's start. Saturates, which no checked entry does.
    pub const fn end(&self) -> u64 {
        self.offset.saturating_add(self.prefix_len).saturating_add(self.payload_len)
    }
}

/// The payload of the index that lists these blocks.
pub(crate) fn write_payload(header_len: u64, entries: &[Entry]) -> Vec<u8> {
    let mut out = Vec::new();
    varint::put(&mut out, header_len);
    varint::put(&mut out, u64::try_from(entries.len()).unwrap_or(u64::MAX));
    for e in entries {
        out.push(e.kind.tag().byte());
        varint::put(&mut out, e.prefix_len);
        varint::put(&mut out, e.payload_len);
        if let EntryKind::Segment(info) = &e.kind {
            info.write_coding(&mut out);
        }
    }
    out
}

/// The blocks that an index lists, checked against each other. `max_memory` bounds the table.
pub(crate) fn parse_payload(payload: &[u8], max_memory: u64) -> Result<Ledger, FormatError> {
    let mut p = Parse::new(payload, "the index");
    let header_len = p.varint()?;
    let count = p.varint()?;
    // An entry has three bytes at least: a larger count is a lie, found before memory is asked for.
    if count > len64(payload) / 3 {
        return Err(FormatError::corrupt(format!("the index claims {count} entries")));
    }
    let mut ledger = Ledger::new(header_len, 0);
    for _ in 0..count {
        let byte = p.u8()?;
        let prefix_len = p.varint()?;
        let payload_len = p.varint()?;
        let kind = match Tag::from_byte(byte) {
            Some(Tag::Stream) => EntryKind::Stream(ledger.streams()),
            Some(Tag::Model) => EntryKind::Model,
            Some(Tag::Segment) => EntryKind::Segment(SegmentInfo::parse_coding(
                &mut p,
                ledger.segment_count(),
                ledger.raw_total(),
            )?),
            Some(Tag::Index) => return Err(FormatError::corrupt("the index lists an index")),
            // Its checksum holds, so a later version wrote it.
            None => {
                let what = format!("the index lists a block {byte:#04x}");
                return Err(FormatError::UnsupportedVersion(what));
            }
        };
        ledger.admit(kind, prefix_len, payload_len, max_memory)?;
    }
    p.end()?;
    Ok(ledger)
}
