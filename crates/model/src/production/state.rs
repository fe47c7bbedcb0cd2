//! What the network carries from one pass to the next.
//!
//! Bounded: per layer a cache of at most window − 1 keys and values, a memory of at most window / 2 entries, and the
//! attention inputs of the chunk that is not full yet. All lanes stand at the same position.

use burn::tensor::{Int, Tensor};

use super::tokens::Tokens;

/// Keys and values of the last positions.
#[derive(Clone, Debug)]
pub struct KvCache {
    /// (B, H, n, d_head), n < window
    pub keys: Tensor<4>,
    /// (B, H, n, d_head)
    pub values: Tensor<4>,
}

/// What one layer carries.
#[derive(Clone, Debug, Default)]
pub struct LayerState {
    /// Keys and values of the last positions.
    pub cache: Option<KvCache>,
    /// (B, M, D), oldest first.
    pub memory: Option<Tensor<3>>,
    /// (B, n, D): normalised inputs of the attention in the chunk that is not full yet.
    pub pending: Option<Tensor<3>>,
}

impl LayerState {
    /// The same without the graph behind it.
    pub fn detach(self) -> Self {
        self.map(Tensor::detach, Tensor::detach)
    }

    /// Applies a function to every tensor: `heads` to keys and values, `vectors` to memory and pending inputs.
    pub(super) fn map(
        self,
        heads: impl Fn(Tensor<4>) -> Tensor<4>,
        vectors: impl Fn(Tensor<3>) -> Tensor<3>,
    ) -> Self {
        Self {
            cache: self.cache.map(|c| KvCache { keys: heads(c.keys), values: heads(c.values) }),
            memory: self.memory.map(&vectors),
            pending: self.pending.map(&vectors),
        }
    }

    /// Σ x ⊙ g for each tensor x that has a counterpart g.
    pub(super) fn products(self, other: &Self) -> Vec<Tensor<1>> {
        let mut sums = Vec::new();
        if let (Some(x), Some(g)) = (self.cache, &other.cache) {
            sums.push((x.keys * g.keys.clone()).sum());
            sums.push((x.values * g.values.clone()).sum());
        }
        for (x, g) in [(self.memory, &other.memory), (self.pending, &other.pending)] {
            if let (Some(x), Some(g)) = (x, g) {
                sums.push((x * g.clone()).sum());
            }
        }
        sums
    }
}

/// The last symbol of every lane, as it is read.
#[derive(Clone, Debug)]
pub(super) struct Last {
    pub symbol: Tensor<2, Int>,
    pub fraction: Option<Tensor<2>>,
    pub copied: Option<Tensor<2>>,
}

/// State of B lanes between passes.
#[derive(Clone, Debug, Default)]
pub struct State {
    /// Position of the next symbol, counted from the start of a record.
    pub position: usize,
    /// Per layer; empty before the first pass.
    pub layers: Vec<LayerState>,
    /// Positions in the current chunk.
    pub(super) filled: usize,
    /// Chunks since gradients were cut.
    pub(super) chunks: usize,
    pub(super) last: Option<Last>,
}

impl State {
    /// The start of lanes that begin with a record.
    pub fn new() -> Self {
        Self::default()
    }

    /// The start of lanes that begin at a position inside a record.
    pub fn at(position: usize) -> Self {
        Self { position, ..Self::default() }
    }

    /// Number of lanes; none before the first pass.
    pub fn lanes(&self) -> Option<usize> {
        self.last.as_ref().map(|last| last.symbol.dims()[0])
    }

    /// The same values without the graph behind them: between optimiser steps.
    pub fn detach(self) -> Self {
        Self {
            layers: self.layers.into_iter().map(LayerState::detach).collect(),
            chunks: 0,
            ..self
        }
    }

    /// Moves past the symbols of a pass.
    pub(super) fn advance(&mut self, input: &Tokens) {
        let [_, len] = input.dims();
        let last = input.slice(len - 1..len);
        self.last =
            Some(Last { symbol: last.symbols, fraction: last.fraction, copied: last.copied });
        self.position += len;
    }
}
