//! Fields and columns of an `RNTuple`, as its header and the footer's extension list them.
//!
//! A field is a C++ type and may hold others; a column is a run of numbers that belongs to a field. Their
//! identifiers are their places in the lists, header first. Source: RNTuple specification 1.0, "Header
//! Envelope", "Field Description", "Column Description".

use crate::error::DataError;
use crate::limits::{self, Limits};
use crate::root::cursor::Cursor;
use crate::root::ntuple::envelope::{list, record, text};

/// What a field is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// A number, text, or a wrapper round one other field.
    Leaf,
    /// A sequence.
    Collection,
    /// A structure.
    Record,
    /// One of several types.
    Variant,
    /// Objects in ROOT's own serial form.
    Streamed,
}

/// A field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Name.
    pub name: String,
    /// C++ type.
    pub type_name: String,
    /// What it is.
    pub role: Role,
    /// The field it belongs to; none at the top.
    pub parent: Option<usize>,
    /// How often what it holds is repeated in every entry, for fixed arrays.
    pub repeat: Option<u64>,
    /// Whether it only shows another field's columns under another type.
    pub projected: bool,
}

/// A column.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Column {
    /// Number of its type.
    pub kind: u16,
    /// Bits of an element on disk.
    pub bits: u16,
    /// The field it belongs to.
    pub field: usize,
    /// Which of the field's alternative representations it belongs to.
    pub representation: u16,
    /// First element, for a column that was added while writing; negative where it is also suppressed.
    pub first_element: i64,
    /// Range of the values of quantised floats.
    pub range: Option<(f64, f64)>,
}

/// All fields and columns.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Schema {
    /// Fields, by their identifier.
    pub fields: Vec<Field>,
    /// Columns, by their identifier.
    pub columns: Vec<Column>,
}

impl Schema {
    /// Appends the four lists of a schema description.
    pub(crate) fn extend(&mut self, c: &mut Cursor<'_>, limits: &Limits) -> Result<(), DataError> {
        let (n, mut fields) = list(c)?;
        for _ in 0..n {
            let id = self.fields.len();
            let field = field(&mut record(&mut fields)?, id)?;
            self.fields.push(field);
        }
        let (n, mut columns) = list(c)?;
        for _ in 0..n {
            let column = column(&mut record(&mut columns)?)?;
            if column.field >= self.fields.len() {
                return Err(DataError::corrupt("a column of a field that is not there"));
            }
            self.columns.push(column);
        }
        let _aliases = list(c)?;
        let _types = list(c)?;
        let items = self.fields.len().saturating_add(self.columns.len());
        limits::check("fields and columns", as_u64(items), limits.max_values)
    }

    /// Names of a field's ancestors and its own, joined by `.`; wrappers' own `_0` is left out.
    pub(crate) fn path(&self, id: usize, limits: &Limits) -> Result<String, DataError> {
        let mut names = Vec::new();
        for at in self.lineage(id, limits)? {
            let Some(field) = self.fields.get(at) else { continue };
            let parent = field.parent.and_then(|at| self.fields.get(at));
            let wrapped = parent.is_some_and(|p| p.role != Role::Record && p.role != Role::Variant);
            if !(wrapped && field.name == "_0") {
                names.push(field.name.as_str());
            }
        }
        Ok(names.join("."))
    }

    /// A field and its ancestors, outermost first.
    pub(crate) fn lineage(&self, id: usize, limits: &Limits) -> Result<Vec<usize>, DataError> {
        let mut out = Vec::new();
        let mut next = Some(id);
        while let Some(at) = next {
            out.push(at);
            limits::check("depth of fields", as_u64(out.len()), u64::from(limits.depth()))?;
            next = self.fields.get(at).and_then(|field| field.parent);
        }
        out.reverse();
        Ok(out)
    }
}

fn as_u64(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}

fn field(c: &mut Cursor<'_>, id: usize) -> Result<Field, DataError> {
    let _field_version = c.le_u32()?;
    let _type_version = c.le_u32()?;
    let parent = usize::try_from(c.le_u32()?).unwrap_or(usize::MAX);
    let role = match c.le_u16()? {
        0 => Role::Leaf,
        1 => Role::Collection,
        2 => Role::Record,
        3 => Role::Variant,
        4 => Role::Streamed,
        other => return Err(DataError::unsupported(format!("a field of role {other}"))),
    };
    let flags = c.le_u16()?;
    let name = text(c)?;
    let type_name = text(c)?;
    let _alias = text(c)?;
    let _description = text(c)?;
    let repeat = if flags & 1 != 0 { Some(c.le_u64()?) } else { None };
    if parent > id {
        return Err(DataError::corrupt("a field before the one it belongs to"));
    }
    Ok(Field {
        name,
        type_name,
        role,
        parent: (parent != id).then_some(parent),
        repeat,
        projected: flags & 2 != 0,
    })
}

fn column(c: &mut Cursor<'_>) -> Result<Column, DataError> {
    let kind = c.le_u16()?;
    let bits = c.le_u16()?;
    let field = usize::try_from(c.le_u32()?).unwrap_or(usize::MAX);
    let flags = c.le_u16()?;
    let representation = c.le_u16()?;
    let first_element = if flags & 1 != 0 { i64::from_le_bytes(c.array()?) } else { 0 };
    let range = if flags & 2 != 0 {
        Some((f64::from_le_bytes(c.array()?), f64::from_le_bytes(c.array()?)))
    } else {
        None
    };
    Ok(Column { kind, bits, field, representation, first_element, range })
}
