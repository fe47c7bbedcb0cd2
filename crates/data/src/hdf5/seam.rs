//! The one place where calls into `hdf5-reader` become results of ours.
//!
//! The library indexes slices and adds numbers that a damaged file declares; its authors guard against much of that,
//! and a panic that is left is stopped here. Nothing that is shared is left half-written by it: the file is only read,
//! and its caches are behind locks that do not poison.

use crate::error::DataError;
use hdf5_reader::error::Error;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs a call into the library.
///
/// # Errors
/// Its errors as ours; [`DataError::Corruption`] where it panicked.
pub(crate) fn call<T>(what: impl FnOnce() -> Result<T, Error>) -> Result<T, DataError> {
    match catch_unwind(AssertUnwindSafe(what)) {
        Ok(result) => result.map_err(translate),
        Err(_) => Err(DataError::corrupt("the structure contradicts itself")),
    }
}

/// An error of the library as the kind that a caller can act on.
pub(crate) fn translate(error: Error) -> DataError {
    match error {
        Error::Context { source, .. } => translate(*source),
        Error::Io(error) => DataError::Io(error),
        Error::UnexpectedEof { .. } | Error::OffsetOutOfBounds(_) => {
            DataError::truncated(error.to_string())
        }
        Error::ChecksumMismatch { .. } => DataError::ChecksumMismatch("HDF5 metadata"),
        Error::ResourceLimit(message) => DataError::unsupported(format!("too large: {message}")),
        Error::InvalidMagic => DataError::corrupt("no HDF5 file"),
        Error::UnsupportedLayoutClass(3) => DataError::unsupported("virtual dataset"),
        Error::UnsupportedDatatypeClass(11) => {
            DataError::unsupported("complex numbers of HDF5 2.0")
        }
        Error::UnsupportedSuperblockVersion(_)
        | Error::UnsupportedObjectHeaderVersion(_)
        | Error::UnsupportedBTreeVersion(_)
        | Error::UnsupportedDataspaceVersion(_)
        | Error::UnsupportedDatatypeClass(_)
        | Error::UnsupportedLayoutClass(_)
        | Error::UnsupportedLayoutVersion(_)
        | Error::UnsupportedFilterPipelineVersion(_)
        | Error::UnsupportedFillValueVersion(_)
        | Error::UnsupportedLinkVersion(_)
        | Error::UnsupportedLinkType(_)
        | Error::UnsupportedAttributeVersion(_)
        | Error::UnsupportedBTreeV2RecordType(_)
        | Error::UnsupportedChunkIndexType(_)
        | Error::UnsupportedFilter(_)
        | Error::UnsupportedEncoding(_) => DataError::unsupported(error.to_string()),
        other => DataError::corrupt(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn panics_become_errors() {
        let empty: Vec<u8> = Vec::new();
        let error = call(|| Ok(empty[0])).unwrap_err();
        assert!(matches!(error, DataError::Corruption(_)));
        assert!(matches!(
            call::<()>(|| Err(Error::InvalidMagic.with_context("x"))),
            Err(DataError::Corruption(_))
        ));
    }
}
