//! Linear maps: `y[r] = clamp(rescale_r(Σ_c w[r][c] · x[c]), bound)`.
//!
//! Weights are i8 in ± 127, (rows, columns) row by row, each row in a unit of its own; activations i16 in ± 32767; the
//! sum is the exact integer, so its order does not matter. It fits 32 bits where Σ|w| · 32767 < 2^31, which is checked
//! for each map when it is loaded ([`Linear::fits_i32`]); other maps are summed in 64 bits over blocks of 512 columns.

use super::ACTIVATION_MAX;
use super::rescale::Rescale;

/// Largest magnitude of a weight.
pub const WEIGHT_MAX: i8 = 127;

/// A linear map without bias.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Linear {
    /// (rows, columns), row by row.
    pub weights: Vec<i8>,
    /// (rows): (unit of the weights of the row · unit of x) / unit of y.
    pub scales: Vec<Rescale>,
}

impl Linear {
    /// Outputs.
    pub fn rows(&self) -> usize {
        self.scales.len()
    }

    /// Inputs.
    pub fn columns(&self) -> usize {
        self.weights.len().checked_div(self.rows()).unwrap_or(0)
    }

    /// Whether no sum of any activations leaves 32 bits.
    pub fn fits_i32(&self) -> bool {
        let limit = i64::from(i32::MAX) / i64::from(ACTIVATION_MAX);
        self.weights
            .chunks_exact(self.columns().max(1))
            .all(|row| row.iter().map(|&w| i64::from(w).abs()).sum::<i64>() <= limit)
    }

    /// The definition: `y` (rows) from `x` (columns).
    pub fn apply(&self, x: &[i16], bound: i32, y: &mut [i32]) {
        let rows = self.weights.chunks_exact(self.columns().max(1));
        for ((y, row), scale) in y.iter_mut().zip(rows).zip(&self.scales) {
            *y = scale.clamped(dot(row, x), bound);
        }
    }
}

/// Σ w·x.
pub fn dot(w: &[i8], x: &[i16]) -> i64 {
    w.iter().zip(x).map(|(&w, &x)| i64::from(w) * i64::from(x)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_proof_is_about_the_largest_row() {
        let scales = vec![Rescale::from_ratio(1, 1000); 2];
        let mut weights = vec![0; 2 * 1024];
        weights[1024..1024 + 516].fill(127);
        let linear = Linear { weights: weights.clone(), scales: scales.clone() };
        assert!(linear.fits_i32()); // 516 · 127 · 32767 < 2^31
        weights[1024..1024 + 517].fill(-127);
        assert!(!Linear { weights, scales }.fits_i32());
    }

    #[test]
    fn rows_are_rescaled_and_clamped() {
        let linear = Linear {
            weights: vec![1, -2, 3, 127, 127, 127],
            scales: vec![Rescale::from_ratio(1, 10), Rescale::from_ratio(1, 5)],
        };
        let mut y = [0; 2];
        linear.apply(&[100, 50, 10], 2047, &mut y);
        assert_eq!(y, [3, 2047]);
    }
}
