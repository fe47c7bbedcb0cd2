//! Bins: disjoint ranges of a field's coding domain `0..2^w`, each one symbol; what no bin covers is
//! one more symbol, the *rest*, whose offset is the rank in the complement. So every value has exactly one
//! (symbol, offset), and no bin is spent on gaps.
//!
//! Bins can be *scaled*: with a shift `s`, bin edges move away from the centre of the domain by `2^s`. It
//! serves residuals whose spread is constant in value while the unit in the last place is not.
//!
//! Invariants: `lo` rises, `lo[i] + len[i] <= lo[i + 1]`, `len[i] >= 1`, at least one bin, at most
//! [`MAX_BINS`]; everything inside `0..2^w`.

use crate::error::TokenError;
use crate::ordered::mask;

/// Most bins of a field: with COPY and the rest the alphabet stays within 256 symbols.
pub const MAX_BINS: usize = 254;

/// A partition of `0..2^width` into bins and their complement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bins {
    width: u32,
    lo: Vec<u64>,
    len: Vec<u64>,
    /// Sum of the lengths of all bins.
    covered: u64,
    /// Largest shift at which all edges stay inside the domain.
    max_shift: u32,
}

/// Where a value falls: the bin (`count()` stands for the rest), the offset in it and the number of
/// offsets it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Index of the bin.
    pub bin: usize,
    /// Offset, below `size`.
    pub offset: u64,
    /// Number of values of the bin at this shift.
    pub size: u64,
}

impl Bins {
    /// Builds bins from `(lo, len)` pairs.
    ///
    /// # Errors
    /// [`TokenError::Corrupt`] if an invariant of the module does not hold.
    pub fn new(width: u32, pairs: &[(u64, u64)]) -> Result<Self, TokenError> {
        if pairs.is_empty() || pairs.len() > MAX_BINS || !(8..=64).contains(&width) {
            return Err(TokenError::Corrupt("number of bins"));
        }
        let top = mask(width);
        let mut end = Some(0u64); // None: the domain is used up
        let mut covered = 0u64;
        for &(lo, len) in pairs {
            let last = lo.checked_add(len.wrapping_sub(1)).filter(|&l| len > 0 && l <= top);
            match (end, last) {
                (Some(e), Some(l)) if e <= lo => end = l.checked_add(1).filter(|_| l < top),
                _ => return Err(TokenError::Corrupt("bins overlap or leave the domain")),
            }
            covered = covered.checked_add(len).ok_or(TokenError::Corrupt("bins cover too much"))?;
        }
        let centre = 1u64 << (width - 1);
        // Distance of the farthest edge from the centre, both sides.
        let first = pairs[0].0;
        let (last_lo, last_len) = pairs[pairs.len() - 1];
        let last = last_lo + (last_len - 1);
        let below = centre.saturating_sub(first);
        let above = if last >= centre { last - centre + 1 } else { 0 };
        let reach = below.max(above).max(1);
        // reach << s <= centre
        let max_shift = (width - 1).saturating_sub(64 - (reach - 1).leading_zeros());
        // Lengths must not lose a bit either: a domain of 64 bits has no room for 2^64.
        let max_shift =
            if width == 64 { max_shift.min(covered.leading_zeros()) } else { max_shift };
        Ok(Self {
            width,
            lo: pairs.iter().map(|p| p.0).collect(),
            len: pairs.iter().map(|p| p.1).collect(),
            covered,
            max_shift,
        })
    }

    /// Width of the domain in bits.
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Number of bins, without the rest.
    pub fn count(&self) -> usize {
        self.lo.len()
    }

    /// Number of symbols: the bins, and the rest where it is not empty.
    pub fn symbols(&self) -> usize {
        self.lo.len() + usize::from(self.has_rest())
    }

    /// Whether some values lie in no bin. At a shift > 0 the rest may be non-empty where it is empty at
    /// shift 0 only if the bins cover the domain, and then no shift is possible.
    pub fn has_rest(&self) -> bool {
        self.rest_size(0) != 0
    }

