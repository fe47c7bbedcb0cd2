//! `RecordLayout`: which bytes of a fixed-size record form which number.
//!
//! Invariants of a valid layout: fields are sorted by offset, do not overlap, and together cover every
//! byte of the record; whatever is no number (strings, padding, sub-arrays) is a run of `Bytes` fields
//! of width 1..=8.

use crate::error::TokenError;

/// Largest record that the codec handles, in bytes; larger ones are coded as plain bytes.
pub const MAX_RECORD_BYTES: usize = 1 << 20;
/// Largest number of fields in a record.
pub const MAX_FIELDS: usize = 1 << 14;
/// Longest name of a field, in bytes: a relation in words may have it a hundred times.
pub const MAX_NAME_BYTES: usize = 4096;

/// How the bytes of a field are to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// IEEE-754 floats.
    F16,
    /// The upper half of an IEEE-754 single.
    Bf16,
    /// IEEE-754 single.
    F32,
    /// IEEE-754 double.
    F64,
    /// Two's-complement integers of 8, 16, 32, 64 bits.
    I8,
    /// 16-bit signed.
    I16,
    /// 32-bit signed.
    I32,
    /// 64-bit signed.
    I64,
    /// Unsigned integers of 8, 16, 32, 64 bits.
    U8,
    /// 16-bit unsigned.
    U16,
    /// 32-bit unsigned.
    U32,
    /// 64-bit unsigned.
    U64,
    /// `n` bytes (1..=8) without a meaning, read as one unsigned number of 8·n bits.
    Bytes(u8),
}

impl Kind {
    /// All kinds of number.
    pub const NUMBERS: [Self; 12] = [
        Self::F16,
        Self::Bf16,
        Self::F32,
        Self::F64,
        Self::I8,
        Self::I16,
        Self::I32,
        Self::I64,
        Self::U8,
        Self::U16,
        Self::U32,
        Self::U64,
    ];

    /// Width in bytes, 1..=8.
    pub const fn bytes(self) -> usize {
        match self {
            Kind::I8 | Kind::U8 => 1,
            Kind::F16 | Kind::Bf16 | Kind::I16 | Kind::U16 => 2,
            Kind::F32 | Kind::I32 | Kind::U32 => 4,
            Kind::F64 | Kind::I64 | Kind::U64 => 8,
            Kind::Bytes(n) => n as usize,
        }
    }

    /// Width in bits, 8..=64.
    pub const fn bits(self) -> u32 {
        self.bytes() as u32 * 8
    }

    /// Whether values are floating point.
    pub const fn is_float(self) -> bool {
        matches!(self, Kind::F16 | Kind::Bf16 | Kind::F32 | Kind::F64)
    }

    /// Whether values are two's-complement.
    pub const fn is_signed_int(self) -> bool {
        matches!(self, Kind::I8 | Kind::I16 | Kind::I32 | Kind::I64)
    }
}

/// Byte order of a field.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Endian {
    /// Least significant byte first.
    #[default]
    Little,
    /// Most significant byte first.
    Big,
}

/// One number inside a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Name, empty where unknown. Never used to decode.
    pub name: String,
    /// First byte inside the record.
    pub offset: usize,
    /// How to read it.
    pub kind: Kind,
    /// Byte order.
    pub endian: Endian,
    /// Fields of equal group share statistics (elements of one array branch).
    pub group: u32,
}

impl Field {
    /// The field's bits as an unsigned number, from a record's bytes.
    ///
    /// # Panics
    /// If the record is shorter than the layout says.
    #[inline(always)]
    pub fn load(&self, record: &[u8]) -> u64 {
        let n = self.kind.bytes();
        let b = &record[self.offset..self.offset + n];
        let mut raw = [0u8; 8];
        match self.endian {
            Endian::Little => {
                raw[..n].copy_from_slice(b);
                u64::from_le_bytes(raw)
            }
            Endian::Big => {
                raw[8 - n..].copy_from_slice(b);
                u64::from_be_bytes(raw)
            }
        }
    }

