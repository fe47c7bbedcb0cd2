//! Whatever the bytes and the coding, they come back; damage is an error or other bytes.

use super::*;
use proptest::prelude::*;

fn kinds() -> impl Strategy<Value = Kind> {
    let elements = vec![
        None,
        Some(Element::F64),
        Some(Element::F32),
        Some(Element::F16),
        Some(Element::Bf16),
        Some(Element::Other(1)),
        Some(Element::Other(8)),
    ];
    (prop::sample::select(elements), 0u64..40, 0u64..10).prop_map(|(element, row, inner)| Kind {
        element,
        row,
        inner,
    })
}

fn round_trip(raw: &[u8], kind: Kind, effort: Effort) -> Vec<u8> {
    let coded = encode(raw, kind, effort);
    assert!(coded.len() <= raw.len() + 1);
    let mut out = vec![0; raw.len()];
    let needed = memory(&coded, raw.len()).unwrap();
    decode(&coded, &mut out, needed.bytes).unwrap();
    assert!(out == raw, "{kind:?} {effort:?}");
    coded
}

const EFFORTS: [Effort; 3] = [Effort::Planes, Effort::Joint, Effort::Mixed];

proptest! {
    #[test]
    fn any_bytes(raw in prop::collection::vec(any::<u8>(), 0..600), kind in kinds()) {
        for effort in EFFORTS {
            round_trip(&raw, kind, effort);
        }
    }

    #[test]
    fn weights(
        values in prop::collection::vec(prop_oneof![4 => -0.1f32..0.1, 1 => Just(0f32), 1 => any::<f32>()], 0..900),
        kind in kinds(),
    ) {
        let raw: Vec<u8> = match kind.element {
            Some(Element::F64) => values.iter().flat_map(|&v| f64::from(v).to_le_bytes()).collect(),
            Some(Element::F16) => values.iter().flat_map(|&v| half::f16::from_f32(v).to_le_bytes()).collect(),
            Some(Element::Bf16) => values.iter().flat_map(|&v| half::bf16::from_f32(v).to_le_bytes()).collect(),
            _ => values.iter().flat_map(|v| v.to_le_bytes()).collect(),
        };
        for effort in EFFORTS {
            round_trip(&raw, kind, effort);
        }
    }

    #[test]
    fn damage_is_an_error_or_bytes(
        seed in 0u64..1 << 40,
        kind in kinds(),
        at in any::<prop::sample::Index>(),
        value: u8,
        cut in any::<prop::sample::Index>(),
    ) {
        let raw = normal(2000, seed);
        for effort in EFFORTS {
            let mut coded = encode(&raw, kind, effort);
            let i = at.index(coded.len());
            coded[i] = value;
            let mut out = vec![0; raw.len()];
            let _ = memory(&coded, raw.len());
            let _ = decode(&coded, &mut out, 64 << 20);
            let _ = decode(&coded[..cut.index(coded.len())], &mut out, 64 << 20);
        }
    }
}

/// Something like the weights of a layer.
fn normal(n: usize, seed: u64) -> Vec<u8> {
    let mut state = seed | 1;
    let mut uniform = || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 40) as f32 / (1 << 24) as f32 - 0.5
    };
    (0..n)
        .flat_map(|_| (0.1 * (uniform() + uniform() + uniform() + uniform())).to_le_bytes())
        .collect()
}

#[test]
fn exponents_are_what_shrinks() {
    let raw = normal(100_000, 7);
    let kind = Kind { element: Some(Element::F32), row: 100, inner: 100 };
    let sizes = EFFORTS.map(|effort| round_trip(&raw, kind, effort).len());
    assert!(sizes[0] < raw.len() * 86 / 100 && sizes[1] < sizes[0], "{sizes:?}");
    assert!(sizes[2] <= sizes[1], "{sizes:?}");
}

#[test]
fn zeros_and_repeats_are_found() {
    let mut raw = normal(50_000, 3);
    for (i, four) in raw.chunks_mut(4).enumerate() {
        if i % 10 != 3 {
            four.fill(0);
        }
    }
    let kind = Kind { element: Some(Element::F32), row: 100, inner: 100 };
    let coded = round_trip(&raw, kind, Effort::Planes);
    assert!(coded.len() < raw.len() / 10, "{}", coded.len());
    let once = normal(5_000, 4);
    let coded = round_trip(&once.repeat(10), kind, Effort::Planes);
    assert!(coded.len() < once.len() * 11 / 10, "{}", coded.len());
}
