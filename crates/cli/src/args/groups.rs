//! Groups of flags that several commands share.

use std::path::PathBuf;

use clap::builder::RangedU64ValueParser;
use clap::{ArgAction, Args, ValueEnum};

use vxc::tokens::layout::MAX_RECORD_BYTES;

use crate::levels::LevelFlags;

/// Inputs, models, and what every command knows.
#[derive(Debug, Args)]
pub struct Base {
    /// Files; - or none: standard input
    #[arg(value_name = "FILES")]
    pub files: Vec<PathBuf>,
    /// Model files.
    #[command(flatten)]
    pub models: ModelArgs,
    /// Threads, memory, how much is said.
    #[command(flatten)]
    pub common: Common,
}

/// Where the result goes.
#[derive(Debug, Args)]
#[command(next_help_heading = "Output")]
pub struct OutputArgs {
    /// Write to standard output
    #[arg(short = 'c', long, conflicts_with = "output")]
    pub stdout: bool,
    /// Write to FILE (one input only; - is standard output)
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Replace existing files; write binary data to a terminal
    #[arg(short, long)]
    pub force: bool,
    /// Keep the inputs (the default)
    #[arg(short, long, overrides_with = "rm")]
    pub keep: bool,
    /// Remove each input once its result is verified and safe on disk
    #[arg(long, overrides_with = "keep")]
    pub rm: bool,
}

/// How to compress.
#[derive(Debug, Args)]
#[command(next_help_heading = "Compression")]
pub struct PackArgs {
    /// Level.
    #[command(flatten)]
    pub level: LevelFlags,
    /// What is checked before the archive gets its name
    #[arg(long, value_enum, default_value_t = Verify::Full, hide_possible_values = true,
          help = "full: decode the archive and compare; none: trust the encoder")]
    pub verify: Verify,
    /// Leave name, time and permissions of the input out of the archive
    #[arg(long)]
    pub no_name: bool,
    /// Compress files made of compressed blocks (ROOT, HDF5, gzip) as they are; without this, the blocks are opened,
    /// their content is compressed, and decompression makes the file again byte for byte
    #[arg(long)]
    pub no_unpack: bool,
    /// Of HDF5 and ROOT files, keep the content and not the bytes: smaller. An HDF5 file comes back written anew, with the
    /// same objects, attributes, types, filters and stored values; of a ROOT file its columns come back as an HDF5 file,
    /// and nothing else (histograms, texts, older cycles)
    #[arg(long, conflicts_with_all = ["no_unpack", "rm"])]
    pub rebuild: bool,
    /// Segments of at most SIZE (MiB, or with a suffix B, K, M, G) and at most the level's: smaller ones give finer
    /// random access and a worse ratio
    #[arg(long, value_name = "SIZE", value_parser = some_size)]
    pub segment: Option<u64>,
    /// Store the model in the archive, so that the .vxm file is not needed to decompress
    #[arg(long, requires = "model")]
    pub embed_model: bool,
    /// At -7 … -9: train a network on the input and store it in the archive where that is smaller: a number of tokens
    /// (20Mtok; a token is a field), or of seconds (120s: not the same archive each time)
    #[arg(long, value_name = "BUDGET", conflicts_with = "model")]
    pub train_budget: Option<String>,
    /// At -7 … -9: code with the network alone, without adaptive contexts (as -7 does)
    #[arg(long)]
    pub pure: bool,
    /// Where the layout comes from.
    #[command(flatten)]
    pub layout: LayoutArgs,
}

/// What is verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Verify {
    /// Everything.
    Full,
    /// Nothing.
    None,
}

