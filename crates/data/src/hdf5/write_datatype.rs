//! Types of elements as messages of HDF5, version 3.
//!
//! Source: the HDF5 File Format Specification, version 3.0, IV.A.2.d.

use crate::dtype::{Dtype, DtypeKind};
use crate::error::DataError;
use vxc_tokens::layout::{Endian, Kind};

const VERSION: u8 = 3 << 4;
const FIXED: u8 = 0;
const FLOAT: u8 = 1;
const STRING: u8 = 3;
const OPAQUE: u8 = 5;
const COMPOUND: u8 = 6;
const ENUM: u8 = 8;
const ARRAY: u8 = 10;

/// The message.
///
/// # Errors
/// [`DataError::Unsupported`] where a number of the message would not hold what it has to.
pub(super) fn encode(dtype: &Dtype) -> Result<Vec<u8>, DataError> {
    let mut out = Vec::new();
    append(dtype, &mut out)?;
    Ok(out)
}

fn append(dtype: &Dtype, out: &mut Vec<u8>) -> Result<(), DataError> {
    let too_large = || DataError::unsupported("an element of 4 GiB");
    let bytes = u32::try_from(dtype.bytes).map_err(|_| too_large())?;
    let head = |out: &mut Vec<u8>, class: u8, bits: [u8; 3]| {
        out.push(VERSION | class);
        out.extend(bits);
        out.extend(bytes.to_le_bytes());
    };
    match &dtype.kind {
        DtypeKind::Number(kind, endian) => number(*kind, *endian, out, head),
        DtypeKind::Enum { base, names } => {
            let [low, high] = u16::try_from(names.len()).map_err(|_| too_large())?.to_le_bytes();
            head(out, ENUM, [low, high, 0]);
            append(base, out)?;
            for (name, _) in names {
                text(name, out)?;
            }
            names.iter().for_each(|(_, value)| out.extend_from_slice(value));
        }
        // Padded by zeros, ASCII: as fixed strings of bytes are taken.
        DtypeKind::Bytes("string") => head(out, STRING, [1, 0, 0]),
        DtypeKind::Bytes(_) => head(out, OPAQUE, [0; 3]),
        DtypeKind::Array { base, shape } => {
            head(out, ARRAY, [0; 3]);
            out.push(u8::try_from(shape.len()).map_err(|_| too_large())?);
            for &dim in shape {
                out.extend(u32::try_from(dim).map_err(|_| too_large())?.to_le_bytes());
            }
            append(base, out)?;
        }
        DtypeKind::Compound(members) => {
            let [low, high] = u16::try_from(members.len()).map_err(|_| too_large())?.to_le_bytes();
            head(out, COMPOUND, [low, high, 0]);
            // Offsets take as many bytes as the size of the compound.
            let width =
                4usize.saturating_sub(usize::try_from(bytes.leading_zeros() / 8).unwrap_or(0));
            for member in members {
                text(&member.name, out)?;
                let offset = u32::try_from(member.offset).map_err(|_| too_large())?;
                out.extend(offset.to_le_bytes().into_iter().take(width.max(1)));
                append(&member.dtype, out)?;
            }
        }
    }
    Ok(())
}

fn number(kind: Kind, endian: Endian, out: &mut Vec<u8>, head: impl Fn(&mut Vec<u8>, u8, [u8; 3])) {
    let order = u8::from(endian == Endian::Big && kind.bytes() > 1);
    let bits = u16::try_from(kind.bytes().saturating_mul(8)).unwrap_or(0);
    // Exponent: place and bits; mantissa: bits; bias.
    let float = match kind {
        Kind::F16 => Some((10u8, 5u8, 10u8, 15u32)),
        Kind::Bf16 => Some((7, 8, 7, 127)),
        Kind::F32 => Some((23, 8, 23, 127)),
        Kind::F64 => Some((52, 11, 52, 1023)),
        _ => None,
    };
    let signed = match kind {
        Kind::I8 | Kind::I16 | Kind::I32 | Kind::I64 => 8,
        Kind::Bytes(_) => return head(out, OPAQUE, [0; 3]),
        _ => 0,
    };
    match float {
        Some((place, exponent, mantissa, bias)) => {
            // The leading bit of the mantissa is implied; the sign is the highest bit.
            let sign = u8::try_from(bits.saturating_sub(1)).unwrap_or(0);
            head(out, FLOAT, [order | 0x20, sign, 0]);
            out.extend(0u16.to_le_bytes());
            out.extend(bits.to_le_bytes());
            out.extend([place, exponent, 0, mantissa]);
            out.extend(bias.to_le_bytes());
        }
        None => {
            head(out, FIXED, [order | signed, 0, 0]);
            out.extend(0u16.to_le_bytes());
            out.extend(bits.to_le_bytes());
        }
    }
}

fn text(name: &str, out: &mut Vec<u8>) -> Result<(), DataError> {
    if name.bytes().any(|byte| byte == 0) {
        return Err(DataError::unsupported("a name with a zero byte"));
    }
    out.extend_from_slice(name.as_bytes());
    out.push(0);
    Ok(())
}
