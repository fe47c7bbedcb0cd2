//! Compressed records: a chain of blocks, each a 9-byte header and up to 16 MiB of content.
//!
//! ```text
//! block := algorithm [u8; 2] · method u8 · stored bytes u24 LE · raw bytes u24 LE · stored bytes
//! ```
//! `ZL` zlib, `XZ` xz, `L4` a big-endian XXH64 of the compressed bytes and an LZ4 block, `ZS` zstd, `CS`
//! deflate without zlib's frame. Invariants: memory grows block by block with content that decodes to
//! exactly the length its header declares; blocks add up to the length the record declares. Sources: ROOT's
//! documentation of compression, RNTuple specification, section "Compression Block".

use crate::error::DataError;
use crate::limits;
use crate::root::cursor::Cursor;
use std::io::Read;

/// Bytes of a block's header.
pub const BLOCK_HEADER: usize = 9;

/// How a block is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// `ZL`.
    Zlib,
    /// `XZ`.
    Lzma,
    /// `L4`.
    Lz4,
    /// `ZS`.
    Zstd,
    /// `CS`: deflate as ROOT wrote it before version 3.
    OldZlib,
}

impl Algorithm {
    /// As `vxc data columns` prints it.
    pub const fn name(self) -> &'static str {
        match self {
            Algorithm::Zlib => "zlib",
            Algorithm::Lzma => "lzma",
            Algorithm::Lz4 => "lz4",
            Algorithm::Zstd => "zstd",
            Algorithm::OldZlib => "old zlib",
        }
    }
}

/// One block of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block {
    /// How it is compressed.
    pub algorithm: Algorithm,
    /// Third byte of the header: deflate's method, or the compressor's version.
    pub method: u8,
    /// Where the block's header starts in the record's payload.
    pub at: usize,
    /// Bytes after the header.
    pub stored_bytes: u32,
    /// Bytes of content.
    pub raw_bytes: u32,
}

/// The blocks of a payload that holds `raw_bytes` of content.
///
/// # Errors
/// [`DataError::Corruption`], [`DataError::InsufficientData`] where the chain does not fit the payload.
pub fn blocks(payload: &[u8], raw_bytes: u64) -> Result<Vec<Block>, DataError> {
    let mut c = Cursor::new(payload);
    let mut out = Vec::new();
    let mut total = 0u64;
    while total < raw_bytes {
        let at = c.position();
        let algorithm = match &c.array::<2>()? {
            b"ZL" => Algorithm::Zlib,
            b"XZ" => Algorithm::Lzma,
            b"L4" => Algorithm::Lz4,
            b"ZS" => Algorithm::Zstd,
            b"CS" => Algorithm::OldZlib,
            other => {
                return Err(DataError::corrupt(format!("compression {other:02x?} is none")));
            }
        };
        let method = c.u8()?;
        let (stored_bytes, raw) = (u24(&mut c)?, u24(&mut c)?);
        if raw == 0 || stored_bytes == 0 {
            return Err(DataError::corrupt("compressed block without content"));
        }
        c.skip(usize::try_from(stored_bytes).unwrap_or(usize::MAX))?;
        total = total.saturating_add(u64::from(raw));
        out.push(Block { algorithm, method, at, stored_bytes, raw_bytes: raw });
    }
    if total != raw_bytes {
        return Err(DataError::corrupt(format!("blocks of {total} bytes, {raw_bytes} declared")));
    }
    Ok(out)
}

/// The content of a record's payload: as it is where it is as long as it should be, else from its blocks.
///
/// # Errors
/// [`DataError::LimitExceeded`] above `limit` bytes; else as [`blocks`] and [`Block::decompress`].
pub fn content(payload: Vec<u8>, raw_bytes: u64, limit: u64) -> Result<Vec<u8>, DataError> {
    if u64::try_from(payload.len()).is_ok_and(|n| n == raw_bytes) {
        return Ok(payload);
    }
    limits::check("decompressed record", raw_bytes, limit)?;
    let mut out = Vec::new();
    for block in blocks(&payload, raw_bytes)? {
        block.decompress(&payload, &mut out)?;
    }
    Ok(out)
}

