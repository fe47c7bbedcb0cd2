//! A ROOT table as one matrix: a row for an entry, every column as float32, lists padded by zeros to a fixed length.
//!
//! The form that the published pipelines train on. It loses what float32 does not hold, what is beyond the fixed length,
//! and (without the lengths, which [`ArrayFile`](super::ArrayFile) gives) where lists end: [`Padded::inexact`] and
//! [`Padded::cut`] count the first two. Columns of lists in lists, and of packed floats, are left out.

use super::trees::{Cursor, Table, depth, load_all};
use crate::error::DataError;
use crate::root::RootFile;
use crate::root::layout::{Layout, Shape};
use crate::root::primitive::Primitive;
use crate::slab::SLAB_BYTES;
use std::io::{Read, Seek};

/// A column of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaddedColumn {
    /// Path.
    pub name: String,
    /// Type of its values.
    pub primitive: Primitive,
    /// Whether it holds lists.
    pub is_list: bool,
    /// Values of a row.
    pub values: usize,
    /// The first of them in the row.
    pub at: usize,
}

/// A table being read as a matrix.
#[derive(Debug)]
pub struct Padded<'a, R> {
    /// Path of the table.
    pub path: String,
    /// Rows.
    pub entries: u64,
    /// Columns, in the order of a row.
    pub columns: Vec<PaddedColumn>,
    /// Paths of those left out.
    pub left_out: Vec<String>,
    /// Values so far that float32 does not hold.
    pub inexact: u64,
    /// Values so far beyond the fixed length.
    pub cut: u64,
    file: &'a mut RootFile<R>,
    table: &'a Table,
    cursors: Vec<Cursor>,
    width: usize,
}

impl<'a, R: Read + Seek> Padded<'a, R> {
    /// Lists have `most` values, or without it as many as the longest of their column, which takes a pass over the table.
    pub(super) fn new(
        file: &'a mut RootFile<R>,
        table: &'a Table,
        most: Option<u32>,
    ) -> Result<Self, DataError> {
        let (mut columns, mut cursors, mut left_out, mut width) =
            (Vec::new(), Vec::new(), Vec::new(), 0usize);
        for (at, (path, entries, layout)) in table.columns().into_iter().enumerate() {
            let Ok(layout) = layout else { continue };
            let Some(primitive) = single(layout).filter(|_| entries == table.entries()) else {
                left_out.push(path.to_owned());
                continue;
            };
            let record = layout.record_bytes();
            let of_record = usize::try_from(layout.record_values()).unwrap_or(usize::MAX);
            let is_list = depth(layout.shape) == 1;
            let records = match most {
                _ if !is_list => 1,
                Some(most) => usize::try_from(most).unwrap_or(usize::MAX),
                None => longest(file, table, Cursor::new(at, record))?,
            };
            let values = records.saturating_mul(of_record);
            let name = path.to_owned();
            columns.push(PaddedColumn { name, primitive, is_list, values, at: width });
            cursors.push(Cursor::new(at, record));
            width = width.saturating_add(values);
        }
        let too_wide = width.checked_mul(4).is_none_or(|bytes| bytes > 1 << 30);
        if too_wide {
            return Err(DataError::argument(format!("a row of {width} values; bound the lists")));
        }
        Ok(Self {
            path: table.path().to_owned(),
            entries: table.entries(),
            columns,
            left_out,
            inexact: 0,
            cut: 0,
            file,
            table,
            cursors,
            width,
        })
    }

    /// Values of a row.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Some rows, as little-endian float32; none at the end.
    ///
    /// # Errors
    /// Those of reading; [`DataError::Corruption`] where columns differ in entries.
    pub fn rows(&mut self) -> Result<Option<Vec<u8>>, DataError> {
        if !load_all(&mut self.cursors, self.file, self.table)? {
            return Ok(None);
        }
        let row = self.width.saturating_mul(4).max(1);
        let most = usize::try_from(SLAB_BYTES).unwrap_or(1).checked_div(row).unwrap_or(1).max(1);
        let rows = self.cursors.iter().map(Cursor::left).min().unwrap_or(0).min(most);
        let mut out = vec![0u8; rows.saturating_mul(row)];
        for (cursor, column) in self.cursors.iter_mut().zip(&self.columns) {
            let value = column.primitive.bytes();
            for (i, target) in out.chunks_exact_mut(row).enumerate() {
                let entry = cursor.entry.saturating_add(i);
                let records = match column.is_list {
                    false => 1,
                    true => cursor
                        .chunk
                        .lengths
                        .first()
                        .and_then(|all| all.get(entry))
                        .copied()
                        .unwrap_or(0),
                };
                let records = usize::try_from(records).unwrap_or(usize::MAX);
                let end = cursor.byte.saturating_add(records.saturating_mul(cursor.record));
                let values = cursor.chunk.values.get(cursor.byte..end);
                let values =
                    values.ok_or_else(|| DataError::corrupt("fewer values than entries"))?;
                cursor.byte = end;
                let start = column.at.saturating_mul(4);
                let cells = target
                    .get_mut(start..)
                    .unwrap_or_default()
                    .chunks_exact_mut(4)
                    .take(column.values);
                let found = values.chunks_exact(value);
                let beyond = found.len().saturating_sub(column.values);
                self.cut = self.cut.saturating_add(u64::try_from(beyond).unwrap_or(u64::MAX));
                for (cell, value) in cells.zip(found) {
                    let (float, exact) = to_f32(column.primitive, value);
                    self.inexact = self.inexact.saturating_add(u64::from(!exact));
                    cell.copy_from_slice(&float.to_le_bytes());
                }
            }
            cursor.entry = cursor.entry.saturating_add(rows);
        }
        Ok(Some(out))
    }
}

