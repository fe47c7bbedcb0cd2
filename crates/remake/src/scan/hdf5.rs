//! Pieces of HDF5 files: the chunks of every dataset that can be read, and contiguous ones.
//!
//! The values of a dataset are one column, in the order of the file; small datasets of one type share a column. What no
//! dataset holds is kept: metadata, other datasets, chunks whose filters no encoder here has.

use super::{Item, Piece, Plan, ValueKind};
use crate::codec::Codec;
use crate::content::Shape;
use crate::content::shuffle::Sums;
use crate::error::RemakeError;
use std::collections::HashMap;
use std::io::{Read, Seek};
use std::sync::Arc;
use vxc_data::hdf5::{Dataset, FilterKind, Hdf5File, RawChunk, Storage};
use vxc_tokens::RecordLayout;
use vxc_tokens::layout::{Endian, Kind};

/// Most bytes of a piece that can be cut.
const PIECE: u64 = 32 << 20;
/// Fewer bytes that are not compressed are kept: an entry of a recipe would cost as much as it brings.
const FEW: u64 = 64;
/// Datasets of fewer bytes share a column with others of their type.
const SMALL: u64 = 16 << 10;
/// Most pieces of a plan, which is held in memory.
const MAX_PIECES: usize = 8 << 20;
/// Most bytes of a shuffled element.
const MAX_ELEMENT: u32 = 1 << 16;

/// Plans a file.
///
/// # Errors
/// As [`Hdf5File::open`] and [`Hdf5File::entries`]; [`RemakeError::Corruption`] where pieces overlap. A dataset that
/// cannot be read costs its columns only.
pub fn scan<R: Read + Seek + Send + 'static>(file: R) -> Result<Plan, RemakeError> {
    let file = Hdf5File::open(file)?;
    let mut columns = Columns::default();
    let mut pieces = Vec::new();
    let mut walked = 0u64;
    for entry in file.entries()? {
        let Ok(dataset) = &entry.dataset else { continue };
        let Ok(chunks) = file.raw_chunks(dataset) else { continue };
        walked = walked.saturating_add(chunks.len() as u64);
        if walked > file.limits().max_values {
            let (needed, limit) = (walked, file.limits().max_values);
            return Err(RemakeError::LimitExceeded { needed, limit });
        }
        let kind = kind(dataset);
        let column = columns.number(dataset, &kind);
        for chunk in &chunks {
            let Some(piece) = piece(dataset, chunk, column, &kind) else { continue };
            cut(chunk, piece, &mut pieces);
            if pieces.len() > MAX_PIECES {
                return Err(RemakeError::LimitExceeded {
                    needed: pieces.len() as u64,
                    limit: MAX_PIECES as u64,
                });
            }
        }
    }
    let items = tile(pieces, file.file_bytes())?;
    Ok(Plan { container: 3, items, ..Plan::default() })
}

/// The values of a dataset: a record is an element with named members; else the last dimensions, as far as chunks
/// cover them and the codec has such records; else a number.
fn kind(dataset: &Dataset) -> ValueKind {
    let mut elements = 1u64;
    if !dataset.dtype.is_compound() {
        let inner = dataset.shape.iter().zip(&dataset.chunk_shape).skip(1).rev();
        for (&dim, _) in inner.take_while(|(dim, chunk)| dim == chunk) {
            elements = elements.saturating_mul(dim);
        }
    }
    let layout = Some(elements).filter(|&n| n > 0).and_then(|n| dataset.dtype.layout(n));
    match layout.or_else(|| dataset.dtype.layout(1)) {
        Some(layout) => of_layout(layout),
        None => ValueKind::Bytes,
    }
}

