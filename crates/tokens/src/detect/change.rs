//! Changes of schema inside a stretch of one stride: columns that suddenly hold something else.
//!
//! Before and after each chunk border, the columns' bytes (folded to 32 classes) are coded together and apart; where
//! coding them apart saves much, something changed. Only neighbouring chunks are compared, so a slow drift is no
//! change.

use super::split::Chunk;
use crate::log2::{BIT, log2};

const CLASSES: usize = 32;
/// Chunks on either side of a border that are compared.
const WINDOW: usize = 3;
/// Least saving, in 1/1000 of the bytes' raw size, and in bits.
const LEAST_SHARE: u64 = 18;
const LEAST_BITS: u64 = 1500;

/// Chunk indices (first of the new schema) where columns of `stride` change between `first` and `last`.
pub(crate) fn changes(
    data: &[u8],
    chunks: &[Chunk],
    stride: usize,
    first: usize,
    last: usize,
) -> Vec<usize> {
    let Some(histograms) = histograms(data, &chunks[first..=last], stride) else {
        return Vec::new();
    };
    let count = last - first + 1;
    let mut gains = vec![0u64; count];
    for (border, gain) in gains.iter_mut().enumerate().skip(1) {
        let before = &histograms[border.saturating_sub(WINDOW)..border];
        let after = &histograms[border..(border + WINDOW).min(count)];
        *gain = saving(before, after, stride);
    }
    let mut found = Vec::new();
    for b in 1..count {
        let around = &gains[b.saturating_sub(WINDOW)..(b + WINDOW + 1).min(count)];
        let first_of_best = gains[b.saturating_sub(WINDOW)..b].iter().all(|&g| g < gains[b]);
        if gains[b] > 0 && first_of_best && around.iter().all(|&g| g <= gains[b]) {
            found.push(first + b);
        }
    }
    found
}

/// Class counts by chunk: `[column][class]`, classes = folded bytes. None if there is too much or too little of it.
fn histograms(data: &[u8], chunks: &[Chunk], stride: usize) -> Option<Vec<Vec<u16>>> {
    let part = chunks.iter().map(|c| c.end - c.start).max()?;
    if chunks.len() < 2 || stride > 2048 || part * WINDOW < 8 * stride || part > 60_000 {
        return None;
    }
    let fold = |b: u8| usize::from((b ^ (b >> 3)) & 31);
    Some(
        chunks
            .iter()
            .map(|c| {
                let mut h = vec![0u16; stride * CLASSES];
                for i in c.start..c.end {
                    h[i % stride * CLASSES + fold(data[i])] += 1;
                }
                h
            })
            .collect(),
    )
}

/// What coding two groups of chunks apart saves; 0 if it is not much.
fn saving(before: &[Vec<u16>], after: &[Vec<u16>], stride: usize) -> u64 {
    let (mut together, mut apart, mut bytes) = (0, 0, 0);
    for column in 0..stride {
        let sum = |group: &[Vec<u16>]| {
            let mut s = [0u64; CLASSES];
            for h in group {
                for (s, &c) in s.iter_mut().zip(&h[column * CLASSES..][..CLASSES]) {
                    *s += u64::from(c);
                }
            }
            s
        };
        let (a, b) = (sum(before), sum(after));
        let mut both = a;
        for (x, y) in both.iter_mut().zip(b) {
            *x += y;
        }
        bytes += both.iter().sum::<u64>();
        together += code_length(&both);
        apart += code_length(&a) + code_length(&b);
    }
    let gain = together.saturating_sub(apart);
    if gain > LEAST_BITS * BIT && gain > bytes * 8 * BIT / 1000 * LEAST_SHARE { gain } else { 0 }
}

fn code_length(counts: &[u64; CLASSES]) -> u64 {
    let total: u64 = counts.iter().sum();
    let lt = log2(total);
    let classes = counts.iter().filter(|&&c| c > 0).count() as u64;
    let bits: u64 = counts.iter().map(|&c| c * (lt - log2(c).min(lt))).sum();
    bits + classes.saturating_sub(1) * lt / 2
}
