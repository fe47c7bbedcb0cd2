//! The header of a `.npy` file.

use super::{SIGNATURE, descr, literal};
use crate::dtype::Dtype;
use crate::error::DataError;
use crate::limits::{self, Limits};
use std::io::{ErrorKind, Read};
use vxc_tokens::layout::RecordLayout;

/// Most bytes of a header: its literals take many times as much, and the widest types need less.
const MAX_HEADER: u64 = 4 << 20;

/// What a header says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NpyHeader {
    /// Version of the format, 1 to 3.
    pub version: u8,
    /// Where the values start.
    pub data_offset: u64,
    /// Type of the elements.
    pub dtype: Dtype,
    /// Whether the first dimension runs fastest in the file.
    pub fortran_order: bool,
    /// Elements in each dimension, as the array has them.
    pub shape: Vec<u64>,
    /// Elements in all.
    pub elements: u64,
}

impl NpyHeader {
    /// Reads a header and leaves the reader at the first value.
    ///
    /// # Errors
    /// [`DataError::Corruption`] where this is no such file, [`DataError::Unsupported`] for objects and other versions,
    /// [`DataError::InsufficientData`], [`DataError::LimitExceeded`], [`DataError::Io`].
    pub fn read(reader: &mut impl Read, limits: &Limits) -> Result<Self, DataError> {
        let mut start = [0u8; 8];
        fill(reader, &mut start)?;
        let [signature @ .., version, minor] = start;
        if signature != SIGNATURE {
            return Err(DataError::corrupt("no .npy file"));
        }
        let (length, before) = match (version, minor) {
            (1, 0) => {
                let mut bytes = [0u8; 2];
                fill(reader, &mut bytes)?;
                (u64::from(u16::from_le_bytes(bytes)), 10u64)
            }
            (2 | 3, 0) => {
                let mut bytes = [0u8; 4];
                fill(reader, &mut bytes)?;
                (u64::from(u32::from_le_bytes(bytes)), 12u64)
            }
            _ => return Err(DataError::unsupported(format!("version {version}.{minor}"))),
        };
        limits::check("header", length, limits.max_object.min(MAX_HEADER))?;
        let mut bytes = Vec::new();
        reader.take(length).read_to_end(&mut bytes)?;
        if u64::try_from(bytes.len()).unwrap_or(u64::MAX) != length {
            return Err(DataError::truncated("the header is cut off"));
        }
        let text: String = if version == 3 {
            String::from_utf8(bytes).map_err(|_| DataError::corrupt("header: no UTF-8"))?
        } else {
            bytes.iter().map(|&byte| char::from(byte)).collect()
        };
        let mut header = Self::parse(&text, version, limits)?;
        header.data_offset = before.saturating_add(length);
        Ok(header)
    }

    fn parse(text: &str, version: u8, limits: &Limits) -> Result<Self, DataError> {
        let literal::Literal::Dict(items) = literal::parse(text, limits.depth())? else {
            return Err(DataError::corrupt("header: no dictionary"));
        };
        let (mut dtype, mut fortran, mut shape) = (None, None, None);
        for (key, value) in &items {
            let twice = match (key.as_str(), value) {
                ("descr", value) => dtype.replace(descr::dtype(value, limits.depth())?).is_some(),
                ("fortran_order", literal::Literal::Bool(value)) => {
                    fortran.replace(*value).is_some()
                }
                ("shape", value @ literal::Literal::Tuple(_)) => {
                    shape.replace(descr::shape(value)?).is_some()
                }
                _ => return Err(DataError::corrupt(format!("header: key {key:?}"))),
            };
            if twice {
                return Err(DataError::corrupt(format!("header: key {key:?} twice")));
            }
        }
        let (Some(dtype), Some(fortran_order), Some(shape)) = (dtype, fortran, shape) else {
            return Err(DataError::corrupt("header: a key is missing"));
        };
        let width = u64::try_from(dtype.bytes).unwrap_or(u64::MAX);
        limits::check("element of an array", width, limits.max_basket)?;
        let elements = shape.iter().try_fold(1u64, |n, &dim| n.checked_mul(dim));
        let elements = elements.filter(|n| n.checked_mul(width).is_some());
        let elements = elements.ok_or_else(|| DataError::corrupt("more elements than can be"))?;
        Ok(Self { version, data_offset: 0, dtype, fortran_order, shape, elements })
    }

    /// Bytes of all values.
    pub fn content_bytes(&self) -> u64 {
        self.elements.saturating_mul(u64::try_from(self.dtype.bytes).unwrap_or(u64::MAX))
    }

    /// The shape in the order of the file: the last dimension runs fastest.
    pub fn stored_shape(&self) -> Vec<u64> {
        let mut shape = self.shape.clone();
        if self.fortran_order {
            shape.reverse();
        }
        shape
    }

    fn record_elements(&self) -> u64 {
        self.dtype.record_elements(&self.stored_shape())
    }

    /// Bytes of a record, as [`Dtype::record_elements`] has it for the order of the file.
    pub fn record_bytes(&self) -> u64 {
        let width = u64::try_from(self.dtype.bytes).unwrap_or(u64::MAX);
        self.record_elements().saturating_mul(width)
    }

    /// Records in all.
    pub fn records(&self) -> u64 {
        self.elements.checked_div(self.record_elements()).unwrap_or(0)
    }

    /// The record as the codec takes it; none beyond its limits.
    pub fn layout(&self) -> Option<RecordLayout> {
        self.dtype.layout(self.record_elements())
    }
}

fn fill(reader: &mut impl Read, bytes: &mut [u8]) -> Result<(), DataError> {
    reader.read_exact(bytes).map_err(|error| match error.kind() {
        ErrorKind::UnexpectedEof => DataError::truncated("the header is cut off"),
        _ => DataError::Io(error),
    })
}
