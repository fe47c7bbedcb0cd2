//! The byte model as a whole: round trips, what rules are worth, what is pinned.

use super::*;
use vxc_entropy::{CostCounter, RangeDecoder, RangeEncoder};
use vxc_tokens::{Endian, Field, Kind};

fn round_trip(config: &ByteModelConfig, raw: &[u8]) -> usize {
    let mut encoder = RangeEncoder::new();
    ByteModel::new(config).encode(&mut encoder, raw);
    let coded = encoder.finish();
    let mut decoder = RangeDecoder::new(&coded);
    let mut out = Vec::new();
    ByteModel::new(config).decode(&mut decoder, raw.len(), &mut out);
    assert!(out == raw, "{config:?}");
    decoder.finish().expect("nothing left over");
    coded.len()
}

fn noise(n: usize) -> Vec<u8> {
    let mut state = 9u64;
    let mut next = || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 56) as u8
    };
    (0..n).map(|_| next()).collect()
}

/// A number as C++ streams write it: `1.25e-01`.
fn scientific(x: f64) -> String {
    let text = format!("{x:.16e}");
    let (mantissa, exponent) = text.split_once('e').expect("an exponent");
    let exponent: i32 = exponent.parse().expect("a number");
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:02}", exponent.abs())
}

/// Random momenta of `n` pairs, after their sums.
fn pairs(n: usize) -> Vec<([f64; 3], [f64; 3], [f64; 3])> {
    let bytes = noise(n * 48);
    let unit = |i: usize| {
        let b: [u8; 8] = bytes[i * 8..][..8].try_into().expect("8 bytes");
        (u64::from_le_bytes(b) >> 11) as f64 / 9_007_199_254_740_992.0 - 0.5
    };
    let pair = |i: usize| {
        let a = [unit(i * 6), unit(i * 6 + 1), unit(i * 6 + 2)];
        let b = [unit(i * 6 + 3), unit(i * 6 + 4), unit(i * 6 + 5)];
        ([a[0] + b[0], a[1] + b[1], a[2] + b[2]], a, b)
    };
    (0..n).map(pair).collect()
}

/// Two-body decays of particles with random momenta, as HepMC3 text.
fn events(n: usize) -> Vec<u8> {
    use std::fmt::Write;
    let mut text = String::from("HepMC::Version 3.02.05\nHepMC::Asciiv3-START_EVENT_LISTING\n");
    let mut line = |id: usize, parent: usize, pdg: u32, p: [f64; 3], m: f64| {
        let e = (p[0] * p[0] + p[1] * p[1] + p[2] * p[2] + m * m).sqrt();
        write!(text, "P {id} {parent} {pdg}").expect("a string takes all");
        for x in [p[0], p[1], p[2], e, m] {
            write!(text, " {}", scientific(x)).expect("a string takes all");
        }
        text.push_str(" 1\n");
    };
    for (i, (sum, a, b)) in pairs(n).into_iter().enumerate() {
        line(3 * i + 1, 0, 111, sum, 0.13498);
        line(3 * i + 2, 3 * i + 1, 211, a, 0.13957);
        line(3 * i + 3, 3 * i + 1, 211, b, 0.13957);
    }
    text.into_bytes()
}

fn layout() -> RecordLayout {
    let field = |offset, kind, endian| Field {
        name: String::new(),
        offset,
        kind,
        endian,
        group: offset as u32,
    };
    RecordLayout::new(
        19,
        vec![
            field(0, Kind::F32, Endian::Little),
            field(4, Kind::U16, Endian::Big),
            field(6, Kind::F64, Endian::Little),
            field(14, Kind::I8, Endian::Little),
        ],
    )
    .expect("a valid layout")
}

#[test]
fn every_kind_and_level_decodes_to_what_was_coded() {
    let text = events(20);
    let data = noise(1000);
    for level in [4, 5, 6] {
        for kind in [ByteKind::Text, ByteKind::Binary, ByteKind::Record(layout())] {
            for raw in [&text[..], &data, &[0; 500], &[7], &[], b"\n\n ,[P 1 2 3 4.5 nan\nV -9223372036854775808 0 [9223372036854775807,1]\nP 9223372036854775807 9223372036854775807 1 1. 2. 3. 4. 5.\n"] {
                let config =
                    ByteModelConfig { kind: kind.clone(), level, len: raw.len() as u64 };
                round_trip(&config, raw);
            }
        }
    }
}

#[test]
fn energies_and_last_momenta_cost_little() {
    let text = events(400);
    let config = ByteModelConfig { kind: ByteKind::Text, level: 5, len: text.len() as u64 };
    let coded = round_trip(&config, &text);
    // Nine numbers of 53 random bits in three lines, of which the sum's and one more particle's are
    // needed: 6 · 53 bits = 40 bytes of 345.
    assert!(coded < 400 * 60, "{coded}");
}

