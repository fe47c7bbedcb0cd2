//! One layer: `x + attention(norm x)`, then `x + feed-forward(norm x)`; (B, T, D) to (B, T, D).

use burn::module::Module;
use burn::tensor::Tensor;

use super::attention::OptimisedCompressiveAttention;
use super::state::LayerState;
use crate::config::TransformerConfig;
use crate::dropout::Dropout;
use crate::init::Initialiser;
use crate::norm::RmsNorm;
use crate::swiglu::SwiGlu;

/// A layer of the production network.
#[derive(Module, Debug)]
pub struct OptimisedBlock {
    /// Before the attention.
    pub ln1: RmsNorm,
    /// Attention.
    pub attn: OptimisedCompressiveAttention,
    /// Before the feed-forward part.
    pub ln2: RmsNorm,
    /// Feed-forward part.
    pub ff: SwiGlu,
}

impl OptimisedBlock {
    /// Weights from N(0, `spread`²).
    pub fn new(config: &TransformerConfig, spread: f64, init: &mut Initialiser) -> Self {
        Self {
            ln1: RmsNorm::new(config.d_model, init),
            attn: OptimisedCompressiveAttention::new(config, spread, init),
            ln2: RmsNorm::new(config.d_model, init),
            ff: SwiGlu::new(config.d_model, config.d_ff, spread, init),
        }
    }

    /// See [`OptimisedCompressiveAttention::forward`]. Dropout acts on attention weights and on both branches.
    pub fn forward(
        &self,
        x: Tensor<3>,
        state: LayerState,
        chunk_ends: bool,
        mut dropout: Option<&mut Dropout>,
    ) -> (Tensor<3>, LayerState) {
        let (mut branch, state) = self.attn.forward(
            self.ln1.forward(x.clone()),
            state,
            chunk_ends,
            dropout.as_deref_mut(),
        );
        if let Some(dropout) = dropout.as_deref_mut() {
            branch = dropout.apply(branch);
        }
        let x = x + branch;
        let mut branch = self.ff.forward(self.ln2.forward(x.clone()));
        if let Some(dropout) = dropout {
            branch = dropout.apply(branch);
        }
        (x + branch, state)
    }
}
