//! The unpacked form: what [`pack`](crate::pack()) writes and [`unpack`](crate::unpack()) reads.
//!
//! ```text
//! form   := group*                                  in the order of the file
//! group  := head · recipe · kept · columns          each column's bytes, by rising (class, number)
//! head   := recipe bytes, kept bytes, number of columns: varints
//!           · for each column: class u8, bytes varint, [width varint: class ≥ TABLE]     numbered in this order
//! recipe := op*                                     in the order of the file
//! op     := 0 · n varint                            the next n kept bytes
//!         | 8 · ends u8 · [setting u8] · content bytes varint · column zigzag varint         a part of a stream
//!         | flags u8 · [key bytes varint] · [method u8] · setting u8 · content bytes varint
//!           · column zigzag varint · [shape]
//! flags  := codec + 1 (bits 0–2) | FRAMED | KEYED | COUNTS | shape (bits 6–7)
//! shape  := 0 plain | 1 jagged | 2 sequences | 3 shuffled
//!   1: unit varint · lengths · tail (0 last word zero, 1 last word is the end)
//!   2: unit varint · lengths · tail (0, 1, 2 no offsets) · version varint
//!   3: unit varint · sums u8 ([`Sums`](crate::content::shuffle::Sums), [`PADDED`]) · [padding varint]
//! lengths := 0 · width u8 (1, 2, 4) · count varint · column varint    new ones, in that column
//!          | 1 + how many sets back in this group
//! ```
//! A column number is coded by its difference to the one after the last. KEYED: the next key bytes of the kept ones
//! are the header of a record of ROOT, whose fields are stored as differences to what the recipe says anyway
//! ([`content::patch_key`](crate::content::patch_key)). FRAMED: the content is cut into ROOT's blocks, all but the last of
//! [`BLOCK`] bytes, each with its header. COUNTS: the content is an array of big-endian `u32`, and counts as a set of
//! lengths.
//!
//! The columns of a class from [`TABLE`] on lie row by row ([`table`]): of each the next `width` bytes in turn.
//!
//! A stream is deflate of any length, whose content comes in parts, also over several groups: ends is [`FIRST`] (then its
//! setting follows) or [`LAST`] or both or none. Nothing else comes between its parts.

pub mod input;
pub mod table;

pub use input::{Form, before_gap};

use crate::error::RemakeError;
use crate::memory;
use std::io::Read;
use std::ops::Range;

/// Most bytes of a group, all sections together; a reader refuses more.
pub const MAX_GROUP: u64 = 128 << 20;
/// Content and kept bytes after which a writer ends a group.
pub const GROUP: u64 = 32 << 20;
/// Largest content of one piece.
pub const MAX_CONTENT: u64 = 64 << 20;
/// Most columns of a group.
pub const MAX_COLUMNS: u64 = 1 << 20;
/// Content of ROOT's full blocks.
pub const BLOCK: usize = 0xff_ffff;

/// Most bytes of a row of a table.
pub const MAX_ROW: u64 = 1 << 16;
/// Columns of a class from this on lie row by row.
pub const TABLE: u8 = 128;
/// Flag: ROOT's block headers.
pub const FRAMED: u8 = 8;
/// In place of flags: a part of a stream.
pub const STREAM: u8 = 8;
/// Ends of a stream: it starts with this part.
pub const FIRST: u8 = 1;
/// Ends of a stream: it ends with this part.
pub const LAST: u8 = 2;
/// Flag: a record's header comes before.
pub const KEYED: u8 = 16;
/// Flag: the content counts.
pub const COUNTS: u8 = 32;
/// With the sums of shape 3: so many zeros follow the values.
pub const PADDED: u8 = 8;
/// Where the shape stands in the flags.
pub const SHAPE_SHIFT: u32 = 6;

/// Appends a number, 7 bits a byte, lowest first.
pub fn put(out: &mut Vec<u8>, mut n: u64) {
    while n >= 0x80 {
        out.push((n & 0x7f) as u8 | 0x80);
        n >>= 7;
    }
    out.push((n & 0x7f) as u8);
}

