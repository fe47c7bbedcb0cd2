//! A whole run: from files to a folder with the best network, and what it costs on data it has not seen.

use std::path::PathBuf;

use vxc::Model;
use vxc_bench::measure::available_memory;
use vxc_tokens::RecordLayout;

use crate::baseline;
use crate::checkpoint::RunFolder;
use crate::config::{Config, Preset};
use crate::data::{Corpus, bytes};
use crate::device;
use crate::error::TrainError;
use crate::evaluate::{Cost, evaluate};
use crate::network;
use crate::scoreboard::Scoreboard;
use crate::source::{self, Source};
use crate::start;
use crate::trainer::{Trainer, reading};

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Request {
    /// Training files.
    pub files: Vec<Vec<u8>>,
    /// Their layout; none: found in the bytes.
    pub layout: Option<RecordLayout>,
    /// A fitted model whose tokeniser is used; none: fitted to the training part.
    pub model: Option<Model>,
    /// Configuration of a new run.
    pub config: Config,
    /// The run's folder.
    pub folder: PathBuf,
    /// Name of the device.
    pub device: String,
    /// Continue the run in the folder; its own configuration and tokeniser count.
    pub resume: bool,
    /// Show nothing.
    pub quiet: bool,
    /// Measure other compressors on the validation data.
    pub compare: bool,
    /// Data that only the final network reads.
    pub test: Option<Vec<u8>>,
    /// Stop after this step, to be resumed; none: the configuration's last.
    pub until: Option<u64>,
}

/// What came out.
#[derive(Clone, Debug)]
pub struct Report {
    /// Steps that were made.
    pub steps: u64,
    /// Weights.
    pub parameters: usize,
    /// The best network on the whole validation part.
    pub validation: Cost,
    /// The best network on the test part of the files, where there is one.
    pub test_part: Option<Cost>,
    /// The best network on the test file, where one was given.
    pub test: Option<Cost>,
}

/// Trains.
///
/// # Errors
/// Everything that [`TrainError`] tells.
pub fn train(request: &Request) -> Result<Report, TrainError> {
    let devices = device::open(&request.device)?;
    let device = devices[0].clone();
    let (folder, config, source) = if request.resume {
        let (folder, config, code, fitted) = RunFolder::open(&request.folder)?;
        let source = Source::again(&request.files, code, fitted, &config.data)?;
        (folder, config, source)
    } else {
        let (config, layout) = (request.config.clone(), request.layout.clone());
        let source = Source::new(&request.files, layout, request.model.clone(), &config.data)?;
        // Before anything is written: sizes that do not go together, a network that is not there.
        start::network(&config, &source, &device)?;
        let record = source.code.record_bytes();
        if request.test.as_ref().is_some_and(|test| test.len() < record) {
            let what = format!("the test file has no record of {record} bytes");
            return Err(TrainError::Data(what));
        }
        (RunFolder::create(&request.folder, &config, &source)?, config, source)
    };
    let mut trainer = Trainer::new(&config, &source, folder.clone(), devices)?;
    let mut board = Scoreboard::new(config.training.max_steps, trainer.step(), request.quiet);
    let parameters = trainer.network().parameter_count();
    for damaged in trainer.damaged() {
        board.say(&format!("warning: an older checkpoint is used: {damaged}"));
    }
    board.say(&about(&config, &source, parameters));
    if let Some(warning) = too_much(&config, &source, &request.device)? {
        board.say(&warning);
    }
    if request.compare {
        board.compare_with(baseline::measure(&source)?);
    }
    let trained = trainer.run(&mut board, request.until);
    board.finish();
    trained?;
    let best = folder.best();
    let network = if best.exists() {
        vxc_model::load(&best, &device.clone().without_autodiff())?
    } else {
        trainer.network().clone()
    };
    let cost = |corpus: &Corpus, records| {
        let reading = crate::evaluate::Reading { most: 0, ..reading(&config) };
        evaluate(&network, corpus, records, &device, &reading)
    };
    let validation = cost(&source.corpus, source.split.validation.clone())?;
    let part = source.split.test.clone();
    let test_part = (!part.is_empty()).then(|| cost(&source.corpus, part)).transpose()?;
    let test = match &request.test {
        Some(raw) => {
            let corpus = source::corpus(&source.code, raw);
            Some(cost(&corpus, 0..corpus.records())?)
        }
        None => None,
    };
    Ok(Report { steps: trainer.step(), parameters, validation, test_part, test })
}

