//! Frequencies that sum to a power of two.
//!
//! The decoder must find the same table as the encoder, so this is integer arithmetic with fixed ties. The
//! gain of one more slot for a symbol with count `c` and frequency `f` is `c * ln((f + 1) / f)`, for which
//! `c * 2 / (2 f + 1)` stands (error below 4 %, and that at f = 1 only). Greedy steps by that gain end in the
//! optimum, because the cost is convex in every frequency.

use core::cmp::Reverse;
use std::collections::BinaryHeap;

use super::{MAX_PRECISION, MIN_PRECISION};
use crate::error::EntropyError;

/// `2 c / d` in fixed point; `d` is below 2^16, so 2^15 keeps at least 16 significant bits of any c >= 1 and
/// any u32 count fits.
fn ratio(count: u32, d: u32) -> u64 {
    (u64::from(count) << 31) / u64::from(d)
}

/// What symbol loses in cost by one slot more.
fn gain(count: u32, freq: u32) -> u64 {
    ratio(count, 2 * freq + 1)
}

/// What symbol gains in cost by one slot less; `freq > 1`.
fn loss(count: u32, freq: u32) -> u64 {
    ratio(count, 2 * freq - 1)
}

/// Scales `counts` to frequencies that sum to 2^`precision` and cost as few bits as possible for these counts.
/// Every symbol that occurs gets at least 1, every other 0. If nothing occurs, symbol 0 gets everything.
///
/// # Panics
/// If there are no or more than 256 counts, or the precision is not 12 to 14.
#[must_use]
pub fn normalise(counts: &[u32], precision: u32) -> Vec<u16> {
    assert!((1..=256).contains(&counts.len()), "1 to 256 counts");
    assert!((MIN_PRECISION..=MAX_PRECISION).contains(&precision), "precision of 12 to 14 bits");
    let target = 1u32 << precision;
    let total: u64 = counts.iter().map(|&c| u64::from(c)).sum();
    let share = |&c: &u32| {
        let down = (u64::from(c) << precision).checked_div(total).unwrap_or(0) as u32;
        down.max(u32::from(c > 0))
    };
    let mut freqs: Vec<u32> = counts.iter().map(share).collect();
    if total == 0 {
        freqs[0] = target;
    }
    settle(counts, &mut freqs, target);
    freqs.into_iter().map(|f| f as u16).collect()
}

/// Moves single slots until the sum is `target` and no exchange of two symbols would pay.
fn settle(counts: &[u32], freqs: &mut [u32], target: u32) {
    let mut sum: u32 = freqs.iter().sum();
    let live = |freqs: &[u32], least: u32| {
        (0..freqs.len()).filter(|&s| freqs[s] >= least).collect::<Vec<_>>()
    };
    // Largest gain first, lowest index on ties.
    let mut gains: BinaryHeap<_> =
        live(freqs, 1).into_iter().map(|s| (gain(counts[s], freqs[s]), Reverse(s))).collect();
    while sum < target {
        let Some((_, Reverse(s))) = gains.pop() else { return };
        freqs[s] += 1;
        sum += 1;
        gains.push((gain(counts[s], freqs[s]), Reverse(s)));
    }
    // Smallest loss first, lowest index on ties.
    let mut losses: BinaryHeap<_> =
        live(freqs, 2).into_iter().map(|s| Reverse((loss(counts[s], freqs[s]), s))).collect();
    while sum > target {
        let Some(Reverse((_, s))) = losses.pop() else { return };
        freqs[s] -= 1;
        sum -= 1;
        if freqs[s] > 1 {
            losses.push(Reverse((loss(counts[s], freqs[s]), s)));
        }
    }
    // Rounding down or up to 1 may have left a pair that should exchange a slot. Each exchange lowers the
    // cost, so this ends; the bound is for the reader's peace.
    for _ in 0..target {
        let best =
            live(freqs, 1).into_iter().max_by_key(|&s| (gain(counts[s], freqs[s]), Reverse(s)));
        let worst = live(freqs, 2).into_iter().min_by_key(|&s| (loss(counts[s], freqs[s]), s));
        match (best, worst) {
            (Some(to), Some(from))
                if gain(counts[to], freqs[to]) > loss(counts[from], freqs[from]) =>
            {
                freqs[to] += 1;
                freqs[from] -= 1;
            }
            _ => return,
        }
    }
}

/// Frequencies of up to 256 symbols that sum to 2^precision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FreqTable {
    precision: u32,
    freqs: Vec<u16>,
}