/// The type of a column of one kind of number in lists of depth 1 at most.
fn single(layout: &Layout) -> Option<Primitive> {
    let [member] = layout.members.as_slice() else { return None };
    let plain = member.primitive != Primitive::Truncated && member.range.is_none();
    (plain && depth(layout.shape) <= 1).then_some(member.primitive)
}

/// Records of the longest entry.
fn longest<R: Read + Seek>(
    file: &mut RootFile<R>,
    table: &Table,
    mut cursor: Cursor,
) -> Result<usize, DataError> {
    debug_assert!(table.layout(cursor.column).is_some_and(|l| l.shape != Shape::Fixed));
    let mut longest = 0u32;
    while cursor.load(file, table)? {
        let lengths = cursor.chunk.lengths.first().map(Vec::as_slice).unwrap_or_default();
        longest = longest.max(lengths.iter().copied().max().unwrap_or(0));
        cursor.entry = cursor.entry.saturating_add(cursor.left());
    }
    Ok(usize::try_from(longest).unwrap_or(usize::MAX))
}

/// A little-endian number as float32, and whether it comes back from it.
#[expect(clippy::cast_possible_truncation, reason = "what is lost is told")]
fn to_f32(primitive: Primitive, value: &[u8]) -> (f32, bool) {
    fn raw<const N: usize>(value: &[u8]) -> [u8; N] {
        value.try_into().unwrap_or([0; N])
    }
    let integer = |n: i128| {
        let float = n as f32;
        (float, float as i128 == n)
    };
    match primitive {
        Primitive::Bool | Primitive::U8 => integer(u8::from_le_bytes(raw(value)).into()),
        Primitive::I8 => integer(i8::from_le_bytes(raw(value)).into()),
        Primitive::U16 => integer(u16::from_le_bytes(raw(value)).into()),
        Primitive::I16 => integer(i16::from_le_bytes(raw(value)).into()),
        Primitive::U32 => integer(u32::from_le_bytes(raw(value)).into()),
        Primitive::I32 => integer(i32::from_le_bytes(raw(value)).into()),
        Primitive::U64 => integer(u64::from_le_bytes(raw(value)).into()),
        Primitive::I64 => integer(i64::from_le_bytes(raw(value)).into()),
        Primitive::F16 => (half(u16::from_le_bytes(raw(value))), true),
        Primitive::F32 => (f32::from_le_bytes(raw(value)), true),
        Primitive::F64 => {
            let double = f64::from_le_bytes(raw(value));
            let float = double as f32;
            (float, f64::from(float).to_bits() == double.to_bits())
        }
        Primitive::Truncated => (0.0, false),
    }
}

/// An IEEE-754 half.
fn half(bits: u16) -> f32 {
    let sign = u32::from(bits >> 15) << 31;
    let (exponent, mantissa) = (u32::from(bits >> 10 & 31), u32::from(bits & 0x3ff));
    match exponent {
        0 => {
            // 2^-24 is the smallest subnormal; the product is exact.
            let small = f32::from(bits & 0x3ff) * f32::from_bits(0x3380_0000);
            f32::from_bits(sign | small.to_bits())
        }
        31 => f32::from_bits(sign | 0x7f80_0000 | mantissa << 13),
        _ => f32::from_bits(sign | exponent.saturating_add(112) << 23 | mantissa << 13),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_float32_holds() {
        let of = |n: i64| to_f32(Primitive::I64, &n.to_le_bytes());
        assert_eq!(of(-7), (-7.0, true));
        assert_eq!(of(1 << 24), (16_777_216.0, true));
        assert!(!of((1 << 24) + 1).1 && !of(i64::MAX).1);
        assert!(!to_f32(Primitive::U64, &u64::MAX.to_le_bytes()).1);
        assert_eq!(to_f32(Primitive::F64, &0.5f64.to_le_bytes()), (0.5, true));
        assert!(!to_f32(Primitive::F64, &0.1f64.to_le_bytes()).1);
        assert!(!to_f32(Primitive::F64, &1e300f64.to_le_bytes()).1);
    }

    #[test]
    fn halves() {
        for (bits, wanted) in [
            (0x3c00, 1.0),
            (0xc000, -2.0),
            (0x7bff, 65504.0),
            (0x0400, 6.103_515_6e-5),
            (0x0001, 5.960_464_5e-8),
            (0x7c00, f32::INFINITY),
        ] {
            assert_eq!(half(bits), wanted, "{bits:04x}");
        }
        assert!(half(0x7e00).is_nan() && half(0x8000).to_bits() == 1 << 31);
    }
}
