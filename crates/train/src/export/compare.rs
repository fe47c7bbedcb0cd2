//! What the integers cost: bits of records under an integer network.

use std::ops::Range;
use std::sync::Arc;

use vxc_infer::{Engine, Input, IntModel, Isa, PackedModel, Token};

use crate::config::Preset;
use crate::data::Corpus;
use crate::error::TrainError;
use crate::evaluate::Cost;

/// Lanes of the engine.
const LANES: usize = 64;

/// The cost of a range of records, as [`crate::evaluate::evaluate`] counts it.
///
/// # Errors
/// [`TrainError::Data`] for an empty range.
pub fn integer_cost(
    model: &IntModel,
    preset: Preset,
    corpus: &Corpus,
    records: Range<usize>,
) -> Result<Cost, TrainError> {
    if records.is_empty() {
        return Err(TrainError::Data("no records to evaluate".into()));
    }
    let n = corpus.record_tokens;
    let lanes = LANES.min(records.len());
    let each = records.len() / lanes;
    let packed = Arc::new(PackedModel::new(model.clone()));
    let mut engine = Engine::new(packed, lanes, Isa::current())
        .map_err(|e| TrainError::Export(e.to_string()))?;
    let mut bits = 0.0;
    for t in 0..each * n {
        if preset == Preset::Record && t % n == 0 {
            engine.reset(0);
        }
        let inputs: Vec<Input> = (0..lanes)
            .map(|lane| {
                let at = (records.start + lane * each) * n + t;
                let previous = at.checked_sub(1).map_or(Token::default(), |i| token(corpus, i));
                Input { previous, above: u16::from(corpus.above(at)) }
            })
            .collect();
        for (lane, cdf) in engine.step(&inputs).iter().enumerate() {
            let symbol = corpus.symbols[(records.start + lane * each) * n + t];
            bits += 16.0 - f64::from(cdf.width(symbol)).log2();
        }
    }
    let read = records.start..records.start + each * lanes;
    Ok(Cost {
        bytes: (read.len() * corpus.record_bytes) as u64,
        symbol_bits: bits,
        offset_bits: corpus.raw_bits(read),
    })
}

fn token(corpus: &Corpus, i: usize) -> Token {
    let value = corpus.values()[i];
    Token {
        symbol: value.into(),
        fraction: corpus.fractions.get(i).copied().unwrap_or(0),
        copied: corpus.symbols[i] != value,
    }
}
