//! Objects by their streamers: the decoder of `TTree` and everything in it.
//!
//! Only what a reader of columns needs is decoded: trees, branches, leaves, embedded baskets. Other
//! classes behind pointers are skipped by their length. An element of a kind not known here ends the
//! decoding of its object, whose length says where the next one starts.
//!
//! Invariants: depth is bounded by [`Limits::max_depth`], the number of values by
//! [`Limits::max_values`]; arrays are read from bytes that exist. Source: ROOT's documentation of
//! `TStreamerInfo`, `TObjArray`, `TArray`.

use crate::error::DataError;
use crate::limits::{self, Limits};
use crate::root::any::{Any, any};
use crate::root::basket::EmbeddedBasket;
use crate::root::cursor::Cursor;
use crate::root::object::{Object, Value};
use crate::root::streamer::{Element, Streamers};
use std::collections::HashMap;

/// Words that a value takes beside its text or array.
const VALUE_WORDS: usize = size_of::<Value>() / 8 + 1;

/// State of decoding one record.
pub(crate) struct Decoder<'a> {
    streamers: &'a Streamers,
    /// Bytes of the record's key, from which references count.
    origin: u64,
    limits: Limits,
    values: u64,
    /// Names of objects behind pointers, by their reference: what counts an array is found here.
    names: HashMap<u64, String>,
}

impl<'a> Decoder<'a> {
    pub fn new(streamers: &'a Streamers, origin: u64, limits: Limits) -> Self {
        Self { streamers, origin, limits, values: 0, names: HashMap::new() }
    }

    /// The name of an object read before.
    pub fn name_of(&self, reference: u64) -> Option<&str> {
        self.names.get(&reference).map(String::as_str)
    }

    /// Accounts for `n` words of 8 bytes in memory.
    pub fn charge(&mut self, n: usize) -> Result<(), DataError> {
        self.values = self.values.saturating_add(u64::try_from(n).unwrap_or(u64::MAX));
        limits::check("values of an object", self.values, self.limits.max_values)
    }

    /// An object of a class known beforehand: version, then members.
    pub fn object(
        &mut self,
        c: &mut Cursor<'_>,
        class: &str,
        depth: u32,
    ) -> Result<Object, DataError> {
        let depth = depth.saturating_add(1);
        limits::check("depth of objects", u64::from(depth), u64::from(self.limits.depth()))?;
        let version = c.version()?;
        let mut inner = match version.end {
            Some(end) => c.until(end)?,
            None => *c,
        };
        let streamers = self.streamers;
        let info = match version.number {
            0 => streamers.by_checksum(class, inner.u32()?),
            n => streamers.get(class, u32::from(n)),
        };
        let Some(info) = info else {
            return Err(DataError::unsupported(format!(
                "class {class} version {}, which the file does not describe",
                version.number
            )));
        };
        let mut object = Object { info: info.clone(), values: Vec::new() };
        for element in &info.elements {
            self.charge(VALUE_WORDS)?;
            match self.element(&mut inner, element, &object, depth) {
                Ok(value) => object.values.push(value),
                Err(DataError::Unsupported(_)) if version.end.is_some() => break,
                Err(error) => return Err(error),
            }
        }
        match version.end {
            Some(_) => c.finish(version)?,
            None => *c = inner,
        }
        Ok(object)
    }

    fn element(
        &mut self,
        c: &mut Cursor<'_>,
        element: &Element,
        so_far: &Object,
        depth: u32,
    ) -> Result<Value, DataError> {
        let class = element.type_name.trim_end_matches(['*', ' ']);
        match element.kind {
            0 => self.class(c, &element.name, depth),
            kind @ 1..=19 => scalar(c, kind),
            kind @ 21..=39 => {
                let n = usize::try_from(element.array_length).unwrap_or(usize::MAX);
                self.array(c, kind.saturating_sub(20), n)
            }
            kind @ 41..=59 => {
                let there = c.u8()? != 0;
                let n = so_far.count(&element.count_name)?;
                let n = if there { usize::try_from(n).unwrap_or(usize::MAX) } else { 0 };
                self.array(c, kind.saturating_sub(40), n)
            }
            61 | 62 | 63 | 68 => self.class(c, class, depth),
            64 | 69 => self.pointer(c, depth),
            65 => c.string().map(Value::Text),
            66 => c.t_object().map(|()| Value::Skipped),
            67 => c.named().map(|(name, title)| Value::Named(name, title)),
            kind => {
                // Whatever writes its length can be passed over.
                let version = c.version()?;
                if version.end.is_none() {
                    return Err(DataError::unsupported(format!("element of kind {kind}")));
                }
                c.finish(version).map(|()| Value::Skipped)
            }
        }
    }

    /// A class without a pointer.
    fn class(&mut self, c: &mut Cursor<'_>, class: &str, depth: u32) -> Result<Value, DataError> {
        match class {
            "TObject" => c.t_object().map(|()| Value::Skipped),
            "TNamed" => c.named().map(|(name, title)| Value::Named(name, title)),
            "TString" => c.string().map(Value::Text),
            "TDatime" => c.skip(4).map(|()| Value::Skipped),
            "TObjArray" => self.objects(c, depth),
            "TArrayC" => self.counted(c, 1),
            "TArrayS" => self.counted(c, 2),
            "TArrayI" => self.counted(c, 3),
            "TArrayL64" | "TArrayL" => self.counted(c, 16),
            "TArrayF" => self.counted(c, 5),
            "TArrayD" => self.counted(c, 8),
            "TList" | "THashList" | "TRefArray" => {
                let version = c.version()?;
                if version.end.is_none() {
                    return Err(DataError::unsupported(format!("{class} without its length")));
                }
                c.finish(version).map(|()| Value::Skipped)
            }
            _ => {
                let start = *c;
                match self.object(c, class, depth) {
                    Ok(object) => Ok(Value::Object(Box::new(object))),
                    // What is not described, but tells its length, can be passed over.
                    Err(DataError::Unsupported(why)) => {
                        *c = start;
                        let version = c.version()?;
                        if version.end.is_none() {
                            return Err(DataError::Unsupported(why));
                        }
                        c.finish(version).map(|()| Value::Skipped)
                    }
                    Err(error) => Err(error),
                }
            }
        }
    }

