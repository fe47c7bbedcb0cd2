//! The numbers that columns hold, and how they lie in a `TTree`.

use vxc_tokens::layout::Kind;

/// The type of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Primitive {
    /// One byte, 0 or 1.
    Bool,
    /// 8-bit signed.
    I8,
    /// 8-bit unsigned.
    U8,
    /// 16-bit signed.
    I16,
    /// 16-bit unsigned.
    U16,
    /// 32-bit signed.
    I32,
    /// 32-bit unsigned.
    U32,
    /// 64-bit signed.
    I64,
    /// 64-bit unsigned.
    U64,
    /// IEEE-754 half; only in `RNTuple`.
    F16,
    /// IEEE-754 single.
    F32,
    /// IEEE-754 double.
    F64,
    /// A float of three bytes, as the file holds it: exponent, then sign and mantissa (`Float16_t`, and
    /// `Double32_t` of so many bits, both without a range). Values are in the order of the file.
    Truncated,
}

impl Primitive {
    /// Bytes of a value.
    pub const fn bytes(self) -> usize {
        match self {
            Primitive::Bool | Primitive::I8 | Primitive::U8 => 1,
            Primitive::I16 | Primitive::U16 | Primitive::F16 => 2,
            Primitive::I32 | Primitive::U32 | Primitive::F32 => 4,
            Primitive::Truncated => 3,
            Primitive::I64 | Primitive::U64 | Primitive::F64 => 8,
        }
    }

    /// ROOT's number of a basic type; of a packed float, what it is without a range.
    pub(crate) const fn of_kind(kind: i64) -> Option<Self> {
        Some(match kind {
            1 => Primitive::I8,
            2 => Primitive::I16,
            3 | 6 => Primitive::I32,
            4 | 16 => Primitive::I64,
            5 | 9 => Primitive::F32,
            8 => Primitive::F64,
            11 => Primitive::U8,
            12 => Primitive::U16,
            13 => Primitive::U32,
            14 | 17 => Primitive::U64,
            18 => Primitive::Bool,
            19 => Primitive::Truncated,
            _ => return None,
        })
    }

    /// How a tokeniser reads a value.
    pub const fn kind(self) -> Kind {
        match self {
            Primitive::Bool | Primitive::U8 => Kind::U8,
            Primitive::I8 => Kind::I8,
            Primitive::I16 => Kind::I16,
            Primitive::U16 => Kind::U16,
            Primitive::I32 => Kind::I32,
            Primitive::U32 => Kind::U32,
            Primitive::I64 => Kind::I64,
            Primitive::U64 => Kind::U64,
            Primitive::F16 => Kind::F16,
            Primitive::F32 => Kind::F32,
            Primitive::F64 => Kind::F64,
            Primitive::Truncated => Kind::Bytes(3),
        }
    }

    /// The name that NumPy gives the type of the values.
    pub const fn name(self) -> &'static str {
        match self {
            Primitive::Bool => "bool",
            Primitive::I8 => "int8",
            Primitive::U8 => "uint8",
            Primitive::I16 => "int16",
            Primitive::U16 => "uint16",
            Primitive::I32 => "int32",
            Primitive::U32 => "uint32",
            Primitive::I64 => "int64",
            Primitive::U64 => "uint64",
            Primitive::F16 => "float16",
            Primitive::F32 => "float32",
            Primitive::F64 => "float64",
            Primitive::Truncated => "3 bytes",
        }
    }
}

/// Appends big-endian values of `width` bytes in little-endian order, those of three bytes as they are; a rest that is no whole value is
/// left out, which callers exclude beforehand.
pub(crate) fn append_swapped(values: &[u8], width: usize, out: &mut Vec<u8>) {
    fn each<const N: usize>(values: &[u8], out: &mut Vec<u8>) {
        out.reserve(values.len());
        for value in values.as_chunks::<N>().0 {
            let mut swapped = *value;
            swapped.reverse();
            out.extend_from_slice(&swapped);
        }
    }
    match width {
        2 => each::<2>(values, out),
        4 => each::<4>(values, out),
        8 => each::<8>(values, out),
        _ => out.extend_from_slice(values),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn swapped() {
        let mut out = Vec::new();
        append_swapped(&[1, 2, 3, 4, 5, 6, 7, 8], 4, &mut out);
        append_swapped(&[1, 2, 3, 4, 5, 6, 7, 8], 8, &mut out);
        append_swapped(&[1, 2], 2, &mut out);
        append_swapped(&[1, 2], 1, &mut out);
        assert_eq!(out, [4, 3, 2, 1, 8, 7, 6, 5, 8, 7, 6, 5, 4, 3, 2, 1, 2, 1, 1, 2]);
    }
}
