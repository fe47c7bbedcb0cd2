//! The seam between symbols and coders.
//!
//! A [`SymbolModel`] gives, at each position, the distribution of the next symbol and then learns the true
//! one. The distribution is given as binary decisions, most significant bit first, through a
//! [`BinaryCoder`]; so one body serves encoding, decoding and counting, and they cannot disagree.

use vxc_entropy::BinaryCoder;

/// A model of a sequence of symbols.
pub trait SymbolModel {
    /// Codes the next symbol and learns it. An encoder passes the symbol; a decoder passes anything. Gives
    /// back the symbol.
    fn code<C: BinaryCoder>(&mut self, coder: &mut C, symbol: u32) -> u32;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mix::counter;
    use vxc_entropy::{CostCounter, PROB_MIN, RangeDecoder, RangeEncoder};

    /// The simplest model: adaptive frequencies of each decision, no context.
    struct Order0 {
        counters: Vec<i32>,
        depth: u32,
    }

    impl Order0 {
        /// Symbols of `depth` decisions, clamped to 1..=8.
        fn new(depth: u32) -> Self {
            let depth = depth.clamp(1, 8);
            Self { counters: vec![0; 1 << depth], depth }
        }
    }

    impl SymbolModel for Order0 {
        fn code<C: BinaryCoder>(&mut self, coder: &mut C, symbol: u32) -> u32 {
            let mut node = 1usize;
            for i in (0..self.depth).rev() {
                let c = self.counters[node];
                let p = (((c >> 16) + 32_768) as u32).clamp(PROB_MIN, 65_536 - PROB_MIN);
                let bit = coder.bit(p, symbol >> i & 1 != 0);
                self.counters[node] = counter::updated(c, bit, counter::LIMIT_MAX);
                node = node << 1 | usize::from(bit);
            }
            (node as u32) & ((1 << self.depth) - 1)
        }
    }

    #[test]
    fn order_0_reaches_the_entropy_and_decodes() {
        let symbols: Vec<u32> = (0..8000u32).map(|i| u32::from(i % 4 == 0) * 5).collect();
        let (mut encoder, mut cost) = (RangeEncoder::new(), CostCounter::new());
        let (mut model, mut counted) = (Order0::new(3), Order0::new(3));
        for &s in &symbols {
            assert_eq!(model.code(&mut encoder, s), s);
            counted.code(&mut cost, s);
        }
        let coded = encoder.finish();
        let entropy = 8000.0 * 0.8113 / 8.0;
        assert!((coded.len() as f64) < entropy * 1.03, "{}", coded.len());
        assert!((cost.bits() / 8.0 - coded.len() as f64).abs() < 8.0);
        let (mut decoder, mut model) = (RangeDecoder::new(&coded), Order0::new(3));
        for &s in &symbols {
            assert_eq!(model.code(&mut decoder, 0), s);
        }
    }
}
