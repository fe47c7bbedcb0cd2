//! The gated product of the feed-forward part: `h = product15(SILU[gate + 2048], up)`.
//!
//! gate in ± 2047; the table (4096) holds SiLU of every 12-bit gate (the first entry, of −2048, is never read), in a unit
//! chosen so that its product with `up` (i16), divided by 2^15, fills i16.

use super::{NARROW_MAX, product15};

/// Entries of the table.
pub const SILU_LEN: usize = 1 << 12;

/// One product; `gate` in ± 2047.
#[inline(always)]
pub fn gated(table: &[i16; SILU_LEN], gate: i16, up: i16) -> i16 {
    let index = (i32::from(gate) + NARROW_MAX + 1) as usize % SILU_LEN;
    // Both factors lie in ± 32767, so the product does too.
    product15(i32::from(table[index]), i32::from(up)) as i16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_gate_has_its_entry() {
        let table: [i16; SILU_LEN] = std::array::from_fn(|i| i as i16 - 2048);
        for gate in -2047..=2047 {
            assert_eq!(gated(&table, gate, 16384), (gate + 1) >> 1);
        }
        assert_eq!(gated(&[32767; SILU_LEN], 0, 32767), 32766);
        assert_eq!(gated(&[-32767; SILU_LEN], 0, 32767), -32766);
    }
}
