//! Training on the input of a compression, within a budget of tokens or time.
//!
//! What the network learns is paid for by its bytes in the archive, so it is small: record by record, one table for all
//! fields, one head with gains, unless the input is so large that a head for each field pays. A budget of tokens gives
//! the same network each time on one kind of CPU; one of seconds does not. Every archive decodes everywhere.

use std::str::FromStr;
use std::time::{Duration, Instant};

use vxc::StreamCode;
use vxc_infer::IntModel;
use vxc_model::{Embedding, HeadKind, OptimisedCompressiveTransformer, State};

use crate::config::{ModelSection, Precision, Preset};
use crate::data::{Corpus, RecordPosition, Records};
use crate::error::TrainError;
use crate::export::export;
use crate::optim::NamedAdamW;
use crate::precision::Arithmetic;
use crate::schedule::Schedule;
use crate::scoreboard::Scoreboard;
use crate::shard::{Plan, gradients};
use crate::{device, network, source};

/// Records of a step.
const BATCH: usize = 128;
/// Parts of a batch side by side.
const SHARDS: usize = 2;
/// The learning rate falls in so many steps of the schedule, however long the budget.
const SCHEDULE: Schedule = Schedule { peak: 4e-3, floor: 1e-4, warmup: 200, steps: 10_000 };
/// Inputs of this many bytes get a wide network with a head for each field.
const LARGE: usize = 48 << 20;

/// How much training is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Budget {
    /// Tokens: the same result each time.
    Tokens(u64),
    /// Time.
    Time(Duration),
}

impl FromStr for Budget {
    type Err = String;

    /// `20Mtok`, `500ktok`, `1000tok` or `120s`.
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong =
            || "a budget is a number of tokens or seconds: 20Mtok, 500ktok, 120s".to_owned();
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (number, unit) = text.split_at(digits);
        let number: u64 = number.parse().map_err(|_| wrong())?;
        if number == 0 {
            return Err("a budget is above zero".to_owned());
        }
        let tokens = |factor: u64| number.checked_mul(factor).map(Self::Tokens).ok_or_else(wrong);
        match unit {
            "Gtok" => tokens(1_000_000_000),
            "Mtok" => tokens(1_000_000),
            "ktok" => tokens(1000),
            "tok" => tokens(1),
            "s" => Ok(Self::Time(Duration::from_secs(number))),
            _ => Err(wrong()),
        }
    }
}

/// The codec's hook: see [`vxc::Trainer`].
#[derive(Clone, Debug)]
pub struct InputTrainer {
    /// When training ends.
    pub budget: Budget,
    /// Show nothing.
    pub quiet: bool,
}

impl vxc::Trainer for InputTrainer {
    fn train(&self, code: &StreamCode, raw: &[u8]) -> Result<Option<(IntModel, bool)>, vxc::Error> {
        self.trained(code, raw).map_err(|e| match e {
            TrainError::Codec(e) => e,
            e => vxc::Error::InvalidArgument(format!("training on the input: {e}")),
        })
    }
}

impl InputTrainer {
    /// A network that reads record by record; none if there are too few records to learn from.
    fn trained(
        &self,
        code: &StreamCode,
        raw: &[u8],
    ) -> Result<Option<(IntModel, bool)>, TrainError> {
        let corpus = source::corpus(code, raw);
        if corpus.records() < 4 * BATCH || corpus.fractions.is_empty() {
            return Ok(None);
        }
        let network = self.learn(&corpus, raw.len() >= LARGE)?;
        let integers = export(&network, Preset::Record, &corpus, 0..corpus.records())?;
        Ok(Some((integers, true)))
    }

    fn learn(
        &self,
        corpus: &Corpus,
        large: bool,
    ) -> Result<OptimisedCompressiveTransformer, TrainError> {
        let devices = device::open("cpu")?;
        let first = devices.first().ok_or_else(|| TrainError::Device("no device".into()))?;
        let arithmetic = Arithmetic::choose(Precision::F32, first)?;
        let d_model = if large { 64 } else { 32 };
        let sizes = ModelSection {
            preset: Preset::Record,
            d_model,
            n_layers: 2,
            n_heads: 4,
            d_ff: 2 * d_model,
            dropout: 0.0,
            ..ModelSection::default()
        };
        let mut shape = network::config(&sizes, corpus)?;
        if !large {
            (shape.embedding, shape.head) = (Embedding::Factorised, HeadKind::Factorised);
        }
        let counts = corpus.histogram(0..corpus.records());
        let mut network =
            OptimisedCompressiveTransformer::new(&shape, 1, first)?.init_bias(&counts)?;
        let mut optimiser = NamedAdamW::new(0.05);
        let mut sampler = Records::new(0..corpus.records(), 1, RecordPosition::default());
        let each = (BATCH * corpus.record_tokens) as u64;
        let steps = match self.budget {
            Budget::Tokens(tokens) => tokens.div_ceil(each).max(1),
            Budget::Time(_) => u64::MAX,
        };
        let board = Scoreboard::new(SCHEDULE.steps, 0, self.quiet);
        let began = Instant::now();
        for step in 0..steps {
            // How much of the budget is spent, in steps of the schedule.
            let spent = match self.budget {
                Budget::Tokens(_) => step as f64 / steps as f64,
                Budget::Time(all) => began.elapsed().as_secs_f64() / all.as_secs_f64().max(1e-3),
            };
            if spent >= 1.0 {
                break;
            }
            let at = (spent * SCHEDULE.steps as f64) as u64;
            board.step(at);
            let batch = sampler.next(corpus, BATCH);
            let plan = Plan {
                devices: &devices,
                shards: SHARDS,
                arithmetic,
                tokens: batch.tokens(),
                scale: 1.0,
                seed: 1,
                pass: step,
                chunk: None,
                checkpointing: false,
            };
            let mut states: Vec<State> = Vec::new();
            let outcome = gradients(&network, &batch, &mut states, &plan)?;
            let loss = outcome.nats / batch.tokens() as f64;
            if !loss.is_finite() {
                return Err(TrainError::Diverged { step, loss });
            }
            let mut sum = outcome.gradients;
            sum.clip(1.0);
            network = optimiser.step(network, SCHEDULE.rate(at), sum);
        }
        board.finish();
        Ok(network)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn budgets_are_tokens_or_seconds() {
        assert_eq!("20Mtok".parse(), Ok(Budget::Tokens(20_000_000)));
        assert_eq!("3ktok".parse(), Ok(Budget::Tokens(3000)));
        assert_eq!("120s".parse(), Ok(Budget::Time(Duration::from_secs(120))));
        for bad in ["", "20", "20M", "-3s", "1.5Mtok", "99999999999999Gtok"] {
            assert!(bad.parse::<Budget>().is_err(), "{bad}");
        }
    }
}
