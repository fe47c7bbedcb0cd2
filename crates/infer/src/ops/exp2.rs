//! Powers of two with a fixed-point exponent, by table and shift; softmax and sigmoid from them.
//!
//! Exponents are in units of 2^−[`EXPONENT_BITS`]. The table is a constant of the program, made by integer arithmetic:
//! entry j is 2^30 · 2^(−j/256), rounded.

/// Bits after the point of scores and logits: differences of 2^−8 change a weight by 0.27 %.
pub const EXPONENT_BITS: u32 = 8;
const STEPS: usize = 1 << EXPONENT_BITS;
/// The weight of the largest score is 2^30.
pub const ONE_BITS: u32 = 30;
/// Attention weights before their division: the largest is 2^17.
pub(crate) const ATTENTION_BITS: u32 = 17;
/// Probability 1 of attention.
pub(crate) const PROBABILITY_ONE: u64 = 32767;
/// ⌊32767 · 2^33 / Σ⌋ times a weight, shifted by 33 with rounding.
pub(crate) const RECIPROCAL_BITS: u32 = 33;

pub(crate) static TABLE: [u32; STEPS] = table();

const fn table() -> [u32; STEPS] {
    // 2^(−1/256) with 62 bits: eight square roots of ½.
    let mut root: u128 = 1 << 61;
    let mut i = 0;
    while i < EXPONENT_BITS {
        root = (root << 62).isqrt();
        i += 1;
    }
    let mut table = [0; STEPS];
    let mut power: u128 = 1 << 62;
    let mut j = 0;
    while j < STEPS {
        table[j] = ((power + (1 << 31)) >> 32) as u32;
        power = (power * root) >> 62;
        j += 1;
    }
    table
}

/// 2^(30 − drop) · 2^(−delta/256), rounded down; zero from 31 bits on.
#[inline(always)]
pub(crate) fn exp2_neg(delta: u32, drop: u32) -> u32 {
    TABLE[delta as usize % STEPS] >> ((delta >> EXPONENT_BITS) + drop).min(31)
}

/// Weights 2^30 · 2^((logit − max)/256) of logits; |logit| < 2^17.
#[inline(always)]
pub fn weights(logits: &[i32], weights: &mut [u32]) {
    let most = largest(logits);
    for (weight, &logit) in weights.iter_mut().zip(logits) {
        *weight = exp2_neg((most - logit) as u32, 0);
    }
}

/// Softmax of scores into probabilities in units of 1/32767; |score| < 2^17, at most 2^13 of them.
///
/// w = 2^17 · 2^((score − max)/256); p = (w · ⌊32767 · 2^33 / Σw⌋ + 2^32) >> 33. As the largest w is 2^17, Σw ≥ 2^17, so
/// the reciprocal is below 2^31 and p ≤ 32767; Σp ≤ 32767 + half their number.
#[inline(always)]
pub fn softmax(scores: &[i32], probabilities: &mut [i16]) {
    let most = largest(scores);
    let mut sum = 0u32;
    for &score in scores {
        sum += exp2_neg((most - score) as u32, ONE_BITS - ATTENTION_BITS);
    }
    let reciprocal = (PROBABILITY_ONE << RECIPROCAL_BITS) / u64::from(sum.max(1));
    for (p, &score) in probabilities.iter_mut().zip(scores) {
        let weight = u64::from(exp2_neg((most - score) as u32, ONE_BITS - ATTENTION_BITS));
        *p = ((weight * reciprocal + (1 << (RECIPROCAL_BITS - 1))) >> RECIPROCAL_BITS) as i16;
    }
}

/// 32767 / (1 + 2^(−x/256)), rounded down; x in i16.
pub fn sigmoid(x: i16) -> i16 {
    let one = 1u64 << ONE_BITS;
    let other = u64::from(exp2_neg(u32::from(x.unsigned_abs()), 0));
    let part = if x >= 0 { one } else { other };
    (PROBABILITY_ONE * part / (one + other)) as i16
}

#[inline(always)]
fn largest(scores: &[i32]) -> i32 {
    scores.iter().fold(i32::MIN, |most, &score| most.max(score))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2^(−j/256) to the power 256 is 2^−j.
    #[test]
    fn the_table_holds_powers() {
        assert_eq!((TABLE[0], TABLE[128], TABLE[64]), (1 << 30, 759_250_125, 902_905_651));
        for j in 1..STEPS {
            // Products of entries that add to one octave: 2^59 up to their rounding.
            let product = u64::from(TABLE[j]) * u64::from(TABLE[STEPS - j]);
            assert!(product.abs_diff(1 << 59) < 1 << 31, "{j}");
            assert!(TABLE[j] < TABLE[j - 1]);
        }
    }

    #[test]
    fn softmax_of_equals_and_of_extremes() {
        let mut p = [0i16; 4];
        softmax(&[5, 5, 5, 5], &mut p);
        assert_eq!(p, [8192; 4]);
        softmax(&[-131_000, 131_000, -131_000, 0], &mut p);
        assert_eq!(p, [0, 32767, 0, 0]);
        softmax(&[256, 0, i32::from(i16::MIN), i32::from(i16::MIN)], &mut p);
        assert_eq!(p, [21845, 10922, 0, 0]);
        let mut many = vec![0i16; 8192];
        softmax(&vec![0; 8192], &mut many);
        assert!(many.iter().all(|&p| p == 4));
    }

    #[test]
    fn sigmoid_is_symmetric_and_rises() {
        assert_eq!((sigmoid(0), sigmoid(256), sigmoid(-256)), (16383, 21844, 10922));
        assert_eq!((sigmoid(32767), sigmoid(-32768)), (32767, 0));
        assert!((-4000..4000).all(|x| sigmoid(x) <= sigmoid(x + 1)));
        assert!(
            (-4000i16..4000)
                .all(|x| (i32::from(sigmoid(x)) + i32::from(sigmoid(-x))).abs_diff(32767) <= 1)
        );
    }
}
