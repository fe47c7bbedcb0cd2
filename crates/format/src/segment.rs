//! Block `S`: a segment, the unit that decodes by itself, or from itself and one key segment.
//!
//! ```text
//! head    := number varint · raw offset varint · stream varint · kind u8 · primed-by varint
//!            · raw length varint · XXH3-64 of the raw bytes u64 LE
//! payload := the coded bytes, opaque here
//! ```
//! The number counts the archive's segments from 0; the raw offset is the sum of the raw lengths before.
//! Both could be derived from the order; they are stored so that after damage every segment that is left
//! knows its place. Primed-by is 0 for a fresh start, else 1 + the number of the key segment whose final
//! model state this one starts from: an earlier segment of the same stream and kind that starts fresh, so
//! any byte is reached by decoding two segments.

use crate::constants::{
    CODED_SLACK, EXPANSION_SLACK, MAX_CODED_FACTOR, MAX_EXPANSION, MAX_SEGMENT_RAW,
};
use crate::content::RawSummary;
use crate::error::FormatError;
use crate::parse::Parse;
use crate::varint;

/// How a segment is coded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SegmentKind {
    /// The raw bytes themselves.
    Stored,
    /// A general byte compressor.
    Lz,
    /// Static histograms with rANS.
    Static,
    /// Adaptive context mixing.
    Mix,
    /// The transformer, mixed.
    Neural,
}

impl SegmentKind {
    /// The byte on disk.
    pub const fn byte(self) -> u8 {
        match self {
            SegmentKind::Stored => 0,
            SegmentKind::Lz => 1,
            SegmentKind::Static => 2,
            SegmentKind::Mix => 3,
            SegmentKind::Neural => 4,
        }
    }

    /// The inverse of [`SegmentKind::byte`].
    ///
    /// # Errors
    /// [`FormatError::UnsupportedVersion`] for a kind of a later version.
    pub fn from_byte(byte: u8) -> Result<Self, FormatError> {
        Ok(match byte {
            0 => SegmentKind::Stored,
            1 => SegmentKind::Lz,
            2 => SegmentKind::Static,
            3 => SegmentKind::Mix,
            4 => SegmentKind::Neural,
            k => return Err(FormatError::UnsupportedVersion(format!("segment kind {k}"))),
        })
    }
}

/// A segment's place in the archive and how it is coded: what the index repeats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SegmentInfo {
    /// Number of segments before it in the archive.
    pub number: u64,
    /// Number of content bytes before it in the archive.
    pub raw_offset: u64,
    /// The stream that it belongs to.
    pub stream: u32,
    /// How it is coded.
    pub kind: SegmentKind,
    /// Number of the segment whose final state starts this one.
    pub primed_by: Option<u64>,
    /// Number of content bytes in it, 1..=[`MAX_SEGMENT_RAW`].
    pub raw_len: u64,
}

impl SegmentInfo {
    /// Content offset behind the segment. Saturates, which no checked segment does.
    pub const fn raw_end(&self) -> u64 {
        self.raw_offset.saturating_add(self.raw_len)
    }

    /// Checks what a segment may claim by itself: lengths that no honest writer exceeds, before any
    /// model runs.
    ///
    /// # Errors
    /// [`FormatError::Corruption`].
    pub(crate) fn check_claims(&self, coded_len: u64) -> Result<(), FormatError> {
        let raw = self.raw_len;
        if raw == 0 || raw > MAX_SEGMENT_RAW || self.raw_offset.checked_add(raw).is_none() {
            return Err(FormatError::corrupt(format!("a segment of {raw} raw bytes")));
        }
        let fits = match self.kind {
            SegmentKind::Stored => coded_len == raw && self.primed_by.is_none(),
            _ => {
                coded_len >= min_coded_len(raw)
                    && coded_len <= MAX_CODED_FACTOR.saturating_mul(raw).saturating_add(CODED_SLACK)
            }
        };
        if !fits {
            return Err(FormatError::corrupt(format!(
                "segment {} claims {raw} raw bytes for {coded_len} coded ones ({:?})",
                self.number, self.kind
            )));
        }
        Ok(())
    }
}

/// Fewest coded bytes that a segment of `raw_len` raw bytes may have; a writer pads with zeros.
pub const fn min_coded_len(raw_len: u64) -> u64 {
    raw_len.saturating_sub(EXPANSION_SLACK).div_ceil(MAX_EXPANSION)
}

/// The head of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SegmentHeader {
    /// Place and coding.
    pub info: SegmentInfo,
    /// XXH3-64 of the raw bytes.
    pub raw_xxh3: u64,
}

/// A segment with its coded bytes, whose checksum holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// The head.
    pub header: SegmentHeader,
    /// The coded bytes, with padding if any.
    pub coded: Vec<u8>,
}

impl SegmentHeader {
    pub(crate) fn write_head(&self) -> Vec<u8> {
        let i = &self.info;
        let mut head = Vec::new();
        varint::put(&mut head, i.number);
        varint::put(&mut head, i.raw_offset);
        i.write_coding(&mut head);
        head.extend_from_slice(&self.raw_xxh3.to_le_bytes());
        head
    }

    /// A head from a block with `coded_len` bytes of payload; its claims are checked.
    pub(crate) fn parse(head: &[u8], coded_len: u64) -> Result<Self, FormatError> {
        let mut p = Parse::new(head, "the head of a segment");
        let number = p.varint()?;
        let raw_offset = p.varint()?;
        let info = SegmentInfo::parse_coding(&mut p, number, raw_offset)?;
        let raw_xxh3 = p.u64()?;
        p.end()?;
        info.check_claims(coded_len)?;
        Ok(Self { info, raw_xxh3 })
    }

