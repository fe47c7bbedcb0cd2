//! Detection: what is in a run of bytes, from the bytes alone.
//!
//! 1. [`stride`]: strides that stand out in the autocorrelation.
//! 2. [`split`]: which stretch follows which stride, by an estimate of coded size ([`cost`]), plain bytes being
//!    one of the guesses; [`change`] finds other columns behind the same stride.
//! 3. [`border`]: borders to the byte, so that records start where they start.
//! 4. [`kinds`]: fields, by dynamic programming over code lengths.
//!
//! Work is bounded: a sample of the bytes is looked at, a few times each. The result depends on the bytes alone:
//! integers, integer logarithms and IEEE `+ − × ÷` in a fixed order. It decides only what the encoder writes into
//! the header, never how a decoder reads.

mod border;
mod change;
mod check;
mod cost;
mod kinds;
mod split;
mod stride;

use crate::layout::RecordLayout;
use border::Side;
pub(crate) use check::contradiction;
use kinds::KindCosts;
use split::{Chunk, Run};
use stride::MAX_STRIDE;

/// Largest number of regions.
pub const MAX_REGIONS: usize = 64;
/// Inputs below this are plain bytes.
const MIN_BYTES: usize = 64;
/// A table has at least this many records (4 if they are long).
const MIN_RECORDS: usize = 8;

/// A stretch of the input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Region {
    /// First byte.
    pub start: usize,
    /// Length in bytes, at least 1; a multiple of the record size where there is a layout.
    pub len: usize,
    /// The records' layout; `None` = plain bytes.
    pub layout: Option<RecordLayout>,
}

/// Says what is in `sample`: contiguous regions that cover it in order.
///
/// Records of at most 16 KiB are found. An empty sample has no regions.
pub fn detect(sample: &[u8]) -> Vec<Region> {
    let tables = if sample.len() < MIN_BYTES { Vec::new() } else { tables(sample) };
    let mut out: Vec<Region> = Vec::new();
    let mut at = 0;
    for (start, len, layout) in tables {
        plain(&mut out, at, start);
        out.push(Region { start, len, layout: Some(layout) });
        at = start + len;
    }
    plain(&mut out, at, sample.len());
    out
}

/// The fields of records of a known size that start at the first byte of `sample`; none where the size is
/// out of reach (beyond 16 KiB) or there is no whole record.
pub fn layout_of(sample: &[u8], record_bytes: usize) -> Option<RecordLayout> {
    if record_bytes == 0 || record_bytes > MAX_STRIDE || sample.len() < record_bytes {
        return None;
    }
    KindCosts::new(sample, record_bytes).layout(0)
}

fn plain(out: &mut Vec<Region>, from: usize, to: usize) {
    if from < to {
        out.push(Region { start: from, len: to - from, layout: None });
    }
}

/// The stride of the sample as a whole: 0 = plain. For a comparison with a declared layout.
fn guesses(sample: &[u8]) -> (Vec<Chunk>, Vec<Run>) {
    let n = sample.len();
    let mut chunks = split::chunks(sample, 96 * 1024);
    if chunks.iter().all(|c| c.text) {
        return (chunks, Vec::new());
    }
    let mut strides = vec![0];
    strides.extend(stride::candidates(sample, 8));
    let widest = strides.iter().copied().max().unwrap_or(0);
    for s in if widest > 16 { &[4][..] } else { &[4, 8, 2] } {
        if !strides.contains(s) {
            strides.push(*s);
        }
    }
    let least = if widest > 512 { 256 * 1024 } else { 96 * 1024 };
    chunks = split::chunks(sample, (n / 16).clamp(least, 1 << 20));
    let mut costs = vec![split::evaluate_plain(sample, &chunks)];
    costs.extend(strides[1..].iter().map(|&s| split::evaluate(sample, &chunks, s)));
    split::prefer_small(&mut strides, &mut costs);
    let runs = split::path(&chunks, &strides, &costs);
    let runs = split::absorb(&chunks, runs);
    let mut parts = Vec::new();
    for run in runs {
        let mut first = run.first;
        if run.stride > 0 {
            for c in change::changes(sample, &chunks, run.stride, run.first, run.last) {
                parts.push(Run { first, last: c - 1, stride: run.stride });
                first = c;
            }
        }
        parts.push(Run { first, ..run });
    }
    (chunks, parts)
}

