//! `data`: scientific files. Formats are read by the crate `vxc-data`; here is what is written and printed.

mod arrays;
mod columns;
mod compare;
mod extract;
mod rebuild;
mod sidecar;
mod unpack;

use std::path::PathBuf;

use crate::args::{CompareArgs, DataCommand, ExtractArgs, RebuildArgs};
use crate::console::Console;
use crate::failure::Failure;

/// What `data` is to do.
pub enum Data {
    /// List columns; as JSON.
    Columns(Vec<PathBuf>, bool),
    /// Write arrays as flat files.
    Extract(ExtractArgs),
    /// Write arrays as one file.
    Rebuild(RebuildArgs),
    /// Compare two files.
    Compare(CompareArgs),
}

impl From<crate::args::DataArgs> for Data {
    fn from(args: crate::args::DataArgs) -> Self {
        match args.command {
            DataCommand::Columns(a) => Self::Columns(a.files, a.json),
            DataCommand::Extract(a) => Self::Extract(a),
            DataCommand::Rebuild(a) => Self::Rebuild(a),
            DataCommand::Compare(a) => Self::Compare(a),
        }
    }
}

/// Runs it and gives the exit code.
///
/// # Errors
/// What concerns no single file.
pub fn run(what: &Data, console: &Console) -> Result<u8, Failure> {
    match what {
        Data::Columns(files, json) => columns::run(files, *json, console),
        Data::Extract(how) => extract::run(how, console).map(|()| 0),
        Data::Rebuild(how) => rebuild::run(how, console).map(|()| 0),
        Data::Compare(how) => compare::run(how, console),
    }
}
