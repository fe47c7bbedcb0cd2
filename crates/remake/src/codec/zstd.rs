//! Zstandard 1.5.7: a frame with the content's size and no checksum, at the level that is the setting.

use crate::error::RemakeError;

/// Levels that are tried on contents above [`LARGE`] bytes: the slow ones are rarely used there.
const FAST: [u8; 12] = [5, 1, 3, 10, 2, 4, 6, 7, 8, 9, 12, 14];
/// And those that are tried on the others as well.
const SLOW: [u8; 10] = [18, 19, 22, 11, 13, 15, 16, 17, 20, 21];
/// See [`FAST`].
const LARGE: usize = 1 << 20;

/// The frame.
pub fn remake(setting: u8, content: &[u8]) -> Result<Option<Vec<u8>>, RemakeError> {
    if !(1..=22).contains(&setting) {
        return Ok(None);
    }
    zstd::bulk::compress(content, setting.into())
        .map(Some)
        .map_err(|_| RemakeError::Encoder("zstd"))
}

/// The settings to try.
pub fn candidates(content: usize) -> Vec<u8> {
    let slow: &[u8] = if content > LARGE { &[] } else { &SLOW };
    FAST.iter().chain(slow).copied().collect()
}
