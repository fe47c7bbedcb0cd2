//! Blocks of records as columns of tokens and back: the same bytes, by offsets and by a stream of bits, whatever was fitted.

use proptest::prelude::*;
use vxc_entropy::{BitReader, BitWriter};
use vxc_tokens::bins::Bins;
use vxc_tokens::ordered::mask;
use vxc_tokens::relation::{Function, Predictor};
use vxc_tokens::step::short_float;
use vxc_tokens::symbol_table::offset_bits;
use vxc_tokens::transform::Transform;
use vxc_tokens::{
    Block, Endian, Field, FitOptions, Kind, RecordLayout, Step, TokenColumn, Tokeniser, fit,
};

/// Records of a float, another that follows from it, a counter that repeats, a big-endian column, and noise.
fn records(n: u32, seed: u64) -> (RecordLayout, Vec<u8>) {
    let kinds = [
        (Kind::F32, Endian::Little),
        (Kind::F64, Endian::Little),
        (Kind::U32, Endian::Little),
        (Kind::I16, Endian::Big),
        (Kind::Bytes(3), Endian::Little),
    ];
    let mut offset = 0;
    let fields = kinds.into_iter().zip(0..).map(|((kind, endian), group)| {
        let field = Field { name: String::new(), offset, kind, endian, group };
        offset += kind.bytes();
        field
    });
    let fields: Vec<Field> = fields.collect();
    let layout = RecordLayout::new(offset, fields).unwrap();
    let mut state = seed | 1;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        state >> 33
    };
    let mut bytes = Vec::new();
    for i in 0..n {
        let x = (next() % 100_003) as f32 / 977.0;
        bytes.extend_from_slice(&x.to_le_bytes());
        bytes.extend_from_slice(&(f64::from(x) * f64::from(x)).to_le_bytes());
        bytes.extend_from_slice(&(i / 3).to_le_bytes());
        bytes.extend_from_slice(&((next() % 90) as i16 - 45).to_be_bytes());
        bytes.extend_from_slice(&next().to_le_bytes()[..3]);
    }
    (layout, bytes)
}

/// The values of a record, by field: what stands before the next block.
fn last_record(tokeniser: &Tokeniser, bytes: &[u8]) -> Vec<u64> {
    let size = tokeniser.layout().record_bytes;
    let record = bytes.len().checked_sub(size).map(|from| &bytes[from..]);
    let fields = tokeniser.layout().fields.iter();
    fields.map(|f| record.map_or(0, |r| f.load(r))).collect()
}

/// Keys of values and of predictions, one by one.
fn check_keys(tokeniser: &Tokeniser, k: usize, previous: &[u64], block: &mut Block) {
    let step = &tokeniser.steps()[k];
    tokeniser.keys(k, block);
    tokeniser.expected(k, block);
    let related = matches!(step.transform, Transform::Relation(_));
    let TokenColumn { symbols, keys, expected } = &block.tokens[k];
    assert_eq!(keys.len(), symbols.len());
    assert_eq!(expected.len(), if related { symbols.len() } else { 0 });
    let field = usize::from(step.field);
    for (r, (&key, &symbol)) in keys.iter().zip(symbols).enumerate() {
        assert_eq!(key, step.key(block.raw[field][r], symbol));
        let row: Vec<u64> = block.raw.iter().map(|c| c.get(r).copied().unwrap_or(0)).collect();
        let (_, predicted) = tokeniser.before(k, &row, previous);
        if related {
            assert_eq!(expected[r], short_float(step.kind, predicted));
        }
    }
}

