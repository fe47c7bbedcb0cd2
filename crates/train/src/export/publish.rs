//! From the folder of a run to a model file.

use std::path::{Path, PathBuf};

use burn::tensor::Device;
use vxc::{Level, Model};

use super::compare::integer_cost;
use super::export;
use crate::checkpoint::RunFolder;
use crate::config::Preset;
use crate::data::Corpus;
use crate::error::TrainError;
use crate::evaluate::{Cost, Reading, evaluate};
use crate::source::Source;

/// Records on which floats and integers are compared, at most.
const COMPARED: usize = 16_384;

/// What came out.
#[derive(Clone, Debug)]
pub struct Exported {
    /// The model file, loaded.
    pub model: Model,
    /// Bytes of the integers in their serial form.
    pub network_bytes: usize,
    /// What the float network costs on validation records.
    pub float: Cost,
    /// What the integers cost on them.
    pub integer: Cost,
}

impl Exported {
    /// What rounding costs, as a share of all bits.
    pub fn loss(&self) -> f64 {
        self.integer.bits_per_byte() / self.float.bits_per_byte() - 1.0
    }
}

/// The training files that a run names in its configuration.
///
/// # Errors
/// [`TrainError::Checkpoint`] if the folder holds no run.
pub fn training_files(folder: &Path) -> Result<Vec<PathBuf>, TrainError> {
    Ok(RunFolder::open(folder)?.1.data.train)
}

/// Exports the best network of a run. `files`: its training files; the part that it was trained on calibrates the
/// integers, all of it primes the adaptive state beside them.
///
/// # Errors
/// What [`TrainError`] tells.
pub fn publish(folder: &Path, files: &[Vec<u8>], level: Level) -> Result<Exported, TrainError> {
    let (run, config, code, fitted) = RunFolder::open(folder)?;
    let preset = config.model.preset;
    let source = Source::again(files, code, fitted, &config.data)?;
    let device = Device::flex();
    let network = vxc_model::load(&run.best(), &device)?;
    let weights = network.parameter_count() as u64;
    if weights > vxc::MAX_NETWORK {
        let most = vxc::MAX_NETWORK;
        let what = format!("a network of {weights} weights; a model file has at most {most}");
        return Err(TrainError::Export(what));
    }
    let integers = export(&network, preset, &source.corpus, source.split.train.clone())?;
    // Whole lanes, as both sides leave out what does not fill them.
    let all = source.split.validation.clone();
    let compared = all.start..all.start + (all.len().min(COMPARED) / 64 * 64).max(1).min(all.len());
    let reading = Reading { preset, lanes: 64, length: 512, threads: 1, most: 0 };
    let corpus: &Corpus = &source.corpus;
    let float = evaluate(&network, corpus, compared.clone(), &device, &reading)?;
    let integer = integer_cost(&integers, preset, corpus, compared)?;
    let mut code = source.code.clone();
    if level.number() >= 9 {
        code.mix_level = 6;
    }
    let network_bytes = integers.to_bytes().len();
    let alone = preset == Preset::Record;
    let model = Model::with_network(level, &source.fitted, code, integers, alone, &source.bytes)?;
    Ok(Exported { model, network_bytes, float, integer })
}
