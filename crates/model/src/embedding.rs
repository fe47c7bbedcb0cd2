//! Typed embedding of symbols (TDT).
//!
//! `y[b, t] = g(type t) · E[type t][symbol[b, t]]`: every position type (byte of a float, field of a record) has a
//! table of its own, since their statistics differ. With the gate, g = softmax(type_scale)[type], as in the published
//! package, where it starts at 1 / types. Shapes: symbols (B, T), result (B, T, D).
//! Factorised: one table, `y = G[type] ⊙ E[symbol]`, G (types, D) starting at ones.

use burn::module::{Module, Param};
use burn::tensor::activation::softmax;
use burn::tensor::{Int, Tensor, TensorData};

use crate::config::Embedding;
use crate::init::Initialiser;

/// Spread of embeddings and linear weights at the start.
pub(crate) const SPREAD: f64 = 0.02;

/// The tables.
#[derive(Module, Debug)]
pub struct TdtEmbedding {
    /// (types × vocab, D), one table after another; one table only where tables are shared.
    pub tables: Param<Tensor<2>>,
    /// (types) gate before its softmax.
    pub type_scale: Option<Param<Tensor<1>>>,
    /// (types, D) gains of the factorised kind.
    pub gain: Option<Param<Tensor<2>>>,
    vocab: usize,
    typed: bool,
}

impl TdtEmbedding {
    /// Tables for `vocab` symbols and `types` position types.
    pub fn new(
        kind: Embedding,
        vocab: usize,
        types: usize,
        d_model: usize,
        init: &mut Initialiser,
    ) -> Self {
        let typed = matches!(kind, Embedding::PerType { .. });
        let rows = if typed { types * vocab } else { vocab };
        Self {
            tables: init.normal([rows, d_model], SPREAD),
            type_scale: (kind == Embedding::PerType { gate: true })
                .then(|| init.constant([types], 1.0)),
            gain: (kind == Embedding::Factorised).then(|| init.constant([types, d_model], 1.0)),
            vocab,
            typed,
        }
    }

    /// (B, T) symbols, and the type of each of the T positions, to (B, T, D).
    pub fn forward(&self, symbols: Tensor<2, Int>, types: &[usize]) -> Tensor<3> {
        let device = symbols.device();
        let index = |stride: usize| {
            let values: Vec<i64> = types.iter().map(|&t| (t * stride) as i64).collect();
            Tensor::<1, Int>::from_data(TensorData::new(values, [types.len()]), &device)
        };
        let rows = if self.typed { symbols + index(self.vocab).unsqueeze::<2>() } else { symbols };
        let mut y = burn::tensor::module::embedding(self.tables.val(), rows);
        if let Some(scale) = &self.type_scale {
            let gate: Tensor<3> = softmax(scale.val(), 0).select(0, index(1)).reshape([1, -1, 1]);
            y = y * gate;
        }
        if let Some(gain) = &self.gain {
            y = y * gain.val().select(0, index(1)).unsqueeze::<3>();
        }
        y
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::{Device, Tolerance};

    #[test]
    fn every_type_reads_its_own_table() {
        let device = Device::flex();
        let mut init = Initialiser::new(1, &device);
        let embedding = TdtEmbedding::new(Embedding::PerType { gate: true }, 8, 4, 3, &mut init);
        let symbols = Tensor::<2, Int>::from_data([[5, 5, 5]], &device);
        let y = embedding.forward(symbols, &[0, 3, 0]);
        let rows = embedding.tables.val().select(0, Tensor::from_data([5, 29, 5], &device));
        // softmax of four equal scales
        rows.mul_scalar(0.25)
            .into_data()
            .assert_approx_eq::<f32>(&y.squeeze_dim::<2>(0).into_data(), Tolerance::default());
    }

    #[test]
    fn factorised_starts_as_the_shared_table() {
        let device = Device::flex();
        let mut init = Initialiser::new(1, &device);
        let embedding = TdtEmbedding::new(Embedding::Factorised, 8, 4, 3, &mut init);
        let y = embedding.forward(Tensor::from_data([[2, 2]], &device), &[1, 3]).into_data();
        let row = embedding.tables.val().select(0, Tensor::from_data([2, 2], &device));
        y.assert_eq(&row.unsqueeze::<3>().into_data(), true);
    }
}
