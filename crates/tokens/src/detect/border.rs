//! Where exactly one stretch ends and the next begins, to the byte.
//!
//! Each side gets a model from bytes away from the border: a table the frequencies of its columns, plain bytes
//! an adaptive model. The border is where the sum of both sides' costs is least, helped by what tables are like:
//! records start at field borders, and a table has a whole number of them.

use super::cost::ByteModel;
use super::kinds::KindCosts;
use crate::log2::{BIT, log2};

/// Bytes that a side's model learns from, at most (or 64 rows, if they are more).
const TRAIN: usize = 128 * 1024;
/// Bytes that a table's adaptive model learns from before it meets the zone (or 32 rows).
const LEARN: usize = 16 * 1024;
/// A zone longer than this is narrowed by probes first.
const LONG_ZONE: usize = 64 * 1024;
/// What a whole number of records is worth as evidence, in bits.
const WHOLE: u64 = 14;
/// What no border at all (the file's own start or end) is worth, in bits.
const NO_BORDER: u64 = 40;
/// What a whole number of long records in the whole input is worth on top, in bits.
const SURE: u64 = 200;

/// One side of a border.
pub(crate) struct Side<'a> {
    /// Stride, 0 = plain.
    pub stride: usize,
    /// Bytes known to belong to it, away from the border.
    pub train: std::ops::Range<usize>,
    /// Where its records begin, for a left side; where they must end, for a right side that reaches the end.
    pub anchor: Option<usize>,
    /// Field costs of a right-side table.
    pub kinds: Option<&'a KindCosts>,
}

/// Frequencies of bytes by column.
struct Columns {
    stride: usize,
    counts: Vec<u16>,
    totals: Vec<u16>,
    all: [u32; 256],
}

impl Columns {
    fn new(data: &[u8], side: &Side<'_>, near_end: bool) -> Self {
        let stride = side.stride.max(1);
        let mut r = side.train.clone();
        let most = TRAIN.max(64 * stride).min(60_000 * stride);
        if r.len() > most {
            r = if near_end { r.end - most..r.end } else { r.start..r.start + most };
        }
        let mut c =
            Self { stride, counts: vec![0; stride * 256], totals: vec![0; stride], all: [1; 256] };
        for i in r {
            let (k, x) = (i % stride, usize::from(data[i]));
            c.counts[k * 256 + x] += 1;
            c.totals[k] += 1;
            c.all[x] += 1;
        }
        c
    }

    /// Cost of `data[i]`; a byte never seen in its column falls back to the frequency in all columns.
    fn cost(&self, data: &[u8], i: usize, log_all: u64) -> u64 {
        let (k, x) = (i % self.stride, usize::from(data[i]));
        let seen = u64::from(self.counts[k * 256 + x]);
        let total = u64::from(self.totals[k]);
        // p = (256·seen + 4·256·g) / (256·(total + 4)), g = frequency in all columns
        let share = (u64::from(self.all[x]) << 16) >> (log_all / BIT).min(16);
        (log2(total + 4) + 8 * BIT).saturating_sub(log2(((seen << 16) + 4 * share).max(1) >> 8))
    }
}

fn column_costs(data: &[u8], side: &Side<'_>, zone: &[usize], near_end: bool) -> Vec<u64> {
    let columns = Columns::new(data, side, near_end);
    let log_all = log2(columns.all.iter().map(|&c| u64::from(c)).sum());
    zone.iter().map(|&i| columns.cost(data, i, log_all)).collect()
}

/// Costs of the bytes of a zone under a side.
fn costs(data: &[u8], side: &Side<'_>, from: usize, to: usize, left: bool) -> Vec<u64> {
    if side.stride > 0 {
        let mut model = ByteModel::new(side.stride, LEARN + to - from);
        let most = LEARN.max(32 * side.stride);
        let r = &side.train;
        let (a, b) = if left {
            (r.start.max(r.end.saturating_sub(most)), r.end)
        } else {
            (r.start, r.end.min(r.start + most))
        };
        for i in a..b {
            model.step(data, i);
        }
        // What lies on the other side must not teach this one.
        model.frozen = true;
        return (from..to).map(|i| model.step(data, i)).collect();
    }
    const WARM_UP: usize = 2048;
    // Plain bytes have the benefit of no doubt: 1/32 dearer, but never above storing them.
    let dear = |c: u64| (c + c / 32).min(8 * BIT + BIT / 4);
    let mut model = ByteModel::new(0, WARM_UP + to - from);
    if left {
        let start = from.saturating_sub(WARM_UP).max(side.train.start);
        let all: Vec<u64> = (start..to).map(|i| dear(model.step(data, i))).collect();
        all[from - start..].to_vec()
    } else {
        // From the far end towards the border.
        let end = (to + WARM_UP).min(side.train.end).max(to);
        let reversed: Vec<u8> = data[from..end].iter().rev().copied().collect();
        let mut all: Vec<u64> =
            (0..reversed.len()).map(|i| dear(model.step(&reversed, i))).collect();
        all.drain(..end - to);
        all.reverse();
        all
    }
}

