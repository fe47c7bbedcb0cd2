//! Which bytes of a record form which number: dynamic programming over estimated code lengths.
//!
//! For each byte of the record (taken as a circle, since the phase may be unknown) and each kind that could
//! start there, a sample of rows is costed ([`column`]). The cheapest chain of fields wins; byte order is one for the
//! whole record. Unit: 2^-16 bit per row; all integer.

mod column;

use crate::layout::{Endian, Field, Kind, MAX_FIELDS, RecordLayout};
use crate::log2::BIT;
use column::{Scratch, at_offset};

/// Bytes of sampled rows that are looked at.
const SAMPLE_BYTES: usize = 160 * 1024;
const MAX_ROWS: usize = 768;

/// Cheapest kind and its cost for each start byte and width (1, 2, 4, 8), for one byte order.
struct Table {
    best: Vec<[(u64, Kind); 4]>,
}

/// Costs of all fields of a record of known stride; the phase is still free.
pub(crate) struct KindCosts {
    stride: usize,
    tables: [Table; 2],
    /// Extra cost of a field whose width is not the usual one: few rows, little evidence.
    unusual: u64,
}

impl KindCosts {
    /// From rows of `stride` bytes in `data`, which starts at phase 0 of the reference.
    pub fn new(data: &[u8], stride: usize) -> Self {
        let rows = sample_rows(data.len(), stride);
        let mut scratch = Scratch::new(if stride > 2 { 48 } else { 0 });
        let tables = [Endian::Little, Endian::Big].map(|endian| Table {
            best: (0..stride).map(|o| at_offset(data, &rows, o, endian, &mut scratch)).collect(),
        });
        let unusual = BIT + 64 * BIT / (rows.len() as u64).max(1);
        Self { stride, tables, unusual }
    }

    /// Cost per row of the best fields if records start at byte `phase` of the reference.
    pub fn cost(&self, phase: usize) -> u64 {
        self.solve(0, phase).0.min(self.solve(1, phase).0)
    }

    /// Cost per row of the fields of a given layout, records starting at phase 0; each field as the best kind of its
    /// byte order and class (float or not), since a wider or narrower sign is no contradiction.
    pub fn cost_of(&self, layout: &RecordLayout) -> u64 {
        let mut sum = 0;
        for f in &layout.fields {
            let table = &self.tables[usize::from(f.endian == Endian::Big)].best;
            let width = f.kind.bytes();
            sum += match width.is_power_of_two().then(|| table[f.offset][width.ilog2() as usize]) {
                Some((cost, _)) if cost < u64::MAX => cost,
                // Bytes without a meaning cost their bytes.
                _ => (0..width).map(|i| table[f.offset + i][0].0).sum(),
            };
        }
        sum
    }

    /// The best layout with records that start at byte `phase` of the reference.
    pub fn layout(&self, phase: usize) -> Option<RecordLayout> {
        let (little, big) = (self.solve(0, phase), self.solve(1, phase));
        // Little-endian unless the other is clearly better.
        let (endian, choice) = if big.0.saturating_add(big.0 / 256 + BIT / 4) < little.0 {
            (Endian::Big, big.1)
        } else {
            (Endian::Little, little.1)
        };
        let mut fields = Vec::new();
        let mut at = 0;
        while at < self.stride {
            let (kind, _) = choice[at]?;
            let endian = if kind.bytes() == 1 { Endian::Little } else { endian };
            let group = fields.len() as u32;
            fields.push(Field { name: String::new(), offset: at, kind, endian, group });
            at += kind.bytes();
        }
        if fields.len() > MAX_FIELDS {
            return None;
        }
        RecordLayout::new(self.stride, fields).ok()
    }

    /// The cheapest fields; where most bytes belong to fields of one width, others must earn their place.
    fn solve(&self, order: usize, phase: usize) -> (u64, Vec<Option<(Kind, u64)>>) {
        let first = self.chain(order, phase, 0);
        let mut share = [0; 9];
        let mut at = 0;
        while let Some(&Some((kind, _))) = first.1.get(at) {
            share[kind.bytes()] += kind.bytes();
            at += kind.bytes();
        }
        if self.unusual > 4 * BIT && self.stride.is_multiple_of(4) {
            // Hardly any rows: the most common width of all.
            return self.chain(order, phase, 4);
        }
        match share.iter().position(|&s| s * 10 >= self.stride * 6) {
            Some(width) if share[width] > width => self.chain(order, phase, width),
            _ => first,
        }
    }

    /// Cheapest chain from each offset to the record's end: the whole cost and the field at each offset.
    fn chain(&self, order: usize, phase: usize, usual: usize) -> (u64, Vec<Option<(Kind, u64)>>) {
        let n = self.stride;
        let mut tail = vec![0u64; n + 1];
        let mut choice = vec![None; n];
        for at in (0..n).rev() {
            let mut best = (u64::MAX, Kind::U8, 0);
            for (i, &(cost, kind)) in self.tables[order].best[(at + phase) % n].iter().enumerate() {
                let width = 1 << i;
                if at + width > n || cost == u64::MAX {
                    continue;
                }
                // Aligned fields are the rule.
                let skew = if at % width == 0 { 0 } else { BIT / 16 };
                let rare = if usual == 0 || width == usual { 0 } else { self.unusual };
                let total = cost + skew + rare + tail[at + width];
                if total <= best.0 {
                    best = (total, kind, cost);
                }
            }
            tail[at] = best.0;
            choice[at] = Some((best.1, best.2));
        }
        (tail[0], choice)
    }
}

/// Starts of sampled rows: up to eight runs of neighbours, so that differences mean something.
fn sample_rows(len: usize, stride: usize) -> Vec<usize> {
    // Fields may reach past the row into the next.
    let all = len.saturating_sub(7) / stride;
    let want = (SAMPLE_BYTES / stride).clamp(24, MAX_ROWS).min(all);
    let runs = (want / 24).clamp(1, 8);
    let each = want / runs;
    let mut rows = Vec::with_capacity(want);
    for r in 0..runs {
        let first = if runs == 1 { 0 } else { (all - each) / (runs - 1) * r };
        rows.extend((first..first + each).map(|i| i * stride));
    }
    rows
}
