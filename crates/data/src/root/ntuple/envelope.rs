//! Envelopes, frames and locators: the boxes that an `RNTuple`'s metadata comes in.
//!
//! ```text
//! envelope := type u16 | length u48 · payload · XXH3-64 of all before          little-endian throughout
//! frame    := size i64 · [items u32] · payload       negative: a list; the size counts from its own start
//! locator  := size i32 · offset u64                  negative: size u16 · reserved u8 · type · payload
//! ```
//! Invariant: what a frame holds is read within the frame, and the next one found by its size. Source:
//! RNTuple specification 1.0, "Frames", "Locators and Envelope Links", "Envelopes".

use crate::error::DataError;
use crate::limits::{self, Limits};
use crate::root::compression;
use crate::root::cursor::Cursor;
use crate::root::source::Source;
use std::io::{Read, Seek};

/// Bytes of an envelope's head.
const HEAD: usize = 8;
/// Bytes of its checksum.
const TAIL: usize = 8;

/// A stretch of the file and what it decompresses to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Link {
    pub offset: u64,
    pub stored: u64,
    pub raw: u64,
}

/// What an envelope is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Header = 1,
    Footer = 2,
    PageList = 3,
}

/// An envelope, checked.
#[derive(Clone, Debug)]
pub(crate) struct Envelope {
    bytes: Vec<u8>,
    /// Its checksum, by which others refer to it.
    pub checksum: u64,
}

impl Envelope {
    pub fn read<R: Read + Seek>(
        source: &mut Source<R>,
        link: Link,
        kind: Kind,
        limits: &Limits,
    ) -> Result<Self, DataError> {
        limits::check("envelope", link.raw.max(link.stored), limits.max_object)?;
        let stored = source.read(link.offset, link.stored)?;
        let bytes = compression::content(stored, link.raw, limits.max_object)?;
        let mut c = Cursor::new(&bytes);
        let head = c.le_u64()?;
        if head & 0xffff != kind as u64 {
            return Err(DataError::corrupt(format!("an envelope that is no {kind:?}")));
        }
        if head >> 16 != link.raw {
            return Err(DataError::corrupt("an envelope of another length than its link says"));
        }
        let covered = bytes.len().checked_sub(TAIL).filter(|&n| n >= HEAD);
        let Some((covered, tail)) = covered.and_then(|n| bytes.split_at_checked(n)) else {
            return Err(DataError::truncated("an envelope without content"));
        };
        let checksum = Cursor::new(tail).le_u64()?;
        if xxhash_rust::xxh3::xxh3_64(covered) != checksum {
            return Err(DataError::ChecksumMismatch("an envelope of an ntuple"));
        }
        Ok(Self { bytes, checksum })
    }

    /// The payload.
    pub fn payload(&self) -> Cursor<'_> {
        let end = self.bytes.len().saturating_sub(TAIL);
        let inner = self.bytes.get(HEAD..end).unwrap_or_default();
        Cursor::new(inner)
    }
}

/// A list frame: how many items, and a cursor that ends with it. The outer one is past it.
pub(crate) fn list<'a>(c: &mut Cursor<'a>) -> Result<(u32, Cursor<'a>), DataError> {
    let (is_list, mut inner) = frame(c)?;
    if !is_list {
        return Err(DataError::corrupt("a record where a list should be"));
    }
    let items = inner.le_u32()?;
    Ok((items, inner))
}

/// A record frame: a cursor that ends with it. The outer one is past it.
pub(crate) fn record<'a>(c: &mut Cursor<'a>) -> Result<Cursor<'a>, DataError> {
    match frame(c)? {
        (false, inner) => Ok(inner),
        (true, _) => Err(DataError::corrupt("a list where a record should be")),
    }
}

fn frame<'a>(c: &mut Cursor<'a>) -> Result<(bool, Cursor<'a>), DataError> {
    let start = c.position();
    let size = i64::from_le_bytes(c.array()?);
    let end = usize::try_from(size.unsigned_abs()).ok().and_then(|n| start.checked_add(n));
    let end = end.ok_or_else(|| DataError::corrupt(format!("a frame of {size} bytes")))?;
    let inner = c.until(end)?;
    *c = c.at(end)?;
    Ok((size < 0, inner))
}

