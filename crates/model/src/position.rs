//! Sinusoidal positions.
//!
//! `p[t, 2i] = sin(t / 10000^(2i/D))`, `p[t, 2i+1] = cos(t / 10000^(2i/D))`, added to the embedding; (T, D).
//! Positions are taken modulo [`POSITION_RING`], so that nothing grows with the length of a lane.
//! Source: Vaswani et al., *Attention Is All You Need*, arXiv:1706.03762, §3.5.

use burn::tensor::{Device, Tensor, TensorData};

use crate::config::POSITION_RING;

/// Computes encodings of width D.
#[derive(Clone, Copy, Debug)]
pub struct PositionalEncoding {
    d_model: usize,
}

impl PositionalEncoding {
    /// Encodings of `d_model` numbers.
    pub fn new(d_model: usize) -> Self {
        Self { d_model }
    }

    /// (1, `len`, D): encodings of positions `start`, `start` + 1, …
    pub fn forward(&self, start: usize, len: usize, device: &Device) -> Tensor<3> {
        let pairs = self.d_model.div_ceil(2);
        let frequencies: Vec<f64> = (0..pairs)
            .map(|i| libm::pow(10_000.0, -((2 * i) as f64) / self.d_model as f64))
            .collect();
        let mut values = Vec::with_capacity(len * self.d_model);
        for t in start..start + len {
            let position = (t % POSITION_RING) as f64;
            for i in 0..self.d_model {
                let angle = position * frequencies[i / 2];
                values.push(if i % 2 == 0 { libm::sin(angle) } else { libm::cos(angle) } as f32);
            }
        }
        Tensor::from_data(TensorData::new(values, [1, len, self.d_model]), device)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_repeat_after_the_ring_and_begin_with_sine_zero() {
        let device = Device::flex();
        let encoding = PositionalEncoding::new(6);
        let first = encoding.forward(0, 3, &device).into_data();
        first.assert_eq(&encoding.forward(POSITION_RING, 3, &device).into_data(), true);
        let values: Vec<f32> = first.try_to_vec().expect("f32");
        assert_eq!(&values[..6], [0.0, 1.0, 0.0, 1.0, 0.0, 1.0]);
        assert!((values[6] - 1f32.sin()).abs() < 1e-6);
    }
}
