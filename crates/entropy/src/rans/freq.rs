//! Frequencies that sum to a power of two.
//!
//! The decoder must find the same table as the encoder, so this is integer arithmetic with fixed ties. Both
//! sides make thousands of tables, so it is one pass and not the optimum: each frequency is its share rounded
//! to the nearest, and what is missing or too much goes to the largest, where a slot matters least. On real
//! histograms that costs less than a thousandth of a bit a symbol.

use super::SLOTS;

/// Fraction bits of the factor from counts to frequencies. A count is at most the total, so
/// `count * factor <= 2^(12 + 49)`.
const FACTOR_BITS: u32 = 49;

/// Scales `counts` to frequencies that sum to [`SLOTS`]. Every symbol that occurs gets at least 1, every
/// other 0. If nothing occurs, symbol 0 gets everything.
///
/// # Panics
/// If there are no or more than 256 counts, or they sum to 2^32 or more.
fn normalise(counts: &[u32]) -> [u16; 256] {
    assert!((1..=256).contains(&counts.len()), "1 to 256 counts");
    let mut freqs = [0u16; 256];
    let target = SLOTS as u32;
    let total: u64 = counts.iter().map(|&c| u64::from(c)).sum();
    assert!(total < 1 << 32, "sum of the counts");
    let Some(factor) = (u64::from(target) << FACTOR_BITS).checked_div(total) else {
        freqs[0] = target as u16;
        return freqs;
    };
    let mut sum = 0;
    for (freq, &count) in freqs.iter_mut().zip(counts) {
        let share = (u64::from(count) * factor + (1 << (FACTOR_BITS - 1))) >> FACTOR_BITS;
        *freq = share.max(u64::from(count > 0)) as u16;
        sum += u32::from(*freq);
    }
    while sum != target {
        let largest = largest(&mut freqs);
        if sum < target {
            *largest += (target - sum) as u16;
            sum = target;
        } else {
            // At most half, so that no frequency pays for many small ones alone.
            let less = (sum - target).min(u32::from(*largest / 2));
            *largest -= less as u16;
            sum -= less;
        }
    }
    freqs
}

/// The largest frequency, the first of equals.
fn largest(freqs: &mut [u16; 256]) -> &mut u16 {
    let most = freqs.iter().copied().max().unwrap_or_default();
    let at = freqs.iter().position(|&f| f == most).unwrap_or_default();
    &mut freqs[at]
}

/// Frequencies of up to 256 symbols that sum to [`SLOTS`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FreqTable {
    symbols: usize,
    freqs: [u16; 256],
}

impl FreqTable {
    /// A table for symbols that occur `counts[s]` times: every symbol that occurs has at least one slot, every
    /// other none. If nothing occurs, symbol 0 is certain.
    ///
    /// # Panics
    /// If there are no or more than 256 counts, or they sum to 2^32 or more.
    #[must_use]
    pub fn from_counts(counts: &[u32]) -> Self {
        Self { symbols: counts.len(), freqs: normalise(counts) }
    }

    /// Frequency of each symbol in slots; symbols beyond have none.
    #[must_use]
    pub fn freqs(&self) -> &[u16] {
        &self.freqs[..self.symbols]
    }

    /// The sum of the frequencies of the symbols before each, then its own frequency.
    pub(super) fn slots(&self) -> impl Iterator<Item = (u32, u32)> + '_ {
        self.freqs().iter().scan(0, |next, &freq| {
            let start = *next;
            *next += u32::from(freq);
            Some((start, u32::from(freq)))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn full(counts: &[u32]) -> Vec<u16> {
        FreqTable::from_counts(counts).freqs().to_vec()
    }

    #[test]
    fn extremes() {
        let all = SLOTS as u16;
        assert_eq!(full(&[0, 0]), [all, 0]);
        assert_eq!(full(&[0, 7]), [0, all]);
        assert_eq!(full(&[u32::MAX - 1, 1]), [all - 1, 1]);
        assert_eq!(full(&[1 << 23; 256]), [all / 256; 256]);
        // Ties: the first gets the difference.
        let third = (all + 1) / 3;
        assert_eq!(full(&[9, 9, 9]), [all - 2 * third, third, third]);
        let mut skewed = [1; 256];
        skewed[255] = u32::MAX - 255;
        assert_eq!(full(&skewed)[255], all - 255);
        // 250 small ones cost more than the largest can pay alone.
        let mut crowd = [1; 256];
        crowd[..6].fill(25_000);
        let freqs = full(&crowd);
        assert!(freqs[..6].iter().all(|&f| f > 320), "{:?}", &freqs[..6]);
    }

    proptest! {
        #[test]
        fn sums_and_costs(
            counts in prop::collection::vec(
                prop_oneof![3 => Just(0u32), 3 => 1u32..5, 3 => 0u32..5000, 1 => 0u32..1 << 23], 1..=256),
        ) {
            let freqs = full(&counts);
            let scale = SLOTS as f64;
            prop_assert_eq!(freqs.iter().map(|&f| f64::from(f)).sum::<f64>(), scale);
            let total: f64 = counts.iter().map(|&c| f64::from(c)).sum();
            if total > 0.0 {
                let (mut cost, mut entropy) = (0.0, 0.0);
                for (&c, &f) in counts.iter().zip(&freqs) {
                    prop_assert_eq!(c > 0, f > 0);
                    if c > 0 {
                        cost -= f64::from(c) * (f64::from(f) / scale).log2();
                        entropy -= f64::from(c) * (f64::from(c) / total).log2();
                    }
                }
                // A slot for each rare symbol is what no table of this precision can save.
                let floor = freqs.len() as f64 / scale;
                prop_assert!(cost <= entropy + total * (0.002 + 2.5 * floor), "{cost} {entropy}");
            }
        }
    }
}
