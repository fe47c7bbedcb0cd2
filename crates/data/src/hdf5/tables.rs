//! Datasets as tables: a compound has a column for each member, anything else is one column.

use crate::error::DataError;
use crate::hdf5::dataset::{Dataset, Entry, Storage};
use crate::hdf5::dtype::DtypeKind;
use crate::hdf5::file::Hdf5File;
use crate::table::{Column, Table};

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
        let declared = format!("({})", shape.join(", "));
        let column = |path: &str, kind: String, raw_bytes: u64, stored_bytes: u64| Column {
            path: path.into(),
            kind,
            declared: declared.clone(),
            entries: dataset.records(),
            pieces,
            raw_bytes,
            stored_bytes,
            compression: dataset.compression(),
            refused: None,
        };
        let DtypeKind::Compound(members) = &dataset.dtype.kind else {
            let name = dataset.path.rsplit('/').next().unwrap_or_default();
            let row = dataset
                .record_bytes()
                .checked_div(u64::try_from(dataset.dtype.bytes).unwrap_or(u64::MAX))
                .filter(|&n| n > 1);
            let label = dataset.dtype.label();
            let kind = row.map_or(label.clone(), |n| format!("{label}[{n}]"));
            return Ok(vec![column(name, kind, dataset.content_bytes(), stored)]);
        };
        let element = u128::try_from(dataset.dtype.bytes).unwrap_or(u128::MAX);
        let share = |end: usize| {
            let part = u128::from(stored).saturating_mul(u128::try_from(end).unwrap_or(0));
            u64::try_from(part.checked_div(element).unwrap_or(0)).unwrap_or(u64::MAX)
        };
        let columns = members.iter().map(|member| {
            let end = member.offset.saturating_add(member.dtype.bytes);
            let bytes = u64::try_from(member.dtype.bytes).unwrap_or(u64::MAX);
            let stored = share(end).saturating_sub(share(member.offset));
            let raw = dataset.elements.saturating_mul(bytes);
            column(&member.name, member.dtype.label(), raw, stored)
        });
        Ok(columns.collect())
    }
}
