//! Closed formulas are found.

use super::generator::{Random, Table, four_vectors, noise};
use crate::layout::Kind;
use crate::relation::Function;

const ROWS: usize = 4096;

fn total(saved: &[f64]) -> f64 {
    saved.iter().sum()
}

#[test]
fn four_vectors_are_found_in_any_order_of_columns() {
    // Eight fields of four degrees of freedom: four are predicted, to about an ulp.
    let t = four_vectors(ROWS, 1);
    for order in [[0, 1, 2, 3, 4, 5, 6, 7], [6, 2, 5, 0, 7, 3, 1, 4], [7, 6, 5, 4, 3, 2, 1, 0]] {
        let mut t = t.permuted(&order);
        t.f32(noise(ROWS, 9));
        let found = t.find();
        let formulas = found
            .predictors
            .iter()
            .flatten()
            .filter(|p| matches!(p.function, Function::Formula { .. }));
        assert!(formulas.count() >= 4, "{:?}", found.predictors);
        assert!(total(&found.saved_bits) > 80.0, "{:?}", found.saved_bits);
        assert!(found.predictors[8].is_none());
    }
}

#[test]
fn energy_from_momentum_and_mass_alone() {
    let t = four_vectors(ROWS, 2).permuted(&[4, 5, 6, 3, 7]);
    let found = t.find();
    assert!(total(&found.saved_bits) > 18.0, "{:?} {:?}", found.saved_bits, found.predictors);
}

#[test]
fn a_mass_that_is_no_field() {
    let mut random = Random(3);
    let p: Vec<[f64; 3]> = (0..ROWS).map(|_| [0; 3].map(|_| random.range(-5.0, 5.0))).collect();
    let mut t = Table::default();
    for k in 0..3 {
        t.f32(p.iter().map(|p| p[k]));
    }
    t.f32(p.iter().map(|p| (p[0] * p[0] + p[1] * p[1] + p[2] * p[2] + 0.938 * 0.938).sqrt()));
    let found = t.find();
    assert!(found.saved_bits[3] > 18.0, "{:?} {:?}", found.saved_bits, found.predictors);
}

#[test]
fn probabilities_that_sum_to_one() {
    for n in [2, 3, 4, 5] {
        let mut random = Random(n as u64);
        let rows: Vec<Vec<f64>> = (0..ROWS)
            .map(|_| {
                let w: Vec<f64> = (0..n).map(|_| random.unit().powi(3) + 1e-4).collect();
                let sum: f64 = w.iter().sum();
                w.iter().map(|w| w / sum).collect()
            })
            .collect();
        let mut t = Table::default();
        t.f32(noise(ROWS, 5));
        for k in 0..n {
            t.f32(rows.iter().map(|r| r[k]));
        }
        t.f32(noise(ROWS, 6));
        let found = t.find();
        let best = found.saved_bits.iter().copied().fold(0.0, f64::max);
        assert!(best > 14.0, "{n}: {:?}", found.saved_bits);
        assert!(found.predictors[0].is_none() && found.predictors[n + 1].is_none());
    }
}

#[test]
fn a_tenth_of_the_rows_violating() {
    let mut t = four_vectors(ROWS, 4);
    for column in 4..8 {
        t.violate(column, 0.1, column as u64);
    }
    let found = t.find();
    assert!(total(&found.saved_bits) > 60.0, "{:?}", found.saved_bits);
    let exact = found
        .predictors
        .iter()
        .flatten()
        .filter(|p| matches!(p.function, Function::Formula { .. }));
    assert!(exact.count() >= 4);
}

#[test]
fn doubles() {
    let mut random = Random(5);
    let a: Vec<f64> = (0..ROWS).map(|_| random.range(1.0, 100.0)).collect();
    let b: Vec<f64> = (0..ROWS).map(|_| random.range(-3.0, 3.0)).collect();
    let mut t = Table::default();
    t.f64(a.iter().copied());
    t.f64(b.iter().copied());
    t.f64(a.iter().zip(&b).map(|(a, b)| a * b));
    t.f64(a.iter().zip(&b).map(|(a, b)| a / 1000.0 + b * 0.0));
    t.f32(b.iter().copied());
    let found = t.find();
    // b as f32 says 23 bits of b as f64 or all of itself.
    assert!(
        total(&found.saved_bits) > 45.0 + 45.0 + 20.0,
        "{:?} {:?}",
        found.saved_bits,
        found.predictors
    );
}

