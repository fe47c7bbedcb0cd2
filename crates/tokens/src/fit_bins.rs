//! Fitting bins to a sample: dynamic programming over candidate edges, the price of the bins included.
//!
//! Cost of a bin with `c` of the `n` sampled values and length `l`: `c·(log2 n − log2 c) + c·log2 l` plus a
//! fixed price (the bytes that describe it and what an adaptive model pays to learn its frequency). The
//! idea of optimising bins this way is pcodec's; the domain coverage and the tight edges with a rest symbol
//! are ours. All arithmetic is integer, so the fit is the same everywhere.

use crate::bins::{Bins, MAX_BINS};
use crate::log2::{BIT, log2};
use crate::ordered::mask;

/// Candidate edges are thinned to about this many.
const MAX_ATOMS: usize = 1000;
/// Significant bits that the length of a bin of several values keeps.
pub(crate) const LEN_BITS: u32 = 5;

/// What a fit aims at.
#[derive(Clone, Copy, Debug)]
pub struct BinPrice {
    /// Price of one bin in bits.
    pub bin_bits: u64,
    /// Number of values that the bins will code (the sample stands for them).
    pub total: u64,
    /// Most bins.
    pub max_bins: usize,
}

impl BinPrice {
    /// The price where only `part` of `all` sampled values are to be coded with the bins.
    pub fn part(&self, part: usize, all: usize) -> Self {
        let total = u128::from(self.total) * part as u128 / (all.max(1)) as u128;
        Self { total: total as u64, ..*self }
    }
}

/// A run of the sorted sample that stays in one bin.
#[derive(Clone, Copy)]
struct Atom {
    lo: u64,
    hi: u64,
    count: u64,
    distinct: u64,
}

/// Bins for a domain of `width` bits from a sorted sample (any length, also empty).
pub fn fit_bins(width: u32, sorted: &[u64], price: &BinPrice) -> Bins {
    let atoms = atoms(sorted, MAX_ATOMS);
    if atoms.is_empty() {
        return whole(width);
    }
    let n = sorted.len() as u64;
    let max_bins = price.max_bins.clamp(1, MAX_BINS);
    // The sample stands for `total` values: a bin's price shrinks in proportion.
    let mut bin_cost =
        (u128::from(price.bin_bits * BIT) * u128::from(n) / u128::from(price.total.max(1))) as u64;
    let cuts = loop {
        let cuts = partition(&atoms, n, bin_cost);
        if cuts.len() <= max_bins {
            break cuts;
        }
        bin_cost = bin_cost + bin_cost / 2 + BIT;
    };
    finish(width, &atoms, &cuts)
}

/// Estimated cost in units of 2^-16 bit of coding a sorted sample with about 64 bins, without fitting them:
/// for choosing between transforms.
pub fn quick_cost(sorted: &[u64], price: &BinPrice) -> u64 {
    let n = sorted.len() as u64;
    let log_n = log2(n);
    let unit =
        (u128::from(price.bin_bits * BIT) * u128::from(n) / u128::from(price.total.max(1))) as u64;
    let of = |a: &Atom| a.count * (log_n - log2(a.count) + log2((a.hi - a.lo).saturating_add(1)));
    let (mut cost, mut bins) = (0, 0u64);
    for a in atoms(sorted, 96) {
        cost += of(&a) + unit;
        bins += 1;
        // Discrete values beyond an alphabet share bins.
        if bins > 254 {
            cost += a.count * BIT;
        }
    }
    cost
}

/// Two halves that tile the domain. 2^64 values are more than bins can cover: there the largest one is the rest.
fn whole(width: u32) -> Bins {
    let half = 1u64 << (width - 1);
    let upper = if width == 64 { half - 1 } else { half };
    Bins::new(width, &[(0, half), (half, upper)]).expect("disjoint halves of the domain")
}

