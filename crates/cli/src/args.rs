//! The command line as clap sees it. Nothing is checked here that needs more than one argument; see
//! [`crate::options`].

mod data;
mod evaluate;
mod groups;
mod train;
mod weights;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{Args, Parser, Subcommand};

pub use data::{
    CompareArgs, DataArgs, DataCommand, DownloadArgs, ExperimentArgs, ExtractArgs, RebuildArgs,
    SplitArgs,
};
pub use evaluate::EvaluateArgs;
pub use groups::{
    Base, Common, LayoutArgs, LimitArgs, ModelArgs, OutputArgs, PackArgs, TalkArgs, UnpackArgs,
    Verify,
};
pub use train::{ExportArgs, TrainArgs};
pub use weights::{CompressWeightsArgs, DecompressWeightsArgs};

use crate::console::{Talk, error_line};
use crate::levels::LevelFlags;

const EXAMPLES: &str = "\
Examples:
  vxc jets.bin                      compress to jets.bin.vxc; jets.bin is kept
  vxc -d jets.bin.vxc               get jets.bin back, with its time and permissions
  vxc -3 -T 8 *.bin                 several files, a faster level, eight threads
  vxc -l -v jets.bin.vxc            what is in an archive
  vxc inspect jets.bin              where the bytes go, field by field
  vxc evaluate jets.bin --report r.html    all levels and other compressors, as a page
  vxc data columns events.root      what a ROOT, HDF5 or NumPy file holds
  vxc data extract jets.h5 -o jets  its arrays as .bin files; back: vxc data rebuild jets -o copy.h5
  vxc fit train.bin -o jets.vxm     learn from files of the same kind …
  vxc --model jets.vxm test.bin     … and use it (needed to decompress as well)
  vxc -8 --model net.vxm test.bin   with a network: made by vxc train and vxc export
  vxc compress-weights net.safetensors   a checkpoint to net.safetensors.vxw
  tar -I vxc -cf run.tar.vxc run/   and back: tar -I vxc -xf run.tar.vxc

The layout of the records is taken from --layout, from NAME.meta.json beside the input, or found in the
bytes. A file whose name is that of a command is given as ./NAME.

Exit codes: 0 done, 1 bad data or failed verification, 2 usage or I/O, 3 model missing or mismatched,
4 limit exceeded. With several files: that of the first one that failed.

VXC_ISA=scalar (or sse4.1, avx2, neon) sets the instruction set; it never changes a byte of the output.";

/// Lossless compression of scientific data: tables of numbers, and texts of numbers.
///
/// Without a command, files are compressed (or, with -d, decompressed) as with zstd. Every archive is
/// decoded and compared before it gets its name.
#[derive(Debug, Parser)]
#[command(
    name = "vxc",
    version,
    after_help = EXAMPLES,
    args_conflicts_with_subcommands = true,
    max_term_width = 110
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Flags without a command.
    #[command(flatten)]
    pub plain: PlainArgs,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Compress FILES to FILE.vxc
    #[command(visible_alias = "c")]
    Compress(CompressArgs),
    /// Decompress FILE.vxc to FILE
    #[command(visible_alias = "d")]
    Decompress(DecompressArgs),
    /// Decode archives completely and check them; write nothing
    #[command(visible_alias = "t")]
    Test(TestArgs),
    /// Say what archives contain, without decoding them
    #[command(visible_alias = "l")]
    List(ListArgs),
    /// Learn a model file (.vxm) from training files
    Fit(FitArgs),
    /// Train a neural model on training files
    Train(TrainArgs),
    /// Make a model file (.vxm) of a trained network
    Export(ExportArgs),
    /// Show where the bytes go: of an input file, or of an archive
    Inspect(InspectArgs),
    /// Scientific files: look into them, take them apart, put them together, fetch them
    Data(DataArgs),
    /// Run an experiment: download, extract, split, train, compress, check
    Experiment(ExperimentArgs),
    /// Measure levels and other compressors on files, and explain the result
    Evaluate(Box<EvaluateArgs>),
    /// Compress checkpoints of networks (.safetensors, .pt) to FILE.vxw
    CompressWeights(CompressWeightsArgs),
    /// Decompress FILE.vxw, or single tensors of it
    DecompressWeights(DecompressWeightsArgs),
    /// Check that this machine computes what all others do: known inputs, known archives
    SelfTest(SelfTestArgs),
    /// Print what a shell needs to complete commands and flags
    Completions(CompletionsArgs),
    /// Print the manual page, or write those of all commands
    Man(ManArgs),
}

