//! `TKey`: the header of every record of a file, and its entry in a directory's list.
//!
//! ```text
//! bytes i32 · version u16 · raw bytes u32 · date u32 · key bytes u16 · cycle u16
//!   · own offset · offset of the directory · class · name · title
//! ```
//! Offsets are 4 bytes, or 8 where the version exceeds 1000. `bytes` counts header and payload; the
//! payload is compressed where it is not as long as `raw bytes`. Source: ROOT's documentation of `TKey`.

use crate::error::DataError;
use crate::root::cursor::Cursor;

/// Added to the version of a key with 64-bit offsets.
const LARGE: u16 = 1000;

/// The header of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// Bytes of the record, header included.
    pub total_bytes: u32,
    /// Bytes of the payload once decompressed.
    pub raw_bytes: u32,
    /// Bytes of the header.
    pub key_bytes: u16,
    /// Which of several objects of the same name this is; the highest is the newest.
    pub cycle: u16,
    /// Offset of the record.
    pub offset: u64,
    /// Class of the object.
    pub class: String,
    /// Name of the object.
    pub name: String,
    /// Title of the object.
    pub title: String,
}

impl Key {
    /// Reads the fields; a basket's own fields may follow before the header ends.
    pub(crate) fn parse(c: &mut Cursor<'_>) -> Result<Self, DataError> {
        let total = c.i32()?;
        let total_bytes = u32::try_from(total)
            .map_err(|_| DataError::corrupt(format!("record of {total} bytes: a gap")))?;
        let version = c.u16()?;
        let raw_bytes = c.u32()?;
        let _date = c.u32()?;
        let key_bytes = c.u16()?;
        let cycle = c.u16()?;
        let large = version > LARGE;
        let offset = c.offset(large)?;
        let _directory = c.offset(large)?;
        let (class, name, title) = (c.string()?, c.string()?, c.string()?);
        Ok(Self { total_bytes, raw_bytes, key_bytes, cycle, offset, class, name, title })
    }

    /// Where the payload starts in the file.
    pub(crate) fn payload_at(&self) -> Result<u64, DataError> {
        self.offset
            .checked_add(u64::from(self.key_bytes))
            .ok_or_else(|| DataError::corrupt("record past the end of all files"))
    }

    /// Bytes of the payload as stored.
    pub fn stored_bytes(&self) -> u32 {
        self.total_bytes.saturating_sub(u32::from(self.key_bytes))
    }
}
