//! What the program is to do, when all flags have been checked.

use std::path::PathBuf;
use std::sync::Arc;

use vxc::{DecompressOptions, Level, Model, Trainer};

use crate::args::{CompletionsArgs, ExperimentArgs, ManArgs, SelfTestArgs};
#[cfg(feature = "train")]
use crate::args::{ExportArgs, TrainArgs};
use crate::data::Data;
#[cfg(feature = "evaluate")]
use crate::evaluate::Evaluate;
use crate::layout::LayoutFrom;
use crate::output::Target;
use crate::weights::{PackWeights, UnpackWeights};

/// What the program is to do.
pub enum Job {
    /// Compress each file.
    Compress(Vec<PathBuf>, Pack),
    /// Decompress each file.
    Decompress(Vec<PathBuf>, Unpack),
    /// Decode each file and drop the content.
    Test(Vec<PathBuf>, DecompressOptions),
    /// Describe archives.
    List(Vec<PathBuf>, DecompressOptions, bool),
    /// Make a model file of all files together.
    Fit(Fit),
    /// Train a neural model.
    #[cfg(feature = "train")]
    Train(Box<Train>),
    /// Make a model file of a trained network.
    #[cfg(feature = "train")]
    Export(ExportArgs),
    /// Say where the bytes go.
    Inspect(Vec<PathBuf>, Inspect),
    /// Work on scientific files.
    Data(Data),
    /// Run an experiment.
    Experiment(ExperimentArgs),
    /// Measure and explain.
    #[cfg(feature = "evaluate")]
    Evaluate(Box<Evaluate>),
    /// Compress checkpoints.
    PackWeights(PackWeights),
    /// Decompress checkpoints.
    UnpackWeights(UnpackWeights),
    /// Known inputs against known hashes.
    SelfTest(SelfTestArgs),
    /// Print a completion script.
    Completions(CompletionsArgs),
    /// Manual pages.
    Man(ManArgs),
}

/// Where results go.
#[derive(Clone, Debug)]
pub struct Placing {
    /// `-c` and `-o`; none: beside the input.
    pub target: Option<Target>,
    /// Replace files; write binary data to a terminal.
    pub force: bool,
    /// Remove inputs afterwards.
    pub remove: bool,
}

/// How to compress.
pub struct Pack {
    /// Where results go.
    pub placing: Placing,
    /// Level.
    pub level: Level,
    /// Whether what was written is decoded before it is published.
    pub verify: bool,
    /// Where the layout comes from.
    pub layout: LayoutFrom,
    /// Model.
    pub model: Option<Arc<Model>>,
    /// Whether the model travels in the archive.
    pub embed_model: bool,
    /// Whether a network codes alone.
    pub pure: bool,
    /// Trains on the inputs.
    pub trainer: Option<Arc<dyn Trainer>>,
    /// Whether name, time and permissions are stored.
    pub metadata: bool,
    /// Whether compressed blocks in files are opened.
    pub unpack: bool,
    /// Whether the content of a scientific file is enough.
    pub rebuild: bool,
    /// Largest segment in bytes; none: the level's.
    pub segment: Option<u64>,
    /// Threads, 0 = all.
    pub threads: usize,
    /// Memory in bytes.
    pub memory: u64,
}

/// How to decompress.
pub struct Unpack {
    /// Where results go.
    pub placing: Placing,
    /// Whether the output is named as the archive says.
    pub stored_name: bool,
    /// Whether what is intact of a damaged archive is written.
    pub keep_going: bool,
    /// What the library needs.
    pub options: DecompressOptions,
}

/// How to fit.
pub struct Fit {
    /// Training files.
    pub files: Vec<PathBuf>,
    /// Model file.
    pub output: PathBuf,
    /// Of scientific files: which array.
    pub array: Option<String>,
    /// Replace it.
    pub force: bool,
    /// Where the layout comes from.
    pub layout: LayoutFrom,
    /// Level.
    pub level: Level,
}

/// How to train.
#[cfg(feature = "train")]
pub struct Train {
    /// What was asked for.
    pub args: TrainArgs,
    /// Where the layout comes from.
    pub layout: LayoutFrom,
    /// A fitted model.
    pub model: Option<Arc<Model>>,
}

/// How to inspect.
pub struct Inspect {
    /// Where the layout comes from.
    pub layout: LayoutFrom,
    /// Level whose fit is shown.
    pub level: Level,
    /// For archives.
    pub options: DecompressOptions,
}
