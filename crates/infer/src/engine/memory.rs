//! Eviction at the end of a full chunk: what a lane's memory keeps. See [`crate::ops::eviction`].

use std::cmp::Reverse;

use super::Scratch;
use super::attention::KeyValues;
use super::packed::PackedLayer;
use crate::config::IntConfig;
use crate::ops::eviction::{SCORER_KERNEL, gate};
use crate::ops::norm::layer_norm;
use crate::ops::{ACTIVATION_MAX, NARROW_MAX, RESIDUAL_MAX};
use crate::weights::MemoryWeights;
use crate::{Isa, Task};

/// Chooses and writes; scratch of one chunk.
#[derive(Clone, Debug)]
pub(super) struct Eviction {
    d_model: usize,
    kept: usize,
    /// Of the kept, those that later ones would push out at once.
    skipped: usize,
    scores: Vec<i64>,
    order: Vec<usize>,
    /// Columns of the engine's scratch.
    columns: usize,
}

impl Eviction {
    pub fn new(config: &IntConfig, columns: usize) -> Self {
        let chunk = config.memory.map_or(0, |m| m.chunk);
        Self {
            d_model: config.d_model,
            kept: config.kept(),
            skipped: config.kept().saturating_sub(config.memory_cap()),
            scores: vec![0; chunk],
            order: Vec::with_capacity(chunk),
            columns,
        }
    }

    /// Chooses among the positions of a chunk (T, D).
    pub fn choose(&mut self, isa: Isa, chunk: &[i16], weights: &MemoryWeights) {
        let scores = &mut self.scores;
        isa.run(Scores { chunk, d_model: self.d_model, weights, scores });
        self.order.clear();
        self.order.extend(0..scores.len());
        self.order.sort_unstable_by_key(|&t| (Reverse(scores[t]), t));
        self.order.truncate(self.kept);
        self.order.sort_unstable();
    }

    /// Writes what was chosen of the chunk to the memory of a lane.
    pub fn write(
        &self,
        isa: Isa,
        layer: &PackedLayer,
        weights: &MemoryWeights,
        chunk: &[i16],
        scratch: &mut Scratch,
        (memory, lane): (&mut KeyValues, usize),
    ) {
        let Scratch { x, a, key, value, sums, .. } = scratch;
        for positions in self.order[self.skipped..].chunks(self.columns) {
            let columns = positions.len();
            for (column, &t) in positions.iter().enumerate() {
                let vector = &chunk[t * self.d_model..][..self.d_model];
                gate(vector, self.scores[t], weights.gate, a.column_mut(column));
            }
            layer.projection.apply_i32(isa, a.first(columns), sums, RESIDUAL_MAX, x);
            for column in 0..columns {
                let (x, a) = (x.column_mut(column), a.column_mut(column));
                layer_norm(x, &weights.gain, &weights.bias, weights.epsilon, a);
            }
            layer.memory_key.apply(isa, a.first(columns), sums, NARROW_MAX, key);
            layer.memory_value.apply(isa, a.first(columns), sums, ACTIVATION_MAX, value);
            for column in 0..columns {
                memory.push(lane, key.column(column), value.column(column));
            }
        }
    }
}

/// Scores of a chunk: as chunk and scorer are both (positions, D), one product of neighbouring positions each.
struct Scores<'a> {
    chunk: &'a [i16],
    d_model: usize,
    weights: &'a MemoryWeights,
    scores: &'a mut [i64],
}

impl Task for Scores<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let (len, reach) = (self.scores.len(), SCORER_KERNEL / 2);
        for (t, score) in self.scores.iter_mut().enumerate() {
            let (first, end) = (t.saturating_sub(reach), (t + reach + 1).min(len));
            let seen = &self.chunk[first * self.d_model..end * self.d_model];
            let scorer = &self.weights.scorer[(first + reach - t) * self.d_model..];
            let products =
                seen.iter().zip(scorer).map(|(&x, &w)| i64::from(i32::from(x) * i32::from(w)));
            *score = self.weights.scorer_bias + products.sum::<i64>();
        }
    }
}
