//! From logits to a cumulative distribution.
//!
//! w = 2^30 · 2^((logit − max)/256), rounded down; counts by the law of [`vxc_entropy::cdf`]. Symbols from the model's
//! vocabulary up to 255 have weight 0, so a count of 1.

use vxc_entropy::Cdf;
use vxc_entropy::cdf::CDF_SYMBOLS;

use super::exp2;

/// The distribution of logits (at most 256), each |logit| < 2^17.
pub fn distribution(logits: &[i32]) -> Cdf {
    let mut weights = [0u32; CDF_SYMBOLS];
    exp2::weights(logits, &mut weights);
    Cdf::from_weights(&weights)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_octave_is_a_factor_of_two() {
        let mut logits = [-131_000; 256];
        (logits[3], logits[9]) = (1024, 768);
        let cdf = distribution(&logits);
        assert_eq!((cdf.width(3), cdf.width(9), cdf.width(0)), (43521, 21761, 1));
        let short = distribution(&[0; 2]);
        assert_eq!((short.width(0), short.width(1), short.width(255)), (32641, 32641, 1));
    }
}
