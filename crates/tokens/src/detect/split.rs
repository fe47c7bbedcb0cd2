//! Which stretch of the input follows which guess: chunk costs, then the cheapest path through them.
//!
//! The input is cut into at most 64 periods; of each, a leading chunk is costed under every candidate stride
//! and as plain bytes. A change of guess along the path costs a fixed price, so that noise makes no borders.

use super::cost::{ByteModel, is_text};

/// What a change of guess costs, in bits: this and a bit per 128 bytes of input, up to the second.
const SWITCH_BITS: (u64, u64) = (600, 4000);
/// A table must save this share (in 1/1000) of the raw size against plain bytes.
const NOISE_MARGIN: u64 = 10;

/// A chunk: `start..end` is costed, `start..next` is what it stands for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Chunk {
    pub start: usize,
    pub end: usize,
    pub next: usize,
    pub text: bool,
}

/// A stretch of chunks with one guess; stride 0 = plain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Run {
    pub first: usize,
    pub last: usize,
    pub stride: usize,
}

/// Cuts `data` into chunks whose costed bytes add up to about `budget`.
pub(crate) fn chunks(data: &[u8], budget: usize) -> Vec<Chunk> {
    let n = data.len();
    let period = (n / 64).max(512).div_ceil(64) * 64;
    let count = n.div_ceil(period);
    let part = (budget / count).max(512);
    (0..count)
        .map(|i| {
            let (start, next) = (i * period, (i * period + period).min(n));
            let end = (start + part).min(next);
            Chunk { start, end, next, text: is_text(&data[start..end]) }
        })
        .collect()
}

/// Cost of each chunk under one guess.
pub(crate) fn evaluate(data: &[u8], chunks: &[Chunk], stride: usize) -> Vec<u64> {
    let mut model = ByteModel::new(stride, chunks.iter().map(|c| c.end - c.start).sum());
    chunks.iter().map(|c| (c.start..c.end).map(|i| model.step(data, i)).sum()).collect()
}

/// Cost of each chunk as no table: stored, by contexts, or by the table model itself with a single column, so that a
/// stride must gain by its columns alone. Contexts of several bytes get a handicap: whole values repeat
/// in tables as well, and fields show that better than bytes.
pub(crate) fn evaluate_plain(data: &[u8], chunks: &[Chunk]) -> Vec<u64> {
    let (contexts, single) = (evaluate(data, chunks, 0), evaluate(data, chunks, 1));
    let raw = chunks.iter().map(|c| (c.end - c.start) as u64 * (8 << 16));
    contexts.iter().zip(single).zip(raw).map(|((&c, s), r)| (c + c / 4).min(s).min(r)).collect()
}

/// The cheapest path. `costs[k][c]` is the cost of chunk `c` under `strides[k]`; `strides[0]` is 0 (plain).
pub(crate) fn path(chunks: &[Chunk], strides: &[usize], costs: &[Vec<u64>]) -> Vec<Run> {
    let length = chunks.last().map_or(0, |c| c.next as u64);
    let switch = (SWITCH_BITS.0 + length / 128).min(SWITCH_BITS.1) << 16;
    let states = strides.len();
    let mut best = vec![0u64; states];
    let mut from: Vec<Vec<usize>> = Vec::with_capacity(chunks.len());
    for (c, chunk) in chunks.iter().enumerate() {
        let (cheapest, floor) =
            best.iter().copied().enumerate().min_by_key(|&(i, b)| (b, i)).unwrap_or((0, 0));
        let mut came = vec![0; states];
        let mut next = vec![0; states];
        for k in 0..states {
            let stay = best[k];
            let (b, f) =
                if c > 0 && floor + switch < stay { (floor + switch, cheapest) } else { (stay, k) };
            came[k] = f;
            next[k] = b + if k == 0 {
                costs[0][c]
            } else if chunk.text {
                // Text is never a table, however regular.
                costs[k][c] * 4
            } else {
                // Noise gains nothing from any table.
                let raw = (chunk.end - chunk.start) as u64 * (8 << 16);
                costs[k][c] + raw / 1000 * NOISE_MARGIN
            };
        }
        best = next;
        from.push(came);
    }
    let mut k = (0..states).min_by_key(|&k| (best[k], k)).unwrap_or(0);
    let mut labels = vec![0; chunks.len()];
    for c in (0..chunks.len()).rev() {
        labels[c] = k;
        k = from[c][k];
    }
    let mut runs: Vec<Run> = Vec::new();
    for (c, &k) in labels.iter().enumerate() {
        match runs.last_mut() {
            Some(r) if r.stride == strides[k] => r.last = c,
            _ => runs.push(Run { first: c, last: c, stride: strides[k] }),
        }
    }
    runs
}

/// Drops strides that a smaller one replaces at a price of at most 0.4 %, or a divisor at 1.2 %.
pub(crate) fn prefer_small(strides: &mut Vec<usize>, costs: &mut Vec<Vec<u64>>) {
    let mut k = 1;
    while k < strides.len() {
        // Where k is the best guess of all, is some smaller stride about as good?
        let chunks: Vec<usize> = (0..costs[0].len())
            .filter(|&c| costs.iter().all(|row| row[c] >= costs[k][c]))
            .collect();
        let total = |row: &[u64]| chunks.iter().map(|&c| row[c]).sum::<u64>();
        let own = total(&costs[k]);
        let replaced = (1..strides.len()).any(|j| {
            let slack = if strides[k].is_multiple_of(strides[j]) { own / 80 } else { own / 250 };
            strides[j] < strides[k] && total(&costs[j]) <= own + slack
        });
        if replaced || chunks.is_empty() {
            strides.remove(k);
            costs.remove(k);
            k = 1;
        } else {
            k += 1;
        }
    }
}

/// Lets a table of long records swallow a short run before it: its columns had yet to be learnt there. The
/// border search then finds the true start.
pub(crate) fn absorb(chunks: &[Chunk], runs: Vec<Run>) -> Vec<Run> {
    let mut out: Vec<Run> = Vec::new();
    for mut run in runs {
        while let Some(&before) = out.last() {
            let length = chunks[before.last].next - chunks[before.first].start;
            let text = (before.first..=before.last).any(|c| chunks[c].text);
            if run.stride < 64 || text || length > 48 * run.stride || before.stride > run.stride {
                break;
            }
            run.first = before.first;
            out.pop();
        }
        out.push(run);
    }
    out
}
