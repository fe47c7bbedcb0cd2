//! The shape of an integer transformer: what the engine needs to know besides the weights.
//!
//! The limits keep every sum inside its integer type (docs/determinism.md) and bound what a hostile model can ask
//! for. Training-only facts of the float configuration (dropout, how β began) are absent; the gate of typed tables
//! is part of the tables.

use crate::error::ModelError;

/// Symbols that can be predicted: the alphabet of a [`vxc_entropy::Cdf`].
pub const MAX_VOCAB: usize = 256;
/// Symbols that can be read.
pub const MAX_CONTEXT_VOCAB: usize = 1 << 16;
/// Width of the residual stream.
pub const MAX_D_MODEL: usize = 4096;
/// Width of a head: d_head · 2047² < 2^31.
pub const MAX_D_HEAD: usize = 512;
/// Width of the feed-forward part.
pub const MAX_D_FF: usize = 16384;
/// Blocks.
pub const MAX_LAYERS: usize = 64;
/// Keys a query can see.
pub const MAX_WINDOW: usize = 8192;
/// Positions in a chunk.
pub const MAX_CHUNK: usize = 8192;
/// Positions in a record.
pub const MAX_RECORD: usize = 1 << 16;
/// Positions after which sinusoidal encodings repeat.
pub const POSITION_RING: u64 = 8192;

/// How symbols become vectors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Embedding {
    /// One table for all positions.
    Shared,
    /// One table per position type.
    PerType,
    /// One table and a gain vector per position type.
    Factorised,
}

/// How vectors become logits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeadKind {
    /// One matrix.
    Shared,
    /// One matrix per position type.
    PerType,
    /// One matrix and a gain vector per position type.
    Factorised,
}

/// How a position is told from others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PositionKind {
    /// Sines and cosines of the position modulo [`POSITION_RING`], added to the embedding.
    Sinusoidal,
    /// A number per head and distance between query and key, added to the scores.
    Distance,
    /// Nothing.
    None,
}

/// The compressed memory of past chunks. At most window / 2 entries are held, the oldest leave first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryConfig {
    /// Positions in a chunk: memory is written at the end of a full one and seen from the next on.
    pub chunk: usize,
    /// One of so many positions is kept, rounded up.
    pub rate: usize,
}

/// The shape of an integer transformer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IntConfig {
    /// Symbols that are predicted; those from here to 255 have the least probability.
    pub vocab: usize,
    /// Symbols that are read.
    pub context_vocab: usize,
    /// Width of the residual stream, D.
    pub d_model: usize,
    /// Blocks.
    pub n_layers: usize,
    /// Attention heads, H; divides D.
    pub n_heads: usize,
    /// Width of the feed-forward part, F.
    pub d_ff: usize,
    /// Query i sees keys (i − window, i].
    pub window: usize,
    /// Position type of each position of a record; repeats.
    pub types: Vec<u16>,
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
    /// Whether the symbol one record up is read.
    pub above: bool,
    /// Whether the offset fraction of the previous symbol is read.
    pub fraction: bool,
    /// Whether a flag "coded as COPY" of the previous symbol is read.
    pub copied: bool,
    /// Memory of past chunks.
    pub memory: Option<MemoryConfig>,
}

impl IntConfig {
    /// Types 0, 1, … n − 1, repeated.
    pub fn cycle(n: u16) -> Vec<u16> {
        (0..n).collect()
    }

    /// Attention inside one record of `fields` symbols: d 64, 2 layers, 4 heads, d_ff 128.
    pub fn record(fields: u16) -> Self {
        let fields = fields.max(1);
        Self {
            vocab: MAX_VOCAB,
            context_vocab: MAX_VOCAB,
            d_model: 64,
            n_layers: 2,
            n_heads: 4,
            d_ff: 128,
            window: usize::from(fields).min(MAX_WINDOW),
            types: Self::cycle(fields),
            embedding: Embedding::PerType,
            head: HeadKind::PerType,
            head_bias: true,
            position: PositionKind::None,
            target_type: true,
            above: true,
            fraction: true,
            copied: true,
            memory: None,
        }
    }

