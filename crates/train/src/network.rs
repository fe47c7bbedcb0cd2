//! The network of a run: its configuration from ours and the data, its input from batches, its cost.

use burn::tensor::activation::log_softmax;
use burn::tensor::{Device, Int, Tensor, TensorData};
use vxc_model::{
    Beta, Embedding, HeadKind, MemoryConfig, PositionKind, Tokens, TransformerConfig, TypePattern,
};

use crate::config::{ModelSection, Preset};
use crate::data::{Batch, Corpus};
use crate::error::TrainError;

/// More chunks than a step can have.
const ALL_CHUNKS: usize = 1 << 20;

/// The network's configuration for a corpus.
///
/// # Errors
/// [`TrainError::Config`] if the sizes do not go together, or the preset cannot work on these symbols.
pub fn config(model: &ModelSection, corpus: &Corpus) -> Result<TransformerConfig, TrainError> {
    let (types, vocab) = (corpus.types(), corpus.vocabulary());
    let fields = !corpus.fractions.is_empty();
    if model.preset == Preset::Record && corpus.record_tokens == 1 {
        let what = "preset: record sees one record at a time, and text has records of one byte; use preset: memory";
        return Err(TrainError::Config(what.into()));
    }
    let base = match (model.preset, fields) {
        (Preset::Record, _) => TransformerConfig::record(corpus.record_tokens, vocab),
        (Preset::Memory, true) => TransformerConfig::memory(corpus.record_tokens, vocab),
        (Preset::Memory, false) => TransformerConfig::bytes(),
    };
    let memory = (model.preset == Preset::Memory && model.memory).then(|| MemoryConfig {
        chunk: model.chunk_sizes.iter().copied().max().unwrap_or(model.window),
        rate: model.compression_rate,
        // What is carried from step to step has no history: all chunks of a step learn together.
        backprop_chunks: ALL_CHUNKS,
        beta: if model.learn_beta {
            Beta::Learned { init: -3.0 }
        } else {
            Beta::Fixed { value: 0.05 }
        },
    });
    let pattern = if types == 1 {
        TypePattern::single()
    } else if fields {
        TypePattern::cycle(types)
    } else {
        TypePattern::record(corpus.type_of.clone())?
    };
    let own = TransformerConfig {
        vocab,
        context_vocab: vocab,
        d_model: model.d_model,
        n_layers: model.n_layers,
        n_heads: model.n_heads,
        d_ff: model.d_ff,
        window: match model.preset {
            Preset::Record => corpus.record_tokens,
            Preset::Memory => model.window,
        },
        types: pattern,
        embedding: if model.use_tdt && types > 1 { base.embedding } else { Embedding::Shared },
        head_bias: true,
        head: HeadKind::for_types(types, model.d_model, vocab),
        above: corpus.has_above,
        fraction: fields,
        copied: corpus.has_copies(),
        memory,
        dropout: model.dropout,
        // Types tell the place in a record of fields; bytes have four types for any record.
        position: match (model.preset, fields) {
            (Preset::Record, false) => PositionKind::Sinusoidal,
            _ => base.position,
        },
        ..base
    };
    own.validate()?;
    Ok(own)
}

/// A batch on a device, and the symbols to predict, (B, T).
pub fn input(
    batch: &Batch,
    config: &TransformerConfig,
    device: &Device,
) -> (Tokens, Tensor<2, Int>) {
    let shape = [batch.lanes, batch.length];
    let symbols = |x: &[u8]| {
        let x: Vec<i32> = x.iter().map(|&b| i32::from(b)).collect();
        Tensor::<2, Int>::from_data(TensorData::new(x, shape), device)
    };
    let numbers = |x: Vec<f32>| Tensor::<2>::from_data(TensorData::new(x, shape), device);
    let tokens = Tokens {
        symbols: symbols(&batch.values),
        above: config.above.then(|| symbols(&batch.above)),
        fraction: config
            .fraction
            .then(|| numbers(batch.fractions.iter().map(|&b| f32::from(b) / 256.0).collect())),
        copied: config.copied.then(|| {
            let pairs = batch.symbols.iter().zip(&batch.values);
            numbers(pairs.map(|(s, v)| f32::from(u8::from(s != v))).collect())
        }),
    };
    (tokens, symbols(&batch.symbols))
}

/// Natural logarithm of the probability of each symbol, (B, T), from logits (B, T, V).
pub fn log_likelihood(logits: Tensor<3>, symbols: Tensor<2, Int>) -> Tensor<2> {
    let [lanes, length, _] = logits.dims();
    log_softmax(logits, 2).gather(2, symbols.reshape([lanes, length, 1])).reshape([lanes, length])
}
