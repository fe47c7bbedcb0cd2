//! `TTree`: a table of columns, flattened to a list of branches.

use crate::error::DataError;
use crate::limits::Limits;
use crate::root::branch::{self, Branch};
use crate::root::decode;
use crate::root::streamer::Streamers;

/// Classes that are trees.
pub(crate) const CLASSES: [&str; 3] = ["TTree", "TNtuple", "TNtupleD"];

/// A tree and its branches, each after the one it lies in.
#[derive(Clone, Debug)]
pub struct Tree {
    /// Directories and name, joined by `/`.
    pub path: String,
    /// Title.
    pub title: String,
    /// Entries.
    pub entries: u64,
    /// Branches.
    pub branches: Vec<Branch>,
}

impl Tree {
    pub(crate) fn parse(
        path: &str,
        class: &str,
        payload: &[u8],
        origin: u64,
        streamers: &Streamers,
        limits: Limits,
    ) -> Result<Self, DataError> {
        let (object, mut decoder) = decode::tree(streamers, payload, class, origin, limits)?;
        let object_base = object
            .base("TTree")
            .ok_or_else(|| DataError::corrupt(format!("{class} is no tree")))?;
        let title = object_base.named().map(|(_, title)| title.to_owned()).unwrap_or_default();
        let entries = object_base.count("fEntries")?;
        object_base.list("fBranches")?;
        let mut branches = Vec::new();
        for child in branch::take_children(object) {
            branch::collect(child, None, &mut decoder, streamers, &mut branches)?;
        }
        branch::find_counters(&mut branches);
        Ok(Self { path: path.to_owned(), title, entries, branches })
    }

    /// A branch by its path, or by its name where that is unique or first.
    pub fn branch(&self, name: &str) -> Option<&Branch> {
        let by_path = self.branches.iter().find(|branch| branch.path == name);
        by_path.or_else(|| self.branches.iter().find(|branch| branch.name == name))
    }
}
