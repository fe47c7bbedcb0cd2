//! Lookups: fields that a field of few distinct values decides.

use super::check::Candidates;
use crate::log2::{BIT, log2};
use crate::relation::{Function, MAX_LOOKUP, Predictor};

/// Share of rows that may contradict the table.
const CONTRADICTIONS: f64 = 0.35;
/// Most key fields.
const MOST_KEYS: usize = 800;

/// A field of few distinct values: per row the number of its value.
struct Categories {
    field: u16,
    values: Vec<u64>,
    ids: Vec<u16>,
}

/// All tables from one field to another.
pub(crate) fn lookups(found: &mut Candidates) {
    let sample = found.sample;
    let rows = sample.search(0).len();
    let most = MAX_LOOKUP.min(rows / 8);
    let categories: Vec<Categories> = sample
        .sources
        .iter()
        .filter_map(|&f| categories(f, sample.search(f), most))
        .take(MOST_KEYS)
        .collect();
    for key in &categories {
        for value in &categories {
            let t = value.field;
            // A scaled copy is a formula, and a table that is no smaller than the field is none.
            if key.field == t || !found.is_target(t) || value.values.len() > key.values.len() {
                continue;
            }
            if let Some((table, score)) = table(key, value, found) {
                let function = Function::Lookup { source: key.field, table };
                found.keep(t, score, Predictor { function, quantum: 0 });
            }
        }
    }
}

fn categories(field: u16, column: &[u64], most: usize) -> Option<Categories> {
    let mut values: Vec<u64> = column.iter().take(256).copied().collect();
    values.sort_unstable();
    values.dedup();
    if values.len() > most.max(2) || values.len() > 200 {
        return None;
    }
    let mut values = column.to_vec();
    values.sort_unstable();
    values.dedup();
    if values.len() < 2 || values.len() > most {
        return None;
    }
    let ids = column.iter().map(|v| values.partition_point(|x| x < v) as u16).collect();
    Some(Categories { field, values, ids })
}

fn table(
    key: &Categories,
    value: &Categories,
    found: &mut Candidates,
) -> Option<(Vec<(u64, u64)>, f64)> {
    // A look at the start: the first value seen for a key, and how often another one follows.
    let mut first = vec![u16::MAX; key.ids.len().min(key.values.len())];
    let mut wrong = 0usize;
    for (i, (&k, &v)) in key.ids.iter().zip(&value.ids).enumerate() {
        let f = &mut first[k as usize];
        if *f == u16::MAX {
            *f = v;
        }
        wrong += usize::from(*f != v);
        if i % 64 == 63 && wrong as f64 > 2.0 * CONTRADICTIONS * i as f64 {
            found.operations += i as u64;
            return None;
        }
    }
    found.operations += key.ids.len() as u64;
    // The most frequent value of each key.
    let mut pairs: Vec<u32> =
        key.ids.iter().zip(&value.ids).map(|(&k, &v)| u32::from(k) << 16 | u32::from(v)).collect();
    pairs.sort_unstable();
    let mut table = Vec::with_capacity(key.values.len());
    let mut right = 0;
    for group in pairs.chunk_by(|a, b| a >> 16 == b >> 16) {
        let run = group
            .chunk_by(|a, b| a == b)
            .fold(&group[..0], |best, run| if run.len() > best.len() { run } else { best });
        right += run.len();
        table.push((key.values[(run[0] >> 16) as usize], value.values[(run[0] & 0xffff) as usize]));
    }
    let n = pairs.len();
    let wrong = n - right;
    if wrong as f64 > CONTRADICTIONS * n as f64 {
        return None;
    }
    // Unknown keys give the pattern 0, so those entries need not be written.
    table.retain(|e| e.1 != 0);
    let width = f64::from(found.sample.kinds[value.field as usize].bits());
    let told = log2(n as u64).saturating_sub(log2(wrong.max(1) as u64)) as f64 / BIT as f64;
    let score = wrong as f64 / n as f64 * (told + width.min(16.0)) + 0.3;
    Some((table, score))
}
