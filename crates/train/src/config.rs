//! Configuration of a run: a YAML file, then overrides. Every key has a default; unknown keys are errors.

mod merge;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::early_stop::EarlyStop;
use crate::error::TrainError;
use crate::schedule::Schedule;

/// All of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The network.
    pub model: ModelSection,
    /// What it is trained on.
    pub data: DataSection,
    /// How.
    pub training: TrainingSection,
}

/// What attention sees.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Preset {
    /// One record at a time; records are drawn at random.
    Record,
    /// A window of tokens and a compressed memory of older ones; lanes walk through the data.
    #[default]
    Memory,
}

/// The network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ModelSection {
    /// What attention sees.
    pub preset: Preset,
    /// Width.
    pub d_model: usize,
    /// Blocks.
    pub n_layers: usize,
    /// Attention heads; divides `d_model`.
    pub n_heads: usize,
    /// Width inside the feed-forward part.
    pub d_ff: usize,
    /// Positions that attention sees.
    pub window: usize,
    /// One token in this many is kept in the memory.
    pub compression_rate: usize,
    /// Share of activations dropped in training.
    pub dropout: f64,
    /// One embedding table for each position type.
    pub use_tdt: bool,
    /// Whether there is a compressed memory (preset `memory`).
    pub memory: bool,
    /// Whether the gate between window and memory is learned; else it keeps its first value.
    pub learn_beta: bool,
    /// Whether blocks are computed again in the backward pass instead of kept.
    pub gradient_checkpointing: bool,
    /// Chunk lengths drawn in training (preset `memory`); the largest is used afterwards.
    pub chunk_sizes: Vec<usize>,
    /// Network that training starts from: the folder of one, as `best` in a run's, or a `.pt` file of the published
    /// package. Its sizes count then, not those above. None: random weights.
    pub start: Option<PathBuf>,
}

impl Default for ModelSection {
    fn default() -> Self {
        Self {
            preset: Preset::default(),
            d_model: 512,
            n_layers: 8,
            n_heads: 8,
            d_ff: 2048,
            window: 512,
            compression_rate: 4,
            dropout: 0.1,
            use_tdt: true,
            memory: true,
            learn_beta: true,
            gradient_checkpointing: false,
            chunk_sizes: vec![128, 256, 512],
            start: None,
        }
    }
}

/// What the network reads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Symbols {
    /// Field symbols where the fit chooses them, else bytes.
    #[default]
    Auto,
    /// Field symbols of a fitted tokeniser.
    Fields,
    /// Bytes.
    Bytes,
}

/// What it is trained on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DataSection {
    /// Training files, in order.
    pub train: Vec<PathBuf>,
    /// Of HDF5, NumPy and ROOT files: the array that is read; none: the largest table of numbers.
    pub array: Option<String>,
    /// What the network reads.
    pub symbols: Symbols,
    /// Share of the records, at the end of the data, that measures progress.
    pub validation: f64,
    /// Share of the records, after those, that only the final model reads.
    pub test: f64,
}

impl Default for DataSection {
    fn default() -> Self {
        Self {
            train: Vec::new(),
            array: None,
            symbols: Symbols::default(),
            validation: 0.1,
            test: 0.0,
        }
    }
}

/// Arithmetic of the network's products. Weights and the optimiser are f32 always.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Precision {
    /// bf16, or else f16, where a device other than the CPU computes in it; else f32.
    #[default]
    Auto,
    /// 32 bits.
    F32,
    /// bfloat16.
    Bf16,
    /// Half precision, with loss scaling.
    F16,
}

/// How the network is trained.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TrainingSection {
    /// Records (preset `record`) or lanes (preset `memory`) of a step's forward pass.
    pub batch_size: usize,
    /// Forward passes whose gradients are summed for one step.
    pub accumulate: usize,
    /// Tokens of a lane in one forward pass (preset `memory`): back-propagation goes through all of its chunks.
    pub sequence: usize,
    /// Parts of a batch that are computed side by side. A part of the result: another number gives other bytes.
    pub shards: usize,
    /// Largest learning rate.
    pub lr: f64,
    /// Last learning rate.
    pub min_lr: f64,
    /// Steps of the linear warm-up.
    pub warmup: u64,
    /// Steps in all.
    pub max_steps: u64,
    /// Decoupled weight decay.
    pub weight_decay: f64,
    /// Largest global norm of the gradients; 0 = no clipping.
    pub grad_clip: f64,
    /// Arithmetic.
    pub precision: Precision,
    /// Steps between evaluations.
    pub eval_every: u64,
    /// Most records (or 512-byte stretches) of the validation part that an evaluation reads; 0 = all.
    pub eval_records: usize,
    /// Evaluations in a row without improvement that end the run; 0 = never.
    pub patience: u32,
    /// Fall of the bits per byte that counts as an improvement.
    pub min_delta: f64,
    /// Steps between checkpoints.
    pub checkpoint_every: u64,
    /// Steps between lines of the log.
    pub log_every: u64,
    /// Seed of everything random.
    pub seed: u64,
}