/// Codes `bytes` in blocks of `records` and gives what comes back.
fn there_and_back(tokeniser: &Tokeniser, bytes: &[u8], records: usize) -> Vec<u8> {
    let size = tokeniser.layout().record_bytes;
    let mut out = vec![0; bytes.len()];
    for (number, part) in bytes.chunks(records * size).enumerate() {
        let from = number * records * size;
        let previous = last_record(tokeniser, &bytes[..from]);
        let mut block = Block::default();
        tokeniser.load(part, &mut block);
        let mut columns = Vec::new();
        for k in 0..tokeniser.steps().len() {
            tokeniser.predict(k, &mut block);
            tokeniser.tokens(k, &previous, &mut block);
            let mut bits = BitWriter::new();
            for (&size, &offset) in block.sizes.iter().zip(&block.offsets) {
                assert!(offset < size || size == 0);
                bits.write(offset_bits(size).into(), offset);
            }
            let symbols = block.tokens[k].symbols.clone();
            assert_eq!(symbols.len(), part.len() / size);
            columns.push((symbols, block.offsets.clone(), block.sizes.clone(), bits.finish()));
        }
        let mut back = Block::default();
        tokeniser.prepare(part.len() / size, &mut back);
        for (k, (symbols, offsets, sizes, bits)) in columns.into_iter().enumerate() {
            back.tokens[k].symbols = symbols;
            tokeniser.predict(k, &mut back);
            tokeniser.sizes(k, &mut back).unwrap();
            assert_eq!(back.sizes, sizes, "sizes are known before the values");
            assert_eq!(back.tokens[k].symbols, block.tokens[k].symbols);
            back.offsets = offsets;
            tokeniser.values(k, &previous, &mut back).unwrap();
            let field = usize::from(tokeniser.steps()[k].field);
            let values = std::mem::take(&mut back.raw[field]);
            let mut reader = BitReader::new(&bits);
            tokeniser.read_values(k, &previous, &mut back, &mut reader).unwrap();
            assert_eq!(back.raw[field], values, "offsets and bits say the same");
            check_keys(tokeniser, k, &previous, &mut back);
        }
        tokeniser.store(&back, &mut out[from..from + part.len()]);
    }
    out
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn columns_come_back(
        n in 40u32..900,
        (seed, other) in any::<(u64, u64)>(),
        block in 1usize..1200,
        relations in any::<bool>(),
        copy in any::<bool>(),
    ) {
        let (layout, bytes) = records(n, seed);
        let options = FitOptions { records: n.into(), relations, copy, ..FitOptions::default() };
        let tokeniser = fit(&layout, &bytes, &options).unwrap();
        prop_assert!(there_and_back(&tokeniser, &bytes, block) == bytes);
        // Data that it was not fitted to, and bits without any sense.
        let (_, unseen) = records(50, other);
        prop_assert!(there_and_back(&tokeniser, &unseen, block) == unseen);
        let noise: Vec<u8> = (0..layout.record_bytes * 40).map(|i| (other >> (i % 57)) as u8 ^ i as u8).collect();
        prop_assert!(there_and_back(&tokeniser, &noise, block) == noise);
    }
}

/// Bins around the middle of the domain that grow with the distance, as those of differences do.
fn middle_bins(width: u32) -> Bins {
    let centre = 1u64 << (width - 1);
    let far = 1u64 << (width / 2 - 1);
    Bins::new(width, &[(centre - far, far), (centre, 1), (centre + 1, far - 1)]).unwrap()
}

/// A tokeniser of two f64 and a third field with this transform, whatever suits the data.
fn by_hand(
    kind: Kind,
    endian: Endian,
    transform: Transform,
    copy: bool,
    scale: Option<u16>,
) -> Tokeniser {
    let fields = [(Kind::F64, 0, Endian::Little), (Kind::F64, 8, Endian::Big), (kind, 16, endian)];
    let field = |(kind, offset, endian)| Field {
        name: String::new(),
        offset,
        kind,
        endian,
        group: offset as u32,
    };
    let layout = RecordLayout::new(16 + kind.bytes(), fields.map(field).to_vec()).unwrap();
    let source = |field| Step {
        field,
        kind: Kind::F64,
        transform: Transform::Identity,
        copy,
        scale: None,
        bins: Bins::new(64, &[(0, 1 << 63), (1 << 63, 1 << 60)]).unwrap(),
        partners: vec![],
    };
    let bins = middle_bins(kind.bits());
    let step = Step { field: 2, kind, transform, copy, scale, bins, partners: vec![0] };
    Tokeniser::new(layout, vec![source(1), source(0), step]).unwrap()
}

