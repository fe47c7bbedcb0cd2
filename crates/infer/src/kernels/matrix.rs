//! Matrix products: panels of weights times columns of activations, into exact 32-bit sums.
//!
//! A *panel* is [`ROWS`] rows of a matrix, its columns in pairs: `panel[pair][row][2]`, i8. Activations are i16 columns of
//! the same pairs, one after another at a distance of `stride`. The product of one panel with C columns is
//! `sums[column][row] = Σ_pair w[pair][row][0] · x[column][2·pair] + w[pair][row][1] · x[column][2·pair + 1]`.
//!
//! The caller proves that no partial sum leaves i32 (|w| ≤ 127, |x| ≤ 32767: always so for up to 258 pairs). Every
//! variant gives the same integers: sums do not depend on order.

use crate::Isa;

#[cfg(target_arch = "x86_64")]
#[path = "matrix/avx2.rs"]
mod avx2;
#[cfg(target_arch = "aarch64")]
#[path = "matrix/neon.rs"]
mod neon;
#[path = "matrix/scalar.rs"]
mod scalar;

/// Rows of a panel.
pub const ROWS: usize = 16;

/// A panel's weights for one pair of columns.
pub type PairOfRows = [[i8; 2]; ROWS];

/// Multiplies one panel with the columns of `x`, each `stride` ≥ 2 · pairs apart; `sums` has a row for each column.
#[inline]
pub fn multiply(
    isa: Isa,
    panel: &[PairOfRows],
    x: &[i16],
    stride: usize,
    sums: &mut [[i32; ROWS]],
) {
    #[cfg(target_arch = "x86_64")]
    if isa.has_avx2() {
        #[expect(unsafe_code, reason = "enters code compiled for AVX2")]
        // SAFETY: `has_avx2` is true only for an `Isa` made after the CPU said it has AVX2.
        return unsafe { avx2::multiply(panel, x, stride, sums) };
    }
    #[cfg(target_arch = "aarch64")]
    if isa != Isa::SCALAR {
        return neon::multiply(panel, x, stride, sums);
    }
    isa.run(scalar::Multiply { panel, x, stride, sums });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noise(state: &mut u64) -> u64 {
        *state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        *state >> 33
    }

    /// Every instruction set against 64-bit sums, for all remainders of the tiles and at the extremes.
    #[test]
    fn every_instruction_set_gives_the_exact_integers() {
        let mut state = 7;
        for isa in Isa::available() {
            for pairs in [0, 1, 2, 3, 8, 32, 33, 258] {
                for columns in [0, 1, 2, 3, 4, 5, 6, 7, 8, 13] {
                    // Miri takes half an hour for all of them.
                    if cfg!(miri) && pairs * columns > 16 {
                        continue;
                    }
                    for extreme in [false, true] {
                        let mut draw = |max: i64| {
                            let noise = noise(&mut state) as i64;
                            if extreme {
                                if noise % 5 < 4 { max } else { -max }
                            } else {
                                noise % (2 * max + 1) - max
                            }
                        };
                        let stride = 2 * pairs + 2;
                        let panel: Vec<PairOfRows> = (0..pairs)
                            .map(|_| std::array::from_fn(|_| [draw(127) as i8, draw(127) as i8]))
                            .collect();
                        let x: Vec<i16> =
                            (0..columns * stride).map(|_| draw(32767) as i16).collect();
                        let mut sums = vec![[-1; ROWS]; columns];
                        multiply(isa, &panel, &x, stride, &mut sums);
                        for (c, sums) in sums.iter().enumerate() {
                            for (r, &sum) in sums.iter().enumerate() {
                                let exact: i64 = panel
                                    .iter()
                                    .enumerate()
                                    .map(|(p, w)| {
                                        let x = &x[c * stride + 2 * p..];
                                        i64::from(w[r][0]) * i64::from(x[0])
                                            + i64::from(w[r][1]) * i64::from(x[1])
                                    })
                                    .sum();
                                assert_eq!(
                                    i64::from(sum),
                                    exact,
                                    "{isa:?} {pairs} {columns} row {r}"
                                );
                            }
                        }
                    }
                }
            }
        }
    }
}
