//! The largest magnitudes of a float network's activations on some records: a plain forward pass, position by position.

use std::collections::VecDeque;
use std::ops::Range;

use vxc_model::{Embedding, HeadKind, PositionKind};

use super::floats::{Floats, Layer, Memory, Table};
use super::round::largest;
use crate::config::Preset;
use crate::data::Corpus;
use crate::error::TrainError;

/// Largest magnitudes in a layer.
#[derive(Clone, Debug, Default)]
pub struct LayerRange {
    /// Normalised input of attention.
    pub attention: f64,
    pub query: f64,
    pub key: f64,
    /// Of both streams.
    pub value: f64,
    /// Normalised input of the feed-forward part.
    pub feed: f64,
    pub gate: f64,
    pub up: f64,
    /// silu(gate) · up.
    pub product: f64,
    /// Kept vectors after their projection.
    pub projected: f64,
    /// Memory entries.
    pub entry: f64,
    pub memory_key: f64,
}

/// Largest magnitudes in a network.
#[derive(Clone, Debug, Default)]
pub struct Ranges {
    /// Of the residual stream.
    pub residual: f64,
    pub layers: Vec<LayerRange>,
    /// Normalised input of the head.
    pub last: f64,
}

/// What a layer remembers.
#[derive(Clone, Debug, Default)]
struct State {
    window: VecDeque<[Vec<f64>; 2]>,
    memory: VecDeque<[Vec<f64>; 2]>,
    pending: Vec<Vec<f64>>,
}

/// Runs the network over `positions` positions, at most, spread over the records.
///
/// # Errors
/// [`TrainError::Data`] without records.
pub fn measure(
    floats: &Floats,
    preset: Preset,
    corpus: &Corpus,
    records: Range<usize>,
    positions: usize,
) -> Result<Ranges, TrainError> {
    let n = corpus.record_tokens;
    if records.is_empty() {
        return Err(TrainError::Data("no records to calibrate with".into()));
    }
    let mut run = Run {
        floats,
        ranges: Ranges {
            layers: vec![LayerRange::default(); floats.layers.len()],
            ..Ranges::default()
        },
        states: Vec::new(),
    };
    // Single records from all over, or a few long stretches.
    let length = match preset {
        Preset::Record => n,
        Preset::Memory => (positions / 4).max(n).min(records.len() * n),
    };
    let count = (positions / length).clamp(1, records.len());
    for i in 0..count {
        let last = records.len() - length.div_ceil(n).min(records.len());
        let first = records.start + (i * (last + 1) / count).min(last);
        run.states = vec![State::default(); floats.layers.len()];
        for t in 0..length {
            run.position(corpus, first * n, t);
        }
    }
    Ok(run.ranges)
}

struct Run<'a> {
    floats: &'a Floats,
    ranges: Ranges,
    states: Vec<State>,
}

fn seen(range: &mut f64, x: &[f64]) {
    *range = range.max(largest(x));
}

/// (outputs, inputs) times x.
fn apply(map: &[f64], x: &[f64]) -> Vec<f64> {
    map.chunks_exact(x.len()).map(|row| row.iter().zip(x).map(|(w, x)| w * x).sum()).collect()
}

fn rms(x: &[f64], scale: &[f64]) -> Vec<f64> {
    let mean: f64 = x.iter().map(|x| x * x).sum::<f64>() / x.len() as f64;
    let root = (mean + 1e-6).sqrt();
    x.iter().zip(scale).map(|(x, s)| x / root * s).collect()
}

fn add(x: &mut [f64], y: &[f64], factor: f64) {
    x.iter_mut().zip(y).for_each(|(x, y)| *x += y * factor);
}

