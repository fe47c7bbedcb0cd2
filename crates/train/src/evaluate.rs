//! Cost of data under a network, as a coder would pay it: `Σ (−log2 p(symbol) + log2 size) / bytes`.

use std::ops::Range;

use burn::module::Module;
use burn::tensor::Device;
use serde::{Deserialize, Serialize};
use vxc_model::{OptimisedCompressiveTransformer, State};

use crate::config::Preset;
use crate::data::{Batch, Corpus};
use crate::error::TrainError;
use crate::network::{input, log_likelihood};
use crate::shard::in_parallel;

/// What a range of records costs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Cost {
    /// Bytes of the records that were read.
    pub bytes: u64,
    /// Bits of the symbols.
    pub symbol_bits: f64,
    /// Bits of the offsets.
    pub offset_bits: f64,
}

impl Cost {
    /// Bits per byte.
    pub fn bits_per_byte(&self) -> f64 {
        (self.symbol_bits + self.offset_bits) / self.bytes as f64
    }

    /// Raw bytes over coded bytes, the coder's own overhead left out.
    pub fn ratio(&self) -> f64 {
        8.0 / self.bits_per_byte()
    }
}

/// Bytes of text that count as a record.
pub const STRETCH: usize = 512;

/// How to read the data.
#[derive(Clone, Copy, Debug)]
pub struct Reading {
    /// Whole records, or lanes that carry what they saw.
    pub preset: Preset,
    /// Rows of a batch.
    pub lanes: usize,
    /// Tokens of a lane in one step (lanes only).
    pub length: usize,
    /// Threads.
    pub threads: usize,
    /// Most records to read, from the first on, or stretches of [`STRETCH`] bytes of text; 0 = all.
    pub most: usize,
}

/// The cost of a range of records. Lanes leave out the records that do not fill all of them evenly.
///
/// # Errors
/// [`TrainError::Data`] for an empty range; [`TrainError::Device`] if a computation fails.
pub fn evaluate(
    network: &OptimisedCompressiveTransformer,
    corpus: &Corpus,
    records: Range<usize>,
    device: &Device,
    reading: &Reading,
) -> Result<Cost, TrainError> {
    if records.is_empty() {
        return Err(TrainError::Data("no records to evaluate".into()));
    }
    let unit = if corpus.record_bytes == 1 { STRETCH } else { 1 };
    let most = match reading.most {
        0 => records.len(),
        most => most.saturating_mul(unit),
    };
    let records = records.start..records.end.min(records.start + most);
    let network = network.valid();
    let device = device.clone().without_autodiff();
    let n = corpus.record_tokens;
    let threads = reading.threads.max(1);
    let (sums, read) = match reading.preset {
        Preset::Record => {
            let all: Vec<usize> = records.clone().collect();
            let share = all.len().div_ceil(threads);
            let jobs: Vec<_> = all.chunks(share).map(|part| (network.clone(), part)).collect();
            let sums = in_parallel(jobs, |(network, part)| {
                let batches = part.chunks(reading.lanes.max(1)).map(|rows| {
                    let starts: Vec<usize> = rows.iter().map(|r| r * n).collect();
                    bits(&network, &Batch::gather(corpus, &starts, n), State::new(), &device)
                        .map(|r| r.0)
                });
                batches.sum::<Result<f64, _>>()
            })?;
            (sums, records)
        }
        Preset::Memory => {
            let lanes = reading.lanes.clamp(1, records.len());
            let each = records.len() / lanes;
            let starts: Vec<usize> = (0..lanes).map(|i| (records.start + i * each) * n).collect();
            let share = lanes.div_ceil(threads);
            let jobs: Vec<_> = starts.chunks(share).map(|part| (network.clone(), part)).collect();
            let sums = in_parallel(jobs, |(network, part)| {
                let mut state = State::new();
                let mut sum = 0.0;
                for at in (0..each * n).step_by(reading.length) {
                    let length = reading.length.min(each * n - at);
                    let starts: Vec<usize> = part.iter().map(|s| s + at).collect();
                    let batch = Batch::gather(corpus, &starts, length);
                    let (bits, next) = bits(&network, &batch, state, &device)?;
                    sum += bits;
                    state = next;
                }
                Ok(sum)
            })?;
            (sums, records.start..records.start + each * lanes)
        }
    };
    let symbol_bits = sums.into_iter().sum::<Result<f64, TrainError>>()?;
    Ok(Cost {
        bytes: (read.len() * corpus.record_bytes) as u64,
        symbol_bits,
        offset_bits: corpus.raw_bits(read),
    })
}

/// Bits of a batch's symbols, and what to carry on.
fn bits(
    network: &OptimisedCompressiveTransformer,
    batch: &Batch,
    state: State,
    device: &Device,
) -> Result<(f64, State), TrainError> {
    let (tokens, symbols) = input(batch, network.config(), device);
    let (logits, state) = network.forward(&tokens, state);
    let logs = log_likelihood(logits, symbols)
        .reshape([batch.tokens()])
        .try_into_vec_as::<f32>()
        .map_err(|e| TrainError::Device(format!("{e:?}")))?;
    let nats: f64 = logs.into_iter().map(f64::from).sum();
    Ok((-nats * std::f64::consts::LOG2_E, state))
}
