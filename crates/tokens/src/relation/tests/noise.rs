//! Nothing is invented: independent fields get no predictor.

use super::generator::{Random, Table, noise};
use crate::layout::Kind;

fn unrelated(rows: usize, seed: u64) -> Table {
    let mut random = Random(seed);
    let mut t = Table::default();
    for k in 0..6 {
        t.f32(noise(rows, seed * 100 + k));
    }
    for _ in 0..4 {
        t.f32((0..rows).map(|_| random.range(0.0, 1.0)).collect::<Vec<_>>());
    }
    for _ in 0..3 {
        t.f32((0..rows).map(|_| 1.0 / (1.0 - random.unit())).collect::<Vec<_>>());
    }
    for _ in 0..3 {
        t.f64((0..rows).map(|_| random.range(-100.0, 100.0)).collect::<Vec<_>>());
    }
    for bits in [2, 5, 12, 31] {
        t.add(Kind::I32, (0..rows).map(|_| random.below(1 << bits)).collect::<Vec<_>>());
    }
    t.add(Kind::U64, (0..rows).map(|_| random.next()).collect::<Vec<_>>());
    t.add(Kind::U8, (0..rows).map(|_| u64::from(random.unit() < 0.3)).collect::<Vec<_>>());
    // Constant, and nearly so.
    t.f32(vec![1.0; rows]);
    t.f32((0..rows).map(|r| if r % 97 == 0 { random.unit() } else { 0.0 }).collect::<Vec<_>>());
    t
}

#[test]
fn noise_gets_no_relation() {
    for (rows, seed) in [(64, 1), (200, 2), (500, 3), (2000, 4), (8192, 5), (4096, 6)] {
        let t = unrelated(rows, seed);
        let found = t.find();
        let invented: Vec<_> = found.predictors.iter().flatten().collect();
        assert!(invented.is_empty(), "{rows} rows: {invented:?} {:?}", found.saved_bits);
        // The order is the fields' own.
        assert!(found.order.iter().enumerate().all(|(i, &f)| i == f as usize));
    }
}

#[test]
fn too_few_rows_give_nothing() {
    for rows in [0, 1, 2, 31] {
        let mut t = unrelated(32, 9);
        t.columns.iter_mut().for_each(|c| c.truncate(rows));
        assert!(t.find().predictors.iter().all(Option::is_none));
    }
    assert!(Table::default().find().order.is_empty());
}

#[test]
fn degenerate_values_are_survived() {
    // NaN, infinities, zeros of both signs, subnormals, extremes.
    let special: Vec<u64> = [
        f32::NAN,
        f32::INFINITY,
        f32::NEG_INFINITY,
        0.0,
        -0.0,
        f32::MAX,
        f32::MIN,
        f32::MIN_POSITIVE,
        f32::from_bits(1),
    ]
    .iter()
    .map(|v| u64::from(v.to_bits()))
    .collect();
    let mut random = Random(10);
    let mut t = Table::default();
    for _ in 0..6 {
        t.add(
            Kind::F32,
            (0..512)
                .map(|_| special[random.below(special.len() as u64) as usize])
                .collect::<Vec<_>>(),
        );
    }
    for kind in [Kind::F16, Kind::Bf16, Kind::F64, Kind::I8, Kind::I64, Kind::U64, Kind::Bytes(3)] {
        let all = crate::ordered::mask(kind.bits());
        t.add(kind, (0..512).map(|_| random.next() & all).collect::<Vec<_>>());
    }
    t.find();
}
