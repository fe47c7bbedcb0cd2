//! What a file is made of: the pieces that can be opened, found by a scanner for each format.
//!
//! A scanner reads what describes the file and gives a [`Plan`] that tiles it. It may err: whatever does not come out as
//! planned is kept as it is. Nothing is decompressed, but for streams of any length ([`Piece::stream`]): those are
//! planned only where they have been made again.

pub mod gzip;
pub mod hdf5;
mod ntuple;
pub mod root;
mod stream;

use crate::codec::Codec;
use crate::content::Shape;
use crate::error::RemakeError;
use std::collections::BTreeMap;
use std::io::{Read, Seek};
use std::sync::Arc;
use vxc_data::DataError;
use vxc_data::format::{Format, detect};
use vxc_tokens::RecordLayout;
use vxc_tokens::layout::{Endian, Kind};

/// What values of a column are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ValueKind {
    /// Bytes of one kind.
    #[default]
    Bytes,
    /// Anything: the compressor is to look at it.
    Unknown,
    /// Numbers of one kind, so many in a record.
    Numbers(Kind, Endian, usize),
    /// Records of several kinds.
    Records(Arc<RecordLayout>),
}

impl ValueKind {
    /// Bytes of a record.
    pub fn record_bytes(&self) -> usize {
        match self {
            ValueKind::Bytes | ValueKind::Unknown => 1,
            ValueKind::Numbers(kind, _, count) => kind.bytes().saturating_mul(*count).max(1),
            ValueKind::Records(layout) => layout.record_bytes,
        }
    }
}

/// A stretch of a file with one content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// Bytes of a ROOT key before the stored ones; 0 for none.
    pub key_bytes: u32,
    /// How it is compressed; none if its blocks tell ([`Piece::framed`]).
    pub codec: Option<Codec>,
    /// For a deflate stream that is opened in parts, of any length: the setting that gives it.
    pub stream: Option<u8>,
    /// Whether it is a chain of ROOT's blocks.
    pub framed: bool,
    /// Bytes once decompressed; the most that may come out of a block without a frame.
    pub content_bytes: u64,
    /// Contents of one column belong together: any number.
    pub column: usize,
    /// What the values are.
    pub kind: ValueKind,
    /// How the content is made of them.
    pub shape: Shape,
    /// Whether the values count the entries of other columns.
    pub counts: bool,
}

/// A stretch of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// Its offset.
    pub offset: u64,
    /// Its bytes in the file.
    pub bytes: u64,
    /// How it may be opened.
    pub piece: Option<Piece>,
}

/// The stretches of a file, in its order, without gaps.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// What the file is: 1 ROOT, 2 gzip, 3 HDF5, as the header of an archive has it.
    pub container: u8,
    /// Stretches.
    pub items: Vec<Item>,
    /// Columns whose values may be those of the same rows: their table, any number.
    pub tables: BTreeMap<usize, usize>,
}

/// Plans a file; none if its format is not known, or it cannot be read as what it seems to be.
///
/// # Errors
/// I/O.
pub fn scan<R: Read + Seek + Send + 'static>(mut file: R) -> Result<Option<Plan>, RemakeError> {
    let mut start = Vec::new();
    file.by_ref().take(gzip::SIGNATURE.len() as u64).read_to_end(&mut start)?;
    let plan = match detect(&mut file) {
        Ok(Some(Format::Root)) => root::scan(&mut file),
        Ok(Some(Format::Hdf5)) => hdf5::scan(file),
        Ok(None) if start == gzip::SIGNATURE => gzip::scan(&mut file),
        Ok(_) => return Ok(None),
        Err(e) => Err(e.into()),
    };
    match plan {
        Ok(plan) => Ok(Some(plan)),
        Err(RemakeError::Io(e) | RemakeError::Data(DataError::Io(e))) => Err(e.into()),
        Err(_) => Ok(None),
    }
}
