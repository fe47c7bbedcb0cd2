//! NEON: weights widened to i16 and split into even and odd columns, multiplied by one activation each and added in
//! 32 bits. NEON is part of every AArch64 CPU, so no feature needs to be proved.

use std::arch::aarch64::{
    int16x8_t, int32x4_t, vdupq_n_s32, vget_low_s16, vld2_s8, vmlal_high_n_s16, vmlal_n_s16,
    vmovl_s8, vst1q_s32,
};

use super::{PairOfRows, ROWS};

/// Columns of a tile: 16 accumulators, 4 registers of weights.
const TILE: usize = 4;

pub(super) fn multiply(panel: &[PairOfRows], x: &[i16], stride: usize, sums: &mut [[i32; ROWS]]) {
    let (tiles, rest) = sums.as_chunks_mut::<TILE>();
    let mut first = 0;
    for sums in tiles {
        tile(panel, x, first, stride, sums);
        first += TILE;
    }
    for sums in rest {
        tile(panel, x, first, stride, std::array::from_mut(sums));
        first += 1;
    }
}

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
    let mut totals = [[vdup_zero(); ROWS / 4]; N];
    for (pair, weights) in panel.iter().enumerate() {
        for (half, [even, odd]) in load(weights).into_iter().enumerate() {
            for c in 0..N {
                let [a, b] = columns[c][pair];
                let [low, high] = [totals[c][2 * half], totals[c][2 * half + 1]];
                #[expect(unsafe_code, reason = "NEON arithmetic")]
                // SAFETY: NEON is part of the architecture; these work on registers alone.
                let [low, high] = unsafe {
                    [
                        vmlal_n_s16(vmlal_n_s16(low, vget_low_s16(even), a), vget_low_s16(odd), b),
                        vmlal_high_n_s16(vmlal_high_n_s16(high, even, a), odd, b),
                    ]
                };
                totals[c][2 * half] = low;
                totals[c][2 * half + 1] = high;
            }
        }
    }
    for (sums, totals) in sums.iter_mut().zip(totals) {
        for (sums, total) in sums.as_chunks_mut::<4>().0.iter_mut().zip(totals) {
            #[expect(unsafe_code, reason = "a vector store to an array")]
            // SAFETY: `sums` is a live array of 16 bytes, borrowed alone; the store needs no alignment.
            unsafe {
                vst1q_s32(sums.as_mut_ptr(), total);
            }
        }
    }
}

fn vdup_zero() -> int32x4_t {
    #[expect(unsafe_code, reason = "NEON arithmetic")]
    // SAFETY: NEON is part of the architecture.
    unsafe {
        vdupq_n_s32(0)
    }
}

/// Rows 0 to 7 and 8 to 15, each as its even and its odd columns, widened.
#[inline]
fn load(weights: &PairOfRows) -> [[int16x8_t; 2]; 2] {
    let (halves, _) = weights.as_chunks::<{ ROWS / 2 }>();
    [0, 1].map(|half: usize| {
        let bytes = std::ptr::from_ref(&halves[half]).cast::<i8>();
        #[expect(unsafe_code, reason = "a vector load from an array")]
        // SAFETY: `bytes` points to 8 live pairs of i8, 16 bytes; the load needs no alignment.
        unsafe {
            let pairs = vld2_s8(bytes);
            [vmovl_s8(pairs.0), vmovl_s8(pairs.1)]
        }
    })
}
