//! Which format a file has, by its first bytes.

use crate::error::DataError;
use crate::{hdf5, npy};
use std::io::{Read, Seek, SeekFrom};

/// Formats that are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// ROOT: trees and ntuples.
    Root,
    /// HDF5: datasets.
    Hdf5,
    /// A NumPy array.
    Npy,
    /// An archive of NumPy arrays, or any other ZIP file.
    Npz,
}

/// The format of a file; the reader is left at its start.
///
/// # Errors
/// [`DataError::Io`].
pub fn detect(reader: &mut (impl Read + Seek)) -> Result<Option<Format>, DataError> {
    let start = bytes_at(reader, 0)?;
    let found = if start.starts_with(b"root") {
        Some(Format::Root)
    } else if start.starts_with(&npy::SIGNATURE) {
        Some(Format::Npy)
    } else if start.starts_with(&npy::ZIP_SIGNATURE) || start.starts_with(b"PK\x05\x06") {
        Some(Format::Npz)
    } else {
        hdf5(reader, start)?.then_some(Format::Hdf5)
    };
    reader.seek(SeekFrom::Start(0))?;
    Ok(found)
}

/// Whether the signature of HDF5 stands at the start or after a user block.
fn hdf5(reader: &mut (impl Read + Seek), start: [u8; 8]) -> Result<bool, DataError> {
    let end = reader.seek(SeekFrom::End(0))?;
    let (mut found, mut at) = (start, 512u64);
    while found != hdf5::SIGNATURE {
        if at >= end {
            return Ok(false);
        }
        found = bytes_at(reader, at)?;
        at = at.saturating_mul(2);
    }
    Ok(true)
}

/// Up to eight bytes; zeros beyond the end.
fn bytes_at(reader: &mut (impl Read + Seek), at: u64) -> Result<[u8; 8], DataError> {
    reader.seek(SeekFrom::Start(at))?;
    let mut found = Vec::new();
    reader.take(8).read_to_end(&mut found)?;
    found.resize(8, 0);
    Ok(found.try_into().unwrap_or([0; 8]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    #[test]
    fn signatures() {
        let of = |bytes: &[u8]| detect(&mut Cursor::new(bytes)).unwrap();
        assert_eq!(of(b"root\0\0\xf6\x3f"), Some(Format::Root));
        assert_eq!(of(b"\x93NUMPY\x01\x00"), Some(Format::Npy));
        assert_eq!(of(b"PK\x03\x04...."), Some(Format::Npz));
        assert_eq!(of(&hdf5::SIGNATURE), Some(Format::Hdf5));
        let mut block = vec![7; 1024];
        block.extend(hdf5::SIGNATURE);
        assert_eq!(of(&block), Some(Format::Hdf5));
        assert_eq!(of(&block[..1030]), None);
        assert_eq!((of(b""), of(b"x")), (None, None));
    }
}