/// Where the layout comes from.
#[derive(Debug, Args)]
#[command(next_help_heading = "Layout")]
pub struct LayoutArgs {
    /// Take the records' layout from a JSON file (numpy dtype, columns or fields)
    #[arg(long, value_name = "FILE", conflicts_with = "record")]
    pub layout: Option<PathBuf>,
    /// Records of N bytes
    #[arg(long, value_name = "N",
          value_parser = RangedU64ValueParser::<usize>::new().range(1..=MAX_RECORD_BYTES as u64))]
    pub record: Option<usize>,
    /// Do not look for NAME.meta.json beside the input
    #[arg(long)]
    pub no_sidecar: bool,
}

/// How to decompress.
#[derive(Debug, Args)]
#[command(next_help_heading = "Decompression")]
pub struct UnpackArgs {
    /// Limits.
    #[command(flatten)]
    pub limits: LimitArgs,
    /// Name the output as the archive says, not after the archive
    #[arg(short = 'N', long, conflicts_with_all = ["output", "stdout"])]
    pub name: bool,
    /// Of a damaged archive, write what is intact, with zeros where bytes are lost, and say which these are
    #[arg(long, conflicts_with = "rm")]
    pub keep_going: bool,
}

/// What is refused.
#[derive(Debug, Args)]
#[command(next_help_heading = "Decompression")]
pub struct LimitArgs {
    /// Refuse archives with more content than SIZE: MiB, or with a suffix B, K, M, G
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub max_output: Option<u64>,
}

/// Model files.
#[derive(Debug, Args)]
#[command(next_help_heading = "Models")]
pub struct ModelArgs {
    /// Use a model file made by fit or export (may be repeated to decompress)
    #[arg(long, value_name = "FILE")]
    pub model: Vec<PathBuf>,
}

/// What the commands that code know.
#[derive(Debug, Args)]
#[command(next_help_heading = "General")]
pub struct Common {
    /// Threads; 0: one for each processor. Never changes the output
    #[arg(short = 'T', long, value_name = "N", default_value_t = 0,
          value_parser = clap::value_parser!(u16).range(0..=1024))]
    pub threads: u16,
    /// Memory to stay below, in MiB or with a suffix B, K, M, G; threads are reduced to fit
    #[arg(short = 'M', long, value_name = "SIZE", default_value = "512", value_parser = some_size)]
    pub memory: u64,
    /// How much is said.
    #[command(flatten)]
    pub talk: TalkArgs,
}

/// How much is said: what every command knows.
#[derive(Debug, Args)]
#[command(next_help_heading = "General")]
pub struct TalkArgs {
    /// Errors only
    #[arg(short, long, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Say more
    #[arg(short, long, action = ArgAction::Count)]
    pub verbose: u8,
}

/// A size: MiB, or with a suffix.
pub fn size(text: &str) -> Result<u64, String> {
    let wrong = || "a size is a number of MiB, or a number with B, K, M or G".to_owned();
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, suffix) = text.split_at(digits);
    let number: u64 = number.parse().map_err(|_| wrong())?;
    let shift = match suffix.to_ascii_lowercase().as_str() {
        "b" => 0,
        "k" | "kb" | "kib" => 10,
        "" | "m" | "mb" | "mib" => 20,
        "g" | "gb" | "gib" => 30,
        _ => return Err(wrong()),
    };
    number.checked_mul(1 << shift).ok_or_else(wrong)
}

/// A size above zero.
pub(super) fn some_size(text: &str) -> Result<u64, String> {
    match size(text)? {
        0 => Err("it must be above zero".to_owned()),
        n => Ok(n),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        assert_eq!(size("64"), Ok(64 << 20));
        assert_eq!(size("3K"), Ok(3 << 10));
        assert_eq!(size("3GiB"), Ok(3 << 30));
        assert_eq!(size("7b"), Ok(7));
        for bad in ["", "x", "-1", "1.5", "99999999999999999999", "99999999999G"] {
            assert!(size(bad).is_err(), "{bad}");
        }
        assert_eq!((size("0"), some_size("1b")), (Ok(0), Ok(1)));
        assert!(some_size("0G").is_err());
    }
}
