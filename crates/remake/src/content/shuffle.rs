//! Contents as HDF5's filters leave them: bytes of values taken apart, and checksums.
//!
//! ```text
//! content := shuffle(values · padding · [sum]) · [sum]        stored bytes · [sum]
//! shuffle: all first bytes of the elements, then all second ones, …; what is no whole element at the end stays there
//! ```
//! Padding is zeros: what a chunk holds behind the last element of its dataset. A sum is [`fletcher32`] of all that stands before it, and is not kept: it is computed again.

use super::fletcher::{SUM, fletcher32};

/// Where sums stand, as bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sums(u8);

impl Sums {
    /// Behind the values, shuffled with them.
    pub const VALUES: Self = Self(1);
    /// Behind what shuffling gave.
    pub const CONTENT: Self = Self(2);
    /// Behind the stored bytes.
    pub const STORED: Self = Self(4);

    /// Their bits.
    pub const fn number(self) -> u8 {
        self.0
    }

    /// The sums of some bits; `None` for bits that none has.
    pub const fn of_number(number: u8) -> Option<Self> {
        if number < 8 { Some(Self(number)) } else { None }
    }

    /// Both together.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Those that are in both.
    #[must_use]
    pub const fn within(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Whether all of `other` are there.
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Bytes of the sums within a content.
    pub const fn content_bytes(self) -> u64 {
        (self.has(Self::VALUES) as u64 + self.has(Self::CONTENT) as u64) * SUM as u64
    }
}

/// Values of `unit` bytes as a content.
pub fn join(values: &[u8], padding: usize, unit: usize, sums: Sums) -> Vec<u8> {
    // With room for both sums, so that nothing is moved.
    let padded = values.len().saturating_add(padding);
    let mut bytes = Vec::with_capacity(padded.saturating_add(2 * SUM));
    bytes.extend_from_slice(values);
    bytes.resize(padded, 0);
    if sums.has(Sums::VALUES) {
        append_sum(&mut bytes);
    }
    let mut out = shuffle(bytes, unit);
    if sums.has(Sums::CONTENT) {
        append_sum(&mut out);
    }
    out
}

/// The values of a content, with any padding: the inverse of [`join`] without. `None` where it is shorter than its sums,
/// which are not compared.
pub fn split(content: &[u8], unit: usize, sums: Sums) -> Option<Vec<u8>> {
    let mut content = content;
    if sums.has(Sums::CONTENT) {
        content = content.split_at_checked(content.len().checked_sub(SUM)?)?.0;
    }
    let mut values = unshuffle(content, unit);
    if sums.has(Sums::VALUES) {
        values.truncate(values.len().checked_sub(SUM)?);
    }
    Some(values)
}

/// Appends the sum of all bytes before.
pub fn append_sum(bytes: &mut Vec<u8>) {
    let sum = fletcher32(bytes);
    bytes.extend_from_slice(&sum);
}

/// Stored bytes without the right sum behind them; `None` where it is another one.
pub fn without_sum(stored: &[u8]) -> Option<&[u8]> {
    let (stored, sum) = stored.split_at_checked(stored.len().checked_sub(SUM)?)?;
    (fletcher32(stored) == sum).then_some(stored)
}

fn shuffle(bytes: Vec<u8>, unit: usize) -> Vec<u8> {
    let Some((elements, tail)) = whole(&bytes, unit) else { return bytes };
    let mut out = Vec::with_capacity(bytes.len().saturating_add(SUM));
    for at in 0..unit {
        out.extend(elements.iter().skip(at).step_by(unit));
    }
    out.extend_from_slice(tail);
    out
}

fn unshuffle(bytes: &[u8], unit: usize) -> Vec<u8> {
    let Some((planes, tail)) = whole(bytes, unit) else { return bytes.to_vec() };
    let mut out = vec![0; planes.len()];
    for (at, plane) in planes.chunks_exact(planes.len() / unit).enumerate() {
        for (value, place) in plane.iter().zip(out.iter_mut().skip(at).step_by(unit)) {
            *place = *value;
        }
    }
    out.extend_from_slice(tail);
    out
}

/// Whole elements, and what is behind them; `None` where there are too few to be shuffled.
fn whole(bytes: &[u8], unit: usize) -> Option<(&[u8], &[u8])> {
    let count = bytes.len().checked_div(unit)?;
    (unit > 1 && count > 1).then_some(())?;
    bytes.split_at_checked(count * unit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn as_hdf5_has_it() {
        assert_eq!(join(b"abcdefghi!?", 0, 3, Sums::default()), b"adgbehcfi!?");
        assert_eq!(join(b"abc", 0, 1, Sums::default()), b"abc");
        assert_eq!(join(b"abc", 0, 2, Sums::default()), b"abc");
        assert_eq!(Sums::of_number(8), None);
    }

    proptest! {
        #[test]
        fn there_and_back(
            values in proptest::collection::vec(any::<u8>(), 0..300),
            padding in 0usize..50,
            unit in 1usize..40,
            sums in 0u8..8,
        ) {
            let sums = Sums::of_number(sums).unwrap();
            let content = join(&values, padding, unit, sums);
            let padded = [&values[..], &vec![0; padding]].concat();
            prop_assert_eq!(content.len() as u64, padded.len() as u64 + sums.content_bytes());
            prop_assert_eq!(split(&content, unit, sums).unwrap(), padded);
            let mut stored = content.clone();
            append_sum(&mut stored);
            prop_assert_eq!(without_sum(&stored), Some(&content[..]));
            let last = stored.len() - 1;
            stored[last] ^= 1;
            prop_assert_eq!(without_sum(&stored), None);
        }

        #[test]
        fn any_bytes_are_values(content in proptest::collection::vec(any::<u8>(), 0..64), unit in 1usize..9) {
            let values = split(&content, unit, Sums::default()).unwrap();
            prop_assert_eq!(join(&values, 0, unit, Sums::default()), content);
        }
    }
}
