//! Models of random weights, for tests and benchmarks: no training needed to compare two engines.

use super::{EmbeddingTable, IntModel, LayerWeights, MemoryWeights, Weights};
use crate::config::{Embedding, HeadKind, IntConfig, PositionKind};
use crate::error::ModelError;
use crate::ops::embed::{COARSE_ROWS, FINE_ROWS};
use crate::ops::eviction::SCORER_KERNEL;
use crate::ops::exp2::sigmoid;
use crate::ops::linear::{Linear, WEIGHT_MAX};
use crate::ops::norm::EPSILON_END;
use crate::ops::rescale::Rescale;
use crate::ops::swiglu::SILU_LEN;
use crate::ops::{ACTIVATION_MAX, NARROW_MAX};

/// How numbers are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fill {
    /// Spreads and factors as in a trained network.
    Typical,
    /// Most numbers at an end of their range: sums come near their bounds.
    Extreme,
}

/// Spread (standard deviation) of activations of a typical model.
mod spread {
    pub const NORMALISED: u64 = 2048;
    pub const NARROW: u64 = 600;
    pub const VALUE: u64 = 6000;
    pub const PRODUCT: u64 = 500;
    pub const RESIDUAL: u64 = 3000;
    pub const LOGIT: u64 = 500;
    /// Of weights uniform in ± 127.
    pub const WEIGHT: u64 = 73;
}

impl IntModel {
    /// A network of one narrow layer over records of `fields` symbols below `vocab`: for checks, where a large one takes
    /// too long.
    ///
    /// # Errors
    /// [`ModelError::Config`] beyond the bounds of a configuration.
    pub fn small(fields: u16, vocab: usize) -> Result<Self, ModelError> {
        let config = IntConfig {
            d_model: 16,
            n_layers: 1,
            n_heads: 1,
            d_ff: 16,
            vocab,
            context_vocab: vocab,
            embedding: Embedding::Shared,
            head: HeadKind::Factorised,
            types: IntConfig::cycle(fields),
            window: fields.into(),
            ..IntConfig::record(fields)
        };
        Self::random(config, 7, Fill::Typical)
    }

    /// A model of this shape whose weights depend on `seed` alone.
    ///
    /// # Errors
    /// [`ModelError::Config`] if the configuration describes no model.
    pub fn random(config: IntConfig, seed: u64, fill: Fill) -> Result<Self, ModelError> {
        config.validate()?;
        let weights = Draw { state: seed, fill }.weights(&config);
        Self::new(config, weights)
    }
}

/// A generator of 64-bit numbers (SplitMix64, Steele, Lea, Flood 2014).
struct Draw {
    state: u64,
    fill: Fill,
}

