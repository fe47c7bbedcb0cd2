//! Names of kinds: numpy's type strings and our own.

use super::bad;
use crate::error::TokenError;
use crate::layout::{Endian, Kind, MAX_RECORD_BYTES};

/// What a numpy type string says: elements of a kind, or bytes.
pub(super) struct Format {
    pub kinds: Vec<Kind>,
    pub endian: Endian,
}

/// Reads a numpy type string.
pub(super) fn format(s: &str) -> Result<Format, TokenError> {
    let unknown = || bad(format!("unknown type {s:?}"));
    let (endian, rest) = match s.as_bytes().first() {
        Some(b'>' | b'!') => (Endian::Big, s.get(1..)),
        Some(b'<' | b'|' | b'=') => (Endian::Little, s.get(1..)),
        _ => (Endian::Little, Some(s)),
    };
    let rest = rest.ok_or_else(unknown)?;
    let named = match rest {
        "float16" | "half" => "f2",
        "float32" | "float" => "f4",
        "float64" | "double" => "f8",
        "int8" => "i1",
        "int16" => "i2",
        "int32" => "i4",
        "int64" => "i8",
        "uint8" | "bool" | "?" => "u1",
        "uint16" => "u2",
        "uint32" => "u4",
        "uint64" => "u8",
        "bfloat16" => "E2",
        other => other,
    };
    let (code, digits) = named.split_at_checked(1).ok_or_else(unknown)?;
    let sound = (1..=8).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
    let width: usize = digits.parse().ok().filter(|_| sound).ok_or_else(unknown)?;
    let kinds = match (code, width) {
        ("f", 2) => vec![Kind::F16],
        ("E", 2) => vec![Kind::Bf16],
        ("f", 4) => vec![Kind::F32],
        ("f", 8) => vec![Kind::F64],
        ("i", 1) => vec![Kind::I8],
        ("i", 2) => vec![Kind::I16],
        ("i", 4) => vec![Kind::I32],
        ("i" | "m" | "M", 8) => vec![Kind::I64],
        ("u" | "b", 1) => vec![Kind::U8],
        ("u", 2) => vec![Kind::U16],
        ("u", 4) => vec![Kind::U32],
        ("u", 8) => vec![Kind::U64],
        ("c", 8) => vec![Kind::F32; 2],
        ("c", 16) => vec![Kind::F64; 2],
        ("f", 10 | 12 | 16) | ("S" | "V" | "a", _) => opaque(width)?,
        ("U", _) => {
            let units = width.checked_mul(4).filter(|&n| n <= MAX_RECORD_BYTES);
            vec![Kind::U32; units.ok_or_else(unknown)?.div_ceil(4)]
        }
        _ => return Err(unknown()),
    };
    Ok(Format { kinds, endian })
}

/// `n` bytes of no meaning.
fn opaque(n: usize) -> Result<Vec<Kind>, TokenError> {
    if n > MAX_RECORD_BYTES {
        return Err(bad(format!("{n} bytes are more than {MAX_RECORD_BYTES}")));
    }
    let mut out = vec![Kind::Bytes(8); n / 8];
    if !n.is_multiple_of(8) {
        out.push(Kind::Bytes((n % 8) as u8));
    }
    Ok(out)
}

/// Writes a kind of our own form.
pub(super) fn native_name(kind: Kind) -> String {
    match kind {
        Kind::F16 => "f16".into(),
        Kind::Bf16 => "bf16".into(),
        Kind::F32 => "f32".into(),
        Kind::F64 => "f64".into(),
        Kind::I8 => "i8".into(),
        Kind::I16 => "i16".into(),
        Kind::I32 => "i32".into(),
        Kind::I64 => "i64".into(),
        Kind::U8 => "u8".into(),
        Kind::U16 => "u16".into(),
        Kind::U32 => "u32".into(),
        Kind::U64 => "u64".into(),
        Kind::Bytes(n) => format!("bytes{n}"),
    }
}

/// Reads a kind of our own form.
pub(super) fn native_kind(s: &str) -> Result<Kind, TokenError> {
    Ok(match s {
        "f16" => Kind::F16,
        "bf16" => Kind::Bf16,
        "f32" => Kind::F32,
        "f64" => Kind::F64,
        "i8" => Kind::I8,
        "i16" => Kind::I16,
        "i32" => Kind::I32,
        "i64" => Kind::I64,
        "u8" => Kind::U8,
        "u16" => Kind::U16,
        "u32" => Kind::U32,
        "u64" => Kind::U64,
        _ => match s.strip_prefix("bytes").map(str::parse::<u8>) {
            Some(Ok(n @ 1..=8)) => Kind::Bytes(n),
            _ => return Err(bad(format!("unknown kind {s:?}"))),
        },
    })
}
