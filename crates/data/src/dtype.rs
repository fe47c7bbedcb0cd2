//! What an element is: numbers, bytes, arrays and compounds of them, at their places in the element.
//!
//! Invariants: parts lie within the element; sizes are those of the file. Strings, opaque data and references are
//! bytes; enumerations (booleans among them) are the integers behind them; what no part covers is padding.

use vxc_tokens::layout::{Endian, Field, Kind, MAX_FIELDS, MAX_RECORD_BYTES, RecordLayout};

/// Type of an element.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dtype {
    /// Its bytes, at least 1.
    pub bytes: usize,
    /// What they are.
    pub kind: DtypeKind,
}

/// What the bytes of an element are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DtypeKind {
    /// A number of 1, 2, 4 or 8 bytes.
    Number(Kind, Endian),
    /// An integer whose values have names.
    Enum {
        /// The integer.
        base: Box<Dtype>,
        /// Names and values, the latter as bytes of the integer.
        names: Vec<(String, Vec<u8>)>,
    },
    /// Bytes, and what the file calls them: `string`, `opaque`, `reference`, …
    Bytes(&'static str),
    /// An array.
    Array {
        /// Its elements.
        base: Box<Dtype>,
        /// Their number in each dimension.
        shape: Vec<u64>,
    },
    /// Named members; what lies between them is padding.
    Compound(Vec<Member>),
}

/// A member of a compound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its name.
    pub name: String,
    /// Its first byte in the compound.
    pub offset: usize,
    /// Its type.
    pub dtype: Dtype,
}

impl Dtype {
    /// Name for people: `float32`, `int16 big-endian`, `float32[3]`, `string 8`, `compound 102`.
    pub fn label(&self) -> String {
        match &self.kind {
            DtypeKind::Number(kind, endian) => {
                let name = match kind {
                    Kind::F16 => "float16",
                    Kind::Bf16 => "bfloat16",
                    Kind::F32 => "float32",
                    Kind::F64 => "float64",
                    Kind::I8 => "int8",
                    Kind::I16 => "int16",
                    Kind::I32 => "int32",
                    Kind::I64 => "int64",
                    Kind::U8 => "uint8",
                    Kind::U16 => "uint16",
                    Kind::U32 => "uint32",
                    Kind::U64 => "uint64",
                    Kind::Bytes(n) => return format!("bytes {n}"),
                };
                match endian {
                    Endian::Big if self.bytes > 1 => format!("{name} big-endian"),
                    _ => name.into(),
                }
            }
            DtypeKind::Enum { base, names } if is_bool(names) && base.bytes == 1 => "bool".into(),
            DtypeKind::Enum { base, .. } => format!("enum {}", base.label()),
            DtypeKind::Bytes(what) => format!("{what} {}", self.bytes),
            DtypeKind::Array { base, shape } => {
                let shape: Vec<String> = shape.iter().map(u64::to_string).collect();
                format!("{}[{}]", base.label(), shape.join(","))
            }
            DtypeKind::Compound(_) => format!("compound {}", self.bytes),
        }
    }

    /// Whether the element has named members.
    pub fn is_compound(&self) -> bool {
        matches!(self.kind, DtypeKind::Compound(_))
    }

    /// Elements of a record, for an array of this shape: one for a compound, a row of the first dimension for anything else,
    /// as far as it is one record by the codec's limits, else one.
    pub fn record_elements(&self, shape: &[u64]) -> u64 {
        let Some((_, inner)) = shape.split_first() else { return 1 };
        if self.is_compound() {
            return 1;
        }
        let row = inner.iter().try_fold(1u64, |n, &dim| n.checked_mul(dim)).filter(|&n| n > 0);
        row.filter(|&row| self.layout(row).is_some()).unwrap_or(1)
    }

    /// The record of `count` elements one after the other; none where the codec's limits on records are exceeded or members
    /// overlap. Elements of an array share statistics, and so do the repeated elements of a record of more than 64.
    pub fn layout(&self, count: u64) -> Option<RecordLayout> {
        let count = usize::try_from(count).ok()?;
        let bytes = self.bytes.checked_mul(count).filter(|&n| n <= MAX_RECORD_BYTES)?;
        let mut fields = Fields { all: Vec::new(), groups: 0 };
        for at in 0..count {
            if count > 64 {
                fields.groups = 0;
            }
            fields.add(self, "", at.checked_mul(self.bytes)?, None)?;
        }
        RecordLayout::new(bytes, fields.all).ok()
    }
}

/// Collects the numbers of an element.
struct Fields {
    all: Vec<Field>,
    groups: u32,
}

impl Fields {
    fn add(&mut self, dtype: &Dtype, name: &str, at: usize, group: Option<u32>) -> Option<()> {
        match &dtype.kind {
            DtypeKind::Number(kind, endian) => {
                if self.all.len() >= MAX_FIELDS {
                    return None;
                }
                let group = group.unwrap_or_else(|| self.group());
                let name = name.to_owned();
                self.all.push(Field { name, offset: at, kind: *kind, endian: *endian, group });
            }
            DtypeKind::Enum { base, .. } => self.add(base, name, at, group)?,
            // What no field covers becomes bytes.
            DtypeKind::Bytes(_) => {}
            DtypeKind::Array { base, .. } => {
                // Members of a compound keep their groups apart, alike in all elements.
                let start = self.groups;
                let shared = match base.kind {
                    DtypeKind::Compound(_) => None,
                    _ => Some(group.unwrap_or_else(|| self.group())),
                };
                let count = dtype.bytes.checked_div(base.bytes)?;
                if count > MAX_RECORD_BYTES {
                    return None;
                }
                for k in 0..count {
                    if shared.is_none() {
                        self.groups = start;
                    }
                    let at = at.checked_add(k.checked_mul(base.bytes)?)?;
                    self.add(base, name, at, shared)?;
                }
            }
            DtypeKind::Compound(members) => {
                for member in members {
                    let name = match name {
                        "" => member.name.clone(),
                        outer => format!("{outer}.{}", member.name),
                    };
                    self.add(&member.dtype, &name, at.checked_add(member.offset)?, None)?;
                }
            }
        }
        Some(())
    }

    fn group(&mut self) -> u32 {
        let group = self.groups;
        self.groups = group.saturating_add(1);
        group
    }
}

/// Booleans are an enumeration of two values, as HDF5 writers have it.
pub(crate) fn is_bool(names: &[(String, Vec<u8>)]) -> bool {
    matches!(names, [(a, zero), (b, one)] if a == "FALSE" && b == "TRUE" && *zero == [0] && *one == [1])
}
