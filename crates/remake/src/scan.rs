//! What a file is made of: the pieces that can be opened, found by a scanner for each format.
//!
//! A scanner reads what describes the file and gives a [`Plan`] that tiles it. It decompresses nothing, and may err:
//! whatever does not come out as planned is kept as it is.

pub mod root;

use crate::codec::Codec;
use crate::content::Shape;
use crate::error::RemakeError;
use std::io::{Read, Seek, SeekFrom};
use vxc_tokens::RecordLayout;
use vxc_tokens::layout::{Endian, Kind};

/// What values of a column are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ValueKind {
    /// Nothing that is known.
    #[default]
    Bytes,
    /// Numbers of one kind, so many in a record.
    Numbers(Kind, Endian, usize),
    /// Records of several kinds.
    Records(RecordLayout),
}

impl ValueKind {
    /// Bytes of a record.
    pub fn record_bytes(&self) -> usize {
        match self {
            ValueKind::Bytes => 1,
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
    /// Whether it is a chain of ROOT's blocks.
    pub framed: bool,
    /// Bytes once decompressed.
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
}

/// Plans a file; none if its format is not known, or it cannot be read as what it seems to be.
///
/// # Errors
/// I/O.
pub fn scan<R: Read + Seek>(file: &mut R) -> Result<Option<Plan>, RemakeError> {
    file.seek(SeekFrom::Start(0))?;
    let mut start = Vec::new();
    file.by_ref().take(4).read_to_end(&mut start)?;
    file.seek(SeekFrom::Start(0))?;
    if start == b"root" {
        return match root::scan(file) {
            Ok(plan) => Ok(Some(plan)),
            Err(RemakeError::Io(e)) => Err(e.into()),
            Err(_) => Ok(None),
        };
    }
    Ok(None)
}