    /// The `(lo, len)` pairs.
    pub fn pairs(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        self.lo.iter().copied().zip(self.len.iter().copied())
    }

    /// Largest shift that can be used with these bins.
    #[inline(always)]
    pub fn max_shift(&self) -> u32 {
        self.max_shift
    }

    #[inline(always)]
    fn rest_size(&self, shift: u32) -> u64 {
        // 2^w − covered·2^s; covered >= 1, so it fits. Zero when everything is covered.
        mask(self.width).wrapping_add(1).wrapping_sub(self.covered << shift)
    }

    /// First value of a bin at a shift.
    #[inline(always)]
    fn start(&self, bin: usize, shift: u32) -> u64 {
        let centre = 1u64 << (self.width - 1);
        (self.lo[bin].wrapping_sub(centre) << shift).wrapping_add(centre) & mask(self.width)
    }

    /// Finds a value's place. `shift <= max_shift()`.
    #[inline(always)]
    pub fn find(&self, value: u64, shift: u32) -> Place {
        let centre = 1u64 << (self.width - 1);
        let signed = value.wrapping_sub(centre) as i64;
        let key = ((signed >> shift) as u64).wrapping_add(centre);
        // Number of bins whose lo <= key: branch-free binary search.
        let lo = &self.lo[..];
        let mut base = 0usize;
        let mut size = lo.len();
        while size > 1 {
            let half = size / 2;
            base = if lo[base + half] <= key { base + half } else { base };
            size -= half;
        }
        if lo[base] <= key && key - lo[base] < self.len[base] {
            return Place {
                bin: base,
                offset: value.wrapping_sub(self.start(base, shift)),
                size: self.len[base] << shift,
            };
        }
        let below: u64 = if lo[base] <= key { self.len[..=base].iter().sum() } else { 0 };
        Place { bin: self.lo.len(), offset: value - (below << shift), size: self.rest_size(shift) }
    }

    /// Number of offsets of a symbol's bin (or of the rest).
    #[inline(always)]
    pub fn size(&self, bin: usize, shift: u32) -> u64 {
        match self.len.get(bin) {
            Some(&len) => len << shift,
            None => self.rest_size(shift),
        }
    }

