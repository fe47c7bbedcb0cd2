//! LZ4's blocks as version 1.10 of its authors' library writes them on 64-bit little-endian machines: setting 0 is the
//! fast encoder, 1 to 12 are levels of the strong one.
//!
//! Written anew from that behaviour, because the library's depends on the machine: its hashes read words in the order of
//! the processor, and of words as wide as the processor has them. Here they are the same everywhere, places and quirks
//! included: what a table holds of places that nobody entered is part of what comes out.
//!
//! ```text
//! block := (token u8 · [more literals] · literals · distance u16 LE · [more length])* · token · [more literals] · literals
//! ```

mod block;
mod chains;
mod fast;
mod lazy;
mod mid;
mod optimal;

use crate::error::RemakeError;

/// Settings, ROOT's favourites first: level 4, and what lower levels are to it.
pub const LEVELS: [u8; 13] = [4, 0, 9, 1, 2, 3, 5, 6, 7, 8, 10, 11, 12];

/// Longest content: places are 32 bits in the tables.
const LONGEST: usize = 1 << 30;

/// Checksum and block; `None` for a setting that there is not.
///
/// # Errors
/// [`RemakeError::LimitExceeded`] for a content of more than a gibibyte.
pub fn remake(setting: u8, content: &[u8]) -> Result<Option<Vec<u8>>, RemakeError> {
    if content.len() > LONGEST {
        let (needed, limit) = (content.len() as u64, LONGEST as u64);
        return Err(RemakeError::LimitExceeded { needed, limit });
    }
    Ok(Some(match setting {
        0 => fast::compress(content),
        1 | 2 => mid::compress(content),
        3..=9 => lazy::compress(content, 4 << (setting - 3)),
        10 => optimal::compress(content, 96, 64, false),
        11 => optimal::compress(content, 512, 128, false),
        12 => optimal::compress(content, 16_384, optimal::PLACES - 1, true),
        _ => return Ok(None),
    }))
}

#[cfg(test)]
mod tests;
