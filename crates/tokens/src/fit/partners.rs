//! Partner fields: for each step the earlier steps whose values tell most about its symbol, by mutual
//! information on the sample.

use crate::layout::Kind;
use crate::log2::{BIT, log2};
use crate::step::Step;
use crate::tokeniser::MAX_PARTNERS;
use crate::transform::Transform;

use super::sample::Sample;

/// Sampled rows used.
const ROWS: usize = 1 << 13;
/// Earlier steps looked at, nearest first.
const REACH: usize = 1024;

pub(super) fn choose(steps: &mut [Step], kinds: &[Kind], sample: &Sample) {
    let rows = sample.rows().min(ROWS);
    if rows < 32 || steps.len() < 2 {
        return;
    }
    let levels = if rows >= 4096 { 16 } else { 8 };
    let columns: Vec<&[u64]> = sample.columns.iter().map(|c| &c[..rows]).collect();
    let mut values: Vec<Vec<u8>> = Vec::with_capacity(steps.len());
    let mut symbols: Vec<Vec<u8>> = Vec::with_capacity(steps.len());
    for step in steps.iter() {
        let f = usize::from(step.field);
        let mut predicted = vec![0; rows];
        if let Transform::Relation(p) = &step.transform {
            p.predict_block(kinds, step.kind, &columns, &mut predicted);
        }
        let (mut keys, mut own) = (Vec::with_capacity(rows), Vec::with_capacity(rows));
        for r in 0..rows {
            let last = sample.previous[f][r];
            let before = step.before(last, predicted[r]);
            let token = step.encode(columns[f][r], last, before);
            keys.push(step.key(columns[f][r], token.symbol));
            own.push(u16::from(token.symbol));
        }
        values.push(quantise(&keys, levels));
        symbols.push(quantise(&own, levels));
    }
    for k in 1..steps.len() {
        let mut scored: Vec<(u64, usize)> = Vec::new();
        for (j, value) in values.iter().enumerate().take(k).skip(k.saturating_sub(REACH)) {
            let gain = information(value, &symbols[k], levels);
            if gain > rows as u64 * BIT / 200 {
                scored.push((gain, j));
            }
        }
        // Best first; the nearer step on ties.
        scored.sort_by(|a, b| b.0.cmp(&a.0).then(b.1.cmp(&a.1)));
        steps[k].partners = scored.iter().take(MAX_PARTNERS).map(|&(_, j)| j as u16).collect();
    }
}

/// Classes 0..levels of about equal size, equal values together, order kept.
fn quantise(keys: &[u16], levels: usize) -> Vec<u8> {
    let mut counts = vec![0u32; 1 << 13];
    for &k in keys {
        counts[usize::from(k).min((1 << 13) - 1)] += 1;
    }
    let mut class = vec![0u8; counts.len()];
    let (mut sum, n) = (0u64, keys.len() as u64);
    for (c, &count) in class.iter_mut().zip(&counts) {
        // the class of the middle of the run of equal values
        *c = (((sum + u64::from(count) / 2) * levels as u64 / n) as usize).min(levels - 1) as u8;
        sum += u64::from(count);
    }
    keys.iter().map(|&k| class[usize::from(k).min((1 << 13) - 1)]).collect()
}

/// Mutual information of two class sequences times the number of rows, in units of 2^-16 bit, less what
/// chance alone gives.
fn information(a: &[u8], b: &[u8], levels: usize) -> u64 {
    let mut joint = [0u32; 256];
    for (&x, &y) in a.iter().zip(b) {
        joint[usize::from(x) * 16 + usize::from(y)] += 1;
    }
    let (mut left, mut right) = ([0u64; 16], [0u64; 16]);
    for x in 0..levels {
        for y in 0..levels {
            left[x] += u64::from(joint[x * 16 + y]);
            right[y] += u64::from(joint[x * 16 + y]);
        }
    }
    let n = a.len() as u64;
    let term = |c: u64| c * log2(c);
    let sum = |c: &[u64]| c.iter().map(|&c| term(c)).sum::<u64>();
    let both: u64 = joint.iter().map(|&c| term(u64::from(c))).sum();
    let gain = (both + term(n)).saturating_sub(sum(&left) + sum(&right));
    // Chance: (cells − 1) / (2 ln 2) bits.
    let cells = |c: &[u64]| c.iter().filter(|&&c| c > 0).count().saturating_sub(1) as u64;
    gain.saturating_sub(cells(&left) * cells(&right) * BIT * 72 / 100)
}