impl Draw {
    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.state ^ (self.state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// In ± `max`: uniform, or mostly at the ends.
    fn within(&mut self, max: i32) -> i32 {
        let draw = self.next();
        match (self.fill, draw % 8) {
            (Fill::Extreme, 0..=4) => max,
            (Fill::Extreme, 5..=6) => -max,
            _ => ((draw >> 8) % (2 * max as u64 + 1)) as i32 - max,
        }
    }

    fn numbers(&mut self, len: usize, typical: u64) -> Vec<i16> {
        let max = if self.fill == Fill::Extreme { ACTIVATION_MAX } else { typical as i32 };
        (0..len).map(|_| self.within(max) as i16).collect()
    }

    /// Positive gains around `centre`.
    fn gains(&mut self, len: usize, centre: u64) -> Vec<i16> {
        let centre = centre.min(20_000) as i32;
        match self.fill {
            Fill::Extreme => self.numbers(len, 0),
            Fill::Typical => (0..len).map(|_| (centre + self.within(centre / 4)) as i16).collect(),
        }
    }

    /// A factor that maps spread `from` to `to`; extreme ones only clamp.
    fn factor(&mut self, to: u64, from: u64) -> Rescale {
        match self.fill {
            Fill::Typical => Rescale::from_ratio(to, from),
            Fill::Extreme => Rescale::from_ratio(1, 4 + self.next() % 1000),
        }
    }

    fn linear(&mut self, rows: usize, columns: usize, from: u64, to: u64) -> Linear {
        let weights = (0..rows * columns).map(|_| self.within(WEIGHT_MAX.into()) as i8).collect();
        let sum = from * spread::WEIGHT * (columns as u64).isqrt().max(1);
        // Rows differ by up to an eighth, so that a factor of the wrong row shows.
        let scales = (0..rows).map(|_| {
            let part = self.next() % (to / 8 + 1);
            self.factor(to + part, sum)
        });
        let scales = scales.collect();
        Linear { weights, scales }
    }

    fn epsilon(&mut self) -> u64 {
        if self.fill == Fill::Extreme { EPSILON_END - 1 } else { 1 + self.next() % 1000 }
    }

    fn weights(&mut self, c: &IntConfig) -> Weights {
        let (d, types) = (c.d_model, c.type_count());
        let width = d.next_multiple_of(2);
        let sinusoidal = usize::from(c.position == PositionKind::Sinusoidal);
        let per_type = |on: bool| usize::from(on) * types * d;
        let matrices = if c.head == HeadKind::PerType { types } else { 1 };
        let biases = match (c.head_bias, c.head) {
            (false, _) => 0,
            (true, HeadKind::Shared) => 1,
            (true, _) => types,
        };
        Weights {
            embedding_shift: if self.fill == Fill::Extreme { 8 } else { 2 },
            embed: self.table(c, true),
            start: self.numbers(d, 2000),
            coarse: self.numbers(sinusoidal * COARSE_ROWS as usize * width, 2000),
            fine: self.numbers(sinusoidal * FINE_ROWS as usize * width, 32767),
            target: self.numbers(per_type(c.target_type), 2000),
            above: self.table(c, c.above),
            fraction: self.numbers(per_type(c.fraction), 2000),
            copied: self.numbers(per_type(c.copied), 2000),
            rms_epsilon: self.epsilon(),
            layers: (0..c.n_layers).map(|_| self.layer(c)).collect(),
            final_gain: self.norm_gain(d),
            head_gain: self.gains(per_type(c.head == HeadKind::Factorised), 4096),
            heads: (0..matrices)
                .map(|_| self.linear(c.vocab, d, spread::NORMALISED, spread::LOGIT))
                .collect(),
            head_bias: self.numbers(biases * c.vocab, 1000),
        }
    }

    /// Gives unit vectors the spread of normalised ones.
    fn norm_gain(&mut self, d: usize) -> Vec<i16> {
        self.gains(d, (spread::NORMALISED << 12) * (d as u64 * 65536).isqrt() / 256 / 32767)
    }

    fn table(&mut self, c: &IntConfig, on: bool) -> EmbeddingTable {
        let (on, d, types) = (usize::from(on), c.d_model, c.type_count());
        let tables = if c.embedding == Embedding::PerType { types } else { 1 };
        let gains = if c.embedding == Embedding::Factorised { types } else { 0 };
        EmbeddingTable {
            rows: self.numbers(on * tables * c.context_vocab * d, 2000),
            gain: self.gains(on * gains * d, 4096),
        }
    }

    fn layer(&mut self, c: &IntConfig) -> LayerWeights {
        let (d, f) = (c.d_model, c.d_ff);
        let distances = if c.position == PositionKind::Distance { c.n_heads * c.window } else { 0 };
        LayerWeights {
            attention_gain: self.norm_gain(d),
            query: self.linear(d, d, spread::NORMALISED, spread::NARROW),
            key: self.linear(d, d, spread::NORMALISED, spread::NARROW),
            value: self.linear(d, d, spread::NORMALISED, spread::VALUE),
            score: self.score(c),
            distance: self.numbers(distances, 600),
            output: self.linear(d, d, spread::VALUE / 2, spread::RESIDUAL),
            memory: if c.memory.is_some() { self.memory(c) } else { MemoryWeights::default() },
            feed_gain: self.norm_gain(d),
            gate: self.linear(f, d, spread::NORMALISED, spread::NARROW),
            up: self.linear(f, d, spread::NORMALISED, spread::VALUE),
            silu: self.silu(),
            down: self.linear(d, f, spread::PRODUCT, spread::RESIDUAL),
        }
    }

    fn score(&mut self, c: &IntConfig) -> Rescale {
        let dot = spread::NARROW * spread::NARROW * (c.d_head() as u64).isqrt().max(1);
        self.factor(spread::LOGIT, dot)
    }

    /// SiLU of gates in units of 2^−7, in units of 1/8: a nat is 369 / 256 octaves.
    fn silu(&mut self) -> Vec<i16> {
        if self.fill == Fill::Extreme {
            return self.numbers(SILU_LEN, 0);
        }
        (-NARROW_MAX - 1..=NARROW_MAX)
            .map(|gate| ((8 * gate * i32::from(sigmoid((gate * 369 / 128) as i16))) >> 15) as i16)
            .collect()
    }

    fn memory(&mut self, c: &IntConfig) -> MemoryWeights {
        let d = c.d_model;
        let mut memory = MemoryWeights {
            key: self.linear(d, d, spread::NORMALISED, spread::NARROW),
            value: self.linear(d, d, spread::NORMALISED, spread::VALUE),
            score: self.score(c),
            beta: self.numbers(c.n_heads, 32767),
            scorer: self.numbers(SCORER_KERNEL * d, 4000),
            scorer_bias: (self.next() % 1_000_000) as i64,
            gate: Rescale::ZERO,
            projection: self.linear(d, d, spread::NORMALISED / 2, spread::RESIDUAL),
            gain: self.norm_gain(d),
            bias: self.numbers(d, 300),
            epsilon: self.epsilon(),
        };
        memory.beta.iter_mut().for_each(|beta| *beta = beta.abs());
        let score = spread::NORMALISED * 2300 * (SCORER_KERNEL as u64 * d as u64).isqrt();
        memory.gate = self.factor(spread::LOGIT, score);
        memory
    }
}