/// A layout of numbers of one kind by its name, so that columns of it may share sections.
fn of_layout(layout: RecordLayout) -> ValueKind {
    let count = layout.fields.len();
    match layout.fields.first().map(|first| (first.kind, first.endian)) {
        Some((kind, endian)) if !matches!(kind, Kind::Bytes(_)) => {
            let array = RecordLayout::array(kind, endian, count).ok();
            let same = array.is_some_and(|array| shape(&array) == shape(&layout));
            if same {
                ValueKind::Numbers(kind, endian, count)
            } else {
                ValueKind::Records(Arc::new(layout))
            }
        }
        _ => ValueKind::Records(Arc::new(layout)),
    }
}

/// What a layout is but for names.
type FieldsOf = (usize, Vec<(usize, Kind, Endian, u32)>);

fn shape(layout: &RecordLayout) -> FieldsOf {
    let fields = layout.fields.iter().map(|f| (f.offset, f.kind, f.endian, f.group));
    (layout.record_bytes, fields.collect())
}

/// Numbers of columns.
#[derive(Default)]
struct Columns {
    count: usize,
    small: HashMap<Option<FieldsOf>, usize>,
}

impl Columns {
    fn number(&mut self, dataset: &Dataset, kind: &ValueKind) -> usize {
        let next = self.count;
        let number = if dataset.content_bytes() < SMALL {
            let key = match kind {
                ValueKind::Bytes | ValueKind::Unknown => None,
                ValueKind::Numbers(kind, endian, n) => {
                    RecordLayout::array(*kind, *endian, *n).ok().map(|layout| shape(&layout))
                }
                ValueKind::Records(layout) => Some(shape(layout)),
            };
            *self.small.entry(key).or_insert(next)
        } else {
            next
        };
        if number == next {
            self.count += 1;
        }
        number
    }
}

/// How a chunk may be opened; `None` if it has to be kept.
fn piece(dataset: &Dataset, chunk: &RawChunk, column: usize, kind: &ValueKind) -> Option<Piece> {
    let applied = |at: usize| {
        let bit = u32::try_from(at).ok().and_then(|at| 1u32.checked_shl(at)).unwrap_or(0);
        chunk.filter_mask & bit == 0
    };
    let kinds = dataset.filters.iter().enumerate().filter(|(at, _)| applied(*at));
    let kinds: Vec<FilterKind> = kinds.map(|(_, filter)| filter.kind()).collect();
    let found = pipeline(&kinds, dataset.dtype.bytes);
    // Contiguous values are no chunk, whatever the shape of the dataset.
    let bytes = if dataset.filters.is_empty() { chunk.stored_bytes } else { dataset.chunk_bytes() };
    let content_bytes = bytes.checked_add(found.sums.content_bytes())?;
    let padding = padding(dataset, chunk);
    let plain = found.unit < 2 && found.sums == Sums::default() && padding == 0;
    let piece = Piece {
        key_bytes: 0,
        codec: Some(found.codec),
        stream: None,
        framed: false,
        content_bytes,
        column,
        kind: kind.clone(),
        shape: if plain {
            Shape::Plain
        } else {
            Shape::Shuffled { unit: found.unit.max(1), sums: found.sums, padding }
        },
        counts: false,
    };
    if !found.opaque {
        return (found.codec != Codec::Stored || bytes >= FEW).then_some(piece);
    }
    // What other filters gave has any length near that of the chunk, and is no records.
    let content_bytes = bytes.checked_add(bytes / 8)?.checked_add(4096)?;
    let piece = Piece { content_bytes, kind: ValueKind::Bytes, ..piece };
    (found.codec != Codec::Stored).then_some(piece)
}

/// Bytes of a chunk behind the last element that the dataset has.
fn padding(dataset: &Dataset, chunk: &RawChunk) -> u64 {
    if !matches!(dataset.storage, Storage::Chunked(_)) {
        return 0;
    }
    let mut shapes = dataset.shape.iter().zip(&dataset.chunk_shape).zip(&chunk.position);
    let elements = shapes.try_fold(1u64, |n, ((&dim, &cell), &at)| {
        let last = dim.saturating_sub(at).min(cell).checked_sub(1)?;
        // One more than the place of the last one, row by row.
        n.checked_sub(1)?.checked_mul(cell)?.checked_add(last)?.checked_add(1)
    });
    let width = dataset.dtype.bytes as u64;
    let used = elements.and_then(|n| n.checked_mul(width));
    used.and_then(|used| dataset.chunk_bytes().checked_sub(used)).unwrap_or(0)
}

