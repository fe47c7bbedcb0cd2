//! Eviction: which positions of a full chunk the memory keeps.
//!
//! ```text
//! score[t] = bias + Σ_o Σ_c scorer[o][c] · x[t + o − 3][c]       o = 0..7; x is zero outside of the chunk
//! kept     = the k = ⌈T / rate⌉ largest, ties to the lower position, in order of time
//! g[t]     = sigmoid(clamp16(rescale(score[t])))                 a probability, in units of 2^−15
//! entry    = layer_norm(projection(product15(x[t], g[t])))
//! ```
//! The float scorer is a depthwise convolution (7) and a pointwise one with nothing between them: the scorer here is
//! the product of their weights, (7, D) in i16 with one unit. x (T, D) i16. |score| ≤ 7 · 2^12 · 2^30 + bias, below
//! 2^46 with the bias below 2^45.

use super::exp2::sigmoid;
use super::rescale::Rescale;
use super::{ACTIVATION_MAX, product15};

/// Positions the scorer sees.
pub const SCORER_KERNEL: usize = 7;
/// Largest magnitude of its bias.
pub const SCORE_BIAS_MAX: i64 = 1 << 45;

/// Scores (T) of a chunk (T, D).
pub fn scores(chunk: &[i16], d_model: usize, scorer: &[i16], bias: i64) -> Vec<i64> {
    let len = chunk.len() / d_model;
    let reach = SCORER_KERNEL / 2;
    (0..len)
        .map(|t| {
            let seen = (t + reach).saturating_sub(SCORER_KERNEL - 1)..(t + reach + 1).min(len);
            let products = seen.flat_map(|at| {
                let x = &chunk[at * d_model..][..d_model];
                let w = &scorer[(at + reach - t) * d_model..][..d_model];
                x.iter().zip(w).map(|(&x, &w)| i64::from(x) * i64::from(w))
            });
            bias + products.sum::<i64>()
        })
        .collect()
}

/// The `keep` best positions, ascending.
pub fn best(scores: &[i64], keep: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by_key(|&t| (std::cmp::Reverse(scores[t]), t));
    order.truncate(keep);
    order.sort_unstable();
    order
}

/// `x` (D) times the gate of its score.
pub fn gate(x: &[i16], score: i64, scale: Rescale, gated: &mut [i16]) {
    let g = i32::from(sigmoid(scale.clamped(score, ACTIVATION_MAX) as i16));
    for (gated, &x) in gated.iter_mut().zip(x) {
        *gated = product15(i32::from(x), g) as i16;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ties_go_to_the_lower_position_and_time_is_kept() {
        assert_eq!(best(&[1, 3, 1, 3, 1], 3), [0, 1, 3]);
        assert_eq!(best(&[0; 5], 3), [0, 1, 2]);
        assert_eq!(best(&[5, i64::MAX, i64::MIN], 2), [0, 1]);
    }

    #[test]
    fn the_scorer_sees_three_positions_to_both_sides() {
        let mut chunk = vec![0i16; 2 * 9];
        (chunk[8], chunk[9]) = (1, 10);
        let scorer: Vec<i16> = (0..14).map(|i| i + 1).collect();
        // Position t sees position 4 with the weights of offset 4 − t + 3.
        assert_eq!(
            scores(&chunk, 2, &scorer, 0),
            [0, 13 + 140, 11 + 120, 9 + 100, 7 + 80, 5 + 60, 3 + 40, 1 + 20, 0]
        );
        assert_eq!(scores(&chunk, 2, &scorer, -5)[0], -5);
    }

    #[test]
    fn the_gate_is_a_probability() {
        let mut y = [0i16; 2];
        gate(&[20000, -20000], 0, Rescale::from_ratio(1, 1000), &mut y);
        assert_eq!(y, [9999, -9999]);
        gate(&[20000, -20000], 1 << 45, Rescale::from_ratio(1, 1000), &mut y);
        assert_eq!(y, [19999, -19999]);
    }
}
