//! The columns of a group, and the sections that they become.

use super::{Group, Section};
use crate::form::Sections;
use crate::scan::ValueKind;
use std::collections::HashMap;
use vxc_tokens::RecordLayout;
use vxc_tokens::layout::{Endian, Kind};

/// Columns of fewer bytes share a section with others of their kind of number: fitting a code to each would cost more
/// than it brings.
const OWN: usize = 16 << 10;
/// Classes of columns that have a section each.
const OWN_CLASS: u8 = 64;
/// Class of records of several kinds.
const RECORDS: u8 = 32;
/// Class of lengths, after which their widths follow.
const LENGTHS: u8 = 40;

#[derive(Debug, Default)]
pub struct Columns {
    all: Vec<(ValueKind, Vec<u8>)>,
    /// By the scanner's number, and whether its kind is known.
    numbers: HashMap<(usize, bool), usize>,
    /// By width.
    lengths: HashMap<u8, usize>,
}

impl Columns {
    /// The number of a column, which is made where it is new.
    pub fn find(&mut self, column: usize, kind: &ValueKind) -> usize {
        let key = (column, *kind != ValueKind::Bytes);
        if let Some(&number) = self.numbers.get(&key) {
            return number;
        }
        let number = self.add(kind.clone());
        self.numbers.insert(key, number);
        number
    }

    /// The column of lengths of a width.
    pub fn of_lengths(&mut self, width: u8) -> usize {
        if let Some(&number) = self.lengths.get(&width) {
            return number;
        }
        let kind = match width {
            1 => Kind::U8,
            2 => Kind::U16,
            _ => Kind::U32,
        };
        let number = self.add(ValueKind::Numbers(kind, Endian::Little, 1));
        self.lengths.insert(width, number);
        number
    }

    fn add(&mut self, kind: ValueKind) -> usize {
        self.all.push((kind, Vec::new()));
        self.all.len() - 1
    }

    /// Appends values to a column.
    pub fn append(&mut self, column: usize, values: &[u8]) {
        if let Some((_, bytes)) = self.all.get_mut(column) {
            bytes.extend_from_slice(values);
        }
    }

    /// The sections of a group with these columns.
    pub fn sections(self, recipe: Vec<u8>, kept: Vec<u8>) -> Group {
        let mut layouts = Vec::new();
        let mut columns = Vec::new();
        for (kind, bytes) in self.all {
            let own = bytes.len() >= OWN;
            let base = class(&kind);
            layouts.push((layout(&kind, own), kind == ValueKind::Unknown && own));
            columns.push((if own { base | OWN_CLASS } else { base }, bytes));
        }
        let mut form = Sections { recipe, kept, columns };
        let (head, order) = form.head();
        let mut group = Vec::new();
        let mut previous = None;
        let bytes = (None, false);
        add(&mut group, head, bytes.clone(), &mut previous, 0);
        add(&mut group, std::mem::take(&mut form.kept), bytes, &mut previous, OWN_CLASS);
        for number in order {
            let Some((class, bytes)) = form.columns.get_mut(number) else { continue };
            let what = layouts.get_mut(number).map(std::mem::take).unwrap_or_default();
            add(&mut group, std::mem::take(bytes), what, &mut previous, *class);
        }
        group
    }
}

/// Adds bytes to the last section where both are of one class whose columns share sections.
fn add(
    group: &mut Group,
    bytes: Vec<u8>,
    (layout, unknown): (Option<RecordLayout>, bool),
    previous: &mut Option<u8>,
    class: u8,
) {
    if bytes.is_empty() {
        return;
    }
    match group.last_mut() {
        Some(last) if *previous == Some(class) && class & OWN_CLASS == 0 => {
            last.bytes.extend_from_slice(&bytes);
        }
        _ => group.push(Section { bytes, layout, unknown }),
    }
    *previous = Some(class);
}

/// What may share a section: numbers of one kind.
fn class(kind: &ValueKind) -> u8 {
    let of = |kind: Kind| match kind {
        Kind::I8 => 2,
        Kind::U8 => 3,
        Kind::I16 => 4,
        Kind::U16 => 5,
        Kind::F16 | Kind::Bf16 => 6,
        Kind::I32 => 7,
        Kind::U32 => 8,
        Kind::F32 => 9,
        Kind::I64 => 10,
        Kind::U64 => 11,
        Kind::F64 => 12,
        Kind::Bytes(n) => 16 + n,
    };
    match kind {
        ValueKind::Bytes | ValueKind::Unknown => 1,
        ValueKind::Numbers(kind, Endian::Little, _) => LENGTHS + of(*kind),
        ValueKind::Numbers(kind, Endian::Big, _) => of(*kind),
        ValueKind::Records(_) => RECORDS,
    }
}

/// The layout of a section that is one column, or that several share.
fn layout(kind: &ValueKind, own: bool) -> Option<RecordLayout> {
    match kind {
        ValueKind::Bytes | ValueKind::Unknown => None,
        ValueKind::Numbers(kind, endian, count) => {
            RecordLayout::array(*kind, *endian, if own { *count } else { 1 }).ok()
        }
        ValueKind::Records(layout) => own.then(|| (**layout).clone()),
    }
}
