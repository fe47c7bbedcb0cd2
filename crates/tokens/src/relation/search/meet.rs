//! Relations with three sources and more, by meeting in the middle.
//!
//! A formula y = f(a, b, c) is written as left(y, a) = right(b, c). On a seed row all left and all right
//! values are computed and sorted; equal ones name candidates. That is quadratic in the number of fields
//! instead of quartic; tables with very many fields look at near fields only.

use super::check::Candidates;
use crate::relation::formula::{FORMULAS, Formula, MAX_SOURCES, Meet, Seek};

/// Most tuples on one side of one formula and seed.
const MAX_TUPLES: u64 = 300_000;
/// Fields cheaper than this (bits per value where not trivial) are left out: small numbers meet by chance.
const MIN_BITS: f64 = 5.0;

/// Fields of one side of an equation; unused entries are `u16::MAX`.
type Tuple = [u16; MAX_SOURCES];

/// Every formula of three sources or more.
pub(crate) fn meets(found: &mut Candidates) {
    let sample = found.sample;
    let rich: Vec<u16> =
        sample.sources.iter().copied().filter(|&f| sample.alone_there(f) >= MIN_BITS).collect();
    let seeds = match rich.len() {
        0..=64 => sample.seeds.len(),
        65..=400 => sample.seeds.len().min(4),
        _ => sample.seeds.len().min(3),
    };
    let formulas: Vec<(&Formula, Meet)> = FORMULAS
        .iter()
        .filter_map(|f| match f.seek {
            Seek::Meet(m) => Some((f, m)),
            _ => None,
        })
        .collect();
    let runs = (formulas.len() * seeds * 3).max(1) as u64;
    let left_over = found.max_operations.saturating_sub(found.operations);
    let cap = MAX_TUPLES.min(left_over / runs);
    for r in 0..seeds {
        let usable = |f: &u16| {
            let x = sample.value(*f, r);
            x.is_finite() && x != 0.0
        };
        let fields: Vec<u16> = rich.iter().copied().filter(usable).collect();
        for (formula, m) in &formulas {
            if !found.within_budget() {
                return;
            }
            meet(found, formula, m, &fields, r, cap);
        }
    }
}

fn meet(found: &mut Candidates, formula: &Formula, m: &Meet, fields: &[u16], r: usize, cap: u64) {
    let sample = found.sample;
    let right_sources = formula.arity() - m.left_sources;
    let mut right = Vec::new();
    tuples(fields, right_sources, m.symmetric.1, cap, &mut |t| {
        let mut s = [0.0; MAX_SOURCES];
        for (s, &f) in s.iter_mut().zip(t) {
            *s = sample.value(f, r);
        }
        push(&mut right, (m.right)(&s[..t.len()]), t);
    });
    let mut left = Vec::new();
    // The target is the first of the tuple; its sources may be exchanged where the formula says so.
    tuples_with_target(fields, m.left_sources, m.symmetric.0, cap, &mut |t| {
        let mut s = [0.0; MAX_SOURCES];
        for (s, &f) in s.iter_mut().zip(t) {
            *s = sample.value(f, r);
        }
        if found.is_target(t[0]) && sample.raw(t[0], r) != sample.mode[t[0] as usize] {
            push(&mut left, (m.left)(s[0], &s[1..t.len()]), t);
        }
    });
    found.operations += (left.len() + right.len()) as u64;
    right.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    left.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    // Chance meetings grow with both sides; the agreement asked for grows with them.
    let product = (left.len() as u64).saturating_mul(right.len() as u64).max(1);
    let bits = (64 - product.leading_zeros()).saturating_sub(14).clamp(13, 22);
    let tolerance = 1.0 / f64::from(1u32 << bits);
    let mut from = 0;
    let mut meetings = 0u64;
    for (v, l) in &left {
        let (lo, hi) = (v - v.abs() * tolerance, v + v.abs() * tolerance);
        while from < right.len() && right[from].0 < lo {
            from += 1;
        }
        for (_, rt) in right[from..].iter().take_while(|e| e.0 <= hi) {
            let mut sources = [0u16; MAX_SOURCES];
            let n = formula.arity();
            sources[..m.left_sources].copy_from_slice(&l[1..=m.left_sources]);
            sources[m.left_sources..n].copy_from_slice(&rt[..right_sources]);
            let sources = &sources[..n];
            meetings += 1;
            if sources.contains(&l[0]) || (1..n).any(|i| sources[..i].contains(&sources[i])) {
                continue;
            }
            found.offer(l[0], formula, sources, &[]);
        }
        if meetings > 8 * cap || !found.within_budget() {
            break;
        }
    }
}

fn push(side: &mut Vec<(f64, Tuple)>, v: f64, fields: &[u16]) {
    if v.is_finite() && v != 0.0 {
        let mut tuple = [u16::MAX; MAX_SOURCES];
        tuple[..fields.len()].copy_from_slice(fields);
        side.push((v, tuple));
    }
}

/// Calls `f` with tuples of `k` different fields (1 to 3), at most about `cap`: where there are more, fields
/// of a tuple lie near each other.
fn tuples(fields: &[u16], k: usize, symmetric: bool, cap: u64, f: &mut dyn FnMut(&[u16])) {
    let n = fields.len();
    let w = reach(n, k - 1, cap);
    for i in 0..n {
        let low = if symmetric { i + 1 } else { i.saturating_sub(w) };
        for j in low..(i + w + 1).min(n) {
            if j == i {
                continue;
            }
            if k == 2 {
                f(&[fields[i], fields[j]]);
                continue;
            }
            for l in j + 1..(i + w + 1).min(n) {
                if l != i {
                    f(&[fields[i], fields[j], fields[l]]);
                }
            }
        }
    }
}

/// The same for a target and `k` sources (1 or 2), the target first.
fn tuples_with_target(
    fields: &[u16],
    k: usize,
    symmetric: bool,
    cap: u64,
    f: &mut dyn FnMut(&[u16]),
) {
    let n = fields.len();
    let w = reach(n, k, cap);
    for t in 0..n {
        let near = t.saturating_sub(w)..(t + w + 1).min(n);
        for i in near.clone() {
            if i == t {
                continue;
            }
            if k == 1 {
                f(&[fields[t], fields[i]]);
                continue;
            }
            let from = if symmetric { i + 1 } else { near.start };
            for j in from..near.end {
                if j != t && j != i {
                    f(&[fields[t], fields[i], fields[j]]);
                }
            }
        }
    }
}

/// Largest distance of `others` further fields from the first so that there are about `cap` tuples.
fn reach(n: usize, others: usize, cap: u64) -> usize {
    let per_field = cap / n.max(1) as u64;
    let mut w = 1usize;
    while w < n && (2 * (w as u64 + 1)).pow(others as u32) <= per_field {
        w += 1;
    }
    w
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tuples_are_complete_and_bounded() {
        let fields: Vec<u16> = (0..10).collect();
        let count = |k, symmetric| {
            let mut n = 0;
            tuples(&fields, k, symmetric, 1_000_000, &mut |_| n += 1);
            n
        };
        assert_eq!(count(2, true), 45);
        assert_eq!(count(2, false), 90);
        assert_eq!(count(3, true), 120);
        let mut n = 0;
        tuples_with_target(&fields, 2, true, 1_000_000, &mut |_| n += 1);
        assert_eq!(n, 10 * 36);
        let many: Vec<u16> = (0..16_000).collect();
        let mut n = 0u64;
        tuples_with_target(&many, 2, false, 300_000, &mut |_| n += 1);
        assert!(n < 600_000, "{n}");
    }
}