/// A warning where a step takes more memory than there is; that of other devices than the CPU is not known.
fn too_much(config: &Config, source: &Source, device: &str) -> Result<Option<String>, TrainError> {
    let takes = Sizes::new(config, Some(&source.corpus))?.total();
    let free = available_memory().map(|bytes| bytes as f64 / 1e9);
    Ok(free.filter(|&free| device == "cpu" && takes > free).map(|free| {
        format!(
            "warning: a step takes about {takes:.1} GB, and {free:.1} GB are free; a smaller batch_size, \
             more accumulate or gradient_checkpointing take less"
        )
    }))
}

fn about(config: &Config, source: &Source, parameters: usize) -> String {
    let preset = match config.model.preset {
        Preset::Record => "record",
        Preset::Memory => "memory",
    };
    format!(
        "{parameters} parameters, preset {preset}; records of {} bytes in {} tokens: {} to train, {} to validate",
        source.corpus.record_bytes,
        source.corpus.record_tokens,
        source.split.train.len(),
        source.split.validation.len(),
    )
}

/// Sizes of a configuration.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sizes {
    /// Weights.
    pub parameters: usize,
    /// Multiply-adds of a symbol.
    pub macs: u64,
    /// Rows and tokens of a forward pass.
    pub batch: [usize; 2],
    /// GB of a step: weights with gradients, activations, moments.
    pub memory: [f64; 3],
}

impl Sizes {
    /// Of a configuration over a corpus; none: bytes of 32-bit floats.
    ///
    /// # Errors
    /// As [`network::config`].
    pub fn new(config: &Config, corpus: Option<&Corpus>) -> Result<Self, TrainError> {
        // Four types of 256 symbols; only its shape counts.
        let floats = Corpus { has_above: false, ..bytes::corpus(&[0; 4], 4) };
        let corpus = corpus.unwrap_or(&floats);
        let network = network::config(&config.model, corpus)?;
        let length = match config.model.preset {
            Preset::Record => corpus.record_tokens,
            Preset::Memory => config.training.sequence,
        };
        let batch = [config.training.batch_size, length];
        let estimate = network.vram_estimate_gb(batch[0], length);
        let activations = if config.model.gradient_checkpointing {
            estimate.activations_checkpointed
        } else {
            estimate.activations
        };
        Ok(Self {
            parameters: network.parameter_count(),
            macs: network.macs_per_symbol(),
            batch,
            memory: [estimate.parameters, activations, estimate.optimiser],
        })
    }

    /// GB of a step in all.
    pub fn total(&self) -> f64 {
        self.memory.iter().sum()
    }
}

/// Sizes of a configuration in words: for its data, or, without data, for bytes of 32-bit floats.
///
/// # Errors
/// As [`Source::new`] and [`Sizes::new`].
pub fn describe(request: &Request) -> Result<String, TrainError> {
    let (corpus, data) = if request.files.is_empty() {
        (None, "bytes of 32-bit floats")
    } else {
        let (layout, model) = (request.layout.clone(), request.model.clone());
        let source = Source::new(&request.files, layout, model, &request.config.data)?;
        (Some(source.corpus), "these files")
    };
    let sizes = Sizes::new(&request.config, corpus.as_ref())?;
    let [parameters, activations, optimiser] = sizes.memory;
    Ok(format!(
        "for {data}: {} parameters, {:.2} M multiply-adds a symbol; a step of {} x {} symbols takes {:.2} GB: \
         weights and gradients {parameters:.3}, activations {activations:.3}, optimiser {optimiser:.3}",
        sizes.parameters,
        sizes.macs as f64 / 1e6,
        sizes.batch[0],
        sizes.batch[1],
        sizes.total(),
    ))
}
