//! Export: integers say what the floats say, whatever the shape of the network.
#![allow(missing_docs)]

use burn::tensor::{Device, TensorData};
use vxc_model::{
    Embedding, HeadKind, MemoryConfig, OptimisedCompressiveTransformer, PositionKind,
    TransformerConfig, apply_weights, weights,
};
use vxc_train::config::Preset;
use vxc_train::data::Corpus;
use vxc_train::evaluate::{Reading, evaluate};
use vxc_train::export::compare::integer_cost;
use vxc_train::export::export;

const FIELDS: usize = 5;
const VOCAB: usize = 23;
const RECORDS: usize = 64 * 12;

/// Records in which most symbols follow from those before, some of them copies.
fn corpus() -> Corpus {
    let (mut state, mut symbols, mut values) = (1u32, Vec::new(), Vec::new());
    for i in 0..RECORDS * FIELDS {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let above = if i < FIELDS { 0 } else { values[i - FIELDS] };
        let value = match state >> 30 {
            0 => above,
            1 => (state >> 20) as u8 % VOCAB as u8,
            _ => (above + i as u8 % 3 + 1) % VOCAB as u8,
        };
        // The last field has copies, as symbol 0.
        let copied = i % FIELDS == FIELDS - 1 && value == above && value > 0;
        symbols.push(if copied { 0 } else { value });
        values.push(value);
    }
    Corpus {
        record_tokens: FIELDS,
        record_bytes: 4 * FIELDS,
        type_of: (0..FIELDS as u16).collect(),
        alphabets: vec![VOCAB; FIELDS],
        fractions: (0..symbols.len()).map(|i| (i * 89) as u8).collect(),
        offset_bits: vec![1.0; symbols.len()],
        symbols,
        values,
        has_above: true,
    }
}

/// A network whose weights are large enough for every part of it to count.
fn network(config: &TransformerConfig) -> OptimisedCompressiveTransformer {
    let fresh = OptimisedCompressiveTransformer::new(config, 5, &Device::flex()).expect("valid");
    let scaled = weights(&fresh)
        .into_iter()
        .map(|(name, data)| {
            let grow = if name.contains("ln") || name.ends_with("gain") || name.contains("norm") {
                1.1
            } else {
                6.0
            };
            let values: Vec<f32> = data.iter::<f32>().map(|x| x * grow).collect();
            let shape: Vec<usize> = data.shape().iter().copied().collect();
            (name, TensorData::new(values, shape))
        })
        .collect();
    apply_weights(fresh, scaled).expect("the same shapes")
}

#[test]
fn integers_follow_the_floats() {
    let small = |base: TransformerConfig| TransformerConfig { d_ff: 48, ..base };
    let record = small(TransformerConfig::record(FIELDS, VOCAB));
    let memory = TransformerConfig {
        window: 16,
        memory: Some(MemoryConfig { chunk: 20, ..MemoryConfig::default() }),
        ..small(TransformerConfig::memory(FIELDS, VOCAB))
    };
    let shapes = [
        (Preset::Record, record.clone()),
        (
            Preset::Record,
            TransformerConfig {
                embedding: Embedding::Factorised,
                head: HeadKind::Factorised,
                ..record.clone()
            },
        ),
        (
            Preset::Record,
            TransformerConfig {
                embedding: Embedding::PerType { gate: true },
                position: PositionKind::Sinusoidal,
                ..record
            },
        ),
        (Preset::Memory, memory.clone()),
        (Preset::Memory, TransformerConfig { memory: None, ..memory }),
    ];
    let corpus = corpus();
    for (preset, config) in shapes {
        let network = network(&config);
        let integers = export(&network, preset, &corpus, 0..RECORDS).expect("exports");
        let reading = Reading { preset, lanes: 64, length: 15, threads: 1, most: 0 };
        let floats = evaluate(&network, &corpus, 0..RECORDS, &Device::flex(), &reading)
            .expect("evaluates")
            .symbol_bits;
        let rounded = integer_cost(&integers, preset, &corpus, 0..RECORDS).expect("runs");
        let error = rounded.symbol_bits / floats - 1.0;
        assert!(error.abs() < 0.01, "{config:?}: {floats} bits, {} rounded", rounded.symbol_bits);
        // The network is no constant: its symbols cost something else than all alike.
        let alike = (corpus.symbols.len() as f64) * (VOCAB as f64).log2();
        assert!((floats / alike - 1.0).abs() > 0.01, "{floats} {alike}");
    }
}
