//! The values of an array, streamed.

use super::header::NpyHeader;
use crate::error::DataError;
use crate::limits::Limits;
use crate::slab::{SLAB_BYTES, Slab};
use crate::table::{self, Column, Table};
use std::io::Read;

/// An array over any reader: its header, and an iterator over its values in the order of the file, in slabs of whole
/// records. The iterator ends after an error.
#[derive(Debug)]
pub struct NpyReader<R> {
    header: NpyHeader,
    reader: R,
    next: u64,
    slab: u64,
}

impl<R: Read> NpyReader<R> {
    /// Reads the header.
    ///
    /// # Errors
    /// As [`NpyHeader::read`].
    pub fn open(reader: R) -> Result<Self, DataError> {
        Self::open_with(reader, Limits::default())
    }

    /// The same, within limits.
    ///
    /// # Errors
    /// As [`NpyHeader::read`].
    pub fn open_with(mut reader: R, limits: Limits) -> Result<Self, DataError> {
        let header = NpyHeader::read(&mut reader, &limits)?;
        let width = u64::try_from(header.dtype.bytes).unwrap_or(u64::MAX);
        let record = header.record_bytes();
        let elements = record.checked_div(width).unwrap_or(1);
        let slab = SLAB_BYTES.checked_div(record).unwrap_or(1).max(1).saturating_mul(elements);
        Ok(Self { header, reader, next: 0, slab })
    }

    /// What the header says.
    pub fn header(&self) -> &NpyHeader {
        &self.header
    }

    /// The reader, wherever it is.
    pub fn into_inner(self) -> R {
        self.reader
    }

    fn slab(&mut self) -> Result<Slab, DataError> {
        let first_element = self.next;
        let elements = self.slab.min(self.header.elements.saturating_sub(first_element));
        self.next = first_element.saturating_add(elements);
        let width = u64::try_from(self.header.dtype.bytes).unwrap_or(u64::MAX);
        let wanted = elements.saturating_mul(width);
        let mut bytes = Vec::new();
        (&mut self.reader).take(wanted).read_to_end(&mut bytes)?;
        if u64::try_from(bytes.len()).unwrap_or(u64::MAX) != wanted {
            return Err(DataError::truncated("the array is cut off"));
        }
        Ok(Slab { first_element, bytes })
    }
}

impl<R: Read> Iterator for NpyReader<R> {
    type Item = Result<Slab, DataError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.next >= self.header.elements {
            return None;
        }
        let slab = self.slab();
        if slab.is_err() {
            self.next = u64::MAX;
        }
        Some(slab)
    }
}

/// The columns of an array that takes `stored` bytes.
pub(crate) fn columns(
    header: &NpyHeader,
    name: &str,
    stored: u64,
    compression: &str,
) -> Vec<Column> {
    let shape: Vec<String> = header.shape.iter().map(u64::to_string).collect();
    let order = if header.fortran_order { ", Fortran order" } else { "" };
    let whole = Column {
        path: name.into(),
        kind: String::new(),
        declared: format!("({}){order}", shape.join(", ")),
        entries: header.records(),
        pieces: 1,
        raw_bytes: header.content_bytes(),
        stored_bytes: stored,
        compression: compression.into(),
        refused: None,
    };
    table::columns(&header.dtype, header.elements, whole)
}

/// The table of a `.npy` file of `file_bytes` bytes.
///
/// # Errors
/// As [`NpyHeader::read`]; [`DataError::InsufficientData`] where the file is shorter than its array.
pub fn table(reader: &mut impl Read, file_bytes: u64, limits: &Limits) -> Result<Table, DataError> {
    let header = NpyHeader::read(reader, limits)?;
    let stored = header.content_bytes();
    if header.data_offset.checked_add(stored).is_none_or(|end| end > file_bytes) {
        return Err(DataError::truncated("the array is cut off"));
    }
    let columns = columns(&header, "array", stored, "none");
    Ok(Table {
        path: String::new(),
        form: "array",
        entries: header.records(),
        columns,
        refused: None,
    })
}
