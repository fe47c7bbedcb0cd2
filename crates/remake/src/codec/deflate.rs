//! Deflate by zlib 1.3: levels 1 to 9, window of 32 KiB, default memory.
//!
//! Setting of [`raw`]: the level. Setting of [`zlib`]: level + 16 × the two bits of the frame's header that name a
//! level, which need not be the same one: 0 `78 01`, 1 `78 5E`, 2 `78 9C`, 3 `78 DA`.

use crate::error::RemakeError;
use flate2::{Compression, write::DeflateEncoder};
use std::io::Write;

/// Levels, ROOT's favourites first.
pub const LEVELS: [u8; 9] = [1, 6, 4, 5, 9, 3, 2, 7, 8];

/// Bytes of a zlib frame before its deflate stream, and after it.
const FRAME: (usize, usize) = (2, 4);

/// The deflate stream of a content.
pub fn raw(level: u8, content: &[u8]) -> Result<Option<Vec<u8>>, RemakeError> {
    stream(level, content, Vec::new())
}

fn stream(level: u8, content: &[u8], head: Vec<u8>) -> Result<Option<Vec<u8>>, RemakeError> {
    if !(1..=9).contains(&level) {
        return Ok(None);
    }
    let mut encoder = DeflateEncoder::new(head, Compression::new(level.into()));
    encoder
        .write_all(content)
        .and_then(|()| encoder.finish())
        .map(Some)
        .map_err(|_| RemakeError::Encoder("zlib"))
}

/// The zlib frame of a content.
pub fn zlib(setting: u8, content: &[u8]) -> Result<Option<Vec<u8>>, RemakeError> {
    if setting >= 64 {
        return Ok(None);
    }
    let Some(mut out) = stream(setting & 15, content, head(setting >> 4).to_vec())? else {
        return Ok(None);
    };
    out.extend_from_slice(&adler2::adler32_slice(content).to_be_bytes());
    Ok(Some(out))
}

/// The header with two bits that name a level.
const fn head(named: u8) -> [u8; 2] {
    // The two bytes, read as one number, are a multiple of 31.
    match named {
        0 => [0x78, 0x01],
        1 => [0x78, 0x5e],
        2 => [0x78, 0x9c],
        _ => [0x78, 0xda],
    }
}

/// The settings of a block's header.
pub fn zlib_candidates(stored: &[u8]) -> Vec<u8> {
    let named = (0u8..4).find(|&named| stored.starts_with(&head(named)));
    named.map_or_else(Vec::new, |named| LEVELS.iter().map(|level| level | (named << 4)).collect())
}

/// Whether a block has the setting's header.
pub fn zlib_possible(setting: u8, stored: &[u8]) -> bool {
    stored.len() >= FRAME.0 + FRAME.1 && stored.starts_with(&head(setting >> 4))
}
