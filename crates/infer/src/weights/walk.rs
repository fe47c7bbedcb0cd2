//! All tensors of a model in their one order, with the length that the configuration asks for.
//!
//! Checking, reading and writing are visitors of the same walk, so they cannot disagree.

use super::{EmbeddingTable, LayerWeights, MemoryWeights, Weights};
use crate::config::{Embedding, HeadKind, IntConfig, PositionKind};
use crate::error::ModelError;
use crate::ops::ACTIVATION_MAX;
use crate::ops::embed::{COARSE_ROWS, FINE_ROWS};
use crate::ops::eviction::{SCORE_BIAS_MAX, SCORER_KERNEL};
use crate::ops::linear::{Linear, WEIGHT_MAX};
use crate::ops::norm::EPSILON_END;
use crate::ops::rescale::Rescale;
use crate::ops::swiglu::SILU_LEN;

/// Largest shift of the embeddings.
const EMBEDDING_SHIFT_MAX: u8 = 8;

/// What is done with each tensor.
pub(super) trait Visitor {
    /// A tensor of i8 weights in ± 127.
    fn weights(
        &mut self,
        name: &'static str,
        x: &mut Vec<i8>,
        len: usize,
    ) -> Result<(), ModelError>;
    /// A tensor of i16 numbers in ± 32767.
    fn numbers(
        &mut self,
        name: &'static str,
        x: &mut Vec<i16>,
        len: usize,
    ) -> Result<(), ModelError>;
    /// Factors.
    fn factors(
        &mut self,
        name: &'static str,
        x: &mut Vec<Rescale>,
        len: usize,
    ) -> Result<(), ModelError>;
    /// One number in `min..=max`.
    fn scalar(
        &mut self,
        name: &'static str,
        x: &mut i64,
        min: i64,
        max: i64,
    ) -> Result<(), ModelError>;

    /// One factor.
    fn factor(&mut self, name: &'static str, x: &mut Rescale) -> Result<(), ModelError> {
        let mut one = vec![*x];
        self.factors(name, &mut one, 1)?;
        *x = one.first().copied().unwrap_or(Rescale::ZERO);
        Ok(())
    }

    /// A linear map.
    fn linear(
        &mut self,
        name: &'static str,
        x: &mut Linear,
        rows: usize,
        columns: usize,
    ) -> Result<(), ModelError> {
        self.weights(name, &mut x.weights, size(&[rows, columns]))?;
        self.factors(name, &mut x.scales, rows)
    }
}

/// Visits every tensor. `weights.layers` and `weights.heads` must have their lengths: see [`layer_count`] and
/// [`head_count`].
pub(super) fn walk(c: &IntConfig, w: &mut Weights, v: &mut impl Visitor) -> Result<(), ModelError> {
    let (d, types) = (c.d_model, c.type_count());
    let per_type = |on: bool| if on { size(&[types, d]) } else { 0 };
    let mut shift = i64::from(w.embedding_shift);
    v.scalar("embedding_shift", &mut shift, 0, i64::from(EMBEDDING_SHIFT_MAX))?;
    w.embedding_shift = shift as u8;
    table(c, &mut w.embed, true, v)?;
    v.numbers("start", &mut w.start, d)?;
    let width = d.next_multiple_of(2);
    let sinusoidal = usize::from(c.position == PositionKind::Sinusoidal);
    v.numbers("coarse", &mut w.coarse, size(&[sinusoidal, COARSE_ROWS as usize, width]))?;
    v.numbers("fine", &mut w.fine, size(&[sinusoidal, FINE_ROWS as usize, width]))?;
    v.numbers("target", &mut w.target, per_type(c.target_type))?;
    table(c, &mut w.above, c.above, v)?;
    v.numbers("fraction", &mut w.fraction, per_type(c.fraction))?;
    v.numbers("copied", &mut w.copied, per_type(c.copied))?;
    epsilon("rms_epsilon", &mut w.rms_epsilon, v)?;
    for l in &mut w.layers {
        layer(c, l, v)?;
    }
    v.numbers("final_gain", &mut w.final_gain, d)?;
    v.numbers("head_gain", &mut w.head_gain, per_type(c.head == HeadKind::Factorised))?;
    for head in &mut w.heads {
        v.linear("head", head, c.vocab, d)?;
    }
    let biases = match (c.head_bias, c.head) {
        (false, _) => 0,
        (true, HeadKind::Shared) => 1,
        (true, _) => types,
    };
    v.numbers("head_bias", &mut w.head_bias, size(&[biases, c.vocab]))
}

/// Blocks that the weights must have.
pub(super) fn layer_count(c: &IntConfig) -> usize {
    c.n_layers
}

/// Head matrices that the weights must have.
pub(super) fn head_count(c: &IntConfig) -> usize {
    if c.head == HeadKind::PerType { c.type_count() } else { 1 }
}

fn table(
    c: &IntConfig,
    t: &mut EmbeddingTable,
    on: bool,
    v: &mut impl Visitor,
) -> Result<(), ModelError> {
    let (on, types) = (usize::from(on), c.type_count());
    let tables = if c.embedding == Embedding::PerType { types } else { 1 };
    let gains = if c.embedding == Embedding::Factorised { types } else { 0 };
    v.numbers("embedding", &mut t.rows, size(&[on, tables, c.context_vocab, c.d_model]))?;
    v.numbers("embedding gain", &mut t.gain, size(&[on, gains, c.d_model]))
}