/// What the filters of a chunk come to.
struct Pipeline {
    codec: Codec,
    unit: usize,
    sums: Sums,
    /// Whether filters before these remain.
    opaque: bool,
}

/// Filters in the order of writing: anything, sum, shuffle, sum, codec, sum; each may be missing.
fn pipeline(kinds: &[FilterKind], element_bytes: usize) -> Pipeline {
    let mut rest = kinds;
    let mut sums = Sums::default();
    let mut sum = |rest: &mut &[FilterKind], which: Sums| {
        if let [before @ .., FilterKind::Fletcher32] = *rest {
            *rest = before;
            sums = sums.and(which);
        }
    };
    sum(&mut rest, Sums::STORED);
    let codec = match rest.last() {
        Some(FilterKind::Deflate { .. }) => Codec::Zlib,
        Some(FilterKind::Lzf) => Codec::Lzf,
        Some(FilterKind::Zstd) => Codec::Zstd,
        _ => Codec::Stored,
    };
    if let (true, [before @ .., _]) = (codec != Codec::Stored, rest) {
        rest = before;
    }
    sum(&mut rest, Sums::CONTENT);
    let mut unit = 1;
    if let [before @ .., FilterKind::Shuffle { element_bytes: stated }] = rest {
        rest = before;
        let stated = stated.filter(|&n| n <= MAX_ELEMENT);
        unit = stated.and_then(|n| usize::try_from(n).ok()).unwrap_or(element_bytes);
    }
    sum(&mut rest, Sums::VALUES);
    Pipeline { codec, unit, sums, opaque: !rest.is_empty() }
}

/// Adds a piece; one that is not compressed in parts of whole records.
fn cut(chunk: &RawChunk, piece: Piece, pieces: &mut Vec<Item>) {
    let (mut offset, mut left) = (chunk.offset, chunk.stored_bytes);
    if piece.codec == Some(Codec::Stored) && piece.shape == Shape::Plain {
        let record = piece.kind.record_bytes() as u64;
        let most = (PIECE / record).max(1).saturating_mul(record);
        while left > most {
            let part = Piece { content_bytes: most, ..piece.clone() };
            pieces.push(Item { offset, bytes: most, piece: Some(part) });
            offset = offset.saturating_add(most);
            left -= most;
        }
        let part = Piece { content_bytes: left, ..piece };
        pieces.push(Item { offset, bytes: left, piece: Some(part) });
    } else {
        pieces.push(Item { offset, bytes: left, piece: Some(piece) });
    }
}

/// The pieces in the order of the file, with what lies between them.
fn tile(mut pieces: Vec<Item>, file_bytes: u64) -> Result<Vec<Item>, RemakeError> {
    pieces.retain(|piece| piece.bytes > 0);
    pieces.sort_by_key(|piece| piece.offset);
    let mut items: Vec<Item> = Vec::new();
    let mut at = 0u64;
    for next in pieces {
        let gap = next.offset.checked_sub(at);
        let gap = gap.ok_or(RemakeError::Corruption("chunks that overlap"))?;
        if gap > 0 {
            items.push(Item { offset: at, bytes: gap, piece: None });
        }
        let end = next.offset.checked_add(next.bytes).filter(|&end| end <= file_bytes);
        at = end.ok_or(RemakeError::Corruption("a chunk beyond the end"))?;
        match items.last_mut() {
            Some(last) if together(last, &next) => {
                last.bytes += next.bytes;
                last.piece.iter_mut().for_each(|piece| piece.content_bytes += next.bytes);
            }
            _ => items.push(next),
        }
    }
    if at < file_bytes {
        items.push(Item { offset: at, bytes: file_bytes - at, piece: None });
    }
    Ok(items)
}

