//! The weights of an integer transformer, with the convention of every scale.
//!
//! A float tensor W is stored as integers w with W ≈ unit · w. The exporter is free in the units named here, and the
//! factors ([`Rescale`]) and gains carry their quotients; nothing but integers is stored.
//!
//! | unit | of | limits to choose it by |
//! |---|---|---|
//! | u_x | residual stream | its largest magnitude over u_x must stay below 2^23; embeddings are in u_x · 2^shift |
//! | u_a | a normalised vector | i16; gain = scale · √D · 2^12 / (32767 · u_a) |
//! | u_w\[r\] | a row of a linear map | i8 in ± 127 |
//! | u_q, u_k | queries, keys | ± 2047 |
//! | u_v | values, so attention outputs | i16; both streams of a layer share it, as β mixes them |
//! | u_g, u_u, u_h | gate, up and their product | ± 2047, i16, i16; SILU\[g + 2048\] = silu(g · u_g) · u_u · 2^15 / u_h |
//! | u_p, u_m | projection of the kept, memory entry | ± (2^23 − 1), i16 |
//! | 2^−8 octaves | scores, biases by distance, logits, head bias, gate of eviction | i16; a nat is 2^8 · log2(e) |
//!
//! | factor | is |
//! |---|---|
//! | of a linear map's row | u_w\[r\] · u_in / u_out |
//! | score | u_q · u_k · log2(e) / √d_head · 2^8 |
//! | eviction's gate | u_scorer · u_a · log2(e) · 2^8 |

pub mod random;
mod serial;
mod walk;

use crate::config::{HeadKind, IntConfig};
use crate::error::ModelError;
use crate::ops::linear::Linear;
use crate::ops::rescale::Rescale;

/// A table of symbol vectors.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EmbeddingTable {
    /// (types × context_vocab, D) where typed, one table after another, with the float network's gate multiplied in;
    /// else (context_vocab, D). In u_x · 2^shift.
    pub rows: Vec<i16>,
    /// (types, D) in units of 2^−12, of the factorised kind.
    pub gain: Vec<i16>,
}

/// The memory of a layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemoryWeights {
    /// (D, D): keys of entries, u_m to u_k'.
    pub key: Linear,
    /// (D, D): values of entries, u_m to u_v.
    pub value: Linear,
    /// Of q · k'.
    pub score: Rescale,
    /// (H): β of each head, in units of 2^−15.
    pub beta: Vec<i16>,
    /// (7, D): depthwise times pointwise weights of the scorer, one unit.
    pub scorer: Vec<i16>,
    /// In u_scorer · u_a.
    pub scorer_bias: i64,
    /// From a score to 2^−8 octaves.
    pub gate: Rescale,
    /// (D, D): u_a to u_p.
    pub projection: Linear,
    /// (D): layer norm, to u_m.
    pub gain: Vec<i16>,
    /// (D) in u_m.
    pub bias: Vec<i16>,
    /// D · 10^−5 / u_p², at least 1.
    pub epsilon: u64,
}

impl Default for MemoryWeights {
    fn default() -> Self {
        Self {
            key: Linear::default(),
            value: Linear::default(),
            score: Rescale::ZERO,
            beta: Vec::new(),
            scorer: Vec::new(),
            scorer_bias: 0,
            gate: Rescale::ZERO,
            projection: Linear::default(),
            gain: Vec::new(),
            bias: Vec::new(),
            epsilon: 1,
        }
    }
}

/// A block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayerWeights {
    /// (D): RMS norm before attention.
    pub attention_gain: Vec<i16>,
    /// (D, D): to u_q.
    pub query: Linear,
    /// (D, D): to u_k.
    pub key: Linear,
    /// (D, D): to u_v.
    pub value: Linear,
    /// Of q · k.
    pub score: Rescale,
    /// (H, window): bias of the key so many positions back, in 2^−8 octaves; empty unless positions are distances.
    pub distance: Vec<i16>,
    /// (D, D): u_v to u_x.
    pub output: Linear,
    /// Empty where the configuration has no memory.
    pub memory: MemoryWeights,
    /// (D): RMS norm before the feed-forward part.
    pub feed_gain: Vec<i16>,
    /// (F, D): to u_g.
    pub gate: Linear,
    /// (F, D): to u_u.
    pub up: Linear,
    /// (4096): see [`crate::ops::swiglu`].
    pub silu: Vec<i16>,
    /// (D, F): u_h to u_x.
    pub down: Linear,
}

