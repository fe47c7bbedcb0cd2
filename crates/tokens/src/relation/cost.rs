//! What a column costs: an estimate of the bits per value that bins and offsets take.
//!
//! The estimate is a two-part code over the sorted values: runs of equal values and their neighbours are
//! merged, from the left, into bins wherever that lowers the total; a bin costs
//! `count·(log2 n − log2 count) + count·log2(span)` plus the description of its edge and frequency. This is
//! the tokeniser's own code with a cheaper optimisation, so that savings measured here are savings there.
//! Logarithms are the fixed-point ones of [`crate::log2`]: the result is the same on every machine.

use crate::layout::Kind;
use crate::log2::{BIT, log2};
use crate::ordered::{mask, to_ordered};

/// A run of sorted values in one bin.
#[derive(Clone, Copy)]
struct Run {
    lo: u64,
    hi: u64,
    count: u64,
    cost: u64,
}

impl Run {
    fn new(lo: u64, hi: u64, count: u64, log_n: u64, price: u64) -> Self {
        // The span that the values would have without the bias of the extremes.
        let span = hi - lo;
        let span = if count > 1 { span.saturating_add(span / (count - 1)) } else { span };
        let bits = (log_n - log2(count).min(log_n)) + log2(span.saturating_add(1));
        Self { lo, hi, count, cost: count * bits + price }
    }
}

/// Bits per value of a column of `width`-bit numbers. Sorts `values`; 0 if it is empty.
pub fn bits_of(width: u32, values: &mut [u64]) -> f64 {
    values.sort_unstable();
    let n = values.len() as u64;
    if n == 0 {
        return 0.0;
    }
    let log_n = log2(n);
    // The edge, the frequency and what learning it costs.
    let price = u64::from(width) * BIT + log_n / 2 + 4 * BIT;
    let mut bins: Vec<Run> = Vec::new();
    let mut at = 0;
    while at < values.len() {
        let v = values[at];
        let mut end = at + 1;
        while end < values.len() && values[end] == v {
            end += 1;
        }
        let mut run = Run::new(v, v, (end - at) as u64, log_n, price);
        at = end;
        while let Some(last) = bins.last() {
            let joined = Run::new(last.lo, run.hi, last.count + run.count, log_n, price);
            if joined.cost > last.cost + run.cost {
                break;
            }
            run = joined;
            bins.pop();
        }
        bins.push(run);
    }
    let merged: u64 = bins.iter().map(|b| b.cost).sum();
    let cells = cells_cost(values, log_n, price);
    merged.min(cells) as f64 / (BIT * n) as f64
}

/// The same code with bins of about √n values each and bins of their own for frequent values.
fn cells_cost(values: &[u64], log_n: u64, price: u64) -> u64 {
    let n = values.len();
    let size = (n / 48).max(12).max(isqrt(n)) as u64;
    let frequent = (n / 200).max(4) as u64;
    let mut total = 0;
    let mut cell: Option<Run> = None;
    let mut at = 0;
    while at < n {
        let v = values[at];
        let mut end = at + 1;
        while end < n && values[end] == v {
            end += 1;
        }
        let count = (end - at) as u64;
        at = end;
        if count >= frequent {
            total += Run::new(v, v, count, log_n, price).cost;
            continue;
        }
        let next = match cell {
            Some(c) => Run { hi: v, count: c.count + count, ..c },
            None => Run { lo: v, hi: v, count, cost: 0 },
        };
        if next.count >= size {
            total += Run::new(next.lo, next.hi, next.count, log_n, price).cost;
            cell = None;
        } else {
            cell = Some(next);
        }
    }
    total + cell.map_or(0, |c| Run::new(c.lo, c.hi, c.count, log_n, price).cost)
}

fn isqrt(n: usize) -> usize {
    let mut r = 0;
    while (r + 1) * (r + 1) <= n {
        r += 1;
    }
    r
}

