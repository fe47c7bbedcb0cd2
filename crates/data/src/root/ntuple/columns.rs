//! The columns of numbers that an `RNTuple` holds, with the collections they lie in, and their values cluster by
//! cluster.
//!
//! A value's path leads from the top through records (which change nothing), collections (whose index columns
//! tell lengths) and fixed arrays (which repeat). Invariant of what is read: the index of each level has as many
//! elements as the level outside it says, does not decrease, and ends with the number of elements inside.

use crate::error::DataError;
use crate::limits::{self, Limits};
use crate::root::column::Chunk;
use crate::root::compression;
use crate::root::layout::{Layout, Member, Range, Shape};
use crate::root::ntuple::clusters::{Cluster, Page};
use crate::root::ntuple::encoding::Encoding;
use crate::root::ntuple::schema::{Column, Role, Schema};
use crate::root::source::Source;
use std::io::{Read, Seek};

/// A column of numbers, or a field that holds none.
#[derive(Clone, Debug, PartialEq)]
pub struct ValueColumn {
    /// Names of the fields it lies in, joined by `.`.
    pub path: String,
    /// C++ type of its field.
    pub type_name: String,
    /// How to read it, or why it cannot be read as numbers.
    pub layout: Result<Layout, String>,
    /// Identifiers of the index columns that tell its lengths, outermost first, each in all its
    /// representations.
    pub indices: Vec<Vec<usize>>,
    /// Identifiers of the column in all its representations.
    pub columns: Vec<usize>,
}

/// Every column of values of a schema.
pub(crate) fn all(schema: &Schema, limits: &Limits) -> Result<Vec<ValueColumn>, DataError> {
    let mut by_field: Vec<Vec<usize>> = vec![Vec::new(); schema.fields.len()];
    for (id, column) in schema.columns.iter().enumerate() {
        if let Some(list) = by_field.get_mut(column.field) {
            list.push(id);
        }
    }
    let mut out = Vec::new();
    let mut held = 0u64;
    for (id, field) in schema.fields.iter().enumerate() {
        let own = by_field.get(id).map(Vec::as_slice).unwrap_or_default();
        if field.projected || field.role == Role::Collection || own.is_empty() {
            continue;
        }
        let path = schema.path(id, limits)?;
        let mut value = ValueColumn {
            path,
            type_name: field.type_name.clone(),
            layout: Err(String::new()),
            indices: Vec::new(),
            columns: Vec::new(),
        };
        value.layout = layout(schema, &by_field, id, limits, &mut value)?;
        // Of all levels above, so that a small schema can ask for much.
        let ids =
            value.indices.iter().map(Vec::len).fold(value.columns.len(), usize::saturating_add);
        let words = ids.saturating_add(value.path.len().div_ceil(8));
        held = held.saturating_add(u64::try_from(words).unwrap_or(u64::MAX));
        limits::check("paths and indices of columns", held, limits.max_values)?;
        out.push(value);
    }
    Ok(out)
}

/// The columns of a field that are the `nth` of their representation.
fn nth(schema: &Schema, columns: &[usize], nth: usize) -> Vec<usize> {
    let mut out = Vec::new();
    let (mut representation, mut position) = (None, 0usize);
    for &id in columns {
        let own = schema.columns.get(id).map(|column| column.representation);
        position = if own == representation { position.saturating_add(1) } else { 0 };
        representation = own;
        if position == nth {
            out.push(id);
        }
    }
    out
}

fn layout(
    schema: &Schema,
    by_field: &[Vec<usize>],
    id: usize,
    limits: &Limits,
    value: &mut ValueColumn,
) -> Result<Result<Layout, String>, DataError> {
    let mut repeat = 1u64;
    let columns_of = |at: usize| by_field.get(at).map(Vec::as_slice).unwrap_or_default();
    for at in schema.lineage(id, limits)? {
        let Some(field) = schema.fields.get(at) else { continue };
        if field.role == Role::Variant {
            return Ok(Err("one of several types".into()));
        }
        if field.role == Role::Collection {
            if repeat != 1 {
                return Ok(Err("a fixed array of collections".into()));
            }
            value.indices.push(nth(schema, columns_of(at), 0));
        }
        repeat = repeat.saturating_mul(field.repeat.unwrap_or(1));
    }
    value.columns = nth(schema, columns_of(id), 1);
    if value.columns.is_empty() {
        value.columns = nth(schema, columns_of(id), 0);
    } else {
        // Text, and objects in ROOT's serial form: an index and bytes.
        if repeat != 1 {
            return Ok(Err("a fixed array of text".into()));
        }
        value.indices.push(nth(schema, columns_of(id), 0));
    }
    let mut primitive = None;
    let mut range = None;
    for column in value.columns.iter().filter_map(|&id| schema.columns.get(id)) {
        let encoding = match Encoding::of(column) {
            Ok(encoding) => encoding,
            Err(DataError::Unsupported(why)) => return Ok(Err(why)),
            Err(error) => return Err(error),
        };
        if primitive.is_some_and(|p| p != encoding.primitive) {
            return Ok(Err("representations of different types".into()));
        }
        primitive = Some(encoding.primitive);
        if let Some((min, max)) = column.range.filter(|_| column.kind == 0x1d) {
            range = Some(Range { min, max, bits: u32::from(column.bits) });
        }
    }
    let Some(primitive) = primitive else { return Ok(Err("a field without a column".into())) };
    let Some(count) = u32::try_from(repeat).ok().filter(|&n| n > 0) else {
        return Ok(Err(format!("a fixed array of {repeat}")));
    };
    let shape = match u32::try_from(value.indices.len()).unwrap_or(u32::MAX) {
        0 => Shape::Fixed,
        depth => Shape::Sequence { depth },
    };
    let name = value.path.clone();
    Ok(Ok(Layout::plain(shape, vec![Member { name, primitive, count, range }])))
}

