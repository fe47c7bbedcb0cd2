//! Layout files: a record's fields as JSON, and whether they fit a file.
//!
//! Accepted, by key:
//! - `fields`: our own form, `{"record_bytes": N, "fields": [{"name", "offset", "kind": "f32", "endian": "little",
//!   "group": 3}, ...]}`; gaps become bytes, group defaults to the name's base;
//! - `dtype` or `dtype_descr`: a numpy description, as a list of `[name, "<f4"]` or `[name, "<f4", shape]`, as one string
//!   (`"<f4"`), or as `{"names", "formats", "offsets", "itemsize"}`; with `record_bytes` or `itemsize` beside it;
//! - `columns`: names of float32 columns, with `record_bytes`; if the record is a multiple of them, they repeat (a
//!   grid has one column and a row of it as record).
//!
//! Strings, void and objects of no number become bytes; booleans `u8`; complex numbers two floats; sub-arrays
//! their elements. `Jet_pt[3]` shares the group of every `Jet_pt[...]`.
//!
//! The file may be hostile: sizes are checked before anything is allocated, and nesting is limited by the parser.

mod builder;
mod kinds;

use serde_json::{Map, Value};

use crate::error::TokenError;
use crate::layout::{Endian, Kind, MAX_RECORD_BYTES, RecordLayout};
use builder::Builder;

/// Largest layout file, in bytes.
pub const MAX_JSON_BYTES: usize = 16 << 20;

/// Reads a layout file.
///
/// # Errors
/// [`TokenError::Sidecar`] if it is no layout in a known form or contradicts itself, [`TokenError::Layout`] if the
/// fields overlap or exceed the limits.
pub fn parse_layout(json: &str) -> Result<RecordLayout, TokenError> {
    if json.len() > MAX_JSON_BYTES {
        return Err(bad(format!("{} bytes are more than {MAX_JSON_BYTES}", json.len())));
    }
    let value: Value =
        serde_json::from_str(json).map_err(|e| bad(format!("no valid JSON: {e}")))?;
    let mut b = Builder::default();
    let Value::Object(top) = &value else {
        // A bare dtype: a list or a string.
        b.dtype("", &value, 0)?;
        return b.finish(None);
    };
    let declared = match (size(top, "record_bytes")?, size(top, "itemsize")?) {
        (Some(a), Some(c)) if a != c => {
            return Err(bad(format!("record_bytes {a} contradicts itemsize {c}")));
        }
        (a, c) => a.or(c),
    };
    if let Some(fields) = top.get("fields") {
        b.native(fields)?;
    } else if let Some(d) = top.get("dtype_descr").or_else(|| top.get("dtype")) {
        b.dtype("", d, 0)?;
    } else if top.contains_key("names") {
        b.dtype("", &value, 0)?;
    } else if let Some(columns) = top.get("columns") {
        b.columns(columns, declared)?;
    } else {
        return Err(bad(
            "no layout: it has none of the keys fields, dtype, dtype_descr, names, columns",
        ));
    }
    b.finish(declared)
}

/// A layout in our own form, which [`parse_layout`] reads: the value of the key `fields`. Padding is left out.
pub fn fields_json(layout: &RecordLayout) -> Value {
    let known = layout.fields.iter().filter(|f| !matches!(f.kind, Kind::Bytes(_)));
    let field = |f: &crate::layout::Field| {
        let mut map = Map::new();
        map.insert("name".into(), f.name.clone().into());
        map.insert("offset".into(), f.offset.into());
        map.insert("kind".into(), kinds::native_name(f.kind).into());
        if f.endian == Endian::Big {
            map.insert("endian".into(), "big".into());
        }
        map.insert("group".into(), f.group.into());
        Value::Object(map)
    };
    Value::Array(known.map(field).collect())
}

fn bad(message: impl Into<String>) -> TokenError {
    TokenError::Sidecar(message.into())
}

fn size(map: &Map<String, Value>, key: &str) -> Result<Option<usize>, TokenError> {
    match map.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(v) => Ok(Some(limited(v, key)?)),
    }
}

/// A whole number up to the largest record.
fn limited(v: &Value, what: &str) -> Result<usize, TokenError> {
    v.as_u64()
        .and_then(|n| usize::try_from(n).ok())
        .filter(|&n| n <= MAX_RECORD_BYTES)
        .ok_or_else(|| bad(format!("{what}: {v} is not in 0..={MAX_RECORD_BYTES}")))
}

fn list<'a>(v: &'a Value, what: &str) -> Result<&'a [Value], TokenError> {
    v.as_array().map(Vec::as_slice).ok_or_else(|| bad(format!("{what} is not a list")))
}

fn text<'a>(v: &'a Value, what: &str) -> Result<&'a str, TokenError> {
    v.as_str().ok_or_else(|| bad(format!("{what} is not a string")))
}

/// Whether a layout suits a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LayoutFit {
    /// Nothing speaks against it.
    Fits,
    /// It fits, and the last `tail` bytes are no whole record.
    FitsWithTail {
        /// Bytes after the last whole record.
        tail: usize,
    },
    /// The bytes say otherwise.
    Contradicts {
        /// One line for a person.
        reason: String,
    },
}

impl LayoutFit {
    /// Whether the bytes say otherwise.
    pub fn is_contradiction(&self) -> bool {
        matches!(self, Self::Contradicts { .. })
    }
}

/// Compares a layout with the file's length and a sample from its start.
///
/// A length that is no multiple of the record is only a tail. Bytes that the layout explains much worse
/// than what detection finds by itself are a contradiction.
pub fn check_layout(layout: &RecordLayout, file_len: u64, sample: &[u8]) -> LayoutFit {
    let record = layout.record_bytes as u64;
    if file_len < record {
        return LayoutFit::Contradicts {
            reason: format!("the file has {file_len} bytes, less than one record of {record}"),
        };
    }
    if let Some(reason) = crate::detect::contradiction(layout, sample) {
        return LayoutFit::Contradicts { reason };
    }
    match file_len % record {
        0 => LayoutFit::Fits,
        tail => LayoutFit::FitsWithTail { tail: tail as usize },
    }
}
