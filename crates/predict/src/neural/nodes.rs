//! A distribution over symbols as binary decisions, for the mix.
//!
//! At a node of the symbol's tree the distribution holds a slots for 0 and b for 1; the input is ln(b / a), which is the
//! logit of its probability, in units of 2^-8 nat. Every symbol has a slot at least, so both are positive.

use vxc_entropy::Cdf;
use vxc_entropy::cdf::CDF_TOTAL;

use crate::mix::Expert;
use crate::mix::squash::INPUT_MAX;

/// Inputs that a distribution gives.
pub const INPUTS: usize = 1;

/// A distribution as an expert of the mix.
pub struct Nodes<'a> {
    cdf: &'a Cdf,
}

impl<'a> Nodes<'a> {
    pub fn new(cdf: &'a Cdf) -> Self {
        Self { cdf }
    }

    /// Slots of both outcomes at `node` of `depth` decisions.
    #[inline(always)]
    fn slots(&self, node: u32, depth: u32) -> [u32; 2] {
        let left = depth + node.leading_zeros() - 31;
        let first = (node << left) - (1 << depth);
        let start = |s: u32| if s > 255 { CDF_TOTAL } else { self.cdf.start(s as u8) };
        let [low, middle, high] =
            [first, first + (1 << (left - 1)), first + (1 << left)].map(start);
        [middle - low, high - middle]
    }
}

impl Expert for Nodes<'_> {
    #[inline(always)]
    fn inputs(&mut self, node: u32, depth: u32, inputs: &mut [i32]) {
        let [zero, one] = self.slots(node, depth);
        inputs[0] = (ln(one) - ln(zero)).clamp(-INPUT_MAX, INPUT_MAX);
    }

    #[inline(always)]
    fn learn(&mut self, _: bool) {}
}

/// Arguments that the table holds; larger ones are shifted into it.
const DIRECT: usize = 1 << 12;
/// round(ln 2 · 2^24).
const LN_2: u64 = 11_629_080;

/// log2(x) in units of 2^-24, by repeated squaring of a number in [1, 2) with 31 bits.
const fn log2(x: u32) -> u64 {
    let whole = x.ilog2();
    let mut y = (x as u64) << (31 - whole);
    let mut result = whole as u64;
    let mut i = 0;
    while i < 24 {
        y = (y * y) >> 31;
        result <<= 1;
        if y >> 32 != 0 {
            y >>= 1;
            result |= 1;
        }
        i += 1;
    }
    result
}

/// log2 in 2^-24 times ln 2 in 2^-24, rounded to 2^-8.
const fn scaled(log2: u64) -> i16 {
    (((log2 * LN_2) + (1 << 39)) >> 40) as i16
}

static LN: [i16; DIRECT] = {
    let mut table = [0i16; DIRECT];
    let mut x = 1;
    while x < DIRECT {
        table[x] = scaled(log2(x as u32));
        x += 1;
    }
    table
};

static LN_OF_POWER: [i16; 8] = {
    let mut table = [0i16; 8];
    let mut s = 0;
    while s < 8 {
        table[s] = scaled((s as u64) << 24);
        s += 1;
    }
    table
};

/// ln(x) in units of 2^-8, for x from 1 to 2^16; within 1.2 units.
#[inline(always)]
fn ln(x: u32) -> i32 {
    let shift = 20u32.saturating_sub(x.leading_zeros());
    i32::from(LN[(x >> shift) as usize & (DIRECT - 1)]) + i32::from(LN_OF_POWER[shift as usize & 7])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_logarithm_is_one() {
        for x in 1..=CDF_TOTAL {
            let exact = 256.0 * f64::from(x).ln();
            assert!((f64::from(ln(x)) - exact).abs() < 1.2, "{x}: {} {exact}", ln(x));
        }
    }

    #[test]
    fn nodes_share_out_the_slots() {
        let mut weights = [0u32; 256];
        for (i, w) in weights.iter_mut().enumerate() {
            *w = (i as u32 * 7919) % 1000;
        }
        let cdf = Cdf::from_weights(&weights);
        for depth in [1, 5, 8] {
            let mut nodes = Nodes::new(&cdf);
            for node in 1..1u32 << depth {
                let slots = nodes.slots(node, depth);
                assert!(slots[0] > 0 && slots[1] > 0);
                if node << 1 >> depth == 0 {
                    assert_eq!(slots[1], nodes.slots(node << 1 | 1, depth).iter().sum::<u32>());
                }
                let mut input = [0];
                nodes.inputs(node, depth, &mut input);
                let exact = 256.0 * (f64::from(slots[1]) / f64::from(slots[0])).ln();
                assert!((f64::from(input[0]) - exact.clamp(-2047.0, 2047.0)).abs() < 2.4);
            }
        }
    }
}
