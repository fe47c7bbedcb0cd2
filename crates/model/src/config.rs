//! Description of the production network: sizes, what it reads, what it remembers.
//!
//! The defaults are the published production model's (vocab 256, d 512, 8 layers, 8 heads, d_ff 2048, window 512,
//! rate 4). Presets for record streams: [`TransformerConfig::record`], [`TransformerConfig::memory`].

mod cost;
mod types;

pub(crate) use cost::SCORER_KERNEL;
pub use cost::VramEstimate;
pub use types::TypePattern;

use serde::{Deserialize, Serialize};

use crate::error::ModelError;

/// Positions after which sinusoidal encodings repeat.
pub const POSITION_RING: usize = 8192;

/// Above this many weights a head per position type gives way to the factorised one.
const LARGEST_TYPED_HEAD: usize = 1 << 20;

/// How symbols become vectors.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Embedding {
    /// One table for all positions.
    Shared,
    /// One table per position type.
    PerType {
        /// Whether softmax(type_scale) gates the tables, as published; it divides by the number of types at the
        /// start, so record streams leave it out.
        gate: bool,
    },
    /// One table and a gain vector per position type: small where there are hundreds of fields.
    Factorised,
}

/// How vectors become logits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HeadKind {
    /// One matrix (d × vocab).
    Shared,
    /// One matrix per position type.
    PerType,
    /// One matrix, with a gain vector (d) and a bias (vocab) per position type.
    Factorised,
}

impl HeadKind {
    /// A head per type while it has at most 2^20 weights, else the factorised one.
    pub fn for_types(types: usize, d_model: usize, vocab: usize) -> Self {
        if types.saturating_mul(d_model).saturating_mul(vocab) <= LARGEST_TYPED_HEAD {
            Self::PerType
        } else {
            Self::Factorised
        }
    }
}

/// How a position is told from others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PositionKind {
    /// Sines and cosines of the position modulo [`POSITION_RING`], added to the embedding.
    Sinusoidal,
    /// A learned number per head and distance between query and key, added to the scores.
    Distance,
    /// Nothing (the type of the predicted position may tell enough).
    None,
}

/// Share of the memory stream in attention.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Beta {
    /// β = sigmoid(b) per head, b trained from `init`.
    Learned {
        /// b at the start; −3 gives β ≈ 0.047.
        init: f32,
    },
    /// β itself, never trained.
    Fixed {
        /// In 0..=1.
        value: f32,
    },
}

/// The compressed memory of past chunks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MemoryConfig {
    /// Positions in a chunk; memory is written at its end and seen from the next chunk on.
    pub chunk: usize,
    /// One of `rate` positions of a chunk is kept.
    pub rate: usize,
    /// Share of the memory stream.
    pub beta: Beta,
    /// Chunks through which gradients flow; the state is detached after as many.
    pub backprop_chunks: usize,
}

impl Default for MemoryConfig {
    fn default() -> Self {
        Self { chunk: 512, rate: 4, beta: Beta::Learned { init: -3.0 }, backprop_chunks: 2 }
    }
}

/// The production network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TransformerConfig {
    /// Symbols that can be predicted.
    pub vocab: usize,
    /// Symbols that can be read.
    pub context_vocab: usize,
    /// Width of the residual stream.
    pub d_model: usize,
    /// Blocks.
    pub n_layers: usize,
    /// Attention heads; divides `d_model`.
    pub n_heads: usize,
    /// Width of the feed-forward part.
    pub d_ff: usize,
    /// Positions a query sees: query i sees keys (i − window, i].
    pub window: usize,
    /// Position types along a record.
    pub types: TypePattern,
    /// How symbols become vectors.
    pub embedding: Embedding,
    /// How vectors become logits.
    pub head: HeadKind,
    /// Whether the head has a bias (per type unless shared).
    pub head_bias: bool,
    /// How a position is told from others.
    pub position: PositionKind,
    /// Whether the type of the predicted position is embedded.
    pub target_type: bool,
    /// Whether the symbol one record up is embedded.
    pub above: bool,
    /// Whether the offset fraction of the previous symbol is read.
    pub fraction: bool,
    /// Whether a flag "coded as COPY" of the previous symbol is read.
    pub copied: bool,
    /// Memory of past chunks; without it attention is local.
    pub memory: Option<MemoryConfig>,
    /// Probability of dropout in training; the trainer hands it to [`crate::Dropout`].
    pub dropout: f64,
}

impl Default for TransformerConfig {
    fn default() -> Self {
        Self {
            vocab: 256,
            context_vocab: 256,
            d_model: 512,
            n_layers: 8,
            n_heads: 8,
            d_ff: 2048,
            window: 512,
            types: TypePattern::single(),
            embedding: Embedding::Shared,
            head: HeadKind::Shared,
            head_bias: false,
            position: PositionKind::Sinusoidal,
            target_type: false,
            above: false,
            fraction: false,
            copied: false,
            memory: Some(MemoryConfig::default()),
            dropout: 0.1,
        }
    }
}