/// The sum of the two f64.
fn sum() -> Transform {
    let function = Function::Formula { id: 40, sources: vec![0, 1], constants: vec![] };
    Transform::Relation(Predictor { function, quantum: 0 })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    /// Every transform of every kind, on values near what is expected, far from it, and repeated.
    #[test]
    fn every_transform_comes_back(
        kind in prop::sample::select([&Kind::NUMBERS[..], &[Kind::Bytes(3)]].concat()),
        transform in prop::sample::select(vec![Transform::Identity, Transform::Delta, Transform::Quantum(3), sum()]),
        (copy, big, scaled) in any::<(bool, bool, bool)>(),
        values in prop::collection::vec((any::<u64>(), 0u8..6, any::<i8>()), 1..70),
        block in 1usize..40,
    ) {
        let endian = if big { Endian::Big } else { Endian::Little };
        // Of no other transform it is part of the format.
        let scale = (scaled && matches!(transform, Transform::Relation(_))).then_some(1030);
        let tokeniser = by_hand(kind, endian, transform, copy, scale);
        let field = tokeniser.layout().fields[2].clone();
        let (mut bytes, mut last) = (Vec::new(), 0u64);
        for (random, how, near) in values {
            let a = f64::from(near) * 1.5;
            let b = [0.25, -a, f64::from_bits(random)][usize::from(how) % 3];
            let near = near as u64;
            last = match how {
                0 => last,
                1 => last.wrapping_add(near),
                2 => random,
                _ => vxc_tokens::ordered::from_f64(kind, a + b).wrapping_add(near),
            } & mask(kind.bits());
            bytes.extend_from_slice(&a.to_le_bytes());
            bytes.extend_from_slice(&b.to_be_bytes());
            let at = bytes.len() - 16;
            bytes.resize(at + 16 + kind.bytes(), 0);
            field.store(last, &mut bytes[at..]);
        }
        prop_assert!(there_and_back(&tokeniser, &bytes, block) == bytes);
    }
}

/// Where a sum is small, bins are wide: what is constant in size is large in units of the last place.
#[test]
fn scaled_bins_follow_the_prediction() {
    let tokeniser = by_hand(Kind::F64, Endian::Little, sum(), false, Some(1030));
    let step = &tokeniser.steps()[2];
    for (sum, shift) in
        [(256.0f64, 0), (128.0, 0), (64.0, 1), (0.5, 8), (2f64.powi(-60), 31), (0.0, 31)]
    {
        let (before, predicted) = tokeniser.before(2, &[0, sum.to_bits(), 0], &[0, 0, 0]);
        assert_eq!((before.shift, predicted), (shift, sum.to_bits()), "{sum}");
        assert_eq!(step.size(0, before), (1 << 31) << shift);
    }
}

#[test]
fn symbols_that_do_not_exist_are_refused() {
    let (layout, bytes) = records(200, 7);
    let tokeniser = fit(&layout, &bytes, &FitOptions::default()).unwrap();
    let mut block = Block::default();
    tokeniser.load(&bytes, &mut block);
    let previous = last_record(&tokeniser, &[]);
    let k = (0..tokeniser.steps().len()).find(|&k| tokeniser.steps()[k].alphabet() < 256).unwrap();
    tokeniser.predict(k, &mut block);
    tokeniser.tokens(k, &previous, &mut block);
    block.tokens[k].symbols[3] = tokeniser.steps()[k].alphabet() as u8;
    assert!(tokeniser.sizes(k, &mut block).is_err());
    // Values refuse it too, whatever its offset.
    for offset in [0, 1] {
        block.offsets[3] = offset;
        assert!(tokeniser.values(k, &previous, &mut block).is_err());
        let mut bits = BitReader::new(&[0; 4000]);
        assert!(tokeniser.read_values(k, &previous, &mut block, &mut bits).is_err());
    }
}

/// What is copied has no offset.
#[test]
fn offsets_of_copies_are_refused() {
    let tokeniser = by_hand(Kind::U32, Endian::Little, Transform::Identity, true, None);
    let mut block = Block::default();
    tokeniser.prepare(1, &mut block);
    block.tokens[2].symbols = vec![0];
    for (offset, good) in [(0, true), (1, false)] {
        block.offsets = vec![offset];
        assert_eq!(tokeniser.values(2, &[0, 0, 7], &mut block).is_ok(), good);
    }
    let table = tokeniser.held_bytes() / 3;
    assert!((256 * 17..256 * 17 + 1024).contains(&table), "{table} bytes a field");
}
