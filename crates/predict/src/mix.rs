//! Context mixing: the adaptive symbol model of levels 4 to 6.
//!
//! A symbol is coded as up to 8 binary decisions, most significant first. For each decision every context
//! gives a counter ([`counter`], found through [`slots`]); the counters' logits, with extra inputs of the
//! client, are mixed by weight sets ([`mixer`]) that the client's selectors choose; a final mixer joins the sets
//! and adaptive probability maps ([`apm`]) correct what is left. All of it is integer arithmetic.
//!
//! The design follows PAQ8 and lpaq (Mahoney): bitwise context mixing, nibble-bucketed slots, SSE.

pub mod apm;
pub mod counter;
mod engine;
pub mod match_model;
pub mod mixer;
pub mod saved;
pub mod slots;
pub mod squash;

use mixer::WeightSet;
use vxc_infer::kernels::LANES;

pub use engine::{Expert, Mix, NoExpert, Query};

/// Largest number of contexts of an engine.
pub const MAX_CONTEXTS: usize = 32;
/// Largest number of weight sets.
pub const MAX_SETS: usize = 6;
/// Largest number of extra inputs.
pub const MAX_EXTRA: usize = 16;
/// Largest number of final maps.
pub const MAX_APMS: usize = 3;

/// One weight set of an engine.
#[derive(Clone, Debug)]
pub struct SetConfig {
    /// Number of selector values.
    pub size: usize,
    /// Whether each selector value has a vector for each node of the symbol's tree, too.
    pub by_node: bool,
    /// Learning rate in units of 2^-16: see [`mixer::rate`].
    pub rate: u32,
}

/// What an engine is made of.
#[derive(Clone, Debug)]
pub struct MixConfig {
    /// log2 of the number of lines (64 bytes) of each context.
    pub line_bits: u32,
    /// Counter limit of each context; its length is the number of contexts.
    pub limits: Vec<u16>,
    /// Whether each context also gives its last symbol and run as an input.
    pub runs: bool,
    /// Weight sets, 1 to [`MAX_SETS`].
    pub sets: Vec<SetConfig>,
    /// Number of inputs that the client's [`Expert`] gives.
    pub extra_inputs: usize,
    /// Sizes of the final maps' selectors, at most [`MAX_APMS`]; each is refined by node.
    pub apms: Vec<usize>,
    /// Most decisions of a symbol, 1..=8: sizes what is kept by node.
    pub depth: u32,
}

impl MixConfig {
    /// Inputs of the mixers, in whole blocks: one or two for each context, the client's, and a constant.
    fn width(&self) -> usize {
        let contexts = self.limits.len();
        let padded = contexts.next_multiple_of(LANES);
        let per_context = if self.runs { 2 } else { 1 };
        let inputs = padded * per_context + self.extra_inputs + usize::from(padded == contexts);
        inputs.next_multiple_of(LANES)
    }

    /// Weight vectors of a set.
    fn vectors(&self, set: &SetConfig) -> usize {
        set.size * if set.by_node { 1 << self.depth } else { 1 }
    }

    /// Bytes that an engine of this configuration holds.
    pub fn bytes(&self) -> u64 {
        let contexts = self.limits.len();
        let lines = (contexts as u64 * size_of::<slots::Line>() as u64) << self.line_bits;
        let runs = if self.runs { contexts * engine::RUN_COUNTERS } else { 0 };
        let weights: usize =
            self.sets.iter().map(|s| WeightSet::bytes(self.vectors(s), self.width())).sum();
        let last = WeightSet::bytes(engine::LAST_VECTORS, LANES);
        let apms: usize = self.apms.iter().map(|n| apm::Apm::bytes(n << self.depth)).sum();
        lines + (runs * size_of::<i32>() + weights + last + apms) as u64
    }

    /// log2 of the lines for each context for `symbols` symbols to come at a level.
    pub fn line_bits_for(symbols: u64, level: u32) -> u32 {
        let most = if level >= 4 { 16 } else { 14 };
        // Two lines a symbol at most; half of that holds what repeats.
        (64 - symbols.leading_zeros()).clamp(6, most)
    }
}