impl Default for LayerWeights {
    fn default() -> Self {
        Self {
            attention_gain: Vec::new(),
            query: Linear::default(),
            key: Linear::default(),
            value: Linear::default(),
            score: Rescale::ZERO,
            distance: Vec::new(),
            output: Linear::default(),
            memory: MemoryWeights::default(),
            feed_gain: Vec::new(),
            gate: Linear::default(),
            up: Linear::default(),
            silu: Vec::new(),
            down: Linear::default(),
        }
    }
}

/// All weights; tensors that the configuration leaves out are empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Weights {
    /// Embeddings are in u_x · 2^`embedding_shift`, at most 8.
    pub embedding_shift: u8,
    /// Of the symbol read.
    pub embed: EmbeddingTable,
    /// (D): stands for the symbol before the first.
    pub start: Vec<i16>,
    /// (128, D rounded up to even): see [`crate::ops::embed`]; empty unless positions are sinusoidal.
    pub coarse: Vec<i16>,
    /// (64, D rounded up to even) in units of 1 / 32767.
    pub fine: Vec<i16>,
    /// (types, D): of the predicted position.
    pub target: Vec<i16>,
    /// Of the symbol one record up.
    pub above: EmbeddingTable,
    /// (types, D): for a fraction of 1.
    pub fraction: Vec<i16>,
    /// (types, D): for a symbol coded as COPY.
    pub copied: Vec<i16>,
    /// D · 10^−6 / u_x², at least 1; of all RMS norms.
    pub rms_epsilon: u64,
    /// Blocks.
    pub layers: Vec<LayerWeights>,
    /// (D): RMS norm before the head.
    pub final_gain: Vec<i16>,
    /// (types, D) in units of 2^−12, of the factorised head.
    pub head_gain: Vec<i16>,
    /// One (V, D), or one for each type; to 2^−8 octaves.
    pub heads: Vec<Linear>,
    /// (types, V), or (1, V) where the head is shared; in 2^−8 octaves.
    pub head_bias: Vec<i16>,
}

/// A transformer that can be run: weights of the shapes of their configuration, with every number in the range that
/// the arithmetic is proved for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IntModel {
    config: IntConfig,
    weights: Weights,
}

impl IntModel {
    /// Checks shapes and ranges.
    ///
    /// # Errors
    /// [`ModelError::Config`], [`ModelError::Shape`] or [`ModelError::Range`].
    pub fn new(config: IntConfig, mut weights: Weights) -> Result<Self, ModelError> {
        config.validate()?;
        walk::check(&config, &mut weights)?;
        Ok(Self { config, weights })
    }

    /// Its shape.
    pub fn config(&self) -> &IntConfig {
        &self.config
    }

    /// Its weights.
    pub fn weights(&self) -> &Weights {
        &self.weights
    }

    /// The head of a position type: its matrix, gain and bias, each empty where there is none.
    pub(crate) fn head(&self, kind: usize) -> HeadOf<'_> {
        let (c, w) = (&self.config, &self.weights);
        let shared = c.head == HeadKind::Shared;
        let slice =
            |x: &'_ [i16], of: usize, width: usize| of * width..((of + 1) * width).min(x.len());
        HeadOf {
            matrix: if c.head == HeadKind::PerType { kind } else { 0 },
            gain: w.head_gain.get(slice(&w.head_gain, kind, c.d_model)).unwrap_or_default(),
            bias: w
                .head_bias
                .get(slice(&w.head_bias, if shared { 0 } else { kind }, c.vocab))
                .unwrap_or_default(),
        }
    }
}

/// See [`IntModel::head`].
pub(crate) struct HeadOf<'a> {
    /// Index of the matrix.
    pub matrix: usize,
    /// (D) or empty.
    pub gain: &'a [i16],
    /// (V) or empty.
    pub bias: &'a [i16],
}
