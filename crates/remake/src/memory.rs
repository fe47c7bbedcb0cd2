//! What making a file again takes in memory: one count for who reads a form, who may allow less, and for who writes it,
//! so that every form that is written can be read.
//!
//! ```text
//! group  := sections, what is kept of each column and set          from its head to its end
//! op     := content as it is put together · stored bytes · encoder              while it is made
//! ```
//! Counted is what is declared, before it is asked for.

use crate::codec::{self, Codec};
use crate::content::Shape;
use crate::error::RemakeError;
use crate::form;

/// What any form that [`pack`](crate::pack()) writes can be read within: the default of decoding (`vxc_format`).
pub const DEFAULT: u64 = 512 << 20;
/// Recipe, columns and sets of a group by themselves, after which a writer ends it; they come on top of what it holds.
pub const OVERHEAD: u64 = 16 << 20;
/// Largest encoder that a writer asks a reader for.
pub const ENCODER: u64 = 168 << 20;

/// Of a column without its bytes: its head, its place in the order, its vectors.
const COLUMN: u64 = 256;
/// Of a set without its lengths.
const SET: u64 = 128;
/// An encoder of a stream, and the step of content that it is given.
const STREAM: u64 = 4 << 20;

/// So many columns, without their bytes.
pub const fn columns(n: u64) -> u64 {
    n.saturating_mul(COLUMN)
}

/// So many sets of lengths, which lie in columns.
pub const fn sets(n: u64) -> u64 {
    n.saturating_mul(SET)
}

/// A piece of so much content while it is made.
pub fn piece(codec: Codec, setting: u8, framed: bool, shape: Shape, content: u64) -> u64 {
    let joined = match shape {
        Shape::Plain => 0,
        Shape::Jagged { .. } | Shape::Sequences { .. } => content,
        Shape::Shuffled { .. } => content.saturating_mul(2),
    };
    if codec == Codec::Stored && shape == Shape::Plain {
        return 0;
    }
    let block = if framed { content.min(form::BLOCK as u64) } else { content };
    let one = if framed { stored(block) } else { 0 };
    [stored(content), one, codec::memory(codec, setting, block)]
        .into_iter()
        .fold(joined, u64::saturating_add)
}

/// A part of a stream while it is made.
pub const fn part(content: u64) -> u64 {
    stored(content).saturating_add(STREAM)
}

/// Most that any encoder makes of a content, and its buffer.
const fn stored(content: u64) -> u64 {
    content.saturating_add(content / 16).saturating_add(64 << 10)
}

/// `needed <= limit`, or the error that says so.
///
/// # Errors
/// [`RemakeError::MemoryExceeded`].
pub const fn check(needed: u64, limit: u64) -> Result<(), RemakeError> {
    if needed > limit {
        return Err(RemakeError::MemoryExceeded { needed, limit });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::content::Tail;
    use crate::content::shuffle::Sums;

    /// The largest group that is written, and the largest piece that it may have.
    #[test]
    fn whatever_is_written_can_be_read() {
        let jagged = Shape::Jagged { unit: 4, tail: Tail::End };
        let shuffled = Shape::Shuffled { unit: 4, sums: Sums::STORED, padding: 0 };
        let group = form::MAX_GROUP + (1 << 20);
        let mut largest = 0;
        for codec in (0..7).filter_map(Codec::of_number) {
            for setting in 0..=u8::MAX {
                for (framed, shape) in [(true, jagged), (false, shuffled), (false, jagged)] {
                    let block = if framed { form::BLOCK as u64 } else { form::MAX_CONTENT };
                    if codec::memory(codec, setting, block) <= ENCODER {
                        let needed = piece(codec, setting, framed, shape, form::MAX_CONTENT);
                        largest = largest.max(group + needed);
                    }
                }
            }
        }
        println!("{} MiB", largest >> 20);
        assert!(largest <= DEFAULT && largest > DEFAULT / 2, "{largest}");
        assert!(group + part(form::MAX_CONTENT) <= DEFAULT);
    }
}
