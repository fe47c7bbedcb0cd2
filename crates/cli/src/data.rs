//! `data`: scientific files. Formats are read by the crate `vxc-data`; here is what is written and printed.

mod arrays;
mod columns;
mod compare;
#[cfg(feature = "download")]
mod download;
mod extract;
pub mod rebuild;
pub mod sidecar;
mod split;
mod unpack;

use std::path::PathBuf;

use crate::args::{CompareArgs, DataCommand, DownloadArgs, ExtractArgs, RebuildArgs, SplitArgs};
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
    /// Cut into parts.
    Split(SplitArgs),
    /// Fetch.
    #[cfg_attr(not(feature = "download"), expect(dead_code, reason = "it is refused"))]
    Download(DownloadArgs),
}

impl From<crate::args::DataArgs> for Data {
    fn from(args: crate::args::DataArgs) -> Self {
        match args.command {
            DataCommand::Columns(a) => Self::Columns(a.files, a.json),
            DataCommand::Extract(a) => Self::Extract(a),
            DataCommand::Rebuild(a) => Self::Rebuild(a),
            DataCommand::Compare(a) => Self::Compare(a),
            DataCommand::Split(a) => Self::Split(a),
            DataCommand::Download(a) => Self::Download(a),
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
        Data::Split(how) => split::run(how, console).map(|()| 0),
        #[cfg(feature = "download")]
        Data::Download(how) => download::run(how, console).map(|()| 0),
        #[cfg(not(feature = "download"))]
        Data::Download(_) => {
            Err(Failure::usage("this program was built without downloads (cargo feature download)"))
        }
    }
}