/// The border between two sides inside `from..=to`.
pub(crate) fn find(
    data: &[u8],
    left: &Side<'_>,
    right: &Side<'_>,
    from: usize,
    to: usize,
) -> usize {
    let (from, to) =
        if to - from > LONG_ZONE { narrow(data, left, right, from, to) } else { (from, to) };
    let (a, b) = (costs(data, left, from, to, true), costs(data, right, from, to, false));
    // score[s] = Σ_{i<s} a + Σ_{i>=s} b, minus the bonus; the smaller the better.
    let mut sum: u64 = b.iter().sum::<u64>() + (NO_BORDER + SURE + 4 * WHOLE) * BIT;
    let mut scores: Vec<(u64, usize)> = Vec::with_capacity(to - from + 1);
    for s in from..=to {
        if s > from {
            sum = sum + a[s - from - 1] - b[s - from - 1];
        }
        scores.push((sum.saturating_sub(bonus(data.len(), left, right, s) * BIT), s));
    }
    let Some(kinds) = right.kinds else {
        return scores.iter().min().map_or(from, |s| s.1);
    };
    // The likeliest places, and the start of all.
    let outer = scores[0];
    scores.sort_unstable();
    scores.truncate(24);
    scores.push(outer);
    let rows = (right.train.len() / right.stride.max(1)).min(64) as u64;
    let cut = |s: usize| kinds.cost(s % right.stride) * rows;
    scores.iter().map(|&(c, s)| (c + cut(s), s)).min().map_or(from, |s| s.1)
}

fn bonus(len: usize, left: &Side<'_>, right: &Side<'_>, s: usize) -> u64 {
    let mut bits = 0;
    if (s == 0 && left.stride == 0) || (s == len && right.stride == 0) {
        bits += NO_BORDER;
        // And a whole number of records in all: only strong evidence moves that.
        if let (Some(anchor), true) = (right.anchor, right.stride >= 16) {
            bits += if anchor % right.stride == 0 { SURE } else { 0 };
        }
    }
    if let Some(anchor) = left.anchor
        && left.stride > 0
        && s >= anchor
        && (s - anchor).is_multiple_of(left.stride)
    {
        bits += WHOLE;
    }
    if let Some(anchor) = right.anchor
        && right.stride > 0
        && anchor >= s
        && (anchor - s).is_multiple_of(right.stride)
    {
        bits += WHOLE;
    }
    if right.stride > 0 {
        bits += u64::from(s.trailing_zeros().min(6)) / 2;
    }
    bits
}

/// Narrows a long zone by probes of 1 KiB (or two rows) each.
fn narrow(
    data: &[u8],
    left: &Side<'_>,
    right: &Side<'_>,
    from: usize,
    to: usize,
) -> (usize, usize) {
    let (mut from, mut to) = (from, to);
    while to - from > LONG_ZONE {
        let probe = 1024.max(left.stride).max(right.stride);
        let count = ((to - from) / probe).min(32);
        if count < 4 {
            break;
        }
        let step = (to - from) / count;
        let at = |k: usize| from + k * step;
        let zone: Vec<usize> =
            (0..count).flat_map(|k| at(k)..(at(k) + probe).min(at(k) + step)).collect();
        let each = zone.len() / count;
        let sum = |side: &Side<'_>, l: bool| -> Vec<u64> {
            column_costs(data, side, &zone, l).chunks(each).map(|c| c.iter().sum()).collect()
        };
        let (a, b) = (sum(left, true), sum(right, false));
        let mut score: u64 = b.iter().sum();
        let mut best = (score, 0);
        for k in 0..count {
            score = score + a[k] - b[k];
            if score < best.0 {
                best = (score, k + 1);
            }
        }
        let (lo, hi) = (best.1.saturating_sub(2), (best.1 + 2).min(count));
        (from, to) = (at(lo), if hi == count { to } else { at(hi) });
        if hi - lo >= count {
            break;
        }
    }
    (from, to)
}
