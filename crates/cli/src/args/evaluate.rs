//! Flags of `evaluate`.

use std::path::PathBuf;

use clap::Args;

use super::groups::{LayoutArgs, TalkArgs};

/// `evaluate`.
#[derive(Debug, Args)]
pub struct EvaluateArgs {
    /// Files to compress and decompress in memory, again and again
    #[arg(value_name = "FILES", required = true)]
    pub files: Vec<PathBuf>,
    /// Levels: 1-6, or 1,3,5; above 6 only with a model that has a network
    #[arg(long, value_name = "LEVELS", default_value = "1-6", value_parser = levels)]
    pub levels: Levels,
    /// Measure with this model file, too; what it takes itself is counted in a column of its own
    #[arg(long, value_name = "FILE")]
    pub model: Option<PathBuf>,
    /// Rounds; in each one everything runs once, speeds are medians
    #[arg(long, value_name = "N", default_value_t = 3,
          value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub rounds: u16,
    /// Leave gzip, zlib, xz, zstd, brotli, lz4, bzip2, pco and shuffled bytes out
    #[arg(long)]
    pub no_baselines: bool,
    /// Write everything as JSON (- is standard output)
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Write the table as CSV
    #[arg(long, value_name = "FILE")]
    pub csv: Option<PathBuf>,
    /// Write a report: one HTML page with plots, which needs nothing else
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
    /// Replace existing files
    #[arg(short, long)]
    pub force: bool,
    /// Threads of ours; 0: one for each processor. The others have one
    #[arg(short = 'T', long, value_name = "N", default_value_t = 1,
          value_parser = clap::value_parser!(u16).range(0..=1024))]
    pub threads: u16,
    /// Where the layout comes from.
    #[command(flatten)]
    pub layout: LayoutArgs,
    /// How much is said.
    #[command(flatten)]
    pub talk: TalkArgs,
}

/// A list of levels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Levels(pub Vec<u8>);

fn levels(text: &str) -> Result<Levels, String> {
    let number = |t: &str| match t.trim().parse() {
        Ok(n @ 1..=9u8) => Ok(n),
        _ => Err(format!("{t:?} is no level from 1 to 9")),
    };
    let mut out = Vec::new();
    for part in text.split(',') {
        match part.split_once('-') {
            Some((from, to)) => out.extend(number(from)?..=number(to)?),
            None => out.push(number(part)?),
        }
    }
    out.sort_unstable();
    out.dedup();
    if out.is_empty() { Err(format!("{text:?} holds no level")) } else { Ok(Levels(out)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_levels() {
        assert_eq!(levels("1-3,5,2"), Ok(Levels(vec![1, 2, 3, 5])));
        assert_eq!(levels("9"), Ok(Levels(vec![9])));
        for bad in ["", "0", "10", "3-1", "a", "1-", "1,,2"] {
            assert!(levels(bad).is_err(), "{bad}");
        }
    }
}
