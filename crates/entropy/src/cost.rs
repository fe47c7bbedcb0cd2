//! Counts what coding would cost, without coding: the third party behind [`BinaryCoder`].
//!
//! For reports and for comparing choices only: `log2` of the platform may differ in the last place, so no
//! coded byte may depend on it.

use crate::cdf::Cdf;
use crate::coder::{BinaryCoder, PROB_BITS};
use crate::symbols::SymbolCoder;

/// Below this the pending product goes into the sum; far from the smallest f64 (2^-1022) and a single factor
/// is at least 2^-16.
const FLUSH_BELOW: f64 = 1e-280;

/// Sums -log2 of the probabilities of what it is given.
#[derive(Clone, Debug)]
pub struct CostCounter {
    bits: f64,
    /// Product of probabilities not yet in `bits`: a multiplication per decision and a logarithm now and then.
    product: f64,
}

impl Default for CostCounter {
    fn default() -> Self {
        Self::new()
    }
}

impl CostCounter {
    /// Nothing counted yet.
    #[must_use]
    pub fn new() -> Self {
        Self { bits: 0.0, product: 1.0 }
    }

    /// The cost so far in bits.
    #[must_use]
    pub fn bits(&self) -> f64 {
        self.bits - self.product.log2()
    }

    #[inline(always)]
    fn times(&mut self, p: f64) {
        self.product *= p;
        if self.product < FLUSH_BELOW {
            self.bits -= self.product.log2();
            self.product = 1.0;
        }
    }
}

impl BinaryCoder for CostCounter {
    #[inline(always)]
    fn bit(&mut self, p1: u32, bit: bool) -> bool {
        let p = if bit { p1 } else { (1 << PROB_BITS) - p1 };
        self.times(f64::from(p) * const { 1.0 / (1u32 << PROB_BITS) as f64 });
        bit
    }

    #[inline(always)]
    fn uniform(&mut self, n: u32, value: u32) -> u32 {
        self.times(1.0 / f64::from(n.max(1)));
        value
    }

    #[inline(always)]
    fn raw(&mut self, bits: u32, value: u64) -> u64 {
        self.bits += f64::from(bits);
        if bits == 0 { 0 } else { value & (u64::MAX >> (64 - bits.min(64))) }
    }
}

impl SymbolCoder for CostCounter {
    #[inline(always)]
    fn symbol(&mut self, cdf: &Cdf, s: u8) -> u8 {
        self.bit(cdf.width(s), true);
        s
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_what_theory_says() {
        let mut cost = CostCounter::new();
        assert_eq!(cost.bits(), 0.0);
        for _ in 0..10_000 {
            cost.bit(1 << 15, false);
            cost.bit(1 << 14, true);
            cost.bit(1 << 4, true);
        }
        assert_eq!(cost.bits(), 150_000.0);
        cost.uniform(1, 0);
        cost.uniform(65_536, 3);
        assert_eq!(cost.raw(64, u64::MAX), u64::MAX);
        assert_eq!(cost.raw(3, 15), 7);
        cost.raw(0, 1);
        cost.symbol(&Cdf::uniform(), 9);
        assert_eq!(cost.bits(), 150_000.0 + 16.0 + 67.0 + 8.0);
        cost.uniform(3, 0);
        assert!((cost.bits() - 150_091.0 - 3f64.log2()).abs() < 1e-9);
    }
}
