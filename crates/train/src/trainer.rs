//! The training loop.
//!
//! A step: forward and backward passes over `accumulate` batches, the sum of their gradients in a fixed order,
//! clipping, one update. At a checkpoint the carried memories are dropped, so that a resumed run, which has none,
//! equals an uninterrupted one; lanes go on at their places.

use std::time::Instant;

use burn::tensor::Device;
use vxc_bench::measure::peak_memory;
use vxc_model::{CatWrapper, OptimisedCompressiveTransformer, State};

use crate::checkpoint::{Progress, RunFolder};
use crate::config::{Config, Preset};
use crate::data::{Batch, LanePosition, Lanes, RecordPosition, Records};
use crate::early_stop::Verdict;
use crate::error::TrainError;
use crate::evaluate::{Cost, Reading, evaluate};
use crate::gradients::Gradients;
use crate::log::{Line, Log};
use crate::optim::NamedAdamW;
use crate::precision::{Arithmetic, LossScale};
use crate::scoreboard::Scoreboard;
use crate::seed::{SplitMix64, Stream};
use crate::shard::{Plan, gradients, shares};
use crate::source::Source;
use crate::start;
use crate::tensorboard::EventWriter;

/// A run between two steps.
pub struct Trainer<'a> {
    config: &'a Config,
    source: &'a Source,
    folder: RunFolder,
    devices: Vec<Device>,
    arithmetic: Arithmetic,
    network: OptimisedCompressiveTransformer,
    optimiser: NamedAdamW,
    sampler: Sampler,
    /// What each share of the batch carries.
    states: Vec<State>,
    progress: Progress,
    /// Offset bits of a training token, mean.
    raw_bits: f64,
    /// Checkpoints that could not be read, an older one being used.
    damaged: Vec<String>,
}

enum Sampler {
    Records(Records),
    Lanes(Lanes),
}

impl<'a> Trainer<'a> {
    /// A run in a folder: at its newest checkpoint, or at its start. The first device holds the weights.
    ///
    /// # Errors
    /// [`TrainError::Checkpoint`] for a checkpoint that is damaged or of other data; whatever the configuration
    /// does not allow.
    pub fn new(
        config: &'a Config,
        source: &'a Source,
        folder: RunFolder,
        devices: Vec<Device>,
    ) -> Result<Self, TrainError> {
        let device =
            devices.first().ok_or_else(|| TrainError::Device("no device was given".into()))?;
        let t = &config.training;
        let arithmetic = Arithmetic::choose(t.precision, device)?;
        let mut optimiser = NamedAdamW::new(t.weight_decay);
        let (found, damaged) = folder.load(device, &mut optimiser)?;
        let (network, progress) = match found {
            Some(found) => found,
            None => {
                (start::network(config, source, device)?, beginning(config, source, arithmetic)?)
            }
        };
        if progress.config != config.checksum()? {
            let what = format!(
                "{} is not the configuration it was made with: only train, max_steps, eval_every, eval_records, \
                 checkpoint_every and log_every may change",
                folder.path().join("config.yaml").display()
            );
            return Err(TrainError::Checkpoint(what));
        }
        if progress.data != source.checksum() {
            return Err(TrainError::Checkpoint("it was made with other data".into()));
        }
        let train = source.split.train.clone();
        let sampler = match config.model.preset {
            Preset::Record => {
                Sampler::Records(Records::new(train.clone(), t.seed, progress.records))
            }
            Preset::Memory => Sampler::Lanes(Lanes::new(
                &source.corpus,
                train.clone(),
                t.batch_size,
                t.sequence,
                t.seed,
                progress.lanes,
            )?),
        };
        let tokens = (train.len() * source.corpus.record_tokens) as f64;
        let raw_bits = source.corpus.raw_bits(train) / tokens;
        let states = Vec::new();
        let own = Self {
            config,
            source,
            folder,
            devices,
            arithmetic,
            network,
            optimiser,
            sampler,
            states,
            progress,
            raw_bits,
            damaged,
        };
        Ok(own)
    }

