//! Scaled dot-product attention over heads, and the mask of a sliding window.
//!
//! `softmax(q kᵀ / √d_head + bias) v`; q (B, H, Tq, d), k and v (B, H, Tk, d). The last query stands at the last key.
//! The backend's fused kernel serves inference; under autodiff, or with dropout, the same formula is composed.

use burn::tensor::activation::softmax;
use burn::tensor::module::attention;
use burn::tensor::ops::AttentionModuleOptions;
use burn::tensor::{Bool, Device, Tensor, TensorData};

use crate::dropout::Dropout;

/// Which keys a query sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Visible {
    /// All.
    All,
    /// The last `window` up to its own position: query i sees keys (i − window, i].
    Window(usize),
}

/// Attention. `bias` is (1, H, Tq, Tk), added to the scores.
pub fn attend(
    q: Tensor<4>,
    k: Tensor<4>,
    v: Tensor<4>,
    visible: Visible,
    bias: Option<Tensor<4>>,
    dropout: Option<&mut Dropout>,
) -> Tensor<4> {
    let [lanes, heads, queries, d_head] = q.dims();
    let keys = k.dims()[2];
    let hidden = hidden_keys(queries, keys, visible, &q.device().without_autodiff());
    if !q.is_autodiff() && dropout.is_none() {
        let shape = [lanes, heads, queries, keys];
        let options = AttentionModuleOptions::default();
        let bias = bias.map(|bias| bias.expand(shape));
        return attention(q, k, v, hidden.map(|mask| mask.expand(shape)), bias, options);
    }
    let scale = 1.0 / (d_head as f64).sqrt();
    let mut scores = q.mul_scalar(scale).matmul(k.swap_dims(2, 3));
    if let Some(bias) = bias {
        scores = scores + bias;
    }
    if let Some(mask) = hidden {
        // Finite in every float type, so never ∞ − ∞, and far enough for exp to give 0.
        let hidden = mask.float().mul_scalar(-3e4).cast(scores.dtype());
        scores = scores + hidden;
    }
    let mut weights = softmax(scores, 3);
    if let Some(dropout) = dropout {
        weights = dropout.apply(weights);
    }
    weights.matmul(v)
}

/// (B, H, T, d_head) to (B, T, D).
pub(crate) fn join_heads(x: Tensor<4>) -> Tensor<3> {
    let [lanes, heads, len, d_head] = x.dims();
    x.swap_dims(1, 2).reshape([lanes, len, heads * d_head])
}

/// (1, 1, Tq, Tk), true where a key is hidden; nothing where all are seen.
fn hidden_keys(
    queries: usize,
    keys: usize,
    visible: Visible,
    device: &Device,
) -> Option<Tensor<4, Bool>> {
    let Visible::Window(window) = visible else { return None };
    let before = keys - queries;
    if queries == 1 && keys <= window {
        return None;
    }
    let mask: Vec<bool> = (0..queries)
        .flat_map(|i| (0..keys).map(move |j| j > before + i || j + window <= before + i))
        .collect();
    Some(Tensor::from_data(TensorData::new(mask, [1, 1, queries, keys]), device))
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::{Distribution, Tolerance};

    #[test]
    fn the_fused_kernel_and_the_formula_agree() {
        let device = Device::flex();
        let random = |shape: [usize; 4]| Tensor::<4>::random(shape, Distribution::Default, &device);
        for (queries, keys, window) in [(5, 5, 8), (5, 9, 3), (1, 9, 4), (4, 4, 2)] {
            let (q, k, v) =
                (random([2, 3, queries, 4]), random([2, 3, keys, 4]), random([2, 3, keys, 4]));
            let bias = random([1, 3, queries, keys]);
            for bias in [None, Some(bias)] {
                let run = |q: Tensor<4>| {
                    attend(q, k.clone(), v.clone(), Visible::Window(window), bias.clone(), None)
                };
                let fused = run(q.clone()).into_data();
                let composed = run(q.clone().autodiff()).without_autodiff().into_data();
                fused.assert_approx_eq::<f32>(&composed, Tolerance::absolute(1e-5));
            }
        }
    }

    #[test]
    fn a_query_sees_the_window_up_to_itself() {
        let mask = hidden_keys(3, 5, Visible::Window(2), &Device::flex()).expect("a mask");
        let rows: Vec<bool> = mask.into_data().try_to_vec().expect("bool");
        let seen: Vec<Vec<usize>> =
            rows.chunks(5).map(|row| (0..5).filter(|&j| !row[j]).collect()).collect();
        assert_eq!(seen, [[1, 2], [2, 3], [3, 4]]);
    }
}