/// Runs of the sample: frequent values alone, the others in about `most` runs of equal count.
fn atoms(sorted: &[u64], most: usize) -> Vec<Atom> {
    let mut unique: Vec<Atom> = Vec::new();
    for run in sorted.chunk_by(|a, b| a == b) {
        unique.push(Atom { lo: run[0], hi: run[0], count: run.len() as u64, distinct: 1 });
    }
    if unique.len() <= most {
        return unique;
    }
    let n = sorted.len() as u64;
    let alone = (n / 250).max(2);
    let target = n.div_ceil(most as u64 * 3 / 4);
    let mut out: Vec<Atom> = Vec::new();
    let mut open = false;
    for a in unique {
        if a.count >= alone {
            out.push(a);
            open = false;
            continue;
        }
        match out.last_mut() {
            Some(last) if open && last.count + a.count <= target => {
                last.hi = a.hi;
                last.count += a.count;
                last.distinct += 1;
            }
            _ => out.push(a),
        }
        open = true;
    }
    out
}

/// The cheapest partition: the end (exclusive) of each bin in atoms.
fn partition(atoms: &[Atom], n: u64, bin_cost: u64) -> Vec<usize> {
    let m = atoms.len();
    let log_n = log2(n);
    let mut before = Vec::with_capacity(m + 1);
    before.push(0u64);
    for a in atoms {
        before.push(before[before.len() - 1] + a.count);
    }
    let mut best = vec![0u64; m + 1];
    let mut from = vec![0usize; m + 1];
    for j in 1..=m {
        let hi = atoms[j - 1].hi;
        let (mut cheapest, mut at) = (u64::MAX, j - 1);
        for i in (0..j).rev() {
            let c = before[j] - before[i];
            let span = hi - atoms[i].lo;
            let own = c * (log_n - log2(c) + log2(span.saturating_add(1)));
            // Longer bins only cost more offset bits from here on.
            if own > cheapest && span > 0 && own - cheapest > 8 * bin_cost + c * BIT {
                break;
            }
            let cost = best[i] + own + bin_cost;
            if cost < cheapest {
                (cheapest, at) = (cost, i);
            }
        }
        best[j] = cheapest;
        from[j] = at;
    }
    let mut cuts = Vec::new();
    let mut j = m;
    while j > 0 {
        cuts.push(j);
        j = from[j];
    }
    cuts.reverse();
    cuts
}

/// Closes small gaps between neighbouring bins of continuous values and rounds lengths to what the
/// serialised form keeps.
fn finish(width: u32, atoms: &[Atom], cuts: &[usize]) -> Bins {
    let mut groups: Vec<Atom> = Vec::with_capacity(cuts.len());
    let mut start = 0;
    for &end in cuts {
        let part = &atoms[start..end];
        groups.push(Atom {
            lo: part[0].lo,
            hi: part[part.len() - 1].hi,
            count: part.iter().map(|a| a.count).sum(),
            distinct: part.iter().map(|a| a.distinct).sum(),
        });
        start = end;
    }
    // The distance at which the next value of a continuous bin may be expected.
    let reach = |g: &Atom| {
        if g.distinct >= 3 && g.count <= 4 * g.distinct {
            ((g.hi - g.lo) / g.distinct).saturating_mul(8)
        } else {
            0
        }
    };
    let top = mask(width);
    let mut pairs: Vec<(u64, u64)> = Vec::with_capacity(groups.len());
    let mut free = 0u64; // first value not covered yet
    let mut handed_over = false; // the bin before left the top of its range to this one
    for (i, g) in groups.iter().enumerate() {
        let r = reach(g);
        let mut lo = g.lo.max(free);
        if i == 0 {
            lo -= (r / 4).min(lo);
        } else if handed_over || lo - free <= r {
            lo = free;
        }
        let next = groups.get(i + 1);
        let mut hi = g.hi.max(lo);
        match next {
            Some(next) if next.lo > hi && next.lo - hi - 1 <= r => hi = next.lo - 1,
            None => hi = hi.saturating_add(r / 4).min(top),
            _ => {}
        }
        let limit = next.map_or(top, |next| next.lo - 1).max(hi);
        let spare =
            next.map_or(0, |next| if reach(next) > 0 { (next.hi - next.lo) / 16 } else { 0 });
        let (len, down) = round_len(hi - lo, limit - lo, spare);
        handed_over = down;
        pairs.push((lo, len));
        free = lo.saturating_add(len);
        if free > top || free == u64::MAX {
            break;
        }
    }
    Bins::new(width, &pairs).unwrap_or_else(|_| whole(width))
}