/// Signed numbers near zero as small ones.
pub const fn zigzag(n: i64) -> u64 {
    ((n << 1) ^ (n >> 63)).cast_unsigned()
}

/// The inverse of [`zigzag`].
pub const fn unzigzag(n: u64) -> i64 {
    (n >> 1).cast_signed() ^ -((n & 1).cast_signed())
}

/// Bytes that are read from their start.
#[derive(Clone, Debug)]
pub struct Bytes<'a>(pub &'a [u8]);

impl<'a> Bytes<'a> {
    /// The next `n` bytes.
    ///
    /// # Errors
    /// [`RemakeError::Corruption`] where there are fewer.
    pub fn take(&mut self, n: u64) -> Result<&'a [u8], RemakeError> {
        let n = usize::try_from(n).unwrap_or(usize::MAX);
        let (now, rest) = self
            .0
            .split_at_checked(n)
            .ok_or(RemakeError::Corruption("a section is shorter than the recipe says"))?;
        self.0 = rest;
        Ok(now)
    }

    /// The next byte.
    ///
    /// # Errors
    /// As [`Bytes::take`].
    pub fn u8(&mut self) -> Result<u8, RemakeError> {
        Ok(self.take(1)?.first().copied().unwrap_or(0))
    }

    /// The next varint.
    ///
    /// # Errors
    /// As [`Bytes::take`], and for numbers beyond 63 bits.
    pub fn varint(&mut self) -> Result<u64, RemakeError> {
        varint(|| self.u8())
    }
}

fn varint(mut next: impl FnMut() -> Result<u8, RemakeError>) -> Result<u64, RemakeError> {
    let mut n = 0u64;
    for shift in (0..63).step_by(7) {
        let byte = next()?;
        n |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Ok(n);
        }
    }
    Err(RemakeError::Corruption("a number of more than 63 bits"))
}

/// The sections of a group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sections {
    /// Recipe.
    pub recipe: Vec<u8>,
    /// Bytes of the file that are kept.
    pub kept: Vec<u8>,
    /// The columns, by number.
    pub columns: Vec<Column>,
}

/// A column of a group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Column {
    /// Its class, which says where it stands.
    pub class: u8,
    /// Bytes of a value; 0 for a class below [`TABLE`].
    pub width: usize,
    /// Its values.
    pub bytes: Vec<u8>,
}

impl Sections {
    /// Numbers of the columns in the order in which they stand.
    fn order(classes: &[u8]) -> Vec<usize> {
        let mut order: Vec<usize> = (0..classes.len()).collect();
        order.sort_by_key(|&i| classes.get(i).copied());
        order
    }

    /// Head and recipe as bytes, and the numbers of the columns in the order in which they follow the kept bytes.
    pub fn head(&self) -> (Vec<u8>, Vec<usize>) {
        let mut out = Vec::new();
        put(&mut out, self.recipe.len() as u64);
        put(&mut out, self.kept.len() as u64);
        put(&mut out, self.columns.len() as u64);
        for column in &self.columns {
            out.push(column.class);
            put(&mut out, column.bytes.len() as u64);
            if column.class >= TABLE {
                put(&mut out, column.width as u64);
            }
        }
        out.extend_from_slice(&self.recipe);
        let classes: Vec<u8> = self.columns.iter().map(|column| column.class).collect();
        (out, Self::order(&classes))
    }

