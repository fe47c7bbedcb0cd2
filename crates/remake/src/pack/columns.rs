//! The columns of a group, and the sections that they become.

use super::{Group, Section, tables};
use crate::error::RemakeError;
use crate::form::{Column, Sections, TABLE, table};
use crate::scan::ValueKind;
use std::collections::{BTreeMap, HashMap};
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
    all: Vec<Part>,
    /// By the scanner's number, and whether its kind is known.
    numbers: HashMap<(usize, bool), usize>,
    /// By width.
    lengths: HashMap<u8, usize>,
    /// The scanner's tables.
    tables: BTreeMap<usize, usize>,
}

/// A column.
#[derive(Debug)]
struct Part {
    kind: ValueKind,
    /// The table that its values may be of.
    table: Option<usize>,
    bytes: Vec<u8>,
}

impl Part {
    /// Values, where they may be of a table.
    fn rows(&self) -> Option<usize> {
        self.table.map(|_| self.bytes.len() / self.kind.record_bytes())
    }
}

impl Columns {
    /// No columns yet.
    pub fn new(tables: &BTreeMap<usize, usize>) -> Self {
        Self { tables: tables.clone(), ..Self::default() }
    }

    /// Takes all out, for the next group.
    pub fn take(&mut self) -> Self {
        let tables = std::mem::take(&mut self.tables);
        std::mem::replace(self, Self { tables, ..Self::default() })
    }

    /// The number of a column, which is made where it is new.
    pub fn find(&mut self, column: usize, kind: &ValueKind) -> usize {
        let key = (column, *kind != ValueKind::Bytes);
        if let Some(&number) = self.numbers.get(&key) {
            return number;
        }
        let table = self.tables.get(&column).copied();
        // Only single numbers: what arrays share is within them.
        let table = table.filter(|_| matches!(kind, ValueKind::Numbers(_, _, 1)));
        let number = self.add(kind.clone(), table);
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
        let number = self.add(ValueKind::Numbers(kind, Endian::Little, 1), None);
        self.lengths.insert(width, number);
        number
    }

    fn add(&mut self, kind: ValueKind, table: Option<usize>) -> usize {
        self.all.push(Part { kind, table, bytes: Vec::new() });
        self.all.len() - 1
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.all.len()
    }

    /// Appends values to a column.
    pub fn append(&mut self, column: usize, values: &[u8]) {
        if let Some(part) = self.all.get_mut(column) {
            part.bytes.extend_from_slice(values);
        }
    }

    /// Whether the columns of each table have the same number of values.
    pub fn are_level(&self) -> bool {
        let mut rows = BTreeMap::new();
        self.all.iter().all(|part| match (part.table, part.rows()) {
            (Some(table), Some(n)) => *rows.entry(table).or_insert(n) == n,
            _ => true,
        })
    }

    /// The sections of a group with these columns.
    ///
    /// # Errors
    /// None that columns of one length can have.
    pub fn sections(self, recipe: Vec<u8>, kept: Vec<u8>) -> Result<Group, RemakeError> {
        let rows = self.together();
        let kinds: Vec<ValueKind> = self.all.iter().map(|part| part.kind.clone()).collect();
        let mut layouts = Vec::new();
        let mut columns = Vec::new();
        for (number, Part { kind, bytes, .. }) in self.all.into_iter().enumerate() {
            if let Some(&table) = rows.get(&number) {
                layouts.push((None, false));
                columns.push(Column { class: table, width: kind.record_bytes(), bytes });
                continue;
            }
            let own = bytes.len() >= OWN;
            let base = class(&kind);
            layouts.push((layout(&kind, own), kind == ValueKind::Unknown && own));
            let class = if own { base | OWN_CLASS } else { base };
            columns.push(Column { class, width: 0, bytes });
        }
        let mut form = Sections { recipe, kept, columns };
        let (head, order) = form.head();
        let mut group = Vec::new();
        let mut previous = None;
        let bytes = (None, false);
        add(&mut group, head, bytes.clone(), &mut previous, 0);
        add(&mut group, std::mem::take(&mut form.kept), bytes, &mut previous, OWN_CLASS);
        let classes: Vec<u8> = form.columns.iter().map(|column| column.class).collect();
        let class = |at: &usize| classes.get(*at).copied().unwrap_or(0);
        for same in order.chunk_by(|a, b| class(a) == class(b)) {
            if same.first().is_some_and(|at| class(at) >= TABLE) {
                let found = || same.iter().filter_map(|&at| form.columns.get(at));
                let parts: Vec<(&[u8], usize)> =
                    found().map(|column| (column.bytes.as_slice(), column.width)).collect();
                let bytes = table::join(&parts)?;
                let kinds: Vec<ValueKind> =
                    same.iter().filter_map(|&at| kinds.get(at).cloned()).collect();
                group.push(Section { bytes, layout: tables::layout(&kinds), unknown: false });
                previous = None;
                continue;
            }
            for &at in same {
                let Some(column) = form.columns.get_mut(at) else { continue };
                let what = layouts.get_mut(at).map(std::mem::take).unwrap_or_default();
                let bytes = std::mem::take(&mut column.bytes);
                add(&mut group, bytes, what, &mut previous, column.class);
            }
        }
        Ok(group)
    }

    /// The columns that are to lie row by row, and the class of their table.
    fn together(&self) -> BTreeMap<usize, u8> {
        let mut tables: BTreeMap<(usize, usize), Vec<usize>> = BTreeMap::new();
        for (number, part) in self.all.iter().enumerate() {
            if let (Some(table), Some(rows)) = (part.table, part.rows()) {
                tables.entry((table, rows)).or_default().push(number);
            }
        }
        let mut out = BTreeMap::new();
        let mut class = TABLE;
        for (_, numbers) in tables {
            let columns: Vec<(&ValueKind, &[u8])> = numbers
                .iter()
                .filter_map(|&at| self.all.get(at).map(|part| (&part.kind, part.bytes.as_slice())))
                .collect();
            let related = tables::related(&columns);
            if related.is_empty() {
                continue;
            }
            out.extend(related.iter().filter_map(|&at| Some((*numbers.get(at)?, class))));
            match class.checked_add(1) {
                Some(next) => class = next,
                None => break,
            }
        }
        out
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
