//! A model in the layouts of the kernels, shared by all engines that run it.

use super::linear::PackedLinear;
use crate::config::{HeadKind, IntConfig};
use crate::ops::rescale::Raised;
use crate::ops::swiglu::SILU_LEN;
use crate::weights::{IntModel, LayerWeights, Weights};

/// A block.
#[derive(Clone, Debug)]
pub(super) struct PackedLayer {
    pub query: PackedLinear,
    pub key: PackedLinear,
    pub value: PackedLinear,
    pub output: PackedLinear,
    pub gate: PackedLinear,
    pub up: PackedLinear,
    pub down: PackedLinear,
    pub memory_key: PackedLinear,
    pub memory_value: PackedLinear,
    pub projection: PackedLinear,
    pub score: Raised,
    pub memory_score: Raised,
    /// (H, 2 · window): biases of falling distances, twice, so that those of a ring of keys are one slice of it.
    pub distance: Vec<i16>,
    pub silu: Box<[i16; SILU_LEN]>,
}

impl PackedLayer {
    fn new(layer: &LayerWeights, window: usize) -> Self {
        let mut silu = Box::new([0; SILU_LEN]);
        silu.iter_mut().zip(&layer.silu).for_each(|(to, &from)| *to = from);
        let twice = |row: &[i16]| -> Vec<i16> {
            row.iter().rev().chain(row.iter().rev()).copied().collect()
        };
        Self {
            query: PackedLinear::new(&layer.query),
            key: PackedLinear::new(&layer.key),
            value: PackedLinear::new(&layer.value),
            output: PackedLinear::new(&layer.output),
            gate: PackedLinear::new(&layer.gate),
            up: PackedLinear::new(&layer.up),
            down: PackedLinear::new(&layer.down),
            memory_key: PackedLinear::new(&layer.memory.key),
            memory_value: PackedLinear::new(&layer.memory.value),
            projection: PackedLinear::new(&layer.memory.projection),
            score: layer.score.raised(),
            memory_score: layer.memory.score.raised(),
            distance: layer.distance.chunks(window).flat_map(twice).collect(),
            silu,
        }
    }
}

/// A model ready to run.
#[derive(Clone, Debug)]
pub struct PackedModel {
    model: IntModel,
    layers: Vec<PackedLayer>,
    heads: Vec<PackedLinear>,
}

impl PackedModel {
    /// Packs all linear maps.
    pub fn new(model: IntModel) -> Self {
        let window = model.config().window;
        let layers = model.weights().layers.iter().map(|l| PackedLayer::new(l, window)).collect();
        let heads = model.weights().heads.iter().map(PackedLinear::new).collect();
        Self { model, layers, heads }
    }

    /// Bytes that packing a model of this shape allocates, besides the model itself: about. Narrow maps grow, so a
    /// program that limits memory asks before it packs a model it does not trust.
    pub fn bytes(config: &IntConfig) -> u64 {
        let (d, f) = (config.d_model, config.d_ff);
        let maps = if config.memory.is_some() { 7 } else { 4 };
        let square = PackedLinear::bytes(d, d);
        let tables = 2 * (SILU_LEN + 2 * config.n_heads * config.window) as u64;
        let layer =
            maps * square + 2 * PackedLinear::bytes(f, d) + PackedLinear::bytes(d, f) + tables;
        let heads = if config.head == HeadKind::PerType { config.type_count() } else { 1 };
        config.n_layers as u64 * layer + heads as u64 * PackedLinear::bytes(config.vocab, d)
    }

    /// The model as it was.
    pub fn model(&self) -> &IntModel {
        &self.model
    }

    /// Its shape.
    pub fn config(&self) -> &IntConfig {
        self.model.config()
    }

    pub(super) fn weights(&self) -> &Weights {
        self.model.weights()
    }

    pub(super) fn layers(&self) -> &[PackedLayer] {
        &self.layers
    }

    pub(super) fn heads(&self) -> &[PackedLinear] {
        &self.heads
    }
}