impl TransformerConfig {
    /// Bytes of 32-bit floats: the published sizes with one embedding table per byte of a float.
    pub fn bytes() -> Self {
        Self {
            types: TypePattern::cycle(4),
            embedding: Embedding::PerType { gate: true },
            ..Self::default()
        }
    }

    /// Attention inside one record only: a batch of records, T = `fields`, a new state each time.
    pub fn record(fields: usize, vocab: usize) -> Self {
        let d_model = 64;
        let small = fields.saturating_mul(d_model).saturating_mul(vocab) <= LARGEST_TYPED_HEAD;
        Self {
            vocab,
            context_vocab: vocab,
            d_model,
            n_layers: 2,
            n_heads: 4,
            d_ff: 128,
            window: fields,
            types: TypePattern::cycle(fields),
            embedding: if small {
                Embedding::PerType { gate: false }
            } else {
                Embedding::Factorised
            },
            head: HeadKind::for_types(fields, d_model, vocab),
            head_bias: true,
            position: PositionKind::None,
            target_type: true,
            above: true,
            fraction: true,
            copied: true,
            memory: None,
            dropout: 0.0,
        }
    }

    /// Lanes of consecutive records: a window over several records and a memory of those before it.
    pub fn memory(fields: usize, vocab: usize) -> Self {
        let window = 256;
        Self {
            window,
            position: PositionKind::Distance,
            memory: Some(MemoryConfig { chunk: window, ..MemoryConfig::default() }),
            ..Self::record(fields, vocab)
        }
    }

    /// Width of a head.
    pub fn d_head(&self) -> usize {
        self.d_model / self.n_heads
    }

    /// Entries the memory holds at most: half the window.
    pub fn memory_cap(&self) -> usize {
        self.window / 2
    }

    /// # Errors
    /// [`ModelError::Config`] where sizes are zero or do not fit each other.
    pub fn validate(&self) -> Result<(), ModelError> {
        let fail = |text: String| Err(ModelError::Config(text));
        for (name, value, most) in [
            ("vocab", self.vocab, 1 << 16),
            ("context_vocab", self.context_vocab, 1 << 16),
            ("d_model", self.d_model, 1 << 14),
            ("n_layers", self.n_layers, 1 << 8),
            ("n_heads", self.n_heads, 1 << 14),
            ("d_ff", self.d_ff, 1 << 16),
            ("window", self.window, 1 << 16),
        ] {
            if value == 0 {
                return fail(format!("{name} must be at least 1"));
            }
            if value > most {
                return fail(format!("{name} = {value} is larger than {most}"));
            }
        }
        if !self.d_model.is_multiple_of(self.n_heads) {
            return fail(format!(
                "n_heads = {} does not divide d_model = {}",
                self.n_heads, self.d_model
            ));
        }
        if !(0.0..=0.99).contains(&self.dropout) {
            return fail(format!("dropout = {} is outside 0..=0.99", self.dropout));
        }
        self.types.validate()?;
        match &self.memory {
            None => Ok(()),
            Some(memory)
                if memory.chunk == 0 || memory.rate == 0 || memory.backprop_chunks == 0 =>
            {
                fail("memory: chunk, rate and backprop_chunks must be at least 1".into())
            }
            Some(_) if self.memory_cap() == 0 => {
                fail("memory: a window of 1 leaves no room for a memory".into())
            }
            Some(MemoryConfig { beta: Beta::Fixed { value }, .. })
                if !(0.0..=1.0).contains(value) =>
            {
                fail(format!("memory: beta = {value} is outside 0..=1"))
            }
            Some(_) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn presets_are_valid_and_survive_json() {
        for config in [
            TransformerConfig::default(),
            TransformerConfig::bytes(),
            TransformerConfig::record(31, 256),
            TransformerConfig::record(674, 256),
            TransformerConfig::memory(31, 256),
        ] {
            config.validate().expect("valid");
            let text = serde_json::to_string(&config).expect("JSON");
            assert_eq!(serde_json::from_str::<TransformerConfig>(&text).expect("JSON"), config);
        }
    }

    #[test]
    fn impossible_sizes_are_errors() {
        let base = TransformerConfig::default();
        for config in [
            TransformerConfig { n_heads: 7, ..base.clone() },
            TransformerConfig { vocab: 0, ..base.clone() },
            TransformerConfig { dropout: 1.5, ..base.clone() },
            TransformerConfig { window: 1, ..base.clone() },
            TransformerConfig {
                memory: Some(MemoryConfig { rate: 0, ..MemoryConfig::default() }),
                ..base.clone()
            },
        ] {
            assert!(matches!(config.validate(), Err(ModelError::Config(_))), "{config:?}");
        }
    }

    #[test]
    fn hundreds_of_fields_keep_the_head_small() {
        assert_eq!(TransformerConfig::record(31, 256).head, HeadKind::PerType);
        assert_eq!(TransformerConfig::record(674, 256).head, HeadKind::Factorised);
        assert!(TransformerConfig::record(674, 256).parameter_count() < 600_000);
    }
}
