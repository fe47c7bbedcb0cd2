//! Dropout with a generator of its own.
//!
//! `y = x · m / (1 − p)`, every m being 0 with probability p, else 1. The masks are drawn on the host from a seed, so a
//! run repeats bit for bit whatever the threads do; one `Dropout` serves one forward pass.
//! Source: Srivastava et al., *Dropout*, JMLR 15 (2014).

use burn::tensor::{Tensor, TensorData};
use chacha20::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};

/// Draws masks.
#[derive(Clone, Debug)]
pub struct Dropout {
    probability: f64,
    seed: u64,
    /// Masks drawn; each has a stream of the generator to itself, so a clone repeats what comes next.
    drawn: u64,
}

impl Dropout {
    /// Zeroes elements with `probability` (clamped to 0..=0.99).
    pub fn new(probability: f64, seed: u64) -> Self {
        Self { probability: probability.clamp(0.0, 0.99), seed, drawn: 0 }
    }

    /// Applies the next mask.
    pub fn apply<const D: usize>(&mut self, x: Tensor<D>) -> Tensor<D> {
        if self.probability == 0.0 {
            return x;
        }
        let mut generator = ChaCha8Rng::seed_from_u64(self.seed);
        generator.set_stream(self.drawn);
        self.drawn += 1;
        let threshold = (self.probability * 2f64.powi(32)) as u32;
        let kept = (1.0 / (1.0 - self.probability)) as f32;
        let shape = x.dims();
        let mask: Vec<f32> = (0..shape.iter().product())
            .map(|_| if generator.next_u32() < threshold { 0.0 } else { kept })
            .collect();
        let data = TensorData::new(mask, shape);
        let mask = Tensor::<D>::from_data(data, &x.device().without_autodiff()).cast(x.dtype());
        x * mask
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;

    #[test]
    fn zeroes_the_asked_part_and_keeps_the_mean() {
        let ones = Tensor::<2>::ones([100, 100], &Device::flex());
        let values: Vec<f32> =
            Dropout::new(0.25, 3).apply(ones).into_data().try_to_vec().expect("floats");
        let zeros = values.iter().filter(|&&v| v == 0.0).count();
        assert!((2200..2800).contains(&zeros), "{zeros}");
        let mean = values.iter().sum::<f32>() / 10_000.0;
        assert!((mean - 1.0).abs() < 0.05, "{mean}");
    }

    #[test]
    fn the_same_seed_gives_the_same_masks() {
        let ones = Tensor::<1>::ones([64], &Device::flex());
        let (mut a, mut b) = (Dropout::new(0.5, 9), Dropout::new(0.5, 9));
        assert_eq!(a.apply(ones.clone()).into_data(), b.apply(ones.clone()).into_data());
        assert_ne!(a.apply(ones.clone()).into_data(), ones.into_data());
    }
}