    /// Checkpoints that could not be read, an older one being used.
    pub fn damaged(&self) -> &[String] {
        &self.damaged
    }

    /// Steps that are done.
    pub fn step(&self) -> u64 {
        self.progress.step
    }

    /// The network as it is.
    pub fn network(&self) -> &OptimisedCompressiveTransformer {
        &self.network
    }

    /// Trains until the last step, early stopping, or `until`. The best network is in the folder afterwards.
    ///
    /// # Errors
    /// [`TrainError::Diverged`]; I/O.
    pub fn run(&mut self, board: &mut Scoreboard, until: Option<u64>) -> Result<(), TrainError> {
        let t = &self.config.training;
        let mut log = Log::open(&self.folder.path().join("log.jsonl"), self.progress.step)?;
        let mut events = EventWriter::create(self.folder.path(), self.progress.step)?;
        let began = Instant::now();
        let mut last_log = (Instant::now(), 0u64);
        let last = t.max_steps.min(until.unwrap_or(u64::MAX));
        while self.progress.step < last && !self.progress.stopped {
            let (lr, norm, tokens) = self.one_step()?;
            last_log.1 += tokens;
            let step = self.progress.step;
            board.step(step);
            let evaluated = step.is_multiple_of(t.eval_every) || step == t.max_steps;
            if step.is_multiple_of(t.log_every) || evaluated {
                let mut line = self.line(lr, norm);
                line.tokens_per_second =
                    Some(last_log.1 as f64 / last_log.0.elapsed().as_secs_f64());
                if evaluated {
                    line.validation_bpb = Some(self.validate()?.bits_per_byte());
                }
                line.seconds = began.elapsed().as_secs_f64();
                line.memory_bytes = peak_memory();
                log.write(&line)?;
                events.scalars(step, &scalars(&line))?;
                board.show(&line);
                last_log = (Instant::now(), 0);
            }
            if step.is_multiple_of(t.checkpoint_every)
                || step == t.max_steps
                || self.progress.stopped
            {
                self.checkpoint()?;
            }
        }
        Ok(())
    }

    /// The cost of the validation part.
    ///
    /// # Errors
    /// As [`evaluate`].
    pub fn validation_cost(&self) -> Result<Cost, TrainError> {
        let records = self.source.split.validation.clone();
        let reading = reading(self.config);
        evaluate(&self.network, &self.source.corpus, records, &self.devices[0], &reading)
    }

    /// One update: learning rate, norm of the gradients, tokens.
    fn one_step(&mut self) -> Result<(f64, f64, u64), TrainError> {
        let t = &self.config.training;
        let batches: Vec<(Batch, bool)> = (0..t.accumulate).map(|_| self.next_batch()).collect();
        let tokens: usize = batches.iter().map(|(b, _)| b.tokens()).sum();
        let scale = self.progress.loss_scale.factor();
        let mut sum = Gradients::default();
        let mut nats = 0.0;
        for (batch, begins) in batches {
            if begins {
                self.states.clear();
            }
            let plan = Plan {
                devices: &self.devices,
                shards: shares(t.shards, &self.devices),
                arithmetic: self.arithmetic,
                tokens,
                scale,
                seed: t.seed,
                pass: self.progress.pass,
                chunk: self.chunk()?,
                checkpointing: self.config.model.gradient_checkpointing,
            };
            let outcome = gradients(&self.network, &batch, &mut self.states, &plan)?;
            sum.add(outcome.gradients);
            nats += outcome.nats;
            self.progress.pass += 1;
        }
        let loss = nats / tokens as f64;
        if !loss.is_finite() {
            return Err(TrainError::Diverged { step: self.progress.step, loss });
        }
        if scale != 1.0 {
            sum.scale(1.0 / scale);
        }
        let norm = sum.clip(t.grad_clip);
        if !norm.is_finite() && scale == 1.0 {
            // Neither weights nor moments have seen it: the last checkpoint is sound.
            return Err(TrainError::Diverged { step: self.progress.step, loss: norm });
        }
        let lr = self.config.schedule().rate(self.progress.step);
        if self.progress.loss_scale.update(self.arithmetic, norm) {
            self.network = self.optimiser.step(self.network.clone(), lr, sum);
        }
        self.progress.step += 1;
        self.progress.since_log.0 += nats;
        self.progress.since_log.1 += tokens as u64;
        Ok((lr, norm, tokens as u64))
    }