impl FreqTable {
    /// The best table for symbols that occur `counts[s]` times; see [`normalise`].
    ///
    /// # Panics
    /// If there are no or more than 256 counts, or the precision is not 12 to 14.
    #[must_use]
    pub fn from_counts(counts: &[u32], precision: u32) -> Self {
        Self { precision, freqs: normalise(counts, precision) }
    }

    /// A table read from somewhere.
    ///
    /// # Errors
    /// [`EntropyError::Corrupt`] if the precision is not 12 to 14, there are no or more than 256 symbols, or the
    /// sum is not 2^precision.
    pub fn new(freqs: Vec<u16>, precision: u32) -> Result<Self, EntropyError> {
        if !(MIN_PRECISION..=MAX_PRECISION).contains(&precision) {
            return Err(EntropyError::Corrupt("frequency table: precision"));
        }
        if !(1..=256).contains(&freqs.len()) {
            return Err(EntropyError::Corrupt("frequency table: number of symbols"));
        }
        if freqs.iter().map(|&f| u32::from(f)).sum::<u32>() != 1 << precision {
            return Err(EntropyError::Corrupt("frequency table: wrong sum"));
        }
        Ok(Self { precision, freqs })
    }

    /// Bits of precision.
    #[must_use]
    pub fn precision(&self) -> u32 {
        self.precision
    }

    /// Frequency of each symbol in units of 2^-precision; symbols beyond have none.
    #[must_use]
    pub fn freqs(&self) -> &[u16] {
        &self.freqs
    }

    /// The sum of the frequencies of the symbols before each, then its own frequency.
    pub(super) fn slots(&self) -> impl Iterator<Item = (u32, u32)> + '_ {
        self.freqs.iter().scan(0, |next, &freq| {
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

    fn cost(counts: &[u32], freqs: &[u16], precision: u32) -> f64 {
        let bits = |(&c, &f): (&u32, &u16)| {
            if c == 0 { 0.0 } else { f64::from(c) * (f64::from(precision) - f64::from(f).log2()) }
        };
        counts.iter().zip(freqs).map(bits).sum()
    }

    #[test]
    fn extremes() {
        for precision in 12..=14 {
            let full = 1 << precision;
            assert_eq!(normalise(&[0, 0], precision), [full, 0]);
            assert_eq!(normalise(&[0, 7], precision), [0, full]);
            assert_eq!(normalise(&[u32::MAX, 1], precision), [full - 1, 1]);
            assert_eq!(normalise(&[u32::MAX; 256], precision), [full / 256; 256]);
            // Ties: the lowest symbols get the rest.
            let (third, rest) = (full / 3, full % 3);
            let thirds = [third + 1, third + rest - 1, third];
            assert_eq!(normalise(&[9, 9, 9], precision), thirds);
            let mut skewed = [1; 256];
            skewed[255] = u32::MAX;
            let freqs = normalise(&skewed, precision);
            assert_eq!(freqs[255], full - 255);
        }
        assert!(FreqTable::new(vec![4095, 1], 12).is_ok());
        assert!(FreqTable::new(vec![4095, 2], 12).is_err());
        assert!(FreqTable::new(vec![4096], 13).is_err());
        assert!(FreqTable::new(vec![2048], 11).is_err());
        assert!(FreqTable::new(vec![1 << 15], 15).is_err());
        assert!(FreqTable::new(vec![], 12).is_err());
        assert!(FreqTable::new(vec![16; 257], 12).is_err());
    }

    proptest! {
        #[test]
        fn sums_and_costs(
            counts in prop::collection::vec(
                prop_oneof![3 => Just(0u32), 3 => 1u32..5, 3 => 0u32..5000, 1 => any::<u32>()], 1..=256),
            precision in 12u32..=14,
        ) {
            let freqs = normalise(&counts, precision);
            prop_assert!(FreqTable::new(freqs.clone(), precision).is_ok());
            let total: f64 = counts.iter().map(|&c| f64::from(c)).sum();
            if total > 0.0 {
                for (&c, &f) in counts.iter().zip(&freqs) {
                    prop_assert_eq!(c > 0, f > 0);
                }
                let here = cost(&counts, &freqs, precision);
                // No exchange of a single slot helps by more than the approximation of the gain may miss.
                for from in (0..counts.len()).filter(|&s| freqs[s] > 1).take(8) {
                    for to in (0..counts.len()).filter(|&s| freqs[s] > 0 && s != from).take(40) {
                        let mut other = freqs.clone();
                        other[from] -= 1;
                        other[to] += 1;
                        let moved = f64::from(counts[to]) / f64::from(freqs[to]);
                        prop_assert!(cost(&counts, &other, precision) > here - 0.1 * moved - 1e-6 * total);
                    }
                }
            }
        }
    }
}
