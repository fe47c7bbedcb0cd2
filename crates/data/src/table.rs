//! What a scientific file holds, whatever its format: tables of columns, with their types and sizes.

use crate::dtype::{Dtype, DtypeKind};

/// A table: a ROOT tree or ntuple, an HDF5 dataset, a NumPy array.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// Directories and name, joined by `/`.
    pub path: String,
    /// The format's own word for it.
    pub form: &'static str,
    /// Rows.
    pub entries: u64,
    /// Columns, groups of columns left out.
    pub columns: Vec<Column>,
    /// Why the table cannot be read, where it cannot.
    pub refused: Option<String>,
}

/// A column of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Name, with those of what it lies in.
    pub path: String,
    /// Type of its values, such as `float32[]`; empty where it cannot be read.
    pub kind: String,
    /// Type as the file calls it; empty where it has no name there.
    pub declared: String,
    /// Rows.
    pub entries: u64,
    /// Pieces that it is stored in.
    pub pieces: u64,
    /// Bytes decompressed.
    pub raw_bytes: u64,
    /// Bytes in the file.
    pub stored_bytes: u64,
    /// Algorithm, and level where the file tells, such as `zlib 1`; `none` where nothing is compressed.
    pub compression: String,
    /// Why the column cannot be read as numbers, where it cannot.
    pub refused: Option<String>,
}

impl Table {
    /// Bytes in the file and decompressed, over all columns.
    pub fn bytes(&self) -> (u64, u64) {
        self.columns.iter().fold((0u64, 0u64), |(stored, raw), column| {
            (stored.saturating_add(column.stored_bytes), raw.saturating_add(column.raw_bytes))
        })
    }
}

/// The columns of an array: one for each member of a compound, else one. `whole` describes all of it. Members are stored
/// together: each is given the share of the stored bytes that it has of the element.
pub(crate) fn columns(dtype: &Dtype, elements: u64, whole: Column) -> Vec<Column> {
    let wide = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
    let width = wide(dtype.bytes);
    let DtypeKind::Compound(members) = &dtype.kind else {
        let row = elements.checked_div(whole.entries).filter(|&n| n > 1);
        let label = dtype.label();
        let kind = row.map_or(label.clone(), |n| format!("{label}[{n}]"));
        return vec![Column { kind, ..whole }];
    };
    let share = |end: usize| {
        let part = u128::from(whole.stored_bytes).saturating_mul(u128::from(wide(end)));
        u64::try_from(part.checked_div(u128::from(width)).unwrap_or(0)).unwrap_or(u64::MAX)
    };
    let columns = members.iter().map(|member| {
        let end = member.offset.saturating_add(member.dtype.bytes);
        Column {
            path: member.name.clone(),
            kind: member.dtype.label(),
            raw_bytes: elements.saturating_mul(wide(member.dtype.bytes)),
            stored_bytes: share(end).saturating_sub(share(member.offset)),
            ..whole.clone()
        }
    });
    columns.collect()
}