/// `self-test`.
#[derive(Debug, Args)]
pub struct SelfTestArgs {
    /// Print the hashes of this process alone, with its instruction set (VXC_ISA) and threads, and compare nothing
    #[arg(long)]
    pub hashes: bool,
    /// Threads of --hashes
    #[arg(short = 'T', long, requires = "hashes", value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: u16,
}

/// `completions`.
#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// The shell
    #[arg(value_enum, value_name = "SHELL")]
    pub shell: clap_complete::Shell,
}

/// `man`.
#[derive(Debug, Args)]
pub struct ManArgs {
    /// Write one page for each command into FOLDER
    #[arg(short, long, value_name = "FOLDER")]
    pub output: Option<PathBuf>,
}

/// Flags without a command, as zstd has them.
#[derive(Debug, Args)]
pub struct PlainArgs {
    /// What to do.
    #[command(flatten)]
    pub mode: ModeArgs,
    /// How to list.
    #[command(flatten)]
    pub listing: ListFlags,
    /// Where the result goes.
    #[command(flatten)]
    pub output: OutputArgs,
    /// How to compress.
    #[command(flatten)]
    pub pack: PackArgs,
    /// How to decompress.
    #[command(flatten)]
    pub unpack: UnpackArgs,
    /// Inputs, models, and what every command knows.
    #[command(flatten)]
    pub base: Base,
}

/// Modes of the form without a command.
#[derive(Debug, Args)]
#[group(multiple = false)]
pub struct ModeArgs {
    /// Decompress
    #[arg(short = 'd', long, visible_alias = "uncompress", group = "mode")]
    pub decompress: bool,
    /// Test archives
    #[arg(short = 't', long, group = "mode")]
    pub test: bool,
    /// List archives
    #[arg(short = 'l', long, group = "mode")]
    pub list: bool,
}

/// How to list.
#[derive(Debug, Args)]
pub struct ListFlags {
    /// With -l: print everything as JSON, a list with one object for each file
    #[arg(long, requires = "list")]
    pub json: bool,
}

/// `compress`.
#[derive(Debug, Args)]
pub struct CompressArgs {
    /// Where the result goes.
    #[command(flatten)]
    pub output: OutputArgs,
    /// How to compress.
    #[command(flatten)]
    pub pack: PackArgs,
    /// Inputs, models, and what every command knows.
    #[command(flatten)]
    pub base: Base,
}

/// `decompress`.
#[derive(Debug, Args)]
pub struct DecompressArgs {
    /// Where the result goes.
    #[command(flatten)]
    pub output: OutputArgs,
    /// How to decompress.
    #[command(flatten)]
    pub unpack: UnpackArgs,
    /// Inputs, models, and what every command knows.
    #[command(flatten)]
    pub base: Base,
}

/// `test`.
#[derive(Debug, Args)]
pub struct TestArgs {
    /// Limits.
    #[command(flatten)]
    pub limits: LimitArgs,
    /// Inputs, models, and what every command knows.
    #[command(flatten)]
    pub base: Base,
}

/// `list`.
#[derive(Debug, Args)]
pub struct ListArgs {
    /// Print everything as JSON: a list with one object for each file
    #[arg(long)]
    pub json: bool,
    /// Inputs, models, and what every command knows.
    #[command(flatten)]
    pub base: Base,
}

/// `fit`.
#[derive(Debug, Args)]
pub struct FitArgs {
    /// Training files: records of the same layout as the files to compress later
    #[arg(value_name = "TRAIN", required = true)]
    pub files: Vec<PathBuf>,
    /// The model file to write, usually NAME.vxm
    #[arg(short, long, value_name = "MODEL")]
    pub output: PathBuf,
    /// Of HDF5, NumPy and ROOT files, read this array; default: the largest table of numbers
    #[arg(long, value_name = "PATH")]
    pub array: Option<String>,
    /// Replace the model file if it exists
    #[arg(short, long)]
    pub force: bool,
    /// Where the layout comes from.
    #[command(flatten)]
    pub layout: LayoutArgs,
    /// Level.
    #[command(flatten)]
    pub level: LevelFlags,
    /// How much is said.
    #[command(flatten)]
    pub talk: TalkArgs,
}

