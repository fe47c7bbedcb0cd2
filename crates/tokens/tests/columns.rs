//! Blocks of records as columns of tokens and back: the same bytes, by offsets and by a stream of bits, whatever was fitted.

use proptest::prelude::*;
use vxc_entropy::{BitReader, BitWriter};
use vxc_tokens::symbol_table::offset_bits;
use vxc_tokens::{Block, Endian, Field, FitOptions, Kind, RecordLayout, Tokeniser, fit};

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
            back.offsets = offsets;
            tokeniser.values(k, &previous, &mut back).unwrap();
            let field = usize::from(tokeniser.steps()[k].field);
            let values = std::mem::take(&mut back.raw[field]);
            let mut reader = BitReader::new(&bits);
            tokeniser.read_values(k, &previous, &mut back, &mut reader).unwrap();
            assert_eq!(back.raw[field], values, "offsets and bits say the same");
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
}