/// Feature flags: as many words as have their sign set, and one. None is known, so none may be set.
pub(crate) fn features(c: &mut Cursor<'_>) -> Result<(), DataError> {
    loop {
        let word = c.le_u64()?;
        if word << 1 != 0 {
            return Err(DataError::unsupported(format!("RNTuple features {word:#x}")));
        }
        if word >> 63 == 0 {
            return Ok(());
        }
    }
}

/// A locator: offset and bytes in the file.
pub(crate) fn locator(c: &mut Cursor<'_>) -> Result<(u64, u64), DataError> {
    let start = c.position();
    let size = i32::from_le_bytes(c.array()?);
    if let Ok(stored) = u64::try_from(size) {
        return Ok((c.le_u64()?, stored));
    }
    let word = size.unsigned_abs();
    // The size of the locator is in the low half of the negative number's bits, its type in the high byte.
    let bits = u32::from_le_bytes(size.to_le_bytes());
    let own = usize::try_from(bits & 0xffff).unwrap_or(usize::MAX);
    let kind = (bits >> 24) & 0x7f;
    if kind != 1 {
        return Err(DataError::unsupported(format!("a locator of type {kind} ({word:#x})")));
    }
    let stored = c.le_u64()?;
    let offset = c.le_u64()?;
    let end = start
        .checked_add(own)
        .filter(|&end| end >= c.position())
        .ok_or_else(|| DataError::corrupt("a locator shorter than its content"))?;
    *c = c.at(end)?;
    Ok((offset, stored))
}

/// An envelope link: raw length, then a locator.
pub(crate) fn link(c: &mut Cursor<'_>) -> Result<Link, DataError> {
    let raw = c.le_u64()?;
    let (offset, stored) = locator(c)?;
    Ok(Link { offset, stored, raw })
}

/// Text: a length of four bytes, then UTF-8.
pub(crate) fn text(c: &mut Cursor<'_>) -> Result<String, DataError> {
    let n = usize::try_from(c.le_u32()?).unwrap_or(usize::MAX);
    c.bytes(n).map(|bytes| String::from_utf8_lossy(bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locators_of_both_kinds() {
        let mut plain = 77i32.to_le_bytes().to_vec();
        plain.extend(1000u64.to_le_bytes());
        assert_eq!(locator(&mut Cursor::new(&plain)).unwrap(), (1000, 77));

        let mut large = (0x8100_0014u32).to_le_bytes().to_vec();
        large.extend((5u64 << 32).to_le_bytes());
        large.extend(2000u64.to_le_bytes());
        let mut c = Cursor::new(&large);
        assert_eq!(locator(&mut c).unwrap(), (2000, 5 << 32));
        assert_eq!(c.remaining(), 0);
        large[0] = 4;
        assert!(locator(&mut Cursor::new(&large)).is_err());
    }

    #[test]
    fn frames_end_where_they_say() {
        let mut bytes = (-16i64).to_le_bytes().to_vec();
        bytes.extend(1u32.to_le_bytes());
        bytes.extend([9, 9, 9, 9, 5]);
        let mut c = Cursor::new(&bytes);
        let (items, inner) = list(&mut c).unwrap();
        assert_eq!((items, inner.remaining(), c.u8().unwrap()), (1, 4, 5));
        assert!(record(&mut Cursor::new(&bytes)).is_err());
        for size in [0i64, 7, 18, i64::MAX, i64::MIN] {
            let mut bad = bytes.clone();
            bad[..8].copy_from_slice(&size.to_le_bytes());
            assert!(list(&mut Cursor::new(&bad)).is_err());
        }
    }

    #[test]
    fn features_are_refused() {
        assert!(features(&mut Cursor::new(&[0; 8])).is_ok());
        assert!(features(&mut Cursor::new(&1u64.to_le_bytes())).is_err());
        let mut two = (1u64 << 63).to_le_bytes().to_vec();
        two.extend([0; 8]);
        assert!(features(&mut Cursor::new(&two)).is_ok());
        assert!(features(&mut Cursor::new(&two[..8])).is_err());
    }
}
