//! Flags of `data`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::groups::{Common, some_size};

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
}

impl DataCommand {
    /// What every command knows.
    pub fn common(&self) -> &Common {
        match self {
            Self::Columns(a) => &a.common,
            Self::Extract(a) => &a.common,
            Self::Rebuild(a) => &a.common,
            Self::Compare(a) => &a.common,
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
    /// What every command knows.
    #[command(flatten)]
    pub common: Common,
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
    /// What every command knows.
    #[command(flatten)]
    pub common: Common,
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
    /// What every command knows.
    #[command(flatten)]
    pub common: Common,
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
    /// What every command knows.
    #[command(flatten)]
    pub common: Common,
}