#[test]
fn integers_wrap_and_are_exact() {
    let mut random = Random(6);
    let start: Vec<u64> =
        (0..ROWS).map(|_| 1_700_000_000_000_000_000 + random.below(1 << 50)).collect();
    let length: Vec<u64> = (0..ROWS).map(|_| random.below(1 << 36)).collect();
    let third: Vec<u64> = (0..ROWS).map(|_| random.next()).collect();
    let mut t = Table::default();
    t.add(Kind::I64, start.iter().copied());
    t.add(Kind::U32, length.iter().map(|v| v & 0xffff_ffff));
    t.add(Kind::I64, start.iter().zip(&length).map(|(s, l)| s + (l & 0xffff_ffff)));
    t.add(Kind::U64, third.iter().copied());
    // Wraps in half of the rows.
    t.add(Kind::U64, (0..ROWS).map(|r| third[r].wrapping_add(start[r]).wrapping_sub(17)));
    // y = a + b − c
    t.add(Kind::U64, (0..ROWS).map(|r| third[(r + 1) % ROWS]));
    t.add(
        Kind::U64,
        (0..ROWS).map(|r| {
            third[(r + 1) % ROWS]
                .wrapping_add(third[r])
                .wrapping_sub(start[r] + (length[r] & 0xffff_ffff))
        }),
    );
    let found = t.find();
    assert!(
        total(&found.saved_bits) > 31.0 + 63.0 + 63.0,
        "{:?} {:?}",
        found.saved_bits,
        found.predictors
    );
}

#[test]
fn small_counts() {
    let mut random = Random(7);
    let a: Vec<u64> = (0..ROWS).map(|_| random.below(40)).collect();
    let b: Vec<u64> = (0..ROWS).map(|_| random.below(30)).collect();
    let mut t = Table::default();
    t.add(Kind::U8, a.iter().copied());
    t.add(Kind::I16, b.iter().copied());
    t.add(Kind::I32, a.iter().zip(&b).map(|(a, b)| a + b));
    let found = t.find();
    assert!(total(&found.saved_bits) > 4.0, "{:?}", found.saved_bits);
}

#[test]
fn scaled_and_converted_copies() {
    let mut random = Random(8);
    let gev: Vec<f64> =
        (0..ROWS).map(|_| f64::from((20.0 / (1.0 - random.unit())) as f32)).collect();
    let angle: Vec<f64> = (0..ROWS).map(|_| f64::from(random.range(-3.1, 3.1) as f32)).collect();
    let mut t = Table::default();
    t.f32(gev.iter().copied());
    t.f32(gev.iter().map(|v| v * 1000.0));
    t.f32(angle.iter().copied());
    t.f32(angle.iter().map(|v| v * 180.0 / std::f64::consts::PI));
    t.f64(angle.iter().copied());
    t.f32(angle.iter().map(|v| v.abs()));
    t.f32(gev.iter().map(|v| 1.8 * v + 32.0));
    t.f32(gev.iter().map(|v| v.log10()));
    let found = t.find();
    assert!(found.predictors.iter().flatten().count() >= 6, "{:?}", found.predictors);
    assert!(total(&found.saved_bits) > 6.0 * 19.0, "{:?}", found.saved_bits);
    let thousand = found.predictors.iter().flatten().any(|p| match &p.function {
        Function::Formula { constants, .. } => {
            constants.iter().any(|&c| [1000.0, 0.001].contains(&f64::from_bits(c)))
        }
        _ => false,
    });
    assert!(thousand, "{:?}", found.predictors);
}

#[test]
fn label_maps() {
    let mut random = Random(9);
    let key: Vec<u64> = (0..ROWS).map(|_| random.below(12)).collect();
    let map = [0u64, 5, 5, 4, 15, 0, 21, 13, 11, 99, 4, 7];
    let weight = [1.5f32, 0.3, 7.25, 0.0, 1e9, 2.2, 2.2, 3.3, 4.4, -5.5, 6.6, 7.7];
    let mut t = Table::default();
    t.add(Kind::I32, key.iter().map(|&k| map[k as usize]));
    t.add(Kind::F32, key.iter().map(|&k| u64::from(weight[k as usize].to_bits())));
    t.add(Kind::I32, key.iter().copied());
    t.f32(noise(ROWS, 10));
    let found = t.find();
    assert!(
        found.saved_bits[0] + found.saved_bits[1] + found.saved_bits[2] > 5.5,
        "{:?}",
        found.saved_bits
    );
    assert!(found.predictors[3].is_none());
}

#[test]
fn missing_values_do_not_hide_a_relation() {
    let mut t = four_vectors(ROWS, 11);
    let mut random = Random(12);
    for r in 0..ROWS {
        if random.unit() < 0.4 {
            for column in &mut t.columns {
                column[r] = u64::from(f32::NAN.to_bits());
            }
        }
    }
    let found = t.find();
    assert!(total(&found.saved_bits) > 45.0, "{:?}", found.saved_bits);
}

#[test]
fn approximate_relations() {
    let mut random = Random(13);
    let a: Vec<f64> = (0..ROWS).map(|_| 20.0 / (1.0 - random.unit()).max(1e-3)).collect();
    let b: Vec<f64> = (0..ROWS).map(|_| random.range(-2.5, 2.5)).collect();
    let mut t = Table::default();
    t.f32(a.iter().copied());
    t.f32(b.iter().copied());
    let y: Vec<f64> = a
        .iter()
        .zip(&b)
        .map(|(a, b)| a * (0.8 + 0.02 * b.abs()) * (1.0 + 1e-3 * random.range(-1.0, 1.0)))
        .collect();
    t.f32(y);
    let found = t.find();
    // The spread is 10^-3: about 9 of 24 bits.
    assert!(total(&found.saved_bits) > 7.0, "{:?}", found.saved_bits);
}
