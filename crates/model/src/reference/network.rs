//! The base model as a whole: embedding + positions, blocks, norm, head without bias.

use burn::module::Module;
use burn::nn::Linear;
use burn::tensor::{Device, Int, Tensor};
use serde::{Deserialize, Serialize};

use super::block::TransformerBlock;
use crate::config::{Embedding, TypePattern};
use crate::dropout::Dropout;
use crate::embedding::{SPREAD, TdtEmbedding};
use crate::error::ModelError;
use crate::init::Initialiser;
use crate::linear::project;
use crate::norm::LayerNorm;
use crate::position::PositionalEncoding;

/// Sizes of the base model; the defaults are the published ones.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReferenceConfig {
    /// Symbols read and predicted.
    pub vocab: usize,
    /// Width of the residual stream.
    pub d_model: usize,
    /// Blocks.
    pub n_layers: usize,
    /// Attention heads; divides `d_model`.
    pub n_heads: usize,
    /// Width of the feed-forward part.
    pub d_ff: usize,
    /// The memory holds half as many entries.
    pub window: usize,
    /// One of so many positions is remembered.
    pub compression_rate: usize,
    /// One embedding table per byte of a 32-bit float.
    pub use_tdt: bool,
}

impl Default for ReferenceConfig {
    fn default() -> Self {
        Self {
            vocab: 256,
            d_model: 512,
            n_layers: 8,
            n_heads: 8,
            d_ff: 2048,
            window: 512,
            compression_rate: 4,
            use_tdt: false,
        }
    }
}

/// The base model.
#[derive(Module, Debug)]
pub struct CompressiveTransformer {
    /// Of symbols.
    pub embed: TdtEmbedding,
    /// Blocks.
    pub layers: Vec<TransformerBlock>,
    /// Before the head.
    pub ln_f: LayerNorm,
    /// (D, V)
    pub head: Linear,
    #[module(skip)]
    config: ReferenceConfig,
}

impl CompressiveTransformer {
    /// A network with weights drawn from `seed`.
    ///
    /// # Errors
    /// [`ModelError::Config`] where sizes are zero or do not fit each other.
    pub fn new(config: &ReferenceConfig, seed: u64, device: &Device) -> Result<Self, ModelError> {
        let c = config;
        let sizes = [c.vocab, c.d_model, c.n_layers, c.n_heads, c.d_ff, c.compression_rate];
        if sizes.contains(&0) || c.window < 2 || !c.d_model.is_multiple_of(c.n_heads) {
            return Err(ModelError::Config(format!("impossible sizes: {c:?}")));
        }
        let mut init = Initialiser::new(seed, device);
        let init = &mut init;
        let spread = SPREAD / (2.0 * c.n_layers as f64).sqrt();
        let kind = if c.use_tdt { Embedding::PerType { gate: true } } else { Embedding::Shared };
        Ok(Self {
            embed: TdtEmbedding::new(kind, c.vocab, 4, c.d_model, init),
            layers: (0..c.n_layers).map(|_| TransformerBlock::new(c, spread, init)).collect(),
            ln_f: LayerNorm::new(c.d_model, init),
            head: init.linear(c.d_model, c.vocab, spread),
            config: config.clone(),
        })
    }

    /// What the network was made from.
    pub fn config(&self) -> &ReferenceConfig {
        &self.config
    }

    /// Number of trained weights.
    pub fn parameter_count(&self) -> usize {
        self.num_params()
    }

    /// Logits (B, T, V) of the symbol after each of (B, T), and the memories after them, one per layer.
    ///
    /// # Panics
    /// If `memories` is neither empty (none yet) nor one per layer.
    pub fn forward(
        &self,
        symbols: Tensor<2, Int>,
        memories: Vec<Tensor<3>>,
        mut dropout: Option<&mut Dropout>,
    ) -> (Tensor<3>, Vec<Tensor<3>>) {
        assert!(memories.is_empty() || memories.len() == self.layers.len(), "one memory per layer");
        let [_, len] = symbols.dims();
        let device = symbols.device().without_autodiff();
        let types = TypePattern::cycle(4).at(0, len);
        let encoding = PositionalEncoding::new(self.config.d_model).forward(0, len, &device);
        let mut x = self.embed.forward(symbols, &types) + encoding;
        let mut old = memories.into_iter();
        let mut new = Vec::with_capacity(self.layers.len());
        for block in &self.layers {
            let (y, memory) = block.forward(x, old.next(), dropout.as_deref_mut());
            x = y;
            new.push(memory);
        }
        (project(self.ln_f.forward(x), &self.head), new)
    }
}
