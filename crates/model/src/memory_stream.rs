//! The memory stream of attention, and its share.
//!
//! ```text
//! k', v' = W_mem m                         m (B, M, D): entries of the memory, without positions
//! y = β · attend(q, k', v') + (1 − β) · local          β = sigmoid(b) per head, or fixed
//! ```
//! q, local and y (B, H, T, d_head). With b = 0, as the published base model starts, β = ½ from the first step: half of
//! the output comes from a memory that means nothing yet. The production model starts at b = −3, β ≈ 0.047.
//! Source: Munkhdalai, Faruqui, Gopal, arXiv:2404.07143 (the gate; its memory is another one).

use burn::module::{Module, Param};
use burn::nn::Linear;
use burn::tensor::Tensor;
use burn::tensor::activation::sigmoid;

use crate::attend::{Visible, attend};
use crate::config::{Beta, MemoryConfig};
use crate::init::Initialiser;
use crate::linear::project_heads;
use crate::memory::MemoryManager;

/// Reads the memory and holds what writes it.
#[derive(Module, Debug)]
pub struct MemoryStream {
    /// (D, 2D): keys and values of memory entries.
    pub key_value: Linear,
    /// (H): b, where it is trained.
    pub infini_beta: Option<Param<Tensor<1>>>,
    /// Writes.
    pub manager: MemoryManager,
    fixed_beta: f32,
}

impl MemoryStream {
    /// Weights from N(0, `spread`²); at most `cap` entries.
    pub fn new(
        d_model: usize,
        heads: usize,
        cap: usize,
        config: &MemoryConfig,
        spread: f64,
        init: &mut Initialiser,
    ) -> Self {
        let (learned, fixed_beta) = match config.beta {
            Beta::Learned { init } => (Some(init), 0.0),
            Beta::Fixed { value } => (None, value),
        };
        Self {
            key_value: init.linear(d_model, 2 * d_model, spread),
            infini_beta: learned.map(|b| init.constant([heads], b)),
            manager: MemoryManager::new(d_model, config.rate, cap, init),
            fixed_beta,
        }
    }

    /// Adds what queries (B, H, T, d_head) find in the memory (B, M, D) to the local stream.
    pub fn mix(&self, q: Tensor<4>, memory: Tensor<3>, local: Tensor<4>) -> Tensor<4> {
        let heads = q.dims()[1];
        let [keys, values] = project_heads(memory, &self.key_value, heads);
        let remembered = attend(q, keys, values, Visible::All, None, None);
        match &self.infini_beta {
            Some(b) => {
                let beta: Tensor<4> = sigmoid(b.val()).reshape([1, -1, 1, 1]);
                local.clone() + (remembered - local) * beta
            }
            None => {
                remembered.mul_scalar(self.fixed_beta) + local.mul_scalar(1.0 - self.fixed_beta)
            }
        }
    }
}