/// A length near `span + 1` with at most [`LEN_BITS`] significant bits: shorter by at most `spare` (the
/// next bin takes the remainder: second result true), or longer within `limit + 1`, or else exact.
fn round_len(span: u64, limit: u64, spare: u64) -> (u64, bool) {
    let len = span.saturating_add(1);
    let bits = 64 - len.leading_zeros();
    if bits <= LEN_BITS {
        return (len, false);
    }
    let unit = 1u64 << (bits - LEN_BITS);
    let down = len / unit * unit;
    if down == len || len - down <= spare {
        return (down, down < len);
    }
    match len.checked_next_multiple_of(unit) {
        Some(up) if up - 1 <= limit => (up, false),
        _ => (len, false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PRICE: BinPrice = BinPrice { bin_bits: 20, total: 1 << 16, max_bins: 254 };

    /// Bits per value of a sample under fitted bins with ideal frequencies.
    fn bits(bins: &Bins, values: &[u64]) -> f64 {
        let mut counts = vec![0u64; bins.count() + 1];
        let mut total = 0.0;
        for &v in values {
            let p = bins.find(v, 0);
            counts[p.bin] += 1;
            total += (p.size as f64).log2();
        }
        let n = values.len() as f64;
        for &c in counts.iter().filter(|&&c| c > 0) {
            total -= c as f64 * (c as f64 / n).log2();
        }
        total / n
    }

    proptest! {
        #[test]
        fn any_sample_gives_valid_bins(mut v in prop::collection::vec(any::<u64>(), 0..400), w in prop::sample::select(vec![8u32, 24, 32, 64]), narrow in 0u32..60) {
            for x in &mut v { *x = (*x >> narrow) & mask(w); }
            v.sort_unstable();
            let bins = fit_bins(w, &v, &PRICE);
            prop_assert!(bins.count() <= MAX_BINS);
            for &x in &v {
                let p = bins.find(x, 0);
                prop_assert_eq!(bins.value(p.bin, p.offset, 0).unwrap(), x);
            }
        }
    }

    #[test]
    fn no_sample_at_all_gives_valid_bins() {
        for width in [8, 16, 24, 32, 40, 48, 56, 64] {
            let bins = fit_bins(width, &[], &PRICE);
            for x in [0, mask(width) >> 1, mask(width) - 1, mask(width)] {
                let p = bins.find(x, 0);
                assert_eq!(bins.value(p.bin, p.offset, 0).unwrap(), x);
            }
        }
    }

    #[test]
    fn a_smooth_density_costs_its_entropy() {
        // Sum of four uniforms over 0..2^20: entropy by fine histogram of the same sample size class.
        let mut s = 1u64;
        let mut next = || {
            s = s.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            s >> 46
        };
        let mut v: Vec<u64> = (0..60_000).map(|_| next() + next() + next() + next()).collect();
        v.sort_unstable();
        let bins = fit_bins(32, &v, &PRICE);
        let fresh: Vec<u64> = (0..60_000).map(|_| next() + next() + next() + next()).collect();
        // Irwin–Hall(4) on a scale of 2^18: differential entropy log2(2^18) + h, with h = 1.20 − 0.37 bits
        let cost = bits(&bins, &fresh);
        let gauss = 18.0 + 0.5 * (2.0 * std::f64::consts::PI * std::f64::consts::E / 3.0f64).log2();
        assert!((cost - gauss).abs() < 0.03, "{cost} against {gauss}");
    }

    #[test]
    fn frequent_values_get_bins_of_one() {
        let mut v: Vec<u64> = (0..5000).map(|i| (i * 7919) % 1_000_003).collect();
        v.extend(std::iter::repeat_n(777_777u64, 5000));
        v.sort_unstable();
        let bins = fit_bins(32, &v, &PRICE);
        assert_eq!(bins.find(777_777, 0).size, 1);
    }
}