    /// Writes the low bits of `bits` into a record's bytes: the inverse of [`Field::load`].
    ///
    /// # Panics
    /// If the record is shorter than the layout says.
    #[inline(always)]
    pub fn store(&self, bits: u64, record: &mut [u8]) {
        let n = self.kind.bytes();
        let b = &mut record[self.offset..self.offset + n];
        match self.endian {
            Endian::Little => b.copy_from_slice(&bits.to_le_bytes()[..n]),
            Endian::Big => b.copy_from_slice(&bits.to_be_bytes()[8 - n..]),
        }
    }
}

/// The layout of a fixed-size record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordLayout {
    /// Size of a record in bytes.
    pub record_bytes: usize,
    /// Its fields, by rising offset, covering every byte.
    pub fields: Vec<Field>,
}

impl RecordLayout {
    /// Builds a layout from fields in any order; gaps become `Bytes` fields.
    ///
    /// # Errors
    /// [`TokenError::Layout`] if fields overlap, leave the record, or exceed the limits.
    pub fn new(record_bytes: usize, mut fields: Vec<Field>) -> Result<Self, TokenError> {
        if record_bytes == 0 || record_bytes > MAX_RECORD_BYTES {
            return Err(TokenError::Layout(format!(
                "record size {record_bytes} is not in 1..={MAX_RECORD_BYTES}"
            )));
        }
        fields.sort_by_key(|f| f.offset);
        let mut all: Vec<Field> = Vec::with_capacity(fields.len());
        let mut at = 0usize;
        for f in fields {
            let n = f.kind.bytes();
            if !(1..=8).contains(&n) {
                return Err(TokenError::Layout(format!("field width {n} is not in 1..=8")));
            }
            check_name(&f.name)?;
            if f.offset < at {
                return Err(TokenError::Layout(format!(
                    "field at byte {} overlaps the one before it",
                    f.offset
                )));
            }
            let end = f.offset.checked_add(n).filter(|&e| e <= record_bytes);
            let Some(end) = end else {
                return Err(TokenError::Layout(format!(
                    "field at byte {} ends outside the record of {record_bytes} bytes",
                    f.offset
                )));
            };
            fill(&mut all, at, f.offset)?;
            all.push(f);
            at = end;
        }
        fill(&mut all, at, record_bytes)?;
        check_count(all.len())?;
        Ok(Self { record_bytes, fields: all })
    }

    /// A record that is an array of `count` values of one kind.
    ///
    /// # Errors
    /// [`TokenError::Layout`] if the limits are exceeded.
    pub fn array(kind: Kind, endian: Endian, count: usize) -> Result<Self, TokenError> {
        let n = kind.bytes();
        let fields = (0..count.min(MAX_FIELDS + 1))
            .map(|i| Field { name: String::new(), offset: i * n, kind, endian, group: i as u32 })
            .collect();
        Self::new(count.saturating_mul(n), fields)
    }
}

/// A name that is not too long.
///
/// # Errors
/// [`TokenError::Layout`].
pub(crate) fn check_name(name: &str) -> Result<(), TokenError> {
    if name.len() > MAX_NAME_BYTES {
        return Err(TokenError::Layout(format!(
            "a name of a field has {} bytes, more than {MAX_NAME_BYTES}",
            name.len()
        )));
    }
    Ok(())
}

/// Covers `from..to` with `Bytes` fields of at most 8 bytes.
fn fill(all: &mut Vec<Field>, from: usize, to: usize) -> Result<(), TokenError> {
    check_count(all.len() + (to - from).div_ceil(8))?;
    let mut at = from;
    while at < to {
        let n = (to - at).min(8);
        all.push(Field {
            name: String::new(),
            offset: at,
            kind: Kind::Bytes(n as u8),
            endian: Endian::Little,
            group: u32::MAX,
        });
        at += n;
    }
    Ok(())
}

fn check_count(fields: usize) -> Result<(), TokenError> {
    if fields <= MAX_FIELDS {
        return Ok(());
    }
    Err(TokenError::Layout(format!("{fields} fields are more than {MAX_FIELDS}")))
}
