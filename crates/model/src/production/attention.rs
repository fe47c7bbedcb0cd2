//! Attention over a sliding window and a compressed memory.
//!
//! ```text
//! q, k, v = W_qkv x                        local stream: keys (i − window, i], cached over passes
//! k', v'  = W_mem m                        memory stream: all M entries, no positions
//! y = W_out (β · attend(q, k', v') + (1 − β) · attend(q, k, v))         β = sigmoid(b) per head
//! ```
//! x (B, T, D) is the normalised residual stream, m (B, M, D) the memory; an empty memory leaves the local stream alone.
//! b starts at −3 (β ≈ 0.047, almost local); b = 0 would start at β = 0.5. The inputs x of a chunk are collected, and
//! at its end compressed into the memory. Sources: Munkhdalai et al., arXiv:2404.07143 (β); the published package.

use burn::module::{Module, Param};
use burn::nn::Linear;
use burn::tensor::{Int, Tensor, TensorData};

use super::state::{KvCache, LayerState};
use crate::attend::{Visible, attend, join_heads};
use crate::config::{PositionKind, TransformerConfig};
use crate::dropout::Dropout;
use crate::init::Initialiser;
use crate::linear::{project, project_heads};
use crate::memory_stream::MemoryStream;

/// Attention of the production network.
#[derive(Module, Debug)]
pub struct OptimisedCompressiveAttention {
    /// (D, 3D)
    pub qkv: Linear,
    /// (D, D)
    pub out: Linear,
    /// (H, window): added to the score of a key so many positions back.
    pub distance: Option<Param<Tensor<2>>>,
    /// The memory, where there is one.
    pub memory: Option<MemoryStream>,
    heads: usize,
    window: usize,
}

impl OptimisedCompressiveAttention {
    /// Weights from N(0, `spread`²).
    pub fn new(config: &TransformerConfig, spread: f64, init: &mut Initialiser) -> Self {
        let (d, heads) = (config.d_model, config.n_heads);
        Self {
            qkv: init.linear(d, 3 * d, spread),
            out: init.linear(d, d, spread),
            distance: (config.position == PositionKind::Distance)
                .then(|| init.constant([heads, config.window], 0.0)),
            memory: config.memory.as_ref().map(|memory| {
                MemoryStream::new(d, heads, config.memory_cap(), memory, spread, init)
            }),
            heads,
            window: config.window,
        }
    }

    /// (B, T, D) to (B, T, D). `chunk_ends`: the last position is the last of its chunk.
    pub fn forward(
        &self,
        x: Tensor<3>,
        state: LayerState,
        chunk_ends: bool,
        dropout: Option<&mut Dropout>,
    ) -> (Tensor<3>, LayerState) {
        let [_, len, _] = x.dims();
        let [q, k, v] = project_heads(x.clone(), &self.qkv, self.heads);
        let (keys, values) = match state.cache {
            Some(cache) => {
                (Tensor::cat(vec![cache.keys, k], 2), Tensor::cat(vec![cache.values, v], 2))
            }
            None => (k, v),
        };
        let bias =
            self.distance.as_ref().map(|table| distance_bias(table.val(), len, keys.dims()[2]));
        let visible = Visible::Window(self.window);
        let mut y = attend(q.clone(), keys.clone(), values.clone(), visible, bias, dropout);
        if let (Some(stream), Some(memory)) = (&self.memory, &state.memory) {
            y = stream.mix(q, memory.clone(), y);
        }
        let y = join_heads(y);
        let (memory, pending) = match &self.memory {
            None => (None, None),
            Some(stream) => {
                let chunk = match state.pending {
                    Some(pending) => Tensor::cat(vec![pending, x], 1),
                    None => x,
                };
                if chunk_ends {
                    (Some(stream.manager.write(state.memory, chunk)), None)
                } else {
                    (state.memory, Some(chunk))
                }
            }
        };
        let cache = KvCache { keys: self.bound(keys), values: self.bound(values) };
        (project(y, &self.out), LayerState { cache: Some(cache), memory, pending })
    }

    /// The last window − 1 positions: all that the next query sees besides itself.
    fn bound(&self, x: Tensor<4>) -> Tensor<4> {
        let (held, cap) = (x.dims()[2], self.window - 1);
        match cap {
            _ if held <= cap => x,
            // An empty range is no tensor on every backend: one entry, which the window hides.
            0 => x.narrow(2, held - 1, 1),
            _ => x.narrow(2, held - cap, cap),
        }
    }
}

/// (1, H, Tq, Tk) from a table (H, window): the entry of the distance from query back to key.
fn distance_bias(table: Tensor<2>, queries: usize, keys: usize) -> Tensor<4> {
    let [heads, window] = table.dims();
    let before = keys - queries;
    let index: Vec<i64> = (0..queries)
        .flat_map(|i| (0..keys).map(move |j| (before + i).saturating_sub(j).min(window - 1) as i64))
        .collect();
    let index = Tensor::<1, Int>::from_data(
        TensorData::new(index, [queries * keys]),
        &table.device().without_autodiff(),
    );
    table.select(1, index).reshape([1, heads, queries, keys])
}
