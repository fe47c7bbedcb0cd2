//! Export: a float network to the integers that the codec runs.
//!
//! Weights are rounded row by row to 8 bits; activations get one unit for each place of a layer, chosen from the largest
//! magnitudes that training records produce there ([`ranges`]). The units and what follows from them are those of the
//! table at the head of `crates/infer/src/weights.rs`. [`IntModel::new`] then proves that no sum can overflow, and
//! [`compare`] says what the rounding costs.

pub mod compare;
mod floats;
mod publish;
mod ranges;
mod round;

use vxc_infer::weights::{EmbeddingTable, LayerWeights, MemoryWeights};
use vxc_infer::{IntConfig, IntModel, Weights, config as int};
use vxc_model::{Embedding, HeadKind, OptimisedCompressiveTransformer, PositionKind};

use crate::config::Preset;
use crate::data::Corpus;
use crate::error::TrainError;
pub use publish::{Exported, publish, training_files};

use floats::{Floats, Layer, Memory, Table};
use ranges::{LayerRange, Ranges};
use round::{factor, largest, linear, numbers};

/// Units of 2^-8 octaves in a nat.
const NAT: f64 = 256.0 * std::f64::consts::LOG2_E;
/// Largest magnitudes of i16, of 12-bit and of residual numbers.
const WIDE: f64 = 32767.0;
const NARROW: f64 = 2047.0;
const RESIDUAL: f64 = ((1 << 23) - 1) as f64;
/// How far beyond what calibration saw the units reach, where bits are plenty and where they are few.
const ROOM: f64 = 2.0;
const LITTLE_ROOM: f64 = 1.1;
/// Positions that calibration reads.
const CALIBRATION: usize = 1 << 14;

/// Rounds a network to integers. `records`: those of the corpus that calibrate activations.
///
/// # Errors
/// [`TrainError::Data`] without records; [`TrainError::Export`] for weights that no integers can stand for.
pub fn export(
    network: &OptimisedCompressiveTransformer,
    preset: Preset,
    corpus: &Corpus,
    records: std::ops::Range<usize>,
) -> Result<IntModel, TrainError> {
    let floats = Floats::of(network)?;
    let ranges = ranges::measure(&floats, preset, corpus, records, CALIBRATION)?;
    let config = shape(&floats);
    let weights = weights(&floats, &ranges)?;
    IntModel::new(config, weights).map_err(|e| TrainError::Export(e.to_string()))
}

fn shape(floats: &Floats) -> IntConfig {
    let c = &floats.config;
    IntConfig {
        vocab: c.vocab,
        context_vocab: c.context_vocab,
        d_model: c.d_model,
        n_layers: c.n_layers,
        n_heads: c.n_heads,
        d_ff: c.d_ff,
        window: c.window,
        types: c.types.at(0, c.types.record_len()).into_iter().map(|t| t as u16).collect(),
        embedding: match c.embedding {
            Embedding::Shared => int::Embedding::Shared,
            Embedding::PerType { .. } => int::Embedding::PerType,
            Embedding::Factorised => int::Embedding::Factorised,
        },
        head: match c.head {
            HeadKind::Shared => int::HeadKind::Shared,
            HeadKind::PerType => int::HeadKind::PerType,
            HeadKind::Factorised => int::HeadKind::Factorised,
        },
        head_bias: c.head_bias,
        position: match c.position {
            PositionKind::Sinusoidal => int::PositionKind::Sinusoidal,
            PositionKind::Distance => int::PositionKind::Distance,
            PositionKind::None => int::PositionKind::None,
        },
        target_type: c.target_type,
        above: c.above,
        fraction: c.fraction,
        copied: c.copied,
        memory: c.memory.as_ref().map(|m| int::MemoryConfig { chunk: m.chunk, rate: m.rate }),
    }
}

/// Units of a layer.
struct LayerUnits {
    attention: f64,
    query: f64,
    key: f64,
    value: f64,
    feed: f64,
    gate: f64,
    up: f64,
    product: f64,
}