    /// `TArray…`: a number and that many values, of no interest here.
    fn counted(&mut self, c: &mut Cursor<'_>, kind: i32) -> Result<Value, DataError> {
        let n = c.count("array")?;
        c.skip(n.saturating_mul(width(kind).unwrap_or(8))).map(|()| Value::Skipped)
    }

    /// An object behind a pointer; of a class without interest it is skipped.
    pub fn pointer(&mut self, c: &mut Cursor<'_>, depth: u32) -> Result<Value, DataError> {
        match any(c, self.origin)? {
            Any::Null => Ok(Value::Null),
            Any::Reference(reference) => Ok(Value::Reference(reference)),
            Any::Object { class, end, own } => {
                let mut inner = c.until(end)?;
                let value = match class {
                    "TBasket" => {
                        Value::Basket(Box::new(EmbeddedBasket::parse(&mut inner, &self.limits)?))
                    }
                    "TObjArray" => self.objects(&mut inner, depth)?,
                    class if class.starts_with("TBranch") || class.starts_with("TLeaf") => {
                        let object = self.object(&mut inner, class, depth)?;
                        if let Some((name, _)) = object.named() {
                            self.names.insert(own, name.to_owned());
                        }
                        Value::Object(Box::new(object))
                    }
                    _ => Value::Skipped,
                };
                *c = c.at(end)?;
                Ok(value)
            }
        }
    }

    /// `TObjArray`; places without an object are left out.
    fn objects(&mut self, c: &mut Cursor<'_>, depth: u32) -> Result<Value, DataError> {
        let depth = depth.saturating_add(1);
        limits::check("depth of objects", u64::from(depth), u64::from(self.limits.depth()))?;
        let version = c.version()?;
        if version.number > 2 {
            c.t_object()?;
        }
        if version.number > 1 {
            c.string()?;
        }
        let n = c.count("array of objects")?;
        c.skip(4)?;
        let mut out = Vec::new();
        for _ in 0..n {
            match self.pointer(c, depth)? {
                Value::Null | Value::Skipped => {}
                value => {
                    self.charge(VALUE_WORDS)?;
                    out.push(value);
                }
            }
        }
        c.finish(version)?;
        Ok(Value::List(out))
    }

    fn array(&mut self, c: &mut Cursor<'_>, kind: i32, n: usize) -> Result<Value, DataError> {
        let Some(width) = width(kind) else {
            return Err(DataError::unsupported(format!("array of kind {kind}")));
        };
        if n.checked_mul(width).is_none_or(|bytes| bytes > c.remaining()) {
            return Err(DataError::truncated(format!("array of {n}")));
        }
        if matches!(kind, 5 | 8 | 9) {
            return c.skip(n.saturating_mul(width)).map(|()| Value::Skipped);
        }
        self.charge(n)?;
        let mut out = Vec::with_capacity(n);
        for _ in 0..n {
            match scalar(c, kind)? {
                Value::Int(value) => out.push(value),
                _ => return Err(DataError::unsupported(format!("array of kind {kind}"))),
            }
        }
        Ok(Value::Ints(out))
    }
}

/// Bytes of a basic type; none where it varies.
fn width(kind: i32) -> Option<usize> {
    match kind {
        1 | 11 | 18 => Some(1),
        2 | 12 => Some(2),
        3 | 5 | 6 | 9 | 13 => Some(4),
        4 | 8 | 14 | 16 | 17 => Some(8),
        _ => None,
    }
}

fn scalar(c: &mut Cursor<'_>, kind: i32) -> Result<Value, DataError> {
    Ok(match kind {
        1 => Value::Int(i64::from(i8::from_be_bytes(c.array()?))),
        2 => Value::Int(i64::from(i16::from_be_bytes(c.array()?))),
        3 | 6 => Value::Int(i64::from(c.i32()?)),
        4 | 14 | 16 | 17 => Value::Int(i64::from_be_bytes(c.array()?)),
        5 => Value::Float(f64::from(f32::from_be_bytes(c.array()?))),
        8 => Value::Float(f64::from_be_bytes(c.array()?)),
        11 | 18 => Value::Int(i64::from(c.u8()?)),
        12 => Value::Int(i64::from(c.u16()?)),
        13 => Value::Int(i64::from(c.u32()?)),
        7 => {
            let n = c.count("text")?;
            c.skip(n)?;
            Value::Skipped
        }
        15 => {
            if c.u32()? & 0x10 != 0 {
                c.skip(2)?;
            }
            Value::Skipped
        }
        _ => return Err(DataError::unsupported(format!("element of kind {kind}"))),
    })
}

/// The tree of a record's payload, whose key has `origin` bytes, and the names that it refers to.
pub(crate) fn tree<'a>(
    streamers: &'a Streamers,
    payload: &[u8],
    class: &str,
    origin: u64,
    limits: Limits,
) -> Result<(Object, Decoder<'a>), DataError> {
    let mut decoder = Decoder::new(streamers, origin, limits);
    let object = decoder.object(&mut Cursor::new(payload), class, 0)?;
    Ok((object, decoder))
}
