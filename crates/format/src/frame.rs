//! What all blocks share: a tag, a small head, a payload, and a checksum of each.
//!
//! ```text
//! frame := tag u8 · head length u8 (≤ 127) · payload length varint · CRC32C of the payload u32 LE
//!          · head · CRC32C of everything before u32 LE · payload
//! ```
//! The frame is frozen for all versions: an unknown tag whose checksum holds comes from a later version,
//! any other is damage; and a scan finds blocks without understanding them.

use std::io::Read;

use crate::constants::MAX_HEAD_BYTES;
use crate::content::{crc32c, len64};
use crate::error::FormatError;
use crate::source::Source;
use crate::varint;

/// The kinds of block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tag {
    /// A stream definition, [`crate::stream`].
    Stream,
    /// An embedded model, [`crate::model`].
    Model,
    /// A segment, [`crate::segment`].
    Segment,
    /// The index, [`crate::index`].
    Index,
}

impl Tag {
    /// The byte on disk.
    pub const fn byte(self) -> u8 {
        match self {
            Tag::Stream => b'T',
            Tag::Model => b'M',
            Tag::Segment => b'S',
            Tag::Index => b'I',
        }
    }

    /// The tag of a byte, if version 1 has one.
    pub const fn from_byte(byte: u8) -> Option<Self> {
        Some(match byte {
            b'T' => Tag::Stream,
            b'M' => Tag::Model,
            b'S' => Tag::Segment,
            b'I' => Tag::Index,
            _ => return None,
        })
    }

    /// What a message calls it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Tag::Stream => "a stream definition",
            Tag::Model => "an embedded model",
            Tag::Segment => "a segment",
            Tag::Index => "the index",
        }
    }
}

/// Everything of a block but its payload; its checksum holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FrameHead {
    /// Kind of block.
    pub tag: Tag,
    /// Where the block starts in the input.
    pub offset: u64,
    /// Number of bytes before the payload, ≤ [`MAX_FRAME_PREFIX`](crate::constants::MAX_FRAME_PREFIX).
    pub prefix_len: u64,
    /// Number of bytes of the payload. A claim: check it against limits before use.
    pub payload_len: u64,
    /// CRC32C that the payload must have.
    pub payload_crc: u32,
    /// The bytes of the head, ≤ [`MAX_HEAD_BYTES`].
    pub head: Vec<u8>,
}

impl FrameHead {
    /// Reads up to the payload and checks the checksum.
    ///
    /// # Errors
    /// Any kind but `LimitExceeded` and `InvalidArgument`.
    pub(crate) fn from_source<R: Read>(source: &mut Source<R>) -> Result<Self, FormatError> {
        let offset = source.position();
        let mut raw = Vec::with_capacity(64);
        let [tag, head_len] = source.array("a block")?;
        raw.extend_from_slice(&[tag, head_len]);
        if usize::from(head_len) > MAX_HEAD_BYTES {
            return Err(FormatError::corrupt(format!(
                "a block head of {head_len} bytes at byte {offset}"
            )));
        }
        let payload_len = source.varint(&mut raw, "a block")?;
        let crc_bytes: [u8; 4] = source.array("a block")?;
        raw.extend_from_slice(&crc_bytes);
        let head_at = raw.len();
        source.append(&mut raw, head_len.into(), "a block")?;
        let stored = u32::from_le_bytes(source.array("a block")?);
        if stored != crc32c(&raw) {
            return Err(FormatError::ChecksumMismatch { what: "the head of a block", at: offset });
        }
        let tag = Tag::from_byte(tag).ok_or_else(|| {
            FormatError::UnsupportedVersion(format!(
                "a block of unknown kind {tag:#04x} at byte {offset}"
            ))
        })?;
        Ok(Self {
            tag,
            offset,
            prefix_len: source.position().saturating_sub(offset),
            payload_len,
            payload_crc: u32::from_le_bytes(crc_bytes),
            head: raw.get(head_at..).unwrap_or_default().to_vec(),
        })
    }

