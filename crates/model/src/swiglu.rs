//! Gated feed-forward layer.
//!
//! `y = W_down (silu(W_gate x) ⊙ W_up x)`, without biases; (B, T, D) to (B, T, D), inner width d_ff.
//! Source: Shazeer, *GLU Variants Improve Transformer*, arXiv:2002.05202.

use burn::module::Module;
use burn::nn::Linear;
use burn::tensor::Tensor;
use burn::tensor::activation::silu;

use crate::init::Initialiser;
use crate::linear::project;

/// The three maps.
#[derive(Module, Debug)]
pub struct SwiGlu {
    /// (D, d_ff)
    pub gate: Linear,
    /// (D, d_ff)
    pub up: Linear,
    /// (d_ff, D)
    pub down: Linear,
}

impl SwiGlu {
    /// Weights from N(0, `spread`²).
    pub fn new(d_model: usize, d_ff: usize, spread: f64, init: &mut Initialiser) -> Self {
        Self {
            gate: init.linear(d_model, d_ff, spread),
            up: init.linear(d_model, d_ff, spread),
            down: init.linear(d_ff, d_model, spread),
        }
    }

    /// (B, T, D) to (B, T, D).
    pub fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        project(silu(project(x.clone(), &self.gate)) * project(x, &self.up), &self.down)
    }
}
