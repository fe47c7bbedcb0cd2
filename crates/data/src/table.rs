//! What a scientific file holds, whatever its format: tables of columns, with their types and sizes.

/// A table: a ROOT tree or ntuple.
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
