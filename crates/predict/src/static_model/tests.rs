//! Static segments: what is coded comes back, on every instruction set and from any start.

use vxc_tokens::{Endian, Field, FitOptions, Kind, RecordLayout, fit};

use super::*;

/// A record of many kinds, 31 bytes.
fn layout() -> RecordLayout {
    let kinds = [Kind::F32, Kind::F64, Kind::I32, Kind::U64, Kind::U16, Kind::Bytes(3), Kind::I8];
    let mut fields = Vec::new();
    let mut offset = 0;
    for (i, kind) in kinds.into_iter().enumerate() {
        let endian = if i == 4 { Endian::Big } else { Endian::Little };
        fields.push(Field { name: String::new(), offset, kind, endian, group: i as u32 });
        offset += kind.bytes();
    }
    RecordLayout::new(offset + 1, fields).expect("a valid layout")
}

/// Records of steps, noise of several widths and, if `wild`, values that no fit has seen.
fn records(n: usize, wild: bool) -> Vec<u8> {
    let mut state = 7u64;
    let mut noise = || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        state >> 20
    };
    let mut out = Vec::new();
    for i in 0..n {
        let odd = wild && noise().is_multiple_of(50);
        let x = (noise() % 4096) as f32 / 64.0 - 32.0;
        out.extend_from_slice(&(if odd { f32::NAN } else { x }).to_le_bytes());
        out.extend_from_slice(&(noise() as f64).sqrt().to_le_bytes());
        out.extend_from_slice(&((i as i32) * 3 - i32::from(odd) * 1_000_000).to_le_bytes());
        out.extend_from_slice(&(noise() << 20 | noise() & 0xfffff).to_le_bytes());
        out.extend_from_slice(&((noise() % 700) as u16).to_be_bytes());
        out.extend_from_slice(&noise().to_le_bytes()[..3]);
        out.extend_from_slice(&[noise() as u8 % 5, u8::from(odd)]);
    }
    out
}

#[test]
fn every_instruction_set_decodes_what_was_coded() {
    let layout = layout();
    let options = FitOptions { relations: true, ..FitOptions::default() };
    let tokeniser = fit(&layout, &records(3000, false), &options).expect("a fit");
    let (key, rest) = (records(700, false), records(5000, true));
    for exact in [false, true] {
        for contexts in
            [Contexts::none(tokeniser.steps().len()), Contexts::choose(&tokeniser, &key, 5000)]
        {
            let plan = StaticPlan { contexts, exact };
            let fresh = StaticModel::new(&tokeniser, &plan);
            let mut model = fresh.clone();
            let coded = [&key, &rest].map(|part| model.encode(&tokeniser, &plan, part));
            for isa in Isa::available() {
                let mut model = fresh.clone();
                let mut out = Vec::new();
                for (coded, part) in coded.iter().zip([&key, &rest]) {
                    let records = part.len() / layout.record_bytes;
                    let (model, out) = (&mut model, &mut out);
                    let (tokeniser, plan) = (&tokeniser, &plan);
                    isa.run(Decoding { model, tokeniser, plan, coded, records, out })
                        .expect("what was coded");
                }
                assert!(out[..key.len()] == key && out[key.len()..] == rest, "{isa:?} {exact}");
            }
        }
    }
}

#[test]
fn short_blocks_are_for_those_who_know_nothing() {
    let sizes = |records, learned| blocks(records, 512, learned).collect::<Vec<usize>>();
    assert_eq!(sizes(300, false), [128, 128, 44]);
    assert_eq!(blocks(3000, 32, false).collect::<Vec<usize>>(), [128, 256, 512, 1024, 1080]);
    assert_eq!(blocks(3000, 32, true).collect::<Vec<usize>>(), [2048, 952]);
    assert!(sizes(0, true).is_empty());
}

#[test]
fn damage_is_an_error_or_other_bytes() {
    let (layout, key) = (layout(), records(600, true));
    let tokeniser = fit(&layout, &key, &FitOptions::default()).expect("a fit");
    let plan = StaticPlan { contexts: Contexts::none(tokeniser.steps().len()), exact: false };
    let fresh = StaticModel::new(&tokeniser, &plan);
    let coded = fresh.clone().encode(&tokeniser, &plan, &key);
    let decode = |coded: &[u8]| {
        let mut out = Vec::new();
        fresh.clone().decode(&tokeniser, &plan, coded, 600, &mut out).map(|()| out)
    };
    assert!(decode(&coded).expect("what was coded") == key);
    for at in (0..coded.len()).step_by(coded.len() / 200) {
        let mut damaged = coded.clone();
        damaged[at] ^= 0x24;
        assert!(decode(&damaged).is_err() || decode(&damaged).is_ok_and(|out| out != key));
        assert!(decode(&coded[..at]).is_err());
    }
}