/// Number of low bits that nearly all values' magnitudes leave zero: 0 unless at least 3.
pub fn quantum_of(kind: Kind, raw: &[u64]) -> u8 {
    if !kind.is_float() || raw.is_empty() {
        return 0;
    }
    let sign = 1u64 << (kind.bits() - 1);
    let mut zeros = [0usize; 65];
    let mut counted = 0usize;
    for &v in raw {
        let magnitude = v & (sign - 1);
        if magnitude != 0 {
            zeros[magnitude.trailing_zeros() as usize] += 1;
            counted += 1;
        }
    }
    // Small whole numbers have many zeros too: there the mantissa is short, not truncated.
    let mut below = 0;
    for (q, &count) in zeros.iter().enumerate() {
        below += count;
        if below * 64 > counted {
            return if q >= 3 { q.min(52) as u8 } else { 0 };
        }
    }
    0
}

/// Bits per value of a field alone: the best of its value, its difference to the previous record, and its
/// magnitude in units of 2^quantum, each with the option that a value equal to the previous record's is
/// told by a flag.
pub fn alone(kind: Kind, raw: &[u64], scratch: &mut Vec<u64>) -> f64 {
    if raw.is_empty() {
        return 0.0;
    }
    let (width, all) = (kind.bits(), mask(kind.bits()));
    let half = 1u64 << (width - 1);
    let quantum = quantum_of(kind, raw);
    let sign = half;
    let ordered = |v: u64| to_ordered(kind, v);
    let value = |i: usize| match quantum {
        0 => ordered(raw[i]),
        q => to_ordered(kind, (raw[i] & sign) | ((raw[i] & (sign - 1)) >> q)),
    };
    let delta = |i: usize| {
        let before = if i == 0 { 0 } else { ordered(raw[i - 1]) };
        ordered(raw[i]).wrapping_sub(before).wrapping_add(half) & all
    };
    let n = raw.len();
    let same = |i: usize| i > 0 && raw[i] == raw[i - 1];
    let copies = (0..n).filter(|&i| same(i)).count();
    let mut best = f64::INFINITY;
    for f in [&value as &dyn Fn(usize) -> u64, &delta] {
        scratch.clear();
        scratch.extend((0..n).map(f));
        best = best.min(bits_of(width, scratch));
        if copies * 20 > n {
            scratch.clear();
            scratch.extend((0..n).filter(|&i| !same(i)).map(f));
            let told = binary_entropy(copies as u64, n as u64);
            let rest = bits_of(width, scratch) * (n - copies) as f64 / n as f64;
            best = best.min(told + rest);
        }
    }
    best
}

/// Bits per value of the differences between a field and its prediction.
pub fn residual(kind: Kind, raw: &[u64], predicted: &[u64], scratch: &mut Vec<u64>) -> f64 {
    let all = mask(kind.bits());
    let half = 1u64 << (kind.bits() - 1);
    scratch.clear();
    scratch.extend(raw.iter().zip(predicted).map(|(&y, &p)| {
        to_ordered(kind, y).wrapping_sub(to_ordered(kind, p)).wrapping_add(half) & all
    }));
    bits_of(kind.bits(), scratch)
}

fn binary_entropy(k: u64, n: u64) -> f64 {
    crate::log2::entropy([k, n - k], n) as f64 / (BIT * n) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noise(n: usize, bits: u32) -> Vec<u64> {
        let mut s = 1u64;
        (0..n)
            .map(|_| {
                s = s
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1_442_695_040_888_963_407);
                s >> (64 - bits)
            })
            .collect()
    }

    #[test]
    fn uniform_values_cost_their_width() {
        for bits in [4, 8, 16, 24, 32] {
            let cost = bits_of(32, &mut noise(4096, bits));
            assert!((cost - f64::from(bits)).abs() < 0.25, "{bits}: {cost}");
        }
    }

    #[test]
    fn constants_and_rare_exceptions_are_nearly_free() {
        assert!(bits_of(32, &mut vec![7; 4096]) < 0.02);
        let mut v = noise(4096, 32);
        v[400..].fill(5);
        let cost = bits_of(32, &mut v);
        assert!(cost < 0.1 * 32.0 + 0.6, "{cost}");
        assert!(cost > 0.1 * 31.0, "{cost}");
    }

    #[test]
    fn truncated_mantissas_count_their_bits_only() {
        let raw: Vec<u64> = noise(4096, 12).iter().map(|m| 0x3f80_0000 | m << 11).collect();
        let cost = alone(Kind::F32, &raw, &mut Vec::new());
        assert!((cost - 12.0).abs() < 0.3, "{cost}");
    }
}
