//! NEON: rows split into even and odd columns, multiplied by one number each and added in 32 bits.

use std::arch::aarch64::{
    vdupq_n_s32, vget_low_s16, vld2q_s16, vmlal_high_n_s16, vmlal_n_s16, vst1q_s32,
};

use super::{LANES, PairOfRows};

pub(super) fn multiply(
    panels: &[PairOfRows],
    stride: usize,
    x: &[[i16; 2]],
    sums: &mut [[i32; LANES]],
) {
    for (index, sums) in sums.iter_mut().enumerate() {
        let panel = &panels[index * stride..][..x.len()];
        let ([first, second], _) = sums.as_chunks_mut::<4>() else { return };
        #[expect(unsafe_code, reason = "NEON arithmetic, loads from and stores to arrays")]
        // SAFETY: NEON is part of the architecture; each load reads the 8 live pairs (32 bytes) of `rows`, each store
        // writes 16 bytes borrowed alone; neither needs alignment.
        unsafe {
            let (mut low, mut high) = (vdupq_n_s32(0), vdupq_n_s32(0));
            for (rows, &[a, b]) in panel.iter().zip(x) {
                let pairs = vld2q_s16(rows.as_ptr().cast());
                low = vmlal_n_s16(
                    vmlal_n_s16(low, vget_low_s16(pairs.0), a),
                    vget_low_s16(pairs.1),
                    b,
                );
                high = vmlal_high_n_s16(vmlal_high_n_s16(high, pairs.0, a), pairs.1, b);
            }
            vst1q_s32(first.as_mut_ptr(), low);
            vst1q_s32(second.as_mut_ptr(), high);
        }
    }
}
