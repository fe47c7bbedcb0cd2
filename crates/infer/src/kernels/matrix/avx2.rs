//! AVX2: `vpmaddwd` of 8 rows × 2 columns of weights, widened to i16, with a pair of activations in all lanes.
//!
//! A tile is 16 rows × up to 4 columns: 8 accumulators, 2 registers of weights, 1 of activations.

use std::arch::x86_64::{
    __m128i, __m256i, _mm_loadu_si128, _mm256_add_epi32, _mm256_cvtepi8_epi16, _mm256_madd_epi16,
    _mm256_set1_epi32, _mm256_setzero_si256, _mm256_storeu_si256,
};

use super::{PairOfRows, ROWS};

/// Columns of a tile.
const TILE: usize = 4;

#[target_feature(enable = "avx2")]
pub(super) fn multiply(panel: &[PairOfRows], x: &[i16], stride: usize, sums: &mut [[i32; ROWS]]) {
    let (tiles, rest) = sums.as_chunks_mut::<TILE>();
    let mut first = 0;
    for sums in tiles {
        tile(panel, x, first, stride, sums);
        first += TILE;
    }
    if let Some((sums, rest)) = rest.split_first_chunk_mut::<2>() {
        tile(panel, x, first, stride, sums);
        if let Some((sums, _)) = rest.split_first_chunk_mut::<1>() {
            tile(panel, x, first + 2, stride, sums);
        }
    } else if let Some((sums, _)) = rest.split_first_chunk_mut::<1>() {
        tile(panel, x, first, stride, sums);
    }
}

#[target_feature(enable = "avx2")]
#[inline]
fn tile<const N: usize>(
    panel: &[PairOfRows],
    x: &[i16],
    first: usize,
    stride: usize,
    sums: &mut [[i32; ROWS]; N],
) {
    let pairs = panel.len();
    let mut columns: [&[[i16; 2]]; N] = [&[]; N];
    for (c, column) in columns.iter_mut().enumerate() {
        *column = &x[(first + c) * stride..][..2 * pairs].as_chunks::<2>().0[..pairs];
    }
    let mut low = [_mm256_setzero_si256(); N];
    let mut high = [_mm256_setzero_si256(); N];
    for (pair, weights) in panel.iter().enumerate() {
        let ([low_rows, high_rows], _) = weights.as_chunks() else { return };
        let (a, b) = (load(low_rows), load(high_rows));
        for c in 0..N {
            let [even, odd] = columns[c][pair];
            let both = i32::from(odd) << 16 | i32::from(even) & 0xffff;
            let both = _mm256_set1_epi32(both);
            low[c] = _mm256_add_epi32(low[c], _mm256_madd_epi16(a, both));
            high[c] = _mm256_add_epi32(high[c], _mm256_madd_epi16(b, both));
        }
    }
    for (c, sums) in sums.iter_mut().enumerate() {
        let ([a, b], _) = sums.as_chunks_mut::<8>() else { return };
        store(a, low[c]);
        store(b, high[c]);
    }
}

/// The weights of 8 rows, widened.
#[target_feature(enable = "avx2")]
#[inline]
fn load(weights: &[[i8; 2]; ROWS / 2]) -> __m256i {
    #[expect(unsafe_code, reason = "a vector load from an array")]
    // SAFETY: `weights` is a live array of 16 bytes; the load needs no alignment.
    let bytes = unsafe { _mm_loadu_si128(std::ptr::from_ref(weights).cast::<__m128i>()) };
    _mm256_cvtepi8_epi16(bytes)
}

#[target_feature(enable = "avx2")]
#[inline]
fn store(sums: &mut [i32; 8], x: __m256i) {
    #[expect(unsafe_code, reason = "a vector store to an array")]
    // SAFETY: `sums` is a live array of 32 bytes, borrowed alone; the store needs no alignment.
    unsafe {
        _mm256_storeu_si256(std::ptr::from_mut(sums).cast(), x);
    }
}