/// The values of a column in a cluster.
pub(crate) fn chunk<R: Read + Seek>(
    source: &mut Source<R>,
    schema: &Schema,
    cluster: &Cluster,
    value: &ValueColumn,
    limits: &Limits,
) -> Result<Chunk, DataError> {
    let layout = value
        .layout
        .as_ref()
        .map_err(|why| DataError::unsupported(format!("column {}: {why}", value.path)))?;
    let mut out =
        Chunk { first_entry: cluster.first_entry, entries: cluster.entries, ..Chunk::default() };
    let mut expected = cluster.entries;
    let mut reading = Reading { source, schema, cluster, limits, budget: limits.max_basket };
    for ids in &value.indices {
        let (encoding, ends) = reading.elements(ids, expected, &value.path)?;
        if !encoding.index {
            return Err(DataError::corrupt(format!("column {}: no index", value.path)));
        }
        let lengths = lengths(&ends, encoding.primitive.bytes())?;
        expected = lengths.iter().fold(0u64, |sum, &n| sum.saturating_add(u64::from(n)));
        out.lengths.push(lengths);
    }
    let wanted = expected.saturating_mul(layout.record_values());
    out.values = reading.elements(&value.columns, wanted, &value.path)?.1;
    Ok(out)
}

/// What reading a cluster needs.
struct Reading<'a, R> {
    source: &'a mut Source<R>,
    schema: &'a Schema,
    cluster: &'a Cluster,
    limits: &'a Limits,
    /// Bytes of values that may still be read.
    budget: u64,
}

impl<R: Read + Seek> Reading<'_, R> {
    /// All elements of a column in the cluster, `wanted` in number, from the representation that is not
    /// suppressed. A column that was added while writing has zeros up to its first element.
    fn elements(
        &mut self,
        ids: &[usize],
        wanted: u64,
        path: &str,
    ) -> Result<(Encoding, Vec<u8>), DataError> {
        let columns = || ids.iter().filter_map(|&id| self.schema.columns.get(id).map(|c| (id, c)));
        let ranges = columns().map(|(id, column)| (column, self.cluster.columns.get(id)));
        let found = ranges
            .clone()
            .find(|(_, range)| range.is_some_and(|range| range.first_element >= 0))
            .or_else(|| {
                // A cluster written before the column was added need not list it.
                let added = |column: &Column| column.first_element > 0 || wanted == 0;
                ranges.clone().find(|(column, range)| range.is_none() && added(column))
            });
        let Some((column, range)) = found else {
            return Err(DataError::corrupt(format!("column {path}: not in its cluster")));
        };
        let encoding = Encoding::of(column)?;
        let pages = range.map(|range| range.pages.as_slice()).unwrap_or_default();
        let listed = pages.iter().fold(0u64, |sum, p| sum.saturating_add(u64::from(p.elements)));
        let missing = wanted.checked_sub(listed);
        let missing = missing.filter(|&n| n == 0 || column.first_element > 0).ok_or_else(|| {
            DataError::corrupt(format!("column {path}: {listed} elements, {wanted} expected"))
        })?;
        let width = encoding.primitive.bytes();
        self.budget = wanted
            .checked_mul(as_u64(width))
            .and_then(|needed| self.budget.checked_sub(needed))
            .ok_or(DataError::LimitExceeded {
                what: "values of a cluster",
                needed: wanted,
                limit: self.limits.max_basket,
            })?;
        let zeros = usize::try_from(missing).unwrap_or(usize::MAX).saturating_mul(width);
        let mut out = vec![0; zeros];
        for page in pages {
            let raw = encoding.page_bytes(page.elements);
            let stored = stored_page(self.source, page)?;
            let content = compression::content(stored, raw, self.limits.max_basket)?;
            encoding.decode(&content, page.elements, &mut out);
        }
        Ok((encoding, out))
    }
}

/// A page as it lies in the file, its checksum checked where it has one.
pub(crate) fn stored_page<R: Read + Seek>(
    source: &mut Source<R>,
    page: &Page,
) -> Result<Vec<u8>, DataError> {
    if !page.checksum {
        return source.read(page.offset, page.stored_bytes);
    }
    let mut bytes = source.read(page.offset, page.stored_bytes.saturating_add(8))?;
    let split = bytes.len().saturating_sub(8);
    let tail = bytes.split_off(split);
    let checksum = tail.first_chunk::<8>().copied().map(u64::from_le_bytes);
    if checksum != Some(xxhash_rust::xxh3::xxh3_64(&bytes)) {
        return Err(DataError::ChecksumMismatch("a page of an ntuple"));
    }
    Ok(bytes)
}

/// Lengths from ends, which count from the start of the cluster.
fn lengths(ends: &[u8], width: usize) -> Result<Vec<u32>, DataError> {
    let mut out = Vec::new();
    let mut last = 0u64;
    for end in ends.chunks_exact(width.max(1)) {
        let mut raw = [0u8; 8];
        for (to, from) in raw.iter_mut().zip(end) {
            *to = *from;
        }
        let end = u64::from_le_bytes(raw);
        let n = end
            .checked_sub(last)
            .and_then(|n| u32::try_from(n).ok())
            .ok_or_else(|| DataError::corrupt("ends of collections out of order"))?;
        out.push(n);
        last = end;
    }
    Ok(out)
}

fn as_u64(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}
