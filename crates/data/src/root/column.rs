//! The entries of a basket as columns: little-endian values, and lengths where entries differ in length.

use crate::error::DataError;
use crate::root::basket::Basket;
use crate::root::cursor::{BYTE_COUNT, Cursor};
use crate::root::layout::{Layout, Shape};
use crate::root::primitive::append_swapped;

/// Set in the version of a sequence whose elements are written member by member.
const MEMBERWISE: u16 = 0x4000;

/// Values of a run of entries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chunk {
    /// First entry.
    pub first_entry: u64,
    /// Entries.
    pub entries: u64,
    /// Records, little-endian, without gaps.
    pub values: Vec<u8>,
    /// Lengths of jagged columns, outermost first: one per entry, then one per inner sequence and so on;
    /// the last level counts records. Empty where every entry is one record.
    pub lengths: Vec<Vec<u32>>,
}

impl Chunk {
    /// Takes the entries of a basket apart.
    ///
    /// # Errors
    /// [`DataError::Corruption`] where the bytes do not fit the layout, [`DataError::Unsupported`] for
    /// jagged entries whose ends the basket does not tell.
    pub fn of(basket: &Basket, first_entry: u64, layout: &Layout) -> Result<Self, DataError> {
        let mut out = Self { first_entry, entries: u64::from(basket.entries), ..Self::default() };
        let record = layout.record_bytes();
        match layout.shape {
            Shape::Fixed => {
                let entries = usize::try_from(basket.entries).unwrap_or(usize::MAX);
                if layout.structure.is_some() {
                    let mut c = Cursor::new(basket.values());
                    records(&mut c, entries, layout, record, &mut out.values)?;
                    if c.remaining() > 0 {
                        return Err(DataError::corrupt("bytes after the last entry"));
                    }
                    return Ok(out);
                }
                if entries.checked_mul(record) != Some(basket.value_bytes) {
                    return Err(DataError::corrupt(format!(
                        "{entries} entries of {record} bytes in a basket of {}",
                        basket.value_bytes
                    )));
                }
                swap(basket.values(), layout, record, &mut out.values);
            }
            Shape::Jagged { header } => {
                let mut lengths = Vec::new();
                for entry in entries(basket)? {
                    let mut c = Cursor::new(entry);
                    if !entry.is_empty() {
                        c.skip(usize::from(header))?;
                    }
                    let body = c.bytes(c.remaining())?;
                    lengths.push(whole_records(body, record)?);
                    swap(body, layout, record, &mut out.values);
                }
                out.lengths.push(lengths);
            }
            Shape::Sequence { depth } | Shape::Members { depth } => {
                let depth = usize::try_from(depth).unwrap_or(usize::MAX).clamp(1, 16);
                out.lengths = vec![Vec::new(); depth];
                if basket.offsets.is_some() {
                    for entry in entries(basket)? {
                        let mut c = Cursor::new(entry);
                        // Of an empty collection nothing is written, not even the length of nothing.
                        if entry.is_empty() && matches!(layout.shape, Shape::Members { .. }) {
                            out.lengths.first_mut().into_iter().for_each(|all| all.push(0));
                            continue;
                        }
                        out.sequence(&mut c, layout, record)?;
                        if c.remaining() > 0 {
                            return Err(DataError::corrupt("bytes after a sequence"));
                        }
                    }
                } else {
                    // A sequence says where it ends.
                    let mut c = Cursor::new(basket.values());
                    for _ in 0..basket.entries {
                        out.sequence(&mut c, layout, record)?;
                    }
                    if c.remaining() > 0 {
                        return Err(DataError::corrupt("bytes after the last entry"));
                    }
                }
            }
        }
        Ok(out)
    }

    fn sequence(
        &mut self,
        c: &mut Cursor<'_>,
        layout: &Layout,
        record: usize,
    ) -> Result<(), DataError> {
        let size = c.u32()?;
        let end = usize::try_from(size & !BYTE_COUNT)
            .ok()
            .filter(|_| size & BYTE_COUNT != 0)
            .and_then(|n| c.position().checked_add(n))
            .ok_or_else(|| DataError::corrupt("a sequence without its length"))?;
        let mut inner = c.until(end)?;
        let by_member = inner.u16()? & MEMBERWISE != 0;
        let Self { values, lengths, .. } = self;
        match (layout.shape, lengths.split_first_mut()) {
            (Shape::Sequence { depth: 1 }, Some((outer, _))) if by_member => {
                let Some(structure) = &layout.structure else {
                    return Err(DataError::corrupt("numbers written member by member"));
                };
                outer.push(structure.read_members(&mut inner, record, values)?);
            }
            _ if by_member => {
                return Err(DataError::unsupported("sequences written member by member"));
            }
            (Shape::Members { .. }, Some((outer, lengths))) => {
                let mut n = 0u32;
                while inner.remaining() > 0 {
                    nested(&mut inner, layout, record, lengths, values)?;
                    n = n.saturating_add(1);
                }
                outer.push(n);
            }
            _ => nested(&mut inner, layout, record, lengths, values)?,
        }
        if inner.remaining() > 0 {
            return Err(DataError::corrupt("bytes left in a sequence"));
        }
        *c = c.at(end)?;
        Ok(())
    }

