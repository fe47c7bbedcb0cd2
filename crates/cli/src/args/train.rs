//! Flags of `train` and `export`.

use std::path::PathBuf;

use clap::Args;

use super::groups::{LayoutArgs, TalkArgs};

/// `train`.
#[derive(Debug, Args)]
pub struct TrainArgs {
    /// Training files, records of one layout; default: those of the configuration
    #[arg(value_name = "TRAIN")]
    pub files: Vec<PathBuf>,
    /// Folder of the run
    #[arg(short, long, value_name = "RUN", required_unless_present = "dry_run")]
    pub output: Option<PathBuf>,
    /// Configuration (YAML); see configs/
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Set one key of the configuration, as lr=1e-3 or model.d_model=64; may be repeated
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// Steps in all: the same as --set max_steps=N
    #[arg(long, value_name = "N")]
    pub steps: Option<u64>,
    /// Records or lanes of a step: the same as --set batch_size=N
    #[arg(long, value_name = "N")]
    pub batch_size: Option<u64>,
    /// Learning rate: the same as --set lr=X
    #[arg(long, value_name = "X")]
    pub lr: Option<f64>,
    /// Seed: the same as --set seed=N
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Where to compute: cpu, cuda, rocm, vulkan, metal or webgpu; several of one kind as NAME:0,1
    #[arg(long, value_name = "NAME", default_value = "cpu")]
    pub device: String,
    /// Use the tokeniser of a model file made by fit; default: one fitted to the training part
    #[arg(long, value_name = "FILE")]
    pub model: Option<PathBuf>,
    /// Start from a network: a folder as RUN/best, or a .pt file of the published package; the same as --set start=PATH
    #[arg(long, value_name = "PATH")]
    pub start: Option<PathBuf>,
    /// Of HDF5, NumPy and ROOT files, read this array; default: the largest table of numbers
    #[arg(long, value_name = "PATH")]
    pub array: Option<String>,
    /// Measure the final network on a file that was never looked at
    #[arg(long, value_name = "FILE")]
    pub test: Option<PathBuf>,
    /// Continue the run in RUN at its newest checkpoint, with its own configuration; in RUN/config.yaml train, max_steps,
    /// eval_every, eval_records, checkpoint_every and log_every may be changed before
    #[arg(long, conflicts_with_all = ["config", "set", "model", "steps", "batch_size", "lr", "seed", "start"])]
    pub resume: bool,
    /// Print the number of parameters and the memory that a step takes; train nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Do not measure other compressors for comparison
    #[arg(long)]
    pub no_compare: bool,
    /// Where the layout comes from.
    #[command(flatten)]
    pub layout: LayoutArgs,
    /// How much is said.
    #[command(flatten)]
    pub talk: TalkArgs,
}

/// `export`.
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// Folder of a run made by train
    #[arg(value_name = "RUN")]
    pub run: PathBuf,
    /// Its training files; default: those that its configuration names
    #[arg(value_name = "TRAIN")]
    pub files: Vec<PathBuf>,
    /// The model file to write, usually NAME.vxm
    #[arg(short, long, value_name = "MODEL")]
    pub output: PathBuf,
    /// Replace the model file if it exists
    #[arg(short, long)]
    pub force: bool,
    /// Level that the model is for: 9 puts more contexts beside the network than 8
    #[arg(long, value_name = "N", default_value_t = 8,
          value_parser = clap::value_parser!(u8).range(7..=9))]
    pub level: u8,
    /// How much is said.
    #[command(flatten)]
    pub talk: TalkArgs,
}
