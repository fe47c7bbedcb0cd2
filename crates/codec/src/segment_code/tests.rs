use super::*;
use crate::level::{LOOKAHEAD, Level, segments};
use crate::stream_code::size_bits;
use vxc_format::DecodeLimits;
use vxc_predict::static_model::StaticPlan;
use vxc_predict::static_model::contexts::Contexts;
use vxc_tokens::layout::MAX_FIELDS;
use vxc_tokens::{Endian, FitOptions, Kind, RecordLayout, fit};

/// All forms, with narrow, wide and widest records.
fn forms() -> Vec<Form> {
    let mut forms = vec![Form::Text, Form::Bytes];
    for fields in [1, 31, MAX_FIELDS] {
        let layout = RecordLayout::array(Kind::F32, Endian::Little, fields).unwrap();
        let records = if fields < 100 { 1000 } else { 4 };
        let sample: Vec<u8> = (0..4 * (fields * records) as u32)
            .map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8)
            .collect();
        let options = FitOptions { relations: false, ..FitOptions::default() };
        let tokeniser = fit(&layout, &sample, &options).unwrap();
        forms.extend([Form::Records(layout), Form::Fields(tokeniser)]);
    }
    forms
}

/// A stream's code for the longest segment of a level.
fn code(level: Level, form: Form) -> StreamCode {
    let code = StreamCode::new(form, u32::from(level.number()).clamp(4, 6), 1);
    let record = code.record_bytes() as u64;
    let lengths = segments(level.segment_bytes(), level.single_bytes(), LOOKAHEAD, record);
    let largest = lengths.into_iter().max().unwrap_or(0);
    let plan = match &code.form {
        Form::Fields(t) => {
            let contexts = Contexts::none(t.steps().len());
            Some(StaticPlan { contexts, exact: true })
        }
        _ => None,
    };
    StreamCode { plan, size_bits: size_bits(largest), ..code }
}

#[test]
fn only_zeros_that_are_asked_for_are_taken_off() {
    for (coded, raw_len) in [(0, 1), (0, 5000), (5, 5000), (5, 1 << 20), (100, 1 << 20)] {
        let payload = vec![7u8; coded];
        let mut padded = payload.clone();
        pad(&mut padded, raw_len);
        assert_eq!(unpadded(&padded, raw_len).unwrap(), payload);
        padded.push(0);
        assert!(unpadded(&padded, raw_len).is_err(), "{coded} bytes for {raw_len}");
    }
    assert!(unpadded(&[1, 0], 1).is_err());
    assert!(unpadded(&[7, 2], 1).is_err());
    assert!(unpadded(&[0, 0], 1).is_err());
    assert!(unpadded(&[], 1).is_err());
}

/// Through the decoder: one zero more than the encoder wrote.
#[test]
fn static_and_lz_segments_with_needless_zeros_are_refused() {
    let raw: Vec<u8> = (0..4000u32).flat_map(|i| (i / 7).to_le_bytes()).collect();
    let layout = RecordLayout::array(Kind::U32, Endian::Little, 1).unwrap();
    let tokeniser = fit(&layout, &raw, &FitOptions::default()).unwrap();
    let plan = StaticPlan { contexts: Contexts::none(1), exact: false };
    let fields = StreamCode::new(Form::Fields(tokeniser), 4, raw.len() as u64);
    let fields = StreamCode { plan: Some(plan), ..fields };
    let bytes = StreamCode::new(Form::Bytes, 4, raw.len() as u64);
    let lz = LzPlan::choose(1, None, &raw).unwrap().0;
    for (code, method) in [(fields, Method::Static), (bytes, Method::Lz(lz))] {
        let decode = |coded: &[u8]| {
            let mut out = Vec::new();
            let mut state = code.fresh(method.kind());
            code.decode(None, method.kind(), &mut state, coded, &mut out, raw.len()).map(|()| out)
        };
        let mut state = code.fresh(method.kind());
        let (_, mut coded) = code.encode(None, method, &mut state, &raw).unwrap();
        assert!(decode(&coded).unwrap() == raw);
        coded.push(0);
        assert!(decode(&coded).is_err(), "{method:?}");
    }
}

#[test]
fn what_any_level_writes_is_read_within_the_default_limits() {
    let forms = forms();
    for level in (1..=6).map(|n| Level::new(n).unwrap()) {
        for form in &forms {
            let code = code(level, form.clone());
            let kind = match (level.is_mix(), form) {
                (true, _) => SegmentKind::Mix,
                (false, Form::Fields(_)) => SegmentKind::Static,
                (false, _) => SegmentKind::Lz,
            };
            let needed = code.memory(kind, 1 << code.size_bits, 1 << code.size_bits)
                + code.state_bytes(kind)
                + code.held_bytes();
            let (fields, level) = (code.record_bytes() / 4, level.number());
            let limit = DecodeLimits::default().max_memory;
            assert!(needed <= limit, "-{level} {kind:?}, {fields} fields: {needed}");
        }
    }
}
