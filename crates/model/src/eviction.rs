//! Learnable token eviction: which positions of a chunk are worth remembering.
//!
//! ```text
//! s = pointwise(depthwise_7(x))               scores (B, T); the convolution sees both sides, zeros outside the chunk
//! I = the k = ⌈T / rate⌉ largest scores, in order of time
//! y = norm(W (x[I] ⊙ sigmoid(s[I])))          (B, k, D)
//! ```
//! Equal scores: the lower position wins. The sigmoid is a soft gate, the only way by which gradients reach the scorer
//! (the choice itself has none). Source: the published package's `LearnableTokenEviction`.

use std::cmp::Ordering;

use burn::module::{Module, Param};
use burn::nn::Linear;
use burn::tensor::activation::sigmoid;
use burn::tensor::{Int, Tensor, TensorData};

use crate::config::SCORER_KERNEL;
use crate::init::Initialiser;
use crate::linear::project;
use crate::norm::LayerNorm;

/// Scorer, projection and normalisation.
#[derive(Module, Debug)]
pub struct LearnableTokenEviction {
    /// (7, D): weight of offset −3 … 3 for each channel.
    pub depthwise: Param<Tensor<2>>,
    /// (D, 1)
    pub pointwise: Param<Tensor<2>>,
    /// (1): added to all scores.
    pub pointwise_bias: Param<Tensor<1>>,
    /// (D, D)
    pub projection: Linear,
    /// Of the kept vectors.
    pub norm: LayerNorm,
    rate: usize,
}

/// What is kept of a chunk.
pub struct Kept {
    /// (B, k, D)
    pub values: Tensor<3>,
    /// Positions kept, ascending, for each of the B lanes.
    pub positions: Vec<Vec<usize>>,
}

impl LearnableTokenEviction {
    /// Keeps one of `rate` positions.
    pub fn new(d_model: usize, rate: usize, init: &mut Initialiser) -> Self {
        // Kaiming's spread, √(2 / inputs), for the convolutions.
        let kaiming = |inputs: usize| (2.0 / inputs as f64).sqrt();
        Self {
            depthwise: init.normal([SCORER_KERNEL, d_model], kaiming(SCORER_KERNEL)),
            pointwise: init.normal([d_model, 1], kaiming(d_model)),
            pointwise_bias: init.constant([1], 0.0),
            projection: init.linear(d_model, d_model, kaiming(d_model)),
            norm: LayerNorm::new(d_model, init),
            rate,
        }
    }

    /// Scores (B, T) of a chunk (B, T, D).
    pub fn scores(&self, chunk: Tensor<3>) -> Tensor<2> {
        let [lanes, len, d] = chunk.dims();
        let reach = SCORER_KERNEL / 2;
        let zeros = Tensor::zeros([lanes, reach, d], (&chunk.device(), chunk.dtype()));
        let padded = Tensor::cat(vec![zeros.clone(), chunk, zeros], 1);
        let weights = self.depthwise.val();
        // The convolution as a sum of shifted products: plain operations, on every backend and under autodiff.
        let mut sum: Option<Tensor<3>> = None;
        for offset in 0..SCORER_KERNEL {
            let weight = weights.clone().narrow(0, offset, 1).unsqueeze::<3>();
            let term = padded.clone().narrow(1, offset, len) * weight;
            sum = Some(match sum {
                Some(sum) => sum + term,
                None => term,
            });
        }
        let filtered = sum.unwrap_or(padded).reshape([lanes * len, d]);
        let scores = filtered.matmul(self.pointwise.val()) + self.pointwise_bias.val().unsqueeze();
        scores.reshape([lanes, len])
    }

    /// Keeps the best positions of a chunk (B, T, D).
    pub fn forward(&self, chunk: Tensor<3>) -> Kept {
        let [lanes, len, d] = chunk.dims();
        let scores = self.scores(chunk.clone());
        let positions = best(&scores, len.div_ceil(self.rate).clamp(1, len));
        let kept = positions.first().map_or(0, Vec::len);
        let flat: Vec<i64> = positions.iter().flatten().map(|&t| t as i64).collect();
        let index = Tensor::<2, Int>::from_data(
            TensorData::new(flat, [lanes, kept]),
            &chunk.device().without_autodiff(),
        );
        let gate: Tensor<3> = sigmoid(scores.gather(1, index.clone())).unsqueeze_dim(2);
        let chosen = chunk.gather(1, index.unsqueeze_dim::<3>(2).expand([lanes, kept, d]));
        Kept { values: self.norm.forward(project(chosen * gate, &self.projection)), positions }
    }
}

/// The `keep` best positions of each lane, ascending. Chosen on the host: sorts of backends do not promise an order of
/// equals.
fn best(scores: &Tensor<2>, keep: usize) -> Vec<Vec<usize>> {
    let [_, len] = scores.dims();
    let data = scores.clone().without_autodiff().into_data();
    let values: Vec<f32> = data.iter::<f32>().collect();
    values
        .chunks(len.max(1))
        .map(|row| {
            let mut order: Vec<usize> = (0..row.len()).collect();
            order.sort_by(|&a, &b| match row[b].total_cmp(&row[a]) {
                Ordering::Equal => a.cmp(&b),
                other => other,
            });
            order.truncate(keep);
            order.sort_unstable();
            order
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::{Device, Distribution};

    #[test]
    fn ties_go_to_the_lower_position_and_time_is_kept() {
        let device = Device::flex();
        let scores =
            Tensor::from_data([[1.0, 3.0, 1.0, 3.0, 1.0], [0.0, 0.0, 0.0, 0.0, 0.0]], &device);
        assert_eq!(best(&scores, 3), [vec![0, 1, 3], vec![0, 1, 2]]);
    }

    #[test]
    fn keeps_a_part_rounded_up() {
        let device = Device::flex();
        let eviction = LearnableTokenEviction::new(8, 4, &mut Initialiser::new(0, &device));
        for (len, kept) in [(1, 1), (4, 1), (5, 2), (16, 4)] {
            let chunk = Tensor::random([2, len, 8], Distribution::Default, &device);
            let result = eviction.forward(chunk);
            assert_eq!(result.values.dims(), [2, kept, 8]);
            assert!(result.positions.iter().all(|p| p.is_sorted() && p.len() == kept));
        }
    }

    #[test]
    fn the_scorer_sees_three_positions_to_both_sides() {
        let device = Device::flex();
        let eviction = LearnableTokenEviction::new(4, 4, &mut Initialiser::new(5, &device));
        let mut values = vec![0.0f32; 4 * 9];
        values[4 * 4..4 * 5].fill(1.0);
        let chunk = Tensor::<3>::from_data(TensorData::new(values, [1, 9, 4]), &device);
        let scores: Vec<f32> = eviction.scores(chunk).into_data().try_to_vec().expect("f32");
        let touched: Vec<bool> = scores.iter().map(|s| *s != 0.0).collect();
        assert_eq!(touched, [false, true, true, true, true, true, true, true, false]);
    }
}