    /// Reads a group that takes no more memory than `most`; none at the end. Recipe, kept bytes and columns end where their
    /// first lost byte is; a head of which bytes are lost is an error.
    ///
    /// # Errors
    /// [`RemakeError::LimitExceeded`], [`RemakeError::MemoryExceeded`], [`RemakeError::Corruption`],
    /// [`RemakeError::InsufficientData`], I/O.
    pub fn read<R: Read, I: Fn(Range<u64>) -> u64>(
        input: &mut Form<R, I>,
        most: u64,
    ) -> Result<Option<Self>, RemakeError> {
        let Some(first) = input.byte()? else { return Ok(None) };
        let mut first = Some(first);
        let mut next = || match first.take() {
            Some(byte) => Ok(byte),
            None => input.byte()?.ok_or(RemakeError::InsufficientData),
        };
        let (recipe, kept) = (varint(&mut next)?, varint(&mut next)?);
        let count = varint(&mut next)?;
        if count > MAX_COLUMNS {
            return Err(RemakeError::LimitExceeded { needed: count, limit: MAX_COLUMNS });
        }
        let of_columns = memory::columns(count);
        memory::check(of_columns, most)?;
        let mut total = recipe.saturating_add(kept);
        let mut heads = Vec::new();
        for _ in 0..count {
            let class = next()?;
            let bytes = varint(&mut next)?;
            total = total.saturating_add(bytes);
            let width = if class >= TABLE { varint(&mut next)? } else { 0 };
            heads.push((class, bytes, width));
        }
        if total > MAX_GROUP {
            return Err(RemakeError::LimitExceeded { needed: total, limit: MAX_GROUP });
        }
        memory::check(of_columns.saturating_add(total), most)?;
        let recipe = input.section(recipe)?;
        let kept = input.section(kept)?;
        let classes: Vec<u8> = heads.iter().map(|(class, ..)| *class).collect();
        let mut columns: Vec<Column> =
            classes.iter().map(|&class| Column { class, ..Column::default() }).collect();
        let order = Self::order(&classes);
        for same in order.chunk_by(|a, b| classes.get(*a) == classes.get(*b)) {
            let found: Vec<_> = same.iter().filter_map(|&at| Some((at, *heads.get(at)?))).collect();
            if found.first().is_some_and(|(_, (class, ..))| *class >= TABLE) {
                let sizes: Vec<(u64, u64)> =
                    found.iter().map(|(_, (_, bytes, width))| (*bytes, *width)).collect();
                let row = sizes.iter().fold(0u64, |n, (_, width)| n.saturating_add(*width));
                if row > MAX_ROW {
                    return Err(RemakeError::LimitExceeded { needed: row, limit: MAX_ROW });
                }
                let rows = table::rows(&sizes)?;
                let widths: Vec<usize> =
                    sizes.iter().map(|(_, n)| usize::try_from(*n).unwrap_or(0)).collect();
                let parts = Self::rows(input, rows, row, &widths)?;
                for ((at, part), width) in same.iter().zip(parts).zip(widths) {
                    if let Some(column) = columns.get_mut(*at) {
                        (column.bytes, column.width) = (part, width);
                    }
                }
                continue;
            }
            for (at, (_, bytes, _)) in found {
                if let Some(column) = columns.get_mut(at) {
                    column.bytes = input.section(bytes)?;
                }
            }
        }
        Ok(Some(Self { recipe, kept, columns }))
    }

