//! Flags of `compress-weights` and `decompress-weights`.

use std::path::PathBuf;

use clap::Args;

use super::groups::{OutputArgs, TalkArgs, Verify, size, some_size};

/// `compress-weights`.
#[derive(Debug, Args)]
pub struct CompressWeightsArgs {
    /// Checkpoints: .safetensors, .pt (as torch.save writes them); other files are taken as bytes
    #[arg(value_name = "FILES", required = true)]
    pub files: Vec<PathBuf>,
    /// Where the result goes.
    #[command(flatten)]
    pub output: OutputArgs,
    /// Level, also given as -1 … -3: 1 decodes fastest (exponents alone), 2 codes leading bits of mantissas in their
    /// context, 3 learns rows and columns (a few MB/s both ways)
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=3),
          overrides_with_all = ["fast", "normal", "best"])]
    level: u8,
    /// Level 1
    #[arg(short = '1', hide = true, overrides_with_all = ["level", "normal", "best"])]
    fast: bool,
    /// Level 2
    #[arg(short = '2', hide = true, overrides_with_all = ["level", "fast", "best"])]
    normal: bool,
    /// Level 3
    #[arg(short = '3', hide = true, overrides_with_all = ["level", "fast", "normal"])]
    best: bool,
    /// What is checked before the archive gets its name
    #[arg(long, value_enum, default_value_t = Verify::Full, hide_possible_values = true,
          help = "full: decode the archive and compare; none: trust the encoder")]
    pub verify: Verify,
    /// Threads, how much is said.
    #[command(flatten)]
    pub general: GeneralArgs,
}

impl CompressWeightsArgs {
    /// The level that was asked for.
    pub fn level(&self) -> u8 {
        match (self.fast, self.normal, self.best) {
            (true, _, _) => 1,
            (_, true, _) => 2,
            (_, _, true) => 3,
            _ => self.level,
        }
    }
}

/// `decompress-weights`.
#[derive(Debug, Args)]
pub struct DecompressWeightsArgs {
    /// Weight archives (.vxw)
    #[arg(value_name = "FILES", required = true)]
    pub files: Vec<PathBuf>,
    /// Where the result goes.
    #[command(flatten)]
    pub output: OutputArgs,
    /// Write this tensor alone (may be repeated) as a .safetensors file; only its blocks are decoded
    #[arg(long, value_name = "NAME", requires = "output", conflicts_with_all = ["list", "test", "rm"])]
    pub tensor: Vec<String>,
    /// Print the tensors: name, type, shape, bytes, bytes of their blocks
    #[arg(long, conflicts_with_all = ["output", "stdout", "test", "rm"])]
    pub list: bool,
    /// With --list: print JSON, a list with one object for each file
    #[arg(long, requires = "list")]
    pub json: bool,
    /// Decode everything and check it; write nothing
    #[arg(long, conflicts_with_all = ["output", "stdout", "rm"])]
    pub test: bool,
    /// Refuse archives with more content than SIZE: MiB, or with a suffix B, K, M, G
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub max_output: Option<u64>,
    /// Memory to stay below, in MiB or with a suffix B, K, M, G; threads are reduced to fit
    #[arg(short = 'M', long, value_name = "SIZE", default_value = "512", value_parser = some_size,
          help_heading = "General")]
    pub memory: u64,
    /// Threads, how much is said.
    #[command(flatten)]
    pub general: GeneralArgs,
}

/// What both commands know.
#[derive(Debug, Args)]
#[command(next_help_heading = "General")]
pub struct GeneralArgs {
    /// Threads; 0: one for each processor. Never changes the output
    #[arg(short = 'T', long, value_name = "N", default_value_t = 0,
          value_parser = clap::value_parser!(u16).range(0..=1024))]
    pub threads: u16,
    /// How much is said.
    #[command(flatten)]
    pub talk: TalkArgs,
}
