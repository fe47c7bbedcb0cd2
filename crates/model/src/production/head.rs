//! From vectors to logits, by the type of the predicted position.
//!
//! | kind | logits of type f | weights |
//! |---|---|---|
//! | shared | `W h + b` | d × V |
//! | per type | `W[f] h + b[f]` | types × d × V |
//! | factorised | `W (g[f] ⊙ h) + b[f]` | d × V + types × (d + V) |
//!
//! h (B, T, D), logits (B, T, V). Biases are optional; see [`Head::set_log_bias`].

use burn::module::{Module, Param};
use burn::tensor::{Int, Tensor, TensorData};

use crate::config::{HeadKind, TransformerConfig};
use crate::embedding::SPREAD;
use crate::error::ModelError;
use crate::init::Initialiser;

/// The output head.
#[derive(Module, Debug)]
pub struct Head {
    /// (types or 1, D, V)
    pub weight: Param<Tensor<3>>,
    /// (types, D), ones at the start; factorised only.
    pub gain: Option<Param<Tensor<2>>>,
    /// (types, V), or (1, V) where shared.
    pub bias: Option<Param<Tensor<2>>>,
}

impl Head {
    /// Weights from N(0, 0.02²), biases 0.
    pub fn new(config: &TransformerConfig, init: &mut Initialiser) -> Self {
        let (d, vocab, types) = (config.d_model, config.vocab, config.types.count());
        let matrices = if config.head == HeadKind::PerType { types } else { 1 };
        Self {
            weight: init.normal([matrices, d, vocab], SPREAD),
            gain: (config.head == HeadKind::Factorised).then(|| init.constant([types, d], 1.0)),
            bias: config.head_bias.then(|| init.constant([config.head_biases(), vocab], 0.0)),
        }
    }

    /// (B, T, D) to (B, T, V); `types` of the T predicted positions.
    pub fn forward(&self, h: Tensor<3>, types: &[usize]) -> Tensor<3> {
        let [lanes, len, d] = h.dims();
        let [matrices, _, vocab] = self.weight.dims();
        if matrices > 1 {
            return self.forward_typed(h, types);
        }
        let device = h.device().without_autodiff();
        let h = match &self.gain {
            Some(gain) => h * gain.val().select(0, index(types, &device)).unsqueeze::<3>(),
            None => h,
        };
        let weight = self.weight.val().reshape([d, vocab]);
        let logits = h.reshape([lanes * len, d]).matmul(weight).reshape([lanes, len, vocab]);
        match &self.bias {
            Some(bias) if bias.dims()[0] == 1 => logits + bias.val().unsqueeze::<3>(),
            Some(bias) => logits + bias.val().select(0, index(types, &device)).unsqueeze::<3>(),
            None => logits,
        }
    }

    /// One matrix product per type, over all its positions: a batch of them where every type has as many.
    fn forward_typed(&self, h: Tensor<3>, types: &[usize]) -> Tensor<3> {
        let [lanes, len, d] = h.dims();
        let [matrices, _, vocab] = self.weight.dims();
        let device = h.device().without_autodiff();
        let groups = groups(types);
        let order: Vec<usize> = groups.iter().flat_map(|(_, at)| at.iter().copied()).collect();
        let sorted = order.is_sorted();
        let h = if sorted { h } else { h.select(1, index(&order, &device)) };
        let each = groups[0].1.len();
        let logits = if groups.iter().all(|(_, at)| at.len() == each) {
            let n = groups.len();
            let of_group: Vec<usize> = groups.iter().map(|(t, _)| *t).collect();
            let all = of_group.len() == matrices; // and ascending, so in place
            let pick = |x: Tensor<3>| if all { x } else { x.select(0, index(&of_group, &device)) };
            let h = h.reshape([lanes, n, each, d]).swap_dims(0, 1).reshape([n, lanes * each, d]);
            let mut logits = h.matmul(pick(self.weight.val()));
            if let Some(bias) = &self.bias {
                logits = logits + pick(bias.val().unsqueeze_dim::<3>(1));
            }
            logits.reshape([n, lanes, each, vocab]).swap_dims(0, 1).reshape([lanes, len, vocab])
        } else {
            let mut parts = Vec::with_capacity(groups.len());
            let mut start = 0;
            for (t, at) in &groups {
                let part = h.clone().narrow(1, start, at.len()).reshape([lanes * at.len(), d]);
                let weight = self.weight.val().narrow(0, *t, 1).reshape([d, vocab]);
                let mut logits = part.matmul(weight);
                if let Some(bias) = &self.bias {
                    logits = logits + bias.val().narrow(0, *t, 1);
                }
                parts.push(logits.reshape([lanes, at.len(), vocab]));
                start += at.len();
            }
            Tensor::cat(parts, 1)
        };
        if sorted {
            return logits;
        }
        let mut back = vec![0; len];
        for (place, &position) in order.iter().enumerate() {
            back[position] = place;
        }
        logits.select(1, index(&back, &device))
    }