impl LayerUnits {
    fn new(range: &LayerRange) -> Self {
        let wide = |most: f64| (ROOM * most).max(f64::MIN_POSITIVE) / WIDE;
        let narrow = |most: f64| (LITTLE_ROOM * most).max(1e-30) / NARROW;
        let (gate, up) = (narrow(range.gate), wide(range.up));
        // The table of SiLU holds silu · up / product and must fit 16 bits.
        let product = wide(range.product).max(gate * NARROW * up * 1.001);
        Self {
            attention: wide(range.attention),
            query: narrow(range.query),
            key: narrow(range.key),
            value: wide(range.value),
            feed: wide(range.feed),
            gate,
            up,
            product,
        }
    }
}

fn weights(f: &Floats, ranges: &Ranges) -> Result<Weights, TrainError> {
    let units: Vec<LayerUnits> = ranges.layers.iter().map(LayerUnits::new).collect();
    let (table_unit, shift) = residual_unit(f, ranges, &units);
    let unit = table_unit / f64::from(1u32 << shift);
    let d = f.config.d_model as f64;
    let table = |t: &Table| EmbeddingTable {
        rows: numbers(&t.rows, 1.0 / table_unit),
        gain: numbers(&t.gain, 4096.0),
    };
    let last = (ROOM * ranges.last).max(f64::MIN_POSITIVE) / WIDE;
    let (coarse, fine) = match f.config.position {
        PositionKind::Sinusoidal => positions(f.config.d_model, table_unit),
        PositionKind::Distance | PositionKind::None => (Vec::new(), Vec::new()),
    };
    let vocab = f.config.vocab;
    Ok(Weights {
        embedding_shift: shift,
        embed: table(&f.embed),
        start: numbers(&f.start, 1.0 / table_unit),
        coarse,
        fine,
        target: numbers(&f.target, 1.0 / table_unit),
        above: table(&f.above),
        fraction: numbers(&f.fraction, 1.0 / table_unit),
        copied: numbers(&f.copied, 1.0 / table_unit),
        rms_epsilon: epsilon(1e-6, d, unit),
        layers: f
            .layers
            .iter()
            .zip(&units)
            .zip(&ranges.layers)
            .map(|((layer, units), range)| layer_weights(f, layer, units, range, unit))
            .collect::<Result<_, _>>()?,
        final_gain: gains(&f.last_scale, d, last),
        head_gain: numbers(&f.head_gain, 4096.0),
        heads: f
            .heads
            .iter()
            .map(|head| linear(head, vocab, last * NAT))
            .collect::<Result<_, _>>()?,
        head_bias: numbers(&f.head_bias, NAT),
    })
}

/// The unit of the tables, and the shift to that of the residual stream: the finest for which the stream has room and
/// all factors into it are small enough.
fn residual_unit(f: &Floats, ranges: &Ranges, units: &[LayerUnits]) -> (f64, u8) {
    let mut most: f64 = match f.config.position {
        PositionKind::Sinusoidal => 1.0,
        PositionKind::Distance | PositionKind::None => 1e-6,
    };
    for table in [&f.embed.rows, &f.start, &f.target, &f.above.rows, &f.fraction, &f.copied] {
        most = most.max(largest(table));
    }
    let into = f.layers.iter().zip(units).map(|(layer, u)| {
        (largest(&layer.output) * u.value).max(largest(&layer.down) * u.product) / 127.0
    });
    // A factor is below 1/4; the stream stays below 2^23 with twice the room of other numbers.
    let least = into.fold(2.0 * ROOM * ranges.residual / RESIDUAL, |least, x| least.max(4.01 * x));
    let mut table = most * 1.0001 / WIDE;
    while table < least {
        table *= 2.0;
    }
    let shift = (0..=8u8).rev().find(|&s| table / f64::from(1u32 << s) >= least).unwrap_or(0);
    (table, shift)
}

fn epsilon(of_float: f64, d: f64, unit: f64) -> u64 {
    // As many as fit: below 2^56.
    ((d * of_float / (unit * unit)).round() as u64).clamp(1, (1 << 56) - 1)
}

/// Gains from unit vectors to a unit.
fn gains(scale: &[f64], d: f64, unit: f64) -> Vec<i16> {
    numbers(scale, d.sqrt() * 4096.0 / (WIDE * unit))
}

