//! Small networks and random input for tests.
#![allow(dead_code)] // each test file uses its own part

use burn::tensor::{Device, Int, Tensor, TensorData};
use vxc_model::{
    Beta, Embedding, HeadKind, MemoryConfig, PositionKind, Tokens, TransformerConfig, TypePattern,
};

/// Window 5 and chunks of 6, so that windows slide and memory fills within 40 positions.
pub fn with_memory() -> TransformerConfig {
    TransformerConfig {
        vocab: 11,
        context_vocab: 13,
        d_model: 8,
        n_layers: 2,
        n_heads: 2,
        d_ff: 16,
        window: 5,
        types: TypePattern::record(vec![0, 1, 2, 0, 3]).expect("no gaps"),
        embedding: Embedding::PerType { gate: false },
        head: HeadKind::PerType,
        head_bias: true,
        position: PositionKind::Distance,
        target_type: true,
        above: true,
        fraction: true,
        copied: true,
        memory: Some(MemoryConfig {
            chunk: 6,
            rate: 3,
            beta: Beta::Learned { init: -0.5 },
            backprop_chunks: 3,
        }),
        dropout: 0.0,
    }
}

/// One of each kind of everything.
pub fn all_kinds() -> Vec<TransformerConfig> {
    let base = with_memory();
    let plain = TransformerConfig {
        above: false,
        fraction: false,
        copied: false,
        target_type: false,
        ..base.clone()
    };
    vec![
        base.clone(),
        TransformerConfig {
            memory: None,
            window: 64,
            position: PositionKind::None,
            ..base.clone()
        },
        TransformerConfig {
            embedding: Embedding::Factorised,
            head: HeadKind::Factorised,
            ..base.clone()
        },
        TransformerConfig {
            embedding: Embedding::PerType { gate: true },
            head: HeadKind::Shared,
            head_bias: false,
            position: PositionKind::Sinusoidal,
            ..plain.clone()
        },
        TransformerConfig {
            embedding: Embedding::Shared,
            head: HeadKind::Shared,
            types: TypePattern::single(),
            memory: Some(MemoryConfig {
                beta: Beta::Fixed { value: 0.25 },
                ..base.memory.clone().expect("a memory")
            }),
            ..plain.clone()
        },
        TransformerConfig { window: 2, ..plain },
    ]
}

/// Input of the features that a configuration reads, from a linear congruence.
pub fn tokens(config: &TransformerConfig, lanes: usize, len: usize, device: &Device) -> Tokens {
    let mut seed = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = |below: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) as usize % below
    };
    let mut symbols = || {
        let values: Vec<i64> =
            (0..lanes * len).map(|_| next(config.context_vocab) as i64).collect();
        Tensor::<2, Int>::from_data(TensorData::new(values, [lanes, len]), device)
    };
    let (first, above) = (symbols(), symbols());
    let mut floats = |below: usize, scale: f32| {
        let values: Vec<f32> = (0..lanes * len).map(|_| next(below) as f32 * scale).collect();
        Tensor::<2>::from_data(TensorData::new(values, [lanes, len]), device)
    };
    Tokens {
        symbols: first,
        above: config.above.then_some(above),
        fraction: config.fraction.then(|| floats(256, 1.0 / 256.0)),
        copied: config.copied.then(|| floats(2, 1.0)),
    }
}

/// Largest difference of two tensors.
pub fn difference<const D: usize>(a: Tensor<D>, b: Tensor<D>) -> f32 {
    (a.without_autodiff() - b.without_autodiff()).abs().max().into_scalar::<f32>()
}