    /// Sets the bias to the logarithms of frequencies, (count + ½) / sum for each type.
    ///
    /// # Errors
    /// [`ModelError::Config`] if there is no bias or `counts` is not (types, V).
    pub fn set_log_bias(mut self, counts: &[Vec<u64>]) -> Result<Self, ModelError> {
        let Some(bias) = self.bias.take() else {
            return Err(ModelError::Config("the head has no bias to set".into()));
        };
        let [types, vocab] = bias.dims();
        if counts.len() != types || counts.iter().any(|row| row.len() != vocab) {
            return Err(ModelError::Config(format!("counts must be {types} rows of {vocab}")));
        }
        let mut logs = Vec::with_capacity(types * vocab);
        for row in counts {
            let sum: f64 = row.iter().map(|&c| c as f64 + 0.5).sum();
            logs.extend(row.iter().map(|&c| libm::log((c as f64 + 0.5) / sum) as f32));
        }
        self.bias = Some(bias.map(|old| {
            let new = Tensor::from_data(TensorData::new(logs, [types, vocab]), &old.device());
            new.set_require_grad(old.is_require_grad())
        }));
        Ok(self)
    }
}

fn index(values: &[usize], device: &burn::tensor::Device) -> Tensor<1, Int> {
    let values: Vec<i64> = values.iter().map(|&v| v as i64).collect();
    let len = values.len();
    Tensor::from_data(TensorData::new(values, [len]), device)
}

/// Types that occur, ascending, each with its positions.
fn groups(types: &[usize]) -> Vec<(usize, Vec<usize>)> {
    let mut groups = std::collections::BTreeMap::<usize, Vec<usize>>::new();
    for (position, &t) in types.iter().enumerate() {
        groups.entry(t).or_default().push(position);
    }
    groups.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::TypePattern;
    use burn::tensor::{Device, Distribution, Tolerance};

    fn config(head: HeadKind) -> TransformerConfig {
        TransformerConfig {
            vocab: 5,
            d_model: 4,
            n_heads: 2,
            types: TypePattern::cycle(3),
            head,
            head_bias: true,
            ..TransformerConfig::default()
        }
    }

    fn counts() -> Vec<Vec<u64>> {
        (0..3).map(|t| (0..5).map(|s| t * 7 + s * s).collect()).collect()
    }

    /// Position by position, whatever the grouping.
    #[test]
    fn every_position_goes_through_the_matrix_of_its_type() {
        let device = Device::flex();
        let head = Head::new(&config(HeadKind::PerType), &mut Initialiser::new(3, &device))
            .set_log_bias(&counts())
            .expect("3 × 5");
        for types in [
            vec![0, 1, 2],
            vec![0, 1, 2, 0, 1, 2],
            vec![2, 0, 1, 2, 0, 1],
            vec![1, 2, 0, 1],
            vec![2],
            vec![2, 1],
        ] {
            let h = Tensor::<3>::random([2, types.len(), 4], Distribution::Default, &device);
            let all = head.forward(h.clone(), &types);
            for (t, &kind) in types.iter().enumerate() {
                let weight = head.weight.val().narrow(0, kind, 1).reshape([4, 5]);
                let bias = head.bias.as_ref().expect("a bias").val().narrow(0, kind, 1);
                let one = h.clone().narrow(1, t, 1).reshape([2, 4]).matmul(weight) + bias;
                all.clone()
                    .narrow(1, t, 1)
                    .reshape([2, 5])
                    .into_data()
                    .assert_approx_eq::<f32>(&one.into_data(), Tolerance::absolute(1e-6));
            }
        }
    }

    #[test]
    fn the_bias_gives_the_histogram_where_the_vector_is_zero() {
        let device = Device::flex();
        for kind in [HeadKind::PerType, HeadKind::Factorised] {
            let head = Head::new(&config(kind), &mut Initialiser::new(3, &device))
                .set_log_bias(&counts())
                .expect("3 × 5");
            let logits = head.forward(Tensor::zeros([1, 3, 4], &device), &[0, 1, 2]);
            let sums: Vec<f32> = logits.exp().sum_dim(2).into_data().try_to_vec().expect("f32");
            assert!(sums.iter().all(|s| (s - 1.0).abs() < 1e-5), "{sums:?}");
        }
    }

    #[test]
    fn counts_of_another_shape_are_refused() {
        let device = Device::flex();
        let head = || Head::new(&config(HeadKind::PerType), &mut Initialiser::new(3, &device));
        assert!(head().set_log_bias(&[vec![1; 5]]).is_err());
        assert!(head().set_log_bias(&vec![vec![1; 4]; 3]).is_err());
    }
}
