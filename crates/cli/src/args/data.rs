//! Flags of `data`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::groups::{TalkArgs, some_size};

/// `data`.
#[derive(Debug, Args)]
pub struct DataArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: DataCommand,
}

/// The commands of `data`.
#[derive(Debug, Subcommand)]
pub enum DataCommand {
    /// List tables and columns: names, types, entries, bytes, compression
    Columns(ColumnsArgs),
    /// Write every array of a file as .bin with a .meta.json beside it; unpack .gz and .tar.gz
    Extract(ExtractArgs),
    /// Write arrays as one file: .npy, .npz or .h5
    Rebuild(RebuildArgs),
    /// Compare what two files hold, bit for bit
    Compare(CompareArgs),
    /// Cut a table or a text into training, validation and test parts, between records or events
    Split(SplitArgs),
    /// Fetch files over HTTPS, with resume and checks
    Download(DownloadArgs),
}

impl DataCommand {
    /// What every command knows.
    pub fn talk(&self) -> &TalkArgs {
        match self {
            Self::Columns(a) => &a.talk,
            Self::Extract(a) => &a.talk,
            Self::Rebuild(a) => &a.talk,
            Self::Compare(a) => &a.talk,
            Self::Split(a) => &a.talk,
            Self::Download(a) => &a.talk,
        }
    }
}

/// `data columns`.
#[derive(Debug, Args)]
pub struct ColumnsArgs {
    /// Scientific files: ROOT, HDF5, NumPy
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// Print everything as JSON: a list with one object for each file
    #[arg(long)]
    pub json: bool,
    /// How much is said.
    #[command(flatten)]
    pub talk: TalkArgs,
}

/// `data extract`.
#[derive(Debug, Args)]
pub struct ExtractArgs {
    /// ROOT, HDF5 or NumPy file, or anything in .gz or .tar
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Folder to write to; made if it is not there
    #[arg(short, long, value_name = "FOLDER")]
    pub output: PathBuf,
    /// Only this array, and those below it; may be repeated
    #[arg(long, value_name = "PATH")]
    pub only: Vec<String>,
    /// Each ROOT table as one float32 matrix, lists padded by zeros, with their lengths beside: loses what float32 does not
    /// hold, and says how much
    #[arg(long)]
    pub padded: bool,
    /// With --padded: lists of N values; what is beyond is cut. Default: the longest
    #[arg(long, value_name = "N", requires = "padded")]
    pub objects: Option<u32>,
    /// Most that may come out of a .gz or .tar; default 1 GiB or 200 times its size, whichever is more
    #[arg(long, value_name = "SIZE", value_parser = some_size)]
    pub max_output: Option<u64>,
    /// Replace existing files
    #[arg(short, long)]
    pub force: bool,
    /// How much is said.
    #[command(flatten)]
    pub talk: TalkArgs,
}

/// `data rebuild`.
#[derive(Debug, Args)]
pub struct RebuildArgs {
    /// A folder that extract made, .bin files with their .meta.json, or any scientific file
    #[arg(value_name = "SOURCE", required = true)]
    pub sources: Vec<PathBuf>,
    /// File to write; its ending says what: .npy, .npz, .h5, .hdf5
    #[arg(short, long, value_name = "FILE")]
    pub output: PathBuf,
    /// Only this array, and those below it; may be repeated
    #[arg(long, value_name = "PATH")]
    pub only: Vec<String>,
    /// Replace an existing file
    #[arg(short, long)]
    pub force: bool,
    /// How much is said.
    #[command(flatten)]
    pub talk: TalkArgs,
}

/// `data compare`.
#[derive(Debug, Args)]
pub struct CompareArgs {
    /// A scientific file, a folder that extract made, or a .bin file
    #[arg(value_name = "A")]
    pub left: PathBuf,
    /// Another one; the exit code is 1 where they differ
    #[arg(value_name = "B")]
    pub right: PathBuf,
    /// Only this array, and those below it; may be repeated
    #[arg(long, value_name = "PATH")]
    pub only: Vec<String>,
    /// How much is said.
    #[command(flatten)]
    pub talk: TalkArgs,
}

/// `data split`.
#[derive(Debug, Args)]
pub struct SplitArgs {
    /// Files of one layout, taken as one after the other; a layout is taken from FILE.meta.json
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// Folder to write to; made if it is not there
    #[arg(short, long, value_name = "FOLDER")]
    pub output: PathBuf,
    /// Names and shares of the parts, in the order of the data
    #[arg(long, value_name = "NAME=SHARE,…", default_value = "train=0.8,validation=0.1,test=0.1")]
    pub parts: String,
    /// Do not cut between records with the same value of this field (such as eventNumber)
    #[arg(long, value_name = "FIELD")]
    pub by: Option<String>,
    /// Records of N bytes, where no layout is beside the file
    #[arg(long, value_name = "N")]
    pub record: Option<usize>,
    /// Replace existing files
    #[arg(short, long)]
    pub force: bool,
    /// How much is said.
    #[command(flatten)]
    pub talk: TalkArgs,
}

/// `data download`.
#[derive(Debug, Args)]
pub struct DownloadArgs {
    /// https:// (or http://, or root://, tried as https:// first and by xrdcp if that is there)
    #[arg(value_name = "URL", required = true)]
    pub urls: Vec<String>,
    /// File to write (one URL), or an existing folder
    #[arg(short, long, value_name = "PATH", default_value = ".")]
    pub output: PathBuf,
    /// Size that the file must have
    #[arg(long, value_name = "N")]
    pub bytes: Option<u64>,
    /// Adler-32 that it must have, eight hexadecimal digits
    #[arg(long, value_name = "HEX")]
    pub adler32: Option<String>,
    /// BLAKE3 that it must have, 64 hexadecimal digits
    #[arg(long, value_name = "HEX")]
    pub blake3: Option<String>,
    /// How often to try again after a cut connection or an error of the server
    #[arg(long, value_name = "N", default_value_t = 8)]
    pub retries: u32,
    /// Seconds before the first try again; twice as long before each further one, at most 60
    #[arg(long, value_name = "S", default_value_t = 1.0)]
    pub wait: f64,
    /// Unpack .gz and .tar.gz into the folder of the file, safely
    #[arg(long)]
    pub unpack: bool,
    /// Replace existing files
    #[arg(short, long)]
    pub force: bool,
    /// How much is said.
    #[command(flatten)]
    pub talk: TalkArgs,
}

/// `experiment`.
#[derive(Debug, Args)]
pub struct ExperimentArgs {
    /// Folder with a config.yaml, such as experiments/atlas_experiment
    #[arg(value_name = "EXPERIMENT")]
    pub folder: PathBuf,
    /// Use these files and download nothing
    #[arg(long, value_name = "FILE")]
    pub input: Vec<PathBuf>,
    /// Folder for everything that it makes
    #[arg(short, long, value_name = "FOLDER")]
    pub output: PathBuf,
    /// Print the commands, and run none
    #[arg(long)]
    pub dry_run: bool,
    /// Leave training out (as a program without it does)
    #[arg(long)]
    pub no_train: bool,
    /// How much is said.
    #[command(flatten)]
    pub talk: TalkArgs,
}
