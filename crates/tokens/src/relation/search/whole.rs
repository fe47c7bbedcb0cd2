//! Sums and differences of integer fields, exact in wrapping 64-bit arithmetic.
//!
//! A linear functional L over a few rows, with weights that add up to zero, turns y = ±a ±b ±c + k into
//! L(y) = ±L(a) ±L(b) ±L(c) without the constant, so sums are found by equality of 64-bit numbers. Several
//! functionals over different rows find relations that some rows violate.

use super::check::Candidates;
use crate::relation::eval::whole;

/// Functionals tried.
const FUNCTIONALS: usize = 8;
/// Most integer fields looked at for two sources, and for three.
const MOST_FIELDS: (usize, usize) = (600, 150);
/// Most meetings of one functional.
const MOST_MEETINGS: usize = 20_000;

/// All sums of two and three integer fields.
pub(crate) fn sums(found: &mut Candidates) {
    let sample = found.sample;
    let fields: Vec<u16> = sample
        .sources
        .iter()
        .copied()
        .filter(|&f| !sample.kinds[f as usize].is_float() && sample.alone_there(f) >= 1.0)
        .take(MOST_FIELDS.0)
        .collect();
    if fields.len() < 2 {
        return;
    }
    let mut random = 0x243f_6a88_85a3_08d3u64;
    for functional in 0..FUNCTIONALS {
        // Few rows survive violations, many tell small numbers apart.
        let rows = if functional % 2 == 0 { 4 } else { 10 };
        let mut l = vec![0u64; fields.len()];
        let mut weights = 0u64;
        for i in 0..rows {
            random = random
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            let r = (random >> 33) as usize % sample.check_rows.len();
            let weight = if i + 1 == rows { weights.wrapping_neg() } else { (random >> 20) | 1 };
            weights = weights.wrapping_add(weight);
            for (l, &f) in l.iter_mut().zip(&fields) {
                let v = whole(sample.kinds[f as usize], sample.raw(f, r));
                *l = l.wrapping_add(weight.wrapping_mul(v));
            }
        }
        two(found, &fields, &l);
        three(found, &fields[..fields.len().min(MOST_FIELDS.1)], &l);
        if !found.within_budget() {
            return;
        }
    }
}

const SIGNS: [(f64, f64); 4] = [(1.0, 1.0), (1.0, -1.0), (-1.0, 1.0), (-1.0, -1.0)];

fn signed(v: u64, sign: f64) -> u64 {
    if sign < 0.0 { v.wrapping_neg() } else { v }
}

fn two(found: &mut Candidates, fields: &[u16], l: &[u64]) {
    let mut targets: Vec<(u64, usize)> = (0..fields.len())
        .filter(|&i| l[i] != 0 && found.is_target(fields[i]))
        .map(|i| (l[i], i))
        .collect();
    targets.sort_unstable();
    let mut meetings = 0;
    for i in 0..fields.len() {
        // One source: y = −a + k, or a + k.
        for sign in [1.0, -1.0] {
            meetings += lookup(found, &targets, signed(l[i], sign), fields, &[i], &[sign]);
        }
        for j in i + 1..fields.len() {
            found.operations += 4;
            for (s, t) in SIGNS {
                let v = signed(l[i], s).wrapping_add(signed(l[j], t));
                if l[i] != 0 && l[j] != 0 {
                    meetings += lookup(found, &targets, v, fields, &[i, j], &[s, t]);
                }
            }
        }
        if meetings > MOST_MEETINGS {
            return;
        }
    }
}

fn lookup(
    found: &mut Candidates,
    targets: &[(u64, usize)],
    v: u64,
    fields: &[u16],
    sources: &[usize],
    signs: &[f64],
) -> usize {
    let from = targets.partition_point(|e| e.0 < v);
    let mut n = 0;
    for &(_, t) in targets[from..].iter().take_while(|e| e.0 == v) {
        if !sources.contains(&t) {
            n += 1;
            let sources: Vec<u16> = sources.iter().map(|&s| fields[s]).collect();
            propose(found, fields[t], &sources, signs);
        }
    }
    n
}

/// y ∓ a = ±b ± c.
fn three(found: &mut Candidates, fields: &[u16], l: &[u64]) {
    let n = fields.len();
    let mut right: Vec<(u64, u32)> = Vec::new();
    for i in 0..n {
        for j in i + 1..n {
            for (k, (s, t)) in SIGNS.into_iter().enumerate() {
                if l[i] != 0 && l[j] != 0 {
                    let v = signed(l[i], s).wrapping_add(signed(l[j], t));
                    right.push((v, ((i * n + j) * 4 + k) as u32));
                }
            }
        }
    }
    found.operations += right.len() as u64;
    right.sort_unstable();
    let mut meetings = 0;
    for t in 0..n {
        if l[t] == 0 || !found.is_target(fields[t]) {
            continue;
        }
        for a in 0..n {
            if a == t || l[a] == 0 {
                continue;
            }
            for sign in [1.0, -1.0] {
                let v = l[t].wrapping_sub(signed(l[a], sign));
                let from = right.partition_point(|e| e.0 < v);
                for &(_, code) in right[from..].iter().take_while(|e| e.0 == v) {
                    let (i, j) = (code as usize / 4 / n, code as usize / 4 % n);
                    let (s, u) = SIGNS[code as usize % 4];
                    // a < b < c: each triple once
                    if i == t || j == t || a >= i {
                        continue;
                    }
                    meetings += 1;
                    propose(found, fields[t], &[fields[a], fields[i], fields[j]], &[sign, s, u]);
                }
            }
        }
        if meetings > MOST_MEETINGS {
            return;
        }
    }
}

/// Finds the constant that most rows agree on, and offers the sum.
fn propose(found: &mut Candidates, target: u16, sources: &[u16], signs: &[f64]) {
    let sample = found.sample;
    let value = |f: u16, r: usize| whole(sample.kinds[f as usize], sample.raw(f, r));
    let rows = sample.rows_of(target);
    let mut rests: Vec<i64> = rows
        .iter()
        .take(24)
        .map(|&r| {
            let mut rest = value(target, r as usize);
            for (&s, &sign) in sources.iter().zip(signs) {
                rest = rest.wrapping_sub(signed(value(s, r as usize), sign));
            }
            rest as i64
        })
        .collect();
    rests.sort_unstable();
    let Some(run) = rests.chunk_by(|a, b| a == b).max_by_key(|run| run.len()) else { return };
    let k = run[0];
    if run.len() * 3 < rests.len() || k.unsigned_abs() >= 1 << 53 {
        return;
    }
    let mut constants = signs.to_vec();
    constants.push(k as f64);
    // Sums with and without the same constant are told apart by the constants alone.
    found.offer_whole(target, sources, &constants);
}
