//! AVX2: `vpmaddwd` of 8 rows × 2 columns with a pair in all lanes; up to 4 panels at once hide its latency.

use std::arch::x86_64::{
    __m256i, _mm256_add_epi32, _mm256_loadu_si256, _mm256_madd_epi16, _mm256_set1_epi32,
    _mm256_setzero_si256, _mm256_storeu_si256,
};

use super::{LANES, PairOfRows};

#[target_feature(enable = "avx2")]
pub(super) fn multiply(
    panels: &[PairOfRows],
    stride: usize,
    x: &[[i16; 2]],
    sums: &mut [[i32; LANES]],
) {
    let (fours, rest) = sums.as_chunks_mut::<4>();
    let mut panels = panels;
    for sums in fours {
        tile(panels, stride, x, sums);
        panels = &panels[4 * stride..];
    }
    for (index, sums) in rest.iter_mut().enumerate() {
        tile(&panels[index * stride..], stride, x, std::array::from_mut(sums));
    }
}

#[target_feature(enable = "avx2")]
#[inline]
fn tile<const N: usize>(
    panels: &[PairOfRows],
    stride: usize,
    x: &[[i16; 2]],
    sums: &mut [[i32; LANES]; N],
) {
    let mut rows: [&[PairOfRows]; N] = [&[]; N];
    for (p, rows) in rows.iter_mut().enumerate() {
        *rows = &panels[p * stride..][..x.len()];
    }
    let mut totals = [_mm256_setzero_si256(); N];
    for (pair, &[even, odd]) in x.iter().enumerate() {
        let both = _mm256_set1_epi32(i32::from(odd) << 16 | i32::from(even) & 0xffff);
        for p in 0..N {
            let product = _mm256_madd_epi16(load(&rows[p][pair]), both);
            totals[p] = _mm256_add_epi32(totals[p], product);
        }
    }
    for (sums, total) in sums.iter_mut().zip(totals) {
        #[expect(unsafe_code, reason = "a vector store to an array")]
        // SAFETY: `sums` is a live array of 32 bytes, borrowed alone; the store needs no alignment.
        unsafe {
            _mm256_storeu_si256(std::ptr::from_mut(sums).cast(), total);
        }
    }
}

#[target_feature(enable = "avx2")]
#[inline]
fn load(rows: &PairOfRows) -> __m256i {
    #[expect(unsafe_code, reason = "a vector load from an array")]
    // SAFETY: `rows` is a live array of 32 bytes; the load needs no alignment.
    unsafe {
        _mm256_loadu_si256(std::ptr::from_ref(rows).cast())
    }
}
