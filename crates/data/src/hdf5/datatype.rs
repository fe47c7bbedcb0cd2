//! Datatypes of HDF5 as [`Dtype`].
//!
//! Source: HDF5 file format specification 3.0, IV.A.2.d. The library drops the bit fields of floats inside compounds: a
//! 2-byte float there is taken for IEEE binary16. Of a float that is a dataset's whole dtype they are checked.

use crate::dtype::{Dtype, DtypeKind, Member};
use crate::error::DataError;
use crate::limits::{self, Limits};
use hdf5_reader::{ByteOrder, Datatype, StringSize};
use vxc_tokens::layout::{Endian, Kind};

/// From the library's description. `encoded` are the bytes of the datatype message, if at hand.
///
/// # Errors
/// [`DataError::Unsupported`] for data of variable length, [`DataError::Corruption`] where parts lie outside the whole,
/// [`DataError::LimitExceeded`].
pub(crate) fn dtype(
    datatype: &Datatype,
    encoded: &[u8],
    limits: &Limits,
) -> Result<Dtype, DataError> {
    let mut dtype = convert(datatype, limits.depth())?;
    if let DtypeKind::Number(kind, endian) = dtype.kind
        && kind.is_float()
        // Class and flags 4 · size 4 · bit offset 2 · precision 2 · exponent at, of · mantissa at, of
        && let Some(&[_, exponent, _, mantissa]) = encoded.get(12..16)
    {
        dtype.kind = match (dtype.bytes, exponent, mantissa) {
            (2, 5, 10) | (4, 8, 23) | (8, 11, 52) => dtype.kind,
            (2, 8, 7) => DtypeKind::Number(Kind::Bf16, endian),
            _ => DtypeKind::Bytes("float"),
        };
    }
    let bytes = u64::try_from(dtype.bytes).unwrap_or(u64::MAX);
    limits::check("element of a dataset", bytes, limits.max_basket)?;
    Ok(dtype)
}

fn endian(order: &ByteOrder) -> Endian {
    match order {
        ByteOrder::LittleEndian => Endian::Little,
        ByteOrder::BigEndian => Endian::Big,
    }
}

fn integer(size: u8, signed: bool) -> Option<Kind> {
    Some(match (size, signed) {
        (1, true) => Kind::I8,
        (2, true) => Kind::I16,
        (4, true) => Kind::I32,
        (8, true) => Kind::I64,
        (1, false) => Kind::U8,
        (2, false) => Kind::U16,
        (4, false) => Kind::U32,
        (8, false) => Kind::U64,
        _ => return None,
    })
}

fn convert(datatype: &Datatype, depth: u32) -> Result<Dtype, DataError> {
    let depth = depth.checked_sub(1).ok_or_else(|| DataError::corrupt("types in types"))?;
    let number = |size: u8, kind: Option<Kind>, order: &ByteOrder, what| {
        let kind =
            kind.map_or(DtypeKind::Bytes(what), |kind| DtypeKind::Number(kind, endian(order)));
        (usize::from(size), kind)
    };
    let large = |size: u32| usize::try_from(size).unwrap_or(usize::MAX);
    let variable = || DataError::unsupported("data of variable length");
    let (bytes, kind) = match datatype {
        Datatype::FixedPoint { size, signed, byte_order } => {
            number(*size, integer(*size, *signed), byte_order, "integer")
        }
        Datatype::Bitfield { size, byte_order } => {
            number(*size, integer(*size, false), byte_order, "bits")
        }
        Datatype::FloatingPoint { size, byte_order } => {
            let kind = match size {
                2 => Some(Kind::F16),
                4 => Some(Kind::F32),
                8 => Some(Kind::F64),
                _ => None,
            };
            number(*size, kind, byte_order, "float")
        }
        Datatype::String { size: StringSize::Fixed(size), .. } => {
            (large(*size), DtypeKind::Bytes("string"))
        }
        Datatype::String { size: StringSize::Variable, .. } | Datatype::VarLen { .. } => {
            return Err(variable());
        }
        Datatype::Opaque { size, .. } => (large(*size), DtypeKind::Bytes("opaque")),
        Datatype::Reference { size, .. } => (usize::from(*size), DtypeKind::Bytes("reference")),
        Datatype::Enum { base, members } => {
            let base = convert(base, depth)?;
            let names = members.iter().map(|m| (m.name.clone(), m.value.clone())).collect();
            (base.bytes, DtypeKind::Enum { base: Box::new(base), names })
        }
        Datatype::Array { base, dims } => {
            let base = convert(base, depth)?;
            let count = dims.iter().try_fold(1u64, |n, &dim| n.checked_mul(dim));
            let bytes = count
                .and_then(|n| usize::try_from(n).ok())
                .and_then(|n| n.checked_mul(base.bytes))
                .ok_or_else(|| DataError::corrupt("an array of more bytes than can be"))?;
            (bytes, DtypeKind::Array { base: Box::new(base), shape: dims.clone() })
        }
        Datatype::Compound { size, fields } => {
            let bytes = large(*size);
            let members = fields
                .iter()
                .map(|field| {
                    let dtype = convert(&field.datatype, depth)?;
                    let offset = large(field.byte_offset);
                    if offset.checked_add(dtype.bytes).is_none_or(|end| end > bytes) {
                        return Err(DataError::corrupt("a member outside of its compound"));
                    }
                    Ok(Member { name: field.name.clone(), offset, dtype })
                })
                .collect::<Result<Vec<_>, _>>()?;
            (bytes, DtypeKind::Compound(members))
        }
    };
    if bytes == 0 {
        return Err(DataError::corrupt("a type of no bytes"));
    }
    Ok(Dtype { bytes, kind })
}
