//! Input vectors of the first block.
//!
//! ```text
//! x[t] = E[type(t−1)][symbol(t−1)] + position(t−1)                    or the start vector, at the start of a lane
//!      + ((fraction(t−1) · w_f[type(t−1)] + 2^7) >> 8) + copied(t−1) · w_c[type(t−1)]
//!      + target[type(t)] + A[type(t)][above(t)]
//! x    = clamp(x · 2^shift, 2^23 − 1)
//! ```
//! Terms stand only where the configuration has them. Factorised tables: `(E[symbol] · G[type] + 2^11) >> 12`. Fractions
//! are bytes, in units of 2^−8. Positions are turned from two rows, t = 64·h + l, by the sum of angles:
//!
//! ```text
//! sin = (S[h] · c[l] + C[h] · s[l] + 2^14) >> 15        cos = (C[h] · c[l] − S[h] · s[l] + 2^14) >> 15
//! ```
//! Rows of `coarse` hold sines S and cosines C by turns in the unit of the tables, `fine` s and c in units of 1/32767.
//! Sums are below 2^21.

use super::RESIDUAL_MAX;
use super::norm::gained;
use crate::config::{Embedding, IntConfig, POSITION_RING, PositionKind};
use crate::weights::{EmbeddingTable, Weights};

/// Rows of the fine table of positions.
pub const FINE_ROWS: u64 = 64;
/// Rows of the coarse table.
pub const COARSE_ROWS: u64 = POSITION_RING / FINE_ROWS;

/// A symbol as the network reads it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Token {
    /// Context symbol: where COPY has been resolved to the bin of the value, that bin. Below `context_vocab`.
    pub symbol: u16,
    /// Where in its bin the value lies, in units of 2^−8.
    pub fraction: u8,
    /// Whether it was coded as COPY.
    pub copied: bool,
}

/// The vector `x` (D) of `position` from the token before it (none at the start of a lane) and the symbol above.
/// Symbols outside of the vocabulary count as its last.
#[inline(always)]
pub fn read(
    config: &IntConfig,
    weights: &Weights,
    position: u64,
    last: Option<Token>,
    above: u16,
    x: &mut [i32],
) {
    let d = config.d_model;
    let row = |table: &[i16], index: usize, x: &mut [i32]| add(x, &table[index * d..][..d], |w| w);
    x.fill(0);
    match last {
        None => row(&weights.start, 0, x),
        Some(token) => {
            let before = position.wrapping_sub(1);
            let kind = config.type_at(before);
            lookup(config, &weights.embed, kind, token.symbol, x);
            if config.position == PositionKind::Sinusoidal {
                add_position(weights, before, x);
            }
            if config.fraction {
                let fraction = i32::from(token.fraction);
                add(x, &weights.fraction[kind * d..][..d], |w| (w * fraction + (1 << 7)) >> 8);
            }
            if config.copied && token.copied {
                row(&weights.copied, kind, x);
            }
        }
    }
    let kind = config.type_at(position);
    if config.target_type {
        row(&weights.target, kind, x);
    }
    if config.above {
        lookup(config, &weights.above, kind, above, x);
    }
    for x in x.iter_mut() {
        *x = (*x << weights.embedding_shift).clamp(-RESIDUAL_MAX, RESIDUAL_MAX);
    }
}

#[inline(always)]
fn add(x: &mut [i32], row: &[i16], f: impl Fn(i32) -> i32) {
    for (x, &w) in x.iter_mut().zip(row) {
        *x += f(i32::from(w));
    }
}

#[inline(always)]
fn lookup(config: &IntConfig, table: &EmbeddingTable, kind: usize, symbol: u16, x: &mut [i32]) {
    let d = config.d_model;
    let symbol = usize::from(symbol).min(config.context_vocab - 1);
    match config.embedding {
        Embedding::Shared => add(x, &table.rows[symbol * d..][..d], |w| w),
        Embedding::PerType => {
            add(x, &table.rows[(kind * config.context_vocab + symbol) * d..][..d], |w| w);
        }
        Embedding::Factorised => {
            let gains = &table.gain[kind * d..][..d];
            for ((x, &w), &gain) in x.iter_mut().zip(&table.rows[symbol * d..][..d]).zip(gains) {
                *x += gained(i32::from(w), gain);
            }
        }
    }
}

#[inline(always)]
fn add_position(weights: &Weights, position: u64, x: &mut [i32]) {
    let t = position % POSITION_RING;
    let width = x.len().next_multiple_of(2);
    let coarse = &weights.coarse[(t / FINE_ROWS) as usize * width..][..width];
    let fine = &weights.fine[(t % FINE_ROWS) as usize * width..][..width];
    let (coarse, fine) = (coarse.as_chunks::<2>().0, fine.as_chunks::<2>().0);
    for ((x, &[sine, cosine]), &[s, c]) in x.chunks_mut(2).zip(coarse).zip(fine) {
        let [sine, cosine, s, c] = [sine, cosine, s, c].map(i32::from);
        let turned = [sine * c + cosine * s, cosine * c - sine * s];
        for (x, turned) in x.iter_mut().zip(turned) {
            *x += (turned + (1 << 14)) >> 15;
        }
    }
}
