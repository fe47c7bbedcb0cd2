//! Trees and ntuples as arrays: `plan` says which columns lie together, `record` what their records are, `blocks` reads
//! their values, interleaved, piece by piece.

mod blocks;
mod plan;
mod record;

use super::ArrayInfo;
use super::padded::Padded;
use crate::error::DataError;
use crate::root::RootFile;
use crate::root::layout::{Layout, Shape};
use crate::root::ntuple::NTuple;
use crate::root::tree::Tree;
pub(super) use blocks::{Blocks, Cursor, load_all};
use plan::plan;
use std::collections::HashSet;
use std::io::{Read, Seek};

#[derive(Debug)]
pub(super) struct RootArrays<R> {
    file: RootFile<R>,
    tables: Vec<Table>,
    arrays: Vec<Planned>,
}

#[derive(Debug)]
pub(super) enum Table {
    Tree(Tree),
    NTuple(NTuple),
}

/// One array.
#[derive(Clone, Debug)]
struct Planned {
    table: usize,
    columns: Vec<usize>,
    part: Part,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// The columns' values, interleaved.
    Values,
    /// The lengths of a level.
    Lengths(usize),
}

impl Table {
    pub fn path(&self) -> &str {
        match self {
            Table::Tree(tree) => &tree.path,
            Table::NTuple(ntuple) => &ntuple.path,
        }
    }

    pub fn entries(&self) -> u64 {
        match self {
            Table::Tree(tree) => tree.entries,
            Table::NTuple(ntuple) => ntuple.entries,
        }
    }

    /// Path, entries and layout of every column.
    pub fn columns(&self) -> Vec<(&str, u64, &Result<Layout, String>)> {
        match self {
            Table::Tree(tree) => {
                tree.branches.iter().map(|b| (b.path.as_str(), b.entries, &b.layout)).collect()
            }
            Table::NTuple(ntuple) => {
                let entries = ntuple.entries;
                ntuple.columns.iter().map(|c| (c.path.as_str(), entries, &c.layout)).collect()
            }
        }
    }

    pub fn layout(&self, column: usize) -> Option<&Layout> {
        match self {
            Table::Tree(tree) => tree.branches.get(column)?.layout.as_ref().ok(),
            Table::NTuple(ntuple) => ntuple.columns.get(column)?.layout.as_ref().ok(),
        }
    }
}

/// How many lengths lie in one another.
pub(super) fn depth(shape: Shape) -> usize {
    match shape {
        Shape::Fixed => 0,
        Shape::Jagged { .. } => 1,
        Shape::Sequence { depth } | Shape::Members { depth } => {
            usize::try_from(depth).unwrap_or(16).clamp(1, 16)
        }
    }
}

impl<R: Read + Seek> RootArrays<R> {
    /// Plans the arrays of a file.
    pub fn open(
        mut file: RootFile<R>,
        infos: &mut Vec<ArrayInfo>,
        refused: &mut Vec<(String, String)>,
    ) -> Result<Self, DataError> {
        let mut tables = Vec::new();
        let mut arrays = Vec::new();
        let mut found = Vec::new();
        for path in file.trees() {
            found.push((file.tree(&path).map(Table::Tree), path));
        }
        for path in file.ntuples() {
            found.push((file.ntuple(&path).map(Table::NTuple), path));
        }
        let mut taken = HashSet::new();
        for (table, path) in found {
            match table {
                Ok(table) => {
                    plan(&table, tables.len(), &mut arrays, infos, refused, &mut taken);
                    tables.push(table);
                }
                Err(DataError::Io(error)) => return Err(error.into()),
                Err(why) => refused.push((path, why.to_string())),
            }
        }
        Ok(Self { file, tables, arrays })
    }

    /// Trees and ntuples, by path.
    pub fn tables(&self) -> Vec<String> {
        self.tables.iter().map(|table| table.path().to_owned()).collect()
    }

    /// A table as one padded matrix; none for a number beyond the last.
    ///
    /// # Errors
    /// Those of reading lengths, where `most` does not bound them.
    pub fn padded(
        &mut self,
        at: usize,
        most: Option<u32>,
    ) -> Result<Option<Padded<'_, R>>, DataError> {
        match self.tables.get(at) {
            Some(table) => Padded::new(&mut self.file, table, most).map(Some),
            None => Ok(None),
        }
    }

    /// The values of an array; none for a number beyond the last.
    pub fn values(&mut self, at: usize) -> Option<Blocks<'_, R>> {
        let planned = self.arrays.get(at)?.clone();
        let table = self.tables.get(planned.table)?;
        let cursors: Option<Vec<Cursor>> = planned
            .columns
            .iter()
            .map(|&column| Some(Cursor::new(column, table.layout(column)?.record_bytes())))
            .collect();
        let is_fixed = planned
            .columns
            .first()
            .and_then(|&column| table.layout(column))
            .is_some_and(|layout| layout.shape == Shape::Fixed);
        let file = &mut self.file;
        Some(Blocks::new(file, table, planned.part, is_fixed, cursors?))
    }
}
