//! Products of one vector with i16 panels: scores of keys, and sums of values.
//!
//! A panel is [`LANES`] rows, their columns in pairs: `panel[pair][row][2]`, i16. `panels` holds one after another, each
//! of `stride` pairs, of which the first `x.len()` are used:
//! `sums[panel][row] = Σ_pair w[pair][row][0] · x[pair][0] + w[pair][row][1] · x[pair][1]`.
//!
//! The caller proves that no partial sum leaves i32.

use crate::Isa;

#[cfg(target_arch = "x86_64")]
#[path = "panel/avx2.rs"]
mod avx2;
#[cfg(target_arch = "aarch64")]
#[path = "panel/neon.rs"]
mod neon;
#[path = "panel/scalar.rs"]
mod scalar;

/// Rows of a panel.
pub const LANES: usize = 8;

/// A panel's numbers for one pair of columns.
pub type PairOfRows = [[i16; 2]; LANES];

/// Multiplies `sums.len()` panels with `x`.
#[inline]
pub fn multiply(
    isa: Isa,
    panels: &[PairOfRows],
    stride: usize,
    x: &[[i16; 2]],
    sums: &mut [[i32; LANES]],
) {
    #[cfg(target_arch = "x86_64")]
    if isa.has_avx2() {
        #[expect(unsafe_code, reason = "enters code compiled for AVX2")]
        // SAFETY: `has_avx2` is true only for an `Isa` made after the CPU said it has AVX2.
        return unsafe { avx2::multiply(panels, stride, x, sums) };
    }
    #[cfg(target_arch = "aarch64")]
    if isa != Isa::SCALAR {
        return neon::multiply(panels, stride, x, sums);
    }
    isa.run(scalar::Multiply { panels, stride, x, sums });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_instruction_set_gives_the_exact_integers() {
        let mut state = 3u64;
        for isa in Isa::available() {
            for (pairs, stride) in [(0, 1), (1, 1), (2, 3), (8, 8), (17, 40)] {
                for panels in [0, 1, 2, 3, 4, 5, 9] {
                    // Miri takes minutes for all of them.
                    if cfg!(miri) && pairs * panels > 16 {
                        continue;
                    }
                    // Keys at their extremes, where 256 pairs would still fit; and random ones.
                    for extreme in [false, true] {
                        let mut draw = || {
                            state = state
                                .wrapping_mul(6364136223846793005)
                                .wrapping_add(1442695040888963407);
                            let noise = (state >> 33) as i32;
                            if extreme {
                                if noise % 5 < 4 { 2047 } else { -2047 }
                            } else {
                                noise % 4095 - 2047
                            }
                        };
                        let mut two = || [draw() as i16, draw() as i16];
                        let x: Vec<[i16; 2]> = (0..pairs).map(|_| two()).collect();
                        let w: Vec<PairOfRows> =
                            (0..panels * stride).map(|_| std::array::from_fn(|_| two())).collect();
                        let mut sums = vec![[-1; LANES]; panels];
                        multiply(isa, &w, stride, &x, &mut sums);
                        for (panel, sums) in sums.iter().enumerate() {
                            for (row, &sum) in sums.iter().enumerate() {
                                let exact: i64 = x
                                    .iter()
                                    .zip(&w[panel * stride..])
                                    .map(|(x, w)| {
                                        let [a, b] =
                                            [0, 1].map(|i| i64::from(x[i]) * i64::from(w[row][i]));
                                        a + b
                                    })
                                    .sum();
                                assert_eq!(i64::from(sum), exact, "{isa:?} {pairs} {panels}");
                            }
                        }
                    }
                }
            }
        }
    }
}
