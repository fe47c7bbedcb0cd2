//! The law that turns integer weights into a cumulative distribution.
//!
//! Units: probabilities are counts out of [`CDF_TOTAL`] = 2^16. The law (design §6.2):
//! `count = floor(w * (2^16 - 256) / sum) + 1`, and what is then missing from 2^16 goes to the largest count
//! (the lowest symbol on ties). So every symbol has a count of at least 1 (no symbol is uncodable, whatever
//! the model thought) and the counts sum to exactly 2^16.

/// The number of symbols of a [`Cdf`].
pub const CDF_SYMBOLS: usize = 256;
/// Precision of a [`Cdf`] in bits.
pub const CDF_BITS: u32 = 16;
/// What the counts of a [`Cdf`] sum to.
pub const CDF_TOTAL: u32 = 1 << CDF_BITS;

/// Symbols of one step of the search, and steps.
const BLOCK: usize = 16;
const BLOCKS: usize = CDF_SYMBOLS / BLOCK;

/// A cumulative distribution over 256 symbols, every width at least 1, widths summing to 2^16.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cdf {
    /// Sum of the widths of the symbols before; the first is 0, strictly increasing.
    starts: [u16; CDF_SYMBOLS],
    /// Every 16th of them, for a search in two steps of 16 comparisons at once.
    coarse: [u16; BLOCKS],
}

impl Cdf {
    /// Applies the law above. Weights that are all zero give the uniform distribution.
    #[must_use]
    pub fn from_weights(weights: &[u32; CDF_SYMBOLS]) -> Self {
        let sum: u64 = weights.iter().map(|&w| u64::from(w)).sum();
        if sum == 0 {
            return Self::uniform();
        }
        let share = SharedDivision::by(sum);
        let mut counts = weights.map(|w| share.of(w) + 1);
        let total: u32 = counts.iter().sum();
        let most = counts.iter().fold(0, |most, &count| count.max(most));
        if let Some(largest) = counts.iter_mut().find(|count| **count == most) {
            *largest += CDF_TOTAL - total;
        }
        let mut starts = [0u16; CDF_SYMBOLS];
        let mut start = 0;
        for (slot, &count) in starts.iter_mut().zip(&counts) {
            *slot = start as u16;
            start += count;
        }
        debug_assert_eq!(start, CDF_TOTAL);
        Self::from_starts(starts)
    }

    fn from_starts(starts: [u16; CDF_SYMBOLS]) -> Self {
        Self { starts, coarse: core::array::from_fn(|block| starts[block * BLOCK]) }
    }

    /// All symbols equally likely.
    #[must_use]
    pub fn uniform() -> Self {
        let width = CDF_TOTAL as usize / CDF_SYMBOLS;
        Self::from_starts(core::array::from_fn(|s| (s * width) as u16))
    }

    /// The first slot of symbol `s`.
    #[inline(always)]
    #[must_use]
    pub fn start(&self, s: u8) -> u32 {
        u32::from(self.starts[usize::from(s)])
    }

    /// The number of slots of symbol `s`, 1 to 65281: its probability in units of 2^-16.
    #[inline(always)]
    #[must_use]
    pub fn width(&self, s: u8) -> u32 {
        // Behind the last symbol stands 2^16, which is 0 in 16 bits.
        let end = if s == u8::MAX { 0 } else { self.starts[usize::from(s) + 1] };
        u32::from(end.wrapping_sub(self.starts[usize::from(s)]))
    }

    /// The symbol that `slot` belongs to; a slot of 2^16 or more counts as the last.
    #[inline(always)]
    #[must_use]
    pub fn symbol_at(&self, slot: u32) -> u8 {
        let slot = slot.min(CDF_TOTAL - 1) as u16;
        let (blocks, _) = self.starts.as_chunks::<BLOCK>();
        let block = last_not_above(&self.coarse, slot);
        (block * BLOCK + last_not_above(&blocks[block], slot)) as u8
    }
}

/// What the symbols share by weight; the rest is 1 for each.
const SHARED: u64 = (CDF_TOTAL - CDF_SYMBOLS as u32) as u64;

/// `floor(w * SHARED / sum)` for many `w`, by products of 32 bits, which vector units have.
struct SharedDivision {
    /// Brings the highest bit of the sum to bit 31, so that weights have 32 bits: shift left, then right.
    left: u32,
    right: u32,
    /// `floor(SHARED * 2^47 / (scaled sum + 1))`, below 2^32 since the scaled sum is 2^31 at least.
    reciprocal: u64,
    sum: u64,
}

impl SharedDivision {
    /// `sum` is that of the 256 weights, from 1 to below 2^40.
    fn by(sum: u64) -> Self {
        let bits = 64 - sum.leading_zeros();
        let (left, right) = (32u32.saturating_sub(bits), bits.saturating_sub(32));
        let scaled = (sum << left) >> right;
        Self { left, right, reciprocal: (SHARED << 47) / (scaled + 1), sum }
    }

    #[inline(always)]
    fn of(&self, w: u32) -> u32 {
        let scaled = (u64::from(w) << self.left) >> self.right;
        // Exact or one too small: the weight, the sum and the reciprocal are each rounded by less than 2^-30
        // of their own or of the sum's size, to the side of a smaller quotient.
        let quotient = (scaled * self.reciprocal) >> 47;
        let product = quotient * (self.sum & 0xffff_ffff) + ((quotient * (self.sum >> 32)) << 32);
        let rest = u64::from(w) * SHARED - product;
        let is_whole = (rest.wrapping_sub(self.sum) >> 63) ^ 1;
        (quotient + is_whole) as u32
    }
}

