//! The anchor of an `RNTuple`: the object `ROOT::RNTuple` in the file, which leads to header and footer.
//!
//! ```text
//! anchor := byte count u32 · version u16 · {epoch, major, minor, patch} u16
//!             · {seek, stored bytes, raw bytes} u64 of the header · the same of the footer · largest key u64
//!             · XXH3-64 of the fields from the epoch on
//! ```
//! All big-endian, unlike everything that it leads to. Source: RNTuple specification 1.0, "Anchor schema".

use crate::error::DataError;
use crate::root::cursor::Cursor;
use crate::root::ntuple::envelope::Link;

/// Class of an anchor.
pub(crate) const CLASS: &str = "ROOT::RNTuple";
/// Bytes of the fields that the checksum covers.
const FIELD_BYTES: usize = 64;

/// Where header and footer are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Anchor {
    pub header: Link,
    pub footer: Link,
}

impl Anchor {
    pub fn parse(payload: &[u8]) -> Result<Self, DataError> {
        let mut c = Cursor::new(payload);
        let version = c.version()?;
        let mut inner = match version.end {
            Some(end) => c.until(end)?,
            None => c,
        };
        let mut ahead = inner;
        let fields = ahead.bytes(FIELD_BYTES)?;
        let epoch = inner.u16()?;
        inner.skip(6)?;
        if epoch != 1 {
            return Err(DataError::unsupported(format!("RNTuple of epoch {epoch}")));
        }
        let header = Link { offset: inner.u64()?, stored: inner.u64()?, raw: inner.u64()? };
        let footer = Link { offset: inner.u64()?, stored: inner.u64()?, raw: inner.u64()? };
        let _largest_key = inner.u64()?;
        c.finish(version)?;
        let checksum = if version.end.is_some() { c.u64()? } else { inner.u64()? };
        if xxhash_rust::xxh3::xxh3_64(fields) != checksum {
            return Err(DataError::ChecksumMismatch("the anchor of an ntuple"));
        }
        Ok(Self { header, footer })
    }
}
