//! Datasets as tables: a compound has a column for each member, anything else is one column.

use crate::error::DataError;
use crate::hdf5::dataset::{Dataset, Entry, Storage};
use crate::hdf5::file::Hdf5File;
use crate::table::{self, Column, Table};

impl Hdf5File {
    /// A table for each dataset. Members of a compound are stored together: each is given the share of the stored bytes
    /// that it has of the element.
    ///
    /// # Errors
    /// As [`Hdf5File::entries`].
    pub fn tables(&self) -> Result<Vec<Table>, DataError> {
        Ok(self.entries()?.into_iter().map(|entry| self.table(entry)).collect())
    }

    fn table(&self, entry: Entry) -> Table {
        let found = entry.dataset.and_then(|dataset| {
            let columns = self.columns(&dataset)?;
            Ok((dataset.records(), columns))
        });
        let (entries, columns, refused) = match found {
            Ok((entries, columns)) => (entries, columns, None),
            Err(error) => (0, Vec::new(), Some(error.to_string())),
        };
        Table { path: entry.path, form: "dataset", entries, columns, refused }
    }

    fn columns(&self, dataset: &Dataset) -> Result<Vec<Column>, DataError> {
        let chunks = self.raw_chunks(dataset)?;
        let stored = match &dataset.storage {
            Storage::Compact(data) => u64::try_from(data.len()).unwrap_or(u64::MAX),
            _ => chunks.iter().fold(0u64, |sum, chunk| sum.saturating_add(chunk.stored_bytes)),
        };
        let pieces = match dataset.storage {
            Storage::Compact(_) => 1,
            _ => u64::try_from(chunks.len()).unwrap_or(u64::MAX),
        };
        let shape: Vec<String> = dataset.shape.iter().map(u64::to_string).collect();
        let whole = Column {
            path: dataset.path.rsplit('/').next().unwrap_or_default().into(),
            kind: String::new(),
            declared: format!("({})", shape.join(", ")),
            entries: dataset.records(),
            pieces,
            raw_bytes: dataset.content_bytes(),
            stored_bytes: stored,
            compression: dataset.compression(),
            refused: None,
        };
        Ok(table::columns(&dataset.dtype, dataset.elements, whole))
    }
}
