//! Pieces of ROOT files: every record, with the columns of those that are baskets of trees or hold pages of ntuples.

use super::ntuple::Pages;
use super::{Item, Piece, Plan, ValueKind};
use crate::codec::Codec;
use crate::content::{Shape, Tail};
use crate::error::RemakeError;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::{Read, Seek};
use std::sync::Arc;
use vxc_data::root::{Branch, Place, RootFile, layout};
use vxc_tokens::RecordLayout;
use vxc_tokens::layout::{Endian, Field, MAX_FIELDS};

/// What is known of a basket before it is read.
#[derive(Clone)]
struct Known {
    column: usize,
    kind: ValueKind,
    shape: Shape,
    counts: bool,
}

/// Plans a file.
///
/// # Errors
/// As [`RootFile::open`] and [`RootFile::records`]; a tree that cannot be read costs its columns only.
pub fn scan<R: Read + Seek>(file: &mut R) -> Result<Plan, RemakeError> {
    let mut root = RootFile::open(file)?;
    let mut known: HashMap<u64, Known> = HashMap::new();
    // Column 0 is for all that is no basket.
    let mut columns = 1;
    let (mut names, mut tables) = (BTreeMap::new(), BTreeMap::new());
    for path in root.trees() {
        let Ok(tree) = root.tree(&path) else { continue };
        let counters: BTreeSet<String> =
            tree.branches.iter().filter_map(|b| Some(b.counts.as_ref()?.path.clone())).collect();
        for branch in &tree.branches {
            let (kind, shape) = describe(branch);
            let number = names.len();
            let name = rows(&path, branch);
            let table = name.map(|name| *names.entry(name).or_insert(number));
            tables.extend(table.map(|table| (columns, table)));
            let counts = counters.contains(&branch.path);
            for basket in &branch.baskets {
                if let Place::Record { offset, .. } = basket.place {
                    let basket = Known { column: columns, kind: kind.clone(), shape, counts };
                    known.insert(offset, basket);
                }
            }
            columns += 1;
        }
    }
    let pages = Pages::of(&mut root, columns, |column, rows| {
        let number = names.len();
        tables.insert(column, *names.entry(rows).or_insert(number));
    });
    let begin = root.header().begin.min(root.file_bytes());
    let mut items = vec![Item { offset: 0, bytes: begin, piece: None }];
    for record in root.records()? {
        if record.key.as_ref().is_some_and(|key| key.class == "RBlob") {
            items.extend(pages.tile(record.offset, record.bytes));
            continue;
        }
        let piece = record.key.map(|key| {
            let stored = record.bytes.saturating_sub(key.key_bytes.into());
            let content = u64::from(key.raw_bytes);
            let plain = stored == content;
            let known = known.get(&record.offset).cloned().unwrap_or(Known {
                column: 0,
                kind: ValueKind::Bytes,
                shape: Shape::Plain,
                counts: false,
            });
            Piece {
                key_bytes: key.key_bytes.into(),
                codec: plain.then_some(Codec::Stored),
                stream: None,
                framed: !plain,
                content_bytes: content,
                column: known.column,
                kind: known.kind,
                shape: known.shape,
                counts: known.counts,
            }
        });
        items.push(Item { offset: record.offset, bytes: record.bytes, piece });
    }
    Ok(Plan { container: 1, items, tables })
}

/// What branches share whose values may be of the same rows: one value an entry; one counter; else, of sequences, the name
/// before the last dot, which is that of a collection.
fn rows(tree: &str, branch: &Branch) -> Option<(String, String)> {
    let found = branch.layout.as_ref().ok()?;
    let of = match (&branch.counts, found.shape) {
        (Some(counts), _) => counts.path.clone(),
        (None, layout::Shape::Fixed) => String::new(),
        (None, _) => branch.path.rsplit_once('.')?.0.to_owned() + ".",
    };
    Some((tree.to_owned(), of))
}

/// Kind and shape of a branch's baskets.
fn describe(branch: &Branch) -> (ValueKind, Shape) {
    let bytes = (ValueKind::Bytes, Shape::Plain);
    let Ok(found) = &branch.layout else { return bytes };
    if !found.is_plain() {
        return bytes;
    }
    let kind = match found.members.as_slice() {
        [member] => ValueKind::Numbers(
            member.primitive.kind(),
            Endian::Big,
            usize::try_from(member.count).unwrap_or(1),
        ),
        members => match record(members) {
            Some(layout) => ValueKind::Records(Arc::new(layout)),
            None => return bytes,
        },
    };
    let unit = found.record_bytes();
    match found.shape {
        layout::Shape::Fixed => (kind, Shape::Plain),
        layout::Shape::Jagged { header: 0 } => (kind, Shape::Jagged { unit, tail: Tail::Zero }),
        layout::Shape::Sequence { depth: 1 } => {
            (kind, Shape::Sequences { unit, tail: Tail::Zero, version: 0 })
        }
        _ => bytes,
    }
}

/// The layout of a record of several members.
fn record(members: &[layout::Member]) -> Option<RecordLayout> {
    let mut fields = Vec::new();
    let mut offset = 0usize;
    for (group, member) in (0u32..).zip(members) {
        for _ in 0..member.count.min(1 << 15) {
            let kind = member.primitive.kind();
            let name = String::new();
            fields.push(Field { name, offset, kind, endian: Endian::Big, group });
            offset = offset.checked_add(kind.bytes())?;
            if fields.len() > MAX_FIELDS {
                return None;
            }
        }
    }
    RecordLayout::new(offset, fields).ok()
}