impl Block {
    /// The compressed bytes inside the payload the block was found in.
    ///
    /// # Errors
    /// [`DataError::InsufficientData`] where the payload is another one and ends before them.
    pub fn stored<'a>(&self, payload: &'a [u8]) -> Result<&'a [u8], DataError> {
        let mut c = Cursor::new(payload).at(self.at)?;
        c.skip(BLOCK_HEADER)?;
        c.bytes(usize::try_from(self.stored_bytes).unwrap_or(usize::MAX))
    }

    /// Appends the content to `out`.
    ///
    /// # Errors
    /// [`DataError::Corruption`] where the content does not decode to its declared length,
    /// [`DataError::ChecksumMismatch`] for LZ4, whose blocks carry a checksum.
    pub fn decompress(&self, payload: &[u8], out: &mut Vec<u8>) -> Result<(), DataError> {
        let stored = self.stored(payload)?;
        let raw = usize::try_from(self.raw_bytes).unwrap_or(usize::MAX);
        let before = out.len();
        let after = before
            .checked_add(raw)
            .ok_or_else(|| DataError::corrupt("record longer than memory"))?;
        let decoded = match self.algorithm {
            Algorithm::Zlib => fill(flate2::read::ZlibDecoder::new(stored), raw, out),
            Algorithm::OldZlib => fill(flate2::read::DeflateDecoder::new(stored), raw, out),
            Algorithm::Lzma => {
                // Twice the memory of the largest preset, which is what a writer may have used.
                let stream = liblzma::stream::Stream::new_stream_decoder(256 << 20, 0);
                match stream {
                    Ok(stream) => {
                        fill(liblzma::read::XzDecoder::new_stream(stored, stream), raw, out)
                    }
                    Err(error) => Err(error.to_string()),
                }
            }
            Algorithm::Zstd => match zstd::stream::read::Decoder::with_buffer(stored) {
                Ok(decoder) => fill(decoder.single_frame(), raw, out),
                Err(error) => Err(error.to_string()),
            },
            Algorithm::Lz4 => {
                let mut c = Cursor::new(stored);
                let checksum = c.u64()?;
                let body = c.bytes(c.remaining())?;
                if xxhash_rust::xxh64::xxh64(body, 0) != checksum {
                    return Err(DataError::ChecksumMismatch("an LZ4 block"));
                }
                out.resize(after, 0);
                let target = out.get_mut(before..).unwrap_or_default();
                match lz4_flex::block::decompress_into(body, target) {
                    Ok(n) if n == raw => Ok(()),
                    Ok(n) => Err(format!("{n} bytes")),
                    Err(error) => Err(error.to_string()),
                }
            }
        };
        if let Err(message) = decoded {
            return Err(DataError::corrupt(format!(
                "{} block of {raw} bytes: {message}",
                self.algorithm.name()
            )));
        }
        if out.len() != after {
            return Err(DataError::corrupt(format!(
                "{} block of {raw} bytes holds {}",
                self.algorithm.name(),
                out.len().saturating_sub(before)
            )));
        }
        Ok(())
    }
}

/// Appends at most `raw` bytes and one, by which a longer content shows.
fn fill(decoder: impl Read, raw: usize, out: &mut Vec<u8>) -> Result<(), String> {
    let bound = u64::try_from(raw).unwrap_or(u64::MAX).saturating_add(1);
    decoder.take(bound).read_to_end(out).map(|_| ()).map_err(|error| error.to_string())
}

fn u24(c: &mut Cursor<'_>) -> Result<u32, DataError> {
    let [a, b, d] = c.array::<3>()?;
    Ok(u32::from_le_bytes([a, b, d, 0]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn block(tag: &[u8; 2], method: u8, stored: &[u8], raw: usize) -> Vec<u8> {
        let mut out = tag.to_vec();
        out.push(method);
        out.extend(&(stored.len() as u32).to_le_bytes()[..3]);
        out.extend(&(raw as u32).to_le_bytes()[..3]);
        out.extend(stored);
        out
    }

    fn all(text: &[u8]) -> Vec<Vec<u8>> {
        let mut zl = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::new(6));
        zl.write_all(text).unwrap();
        let mut cs = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::new(6));
        cs.write_all(text).unwrap();
        let mut xz = liblzma::write::XzEncoder::new(Vec::new(), 6);
        xz.write_all(text).unwrap();
        let body = lz4_flex::block::compress(text);
        let mut l4 = xxhash_rust::xxh64::xxh64(&body, 0).to_be_bytes().to_vec();
        l4.extend(body);
        vec![
            block(b"ZL", 8, &zl.finish().unwrap(), text.len()),
            block(b"CS", 8, &cs.finish().unwrap(), text.len()),
            block(b"XZ", 0, &xz.finish().unwrap(), text.len()),
            block(b"L4", 1, &l4, text.len()),
            block(b"ZS", 1, &zstd::encode_all(text, 5).unwrap(), text.len()),
        ]
    }

    #[test]
    fn every_algorithm_alone_and_in_a_chain() {
        let text = b"the same words, the same words, the same words again".repeat(20);
        let n = text.len() as u64;
        let mut chain = Vec::new();
        for record in all(&text) {
            assert_eq!(content(record.clone(), n, n).unwrap(), text);
            assert!(matches!(
                content(record.clone(), n, n - 1),
                Err(DataError::LimitExceeded { .. })
            ));
            assert!(content(record.clone(), n + 1, 1 << 20).is_err());
            assert!(content(record.clone(), n - 1, 1 << 20).is_err());
            chain.extend(record);
        }
        assert_eq!(content(chain.clone(), 5 * n, 1 << 20).unwrap(), text.repeat(5));
        assert_eq!(blocks(&chain, 5 * n).unwrap().len(), 5);
    }

    #[test]
    fn a_false_length_is_an_error() {
        let text = b"abcabcabcabcabcabcabcabcabcabcabcabcabcabc".to_vec();
        for record in all(&text) {
            for wrong in [text.len() - 1, text.len() + 1] {
                let mut bad = record.clone();
                bad[6..9].copy_from_slice(&(wrong as u32).to_le_bytes()[..3]);
                assert!(content(bad, wrong as u64, 1 << 20).is_err(), "{:?}", &record[..2]);
            }
        }
    }
}
