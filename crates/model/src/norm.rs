//! Normalisation by the root mean square, and by mean and variance.
//!
//! RMS: `y = x / √(mean(x²) + ε) ⊙ scale`, ε = 1e-6 (Zhang, Sennrich, arXiv:1910.07467).
//! Layer: `y = (x − mean) / √(var + ε) ⊙ scale + bias`, ε = 1e-5 (Ba, Kiros, Hinton, arXiv:1607.06450).
//! Both over the last dimension; (B, T, D) to (B, T, D).

use burn::module::{Module, Param};
use burn::tensor::{Tensor, module::layer_norm};

use crate::init::Initialiser;

const RMS_EPSILON: f64 = 1e-6;
const LAYER_EPSILON: f64 = 1e-5;

/// Root-mean-square normalisation.
#[derive(Module, Debug)]
pub struct RmsNorm {
    /// (D)
    pub scale: Param<Tensor<1>>,
}

impl RmsNorm {
    /// Scale 1.
    pub fn new(d_model: usize, init: &mut Initialiser) -> Self {
        Self { scale: init.constant([d_model], 1.0) }
    }

    /// (B, T, D) to (B, T, D).
    pub fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        let root = x.clone().square().mean_dim(2).add_scalar(RMS_EPSILON).sqrt();
        x / root * self.scale.val().unsqueeze::<3>()
    }
}

/// Layer normalisation.
#[derive(Module, Debug)]
pub struct LayerNorm {
    /// (D)
    pub scale: Param<Tensor<1>>,
    /// (D)
    pub bias: Param<Tensor<1>>,
}

impl LayerNorm {
    /// Scale 1, bias 0.
    pub fn new(d_model: usize, init: &mut Initialiser) -> Self {
        Self { scale: init.constant([d_model], 1.0), bias: init.constant([d_model], 0.0) }
    }

    /// (B, T, D) to (B, T, D).
    pub fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        layer_norm(x, self.scale.val(), Some(self.bias.val()), LAYER_EPSILON)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::{Device, Distribution};

    #[test]
    fn rms_gives_unit_mean_square_and_zero_stays_zero() {
        let device = Device::flex();
        let norm = RmsNorm::new(16, &mut Initialiser::new(0, &device));
        let x = Tensor::<3>::random([2, 3, 16], Distribution::Normal(0.0, 5.0), &device);
        let mean: Vec<f32> =
            norm.forward(x).square().mean_dim(2).into_data().try_to_vec().expect("f32");
        assert!(mean.iter().all(|m| (m - 1.0).abs() < 1e-3), "{mean:?}");
        let zero = norm.forward(Tensor::zeros([1, 1, 16], &device)).abs().max();
        assert_eq!(zero.into_scalar::<f32>(), 0.0);
    }
}