#[test]
fn noise_hardly_grows() {
    let raw = noise(20_000);
    for kind in [ByteKind::Binary, ByteKind::Text, ByteKind::Record(layout())] {
        let config = ByteModelConfig { kind, level: 5, len: raw.len() as u64 };
        assert!(round_trip(&config, &raw) < 20_700);
    }
}

#[test]
fn a_primed_model_codes_better_and_still_decodes() {
    let text = events(60);
    let (first, second) = text.split_at(text.len() / 2);
    let config = ByteModelConfig { kind: ByteKind::Text, level: 5, len: text.len() as u64 };
    let mut primed = ByteModel::new(&config);
    primed.encode(&mut CostCounter::new(), first);
    primed.restart();
    let mut encoder = RangeEncoder::new();
    primed.clone().encode(&mut encoder, second);
    let coded = encoder.finish();
    let mut out = Vec::new();
    primed.decode(&mut RangeDecoder::new(&coded), second.len(), &mut out);
    assert!(out == second);
    assert!(coded.len() < round_trip(&config, second));
}

/// FNV-1a, 64 bits.
fn fnv(bytes: &[u8]) -> u64 {
    let step = |h: u64, &b: &u8| (h ^ u64::from(b)).wrapping_mul(0x100_0000_01b3);
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, step)
}

/// What the coded bytes of a text are, for ever: rules, reading and writing of numbers, and their order.
#[test]
fn the_coded_sample_is_pinned() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../samples/py8_ttbar.hepmc");
    let text = std::fs::read(path).expect("the sample is in the repository");
    let config = ByteModelConfig { kind: ByteKind::Text, level: 5, len: text.len() as u64 };
    let mut encoder = RangeEncoder::new();
    ByteModel::new(&config).encode(&mut encoder, &text);
    let coded = encoder.finish();
    assert_eq!((coded.len(), fnv(&coded)), (26_080, 0xddda_d1f1_d145_5842));
}

/// Events in HepMC2's form: two particles in, one of them an orphan, two out.
fn old_events(n: usize) -> Vec<u8> {
    use std::fmt::Write;
    let mut text = String::from("HepMC::Version 2.06.09\nHepMC::IO_GenEvent-START_EVENT_LISTING\n");
    for (i, (sum, a, b)) in pairs(n).into_iter().enumerate() {
        writeln!(text, "E {i} -1 -1.0 0.1 0.1 0 -1 2 1 2 0 1 1.0").expect("a string takes all");
        writeln!(text, "V -1 0 0 0 0 0 1 1 0").expect("a string takes all");
        for (id, pdg, p, m, end) in [
            (1, 2212, sum, 0.93827, -1),
            (2, 111, sum, 0.13498, -2),
            (3, 211, a, 0.13957, 0),
            (4, -211, b, 0.13957, 0),
        ] {
            if id == 3 {
                writeln!(text, "V -2 0 0.5 0.25 1.5 2.5 0 2 0").expect("a string takes all");
            }
            let [x, y, z] = p;
            let e = (x * x + y * y + z * z + m * m).sqrt();
            write!(text, "P {id} {pdg}").expect("a string takes all");
            for x in [x, y, z, e, m] {
                write!(text, " {}", scientific(x)).expect("a string takes all");
            }
            writeln!(text, " 1 0 0 {end} 0").expect("a string takes all");
        }
    }
    text.into_bytes()
}

/// The same of the older form, whose lines have other places.
#[test]
fn coded_events_of_the_older_form_are_pinned() {
    let text = old_events(40);
    let config = ByteModelConfig { kind: ByteKind::Text, level: 5, len: text.len() as u64 };
    let mut encoder = RangeEncoder::new();
    ByteModel::new(&config).encode(&mut encoder, &text);
    let coded = encoder.finish();
    assert_eq!((coded.len(), fnv(&coded)), (2391, 10_921_142_815_918_287_884));
    // What decays is the sum of what comes out, which the rules find.
    let plain: Vec<u8> = text.iter().map(|&b| if b == b'P' { b'Q' } else { b }).collect();
    assert!(coded.len() < round_trip(&config, &plain) * 9 / 10);
}

#[test]
fn every_instruction_set_codes_the_same_bytes() {
    let text = events(30);
    for kind in [ByteKind::Text, ByteKind::Record(layout())] {
        let config = ByteModelConfig { kind, level: 6, len: text.len() as u64 };
        let coded: Vec<Vec<u8>> = vxc_infer::Isa::available()
            .into_iter()
            .map(|isa| {
                let mut model = ByteModel::new(&config);
                model.engine.set_isa(isa);
                let mut encoder = RangeEncoder::new();
                model.encode(&mut encoder, &text);
                encoder.finish()
            })
            .collect();
        assert!(coded.windows(2).all(|w| w[0] == w[1]));
    }
}