/// `inspect`.
#[derive(Debug, Args)]
pub struct InspectArgs {
    /// An input file or an archive
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// Where the layout comes from.
    #[command(flatten)]
    pub layout: LayoutArgs,
    /// Level.
    #[command(flatten)]
    pub level: LevelFlags,
    /// Model files.
    #[command(flatten)]
    pub models: ModelArgs,
    /// What every command knows.
    #[command(flatten)]
    pub common: Common,
}

impl Cli {
    /// How much to say.
    pub fn talk(&self) -> Talk {
        let talk = match &self.command {
            None => &self.plain.base.common.talk,
            Some(Command::Compress(a)) => &a.base.common.talk,
            Some(Command::Decompress(a)) => &a.base.common.talk,
            Some(Command::Test(a)) => &a.base.common.talk,
            Some(Command::List(a)) => &a.base.common.talk,
            Some(Command::Fit(a)) => &a.talk,
            Some(Command::Train(a)) => &a.talk,
            Some(Command::Export(a)) => &a.talk,
            Some(Command::Inspect(a)) => &a.common.talk,
            Some(Command::Data(a)) => a.command.talk(),
            Some(Command::Experiment(a)) => &a.talk,
            Some(Command::Evaluate(a)) => &a.talk,
            Some(Command::CompressWeights(a)) => &a.general.talk,
            Some(Command::DecompressWeights(a)) => &a.general.talk,
            Some(Command::Completions(_) | Command::Man(_) | Command::SelfTest(_)) => {
                return Talk::Normal;
            }
        };
        match (talk.quiet, talk.verbose) {
            (true, _) => Talk::Quiet,
            (false, 0) => Talk::Normal,
            (false, _) => Talk::Verbose,
        }
    }
}

/// Parses the command line; help, version and errors are printed and give an exit code.
pub fn parse(args: impl Iterator<Item = OsString>) -> Result<Cli, u8> {
    Cli::try_parse_from(long_levels(args)).map_err(|e| match e.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            // Nobody reads it: no failure.
            let _ = e.print();
            0
        }
        _ => {
            let text = e.render().to_string();
            let first = text.split("\n\n").next().unwrap_or_default();
            let line = first.split_whitespace().collect::<Vec<_>>().join(" ");
            error_line(&format!("{} (see vxc --help)", line.trim_start_matches("error: ")));
            2
        }
    })
}

/// `-19` means level 19, not the levels 1 and 9.
fn long_levels(args: impl Iterator<Item = OsString>) -> impl Iterator<Item = OsString> {
    let mut operands = false;
    args.map(move |arg| {
        operands |= arg == "--";
        match arg.to_str().and_then(|a| a.strip_prefix('-')) {
            Some(n) if !operands && n.len() > 1 && n.bytes().all(|b| b.is_ascii_digit()) => {
                format!("--level={n}").into()
            }
            _ => arg,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    fn parsed(args: &[&str]) -> Cli {
        Cli::try_parse_from(long_levels(args.iter().map(OsString::from))).unwrap()
    }

    #[test]
    fn the_definitions_are_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_last_level_counts() {
        for (args, level) in [
            (&["vxc", "-1", "-6"][..], 6),
            (&["vxc", "-6", "-1"], 1),
            (&["vxc", "-6", "--level", "2"], 2),
            (&["vxc", "--level=2", "-3"], 3),
            (&["vxc", "-19"], 19),
            (&["vxc", "-kf4"], 4),
        ] {
            assert_eq!(parsed(args).plain.pack.level.number, Some(level), "{args:?}");
        }
        assert_eq!(parsed(&["vxc"]).plain.pack.level.number, None);
    }

    #[test]
    fn commands_and_files_are_told_apart() {
        assert!(matches!(parsed(&["vxc", "c", "x"]).command, Some(Command::Compress(_))));
        assert_eq!(parsed(&["vxc", "--", "c"]).plain.base.files, [PathBuf::from("c")]);
        assert_eq!(parsed(&["vxc", "-k", "test"]).plain.base.files, [PathBuf::from("test")]);
    }
}
