//! NumPy's descriptions of elements as [`Dtype`].
//!
//! ```text
//! descr := 'order code size' | [field*] | (descr, shape)          field := (name, descr) | (name, descr, shape)
//! ```
//! Fields without a name that are void are padding. A name may be a pair of title and name.

use super::literal::Literal;
use crate::dtype::{Dtype, DtypeKind, Member};
use crate::error::DataError;
use vxc_tokens::layout::{Endian, Kind};

fn wrong(what: &Literal) -> DataError {
    let text: String = format!("{what:?}").chars().take(60).collect();
    DataError::corrupt(format!("header: no dtype {text}"))
}

/// The element that a description stands for.
///
/// # Errors
/// [`DataError::Corruption`]; [`DataError::Unsupported`] for objects, elements of no bytes and unknown types.
pub(super) fn dtype(descr: &Literal, depth: u32) -> Result<Dtype, DataError> {
    let depth = depth.checked_sub(1).ok_or_else(|| wrong(descr))?;
    match descr {
        Literal::Text(code) => scalar(code),
        Literal::List(fields) => compound(fields, depth),
        Literal::Tuple(pair) => match pair.as_slice() {
            [base, shape] => array(dtype(base, depth)?, shape),
            _ => Err(wrong(descr)),
        },
        other => Err(wrong(other)),
    }
}

/// Sizes of a shape: a number or a tuple of numbers.
///
/// # Errors
/// [`DataError::Corruption`].
pub(super) fn shape(literal: &Literal) -> Result<Vec<u64>, DataError> {
    let number = |item: &Literal| match item {
        Literal::Number(n) => Ok(*n),
        other => Err(wrong(other)),
    };
    match literal {
        Literal::Tuple(items) => items.iter().map(number).collect(),
        other => Ok(vec![number(other)?]),
    }
}

fn array(base: Dtype, sizes: &Literal) -> Result<Dtype, DataError> {
    let shape = shape(sizes)?;
    if shape.is_empty() {
        return Ok(base);
    }
    let count = shape.iter().try_fold(1u64, |n, &dim| n.checked_mul(dim));
    let bytes = count.and_then(|n| usize::try_from(n).ok()).and_then(|n| n.checked_mul(base.bytes));
    match bytes {
        Some(0) => Err(DataError::unsupported("elements of no bytes")),
        Some(bytes) => Ok(Dtype { bytes, kind: DtypeKind::Array { base: Box::new(base), shape } }),
        None => Err(DataError::corrupt("header: an array of more bytes than can be")),
    }
}

fn compound(fields: &[Literal], depth: u32) -> Result<Dtype, DataError> {
    let (mut members, mut bytes) = (Vec::new(), 0usize);
    for field in fields {
        let Literal::Tuple(parts) = field else { return Err(wrong(field)) };
        let (name, descr, shape) = match parts.as_slice() {
            [name, descr] => (name, descr, None),
            [name, descr, shape] => (name, descr, Some(shape)),
            _ => return Err(wrong(field)),
        };
        let name = match name {
            Literal::Text(name) => name.clone(),
            Literal::Tuple(pair) => match pair.as_slice() {
                [_, Literal::Text(name)] => name.clone(),
                _ => return Err(wrong(field)),
            },
            _ => return Err(wrong(field)),
        };
        let mut element = dtype(descr, depth)?;
        if let Some(shape) = shape {
            element = array(element, shape)?;
        }
        let offset = bytes;
        bytes = bytes
            .checked_add(element.bytes)
            .ok_or_else(|| DataError::corrupt("header: a record of more bytes than can be"))?;
        if !name.is_empty() || element.kind != DtypeKind::Bytes("opaque") {
            members.push(Member { name, offset, dtype: element });
        }
    }
    if bytes == 0 {
        return Err(DataError::unsupported("elements of no bytes"));
    }
    Ok(Dtype { bytes, kind: DtypeKind::Compound(members) })
}

fn scalar(text: &str) -> Result<Dtype, DataError> {
    let unknown =
        || DataError::unsupported(format!("dtype {:?}", text.chars().take(40).collect::<String>()));
    let (endian, rest) = match text.split_at_checked(1) {
        Some((">", rest)) => (Endian::Big, rest),
        Some(("<" | "|" | "=", rest)) => (Endian::Little, rest),
        _ => (Endian::Little, text),
    };
    // Times name their unit in brackets.
    let rest = match rest.split_once('[') {
        Some((code, unit)) if matches!(code, "m8" | "M8") && unit.ends_with(']') => code,
        Some(_) => return Err(unknown()),
        None => rest,
    };
    let (code, digits) = rest.split_at_checked(1).ok_or_else(unknown)?;
    if code == "O" {
        return Err(DataError::unsupported("objects (pickles)"));
    }
    let sound = (1..=10).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
    let size: usize = digits.parse().ok().filter(|_| sound).ok_or_else(unknown)?;
    let number = |kind: Kind| Dtype { bytes: kind.bytes(), kind: DtypeKind::Number(kind, endian) };
    let several = |kind: Kind, count: usize| -> Result<Dtype, DataError> {
        let base = number(kind);
        let bytes = base.bytes.checked_mul(count).ok_or_else(unknown)?;
        let shape = vec![u64::try_from(count).unwrap_or(u64::MAX)];
        Ok(Dtype { bytes, kind: DtypeKind::Array { base: Box::new(base), shape } })
    };
    let bytes = |what| Dtype { bytes: size, kind: DtypeKind::Bytes(what) };
    if size == 0 {
        return Err(DataError::unsupported("elements of no bytes"));
    }
    Ok(match (code, size) {
        ("f", 2) => number(Kind::F16),
        ("f", 4) => number(Kind::F32),
        ("f", 8) => number(Kind::F64),
        ("i", 1) => number(Kind::I8),
        ("i", 2) => number(Kind::I16),
        ("i", 4) => number(Kind::I32),
        ("i" | "m" | "M", 8) => number(Kind::I64),
        ("u", 1) => number(Kind::U8),
        ("u", 2) => number(Kind::U16),
        ("u", 4) => number(Kind::U32),
        ("u", 8) => number(Kind::U64),
        ("b", 1) => {
            let names = vec![("FALSE".into(), vec![0]), ("TRUE".into(), vec![1])];
            Dtype { bytes: 1, kind: DtypeKind::Enum { base: Box::new(number(Kind::U8)), names } }
        }
        ("c", 8) => several(Kind::F32, 2)?,
        ("c", 16) => several(Kind::F64, 2)?,
        ("f", 10 | 12 | 16) => bytes("float"),
        ("c", 20 | 24 | 32) => bytes("complex"),
        ("S" | "a", _) => bytes("string"),
        ("U", _) => several(Kind::U32, size)?,
        ("V", _) => bytes("opaque"),
        _ => return Err(unknown()),
    })
}
