//! Zstandard 1.5.7: a frame with the content's size and no checksum, at the level that is the setting.

use crate::error::RemakeError;

/// Levels that are tried on contents above [`LARGE`] bytes: the slow ones are rarely used there.
const FAST: [u8; 12] = [5, 1, 3, 10, 2, 4, 6, 7, 8, 9, 12, 14];
/// And those that are tried on the others as well.
const SLOW: [u8; 10] = [18, 19, 22, 11, 13, 15, 16, 17, 20, 21];
/// See [`FAST`].
const LARGE: usize = 1 << 20;

/// Logarithms of the places of an encoder's two tables, by level; on short contents it has smaller ones.
const TABLES: [(u32, u32); 22] = [
    (13, 14),
    (15, 16),
    (16, 17),
    (18, 18),
    (18, 19),
    (18, 19),
    (19, 20),
    (19, 20),
    (20, 21),
    (21, 22),
    (21, 22),
    (22, 23),
    (22, 22),
    (22, 23),
    (23, 23),
    (22, 22),
    (23, 22),
    (23, 22),
    (24, 22),
    (25, 23),
    (26, 24),
    (27, 25),
];
/// What else an encoder takes.
const FIXED: u64 = 4 << 20;

/// Bytes that the encoder takes.
pub fn memory(setting: u8, content: u64) -> u64 {
    // A table has at most two places for each byte of the window.
    let most = content.checked_next_power_of_two().unwrap_or(u64::MAX).saturating_mul(2);
    let level = usize::from(setting).checked_sub(1).and_then(|at| TABLES.get(at));
    let places = level.map_or(0, |&(chain, hash)| most.min(1 << chain) + most.min(1 << hash));
    FIXED + 4 * places
}

/// The frame; `None` for a setting that there is not.
///
/// # Errors
/// [`RemakeError::Encoder`] if the library fails.
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
