//! LZ4 by its authors' library: setting 0 is the fast encoder, 1 to 12 are levels of the strong one.

use crate::error::RemakeError;
use lz4::block::{CompressionMode, compress};

/// Settings, ROOT's favourites first: level 4, and what lower levels are to it.
pub const LEVELS: [u8; 13] = [4, 0, 9, 1, 2, 3, 5, 6, 7, 8, 10, 11, 12];

/// Checksum and block; `None` for a setting that there is not.
///
/// # Errors
/// [`RemakeError::Encoder`] if the library fails.
pub fn remake(setting: u8, content: &[u8]) -> Result<Option<Vec<u8>>, RemakeError> {
    let mode = match setting {
        0 => CompressionMode::DEFAULT,
        1..=12 => CompressionMode::HIGHCOMPRESSION(setting.into()),
        _ => return Ok(None),
    };
    let mut out = compress(content, Some(mode), false).map_err(|_| RemakeError::Encoder("lz4"))?;
    let sum = xxhash_rust::xxh64::xxh64(&out, 0).to_be_bytes();
    out.splice(..0, sum);
    Ok(Some(out))
}