fn layer_weights(
    f: &Floats,
    layer: &Layer,
    u: &LayerUnits,
    range: &LayerRange,
    residual: f64,
) -> Result<LayerWeights, TrainError> {
    let (dim, inner) = (f.config.d_model, f.config.d_ff);
    let (d, head) = (dim as f64, f.config.d_head() as f64);
    Ok(LayerWeights {
        attention_gain: gains(&layer.attention_scale, d, u.attention),
        query: linear(&layer.query, dim, u.attention / u.query)?,
        key: linear(&layer.key, dim, u.attention / u.key)?,
        value: linear(&layer.value, dim, u.attention / u.value)?,
        score: factor(u.query * u.key / head.sqrt() * NAT)?,
        distance: numbers(&layer.distance, NAT),
        output: linear(&layer.output, dim, u.value / residual)?,
        memory: match &layer.memory {
            None => MemoryWeights::default(),
            Some(memory) => memory_weights(f, memory, u, range)?,
        },
        feed_gain: gains(&layer.feed_scale, d, u.feed),
        gate: linear(&layer.gate, inner, u.feed / u.gate)?,
        up: linear(&layer.up, inner, u.feed / u.up)?,
        silu: (-2048..2048)
            .map(|g| {
                let x = f64::from(g) * u.gate;
                let silu = x / (1.0 + (-x).exp());
                (silu * u.up * 32768.0 / u.product).round().clamp(-WIDE, WIDE) as i16
            })
            .collect(),
        down: linear(&layer.down, dim, u.product / residual)?,
    })
}

fn memory_weights(
    f: &Floats,
    m: &Memory,
    u: &LayerUnits,
    range: &LayerRange,
) -> Result<MemoryWeights, TrainError> {
    let dim = f.config.d_model;
    let (d, head) = (dim as f64, f.config.d_head() as f64);
    let entry = (ROOM * range.entry).max(1e-30) / WIDE;
    let key = (LITTLE_ROOM * range.memory_key).max(1e-30) / NARROW;
    // The finest unit that leaves room, and whose factors are below 1/4.
    let projected = (2.0 * ROOM * range.projected / RESIDUAL)
        .max(4.01 * largest(&m.projection) * u.attention / 127.0);
    let scorer = largest(&m.scorer).max(1e-30) / WIDE;
    let bias = m.scorer_bias / (scorer * u.attention);
    Ok(MemoryWeights {
        key: linear(&m.key, dim, entry / key)?,
        value: linear(&m.value, dim, entry / u.value)?,
        score: factor(u.query * key / head.sqrt() * NAT)?,
        beta: numbers(&m.beta, 32768.0),
        scorer: numbers(&m.scorer, 1.0 / scorer),
        scorer_bias: (bias.round() as i64).clamp(-(1 << 45), 1 << 45),
        gate: factor(scorer * u.attention * NAT)?,
        projection: linear(&m.projection, dim, u.attention / projected)?,
        gain: gains(&m.norm_scale, d, entry),
        bias: numbers(&m.norm_bias, 1.0 / entry),
        epsilon: epsilon(1e-5, d, projected),
    })
}

/// Rows of the coarse table, sine and cosine by turns in units of the tables, and of the fine one.
fn positions(d: usize, unit: f64) -> (Vec<i16>, Vec<i16>) {
    let width = d.next_multiple_of(2);
    let rows = |count: u64, stride: u64, scale: f64| {
        let mut all = Vec::with_capacity(count as usize * width);
        for row in 0..count {
            for pair in 0..width / 2 {
                let angle = (row * stride) as f64 * 10_000f64.powf(-((2 * pair) as f64) / d as f64);
                all.extend([angle.sin() * scale, angle.cos() * scale]);
            }
        }
        numbers(&all, 1.0)
    };
    use vxc_infer::ops::embed::{COARSE_ROWS, FINE_ROWS};
    (rows(COARSE_ROWS, FINE_ROWS, 1.0 / unit), rows(FINE_ROWS, 1, WIDE))
}
