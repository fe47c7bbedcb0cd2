//! Which columns are to lie row by row: those that follow from each other. Others are coded better by themselves.

use crate::form::MAX_ROW;
use crate::scan::ValueKind;
use std::collections::BTreeSet;
use vxc_tokens::RecordLayout;
use vxc_tokens::layout::{Endian, Field, Kind};
use vxc_tokens::relation::{SearchOptions, find_relations};

/// Fewest rows that a search makes sense with.
const MIN_ROWS: usize = 256;
/// Most columns that are searched together.
const MAX_COLUMNS: usize = 256;
/// Rows that are looked at, in runs of neighbours, and most values of all columns.
const RUN: usize = 512;
const MAX_ROWS: usize = 1 << 13;
const MAX_VALUES: usize = 1 << 20;
/// Formula evaluations (some 40 ns each): a fraction of what coding the group takes at any level that has relations.
const OPERATIONS: u64 = 20_000_000;
/// A relation counts that saves a column this share of its bits.
const SHARE: f64 = 0.05;

/// Numbers of the columns, of the same number of values each, that relations join; none where they save little.
pub fn related(columns: &[(&ValueKind, &[u8])]) -> Vec<usize> {
    let mut kinds = Vec::new();
    let mut values = Vec::new();
    // Constant columns have nothing to say.
    let varying: Vec<usize> = (0..columns.len())
        .filter(|&at| columns.get(at).is_some_and(|(kind, bytes)| varies(kind, bytes)))
        .take(MAX_COLUMNS)
        .collect();
    if varying.len() < 2 {
        return Vec::new();
    }
    let most = (MAX_VALUES / varying.len()).clamp(RUN, MAX_ROWS);
    for &at in &varying {
        let Some((ValueKind::Numbers(kind, endian, 1), bytes)) = columns.get(at) else {
            return Vec::new();
        };
        kinds.push(*kind);
        values.push(sample(*kind, *endian, bytes, most));
    }
    let rows = columns.first().map_or(0, |(kind, bytes)| bytes.len() / kind.record_bytes());
    if rows < MIN_ROWS {
        return Vec::new();
    }
    let options = SearchOptions {
        records_total: rows as u64,
        max_operations: OPERATIONS,
        ..SearchOptions::default()
    };
    let found = find_relations(&kinds, &values, &options);
    let mut joined = BTreeSet::new();
    let prices = found.saved_bits.iter().zip(&found.alone_bits);
    for (target, (predictor, (saved, alone))) in found.predictors.iter().zip(prices).enumerate() {
        let Some(predictor) = predictor else { continue };
        if *saved > SHARE * alone {
            joined.insert(target);
            joined.extend(predictor.sources().iter().map(|&source| usize::from(source)));
        }
    }
    joined.into_iter().filter_map(|at| varying.get(at).copied()).collect()
}

fn varies(kind: &ValueKind, bytes: &[u8]) -> bool {
    let mut values = bytes.chunks_exact(kind.record_bytes());
    let first = values.next();
    values.any(|value| Some(value) != first)
}

/// Values as numbers, in runs spread over the column.
fn sample(kind: Kind, endian: Endian, bytes: &[u8], most: usize) -> Vec<u64> {
    let width = kind.bytes();
    let rows = bytes.len() / width;
    let runs = most.div_ceil(RUN).min(rows.div_ceil(RUN)).max(1);
    let field = Field { name: String::new(), offset: 0, kind, endian, group: 0 };
    let mut out = Vec::new();
    for run in 0..runs {
        let start = run * rows / runs;
        let end = ((run + 1) * rows / runs).min(start + RUN);
        let part = bytes.get(start * width..end * width).unwrap_or_default();
        out.extend(part.chunks_exact(width).map(|value| field.load(value)));
    }
    out
}

/// The layout of rows of these columns.
pub fn layout(kinds: &[ValueKind]) -> Option<RecordLayout> {
    let mut fields = Vec::new();
    let mut offset = 0usize;
    for (group, kind) in (0u32..).zip(kinds) {
        let ValueKind::Numbers(kind, endian, 1) = kind else { return None };
        let name = String::new();
        fields.push(Field { name, offset, kind: *kind, endian: *endian, group });
        offset = offset.checked_add(kind.bytes())?;
    }
    RecordLayout::new(offset, fields).ok().filter(|_| offset as u64 <= MAX_ROW)
}
