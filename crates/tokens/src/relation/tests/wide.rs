//! Wide padded tables: relations are found within the budget, which is counted in operations.

use super::generator::{Random, Table, four_vectors, noise};
use crate::relation::SearchOptions;

/// A padded table: `objects` four-vectors of which each record has a few, zeros after them.
fn padded(rows: usize, objects: usize, fill: usize) -> Table {
    let mut t = Table::default();
    let mut random = Random(77);
    let counts: Vec<usize> = (0..rows).map(|_| random.below(objects as u64 + 1) as usize).collect();
    for object in 0..objects {
        let v = four_vectors(rows, 1000 + object as u64);
        for mut column in v.columns {
            for (v, &n) in column.iter_mut().zip(&counts) {
                if object >= n {
                    *v = 0;
                }
            }
            t.add(crate::layout::Kind::F32, column);
        }
    }
    for k in 0..fill {
        t.f32(noise(rows, 5000 + k as u64));
    }
    t
}

#[test]
fn six_hundred_columns_within_the_budget() {
    // 12 objects of 8 fields, spread among 578 columns of noise.
    let t = padded(480, 12, 578);
    assert_eq!(t.kinds.len(), 674);
    let order: Vec<usize> = (0..674).map(|i| i * 101 % 674).collect();
    let t = t.permuted(&order);
    let options = SearchOptions { records_total: 100_000, ..Default::default() };
    let found = t.find_with(&options);
    assert!(found.operations <= options.max_operations + options.max_operations / 8);
    let related = found.predictors.iter().flatten().count();
    // Four fields of each object; the last objects are too rare to tell.
    assert!((36..=60).contains(&related), "{related} relations, {} operations", found.operations);
}

#[test]
fn very_many_columns_look_at_neighbours() {
    let mut t = four_vectors(64, 5);
    for k in 0..1192 {
        t.f32(noise(64, 9000 + k));
    }
    let options = SearchOptions { max_operations: 10_000_000, ..Default::default() };
    let found = t.find_with(&options);
    assert!(
        found.operations <= options.max_operations + options.max_operations / 2,
        "{}",
        found.operations
    );
    assert!(found.predictors[..8].iter().flatten().count() >= 3);
}
