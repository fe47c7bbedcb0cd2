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

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::error::TokenError;
use crate::layout::{Endian, Field, Kind, MAX_FIELDS, MAX_RECORD_BYTES, RecordLayout};

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

/// What a numpy type string says: elements of a kind, or bytes.
struct Format {
    kinds: Vec<Kind>,
    endian: Endian,
}

fn format(s: &str) -> Result<Format, TokenError> {
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

/// The part of a name that elements of one array share.
fn base(name: &str) -> &str {
    match name.split_once('[') {
        Some((base, rest)) if !base.is_empty() && rest.ends_with(']') => base,
        _ => name,
    }
}

#[derive(Default)]
struct Builder {
    fields: Vec<Field>,
    groups: BTreeMap<String, u32>,
    /// End of the last field or padding.
    end: usize,
}

impl Builder {
    fn group(&mut self, name: &str) -> u32 {
        let next = self.groups.len() as u32;
        if name.is_empty() {
            // Nameless fields share with nobody.
            self.groups.insert(format!("\0{next}"), next);
            return next;
        }
        *self.groups.entry(base(name).to_owned()).or_insert(next)
    }

    fn push(
        &mut self,
        name: &str,
        at: usize,
        kind: Kind,
        endian: Endian,
        group: u32,
    ) -> Result<usize, TokenError> {
        if self.fields.len() >= MAX_FIELDS {
            return Err(TokenError::Layout(format!("more than {MAX_FIELDS} fields")));
        }
        let end = at + kind.bytes();
        if end > MAX_RECORD_BYTES {
            return Err(TokenError::Layout(format!("record longer than {MAX_RECORD_BYTES} bytes")));
        }
        self.fields.push(Field { name: name.to_owned(), offset: at, kind, endian, group });
        self.end = self.end.max(end);
        Ok(end)
    }

    /// A numpy description at byte `at`; returns its end.
    fn dtype(&mut self, prefix: &str, v: &Value, at: usize) -> Result<usize, TokenError> {
        match v {
            Value::String(s) => self.elements(prefix, &format(s)?, 1, at),
            Value::Array(items) => {
                let mut at = at;
                for item in items {
                    let parts = list(item, "dtype entry")?;
                    let (name, kind, shape) = match parts {
                        [n, k] => (n, k, None),
                        [n, k, s] => (n, k, Some(s)),
                        _ => return Err(bad("a dtype entry has two or three parts")),
                    };
                    // numpy allows [title, name].
                    let name = match name {
                        Value::Array(pair) => pair.last().and_then(Value::as_str).unwrap_or(""),
                        other => text(other, "field name")?,
                    };
                    let name = join(prefix, name);
                    at = self.shaped(&name, kind, shape, at)?;
                }
                Ok(at)
            }
            Value::Object(map) => self.aligned(prefix, map, at),
            _ => Err(bad("a dtype is a string, a list or an object, and this is none of them")),
        }
    }

    /// `{names, formats, offsets, itemsize}`.
    fn aligned(
        &mut self,
        prefix: &str,
        map: &Map<String, Value>,
        at: usize,
    ) -> Result<usize, TokenError> {
        let need = |key: &str| map.get(key).ok_or_else(|| bad(format!("dtype object lacks {key}")));
        let (names, formats) = (list(need("names")?, "names")?, list(need("formats")?, "formats")?);
        if names.len() != formats.len() {
            return Err(bad("names and formats differ in length"));
        }
        let offsets = match map.get("offsets") {
            Some(o) => Some(list(o, "offsets")?),
            None => None,
        };
        if offsets.is_some_and(|o| o.len() != names.len()) {
            return Err(bad("names and offsets differ in length"));
        }
        let mut end = at;
        for (i, (name, kind)) in names.iter().zip(formats).enumerate() {
            let start = match offsets {
                Some(o) => at + limited(&o[i], "offset")?,
                None => end,
            };
            let name = join(prefix, text(name, "field name")?);
            // A format may be ["<f4", shape].
            let (kind, shape) = match kind.as_array().map(Vec::as_slice) {
                Some([k @ Value::String(_), s]) => (k, Some(s)),
                _ => (kind, None),
            };
            end = end.max(self.shaped(&name, kind, shape, start)?);
        }
        if let Some(n) = size(map, "itemsize")? {
            if at + n < end {
                return Err(bad(format!("itemsize {n} is less than its fields")));
            }
            end = at + n;
        }
        self.end = self.end.max(end);
        Ok(end)
    }

    fn shaped(
        &mut self,
        name: &str,
        kind: &Value,
        shape: Option<&Value>,
        at: usize,
    ) -> Result<usize, TokenError> {
        let count = match shape {
            None => 1,
            Some(Value::Array(dims)) => dims.iter().try_fold(1usize, |n, d| {
                let d = limited(d, "shape")?;
                n.checked_mul(d)
                    .filter(|&n| n <= MAX_RECORD_BYTES)
                    .ok_or_else(|| bad("shape too large"))
            })?,
            Some(n) => limited(n, "shape")?,
        };
        match kind {
            Value::String(s) => self.elements(name, &format(s)?, count, at),
            nested => {
                let mut at = at;
                for _ in 0..count {
                    let before = self.fields.len();
                    at = self.dtype(name, nested, at)?;
                    if self.fields.len() == before {
                        return Err(bad("a nested dtype without fields"));
                    }
                }
                Ok(at)
            }
        }
    }

    fn elements(
        &mut self,
        name: &str,
        f: &Format,
        count: usize,
        at: usize,
    ) -> Result<usize, TokenError> {
        let mut at = at;
        let group = self.group(name);
        for _ in 0..count {
            for &kind in &f.kinds {
                at = self.push(name, at, kind, f.endian, group)?;
            }
            if f.kinds.is_empty() {
                break;
            }
        }
        Ok(at)
    }

    fn columns(&mut self, v: &Value, declared: Option<usize>) -> Result<(), TokenError> {
        let names = list(v, "columns")?;
        if names.is_empty() {
            return Err(bad("columns is empty"));
        }
        let one = names.len().checked_mul(4).ok_or_else(|| bad("too many columns"))?;
        let record = declared.unwrap_or(one);
        if record == 0 || !record.is_multiple_of(one) {
            return Err(bad(format!(
                "record_bytes {record} is no multiple of {} float32 columns",
                names.len()
            )));
        }
        let mut at = 0;
        for _ in 0..record / one {
            for name in names {
                let name = text(name, "column")?;
                let group = self.group(name);
                at = self.push(name, at, Kind::F32, Endian::Little, group)?;
            }
        }
        Ok(())
    }

    fn native(&mut self, v: &Value) -> Result<(), TokenError> {
        // Numbers given stay as they are; names are numbered after the largest.
        let items = list(v, "fields")?;
        let given = items.iter().filter_map(|f| f.get("group")?.as_u64()).max();
        let first = given.map_or(0, |g| g.saturating_add(1));
        let mut at = 0;
        for item in items {
            let map = item.as_object().ok_or_else(|| bad("a field is not an object"))?;
            let name = map.get("name").map_or(Ok(""), |n| text(n, "name"))?;
            let kind = native_kind(text(
                map.get("kind").ok_or_else(|| bad("a field lacks its kind"))?,
                "kind",
            )?)?;
            let endian = match map.get("endian").map(|e| text(e, "endian")).transpose()? {
                None | Some("little") => Endian::Little,
                Some("big") => Endian::Big,
                Some(other) => return Err(bad(format!("unknown endian {other:?}"))),
            };
            let offset = match map.get("offset") {
                Some(o) => limited(o, "offset")?,
                None => at,
            };
            let group = match map.get("group") {
                Some(g) => g.as_u64().ok_or_else(|| bad("group is no whole number"))?,
                None => first.saturating_add(u64::from(self.group(name))),
            };
            let group = u32::try_from(group).map_err(|_| bad("group is too large"))?;
            at = self.push(name, offset, kind, endian, group)?;
        }
        Ok(())
    }

    fn finish(self, declared: Option<usize>) -> Result<RecordLayout, TokenError> {
        let record = declared.unwrap_or(self.end);
        if record < self.end {
            return Err(bad(format!("record of {record} bytes, but its fields take {}", self.end)));
        }
        if self.fields.is_empty() {
            return Err(bad("no fields"));
        }
        RecordLayout::new(record, self.fields)
    }
}

fn join(prefix: &str, name: &str) -> String {
    if prefix.is_empty() { name.to_owned() } else { format!("{prefix}.{name}") }
}

fn native_kind(s: &str) -> Result<Kind, TokenError> {
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
