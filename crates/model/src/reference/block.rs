//! One layer: `x + attention(norm x)`, then `x + feed-forward(norm x)`; (B, T, D) to (B, T, D).

use burn::module::Module;
use burn::tensor::Tensor;

use super::attention::CompressiveAttention;
use crate::dropout::Dropout;
use crate::init::Initialiser;
use crate::norm::LayerNorm;
use crate::reference::ReferenceConfig;
use crate::swiglu::SwiGlu;

/// A layer of the base model.
#[derive(Module, Debug)]
pub struct TransformerBlock {
    /// Before the attention.
    pub ln1: LayerNorm,
    /// Attention.
    pub attn: CompressiveAttention,
    /// Before the feed-forward part.
    pub ln2: LayerNorm,
    /// Feed-forward part.
    pub ff: SwiGlu,
}

impl TransformerBlock {
    /// Weights from N(0, `spread`²).
    pub fn new(config: &ReferenceConfig, spread: f64, init: &mut Initialiser) -> Self {
        Self {
            ln1: LayerNorm::new(config.d_model, init),
            attn: CompressiveAttention::new(config, spread, init),
            ln2: LayerNorm::new(config.d_model, init),
            ff: SwiGlu::new(config.d_model, config.d_ff, spread, init),
        }
    }

    /// (B, T, D) to (B, T, D), and the memory (B, M, D) after it.
    pub fn forward(
        &self,
        x: Tensor<3>,
        memory: Option<Tensor<3>>,
        dropout: Option<&mut Dropout>,
    ) -> (Tensor<3>, Tensor<3>) {
        let (branch, memory) = self.attn.forward(self.ln1.forward(x.clone()), memory, dropout);
        let x = x + branch;
        let y = x.clone() + self.ff.forward(self.ln2.forward(x));
        (y, memory)
    }
}