/// Whether two pieces that follow each other may be one: values of one column that are not compressed.
fn together(one: &Item, next: &Item) -> bool {
    let plain = |piece: &Piece| piece.codec == Some(Codec::Stored) && piece.shape == Shape::Plain;
    let (Some(a), Some(b)) = (&one.piece, &next.piece) else { return false };
    plain(a) && plain(b) && a.column == b.column && one.bytes + next.bytes <= PIECE
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(offset: u64, bytes: u64, column: usize) -> Item {
        let piece = Piece {
            key_bytes: 0,
            codec: Some(Codec::Stored),
            stream: None,
            framed: false,
            content_bytes: bytes,
            column,
            kind: ValueKind::Numbers(Kind::F32, Endian::Little, 3),
            shape: Shape::Plain,
            counts: false,
        };
        Item { offset, bytes, piece: Some(piece) }
    }

    #[test]
    fn tiles_in_any_order() {
        let pieces =
            vec![stored(50, 12, 1), stored(10, 12, 1), stored(22, 24, 1), stored(62, 1, 2)];
        let items = tile(pieces, 70).unwrap();
        let all: Vec<_> = items.iter().map(|i| (i.offset, i.bytes, i.piece.is_some())).collect();
        let wanted =
            [(0, 10, false), (10, 36, true), (46, 4, false), (50, 12, true), (62, 1, true)];
        assert_eq!(all[..5], wanted);
        assert_eq!(all[5..], [(63, 7, false)]);
    }

    #[test]
    fn what_overlaps_or_lies_outside_is_no_plan() {
        assert!(tile(vec![stored(0, 10, 0), stored(9, 5, 0)], 70).is_err());
        assert!(tile(vec![stored(60, 11, 0)], 70).is_err());
        assert!(tile(vec![stored(u64::MAX, 1, 0)], u64::MAX).is_err());
    }

    #[test]
    fn long_values_are_cut_between_records() {
        let chunk =
            RawChunk { offset: 7, stored_bytes: 100 << 20, filter_mask: 0, position: Vec::new() };
        let mut pieces = Vec::new();
        cut(&chunk, stored(0, 0, 0).piece.unwrap(), &mut pieces);
        assert_eq!(pieces.iter().map(|p| p.bytes).sum::<u64>(), 100 << 20);
        assert!(pieces.len() == 4 && pieces.iter().all(|p| p.bytes <= PIECE));
        assert!(pieces.iter().rev().skip(1).all(|p| p.bytes % 12 == 0));
        assert_eq!(tile(pieces, 200 << 20).unwrap().len(), 6);
    }

    #[test]
    fn pipelines() {
        use FilterKind::{Deflate, Fletcher32, Lzf, ScaleOffset, Shuffle};
        let shuffle = Shuffle { element_bytes: Some(8) };
        let deflate = Deflate { level: Some(4) };
        let of = |kinds: &[FilterKind]| {
            let found = pipeline(kinds, 4);
            (found.codec, found.unit, found.sums.number(), found.opaque)
        };
        assert_eq!(of(&[]), (Codec::Stored, 1, 0, false));
        assert_eq!(of(&[shuffle, deflate, Fletcher32]), (Codec::Zlib, 8, 4, false));
        assert_eq!(of(&[Fletcher32, shuffle, Lzf]), (Codec::Lzf, 8, 1, false));
        assert_eq!(of(&[shuffle, Fletcher32, deflate]), (Codec::Zlib, 8, 2, false));
        assert_eq!(of(&[Shuffle { element_bytes: None }]), (Codec::Stored, 4, 0, false));
        assert_eq!(of(&[ScaleOffset, deflate]), (Codec::Zlib, 1, 0, true));
        assert_eq!(of(&[deflate, deflate]), (Codec::Zlib, 1, 0, true));
    }
}
