//! Uniform values through rANS states: no table, and no division to decode.
//!
//! Value `v` of `n` has the slots from `ceil(v * 2^14 / n)` to before the start of `v + 1`, so the value of a
//! slot is `floor(slot * n / 2^14)`.

/// Precision of uniform values in bits.
pub(super) const UNIFORM_PRECISION: u32 = 14;
/// The largest number of values.
pub const MAX_UNIFORM: u16 = 256;

const TOTAL: u32 = 1 << UNIFORM_PRECISION;
/// Precision of the reciprocals below.
const INVERSE_BITS: u32 = 31;

/// `ceil(2^31 / n)`. For `x` below 2^23 and `n` to 256, `floor(x / n)` is `x * inverse >> 31`, since the error
/// of the product is below 2^23 * 256 = 2^31.
const INVERSE: [u32; MAX_UNIFORM as usize + 1] = {
    let mut all = [0; MAX_UNIFORM as usize + 1];
    let mut n = 1;
    while n < all.len() {
        all[n] = (1u32 << INVERSE_BITS).div_ceil(n as u32);
        n += 1;
    }
    all
};

/// `floor(x / n)` for `x` below 2^23.
#[inline(always)]
fn divide(x: u32, n: u16) -> u32 {
    debug_assert!(x < 1 << 23);
    ((u64::from(x) * u64::from(INVERSE[usize::from(n)])) >> INVERSE_BITS) as u32
}

/// The first slot of `v`, which may be `n`; `n` in 1 to 256.
#[inline(always)]
pub(super) fn uniform_start(n: u16, v: u16) -> u32 {
    divide(u32::from(v) * TOTAL + u32::from(n) - 1, n)
}

/// Of the slot: its value, its distance from the first slot of that value, the number of slots of the value.
/// An `n` of 0 counts as 1, one above 256 as 256.
#[inline(always)]
pub(super) fn uniform_at(n: u16, slot: u32) -> (u16, u32, u32) {
    let n = n.clamp(1, MAX_UNIFORM);
    let product = slot * u32::from(n);
    let value = product >> UNIFORM_PRECISION;
    // slot - ceil(v T / n) = floor(rest / n), and start of the next value - slot = ceil((T - rest) / n).
    let rest = product & (TOTAL - 1);
    let behind = divide(rest, n);
    let ahead = divide(TOTAL - rest + u32::from(n) - 1, n);
    (value as u16, behind, behind + ahead)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_slot_of_every_n() {
        // Miri takes minutes for a few of them.
        let step = if cfg!(miri) { 255 } else { 1 };
        for n in (1..=MAX_UNIFORM).step_by(step) {
            let mut value = 0;
            for slot in 0..TOTAL {
                if slot == uniform_start(n, value + 1) {
                    value += 1;
                }
                let start = uniform_start(n, value);
                assert_eq!(start, (u32::from(value) * TOTAL).div_ceil(u32::from(n)));
                let freq = uniform_start(n, value + 1) - start;
                assert_eq!(uniform_at(n, slot), (value, slot - start, freq), "n {n}, slot {slot}");
            }
            assert_eq!(value, n - 1);
            assert_eq!(uniform_start(n, n), TOTAL);
        }
        assert_eq!(uniform_at(0, 77), uniform_at(1, 77));
        assert_eq!(uniform_at(u16::MAX, 77), uniform_at(256, 77));
    }
}
