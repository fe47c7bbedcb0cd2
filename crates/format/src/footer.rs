//! The footer: the last 64 bytes of an archive, all of fixed width and little-endian.
//!
//! ```text
//! index offset u64 (from the archive's start) · index length u32 (its whole frame) · content size u64
//! · BLAKE3 of the content 32 · Adler-32 of the content u32 · CRC32C of the 56 bytes before u32 · end magic 4
//! ```
//! Offset and length of the index give the archive's start, so concatenated archives are found from the
//! end of the file.

use crate::constants::{END_MAGIC, FOOTER_BYTES};
use crate::content::{ContentDigest, crc32c};
use crate::error::FormatError;
use crate::parse::Parse;

/// The footer of an archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Footer {
    /// Where the index starts, from the archive's start.
    pub index_offset: u64,
    /// Number of bytes of the index, its frame included.
    pub index_len: u32,
    /// Size and checksums of the content.
    pub content: ContentDigest,
}

impl Footer {
    /// The bytes on disk.
    pub fn to_bytes(&self) -> [u8; FOOTER_BYTES] {
        let mut out = Vec::with_capacity(FOOTER_BYTES);
        out.extend_from_slice(&self.index_offset.to_le_bytes());
        out.extend_from_slice(&self.index_len.to_le_bytes());
        out.extend_from_slice(&self.content.len.to_le_bytes());
        out.extend_from_slice(&self.content.blake3);
        out.extend_from_slice(&self.content.adler32.to_le_bytes());
        let crc = crc32c(&out);
        out.extend_from_slice(&crc.to_le_bytes());
        out.extend_from_slice(&END_MAGIC);
        let mut bytes = [0u8; FOOTER_BYTES];
        for (to, from) in bytes.iter_mut().zip(out) {
            *to = from;
        }
        bytes
    }

    /// The footer in these bytes, which stand at `at` in the input.
    ///
    /// # Errors
    /// `ChecksumMismatch`, or `Corruption` if only the end magic is wrong.
    pub fn parse(bytes: &[u8; FOOTER_BYTES], at: u64) -> Result<Self, FormatError> {
        let mut p = Parse::new(bytes, "the footer");
        let footer = Self {
            index_offset: p.u64()?,
            index_len: p.u32()?,
            content: ContentDigest { len: p.u64()?, blake3: p.array()?, adler32: p.u32()? },
        };
        let stored = p.u32()?;
        let covered = bytes.get(..FOOTER_BYTES.saturating_sub(8)).unwrap_or_default();
        if stored != crc32c(covered) {
            return Err(FormatError::ChecksumMismatch { what: "the footer", at });
        }
        if p.array::<4>()? != END_MAGIC {
            return Err(FormatError::corrupt(format!(
                "no end mark behind the footer at byte {at}"
            )));
        }
        Ok(footer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn round_trip(index_offset: u64, index_len: u32, len: u64, blake3: [u8; 32], adler32: u32) {
            let f = Footer { index_offset, index_len, content: ContentDigest { len, blake3, adler32 } };
            let bytes = f.to_bytes();
            prop_assert_eq!(Footer::parse(&bytes, 0).unwrap(), f);
        }
    }

    #[test]
    fn every_flipped_bit_is_seen() {
        let content = ContentDigest { len: 3, blake3: [7; 32], adler32: 9 };
        let bytes = Footer { index_offset: 1, index_len: 2, content }.to_bytes();
        for bit in 0..FOOTER_BYTES * 8 {
            let mut b = bytes;
            b[bit / 8] ^= 1 << (bit % 8);
            assert!(Footer::parse(&b, 0).is_err(), "bit {bit}");
        }
    }
}
