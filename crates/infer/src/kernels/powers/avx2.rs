//! AVX2: eight table entries by one gather, eight shifts by one instruction.

use std::arch::x86_64::{
    __m256i, _mm256_add_epi32, _mm256_and_si256, _mm256_i32gather_epi32, _mm256_loadu_si256,
    _mm256_min_epi32, _mm256_set1_epi32, _mm256_srli_epi32, _mm256_srlv_epi32, _mm256_storeu_si256,
    _mm256_sub_epi32,
};

use super::{LANES, Powers, softmax_by, weights_by};
use crate::ops::exp2::{EXPONENT_BITS, TABLE};

#[target_feature(enable = "avx2")]
pub(super) fn weights(logits: &[[i32; LANES]], weights: &mut [[u32; LANES]]) {
    weights_by(&Gather, logits, weights);
}

#[target_feature(enable = "avx2")]
pub(super) fn softmax(scores: &mut [[i32; LANES]], probabilities: &mut [[i16; LANES]]) {
    softmax_by(&Gather, scores, probabilities);
}

/// Made only in the functions above.
struct Gather;

impl Powers for Gather {
    #[inline(always)]
    fn block(&self, x: &[i32; LANES], most: i32, drop: u32) -> [u32; LANES] {
        #[expect(unsafe_code, reason = "enters code compiled for AVX2")]
        // SAFETY: a `Gather` exists only while a function compiled for AVX2 runs.
        unsafe {
            block(x, most, drop)
        }
    }
}

#[target_feature(enable = "avx2")]
#[inline]
fn block(x: &[i32; LANES], most: i32, drop: u32) -> [u32; LANES] {
    let mut powers = [0u32; LANES];
    #[expect(unsafe_code, reason = "vector loads from and a store to arrays")]
    // SAFETY: `x` and `powers` are live arrays of 32 bytes. Indices are masked to 0..256, inside of the table of 256
    // entries of 4 bytes.
    unsafe {
        let x = _mm256_loadu_si256(std::ptr::from_ref(x).cast::<__m256i>());
        let delta = _mm256_sub_epi32(_mm256_set1_epi32(most), x);
        let index = _mm256_and_si256(delta, _mm256_set1_epi32(TABLE.len() as i32 - 1));
        let entries = _mm256_i32gather_epi32::<4>(TABLE.as_ptr().cast(), index);
        let octaves = _mm256_srli_epi32::<{ EXPONENT_BITS as i32 }>(delta);
        let shift = _mm256_add_epi32(octaves, _mm256_set1_epi32(drop as i32));
        let shift = _mm256_min_epi32(shift, _mm256_set1_epi32(31));
        let result = _mm256_srlv_epi32(entries, shift);
        _mm256_storeu_si256(std::ptr::from_mut(&mut powers).cast::<__m256i>(), result);
    }
    powers
}
