//! Trees and ntuples as arrays: which columns lie together, and their values interleaved, piece by piece.

use super::ArrayInfo;
use super::padded::Padded;
use crate::dtype::{Dtype, DtypeKind, Member};
use crate::error::DataError;
use crate::root::layout::{self, Layout, Shape};
use crate::root::ntuple::NTuple;
use crate::root::primitive::Primitive;
use crate::root::tree::Tree;
use crate::root::{Chunk, RootFile};
use crate::slab::SLAB_BYTES;
use std::collections::{HashMap, HashSet};
use std::io::{Read, Seek};
use vxc_tokens::layout::{Endian, Kind};

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

/// What makes columns belong together.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Together {
    /// One record an entry.
    Entries,
    /// Counted by a branch.
    Counter(String),
    /// By an index column.
    Index(Vec<usize>),
    /// Alone.
    Alone(usize),
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

    fn together(&self, column: usize, layout: &Layout) -> Together {
        match (self, layout.shape) {
            (_, Shape::Fixed) => Together::Entries,
            (_, shape) if depth(shape) > 1 => Together::Alone(column),
            (Table::Tree(tree), _) => {
                let counter = tree.branches.get(column).and_then(|b| b.counts.as_ref());
                counter.map_or(Together::Alone(column), |c| Together::Counter(c.path.clone()))
            }
            (Table::NTuple(ntuple), _) => {
                let index = ntuple.columns.get(column).and_then(|c| c.indices.first());
                index.map_or(Together::Alone(column), |i| Together::Index(i.clone()))
            }
        }
    }

    /// Groups and branches of no numbers are no columns that one could miss.
    fn is_column(&self, column: usize) -> bool {
        match self {
            Table::Tree(tree) => tree.branches.get(column).is_some_and(|b| !b.baskets.is_empty()),
            Table::NTuple(_) => true,
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
        Some(Blocks { file, table, part: planned.part, is_fixed, cursors: cursors?, done: false })
    }
}

/// Adds the arrays of a table.
fn plan(
    table: &Table,
    number: usize,
    arrays: &mut Vec<Planned>,
    infos: &mut Vec<ArrayInfo>,
    refused: &mut Vec<(String, String)>,
    taken: &mut HashSet<String>,
) {
    let columns = table.columns();
    let mut groups: Vec<(Together, Vec<usize>)> = Vec::new();
    let mut by_key: HashMap<Together, usize> = HashMap::new();
    for (at, (path, entries, layout)) in columns.iter().enumerate() {
        let layout = match layout {
            Ok(layout) => layout,
            Err(why) if table.is_column(at) => {
                refused.push((format!("{}/{path}", table.path()), why.clone()));
                continue;
            }
            Err(_) => continue,
        };
        let mut together = table.together(at, layout);
        if *entries != table.entries() {
            together = Together::Alone(at);
        }
        let next = groups.len();
        let group = *by_key.entry(together.clone()).or_insert(next);
        match groups.get_mut(group) {
            Some((_, columns)) => columns.push(at),
            None => groups.push((together, vec![at])),
        }
    }
    for (together, group) in groups {
        let names: Vec<&str> = group.iter().filter_map(|&at| Some(columns.get(at)?.0)).collect();
        let layouts: Vec<&Layout> = group.iter().filter_map(|&at| table.layout(at)).collect();
        let Some(first) = layouts.first() else { continue };
        let name = match &together {
            Together::Entries => String::new(),
            _ => common(&names),
        };
        let wanted =
            if name.is_empty() { table.path().into() } else { format!("{}/{name}", table.path()) };
        let path = unique(wanted, taken);
        let depth = depth(first.shape);
        let entries = group.first().and_then(|&at| columns.get(at)).map_or(0, |column| column.1);
        for level in 0..depth {
            let suffix = if level == 0 { String::new() } else { level.to_string() };
            infos.push(ArrayInfo {
                path: unique(format!("{path}.lengths{suffix}"), taken),
                dtype: number_dtype(Kind::U32),
                shape: if level == 0 { vec![entries] } else { Vec::new() },
                fortran_order: false,
                lengths: level.checked_sub(1).map(|outer| lengths_path(&path, outer)),
            });
            let columns = group.iter().take(1).copied().collect();
            arrays.push(Planned { table: number, columns, part: Part::Lengths(level) });
        }
        infos.push(ArrayInfo {
            dtype: record(&names, &layouts),
            shape: if depth == 0 { vec![entries] } else { Vec::new() },
            fortran_order: false,
            lengths: depth.checked_sub(1).map(|inner| lengths_path(&path, inner)),
            path,
        });
        arrays.push(Planned { table: number, columns: group, part: Part::Values });
    }
}

