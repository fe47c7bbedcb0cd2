//! The reference engine: one lane, one symbol at a time, made of the definitions in [`crate::ops`] alone.
//!
//! ```text
//! x      = read(last token, above)                                                        (D), residual stream
//! a      = rms_norm(x);  x += output(mix_β(attend(window), attend(memory)))               for each layer
//! a      = rms_norm(x);  x += down(silu(gate a) · up a)
//! logits = head[type](rms_norm(x)) + bias[type]
//! ```
//! Additions to x are clamped to ± (2^23 − 1). The vectors `a` before the attention of a chunk's positions are what the
//! layer's memory is made of: at the end of a full chunk, seen from the next position on. Slow and plain on purpose.

use std::collections::VecDeque;

use vxc_entropy::Cdf;

use crate::ops::attention::{attend, mix};
use crate::ops::cdf::distribution;
use crate::ops::embed::{Token, read};
use crate::ops::linear::Linear;
use crate::ops::norm::{gained, layer_norm, rms_norm};
use crate::ops::swiglu::{SILU_LEN, gated};
use crate::ops::{ACTIVATION_MAX, NARROW_MAX, RESIDUAL_MAX, clamp16, eviction};
use crate::weights::{IntModel, LayerWeights, MemoryWeights};

/// What the network reads at a position.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Input {
    /// The token of the position before; not read at the start of a lane.
    pub previous: Token,
    /// Context symbol of the same field one record up; read where the configuration says so.
    pub above: u16,
}

/// A key and a value (D), of all heads.
#[derive(Clone, Debug)]
struct Entry {
    key: Vec<i16>,
    value: Vec<i16>,
}

/// What a layer remembers.
#[derive(Clone, Debug, Default)]
struct LayerState {
    /// Of the last positions, oldest first; at most window.
    window: VecDeque<Entry>,
    /// Oldest first; at most window / 2.
    memory: VecDeque<Entry>,
    /// (n, D): attention inputs of the chunk that is not full yet.
    pending: Vec<i16>,
}

/// One lane.
#[derive(Clone, Debug)]
pub struct ReferenceLane<'a> {
    model: &'a IntModel,
    position: u64,
    started: bool,
    layers: Vec<LayerState>,
}

impl<'a> ReferenceLane<'a> {
    /// A lane that starts at `position`, counted from the start of a record.
    pub fn new(model: &'a IntModel, position: u64) -> Self {
        let layers = vec![LayerState::default(); model.config().n_layers];
        Self { model, position, started: false, layers }
    }

    /// The distribution of the next symbol.
    pub fn step(&mut self, input: Input) -> Cdf {
        let (config, weights) = (self.model.config(), self.model.weights());
        let d = config.d_model;
        let mut x = vec![0i32; d];
        let last = self.started.then_some(input.previous);
        read(config, weights, self.position, last, input.above, &mut x);
        let mut a = vec![0i16; d];
        for (layer, state) in weights.layers.iter().zip(&mut self.layers) {
            rms_norm(&x, &layer.attention_gain, weights.rms_epsilon, &mut a);
            let y = attention(self.model, layer, state, &a);
            add(&mut x, &layer.output, &y);
            rms_norm(&x, &layer.feed_gain, weights.rms_epsilon, &mut a);
            let h = feed_forward(layer, &a);
            add(&mut x, &layer.down, &h);
        }
        rms_norm(&x, &weights.final_gain, weights.rms_epsilon, &mut a);
        let logits = self.logits(&mut a);
        self.position = self.position.wrapping_add(1);
        self.started = true;
        distribution(&logits)
    }

    fn logits(&self, a: &mut [i16]) -> Vec<i32> {
        let head = self.model.head(self.model.config().type_at(self.position));
        for (a, &gain) in a.iter_mut().zip(head.gain) {
            *a = clamp16(gained(i32::from(*a), gain));
        }
        let matrix = &self.model.weights().heads[head.matrix];
        let mut logits = vec![0; matrix.rows()];
        matrix.apply(a, ACTIVATION_MAX, &mut logits);
        for (logit, &bias) in logits.iter_mut().zip(head.bias) {
            *logit += i32::from(bias);
        }
        logits
    }
}

