//! Attention with a recent and a compressed past.
//!
//! `y = W_out (β · attend(q, k', v') + (1 − β) · attend(q, k, v))`: local attention is causal over the pass, memory
//! attention sees all entries. The input x (B, T, D), normalised, is compressed into the memory (B, M, D) after use.

use burn::module::Module;
use burn::nn::Linear;
use burn::tensor::Tensor;

use crate::attend::{Visible, attend, join_heads};
use crate::config::{Beta, MemoryConfig};
use crate::dropout::Dropout;
use crate::init::Initialiser;
use crate::linear::{project, project_heads};
use crate::memory_stream::MemoryStream;
use crate::reference::ReferenceConfig;

/// Attention of the base model.
#[derive(Module, Debug)]
pub struct CompressiveAttention {
    /// (D, 3D)
    pub qkv: Linear,
    /// (D, D)
    pub out: Linear,
    /// The compressed past.
    pub memory: MemoryStream,
    heads: usize,
}

impl CompressiveAttention {
    /// Weights from N(0, `spread`²), b = 0.
    pub fn new(config: &ReferenceConfig, spread: f64, init: &mut Initialiser) -> Self {
        let (d, heads) = (config.d_model, config.n_heads);
        let memory = MemoryConfig {
            chunk: config.window,
            rate: config.compression_rate,
            beta: Beta::Learned { init: 0.0 },
            ..MemoryConfig::default()
        };
        Self {
            qkv: init.linear(d, 3 * d, spread),
            out: init.linear(d, d, spread),
            memory: MemoryStream::new(d, heads, config.window / 2, &memory, spread, init),
            heads,
        }
    }

    /// (B, T, D) to (B, T, D), and the memory after it.
    pub fn forward(
        &self,
        x: Tensor<3>,
        memory: Option<Tensor<3>>,
        dropout: Option<&mut Dropout>,
    ) -> (Tensor<3>, Tensor<3>) {
        let len = x.dims()[1];
        let [q, k, v] = project_heads(x.clone(), &self.qkv, self.heads);
        let mut y = attend(q.clone(), k, v, Visible::Window(len), None, dropout);
        if let Some(memory) = &memory {
            y = self.memory.mix(q, memory.clone(), y);
        }
        (project(join_heads(y), &self.out), self.memory.manager.write(memory, x))
    }
}