    /// Compares decoded bytes with what the head says of them.
    ///
    /// # Errors
    /// [`FormatError::Corruption`] for a wrong length, [`FormatError::ChecksumMismatch`] for wrong
    /// bytes, at their offset in the archive's content.
    pub fn verify_raw(&self, raw: &RawSummary) -> Result<(), FormatError> {
        if raw.len != self.info.raw_len {
            return Err(FormatError::corrupt(format!(
                "segment {} decoded to {} bytes instead of {}",
                self.info.number, raw.len, self.info.raw_len
            )));
        }
        if raw.xxh3 != self.raw_xxh3 {
            return Err(FormatError::ChecksumMismatch {
                what: "the decoded bytes of a segment",
                at: self.info.raw_offset,
            });
        }
        Ok(())
    }
}

impl SegmentInfo {
    /// The four fields that block and index write alike.
    pub(crate) fn write_coding(&self, out: &mut Vec<u8>) {
        varint::put(out, self.stream.into());
        out.push(self.kind.byte());
        // A segment number is below 2^63: each costs more than one byte of input.
        varint::put(out, self.primed_by.map_or(0, |n| n.saturating_add(1)));
        varint::put(out, self.raw_len);
    }

    pub(crate) fn parse_coding(
        p: &mut Parse<'_>,
        number: u64,
        raw_offset: u64,
    ) -> Result<Self, FormatError> {
        let stream = p.varint32()?;
        let kind = SegmentKind::from_byte(p.u8()?)?;
        let primed_by = p.varint()?.checked_sub(1);
        let raw_len = p.varint()?;
        Ok(Self { number, raw_offset, stream, kind, primed_by, raw_len })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const KINDS: [SegmentKind; 5] = [
        SegmentKind::Stored,
        SegmentKind::Lz,
        SegmentKind::Static,
        SegmentKind::Mix,
        SegmentKind::Neural,
    ];

    proptest! {
        #[test]
        fn round_trip(
            number: u64, raw_offset in 0..u64::MAX - MAX_SEGMENT_RAW, stream: u32, kind in 1usize..5,
            primed_by in proptest::option::of(0..u64::MAX), raw_len in 1..=MAX_SEGMENT_RAW,
            raw_xxh3: u64,
        ) {
            let kind = KINDS[kind];
            let info = SegmentInfo { number, raw_offset, stream, kind, primed_by, raw_len };
            let h = SegmentHeader { info, raw_xxh3 };
            let head = h.write_head();
            prop_assert!(head.len() <= crate::constants::MAX_HEAD_BYTES);
            prop_assert_eq!(SegmentHeader::parse(&head, min_coded_len(raw_len)).unwrap(), h);
            prop_assert!(SegmentHeader::parse(&head[..head.len() - 1], raw_len).is_err());
        }

        #[test]
        fn the_shortest_coding_is_the_shortest(raw in 1..=MAX_SEGMENT_RAW) {
            let least = min_coded_len(raw);
            prop_assert!(raw <= MAX_EXPANSION * least + EXPANSION_SLACK);
            prop_assert!(least == 0 || raw > MAX_EXPANSION * (least - 1) + EXPANSION_SLACK);
        }
    }

    fn claims(kind: SegmentKind, raw_len: u64, coded: u64) -> bool {
        SegmentInfo { number: 0, raw_offset: 0, stream: 0, kind, primed_by: None, raw_len }
            .check_claims(coded)
            .is_ok()
    }

    #[test]
    fn claims_are_bounded_both_ways() {
        use SegmentKind::{Mix, Stored};
        assert!(claims(Mix, 4096, 0));
        assert!(!claims(Mix, 4097, 0));
        assert!(claims(Mix, 4096 + 16384, 1));
        assert!(!claims(Mix, 4097 + 16384, 1));
        assert!(!claims(Mix, 0, 0));
        assert!(claims(Mix, MAX_SEGMENT_RAW, MAX_SEGMENT_RAW));
        assert!(!claims(Mix, MAX_SEGMENT_RAW + 1, MAX_SEGMENT_RAW));
        assert!(claims(Mix, 10, 4116));
        assert!(!claims(Mix, 10, 4117));
        assert!(claims(Stored, 10, 10));
        assert!(!claims(Stored, 10, 11));
        assert!(!claims(Stored, 10, 9));
    }

    #[test]
    fn kinds_invert_and_later_ones_are_unsupported() {
        for k in KINDS {
            assert_eq!(SegmentKind::from_byte(k.byte()).unwrap(), k);
        }
        assert!(matches!(SegmentKind::from_byte(5), Err(FormatError::UnsupportedVersion(_))));
    }

    #[test]
    fn raw_bytes_are_verified() {
        let raw = RawSummary::of(b"abc");
        let info = SegmentInfo {
            number: 0,
            raw_offset: 7,
            stream: 0,
            kind: SegmentKind::Stored,
            primed_by: None,
            raw_len: 3,
        };
        let h = SegmentHeader { info, raw_xxh3: raw.xxh3 };
        h.verify_raw(&raw).unwrap();
        assert!(matches!(
            h.verify_raw(&RawSummary::of(b"abd")),
            Err(FormatError::ChecksumMismatch { at: 7, .. })
        ));
        assert!(matches!(h.verify_raw(&RawSummary::of(b"ab")), Err(FormatError::Corruption(_))));
    }
}
