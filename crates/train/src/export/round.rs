//! Rounding of floats to the integers of a model.

use vxc_infer::ops::linear::Linear;
use vxc_infer::ops::rescale::Rescale;

use crate::error::TrainError;

/// Largest magnitude.
pub fn largest(x: &[f64]) -> f64 {
    x.iter().fold(0.0, |most, x| most.max(x.abs()))
}

/// x · scale as 16-bit numbers, clamped.
pub fn numbers(x: &[f64], scale: f64) -> Vec<i16> {
    x.iter().map(|x| (x * scale).round().clamp(-32767.0, 32767.0) as i16).collect()
}

/// A factor.
///
/// # Errors
/// [`TrainError::Export`] if it is not in [0, 1/4).
pub fn factor(x: f64) -> Result<Rescale, TrainError> {
    if !(0.0..0.25).contains(&x) {
        return Err(TrainError::Export(format!("a factor of {x} is not in [0, 1/4)")));
    }
    const ONE: u64 = 1 << 62;
    Ok(Rescale::from_ratio((x * ONE as f64).round() as u64, ONE))
}

/// A map of `rows` outputs, (rows, columns) row by row, each row in a unit of its own; `change` is the unit of the inputs
/// over that of the outputs.
///
/// # Errors
/// As [`factor`].
pub fn linear(weights: &[f64], rows: usize, change: f64) -> Result<Linear, TrainError> {
    let mut out = Linear { weights: Vec::with_capacity(weights.len()), scales: Vec::new() };
    for row in weights.chunks_exact((weights.len() / rows.max(1)).max(1)) {
        let unit = largest(row) / 127.0;
        if unit > 0.0 {
            out.weights.extend(row.iter().map(|w| (w / unit).round() as i8));
        } else {
            out.weights.resize(out.weights.len() + row.len(), 0);
        }
        out.scales.push(factor(unit * change)?);
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_have_units_of_their_own() {
        let map = linear(&[1.0, -0.5, 0.0, 0.02, 0.01, -0.005], 2, 0.125).unwrap();
        assert_eq!(map.weights, [127, -64, 0, 127, 64, -32]);
        // (127 · 1000) back to 1000 / 8
        assert_eq!(map.scales[0].apply(127_000), 125);
        // 0.02 of it, away from a tie, which the rounding of the factor decides.
        assert_eq!(map.scales[1].apply(254_000), 5);
        assert!(linear(&[1.0], 1, 127.0).is_err() && factor(f64::NAN).is_err());
    }
}