    /// The columns of so many rows of `row` bytes, up to the first row that is not whole.
    fn rows<R: Read, I: Fn(Range<u64>) -> u64>(
        input: &mut Form<R, I>,
        rows: u64,
        row: u64,
        widths: &[usize],
    ) -> Result<Vec<Vec<u8>>, RemakeError> {
        // All of it was counted, and no more than that is taken: columns that grow would take up to twice as much.
        let bytes = |width: &usize| usize::try_from(rows).unwrap_or(0).saturating_mul(*width);
        let mut parts: Vec<Vec<u8>> =
            widths.iter().map(|width| Vec::with_capacity(bytes(width))).collect();
        let mut whole = true;
        let mut left = rows;
        while left > 0 {
            let now = left.min(input::STEP.checked_div(row).unwrap_or(0).max(1));
            left = left.saturating_sub(now);
            let bytes = now.saturating_mul(row);
            let found = input.section(bytes)?;
            if whole {
                table::split(&found, widths, &mut parts);
            }
            whole &= found.len() as u64 == bytes;
        }
        Ok(parts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers() {
        for n in [0, 1, 127, 128, 300, u64::MAX >> 1] {
            let mut out = Vec::new();
            put(&mut out, n);
            assert_eq!(Bytes(&out).varint().unwrap(), n);
        }
        for n in [0, 1, -1, 63, -64, i64::MAX, i64::MIN] {
            assert_eq!(unzigzag(zigzag(n)), n);
        }
        assert!(Bytes(&[0x80; 12]).varint().is_err());
        assert!(Bytes(&[0x80]).varint().is_err());
    }

    fn column(class: u8, width: usize, bytes: &[u8]) -> Column {
        Column { class, width, bytes: bytes.to_vec() }
    }

    #[test]
    fn groups() {
        let sections = Sections {
            recipe: b"recipe".to_vec(),
            kept: b"kept".to_vec(),
            columns: vec![
                column(3, 0, b"a"),
                column(200, 2, b"ppqqrr"),
                column(1, 0, b"bb"),
                column(3, 0, b""),
                column(200, 1, b"xyz"),
            ],
        };
        let (mut form, order) = sections.head();
        assert_eq!(order, [2, 0, 3, 1, 4]);
        form.extend(b"keptbbappxqqyrrz");
        assert_eq!(read(&form).unwrap().unwrap(), sections);
        assert!(read(&[]).unwrap().is_none());
        for end in 1..form.len() {
            assert!(read(&form[..end]).is_err());
        }
        let mut bomb = Vec::new();
        put(&mut bomb, 1 << 60);
        bomb.extend([0, 0]);
        assert!(matches!(read(&bomb), Err(RemakeError::LimitExceeded { .. })));
        // One byte of memory less than it takes: nothing is read; as many columns as do not fit: not even their heads.
        let most = memory::columns(5) + 7 + 15;
        let within = |most| Sections::read(&mut Form::whole(&form[..]), most);
        assert!(within(most).unwrap().is_some());
        let refused = RemakeError::MemoryExceeded { needed: most, limit: most - 1 };
        assert_eq!(within(most - 1).unwrap_err().to_string(), refused.to_string());
        let many = Sections::read(&mut Form::whole(&[0, 0, 100][..]), memory::columns(100) - 1);
        assert!(matches!(many, Err(RemakeError::MemoryExceeded { .. })));
        // With a byte lost: in the second row of the table.
        let lost = form.len() - 6;
        let gap = lost as u64..lost as u64 + 1;
        let intact = |range| before_gap(std::slice::from_ref(&gap), range);
        let mut damaged = Form::with_gaps(&form[..], intact);
        let found = Sections::read(&mut damaged, u64::MAX).unwrap().unwrap();
        assert!(damaged.damaged);
        let mut expected = sections;
        expected.columns[1].bytes.truncate(2);
        expected.columns[4].bytes.truncate(1);
        assert_eq!(found, expected);
        // Cut short, the same.
        let mut cut = Form::with_gaps(&form[..lost], |range| before_gap(&[], range));
        assert_eq!(Sections::read(&mut cut, u64::MAX).unwrap().unwrap(), expected);
        assert!(cut.damaged);
    }

    /// Columns just above a power of two: what they take is what they hold.
    #[test]
    fn columns_of_a_table_take_what_was_counted() {
        let bytes = [0; 1025];
        let columns = vec![column(TABLE, 1, &bytes); 100];
        let sections = Sections { columns, ..Sections::default() };
        let (mut form, _) = sections.head();
        form.resize(form.len() + 100 * bytes.len(), 0);
        let found = read(&form).unwrap().unwrap();
        assert_eq!(found, sections);
        for column in found.columns {
            assert_eq!(column.bytes.capacity(), bytes.len());
        }
    }

    fn read(form: &[u8]) -> Result<Option<Sections>, RemakeError> {
        Sections::read(&mut Form::whole(form), u64::MAX)
    }
}