/// The index of the last of these rising starts that is not above `slot`; the first one never is.
#[inline(always)]
fn last_not_above(starts: &[u16; BLOCK], slot: u16) -> usize {
    let count: u16 = starts.iter().map(|&start| u16::from(start <= slot)).sum();
    usize::from(count).wrapping_sub(1) % BLOCK
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn weights() -> impl Strategy<Value = [u32; CDF_SYMBOLS]> {
        let weight = prop_oneof![
            4 => Just(0u32),
            4 => 0u32..100,
            2 => any::<u32>(),
            1 => Just(u32::MAX),
        ];
        prop::collection::vec(weight, CDF_SYMBOLS).prop_map(|w| w.try_into().unwrap())
    }

    /// The law as the design writes it.
    fn law(weights: &[u32; CDF_SYMBOLS]) -> Vec<u32> {
        let sum: u64 = weights.iter().map(|&w| u64::from(w)).sum();
        let mut counts: Vec<u32> =
            weights.iter().map(|&w| (u64::from(w) * (65536 - 256) / sum) as u32 + 1).collect();
        let largest = *counts.iter().max().unwrap();
        let first = counts.iter().position(|&c| c == largest).unwrap();
        counts[first] += 65536 - counts.iter().sum::<u32>();
        counts
    }

    fn check(cdf: &Cdf) {
        let mut start = 0;
        for s in 0..=255u8 {
            assert_eq!(cdf.start(s), start);
            let width = cdf.width(s);
            assert!(width >= 1);
            // Miri takes minutes for all of them.
            if !cfg!(miri) || s.is_multiple_of(51) {
                assert_eq!(cdf.symbol_at(start), s);
                assert_eq!(cdf.symbol_at(start + width / 2), s);
                assert_eq!(cdf.symbol_at(start + width - 1), s);
            }
            start += width;
        }
        assert_eq!(start, CDF_TOTAL);
        assert_eq!(cdf.symbol_at(u32::MAX), 255);
    }

    #[test]
    fn extremes() {
        check(&Cdf::uniform());
        assert_eq!(Cdf::from_weights(&[0; CDF_SYMBOLS]), Cdf::uniform());
        assert_eq!(Cdf::from_weights(&[u32::MAX; CDF_SYMBOLS]), Cdf::uniform());
        for s in [0u8, 1, 128, 255] {
            for w in [1, u32::MAX] {
                let mut weights = [0; CDF_SYMBOLS];
                weights[usize::from(s)] = w;
                let cdf = Cdf::from_weights(&weights);
                check(&cdf);
                assert_eq!(cdf.width(s), 65281);
            }
        }
        // Ties: the remainder goes to the lowest symbol.
        let mut weights = [0; CDF_SYMBOLS];
        (weights[7], weights[9], weights[11]) = (5, 5, 5);
        weights[12] = 3;
        let cdf = Cdf::from_weights(&weights);
        assert!(cdf.width(7) > cdf.width(9));
        assert_eq!(cdf.width(9), cdf.width(11));
    }

    /// Sums for which the exact quotient is just below a whole number: an estimate too large by 2^-30 would show.
    #[test]
    fn shared_division_just_below_whole_numbers() {
        let step = if cfg!(miri) { 1 << 20 } else { 4093 };
        for w in (1..1u64 << 24).step_by(step) {
            for q in [1, 2, 3, 5, 17, 255] {
                let sum = w * SHARED / q + 1;
                let exact = w * SHARED / sum;
                assert_eq!(u64::from(SharedDivision::by(sum).of(w as u32)), exact, "{w} of {sum}");
            }
        }
        // Sums whose low bits are all cut off, of which a reciprocal that is not rounded down would be too large.
        for (sum, w, exact) in [
            (549_789_694_207, 4_168_901_633, 494),
            (549_892_753_151, 4_186_530_305, 496),
            (549_997_132_799, 3_782_915_328, 448),
        ] {
            assert_eq!(SharedDivision::by(sum).of(w), exact, "{w} of {sum}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 20 } else { 4000 }))]

        /// At and around the weights where the quotient steps.
        #[test]
        fn shared_division(sum in 1u64..1 << 40, shift in 0u32..40, q in 0..=SHARED, off in -2i64..=2) {
            let sum = (sum >> shift).max(1);
            let division = SharedDivision::by(sum);
            let step = (u128::from(q) * u128::from(sum)).div_ceil(u128::from(SHARED)) as i64;
            let largest = sum.min(u64::from(u32::MAX)) as i64;
            for w in [(step + off).clamp(0, largest), largest - off.max(0).min(largest)] {
                let exact = w as u64 * SHARED / sum;
                prop_assert_eq!(u64::from(division.of(w as u32)), exact, "{} of {}", w, sum);
            }
        }
    }

    proptest! {
        #[test]
        fn follows_the_law(w in weights()) {
            let cdf = Cdf::from_weights(&w);
            check(&cdf);
            if w.iter().any(|&w| w > 0) {
                let widths: Vec<u32> = (0..=255).map(|s| cdf.width(s)).collect();
                prop_assert_eq!(widths, law(&w));
            }
        }
    }
}