/// `x += linear(a)`.
fn add(x: &mut [i32], linear: &Linear, a: &[i16]) {
    let mut y = vec![0; x.len()];
    linear.apply(a, RESIDUAL_MAX, &mut y);
    for (x, y) in x.iter_mut().zip(y) {
        *x = (*x + y).clamp(-RESIDUAL_MAX, RESIDUAL_MAX);
    }
}

/// `linear(a)` as activations.
fn map(linear: &Linear, a: &[i16], bound: i32) -> Vec<i16> {
    let mut y = vec![0; linear.rows()];
    linear.apply(a, bound, &mut y);
    y.into_iter().map(|y| y as i16).collect()
}

fn feed_forward(layer: &LayerWeights, a: &[i16]) -> Vec<i16> {
    let Some(table) = layer.silu.first_chunk::<SILU_LEN>() else { return Vec::new() };
    let gate = map(&layer.gate, a, NARROW_MAX);
    let up = map(&layer.up, a, ACTIVATION_MAX);
    gate.iter().zip(&up).map(|(&gate, &up)| gated(table, gate, up)).collect()
}

/// Attention output (D) of the position whose normalised vector is `a`, and what it leaves in the state.
fn attention(
    model: &IntModel,
    layer: &LayerWeights,
    state: &mut LayerState,
    a: &[i16],
) -> Vec<i16> {
    let config = model.config();
    let q = map(&layer.query, a, NARROW_MAX);
    state.window.push_back(Entry {
        key: map(&layer.key, a, NARROW_MAX),
        value: map(&layer.value, a, ACTIVATION_MAX),
    });
    if state.window.len() > config.window {
        state.window.pop_front();
    }
    let width = config.d_head();
    let mut y = vec![0i16; config.d_model];
    for head in 0..config.n_heads {
        let part = head * width..(head + 1) * width;
        let (q, y) = (&q[part.clone()], &mut y[part.clone()]);
        let newest = state.window.len() - 1;
        let distance =
            |j: usize| layer.distance.get(head * config.window + newest - j).copied().unwrap_or(0);
        let [keys, values] = slices(&state.window, part.clone());
        attend(q, &keys, &values, distance, layer.score, y);
        if !state.memory.is_empty() {
            let mut remembered = vec![0i16; width];
            let [keys, values] = slices(&state.memory, part);
            attend(q, &keys, &values, |_| 0, layer.memory.score, &mut remembered);
            for (y, &memory) in y.iter_mut().zip(&remembered) {
                *y = mix(*y, memory, layer.memory.beta[head]);
            }
        }
    }
    if let Some(memory) = &config.memory {
        state.pending.extend(a);
        if state.pending.len() == memory.chunk * config.d_model {
            let chunk = std::mem::take(&mut state.pending);
            for entry in kept(model, &layer.memory, &chunk) {
                state.memory.push_back(entry);
            }
            while state.memory.len() > config.memory_cap() {
                state.memory.pop_front();
            }
        }
    }
    y
}

fn slices(entries: &VecDeque<Entry>, part: std::ops::Range<usize>) -> [Vec<&[i16]>; 2] {
    let of = |f: fn(&Entry) -> &Vec<i16>| entries.iter().map(|e| &f(e)[part.clone()]).collect();
    [of(|e| &e.key), of(|e| &e.value)]
}

/// What the memory keeps of a full chunk (T, D), in order of time.
fn kept(model: &IntModel, memory: &MemoryWeights, chunk: &[i16]) -> Vec<Entry> {
    let d = model.config().d_model;
    let scores = eviction::scores(chunk, d, &memory.scorer, memory.scorer_bias);
    eviction::best(&scores, model.config().kept())
        .into_iter()
        .map(|t| {
            let mut gated = vec![0i16; d];
            eviction::gate(&chunk[t * d..][..d], scores[t], memory.gate, &mut gated);
            let mut projected = vec![0i32; d];
            memory.projection.apply(&gated, RESIDUAL_MAX, &mut projected);
            let mut m = vec![0i16; d];
            layer_norm(&mut projected, &memory.gain, &memory.bias, memory.epsilon, &mut m);
            Entry {
                key: map(&memory.key, &m, NARROW_MAX),
                value: map(&memory.value, &m, ACTIVATION_MAX),
            }
        })
        .collect()
}