fn layer(c: &IntConfig, l: &mut LayerWeights, v: &mut impl Visitor) -> Result<(), ModelError> {
    let (d, f) = (c.d_model, c.d_ff);
    v.numbers("attention_gain", &mut l.attention_gain, d)?;
    v.linear("query", &mut l.query, d, d)?;
    v.linear("key", &mut l.key, d, d)?;
    v.linear("value", &mut l.value, d, d)?;
    v.factor("score", &mut l.score)?;
    let distances =
        if c.position == PositionKind::Distance { size(&[c.n_heads, c.window]) } else { 0 };
    v.numbers("distance", &mut l.distance, distances)?;
    v.linear("output", &mut l.output, d, d)?;
    if c.memory.is_some() {
        memory(c, &mut l.memory, v)?;
    } else if l.memory != MemoryWeights::default() {
        return Err(ModelError::Config("weights of a memory that the model does not have".into()));
    }
    v.numbers("feed_gain", &mut l.feed_gain, d)?;
    v.linear("gate", &mut l.gate, f, d)?;
    v.linear("up", &mut l.up, f, d)?;
    v.numbers("silu", &mut l.silu, SILU_LEN)?;
    v.linear("down", &mut l.down, d, f)
}

fn memory(c: &IntConfig, m: &mut MemoryWeights, v: &mut impl Visitor) -> Result<(), ModelError> {
    let d = c.d_model;
    v.linear("memory key", &mut m.key, d, d)?;
    v.linear("memory value", &mut m.value, d, d)?;
    v.factor("memory score", &mut m.score)?;
    v.numbers("beta", &mut m.beta, c.n_heads)?;
    for &beta in &m.beta {
        in_range("beta", beta.into(), 0, ACTIVATION_MAX.into())?;
    }
    v.numbers("scorer", &mut m.scorer, size(&[SCORER_KERNEL, d]))?;
    v.scalar("scorer_bias", &mut m.scorer_bias, -SCORE_BIAS_MAX, SCORE_BIAS_MAX)?;
    v.factor("eviction gate", &mut m.gate)?;
    v.linear("projection", &mut m.projection, d, d)?;
    v.numbers("memory gain", &mut m.gain, d)?;
    v.numbers("memory bias", &mut m.bias, d)?;
    epsilon("memory epsilon", &mut m.epsilon, v)
}

fn epsilon(name: &'static str, x: &mut u64, v: &mut impl Visitor) -> Result<(), ModelError> {
    let mut value = i64::try_from(*x).unwrap_or(i64::MAX);
    v.scalar(name, &mut value, 1, EPSILON_END as i64 - 1)?;
    *x = value as u64;
    Ok(())
}

/// Product of sizes; more than any input can hold where it overflows.
fn size(factors: &[usize]) -> usize {
    factors.iter().fold(1, |size, &factor| size.saturating_mul(factor))
}

pub(super) fn in_range(
    name: &'static str,
    value: i64,
    min: i64,
    max: i64,
) -> Result<(), ModelError> {
    if (min..=max).contains(&value) {
        Ok(())
    } else {
        Err(ModelError::Range { name, value, min, max })
    }
}

/// Checks that every tensor has its length and every number its range. Changes nothing.
///
/// # Errors
/// [`ModelError::Shape`], [`ModelError::Range`], or [`ModelError::Config`] for weights that should not be there.
pub(super) fn check(c: &IntConfig, w: &mut Weights) -> Result<(), ModelError> {
    Check.len("layers", w.layers.len(), layer_count(c))?;
    Check.len("heads", w.heads.len(), head_count(c))?;
    walk(c, w, &mut Check)
}

struct Check;

impl Check {
    fn len(&self, name: &'static str, found: usize, expected: usize) -> Result<(), ModelError> {
        if found == expected { Ok(()) } else { Err(ModelError::Shape { name, found, expected }) }
    }
}

impl Visitor for Check {
    fn weights(
        &mut self,
        name: &'static str,
        x: &mut Vec<i8>,
        len: usize,
    ) -> Result<(), ModelError> {
        self.len(name, x.len(), len)?;
        let max = i64::from(WEIGHT_MAX);
        x.iter().try_for_each(|&w| in_range(name, w.into(), -max, max))
    }

    fn numbers(
        &mut self,
        name: &'static str,
        x: &mut Vec<i16>,
        len: usize,
    ) -> Result<(), ModelError> {
        self.len(name, x.len(), len)?;
        let max = i64::from(ACTIVATION_MAX);
        x.iter().try_for_each(|&w| in_range(name, w.into(), -max, max))
    }

    fn factors(
        &mut self,
        name: &'static str,
        x: &mut Vec<Rescale>,
        len: usize,
    ) -> Result<(), ModelError> {
        self.len(name, x.len(), len) // the type holds the range
    }

    fn scalar(
        &mut self,
        name: &'static str,
        x: &mut i64,
        min: i64,
        max: i64,
    ) -> Result<(), ModelError> {
        in_range(name, *x, min, max)
    }
}