    /// The chunk length of the next pass; none without memory.
    fn chunk(&self) -> Result<Option<usize>, TrainError> {
        if self.network.config().memory.is_none() {
            return Ok(None);
        }
        let seed = SplitMix64::new(self.config.training.seed, Stream::Chunks, 0).next_u64();
        let cat =
            CatWrapper::new(self.network.clone(), self.config.model.chunk_sizes.clone(), seed)?;
        Ok(Some(cat.training_chunk(self.progress.pass)))
    }

    /// The next batch, and whether what was carried does not belong to it.
    fn next_batch(&mut self) -> (Batch, bool) {
        match &mut self.sampler {
            Sampler::Records(records) => {
                let batch = records.next(&self.source.corpus, self.config.training.batch_size);
                self.progress.records = records.position();
                (batch, true)
            }
            Sampler::Lanes(lanes) => {
                let next = lanes.next(&self.source.corpus);
                self.progress.lanes = lanes.position();
                next
            }
        }
    }

    fn line(&mut self, lr: f64, norm: f64) -> Line {
        let (nats, tokens) = std::mem::take(&mut self.progress.since_log);
        let loss = nats / tokens.max(1) as f64;
        let corpus = &self.source.corpus;
        let bits = loss * std::f64::consts::LOG2_E + self.raw_bits;
        Line {
            step: self.progress.step,
            loss: Some(loss),
            train_bpb: Some(bits * corpus.record_tokens as f64 / corpus.record_bytes as f64),
            lr: Some(lr),
            gradient_norm: Some(norm),
            ..Line::default()
        }
    }

    /// Measures the validation part, keeps the network if it is the best, and decides whether the run ends.
    fn validate(&mut self) -> Result<Cost, TrainError> {
        let cost = self.validation_cost()?;
        match self.progress.early_stop.update(cost.bits_per_byte()) {
            Verdict::Best => vxc_model::save(&self.network, &made(self.folder.best())?)?,
            Verdict::Wait => {}
            Verdict::Stop => self.progress.stopped = true,
        }
        Ok(cost)
    }

    fn checkpoint(&mut self) -> Result<(), TrainError> {
        self.states.clear();
        self.folder.save(&self.network, &self.optimiser, self.progress.clone())
    }
}

/// How evaluations read the data.
pub fn reading(config: &Config) -> Reading {
    let t = &config.training;
    Reading {
        preset: config.model.preset,
        lanes: t.batch_size,
        length: t.sequence,
        threads: t.shards,
        most: t.eval_records,
    }
}

fn beginning(
    config: &Config,
    source: &Source,
    arithmetic: Arithmetic,
) -> Result<Progress, TrainError> {
    Ok(Progress {
        step: 0,
        pass: 0,
        optimiser_steps: Default::default(),
        records: RecordPosition::default(),
        lanes: LanePosition::default(),
        early_stop: config.early_stop(),
        loss_scale: LossScale::new(arithmetic),
        since_log: (0.0, 0),
        stopped: false,
        data: source.checksum(),
        config: config.checksum()?,
    })
}

fn made(folder: std::path::PathBuf) -> Result<std::path::PathBuf, TrainError> {
    std::fs::create_dir_all(&folder).map_err(TrainError::io(&folder))?;
    Ok(folder)
}

fn scalars(line: &Line) -> Vec<(&'static str, f64)> {
    let all = [
        ("loss", line.loss),
        ("bits_per_byte/train", line.train_bpb),
        ("bits_per_byte/validation", line.validation_bpb),
        ("learning_rate", line.lr),
        ("gradient_norm", line.gradient_norm),
        ("tokens_per_second", line.tokens_per_second),
        ("memory_bytes", line.memory_bytes.map(|b| b as f64)),
    ];
    all.into_iter().filter_map(|(tag, value)| Some((tag, value?))).collect()
}