/// Tables with exact borders, by rising start.
fn tables(sample: &[u8]) -> Vec<(usize, usize, RecordLayout)> {
    let n = sample.len();
    let (chunks, mut runs) = guesses(sample);
    runs.truncate(MAX_REGIONS / 2);
    let mut out = Vec::new();
    // The border that the run before left behind, and where its records began.
    let mut begin = 0;
    for (k, run) in runs.iter().enumerate() {
        let from = chunks[run.first].start.max(begin);
        let end = chunks[run.last].next;
        let previous = k.checked_sub(1).map(|p| runs[p]);
        let next = runs.get(k + 1);
        if run.stride == 0 {
            // Borders are found by the tables on either side.
            continue;
        }
        let stride = run.stride;
        let inner = interior(&chunks, run, from);
        let reference = inner.start.div_ceil(stride) * stride;
        if inner.end < reference + 2 * stride {
            continue;
        }
        let kinds = KindCosts::new(&sample[reference..inner.end], stride);
        // A border with a table before it was found when that table ended.
        let single = runs.len() == 1 && even(n, stride);
        let start = match previous {
            _ if single => 0,
            Some(p) if p.stride > 0 => begin,
            _ => {
                let left = Side { stride: 0, train: begin..from, anchor: None, kinds: None };
                let anchor = next.is_none().then_some(n);
                let right = Side { stride, train: inner.clone(), anchor, kinds: Some(&kinds) };
                let back = (24 * stride).max(chunks[0].next * 2);
                let lo = from.saturating_sub(back).max(begin);
                border::find(sample, &left, &right, lo, inner.start)
            }
        };
        let left = Side { stride, train: inner.clone(), anchor: Some(start), kinds: None };
        let stop = match next {
            _ if single => n,
            Some(next) if next.stride > 0 => {
                let after = interior(&chunks, next, chunks[next.first].start);
                let reference = after.start.div_ceil(next.stride) * next.stride;
                if after.end < reference + 2 * next.stride {
                    end
                } else {
                    let kinds = KindCosts::new(&sample[reference..after.end], next.stride);
                    let anchor = (k + 2 == runs.len()).then_some(n);
                    let right = Side {
                        stride: next.stride,
                        train: after.clone(),
                        anchor,
                        kinds: Some(&kinds),
                    };
                    border::find(sample, &left, &right, inner.end, after.start)
                }
            }
            _ => {
                let limit = next.map_or(n, |next| chunks[next.last].next);
                let hi = (end + 2 * chunks[0].next).min(limit);
                let right = Side { stride: 0, train: end..limit, anchor: None, kinds: None };
                border::find(sample, &left, &right, inner.end, hi)
            }
        };
        begin = stop;
        let records = stop.saturating_sub(start) / stride;
        let least = if stride >= 1024 { 4 } else { MIN_RECORDS };
        if records < least {
            continue;
        }
        let phase = start % stride;
        if let Some(layout) = kinds.layout(phase) {
            out.push((start, records * stride, layout));
        }
    }
    out
}

/// Whether one run of this stride and the input's length leave no doubt that the table is all of it.
fn even(len: usize, stride: usize) -> bool {
    stride >= 20 && !stride.is_power_of_two() && len.is_multiple_of(stride)
}

/// The part of a run that is surely inside: without its first and last chunk, but at least its middle half.
fn interior(chunks: &[Chunk], run: &Run, from: usize) -> std::ops::Range<usize> {
    let (a, b) = (from, chunks[run.last].next);
    let quarter = b.saturating_sub(a) / 4;
    let head = (chunks[run.first].next.saturating_sub(a) * 2).min(quarter);
    let tail = ((b - chunks[run.last].start) * 2).min(quarter);
    a + head..b - tail
}
