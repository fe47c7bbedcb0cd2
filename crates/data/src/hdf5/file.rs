//! An HDF5 file, opened: its datasets, their chunks, their values.

use crate::error::DataError;
use crate::hdf5::chunk::RawChunk;
use crate::hdf5::dataset::{Dataset, Entry, Storage};
use crate::hdf5::rows::Rows;
use crate::hdf5::storage::SharedFile;
use crate::hdf5::{filter, index, seam, walk};
use crate::limits::{self, Limits};
use hdf5_reader::OpenOptions;
use std::fmt;
use std::io::{Read, Seek};
use std::sync::Arc;

/// A file over any reader that can seek.
pub struct Hdf5File {
    source: Arc<SharedFile>,
    library: hdf5_reader::Hdf5File,
    limits: Limits,
}

impl fmt::Debug for Hdf5File {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hdf5File").field("bytes", &self.source.len()).finish_non_exhaustive()
    }
}

impl Hdf5File {
    /// Reads the superblock.
    ///
    /// # Errors
    /// [`DataError::Corruption`] where this is no HDF5 file, [`DataError::InsufficientData`] where it is shorter than it
    /// says, [`DataError::Unsupported`], [`DataError::Io`].
    pub fn open(inner: impl Read + Seek + Send + 'static) -> Result<Self, DataError> {
        Self::open_with(inner, Limits::default())
    }

    /// The same, within limits.
    ///
    /// # Errors
    /// As [`Hdf5File::open`].
    pub fn open_with(
        inner: impl Read + Seek + Send + 'static,
        limits: Limits,
    ) -> Result<Self, DataError> {
        let source = Arc::new(SharedFile::new(Box::new(inner))?);
        let size = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
        let options = OpenOptions::default()
            .with_chunk_cache_bytes(0)
            .with_max_chunk_bytes(size(limits.max_basket))
            .with_max_read_bytes(size(limits.max_basket))
            .with_max_object_header_bytes(size(limits.max_object));
        let storage: Arc<dyn hdf5_reader::Storage> = source.clone();
        let library =
            seam::call(|| hdf5_reader::Hdf5File::from_storage_with_options(storage, options))?;
        let end = library.superblock().eof_address;
        if end > source.len() && end != u64::MAX {
            return Err(DataError::truncated(format!("{} bytes of {end}", source.len())));
        }
        Ok(Self { source, library, limits })
    }

    /// Bytes of the file.
    pub fn file_bytes(&self) -> u64 {
        self.source.len()
    }

    /// Where addresses count from: the bytes of the user block.
    pub fn base(&self) -> u64 {
        self.library.superblock().base_address
    }

    /// Limits in force.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// All datasets, those that cannot be read with the reason.
    ///
    /// # Errors
    /// Where the root group cannot be read, and [`DataError::LimitExceeded`] beyond [`Limits::max_keys`].
    pub fn entries(&self) -> Result<Vec<Entry>, DataError> {
        walk::entries(self)
    }

    /// A dataset by its path.
    ///
    /// # Errors
    /// [`DataError::InvalidArgument`] where there is none; else why it cannot be read.
    pub fn dataset(&self, path: &str) -> Result<Dataset, DataError> {
        let wanted = path.trim_matches('/');
        match self.entries()?.into_iter().find(|entry| entry.path == wanted) {
            Some(entry) => entry.dataset,
            None => Err(DataError::argument(format!("no dataset {path}"))),
        }
    }

    /// The values, slab by slab.
    ///
    /// # Errors
    /// As [`Hdf5File::raw_chunks`].
    pub fn rows<'a>(&'a self, dataset: &'a Dataset) -> Result<Rows<'a>, DataError> {
        Rows::new(self, dataset)
    }

    /// All values.
    ///
    /// # Errors
    /// [`DataError::LimitExceeded`] beyond [`Limits::max_column`]; those of damaged bytes.
    pub fn values(&self, dataset: &Dataset) -> Result<Vec<u8>, DataError> {
        limits::check("dataset", dataset.content_bytes(), self.limits.max_column)?;
        let mut out = Vec::new();
        for slab in self.rows(dataset)? {
            out.extend(slab?.bytes);
        }
        Ok(out)
    }

    /// Where the values lie in the file, by rising position: each chunk that was written, or the one stretch of a contiguous
    /// dataset. Nothing of a compact dataset, which lies within its header.
    ///
    /// # Errors
    /// [`DataError::Corruption`] and others where the index of chunks is damaged.
    pub fn raw_chunks(&self, dataset: &Dataset) -> Result<Vec<RawChunk>, DataError> {
        match &dataset.storage {
            Storage::Compact(_) | Storage::Contiguous(None) => Ok(Vec::new()),
            Storage::Contiguous(Some(address)) => {
                let stored_bytes = dataset.content_bytes();
                let offset = address.checked_add(self.base());
                let end = offset.and_then(|at| at.checked_add(stored_bytes));
                let (Some(offset), true) = (offset, end.is_some_and(|e| e <= self.file_bytes()))
                else {
                    return Err(DataError::truncated("values beyond the file"));
                };
                let position = vec![0; dataset.shape.len()];
                Ok(vec![RawChunk { offset, stored_bytes, filter_mask: 0, position }])
            }
            Storage::Chunked(found) => index::chunks(self, dataset, found),
        }
    }

    /// A chunk as it lies in the file.
    ///
    /// # Errors
    /// [`DataError::LimitExceeded`], [`DataError::InsufficientData`], [`DataError::Io`].
    pub fn stored_chunk(&self, chunk: &RawChunk) -> Result<Vec<u8>, DataError> {
        limits::check("chunk", chunk.stored_bytes, self.limits.max_basket)?;
        self.read(chunk.offset, chunk.stored_bytes)
    }

    /// A chunk, decoded: all elements of [`Dataset::chunk_shape`], those beyond the dataset too.
    ///
    /// # Errors
    /// As [`Hdf5File::stored_chunk`] and [`filter::decode`].
    pub fn decoded_chunk(&self, dataset: &Dataset, chunk: &RawChunk) -> Result<Vec<u8>, DataError> {
        let raw = dataset.chunk_bytes();
        limits::check("chunk", raw, self.limits.max_basket)?;
        let raw = usize::try_from(raw).unwrap_or(usize::MAX);
        let stored = self.stored_chunk(chunk)?;
        filter::decode(&dataset.filters, chunk.filter_mask, stored, dataset.dtype.bytes, raw)
    }

    pub(crate) fn read(&self, offset: u64, len: u64) -> Result<Vec<u8>, DataError> {
        self.source.read(offset, len)
    }

    pub(crate) fn library(&self) -> &hdf5_reader::Hdf5File {
        &self.library
    }
}
