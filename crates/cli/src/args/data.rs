//! Flags of `data`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::groups::Common;

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
}

impl DataCommand {
    /// What every command knows.
    pub fn common(&self) -> &Common {
        match self {
            Self::Columns(a) => &a.common,
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
