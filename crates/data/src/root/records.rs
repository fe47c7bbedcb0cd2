//! All records of a file, one after the other: what tiles it from its first record to its end.
//!
//! ```text
//! file := header, up to the first record · (record | gap)*
//! gap  := −bytes i32 · anything               what was deleted
//! ```
//! Trees and directories refer to records by offset; here nothing is followed, so that records come out which
//! nothing refers to. Not every writer keeps to this: where a record does not lead to the next, the rest of the
//! file is one gap. Invariant: records and gaps follow one another without holes up to the end of the file.
//! Source: ROOT's documentation of `TFile`, section on its logical structure.

use crate::error::DataError;
use crate::limits;
use crate::root::compression::{self, Block};
use crate::root::cursor::Cursor;
use crate::root::file::RootFile;
use crate::root::key::Key;
use std::io::{Read, Seek};

/// Bytes of a key up to its own length.
const FIXED: u64 = 16;

/// A stretch of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its offset.
    pub offset: u64,
    /// Its bytes.
    pub bytes: u64,
    /// Its header; none for a gap.
    pub key: Option<Key>,
}

/// The payload of a record as it lies in the file, and how to decompress it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordPayload {
    /// The bytes after the key.
    pub stored: Vec<u8>,
    /// Its compressed blocks; empty where it is not compressed.
    pub blocks: Vec<Block>,
    /// Decompressed.
    pub content: Vec<u8>,
}

impl<R: Read + Seek> RootFile<R> {
    /// Every record and gap, in the order of the file, from [`FileHeader::begin`] to its last byte.
    ///
    /// # Errors
    /// [`DataError::LimitExceeded`] beyond [`Limits::max_keys`](crate::Limits::max_keys), [`DataError::Io`].
    ///
    /// [`FileHeader::begin`]: crate::root::header::FileHeader::begin
    pub fn records(&mut self) -> Result<Vec<Record>, DataError> {
        let (mut at, end) = (self.header().begin, self.file_bytes());
        let mut out = Vec::new();
        while at < end {
            let items = u64::try_from(out.len()).unwrap_or(u64::MAX).saturating_add(1);
            limits::check("number of records", items, self.limits().max_keys)?;
            let rest = end.saturating_sub(at);
            let record = self.record_at(at, rest)?;
            let record = record.unwrap_or(Record { offset: at, bytes: rest, key: None });
            at = at.saturating_add(record.bytes);
            out.push(record);
        }
        Ok(out)
    }

    /// The record or gap at an offset; none where there is no such thing within `rest` bytes.
    fn record_at(&mut self, offset: u64, rest: u64) -> Result<Option<Record>, DataError> {
        let fixed = self.source.read_up_to(offset, FIXED)?;
        let mut c = Cursor::new(&fixed);
        let Ok(word) = c.i32() else { return Ok(None) };
        let bytes = u64::from(word.unsigned_abs());
        if bytes < 4 || bytes > rest {
            return Ok(None);
        }
        if word < 0 {
            return Ok(Some(Record { offset, bytes, key: None }));
        }
        let key_bytes = c.skip(10).and_then(|()| c.u16()).map_or(u64::MAX, u64::from);
        if key_bytes > bytes {
            return Ok(None);
        }
        let header = self.source.read(offset, key_bytes)?;
        let key = Key::parse(&mut Cursor::new(&header)).ok().filter(|key| key.offset == offset);
        Ok(key.map(|key| Record { offset, bytes, key: Some(key) }))
    }

    /// The payload of a record. Whether it is compressed follows from its length; but an `RBlob`, which holds
    /// pages of ntuples, is never decompressed: each of its pages may be, which only their ntuple knows.
    ///
    /// # Errors
    /// [`DataError::InvalidArgument`] for a gap; else as [`compression::blocks`] and
    /// [`Block::decompress`].
    pub fn record_payload(&mut self, record: &Record) -> Result<RecordPayload, DataError> {
        let key = record.key.as_ref().ok_or_else(|| DataError::argument("a gap has no payload"))?;
        let key_bytes = u64::from(key.key_bytes);
        let outside = || DataError::argument("no record of this file");
        let at = record.offset.checked_add(key_bytes).ok_or_else(outside)?;
        let len = record.bytes.checked_sub(key_bytes).ok_or_else(outside)?;
        let limit = self.limits().max_basket;
        limits::check("record", len, limit)?;
        let stored = self.source.read(at, len)?;
        let raw = if key.class == "RBlob" { len } else { u64::from(key.raw_bytes) };
        let blocks = if raw == len { Vec::new() } else { compression::blocks(&stored, raw)? };
        let content = compression::content(stored.clone(), raw, limit)?;
        Ok(RecordPayload { stored, blocks, content })
    }
}
