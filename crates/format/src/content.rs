//! Checksums of raw bytes: of one segment (XXH3-64) and of the whole content (BLAKE3 and Adler-32).
//!
//! CRC32C guards coded bytes and structures; these guard what the decoder gives back. BLAKE3 says that
//! the content is the original one; Adler-32 is what catalogues of high-energy physics list.

use crate::error::FormatError;

/// CRC32C (Castagnoli) of `bytes`.
pub fn crc32c(bytes: &[u8]) -> u32 {
    crc32c::crc32c(bytes)
}

/// CRC32C of what gave `crc`, followed by `bytes`.
pub(crate) fn crc32c_more(crc: u32, bytes: &[u8]) -> u32 {
    crc32c::crc32c_append(crc, bytes)
}

/// Length and XXH3-64 of a segment's raw bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RawSummary {
    /// Number of bytes.
    pub len: u64,
    /// XXH3-64, seed 0.
    pub xxh3: u64,
}

impl RawSummary {
    /// Of these bytes.
    pub fn of(raw: &[u8]) -> Self {
        Self { len: len64(raw), xxh3: xxhash_rust::xxh3::xxh3_64(raw) }
    }
}

/// Length of a slice as the format counts.
pub(crate) fn len64(bytes: &[u8]) -> u64 {
    const { assert!(usize::BITS <= 64, "lengths must fit u64") };
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

/// What the footer says about an archive's content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContentDigest {
    /// Number of bytes.
    pub len: u64,
    /// BLAKE3, 32 bytes.
    pub blake3: [u8; 32],
    /// Adler-32 as in zlib.
    pub adler32: u32,
}

/// Bytes that are hashed at a time: a power of two.
const PIECE: usize = 128 << 10;
const PIECE_MASK: u64 = (PIECE - 1) as u64;

/// Hashes an archive's content, given in order and in pieces of any size.
#[derive(Clone, Debug, Default)]
pub struct ContentHasher {
    len: u64,
    blake3: blake3::Hasher,
    adler32: adler2::Adler32,
}

impl ContentHasher {
    /// Of no bytes yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the bytes that follow.
    pub fn update(&mut self, raw: &[u8]) {
        // Both hashes over a piece that stays in cache. BLAKE3 is a tree: pieces that begin at multiples of their length
        // are whole subtrees, hashed many leaves at a time.
        let begun = usize::try_from(self.len & PIECE_MASK).unwrap_or(0);
        let (head, rest) = raw.split_at(raw.len().min(PIECE.saturating_sub(begun)));
        for piece in std::iter::once(head).chain(rest.chunks(PIECE)) {
            self.blake3.update(piece);
            self.adler32.write_slice(piece);
        }
        self.len = self.len.saturating_add(len64(raw));
    }

    /// Number of bytes so far.
    pub const fn len(&self) -> u64 {
        self.len
    }

    /// Whether no bytes came yet.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The digest of the bytes so far.
    pub fn digest(&self) -> ContentDigest {
        ContentDigest {
            len: self.len,
            blake3: *self.blake3.finalize().as_bytes(),
            adler32: self.adler32.checksum(),
        }
    }
}

impl ContentDigest {
    /// Of all that a reader gives.
    ///
    /// # Errors
    /// Those of the reader.
    pub fn of(mut reader: impl std::io::Read) -> std::io::Result<Self> {
        let mut hasher = ContentHasher::new();
        let mut buffer = vec![0; 1 << 20];
        loop {
            match reader.read(&mut buffer) {
                Ok(0) => return Ok(hasher.digest()),
                Ok(n) => hasher.update(buffer.get(..n).unwrap_or_default()),
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
    }

    /// Compares with the digest of what was decoded.
    ///
    /// # Errors
    /// [`FormatError::ChecksumMismatch`], or [`FormatError::Corruption`] if the lengths differ.
    pub fn verify(&self, decoded: &ContentDigest) -> Result<(), FormatError> {
        if self.len != decoded.len {
            return Err(FormatError::corrupt(format!(
                "the content has {} bytes, {} were decoded",
                self.len, decoded.len
            )));
        }
        if self.blake3 != decoded.blake3 {
            return Err(FormatError::ChecksumMismatch { what: "BLAKE3 of the content", at: 0 });
        }
        if self.adler32 != decoded.adler32 {
            return Err(FormatError::ChecksumMismatch { what: "Adler-32 of the content", at: 0 });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Interrupted calls are made again, other errors passed on.
    #[test]
    fn readers_are_read_to_their_end() {
        use std::io::{Error, ErrorKind, Read, Result};
        struct Calls(Vec<Result<&'static [u8]>>);
        impl Read for Calls {
            fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
                self.0.pop().unwrap_or(Ok(b"")).map(|mut bytes| bytes.read(buffer).unwrap_or(0))
            }
        }
        let interrupted = || Err(Error::from(ErrorKind::Interrupted));
        let calls = Calls(vec![Ok(b"lo"), interrupted(), Ok(b"hel"), interrupted()]);
        let mut hasher = ContentHasher::new();
        assert!(hasher.is_empty());
        hasher.update(b"hello");
        assert!(!hasher.is_empty());
        assert_eq!(ContentDigest::of(calls).unwrap(), hasher.digest());
        let broken = Err(Error::from(ErrorKind::ConnectionReset));
        let e = ContentDigest::of(Calls(vec![Ok(b"lo"), broken, Ok(b"hel")])).unwrap_err();
        assert_eq!(e.kind(), ErrorKind::ConnectionReset);
    }

    #[test]
    fn published_check_values() {
        // CRC catalogue: CRC-32/ISCSI of "123456789"; RFC 1950's Adler-32 of "Wikipedia" (well known).
        assert_eq!(crc32c(b"123456789"), 0xE306_9283);
        assert_eq!(crc32c_more(crc32c(b"1234"), b"56789"), 0xE306_9283);
        let mut h = ContentHasher::new();
        h.update(b"Wikipedia");
        assert_eq!(h.digest().adler32, 0x11E6_0398);
        // The BLAKE3 and XXH3-64 of no bytes, from their authors' test vectors.
        let empty = ContentHasher::new().digest();
        assert_eq!(empty.adler32, 1);
        assert_eq!(empty.blake3[..4], [0xAF, 0x13, 0x49, 0xB9]);
        assert_eq!(RawSummary::of(b"").xxh3, 0x2D06_8005_38D3_94C2);
    }

    #[test]
    fn pieces_do_not_matter() {
        // Miri takes minutes for all of it.
        let len = if cfg!(miri) { 5_000u32 } else { 200_000 };
        let data: Vec<u8> = (0..len).map(|i| ((i * 7) >> 3) as u8).collect();
        let mut whole = ContentHasher::new();
        whole.update(&data);
        let mut pieces = ContentHasher::new();
        for p in data.chunks(777) {
            pieces.update(p);
        }
        assert_eq!(whole.digest(), pieces.digest());
        assert_eq!(
            (whole.len(), pieces.len(), pieces.is_empty()),
            (u64::from(len), u64::from(len), false)
        );
        whole.digest().verify(&pieces.digest()).unwrap();
        pieces.update(b"x");
        assert!(whole.digest().verify(&pieces.digest()).is_err());
        let mut other = whole.digest();
        other.adler32 ^= 1;
        assert!(matches!(
            whole.digest().verify(&other),
            Err(FormatError::ChecksumMismatch { what: "Adler-32 of the content", .. })
        ));
    }
}
