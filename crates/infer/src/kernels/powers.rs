//! Powers of two of many exponents: the weights of logits, and attention probabilities.
//!
//! Equal to [`crate::ops::exp2`] number by number. Exponents come in blocks of [`LANES`]; places without one hold
//! [`ABSENT`], whose weight is zero.

use crate::ops::exp2::{ATTENTION_BITS, ONE_BITS, PROBABILITY_ONE, RECIPROCAL_BITS, exp2_neg};
use crate::ops::rescale::Raised;
use crate::{Isa, Task};

#[cfg(target_arch = "x86_64")]
#[path = "powers/avx2.rs"]
mod avx2;

/// Exponents of a block.
pub const LANES: usize = 8;
/// Below every score and logit by more than 31 octaves, and less than 2^31 away.
pub const ABSENT: i32 = -(1 << 30);

/// `weights[i] = 2^30 · 2^((logits[i] − max) / 256)`, rounded down.
#[inline]
pub fn weights(isa: Isa, logits: &[[i32; LANES]], weights: &mut [[u32; LANES]]) {
    #[cfg(target_arch = "x86_64")]
    if isa.has_avx2() {
        #[expect(unsafe_code, reason = "enters code compiled for AVX2")]
        // SAFETY: `has_avx2` is true only for an `Isa` made after the CPU said it has AVX2.
        return unsafe { avx2::weights(logits, weights) };
    }
    isa.run(Weights { logits, weights });
}

/// Softmax of scores, which become scratch, into probabilities in units of 1 / 32767.
#[inline]
pub fn softmax(isa: Isa, scores: &mut [[i32; LANES]], probabilities: &mut [[i16; LANES]]) {
    #[cfg(target_arch = "x86_64")]
    if isa.has_avx2() {
        #[expect(unsafe_code, reason = "enters code compiled for AVX2")]
        // SAFETY: `has_avx2` is true only for an `Isa` made after the CPU said it has AVX2.
        return unsafe { avx2::softmax(scores, probabilities) };
    }
    isa.run(Softmax { scores, probabilities });
}

/// A block of 2^(30 − drop) · 2^((x − most) / 256), rounded down.
trait Powers {
    fn block(&self, x: &[i32; LANES], most: i32, drop: u32) -> [u32; LANES];
}

struct Scalar;

impl Powers for Scalar {
    #[inline(always)]
    fn block(&self, x: &[i32; LANES], most: i32, drop: u32) -> [u32; LANES] {
        x.map(|x| exp2_neg((most - x) as u32, drop))
    }
}

struct Weights<'a> {
    logits: &'a [[i32; LANES]],
    weights: &'a mut [[u32; LANES]],
}

impl Task for Weights<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        weights_by(&Scalar, self.logits, self.weights);
    }
}

struct Softmax<'a> {
    scores: &'a mut [[i32; LANES]],
    probabilities: &'a mut [[i16; LANES]],
}

impl Task for Softmax<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        softmax_by(&Scalar, self.scores, self.probabilities);
    }
}

#[inline(always)]
fn weights_by(powers: &impl Powers, logits: &[[i32; LANES]], weights: &mut [[u32; LANES]]) {
    let most = largest(logits);
    for (weights, logits) in weights.iter_mut().zip(logits) {
        *weights = powers.block(logits, most, 0);
    }
}

#[inline(always)]
fn softmax_by(
    powers: &impl Powers,
    scores: &mut [[i32; LANES]],
    probabilities: &mut [[i16; LANES]],
) {
    let most = largest(scores);
    let mut sums = [0u32; LANES];
    for block in scores.iter_mut() {
        // At most 2^17 each: 2^13 of them fit 32 bits, and a weight is an i32.
        let weights = powers.block(block, most, ONE_BITS - ATTENTION_BITS);
        for i in 0..LANES {
            sums[i] += weights[i];
            block[i] = weights[i] as i32;
        }
    }
    let sum: u64 = sums.iter().map(|&sum| u64::from(sum)).sum();
    let reciprocal = (PROBABILITY_ONE << RECIPROCAL_BITS) / sum.max(1);
    // Shifted by 33 with rounding: one bit more than the upper half of the product.
    let factor = Raised { multiplier: reciprocal as i32, half: 1, shift: RECIPROCAL_BITS - 32 };
    for (probabilities, weights) in probabilities.iter_mut().zip(scores.iter()) {
        for i in 0..LANES {
            probabilities[i] = factor.apply(weights[i]) as i16;
        }
    }
}

#[inline(always)]
fn largest(x: &[[i32; LANES]]) -> i32 {
    let mut most = [i32::MIN; LANES];
    for x in x {
        for i in 0..LANES {
            most[i] = most[i].max(x[i]);
        }
    }
    most.into_iter().fold(i32::MIN, i32::max)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::exp2;

    #[test]
    fn every_instruction_set_equals_the_definition() {
        let mut state = 5u64;
        for isa in Isa::available() {
            for len in [1usize, 2, 7, 8, 9, 30, 64, 255, 256, 1000] {
                // Miri takes minutes for all of them.
                if cfg!(miri) && len > 64 {
                    continue;
                }
                for spread in [1, 300, 5000, 65534] {
                    let exponents: Vec<i32> = (0..len)
                        .map(|_| {
                            state = state
                                .wrapping_mul(6364136223846793005)
                                .wrapping_add(1442695040888963407);
                            (state >> 33) as i32 % (2 * spread + 1) - spread
                        })
                        .collect();
                    let mut blocks = vec![[ABSENT; LANES]; len.div_ceil(LANES)];
                    blocks.as_flattened_mut()[..len].copy_from_slice(&exponents);

                    let (mut expected, mut found) = (vec![0; len], vec![[1; LANES]; blocks.len()]);
                    exp2::weights(&exponents, &mut expected);
                    weights(isa, &blocks, &mut found);
                    assert_eq!(found.as_flattened()[..len], expected, "{isa:?} {len}");
                    assert!(found.as_flattened()[len..].iter().all(|&w| w == 0));

                    let (mut expected, mut found) = (vec![0; len], vec![[1; LANES]; blocks.len()]);
                    exp2::softmax(&exponents, &mut expected);
                    softmax(isa, &mut blocks, &mut found);
                    assert_eq!(found.as_flattened()[..len], expected, "{isa:?} {len}");
                    assert!(found.as_flattened()[len..].iter().all(|&p| p == 0));
                }
            }
        }
    }
}
