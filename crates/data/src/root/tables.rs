//! The tables of a ROOT file: every tree and ntuple with its columns.

use crate::error::DataError;
use crate::root::branch::Branch;
use crate::root::compression::Algorithm;
use crate::root::file::RootFile;
use crate::root::layout::Layout;
use crate::root::ntuple::NTuple;
use crate::root::ntuple::columns::ValueColumn;
use crate::root::tree::Tree;
use crate::table::{Column, Table};
use std::io::{Read, Seek};

impl<R: Read + Seek> RootFile<R> {
    /// Every tree and ntuple. One that cannot be read is listed with its reason.
    ///
    /// # Errors
    /// [`DataError::Io`]: damage does not end the list.
    pub fn tables(&mut self) -> Result<Vec<Table>, DataError> {
        let mut out = Vec::new();
        for path in self.trees() {
            out.push(match self.tree(&path) {
                Ok(tree) => self.of_tree(&tree)?,
                Err(error) => refused(path, "tree", error)?,
            });
        }
        for path in self.ntuples() {
            out.push(match self.ntuple(&path) {
                Ok(ntuple) => of_ntuple(&ntuple),
                Err(error) => refused(path, "ntuple", error)?,
            });
        }
        Ok(out)
    }

    fn of_tree(&mut self, tree: &Tree) -> Result<Table, DataError> {
        let is_column = |branch: &&Branch| branch.layout.is_ok() || !branch.baskets.is_empty();
        let mut columns = Vec::new();
        for branch in tree.branches.iter().filter(is_column) {
            let used = match self.algorithm(branch) {
                Err(DataError::Io(error)) => return Err(DataError::Io(error)),
                used => used.ok().flatten(),
            };
            columns.push(of_branch(branch, used));
        }
        let (path, entries) = (tree.path.clone(), tree.entries);
        Ok(Table { path, form: "tree", entries, columns, refused: None })
    }

    /// What the first basket is compressed with: not every writer declares it.
    fn algorithm(&mut self, branch: &Branch) -> Result<Option<Algorithm>, DataError> {
        match branch.baskets.first() {
            Some(first) => {
                let raw = self.raw_basket(first)?;
                let blocks = raw.map(|raw| raw.blocks()).transpose()?;
                Ok(blocks.and_then(|blocks| blocks.first().map(|block| block.algorithm)))
            }
            None => Ok(None),
        }
    }
}

fn of_branch(branch: &Branch, used: Option<Algorithm>) -> Column {
    let (kind, refused) = of_layout(&branch.layout);
    let declared = setting(u32::try_from(branch.compression).unwrap_or(0));
    let compression = match used {
        None => "none".into(),
        Some(used) if declared.starts_with(used.name()) => declared,
        Some(used) => used.name().into(),
    };
    Column {
        path: branch.path.clone(),
        kind,
        declared: branch.class.clone(),
        entries: branch.entries,
        pieces: u64::try_from(branch.baskets.len()).unwrap_or(u64::MAX),
        raw_bytes: branch.raw_bytes,
        stored_bytes: branch.stored_bytes,
        compression,
        refused,
    }
}

fn refused(path: String, form: &'static str, error: DataError) -> Result<Table, DataError> {
    match error {
        DataError::Io(error) => Err(DataError::Io(error)),
        error => Ok(Table {
            path,
            form,
            entries: 0,
            columns: Vec::new(),
            refused: Some(error.to_string()),
        }),
    }
}

fn of_ntuple(ntuple: &NTuple) -> Table {
    let column = |column: &ValueColumn| {
        let (kind, refused) = of_layout(&column.layout);
        let (stored_bytes, raw_bytes) = ntuple.bytes(column);
        let ranges = || {
            let clusters = ntuple.clusters.iter();
            clusters.flat_map(|c| column.columns.iter().filter_map(|&id| c.columns.get(id)))
        };
        let pages = ranges().map(|range| range.pages.len()).fold(0, usize::saturating_add);
        Column {
            path: column.path.clone(),
            kind,
            declared: column.type_name.clone(),
            entries: ntuple.entries,
            pieces: u64::try_from(pages).unwrap_or(u64::MAX),
            raw_bytes,
            stored_bytes,
            compression: setting(ranges().map(|range| range.compression).max().unwrap_or(0)),
            refused,
        }
    };
    Table {
        path: ntuple.path.clone(),
        form: "ntuple",
        entries: ntuple.entries,
        columns: ntuple.columns.iter().map(column).collect(),
        refused: None,
    }
}

fn of_layout(layout: &Result<Layout, String>) -> (String, Option<String>) {
    match layout {
        Ok(layout) => (layout.describe(), None),
        Err(why) => (String::new(), Some(why.clone())),
    }
}

/// ROOT's number of a compression: 100 × algorithm + level.
pub(crate) fn setting(number: u32) -> String {
    let level = number.checked_rem(100).unwrap_or(0);
    let algorithm = match number.checked_div(100).unwrap_or(0) {
        0 | 1 => "zlib",
        2 => "lzma",
        3 => "old zlib",
        4 => "lz4",
        5 => "zstd",
        _ => "unknown",
    };
    match level {
        0 => "none".into(),
        level => format!("{algorithm} {level}"),
    }
}

#[cfg(test)]
mod tests {
    use super::setting;

    #[test]
    fn settings() {
        for (number, text) in [
            (0, "none"),
            (1, "zlib 1"),
            (101, "zlib 1"),
            (209, "lzma 9"),
            (404, "lz4 4"),
            (505, "zstd 5"),
        ] {
            assert_eq!(setting(number), text);
        }
    }
}