    /// Reads the payload and checks its checksum. The caller has checked `payload_len`.
    ///
    /// # Errors
    /// `InsufficientData`, `ChecksumMismatch`, `Io`, or `LimitExceeded` where memory is not to be had.
    pub(crate) fn payload<R: Read>(&self, source: &mut Source<R>) -> Result<Vec<u8>, FormatError> {
        let mut payload = Vec::new();
        source.append(&mut payload, self.payload_len, self.tag.name())?;
        if crc32c(&payload) != self.payload_crc {
            return Err(FormatError::ChecksumMismatch {
                what: match self.tag {
                    Tag::Stream => "the bytes of a stream definition",
                    Tag::Model => "the bytes of an embedded model",
                    Tag::Segment => "the coded bytes of a segment",
                    Tag::Index => "the bytes of the index",
                },
                at: self.offset,
            });
        }
        Ok(payload)
    }
}

/// Appends the part of a frame before its payload; the payload must follow. `padding` zero bytes follow
/// the payload and count as part of it. Gives the number of bytes appended.
///
/// # Errors
/// [`FormatError::InvalidArgument`] if the head is too long.
pub(crate) fn write_prefix(
    out: &mut Vec<u8>,
    tag: Tag,
    head: &[u8],
    payload: &[u8],
    padding: &[u8],
) -> Result<u64, FormatError> {
    let head_len = u8::try_from(head.len())
        .ok()
        .filter(|&n| usize::from(n) <= MAX_HEAD_BYTES)
        .ok_or_else(|| FormatError::argument("the head of a block is too long"))?;
    let mut raw = vec![tag.byte(), head_len];
    varint::put(&mut raw, len64(payload).saturating_add(len64(padding)));
    let crc = crate::content::crc32c_more(crc32c(payload), padding);
    raw.extend_from_slice(&crc.to_le_bytes());
    raw.extend_from_slice(head);
    let crc = crc32c(&raw);
    raw.extend_from_slice(&crc.to_le_bytes());
    out.extend_from_slice(&raw);
    Ok(len64(&raw))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn round_trip(
            which in 0usize..4,
            head in proptest::collection::vec(any::<u8>(), 0..=MAX_HEAD_BYTES),
            payload in proptest::collection::vec(any::<u8>(), 0..400),
            padding in 0usize..5,
        ) {
            let tag = [Tag::Stream, Tag::Model, Tag::Segment, Tag::Index][which];
            let mut bytes = Vec::new();
            let zeros = vec![0u8; padding];
            let prefix = write_prefix(&mut bytes, tag, &head, &payload, &zeros).unwrap();
            prop_assert_eq!(prefix, bytes.len() as u64);
            bytes.extend_from_slice(&payload);
            bytes.extend_from_slice(&zeros);
            let mut s = Source::new(&bytes[..], 5);
            let f = FrameHead::from_source(&mut s).unwrap();
            prop_assert_eq!((f.tag, f.offset, f.prefix_len), (tag, 5, prefix));
            prop_assert_eq!(&f.head, &head);
            let p = f.payload(&mut s).unwrap();
            prop_assert_eq!(&p[..payload.len()], &payload[..]);
            prop_assert_eq!(&p[payload.len()..], &zeros[..]);
        }
    }

    #[test]
    fn tags_are_distinct_and_invert() {
        let tags = [Tag::Stream, Tag::Model, Tag::Segment, Tag::Index];
        for t in tags {
            assert_eq!(Tag::from_byte(t.byte()), Some(t));
        }
        assert_eq!((0..=255).filter_map(Tag::from_byte).count(), tags.len());
    }

    #[test]
    fn a_head_that_does_not_fit_is_refused() {
        let head = [0u8; MAX_HEAD_BYTES + 1];
        let r = write_prefix(&mut Vec::new(), Tag::Model, &head, &[], &[]);
        assert!(matches!(r, Err(FormatError::InvalidArgument(_))));
    }
}
