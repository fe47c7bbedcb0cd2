//! Normalisation by the root mean square, and by mean and variance.
//!
//! ```text
//! r = ⌊√(Σx² + ε)⌋                       Σx² in 64 bits; ε ≥ 1, so r ≥ 1 and a zero vector stays zero
//! t = round(x · 32767 / r)               the unit vector, |t| ≤ 32767: by one reciprocal and one multiply-shift
//! y = clamp16((t · gain + 2^11) >> 12)                                   RMS
//! y = clamp16(((t · gain + 2^11) >> 12) + bias), of x − mean             layer
//! ```
//! x (D) in ± (2^23 − 1). The gain holds what turns a unit vector into the unit of y: `scale · √D · 2^12 / 32767` over
//! the unit of y. ε is D · epsilon of the float network in squared units of x. Bounds: Σx² ≤ 2^12 · 2^46, to which
//! centring adds at most D / 4 by its rounded mean; with ε < 2^56, r < 2^30.

use super::clamp16;

/// Bits after the point of a gain.
pub const GAIN_BITS: u32 = 12;
/// ε is below this.
pub const EPSILON_END: u64 = 1 << 56;

/// RMS norm of `x` (D) into `y` (D).
#[inline(always)]
pub fn rms_norm(x: &[i32], gain: &[i16], epsilon: u64, y: &mut [i16]) {
    let unit = UnitVector::of(square_sum(x), epsilon);
    for ((y, &x), &gain) in y.iter_mut().zip(x).zip(gain) {
        *y = clamp16(gained(unit.coordinate(x), gain));
    }
}

/// Layer norm of `x` (D) into `y` (D). The mean is rounded to an integer, half up; `x` is left centred.
#[inline(always)]
pub fn layer_norm(x: &mut [i32], gain: &[i16], bias: &[i16], epsilon: u64, y: &mut [i16]) {
    let count = x.len().max(1) as i64;
    let sum: i64 = x.iter().map(|&x| i64::from(x)).sum();
    let mean = (2 * sum + count).div_euclid(2 * count) as i32;
    for x in x.iter_mut() {
        *x -= mean;
    }
    let unit = UnitVector::of(square_sum(x), epsilon);
    for (((y, &x), &gain), &bias) in y.iter_mut().zip(x.iter()).zip(gain).zip(bias) {
        *y = clamp16(gained(unit.coordinate(x), gain) + i32::from(bias));
    }
}

/// `(t · gain + 2^11) >> 12`; both are i16.
#[inline(always)]
pub(crate) fn gained(t: i32, gain: i16) -> i32 {
    (t * i32::from(gain) + (1 << (GAIN_BITS - 1))) >> GAIN_BITS
}

#[inline(always)]
fn square_sum(x: &[i32]) -> u64 {
    x.iter().map(|&x| (i64::from(x) * i64::from(x)) as u64).sum()
}

/// Division of coordinates by their norm.
///
/// With 2^(b−1) ≤ r < 2^b: reciprocal = ⌊32767 · 2^(b+15) / r⌋ ≤ 32767 · 2^16, and
/// t = ((x · 2^(31−b)) · reciprocal + 2^45) >> 46. As |x| ≤ r < 2^b, the shifted x fits 32 bits. The half is added to
/// the upper half of the product, as in [`super::rescale`].
struct UnitVector {
    raise: u32,
    reciprocal: i32,
}

impl UnitVector {
    #[inline(always)]
    fn of(square_sum: u64, epsilon: u64) -> Self {
        let r = (square_sum + epsilon).isqrt().max(1);
        let bits = u64::BITS - r.leading_zeros();
        Self { raise: 31 - bits, reciprocal: ((32767u64 << (bits + 15)) / r) as i32 }
    }

    #[inline(always)]
    fn coordinate(&self, x: i32) -> i32 {
        let upper = ((i64::from(x << self.raise) * i64::from(self.reciprocal)) >> 32) as i32;
        (upper + (1 << 13)) >> 14
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::RESIDUAL_MAX;
    use proptest::prelude::*;

    #[test]
    fn zero_stays_zero_and_extremes_fit() {
        let gain = [4096i16; 8];
        let mut y = [1i16; 8];
        rms_norm(&[0; 8], &gain, 1, &mut y);
        assert_eq!(y, [0; 8]);
        rms_norm(&[0, 0, 1, 0, 0, 0, 0, 0], &gain, 1, &mut y);
        assert_eq!(y[2], 32767); // ⌊√2⌋ = 1
        for sign in [1, -1] {
            let x = vec![sign * RESIDUAL_MAX; 4096];
            let mut y = vec![0i16; 4096];
            rms_norm(&x, &vec![32767; 4096], EPSILON_END - 1, &mut y);
            assert!(y.iter().all(|&v| i32::from(v).signum() == sign));
        }
    }

    #[test]
    fn what_a_gain_makes_too_large_is_clamped() {
        for sign in [1, -1] {
            let x = [sign * RESIDUAL_MAX, 0, 0];
            let most = clamp16(sign * i32::MAX);
            let mut y = [0i16; 3];
            rms_norm(&x, &[32767; 3], 1, &mut y);
            assert_eq!(y, [most, 0, 0]);
            layer_norm(&mut x.clone(), &[32767; 3], &[0; 3], 1, &mut y);
            assert_eq!(y[0], most);
        }
    }

    #[test]
    fn layer_norm_forgets_a_constant() {
        let (gain, bias) = ([3000i16; 6], [5i16, -5, 0, 7, 8, 9]);
        let x = [100, -300, 250, 7, 90, -20];
        let (mut a, mut b) = ([0i16; 6], [0i16; 6]);
        layer_norm(&mut x.clone(), &gain, &bias, 10, &mut a);
        layer_norm(&mut x.map(|v| v + 123_456), &gain, &bias, 10, &mut b);
        assert_eq!(a, b);
        layer_norm(&mut [7; 6], &gain, &bias, 10, &mut a);
        assert_eq!(a, bias);
    }

    proptest! {
        /// t against the quotient: at most one from it, by the rounded reciprocal and the last half.
        #[test]
        fn coordinates_are_quotients(x in prop::collection::vec(-RESIDUAL_MAX..=RESIDUAL_MAX, 1..40), shift in 0u32..23) {
            let x: Vec<i32> = x.iter().map(|x| x >> shift).collect();
            let sum = square_sum(&x);
            let r = (sum + 1).isqrt();
            let unit = UnitVector::of(sum, 1);
            for &x in &x {
                let t = i64::from(unit.coordinate(x));
                prop_assert!(t.abs() <= 32767);
                let off = i64::from(x) * 32767 - t * r as i64;
                prop_assert!(2 * off.unsigned_abs() <= r + r / 4096 + 1, "{} / {}: {}", x, r, t);
            }
        }
    }
}