    /// Consecutive records of `fields` symbols: a window of 256 positions and a memory of those before.
    pub fn memory(fields: u16) -> Self {
        Self {
            window: 256,
            position: PositionKind::Distance,
            memory: Some(MemoryConfig { chunk: 256, rate: 4 }),
            ..Self::record(fields)
        }
    }

    /// Number of position types.
    pub fn type_count(&self) -> usize {
        self.types.iter().max().map_or(0, |&t| usize::from(t) + 1)
    }

    /// Type of a position counted from the start of a record.
    #[inline]
    pub fn type_at(&self, position: u64) -> usize {
        usize::from(self.types[(position % self.types.len() as u64) as usize])
    }

    /// Width of a head.
    pub fn d_head(&self) -> usize {
        self.d_model / self.n_heads
    }

    /// Entries the memory holds at most.
    pub fn memory_cap(&self) -> usize {
        self.window / 2
    }

    /// Entries that a full chunk adds to the memory.
    pub(crate) fn kept(&self) -> usize {
        self.memory.map_or(0, |m| m.chunk.div_ceil(m.rate))
    }

    /// Multiply-accumulates of linear maps and attention for one symbol, window and memory being full.
    pub fn macs_per_symbol(&self) -> u64 {
        let d = self.d_model;
        let mut layer = 4 * d * d + 3 * d * self.d_ff + 2 * d * self.window;
        if let Some(memory) = &self.memory {
            layer += 2 * d * self.memory_cap();
            layer += (3 * d * d) / memory.rate + 7 * d;
        }
        (self.n_layers * layer + d * self.vocab) as u64
    }

    /// What a symbol costs, in multiply-accumulates: with the padding of heads, and what a place of window or memory takes
    /// whatever its width. Networks in archives are limited by it.
    pub fn work_per_symbol(&self) -> u64 {
        let (d, heads, width) = (self.d_model, self.n_heads, self.d_head());
        let place = width.next_multiple_of(2) + width.next_multiple_of(8) + 8;
        let cap = self.memory.map_or(0, |_| self.memory_cap());
        let mut layer = 4 * d * d + 3 * d * self.d_ff + heads * (self.window + cap) * place;
        if let Some(memory) = &self.memory {
            layer += (3 * d * d * self.kept()).div_ceil(memory.chunk) + 7 * d;
        }
        (self.n_layers * layer + d * self.vocab) as u64
    }

    /// # Errors
    /// [`ModelError::Config`] where a size is zero, above its limit, or does not fit the others.
    pub fn validate(&self) -> Result<(), ModelError> {
        for (name, value, limit) in [
            ("vocab", self.vocab, MAX_VOCAB),
            ("context_vocab", self.context_vocab, MAX_CONTEXT_VOCAB),
            ("d_model", self.d_model, MAX_D_MODEL),
            ("n_layers", self.n_layers, MAX_LAYERS),
            ("n_heads", self.n_heads, self.d_model),
            ("d_ff", self.d_ff, MAX_D_FF),
            ("window", self.window, MAX_WINDOW),
            ("positions of a record", self.types.len(), MAX_RECORD),
        ] {
            if value == 0 || value > limit {
                return Err(ModelError::Config(format!("{name} = {value} is outside 1..={limit}")));
            }
        }
        if !self.d_model.is_multiple_of(self.n_heads) || self.d_head() > MAX_D_HEAD {
            return Err(ModelError::Config(format!(
                "{} heads of d_model = {}: must divide, into at most {MAX_D_HEAD} each",
                self.n_heads, self.d_model
            )));
        }
        let mut used = vec![false; self.type_count()];
        for &t in &self.types {
            used[usize::from(t)] = true;
        }
        if used.contains(&false) {
            return Err(ModelError::Config("position types have gaps".into()));
        }
        let Some(memory) = &self.memory else { return Ok(()) };
        if !(1..=MAX_CHUNK).contains(&memory.chunk) || !(1..=MAX_CHUNK).contains(&memory.rate) {
            return Err(ModelError::Config(format!("chunk or rate is outside 1..={MAX_CHUNK}")));
        }
        if self.memory_cap() == 0 {
            return Err(ModelError::Config("a window of 1 leaves no room for a memory".into()));
        }
        Ok(())
    }
}
