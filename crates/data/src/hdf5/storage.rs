//! Where the bytes come from: any `Read + Seek` behind a lock, as the library asks for bytes from shared references.

use crate::error::DataError;
use crate::root::source::Source;
use hdf5_reader::StorageBuffer;
use hdf5_reader::error::{Error, Result};
use std::io::{Read, Seek};
use std::sync::{Mutex, PoisonError};

/// What a file may be read from.
pub trait ReadSeek: Read + Seek + Send {}

impl<T: Read + Seek + Send> ReadSeek for T {}

/// A file that threads may share.
pub(crate) struct SharedFile {
    source: Mutex<Source<Box<dyn ReadSeek>>>,
    len: u64,
}

impl SharedFile {
    pub fn new(inner: Box<dyn ReadSeek>) -> std::result::Result<Self, DataError> {
        let source = Source::new(inner)?;
        let len = source.len();
        Ok(Self { source: Mutex::new(source), len })
    }

    pub fn len(&self) -> u64 {
        self.len
    }

    /// Exactly `len` bytes at an offset from the start of the file.
    ///
    /// # Errors
    /// [`DataError::InsufficientData`], [`DataError::Io`].
    pub fn read(&self, offset: u64, len: u64) -> std::result::Result<Vec<u8>, DataError> {
        // A reader that panicked has only a position, which every read sets anew.
        self.source.lock().unwrap_or_else(PoisonError::into_inner).read(offset, len)
    }
}

impl hdf5_reader::Storage for SharedFile {
    fn len(&self) -> u64 {
        self.len
    }

    fn read_range(&self, offset: u64, len: usize) -> Result<StorageBuffer> {
        let needed = u64::try_from(len).unwrap_or(u64::MAX);
        let available = self.len.saturating_sub(offset);
        if needed > available {
            return Err(Error::UnexpectedEof { offset, needed, available });
        }
        match self.read(offset, needed) {
            Ok(bytes) => Ok(StorageBuffer::from_vec(bytes)),
            Err(DataError::Io(error)) => Err(Error::Io(error)),
            Err(error) => Err(Error::InvalidData(error.to_string())),
        }
    }
}
