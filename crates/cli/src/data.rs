//! `data`: scientific files. Formats are read by the crate `vxc-data`; here is what is printed.

mod columns;

use std::path::PathBuf;

use crate::console::Console;
use crate::failure::Failure;

/// What `data` is to do.
pub enum Data {
    /// List columns; as JSON.
    Columns(Vec<PathBuf>, bool),
}

impl From<crate::args::DataArgs> for Data {
    fn from(args: crate::args::DataArgs) -> Self {
        match args.command {
            crate::args::DataCommand::Columns(a) => Self::Columns(a.files, a.json),
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
    }
}