impl Run<'_> {
    /// Position `t` of the tokens that begin with `first`.
    fn position(&mut self, corpus: &Corpus, first: usize, t: usize) {
        let f = self.floats;
        let mut x = self.read(corpus, first, t);
        seen(&mut self.ranges.residual, &x);
        for (i, layer) in f.layers.iter().enumerate() {
            let y = self.attention(i, layer, &x);
            add(&mut x, &apply(&layer.output, &y), 1.0);
            seen(&mut self.ranges.residual, &x);
            let range = &mut self.ranges.layers[i];
            let a = rms(&x, &layer.feed_scale);
            let (gate, up) = (apply(&layer.gate, &a), apply(&layer.up, &a));
            let h: Vec<f64> =
                gate.iter().zip(&up).map(|(g, u)| g / (1.0 + (-g).exp()) * u).collect();
            seen(&mut range.feed, &a);
            seen(&mut range.gate, &gate);
            seen(&mut range.up, &up);
            seen(&mut range.product, &h);
            add(&mut x, &apply(&layer.down, &h), 1.0);
            seen(&mut self.ranges.residual, &x);
        }
        seen(&mut self.ranges.last, &rms(&x, &f.last_scale));
        if f.config.head == HeadKind::Factorised {
            // The gain is applied to the normalised vector, which must have room for it.
            let kind = f.config.types.at(t, 1)[0];
            let d = f.config.d_model;
            let gain = &f.head_gain[kind * d..][..d];
            let gained: Vec<f64> =
                rms(&x, &f.last_scale).iter().zip(gain).map(|(x, g)| x * g).collect();
            seen(&mut self.ranges.last, &gained);
        }
    }

    fn read(&self, corpus: &Corpus, first: usize, t: usize) -> Vec<f64> {
        let (f, d) = (self.floats, self.floats.config.d_model);
        let config = &f.config;
        let kind = config.types.at(t, 1)[0];
        let mut x = if t == 0 { f.start.clone() } else { vec![0.0; d] };
        if t > 0 {
            let (at, before) = (first + t - 1, config.types.at(t - 1, 1)[0]);
            let value = corpus.values()[at];
            self.lookup(&f.embed, before, value, &mut x);
            if config.position == PositionKind::Sinusoidal {
                for (i, x) in x.iter_mut().enumerate() {
                    let pair = (i / 2 * 2) as f64;
                    let angle = (t - 1) as f64 * 10_000f64.powf(-pair / d as f64);
                    *x += if i % 2 == 0 { angle.sin() } else { angle.cos() };
                }
            }
            if config.fraction {
                let part = f64::from(corpus.fractions[at]) / 256.0;
                add(&mut x, &f.fraction[before * d..][..d], part);
            }
            if config.copied && corpus.symbols[at] != value {
                add(&mut x, &f.copied[before * d..][..d], 1.0);
            }
        }
        if config.target_type {
            add(&mut x, &f.target[kind * d..][..d], 1.0);
        }
        if config.above {
            self.lookup(&f.above, kind, corpus.above(first + t), &mut x);
        }
        x
    }

    fn lookup(&self, table: &Table, kind: usize, symbol: u8, x: &mut [f64]) {
        let (c, d) = (&self.floats.config, self.floats.config.d_model);
        let typed = matches!(c.embedding, Embedding::PerType { .. });
        let row = usize::from(symbol) + if typed { kind * c.context_vocab } else { 0 };
        let row = &table.rows[row * d..][..d];
        match table.gain.get(kind * d..(kind + 1) * d) {
            Some(gain) => {
                let gained: Vec<f64> = row.iter().zip(gain).map(|(x, g)| x * g).collect();
                add(x, &gained, 1.0);
            }
            None => add(x, row, 1.0),
        }
    }

    /// What attention gives, before its output map.
    fn attention(&mut self, i: usize, layer: &Layer, x: &[f64]) -> Vec<f64> {
        let config = &self.floats.config;
        let (range, state) = (&mut self.ranges.layers[i], &mut self.states[i]);
        let a = rms(x, &layer.attention_scale);
        let [q, k, v] = [&layer.query, &layer.key, &layer.value].map(|map| apply(map, &a));
        seen(&mut range.attention, &a);
        seen(&mut range.query, &q);
        seen(&mut range.key, &k);
        seen(&mut range.value, &v);
        state.window.push_back([k, v]);
        while state.window.len() > config.window {
            state.window.pop_front();
        }
        let (heads, window) = (config.n_heads, config.window);
        let bias = |head: usize, back: usize| {
            layer.distance.get(head * window + back).copied().unwrap_or(0.0)
        };
        let mut y = attend(&q, &state.window, heads, bias);
        let Some(memory) = &layer.memory else { return y };
        if !state.memory.is_empty() {
            let remembered = attend(&q, &state.memory, heads, |_, _| 0.0);
            let width = config.d_head();
            for (j, (y, m)) in y.iter_mut().zip(&remembered).enumerate() {
                *y += memory.beta[j / width] * (m - *y);
            }
        }
        state.pending.push(a);
        if let Some(c) = &config.memory
            && state.pending.len() == c.chunk
        {
            let chunk = std::mem::take(&mut state.pending);
            for entry in kept(&chunk, memory, c.chunk.div_ceil(c.rate), range) {
                state.memory.push_back(entry);
            }
            while state.memory.len() > config.memory_cap() {
                state.memory.pop_front();
            }
        }
        y
    }
}

