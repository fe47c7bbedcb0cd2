//! What an element is: numbers, bytes, arrays and compounds of them, at their places in the element.
//!
//! Invariants: parts lie within the element; sizes are those of the file. Strings, opaque data and references are
//! bytes; enumerations (booleans among them) are the integers behind them.
//!
//! Source: HDF5 file format specification 3.0, IV.A.2.d. The library drops the bit fields of floats inside compounds: a
//! 2-byte float there is taken for IEEE binary16. Of a float that is a dataset's whole dtype they are checked.

use crate::error::DataError;
use crate::limits::{self, Limits};
use hdf5_reader::{ByteOrder, Datatype, StringSize};
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
    /// From the library's description. `encoded` are the bytes of the datatype message, if at hand.
    ///
    /// # Errors
    /// [`DataError::Unsupported`] for data of variable length, [`DataError::Corruption`] where parts lie outside the whole,
    /// [`DataError::LimitExceeded`].
    pub(crate) fn new(
        datatype: &Datatype,
        encoded: &[u8],
        limits: &Limits,
    ) -> Result<Self, DataError> {
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

fn is_bool(names: &[(String, Vec<u8>)]) -> bool {
    matches!(names, [(a, zero), (b, one)] if a == "FALSE" && b == "TRUE" && *zero == [0] && *one == [1])
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
