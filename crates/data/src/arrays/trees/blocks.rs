//! Values of columns that are read together, piece by piece.

use super::{Part, Table};
use crate::error::DataError;
use crate::root::{Chunk, RootFile};
use crate::slab::SLAB_BYTES;
use std::io::{Read, Seek};

/// Where reading a column has come to.
#[derive(Debug)]
pub(in crate::arrays) struct Cursor {
    pub column: usize,
    pub record: usize,
    /// The next basket or cluster.
    piece: usize,
    pub chunk: Chunk,
    /// Entries of the chunk that are done.
    pub entry: usize,
    /// Bytes of its values that are done.
    pub byte: usize,
}

impl Cursor {
    pub fn new(column: usize, record: usize) -> Self {
        Self { column, record, piece: 0, chunk: Chunk::default(), entry: 0, byte: 0 }
    }

    pub fn left(&self) -> usize {
        usize::try_from(self.chunk.entries).unwrap_or(usize::MAX).saturating_sub(self.entry)
    }

    /// Loads the next piece with entries; false at the end.
    pub fn load<R: Read + Seek>(
        &mut self,
        file: &mut RootFile<R>,
        table: &Table,
    ) -> Result<bool, DataError> {
        while self.left() == 0 {
            let piece = self.piece;
            self.piece = piece.saturating_add(1);
            let next = match table {
                Table::Tree(tree) => {
                    let branch = tree.branches.get(self.column);
                    let Some((branch, info)) =
                        branch.and_then(|b| Some((b, b.baskets.get(piece)?)))
                    else {
                        return Ok(false);
                    };
                    let Ok(layout) = &branch.layout else { return Ok(false) };
                    file.chunk(branch, layout, info)?
                }
                Table::NTuple(ntuple) => {
                    let (Some(column), Some(cluster)) =
                        (ntuple.columns.get(self.column), ntuple.clusters.get(piece))
                    else {
                        return Ok(false);
                    };
                    file.ntuple_chunk(ntuple, column, cluster)?
                }
            };
            (self.chunk, self.entry, self.byte) = (next, 0, 0);
        }
        Ok(true)
    }
}

/// Loads every cursor that has come to the end of its piece; false where all of them are at the end of their columns.
///
/// # Errors
/// Those of reading; [`DataError::Corruption`] where some columns go on and others do not.
pub(in crate::arrays) fn load_all<R: Read + Seek>(
    cursors: &mut [Cursor],
    file: &mut RootFile<R>,
    table: &Table,
) -> Result<bool, DataError> {
    let mut loaded = 0usize;
    for cursor in cursors.iter_mut() {
        loaded = loaded.saturating_add(usize::from(cursor.load(file, table)?));
    }
    if loaded > 0 && loaded != cursors.len() {
        return Err(DataError::corrupt("columns of one table have different numbers of entries"));
    }
    Ok(loaded > 0)
}

/// Iterator over the values of an array.
#[derive(Debug)]
pub(in crate::arrays) struct Blocks<'a, R> {
    file: &'a mut RootFile<R>,
    table: &'a Table,
    part: Part,
    is_fixed: bool,
    cursors: Vec<Cursor>,
    done: bool,
}

impl<'a, R> Blocks<'a, R> {
    /// From the first value of the cursors' columns on; `is_fixed` where every entry is one record.
    pub(super) fn new(
        file: &'a mut RootFile<R>,
        table: &'a Table,
        part: Part,
        is_fixed: bool,
        cursors: Vec<Cursor>,
    ) -> Self {
        Self { file, table, part, is_fixed, cursors, done: false }
    }
}

impl<R: Read + Seek> Blocks<'_, R> {
    fn block(&mut self) -> Result<Option<Vec<u8>>, DataError> {
        if !load_all(&mut self.cursors, self.file, self.table)? {
            return Ok(None);
        }
        // A column of its own goes by its pieces.
        if let [cursor] = self.cursors.as_mut_slice() {
            cursor.entry = usize::try_from(cursor.chunk.entries).unwrap_or(usize::MAX);
            return Ok(Some(match self.part {
                Part::Values => std::mem::take(&mut cursor.chunk.values),
                Part::Lengths(level) => {
                    let lengths = cursor.chunk.lengths.get(level).map(Vec::as_slice);
                    lengths.unwrap_or_default().iter().flat_map(|n| n.to_le_bytes()).collect()
                }
            }));
        }
        let record = self.cursors.iter().map(|c| c.record).fold(0usize, usize::saturating_add);
        let most = usize::try_from(SLAB_BYTES).unwrap_or(1).checked_div(record.max(1));
        let entries = self.cursors.iter().map(Cursor::left).min().unwrap_or(0);
        let entries = if self.is_fixed { entries.min(most.unwrap_or(1).max(1)) } else { entries };
        let records = if self.is_fixed { entries } else { self.records(entries)? };
        let total = records.checked_mul(record);
        let total = total.ok_or_else(|| DataError::corrupt("more values than can be"))?;
        let mut out = vec![0u8; total];
        let mut offset = 0usize;
        for cursor in &mut self.cursors {
            let width = cursor.record;
            let end = cursor.byte.saturating_add(records.saturating_mul(width));
            let values = cursor.chunk.values.get(cursor.byte..end);
            let values = values.ok_or_else(|| DataError::corrupt("fewer values than entries"))?;
            if width > 0 {
                let rows = out.chunks_exact_mut(record).zip(values.chunks_exact(width));
                for (row, value) in rows {
                    let place = row.get_mut(offset..offset.saturating_add(width));
                    place.into_iter().for_each(|place| place.copy_from_slice(value));
                }
            }
            (cursor.byte, cursor.entry) = (end, cursor.entry.saturating_add(entries));
            offset = offset.saturating_add(width);
        }
        Ok(Some(out))
    }

    /// Records in so many entries, the same in all columns.
    fn records(&self, entries: usize) -> Result<usize, DataError> {
        let mut lengths = self.cursors.iter().map(|cursor| {
            let end = cursor.entry.saturating_add(entries);
            cursor.chunk.lengths.first().and_then(|all| all.get(cursor.entry..end))
        });
        let first = lengths.next().flatten();
        let first = first.ok_or_else(|| DataError::corrupt("entries without lengths"))?;
        if lengths.any(|other| other != Some(first)) {
            return Err(DataError::corrupt("columns that one branch counts differ in length"));
        }
        let sum = first.iter().map(|&n| u64::from(n)).fold(0u64, u64::saturating_add);
        usize::try_from(sum).map_err(|_| DataError::corrupt("more values than can be"))
    }
}

impl<R: Read + Seek> Iterator for Blocks<'_, R> {
    type Item = Result<Vec<u8>, DataError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        let block = self.block();
        self.done = !matches!(block, Ok(Some(_)));
        block.transpose()
    }
}
