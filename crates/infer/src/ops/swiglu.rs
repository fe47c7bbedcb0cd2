//! The gated product of the feed-forward part: `h = product15(SILU[gate], up)`.
//!
//! gate in ± 2047; the table (4095) holds SiLU of every gate, entry 2047 that of 0, in a unit chosen so that its product
//! with `up` (i16), divided by 2^15, fills i16.

use super::{NARROW_MAX, product15};

/// Entries of the table.
pub const SILU_LEN: usize = 2 * NARROW_MAX as usize + 1;

/// One product; `gate` in ± 2047.
#[inline(always)]
pub fn gated(table: &[i16; SILU_LEN], gate: i16, up: i16) -> i16 {
    let index = (i32::from(gate) + NARROW_MAX) as usize;
    // Both factors lie in ± 32767, so the product does too.
    product15(i32::from(table[index]), i32::from(up)) as i16
}
