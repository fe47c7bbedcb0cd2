//! Initial weights from a seed.
//!
//! Values come from a generator of our own (ChaCha8, normal deviates by ziggurat) on the host and reach the device as
//! data: they depend on the seed and on the order of construction alone, not on threads, devices or global state.
//! Parameters are numbered 1, 2, 3 … in the same order, so that optimiser state can be kept by number across runs.

use burn::module::{Param, ParamId};
use burn::nn::Linear;
use burn::tensor::{Device, Tensor, TensorData};
use chacha20::ChaCha8Rng;
use rand_core::SeedableRng;
use rand_distr::{Distribution, StandardNormal};

/// Makes parameters, in order.
pub struct Initialiser {
    generator: ChaCha8Rng,
    device: Device,
    made: u64,
}

impl Initialiser {
    /// Starts at a seed, for a device.
    pub fn new(seed: u64, device: &Device) -> Self {
        Self { generator: ChaCha8Rng::seed_from_u64(seed), device: device.clone(), made: 0 }
    }

    /// Device of the parameters.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// A parameter with values from N(0, `std`²).
    pub fn normal<const D: usize>(&mut self, shape: [usize; D], std: f64) -> Param<Tensor<D>> {
        let values = (0..shape.iter().product())
            .map(|_| {
                let x: f64 = StandardNormal.sample(&mut self.generator);
                (x * std) as f32
            })
            .collect();
        self.parameter(values, shape)
    }

    /// A parameter with one value everywhere.
    pub fn constant<const D: usize>(&mut self, shape: [usize; D], value: f32) -> Param<Tensor<D>> {
        self.parameter(vec![value; shape.iter().product()], shape)
    }

    /// A linear map without bias, weights (`input`, `output`) from N(0, `std`²).
    pub fn linear(&mut self, input: usize, output: usize, std: f64) -> Linear {
        Linear { weight: self.normal([input, output], std), bias: None }
    }

    fn parameter<const D: usize>(
        &mut self,
        values: Vec<f32>,
        shape: [usize; D],
    ) -> Param<Tensor<D>> {
        let data = TensorData::new(values, shape);
        let mut parameter = Param::from_tensor(Tensor::from_data(data, &self.device));
        self.made += 1;
        parameter.id = ParamId::from(self.made);
        parameter
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_seed_alone_decides() {
        let device = Device::flex();
        let draw = |seed| {
            let mut init = Initialiser::new(seed, &device);
            let first = init.normal([3, 4], 0.02);
            (first.id, first.val().to_data(), init.normal([5], 1.0).val().to_data())
        };
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7).1, draw(8).1);
    }

    #[test]
    fn deviates_have_the_asked_spread() {
        let weights = Initialiser::new(1, &Device::flex()).normal([10_000], 0.5).val();
        let mean = weights.clone().mean().into_scalar::<f32>();
        let spread = weights.var(0).sqrt().into_scalar::<f32>();
        assert!(mean.abs() < 0.02, "{mean}");
        assert!((spread - 0.5).abs() < 0.02, "{spread}");
    }
}