impl Default for TrainingSection {
    fn default() -> Self {
        Self {
            batch_size: 32,
            accumulate: 1,
            sequence: 1024,
            shards: 2,
            lr: 3e-4,
            min_lr: 1e-6,
            warmup: 4000,
            max_steps: 100_000,
            weight_decay: 0.01,
            grad_clip: 1.0,
            precision: Precision::Auto,
            eval_every: 1000,
            eval_records: 0,
            patience: 5,
            min_delta: 1e-4,
            checkpoint_every: 1000,
            log_every: 20,
            seed: 1,
        }
    }
}

impl Config {
    /// Reads a YAML file (none: the defaults) and applies overrides `key=value`, where a key is `section.name`, or
    /// `name` alone where only one section has it.
    ///
    /// # Errors
    /// I/O, bad YAML, unknown keys, values of the wrong sort or out of range.
    pub fn load(file: Option<&Path>, overrides: &[String]) -> Result<Self, TrainError> {
        let text = match file {
            Some(path) => std::fs::read_to_string(path).map_err(TrainError::io(path))?,
            None => String::new(),
        };
        Self::parse(&text, overrides).map_err(|e| match (e, file) {
            (TrainError::Config(m), Some(path)) => {
                TrainError::Config(format!("{}: {m}", path.display()))
            }
            (e, _) => e,
        })
    }

    /// As [`Config::load`], from text.
    ///
    /// # Errors
    /// As there.
    pub fn parse(yaml: &str, overrides: &[String]) -> Result<Self, TrainError> {
        let config = merge::merged(&Self::default(), yaml, overrides)?;
        config.check()?;
        Ok(config)
    }

    /// As YAML.
    ///
    /// # Errors
    /// [`TrainError::Config`] if it cannot be written, which no valid configuration meets.
    pub fn to_yaml(&self) -> Result<String, TrainError> {
        serde_saphyr::to_string(self).map_err(|e| TrainError::Config(e.to_string()))
    }

    /// A checksum of what a resumed run must not have changed: all but where the files are, how long it goes on and
    /// what is measured on the way.
    ///
    /// # Errors
    /// As [`Config::to_yaml`].
    pub fn checksum(&self) -> Result<u32, TrainError> {
        let (mut own, free) = (self.clone(), Self::default().training);
        own.data.train.clear();
        let t = &mut own.training;
        t.max_steps = free.max_steps;
        (t.eval_every, t.eval_records) = (free.eval_every, free.eval_records);
        (t.checkpoint_every, t.log_every) = (free.checkpoint_every, free.log_every);
        Ok(crc32c::crc32c(own.to_yaml()?.as_bytes()))
    }

    /// The learning rate.
    pub fn schedule(&self) -> Schedule {
        let t = &self.training;
        Schedule { peak: t.lr, floor: t.min_lr, warmup: t.warmup, steps: t.max_steps }
    }

    /// Early stopping.
    pub fn early_stop(&self) -> EarlyStop {
        EarlyStop::new(self.training.patience, self.training.min_delta)
    }

    fn check(&self) -> Result<(), TrainError> {
        let (m, d, t) = (&self.model, &self.data, &self.training);
        let rules = [
            (
                m.d_model > 0 && m.n_layers > 0 && m.n_heads > 0 && m.d_ff > 0,
                "model sizes: at least 1",
            ),
            (m.n_heads > 0 && m.d_model.is_multiple_of(m.n_heads), "n_heads must divide d_model"),
            (
                m.d_model <= 1 << 14 && m.d_ff <= 1 << 16,
                "d_model at most 16384, d_ff at most 65536",
            ),
            (
                m.n_layers <= 256 && m.window <= 1 << 16,
                "n_layers at most 256, window at most 65536",
            ),
            (m.window > 0 && m.compression_rate > 0, "window and compression_rate: at least 1"),
            ((0.0..1.0).contains(&m.dropout), "dropout must be in [0, 1)"),
            (
                !m.chunk_sizes.is_empty() && !m.chunk_sizes.contains(&0),
                "chunk_sizes: at least one, none 0",
            ),
            (
                d.validation > 0.0 && d.test >= 0.0 && d.validation + d.test < 1.0,
                "validation must be above 0, validation + test below 1",
            ),
            (
                t.batch_size > 0 && t.accumulate > 0 && t.shards > 0 && t.sequence > 0,
                "batch_size, accumulate, shards and sequence: at least 1",
            ),
            (t.shards <= t.batch_size, "shards must not exceed batch_size"),
            (
                m.preset != Preset::Memory
                    || !m.memory
                    || m.chunk_sizes.iter().all(|&chunk| t.sequence >= 2 * chunk),
                "sequence must hold two of the largest of chunk_sizes, or eviction learns nothing",
            ),
            (
                t.lr > 0.0 && t.min_lr >= 0.0 && t.min_lr <= t.lr,
                "lr must be above 0 and min_lr in [0, lr]",
            ),
            (
                t.weight_decay >= 0.0 && t.grad_clip >= 0.0 && t.min_delta >= 0.0,
                "weight_decay, grad_clip and min_delta must not be negative",
            ),
            (
                t.eval_every > 0 && t.checkpoint_every > 0 && t.log_every > 0,
                "eval_every, checkpoint_every and log_every: at least 1",
            ),
        ];
        match rules.iter().find(|(holds, _)| !holds) {
            Some((_, rule)) => Err(TrainError::Config((*rule).to_string())),
            None => Ok(()),
        }
    }
}
