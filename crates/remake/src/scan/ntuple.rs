//! Pieces of ROOT files: the pages of ntuples.

use crate::codec::Codec;
use crate::content::Shape;
use crate::content::shuffle::Sums;
use crate::scan::{Item, Piece, ValueKind};
use std::collections::BTreeMap;
use std::io::{Read, Seek};
use vxc_data::root::RootFile;
use vxc_data::root::ntuple::pages::StoredPage;
use vxc_tokens::layout::Endian;

/// Pages of all ntuples by their place, and the tables of their columns.
#[derive(Debug, Default)]
pub struct Pages {
    items: BTreeMap<u64, Item>,
    /// Columns in all.
    pub columns: usize,
}

/// What columns share whose values are of the same rows: ntuple, and the collections they lie in.
pub type Rows = (String, String);

impl Pages {
    /// Of a file; columns are numbered from `first` on. An ntuple that cannot be read costs its columns only.
    pub fn of<R: Read + Seek>(
        root: &mut RootFile<R>,
        first: usize,
        mut table: impl FnMut(usize, Rows),
    ) -> Self {
        let mut own = Self { items: BTreeMap::new(), columns: first };
        for path in root.ntuples() {
            let Ok(ntuple) = root.ntuple(&path) else { continue };
            let start = own.columns;
            own.columns = start.saturating_add(ntuple.schema.columns.len());
            let mut direct = BTreeMap::new();
            for stored in ntuple.stored_pages() {
                let column = start.saturating_add(stored.column);
                direct.insert(stored.column, stored.direct);
                // Pages that are alike may be one.
                own.items.entry(stored.page.offset).or_insert_with(|| item(&stored, column));
            }
            for value in &ntuple.columns {
                for &id in value.columns.iter().filter(|id| direct.get(id) == Some(&true)) {
                    table(start.saturating_add(id), (path.clone(), format!("{:?}", value.indices)));
                }
            }
        }
        own
    }

    /// A stretch of the file with the pages in it, and what lies between them.
    pub fn tile(&self, offset: u64, bytes: u64) -> Vec<Item> {
        let end = offset.saturating_add(bytes);
        let mut at = offset;
        let mut out = Vec::new();
        let gap = |from: u64, to: u64| Item { offset: from, bytes: to - from, piece: None };
        for (&start, item) in self.items.range(offset..end) {
            let next = start.saturating_add(item.bytes);
            // Of pages that overlap, the first one.
            if start < at || next > end {
                continue;
            }
            if start > at {
                out.push(gap(at, start));
            }
            out.push(item.clone());
            at = next;
        }
        if at < end || out.is_empty() {
            out.push(gap(at, end));
        }
        out
    }
}

fn item(stored: &StoredPage, column: usize) -> Item {
    let plain = stored.page.stored_bytes == stored.content_bytes;
    let kind = match stored.kind {
        Some(kind) => ValueKind::Numbers(kind, Endian::Little, 1),
        None => ValueKind::Bytes,
    };
    let piece = Piece {
        key_bytes: 0,
        codec: plain.then_some(Codec::Stored),
        stream: None,
        framed: !plain,
        content_bytes: stored.content_bytes,
        column,
        kind,
        shape: match stored.split_bytes {
            Some(unit) => Shape::Shuffled { unit, sums: Sums::default(), padding: 0 },
            None => Shape::Plain,
        },
        counts: false,
    };
    Item { offset: stored.page.offset, bytes: stored.page.stored_bytes, piece: Some(piece) }
}