    /// The value at a place: the inverse of [`Bins::find`].
    ///
    /// # Errors
    /// [`TokenError::Stream`] if the offset or the bin is outside.
    #[inline(always)]
    pub fn value(&self, bin: usize, offset: u64, shift: u32) -> Result<u64, TokenError> {
        if bin > self.lo.len() || offset >= self.size(bin, shift) {
            return Err(TokenError::Stream("offset outside its bin"));
        }
        if bin < self.lo.len() {
            return Ok(self.start(bin, shift).wrapping_add(offset));
        }
        let mut value = offset;
        for b in 0..self.lo.len() {
            if self.start(b, shift) > value {
                break;
            }
            value += self.len[b] << shift;
        }
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn arbitrary_bins() -> impl Strategy<Value = Bins> {
        (
            prop::sample::select(vec![8u32, 16, 32, 40, 64]),
            prop::collection::vec((any::<u64>(), any::<u64>()), 1..20),
        )
            .prop_map(|(w, raw)| {
                let mut edges: Vec<u64> =
                    raw.iter().flat_map(|&(a, b)| [a & mask(w), b & mask(w)]).collect();
                edges.sort_unstable();
                edges.dedup();
                let mut pairs: Vec<(u64, u64)> =
                    edges.chunks_exact(2).map(|c| (c[0], (c[1] - c[0]).max(1))).collect();
                if pairs.is_empty() {
                    pairs.push((edges[0], 1));
                }
                Bins::new(w, &pairs).unwrap()
            })
    }

    proptest! {
        #[test]
        fn find_and_value_are_inverse(bins in arbitrary_bins(), raw in any::<u64>(), s in 0u32..64, near in any::<bool>()) {
            let s = s % (bins.max_shift() + 1);
            let edge = bins.lo[raw as usize % bins.count()];
            let v = if near { edge.wrapping_add(raw % 5).wrapping_sub(2) } else { raw } & mask(bins.width());
            let p = bins.find(v, s);
            prop_assert!(p.offset < p.size, "{p:?}");
            prop_assert_eq!(p.size, bins.size(p.bin, s));
            prop_assert_eq!(bins.value(p.bin, p.offset, s).unwrap(), v);
        }

        #[test]
        fn every_place_is_used_once(lens in prop::collection::vec((0u64..9, 1u64..9), 1..12), s in 0u32..3) {
            let mut at = 0;
            let mut pairs = vec![];
            for (gap, len) in lens {
                at += gap;
                if at + len > 256 { break; }
                pairs.push((at, len));
                at += len;
            }
            prop_assume!(!pairs.is_empty());
            let bins = Bins::new(8, &pairs).unwrap();
            let s = s.min(bins.max_shift());
            let mut seen = std::collections::BTreeSet::new();
            for v in 0..256 {
                let p = bins.find(v, s);
                prop_assert!(seen.insert((p.bin, p.offset)));
            }
            let all: u64 = (0..=bins.count()).map(|b| bins.size(b, s)).sum();
            prop_assert_eq!(all, 256);
            prop_assert_eq!(bins.pairs().collect::<Vec<_>>(), &pairs[..]);
            let covered: u64 = pairs.iter().map(|p| p.1).sum();
            prop_assert_eq!(bins.has_rest(), covered < 256);
            prop_assert_eq!(bins.symbols(), pairs.len() + usize::from(covered < 256));
        }
    }

    #[test]
    fn bins_that_cover_everything_have_no_rest() {
        for (pairs, rest) in [(&[(0, 100), (100, 156)][..], false), (&[(0, 255)], true)] {
            let bins = Bins::new(8, pairs).unwrap();
            assert_eq!((bins.has_rest(), bins.symbols()), (rest, 2));
        }
    }

    #[test]
    fn places_that_do_not_exist_are_refused() {
        let bins = Bins::new(8, &[(10, 5), (20, 1)]).unwrap();
        for (bin, size) in [(0, 5), (1, 1), (2, 250)] {
            assert!(bins.value(bin, size - 1, 0).is_ok());
            assert!(bins.value(bin, size, 0).is_err());
        }
        assert!(bins.value(3, 0, 0).is_err());
    }

    #[test]
    fn symmetric_bins_at_the_largest_shift() {
        for width in [8u32, 32, 64] {
            let centre = 1u64 << (width - 1);
            for k in 0..width - 1 {
                let bins = Bins::new(width, &[(centre - (1 << k), 2 << k)]).unwrap();
                let s = bins.max_shift();
                // All of the domain, or half of it where lengths would not fit 64 bits.
                assert_eq!(s + k, width - 1 - u32::from(width == 64));
                for value in
                    [0, centre - 1, centre, mask(width), centre >> 1, centre + (centre >> 1)]
                {
                    let p = bins.find(value, s);
                    assert!(p.offset < p.size, "width {width}, k {k}: {p:?}");
                    assert_eq!(bins.value(p.bin, p.offset, s).unwrap(), value);
                }
            }
        }
    }

    #[test]
    fn invalid_bins_are_refused() {
        assert!(Bins::new(32, &[]).is_err());
        assert!(Bins::new(32, &[(5, 0)]).is_err());
        assert!(Bins::new(32, &[(5, 10), (14, 1)]).is_err());
        assert!(Bins::new(32, &[(1 << 32, 1)]).is_err());
        assert!(Bins::new(32, &[((1 << 32) - 1, 2)]).is_err());
        assert!(Bins::new(64, &[(u64::MAX, 1)]).is_ok());
        assert!(Bins::new(64, &[(u64::MAX, 2)]).is_err());
    }
}