fn lengths_path(path: &str, level: usize) -> String {
    let suffix = if level == 0 { String::new() } else { level.to_string() };
    format!("{path}.lengths{suffix}")
}

/// What names begin with, without a separator at its end; the first name where that is nothing.
fn common(names: &[&str]) -> String {
    let Some((first, rest)) = names.split_first() else { return String::new() };
    let mut shared = first.len();
    for name in rest {
        let same = first.bytes().zip(name.bytes()).take_while(|(a, b)| a == b).count();
        shared = shared.min(same);
    }
    while !first.is_char_boundary(shared) {
        shared = shared.saturating_sub(1);
    }
    let prefix = first.get(..shared).unwrap_or_default();
    let whole = names.iter().all(|name| {
        name.len() == shared
            || name.get(shared..).is_some_and(|rest| !rest.starts_with(char::is_alphanumeric))
    });
    let prefix = if whole {
        prefix
    } else {
        // Not the middle of a word.
        prefix.rfind(['_', '.', '/']).map_or("", |end| prefix.get(..end).unwrap_or_default())
    };
    let prefix = prefix.trim_end_matches(['_', '.', '/']);
    if prefix.is_empty() { (*first).to_owned() } else { prefix.to_owned() }
}

fn unique(wanted: String, taken: &mut HashSet<String>) -> String {
    let mut path = wanted.clone();
    let mut n = 1u32;
    while !taken.insert(path.clone()) {
        n = n.saturating_add(1);
        path = format!("{wanted}~{n}");
    }
    path
}

fn number_dtype(kind: Kind) -> Dtype {
    Dtype { bytes: kind.bytes(), kind: DtypeKind::Number(kind, Endian::Little) }
}

fn of_primitive(primitive: Primitive) -> Dtype {
    match primitive {
        Primitive::Bool => {
            let names = vec![("FALSE".into(), vec![0]), ("TRUE".into(), vec![1])];
            let base = Box::new(number_dtype(Kind::U8));
            Dtype { bytes: 1, kind: DtypeKind::Enum { base, names } }
        }
        Primitive::Truncated => Dtype { bytes: 3, kind: DtypeKind::Bytes("float") },
        other => number_dtype(other.kind()),
    }
}

fn of_member(member: &layout::Member) -> Dtype {
    let base = of_primitive(member.primitive);
    match member.count {
        1 => base,
        count => Dtype {
            bytes: base.bytes.saturating_mul(usize::try_from(count).unwrap_or(usize::MAX)),
            kind: DtypeKind::Array { base: Box::new(base), shape: vec![count.into()] },
        },
    }
}

/// The record of columns: a compound, or the number itself where there is one.
fn record(names: &[&str], layouts: &[&Layout]) -> Dtype {
    if let ([layout], [_]) = (layouts, names)
        && let [member] = layout.members.as_slice()
        && layout.shape != Shape::Fixed
    {
        return of_member(member);
    }
    let (mut members, mut offset) = (Vec::new(), 0usize);
    for (name, layout) in names.iter().zip(layouts) {
        for member in &layout.members {
            let several = layout.members.len() > 1;
            let name = if several { format!("{name}.{}", member.name) } else { (*name).to_owned() };
            let dtype = of_member(member);
            let bytes = dtype.bytes;
            members.push(Member { name, offset, dtype });
            offset = offset.saturating_add(bytes);
        }
    }
    Dtype { bytes: offset.max(1), kind: DtypeKind::Compound(members) }
}

/// Where reading a column has come to.
#[derive(Debug)]
pub(super) struct Cursor {
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
pub(super) fn load_all<R: Read + Seek>(
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
pub(super) struct Blocks<'a, R> {
    file: &'a mut RootFile<R>,
    table: &'a Table,
    part: Part,
    is_fixed: bool,
    cursors: Vec<Cursor>,
    done: bool,
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

#[cfg(test)]
mod tests {
    use super::common;

    #[test]
    fn names_of_groups() {
        for (names, wanted) in [
            (&["Jet_pt", "Jet_eta"][..], "Jet"),
            (&["Jet_pt", "JetAK8_eta"], "Jet_pt"),
            (&["jets.pt", "jets.phi"], "jets"),
            (&["px1", "px2"], "px1"),
            (&["Muon_Px"], "Muon_Px"),
            (&["a", "b"], "a"),
            (&[], ""),
        ] {
            assert_eq!(common(names), wanted, "{names:?}");
        }
    }
}
