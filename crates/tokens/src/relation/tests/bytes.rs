//! Bytes round-trip, hostile bytes give errors, block and row evaluation agree.

use proptest::prelude::*;

use crate::layout::Kind;
use crate::ordered::mask;
use crate::relation::formula::{Eval, FORMULAS, MAX_SOURCES, WEIGHTED};
use crate::relation::linear::{BASES, Link};
use crate::relation::{Function, Linear, Predictor};

fn kind() -> impl Strategy<Value = Kind> {
    prop::sample::select([&Kind::NUMBERS[..], &[Kind::Bytes(3), Kind::Bytes(8)]].concat())
}
const FIELDS: usize = 7;

fn constant() -> impl Strategy<Value = u64> {
    prop_oneof![
        any::<u64>(),
        any::<f32>().prop_map(|v| f64::from(v).to_bits()),
        (-5i32..5).prop_map(|v| f64::from(v).to_bits()),
    ]
}

fn predictor() -> impl Strategy<Value = Predictor> {
    let source = 0..FIELDS as u16;
    let formula = (
        0..FORMULAS.len(),
        prop::collection::vec(source.clone(), MAX_SOURCES),
        prop::collection::vec(constant(), MAX_SOURCES + 1),
        0usize..3,
        1..=MAX_SOURCES,
    )
        .prop_map(|(i, mut sources, mut constants, n, free)| {
            let f = &FORMULAS[i];
            let (s, c) = match f.eval {
                Eval::Copy => (1, 0),
                Eval::Weighted | Eval::Whole => (free, free + 1),
                _ => (f.arity(), n),
            };
            sources.truncate(s);
            constants.truncate(c);
            Function::Formula { id: f.id, sources, constants }
        });
    let linear = (
        1usize..=3,
        prop::collection::vec(([0..BASES, 0..BASES, 0..BASES], constant()), 0..20),
        0u8..3,
    )
        .prop_flat_map(move |(n, terms, link)| {
            prop::collection::vec(0..FIELDS as u16, n).prop_map(move |sources| {
                let mut list: Vec<[u8; 3]> = terms.iter().map(|t| t.0).collect();
                for t in &mut list {
                    t[sources.len()..].fill(0);
                }
                Function::Linear(Linear {
                    sources,
                    terms: list,
                    coefficients: terms.iter().map(|t| t.1).collect(),
                    link: Link::from_number(link).expect("three links"),
                })
            })
        });
    let lookup = (source, prop::collection::btree_map(any::<u64>(), any::<u64>(), 0..40)).prop_map(
        |(source, table)| Function::Lookup { source, table: table.into_iter().collect() },
    );
    (
        prop_oneof![4 => formula, 2 => linear, 1 => lookup],
        prop_oneof![2 => Just(0u8), 1 => 1u8..=52],
    )
        .prop_map(|(function, quantum)| Predictor { function, quantum })
}

fn raw() -> impl Strategy<Value = u64> {
    prop_oneof![
        any::<u64>(),
        (-100.0f32..100.0).prop_map(|v| u64::from(v.to_bits())),
        (-100.0f64..100.0).prop_map(f64::to_bits),
        0u64..20,
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, ..Default::default() })]

    #[test]
    fn bytes_round_trip(p in predictor()) {
        let mut bytes = Vec::new();
        p.write(&mut bytes);
        bytes.push(0xa5);
        let mut rest = &bytes[..];
        prop_assert_eq!(Predictor::read(&mut rest, FIELDS).expect("valid"), p.clone());
        prop_assert_eq!(rest, &[0xa5u8][..]);
        // Every truncation is noticed.
        for n in 0..bytes.len() - 1 {
            prop_assert!(Predictor::read(&mut &bytes[..n], FIELDS).is_err());
        }
    }

    #[test]
    fn hostile_bytes_never_panic(
        mut bytes in prop::collection::vec(any::<u8>(), 0..80),
        tag in 0u8..9,
        p in predictor(),
        flip in any::<(u16, u8)>(),
        target in kind(),
        row in prop::collection::vec(raw(), FIELDS),
    ) {
        if let Some(b) = bytes.first_mut() {
            *b = tag;
        }
        let mut damaged = Vec::new();
        p.write(&mut damaged);
        let at = usize::from(flip.0) % damaged.len();
        damaged[at] ^= flip.1;
        for bytes in [&bytes[..], &damaged[..]] {
            if let Ok(p) = Predictor::read(&mut &bytes[..], FIELDS) {
                p.predict(&[Kind::F32; FIELDS], target, &row);
                let _ = p.describe::<&str>(&[]).to_string();
            }
        }
    }

    #[test]
    fn block_and_row_agree(
        p in predictor(),
        target in kind(),
        kinds in prop::collection::vec(kind(), FIELDS),
        rows in prop::collection::vec(prop::collection::vec(raw(), FIELDS), 1..5),
        repeat in 1usize..200,
    ) {
        let columns: Vec<Vec<u64>> = (0..FIELDS)
            .map(|f| (0..rows.len() * repeat).map(|r| rows[r % rows.len()][f] & mask(kinds[f].bits())).collect())
            .collect();
        let slices: Vec<&[u64]> = columns.iter().map(Vec::as_slice).collect();
        let mut block = vec![u64::MAX; rows.len() * repeat];
        p.predict_block(&kinds, target, &slices, &mut block);
        for (r, &b) in block.iter().enumerate() {
            let row: Vec<u64> = columns.iter().map(|c| c[r]).collect();
            prop_assert_eq!(b, p.predict(&kinds, target, &row));
            prop_assert!(b <= mask(target.bits()));
        }
    }
}

