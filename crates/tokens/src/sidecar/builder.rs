//! From descriptions to fields: offsets, shapes, nesting and groups.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::kinds::{Format, format, native_kind};
use super::{bad, limited, list, size, text};
use crate::error::TokenError;
use crate::layout::{Endian, Field, Kind, MAX_FIELDS, MAX_RECORD_BYTES, RecordLayout, check_name};

/// The part of a name that elements of one array share.
fn base(name: &str) -> &str {
    match name.split_once('[') {
        Some((base, rest)) if !base.is_empty() && rest.ends_with(']') => base,
        _ => name,
    }
}

/// Collects fields in the order of the description.
#[derive(Default)]
pub(super) struct Builder {
    fields: Vec<Field>,
    groups: BTreeMap<String, u32>,
    /// End of the last field or padding.
    end: usize,
    /// Entries so far, those without a byte included: repetitions ask for more than the description has.
    entries: usize,
}

/// Most entries of a description.
const MAX_ENTRIES: usize = 1 << 20;

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
        // Before it is kept: elements of an array have one each.
        check_name(name)?;
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
    pub(super) fn dtype(
        &mut self,
        prefix: &str,
        v: &Value,
        at: usize,
    ) -> Result<usize, TokenError> {
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
                    let name = join(prefix, name)?;
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
            let name = join(prefix, text(name, "field name")?)?;
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
        self.entries += 1;
        if self.entries > MAX_ENTRIES {
            return Err(bad(format!("more than {MAX_ENTRIES} entries")));
        }
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
        if count == 0 || f.kinds.is_empty() {
            return Ok(at);
        }
        let mut at = at;
        let group = self.group(name);
        for _ in 0..count {
            for &kind in &f.kinds {
                at = self.push(name, at, kind, f.endian, group)?;
            }
        }
        Ok(at)
    }

    /// Names of float32 columns.
    pub(super) fn columns(&mut self, v: &Value, declared: Option<usize>) -> Result<(), TokenError> {
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

    /// Our own form.
    pub(super) fn native(&mut self, v: &Value) -> Result<(), TokenError> {
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

    /// The layout, of `declared` bytes if the file says so.
    pub(super) fn finish(self, declared: Option<usize>) -> Result<RecordLayout, TokenError> {
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

fn join(prefix: &str, name: &str) -> Result<String, TokenError> {
    let name = if prefix.is_empty() { name.to_owned() } else { format!("{prefix}.{name}") };
    // Here, too: what has no bytes is no field.
    check_name(&name)?;
    Ok(name)
}