/// What a query (D) finds, head by head; the last entry is the nearest.
fn attend(
    q: &[f64],
    entries: &VecDeque<[Vec<f64>; 2]>,
    heads: usize,
    bias: impl Fn(usize, usize) -> f64,
) -> Vec<f64> {
    let width = q.len() / heads;
    let mut y = vec![0.0; q.len()];
    for head in 0..heads {
        let part = head * width..(head + 1) * width;
        let scores: Vec<f64> = entries
            .iter()
            .enumerate()
            .map(|(j, [k, _])| {
                let dot: f64 =
                    q[part.clone()].iter().zip(&k[part.clone()]).map(|(q, k)| q * k).sum();
                dot / (width as f64).sqrt() + bias(head, entries.len() - 1 - j)
            })
            .collect();
        let most = scores.iter().fold(f64::MIN, |m, &s| m.max(s));
        let sum: f64 = scores.iter().map(|s| (s - most).exp()).sum();
        for (score, [_, v]) in scores.iter().zip(entries) {
            add(&mut y[part.clone()], &v[part.clone()], (score - most).exp() / sum);
        }
    }
    y
}

/// Keys and values of what the memory keeps of a chunk.
fn kept(
    chunk: &[Vec<f64>],
    memory: &Memory,
    keep: usize,
    range: &mut LayerRange,
) -> Vec<[Vec<f64>; 2]> {
    let d = chunk[0].len();
    let reach = memory.scorer.len() / d / 2;
    let score = |t: usize| {
        let rows = memory.scorer.chunks_exact(d).enumerate();
        let terms = rows.filter_map(|(o, row)| {
            let x = chunk.get((t + o).checked_sub(reach)?)?;
            Some(x.iter().zip(row).map(|(x, w)| x * w).sum::<f64>())
        });
        memory.scorer_bias + terms.sum::<f64>()
    };
    let scores: Vec<f64> = (0..chunk.len()).map(score).collect();
    let mut order: Vec<usize> = (0..chunk.len()).collect();
    order.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]).then(a.cmp(&b)));
    order.truncate(keep);
    order.sort_unstable();
    let entries = order.into_iter().map(|t| {
        let gate = 1.0 / (1.0 + (-scores[t]).exp());
        let gated: Vec<f64> = chunk[t].iter().map(|x| x * gate).collect();
        let p = apply(&memory.projection, &gated);
        seen(&mut range.projected, &p);
        let mean = p.iter().sum::<f64>() / d as f64;
        let variance = p.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / d as f64;
        let root = (variance + 1e-5).sqrt();
        let scaled = p.iter().zip(&memory.norm_scale).zip(&memory.norm_bias);
        let m: Vec<f64> = scaled.map(|((x, s), b)| (x - mean) / root * s + b).collect();
        let (key, value) = (apply(&memory.key, &m), apply(&memory.value, &m));
        seen(&mut range.entry, &m);
        seen(&mut range.memory_key, &key);
        seen(&mut range.value, &value);
        [key, value]
    });
    entries.collect()
}