    /// Appends the entries that follow.
    pub(crate) fn append(&mut self, next: Chunk) {
        self.entries = self.entries.saturating_add(next.entries);
        self.values.extend_from_slice(&next.values);
        if self.lengths.is_empty() {
            self.lengths = next.lengths;
        } else {
            for (all, more) in self.lengths.iter_mut().zip(next.lengths) {
                all.extend(more);
            }
        }
    }

    /// Bytes in memory.
    pub(crate) fn bytes(&self) -> u64 {
        let lengths = self.lengths.iter().map(|l| l.len().saturating_mul(4));
        let sum = lengths.fold(self.values.len(), usize::saturating_add);
        u64::try_from(sum).unwrap_or(u64::MAX)
    }
}

/// The little-endian values of a column of integers, none of them negative.
///
/// # Errors
/// [`DataError::Corruption`] where one is negative or beyond 32 bits, or the column is not of single integers.
pub(crate) fn counts(chunk: &Chunk, layout: &Layout) -> Result<Vec<u32>, DataError> {
    let width = layout.record_bytes();
    let is_integer = matches!(layout.members.as_slice(), [member] if member.count == 1
        && matches!(member.primitive.name().trim_start_matches('u'), "int8" | "int16" | "int32" | "int64"));
    if !is_integer {
        return Err(DataError::corrupt("records counted by what is no integer"));
    }
    let number = |value: &[u8]| {
        let mut raw = [0u8; 8];
        raw.iter_mut().zip(value).for_each(|(to, from)| *to = *from);
        // A negative number has its sign bit set at its own width, beyond any count of records.
        let n = u64::from_le_bytes(raw);
        let negative = value.last().is_some_and(|&top| top & 0x80 != 0) && width > 1;
        u32::try_from(n).ok().filter(|_| !negative)
    };
    let all = chunk.values.chunks_exact(width.max(1)).map(number);
    all.collect::<Option<Vec<_>>>().ok_or_else(|| DataError::corrupt("a false number of records"))
}

/// One sequence at the outermost of `lengths`, which is as deep as the type.
fn nested(
    c: &mut Cursor<'_>,
    layout: &Layout,
    record: usize,
    lengths: &mut [Vec<u32>],
    values: &mut Vec<u8>,
) -> Result<(), DataError> {
    let n = c.count("sequence")?;
    let Some((own, inner)) = lengths.split_first_mut() else {
        return Err(DataError::corrupt("a sequence too deep"));
    };
    own.push(u32::try_from(n).unwrap_or(u32::MAX));
    if inner.is_empty() {
        return records(c, n, layout, record, values);
    }
    for _ in 0..n {
        nested(c, layout, record, inner, values)?;
    }
    Ok(())
}

/// Appends the numbers of so many records.
fn records(
    c: &mut Cursor<'_>,
    n: usize,
    layout: &Layout,
    record: usize,
    values: &mut Vec<u8>,
) -> Result<(), DataError> {
    let Some(structure) = &layout.structure else {
        let body = c.bytes(n.saturating_mul(record))?;
        swap(body, layout, record, values);
        return Ok(());
    };
    for _ in 0..n {
        structure.read(c, values)?;
    }
    Ok(())
}

/// The bytes of each entry.
fn entries(basket: &Basket) -> Result<impl Iterator<Item = &[u8]>, DataError> {
    let none = basket.entries == 0 || basket.value_bytes == 0;
    let offsets = match &basket.offsets {
        Some(offsets) => offsets.clone(),
        None if none => {
            let n = usize::try_from(basket.entries).unwrap_or(usize::MAX);
            // Entries without bytes cost nothing in the file: so many must not cost memory.
            if n > 1 << 24 {
                return Err(DataError::corrupt(format!("{n} entries in no bytes")));
            }
            vec![0; n.saturating_add(1)]
        }
        None => return Err(DataError::unsupported("jagged entries without their offsets")),
    };
    let values = basket.values();
    let at = |n: u32| usize::try_from(n).unwrap_or(usize::MAX);
    Ok((1..offsets.len()).map(move |i| {
        let from = offsets.get(i.saturating_sub(1)).copied().unwrap_or(0);
        let to = offsets.get(i).copied().unwrap_or(0);
        values.get(at(from)..at(to)).unwrap_or_default()
    }))
}

fn whole_records(body: &[u8], record: usize) -> Result<u32, DataError> {
    let n = body.len().checked_div(record).unwrap_or(0);
    if n.checked_mul(record) != Some(body.len()) {
        return Err(DataError::corrupt(format!(
            "an entry of {} bytes in records of {record}",
            body.len()
        )));
    }
    u32::try_from(n).map_err(|_| DataError::corrupt("an entry of 4 GiB"))
}

/// Appends whole records with the bytes of every value reversed.
fn swap(body: &[u8], layout: &Layout, record: usize, out: &mut Vec<u8>) {
    if let [member] = layout.members.as_slice() {
        return append_swapped(body, member.primitive.bytes(), out);
    }
    for one in body.chunks_exact(record.max(1)) {
        let mut rest = one;
        for member in &layout.members {
            let count = usize::try_from(member.count).unwrap_or(usize::MAX);
            let n = count.saturating_mul(member.primitive.bytes());
            let Some((values, after)) = rest.split_at_checked(n) else { return };
            append_swapped(values, member.primitive.bytes(), out);
            rest = after;
        }
    }
}
