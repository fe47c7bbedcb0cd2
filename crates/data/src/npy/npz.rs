//! Archives of arrays: ZIP files whose members are `.npy` files, stored or deflated.

use super::array::{self, NpyReader};
use crate::error::DataError;
use crate::limits::{self, Limits};
use crate::table::Table;
use std::io::{Read, Seek};
use zip::result::ZipError;
use zip::{CompressionMethod, ZipArchive};

/// A member of an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NpzMember {
    /// Its name, `.npy` at the end left out.
    pub name: String,
    /// Where its bytes start in the file; none where its place cannot be read.
    pub data_offset: Option<u64>,
    /// Its bytes in the file.
    pub stored_bytes: u64,
    /// Its bytes, decompressed, as the archive says.
    pub raw_bytes: u64,
    /// Whether it is deflated; else it is stored.
    pub deflated: bool,
    /// Why it cannot be read.
    pub refused: Option<String>,
}

/// An archive over any reader that can seek.
#[derive(Debug)]
pub struct NpzArchive<R> {
    zip: ZipArchive<R>,
    limits: Limits,
}

fn translate(error: ZipError) -> DataError {
    match error {
        ZipError::Io(error) => DataError::Io(error),
        ZipError::UnsupportedArchive(what) => DataError::unsupported(what),
        other => DataError::corrupt(other.to_string()),
    }
}

impl<R: Read + Seek> NpzArchive<R> {
    /// Reads the directory of the archive.
    ///
    /// # Errors
    /// [`DataError::Corruption`] where this is no archive, [`DataError::Unsupported`], [`DataError::Io`].
    pub fn open(reader: R) -> Result<Self, DataError> {
        Self::open_with(reader, Limits::default())
    }

    /// The same, within limits.
    ///
    /// # Errors
    /// As [`NpzArchive::open`]; [`DataError::LimitExceeded`] beyond [`Limits::max_keys`].
    pub fn open_with(reader: R, limits: Limits) -> Result<Self, DataError> {
        let zip = ZipArchive::new(reader).map_err(translate)?;
        let count = u64::try_from(zip.len()).unwrap_or(u64::MAX);
        limits::check("number of members", count, limits.max_keys)?;
        Ok(Self { zip, limits })
    }

    /// Its members, in the order of the archive.
    ///
    /// # Errors
    /// [`DataError::Corruption`], [`DataError::Io`].
    pub fn members(&mut self) -> Result<Vec<NpzMember>, DataError> {
        (0..self.zip.len()).map(|at| self.member(at)).collect()
    }

    fn member(&mut self, at: usize) -> Result<NpzMember, DataError> {
        let file = self.zip.by_index_raw(at).map_err(translate)?;
        let name = file.name().map_err(translate)?.into_owned();
        let refused = match (name.strip_suffix(".npy"), file.compression()) {
            (None, _) => Some("no .npy file".into()),
            _ if file.encrypted() => Some("encrypted".into()),
            (_, CompressionMethod::Stored | CompressionMethod::Deflated) => None,
            (_, other) => Some(format!("compressed by {other}")),
        };
        Ok(NpzMember {
            name: name.strip_suffix(".npy").unwrap_or(&name).into(),
            data_offset: file.data_start(),
            stored_bytes: file.compressed_size(),
            raw_bytes: file.size(),
            deflated: file.compression() == CompressionMethod::Deflated,
            refused,
        })
    }

    /// The array of the member with this number. Its bytes are checked against the archive's CRC-32 where they are read to
    /// their end.
    ///
    /// # Errors
    /// [`DataError::Unsupported`] where it is [refused](NpzMember::refused), [`DataError::InvalidArgument`] for a number beyond the
    /// last, and as [`NpyReader::open`].
    pub fn array(&mut self, at: usize) -> Result<NpyReader<impl Read>, DataError> {
        if at >= self.zip.len() {
            return Err(DataError::argument(format!("no member {at}")));
        }
        if let Some(why) = self.member(at)?.refused {
            return Err(DataError::unsupported(why));
        }
        let file = self.zip.by_index(at).map_err(translate)?;
        NpyReader::open_with(file, self.limits)
    }

    /// A table for each member.
    ///
    /// # Errors
    /// As [`NpzArchive::members`].
    pub fn tables(&mut self) -> Result<Vec<Table>, DataError> {
        let members = self.members()?;
        let mut out = Vec::with_capacity(members.len());
        for (at, member) in members.into_iter().enumerate() {
            let found = self.array(at).map(|array| array.header().clone());
            let compression = if member.deflated { "deflate" } else { "none" };
            let (entries, columns, refused) = match found {
                Ok(header) => {
                    let name = member.name.rsplit('/').next().unwrap_or_default();
                    let stored = member.stored_bytes;
                    (header.records(), array::columns(&header, name, stored, compression), None)
                }
                Err(error) => (0, Vec::new(), Some(error.to_string())),
            };
            out.push(Table { path: member.name, form: "array", entries, columns, refused });
        }
        Ok(out)
    }
}