#[test]
fn predictions_that_are_not_finite_are_zero() {
    let bits = |v: f32| u64::from(v.to_bits());
    let ratio = |a: f32, b: f32| {
        let function = Function::Formula { id: 43, sources: vec![0, 1], constants: Vec::new() };
        Predictor { function, quantum: 0 }.predict(&[Kind::F32; 2], Kind::F32, &[bits(a), bits(b)])
    };
    assert_eq!(ratio(1.0, 0.0), 0);
    assert_eq!(ratio(f32::NAN, 1.0), 0);
    assert_eq!(ratio(f32::MAX, 1e-30), 0);
    assert_eq!(ratio(6.0, 3.0), bits(2.0));
}

#[test]
fn a_copy_keeps_every_bit() {
    let function = Function::Formula { id: 1, sources: vec![0], constants: Vec::new() };
    let p = Predictor { function, quantum: 0 };
    for raw in [0x7fc1_2345u64, 0x8000_0000, 0xffff_ffff] {
        assert_eq!(p.predict(&[Kind::F32], Kind::F32, &[raw]), raw);
    }
    assert_eq!(p.predict(&[Kind::I8], Kind::I32, &[0xff]), 0xffff_ffff);
}

#[test]
fn descriptions_name_the_fields() {
    let function = Function::Formula { id: 85, sources: vec![2, 0, 1], constants: Vec::new() };
    let names = ["pt".to_string(), "eta".to_string(), "mass".to_string()];
    let text = Predictor { function, quantum: 0 }.describe(&names).to_string();
    assert_eq!(text, "sqrt(mass^2 + (pt cosh(eta))^2)");
    let bits = |c: &[f64]| c.iter().map(|c| c.to_bits()).collect::<Vec<u64>>();
    for (id, constants, expected) in [
        (85, bits(&[2.0]), "2 × (sqrt(mass^2 + (pt cosh(eta))^2))"),
        (85, bits(&[2.0, -1.0]), "2 × (sqrt(mass^2 + (pt cosh(eta))^2)) + -1"),
        (WEIGHTED, bits(&[-1.0, 2.0, -0.5, 0.0]), "- mass + 2 × pt - 0.5 × eta"),
        (WEIGHTED, bits(&[1.0, 1.0, 1.0, 3.0]), "mass + pt + eta + 3"),
    ] {
        let function = Function::Formula { id, sources: vec![2, 0, 1], constants };
        let text = Predictor { function, quantum: 0 }.describe(&names).to_string();
        assert_eq!(text, expected);
    }
}

/// Names come from outside: one that looks like a part of a formula is not filled with the next name, again and again.
#[test]
fn names_are_taken_as_they_are() {
    let function =
        Function::Formula { id: 131, sources: vec![0, 1, 2, 3, 4], constants: Vec::new() };
    let names = ["{b}{b}", "{c}{c}", "{d}{d}", "{e}{e}", "{a}"];
    let text = Predictor { function, quantum: 3 }.describe(&names).to_string();
    assert_eq!(text, "{b}{b} + {c}{c} + {d}{d} + {e}{e} + {a}, rounded by 3 bits");
}
