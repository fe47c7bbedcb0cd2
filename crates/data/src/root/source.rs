//! Where the bytes come from: any `Read + Seek`, read in pieces whose size is checked against the
//! length of the file before memory is asked for.

use crate::error::DataError;
use std::io::{ErrorKind, Read, Seek, SeekFrom};

/// A file of known length.
#[derive(Debug)]
pub(crate) struct Source<R> {
    inner: R,
    len: u64,
}

impl<R: Read + Seek> Source<R> {
    pub fn new(mut inner: R) -> Result<Self, DataError> {
        let len = inner.seek(SeekFrom::End(0))?;
        Ok(Self { inner, len })
    }

    pub fn len(&self) -> u64 {
        self.len
    }

    /// Exactly `len` bytes at `offset`.
    pub fn read(&mut self, offset: u64, len: u64) -> Result<Vec<u8>, DataError> {
        let end = offset.checked_add(len).filter(|&end| end <= self.len);
        let size = usize::try_from(len).ok().filter(|_| end.is_some());
        let Some(size) = size else {
            return Err(DataError::truncated(format!(
                "{len} bytes wanted at {offset}, the file has {}",
                self.len
            )));
        };
        self.inner.seek(SeekFrom::Start(offset))?;
        let mut out = vec![0; size];
        self.inner.read_exact(&mut out).map_err(|error| match error.kind() {
            ErrorKind::UnexpectedEof => DataError::truncated("the file became shorter"),
            _ => DataError::Io(error),
        })?;
        Ok(out)
    }

    /// Up to `len` bytes at `offset`: fewer where the file ends.
    pub fn read_up_to(&mut self, offset: u64, len: u64) -> Result<Vec<u8>, DataError> {
        self.read(offset, len.min(self.len.saturating_sub(offset)))
    }
}
