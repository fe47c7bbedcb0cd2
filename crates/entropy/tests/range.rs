//! The range coder against itself, the cost counter and hostile bytes.

use proptest::prelude::*;
use vxc_entropy::{
    BinaryCoder, Cdf, CostCounter, EntropyError, PROB_MIN, RangeDecoder, RangeEncoder, SymbolCoder,
    code_wide_uniform,
};

/// One call of a coder.
#[derive(Clone, Debug)]
enum Op {
    Bit(u32, bool),
    Uniform(u32, u32),
    Raw(u32, u64),
    Wide(u64, u64),
    Symbol(usize, u8),
}

/// A flat, a smooth and a steep distribution.
fn cdfs() -> Vec<Cdf> {
    let smooth = core::array::from_fn(|s| (s as u32 + 1) * 37 % 1009);
    let steep = core::array::from_fn(|s| if s == 77 { u32::MAX } else { 0 });
    vec![Cdf::uniform(), Cdf::from_weights(&smooth), Cdf::from_weights(&steep)]
}

fn run(coder: &mut impl SymbolCoder, cdfs: &[Cdf], op: &Op) -> u64 {
    match *op {
        Op::Bit(p1, bit) => u64::from(coder.bit(p1, bit)),
        Op::Uniform(n, v) => u64::from(coder.uniform(n, v)),
        Op::Raw(bits, v) => coder.raw(bits, v),
        Op::Wide(n, v) => code_wide_uniform(coder, n, v),
        Op::Symbol(which, s) => u64::from(coder.symbol(&cdfs[which], s)),
    }
}

/// The same call with the value forgotten, as a decoder has it.
fn blind(op: &Op) -> Op {
    match *op {
        Op::Bit(p1, _) => Op::Bit(p1, false),
        Op::Uniform(n, _) => Op::Uniform(n, 0),
        Op::Raw(bits, _) => Op::Raw(bits, 0),
        Op::Wide(n, _) => Op::Wide(n, 0),
        Op::Symbol(which, _) => Op::Symbol(which, 0),
    }
}

fn with_value(op: &Op, value: u64) -> Op {
    match *op {
        Op::Bit(p1, _) => Op::Bit(p1, value != 0),
        Op::Uniform(n, _) => Op::Uniform(n, value as u32),
        Op::Raw(bits, _) => Op::Raw(bits, value),
        Op::Wide(n, _) => Op::Wide(n, value),
        Op::Symbol(which, _) => Op::Symbol(which, value as u8),
    }
}

fn encode(ops: &[Op]) -> Vec<u8> {
    let cdfs = cdfs();
    let mut encoder = RangeEncoder::new();
    for op in ops {
        run(&mut encoder, &cdfs, op);
    }
    encoder.finish()
}

fn probability() -> impl Strategy<Value = u32> {
    prop_oneof![Just(PROB_MIN), Just(65536 - PROB_MIN), PROB_MIN..=65536 - PROB_MIN]
}

fn op() -> impl Strategy<Value = Op> {
    let n = prop_oneof![Just(1u32), Just(65536), 1u32..=65536, 1u32..=4];
    prop_oneof![
        6 => (probability(), any::<bool>()).prop_map(|(p, b)| Op::Bit(p, b)),
        2 => (n, any::<u32>()).prop_map(|(n, v)| Op::Uniform(n, v % n)),
        1 => (0u32..=64, any::<u64>())
            .prop_map(|(b, v)| Op::Raw(b, v & 1u64.checked_shl(b).unwrap_or(0).wrapping_sub(1))),
        1 => (any::<u64>(), 0u32..64, any::<u64>())
            .prop_map(|(n, shift, v)| { let n = (n >> shift).max(1); Op::Wide(n, v % n) }),
        2 => (0usize..3, any::<u8>()).prop_map(|(c, s)| Op::Symbol(c, s)),
    ]
}

fn ops() -> impl Strategy<Value = Vec<Op>> {
    prop::collection::vec(op(), 0..200)
}

fn value_of(op: &Op) -> u64 {
    match *op {
        Op::Bit(_, b) => u64::from(b),
        Op::Uniform(_, v) => u64::from(v),
        Op::Raw(_, v) | Op::Wide(_, v) => v,
        Op::Symbol(_, s) => u64::from(s),
    }
}

proptest! {
    #[test]
    fn inverse(ops in ops()) {
        let cdfs = cdfs();
        let mut encoder = RangeEncoder::new();
        for op in &ops {
            // Who writes gets back what who reads will get.
            prop_assert_eq!(run(&mut encoder, &cdfs, op), value_of(op));
        }
        let bytes = encoder.finish();
        let mut decoder = RangeDecoder::new(&bytes);
        for op in &ops {
            prop_assert_eq!(run(&mut decoder, &cdfs, &blind(op)), value_of(op));
            prop_assert!(!decoder.overran());
        }
        prop_assert_eq!(decoder.finish(), Ok(()));
    }

    /// The end is the shortest: a byte fewer of it, read as zero, gives other values. (Words that were shifted
    /// out before stay whole, zeros or not.)
    #[test]
    fn no_byte_too_many(ops in ops()) {
        let cdfs = cdfs();
        let mut encoder = RangeEncoder::new();
        ops.iter().for_each(|op| _ = run(&mut encoder, &cdfs, op));
        let shifted = encoder.written();
        let bytes = encoder.finish();
        prop_assert!((shifted..=shifted + 4).contains(&bytes.len()));
        if let Some((_, fewer)) = bytes.split_last().filter(|_| bytes.len() > shifted) {
            let mut decoder = RangeDecoder::new(fewer);
            let values: Vec<u64> = ops.iter().map(|op| run(&mut decoder, &cdfs, &blind(op))).collect();
            prop_assert!(values != ops.iter().map(value_of).collect::<Vec<u64>>());
        }
    }

    /// Truncated, extended, changed and random bytes: values in range, and `finish` is true exactly for the
    /// bytes that the encoder writes for the values found.
    #[test]
    fn finish_accepts_only_what_the_encoder_writes(
        ops in ops(),
        change in prop_oneof![Just(0usize), Just(1), Just(2), Just(3)],
        at: prop::sample::Index,
        by in 1u8..=255,
        random in prop::collection::vec(prop_oneof![any::<u8>(), Just(0), Just(255)], 0..60),
    ) {
        let (cdfs, mut bytes) = (cdfs(), encode(&ops));
        match change {
            0 => bytes.truncate(at.index(bytes.len() + 1)),
            1 => bytes.extend_from_slice(&random),
            2 if !bytes.is_empty() => {
                let i = at.index(bytes.len());
                bytes[i] ^= by;
            }
            _ => bytes = random,
        }
        let mut decoder = RangeDecoder::new(&bytes);
        let mut found = Vec::new();
        for op in &ops {
            let value = run(&mut decoder, &cdfs, &blind(op));
            match *op {
                Op::Bit(..) => {}
                Op::Uniform(n, _) => prop_assert!(value < u64::from(n)),
                Op::Raw(bits, _) => prop_assert!(bits == 64 || value >> bits == 0),
                // The one call that may leave its range, by contract.
                Op::Wide(n, _) if value >= n => return Ok(()),
                Op::Wide(..) | Op::Symbol(..) => {}
            }
            found.push(with_value(op, value));
        }
        let same = encode(&found) == bytes;
        prop_assert_eq!(decoder.finish().is_ok(), same);
    }

    #[test]
    fn distribution_by_distribution(symbols: Vec<(prop::sample::Index, u8)>) {
        let all = cdfs();
        let cdfs: Vec<Cdf> = symbols.iter().map(|(c, _)| all[c.index(all.len())].clone()).collect();
        let symbols: Vec<u8> = symbols.iter().map(|&(_, s)| s).collect();
        let bytes = encode_symbols(&cdfs, &symbols);
        prop_assert_eq!(decode_symbols(&cdfs, &bytes), Ok(symbols.clone()));
        for cut in 0..bytes.len() {
            // What is left may happen to be the code of other symbols, never of these.
            prop_assert_ne!(decode_symbols(&cdfs, &bytes[..cut]), Ok(symbols.clone()));
        }
    }
}

/// Codes symbol `i` by distribution `i`.
fn encode_symbols(cdfs: &[Cdf], symbols: &[u8]) -> Vec<u8> {
    let mut encoder = RangeEncoder::new();
    for (cdf, &s) in cdfs.iter().zip(symbols) {
        encoder.symbol(cdf, s);
    }
    encoder.finish()
}

fn decode_symbols(cdfs: &[Cdf], bytes: &[u8]) -> Result<Vec<u8>, EntropyError> {
    let mut decoder = RangeDecoder::new(bytes);
    let symbols = cdfs.iter().map(|cdf| decoder.symbol(cdf, 0)).collect();
    decoder.finish()?;
    Ok(symbols)
}

/// Plain xorshift: enough to spread values, and the same on every run.
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }
}

fn assert_near_cost(name: &str, ops: &[Op]) {
    let cdfs = cdfs();
    let mut cost = CostCounter::new();
    for op in ops {
        run(&mut cost, &cdfs, op);
    }
    let (theory, real) = (cost.bits() / 8.0, encode(ops).len() as f64);
    assert!(
        (real - theory).abs() <= theory * 0.0005 + 8.0,
        "{name}: {real} bytes, theory {theory}"
    );
}

#[test]
fn length_is_near_the_cost() {
    let mut noise = Noise(1);
    let count = 200_000;
    let mut bits = |p: u32| -> Vec<Op> {
        (0..count).map(|_| Op::Bit(p, (noise.next() >> 48) < u64::from(p))).collect()
    };
    for p in [PROB_MIN, 65536 - PROB_MIN, 32768, 100, 40_000] {
        assert_near_cost(&format!("bits at {p}"), &bits(p));
    }
    assert_near_cost("impossible bits", &vec![Op::Bit(PROB_MIN, true); 50_000]);
    assert_near_cost("certain bits", &vec![Op::Bit(65536 - PROB_MIN, true); 1_000_000]);
    for n in [1u32, 2, 3, 255, 257, 65_535, 65_536] {
        let values = (0..count).map(|_| Op::Uniform(n, (noise.next() >> 33) as u32 % n));
        assert_near_cost(&format!("uniform of {n}"), &values.collect::<Vec<_>>());
    }
    for bits in [1, 13, 24, 25, 48, 64] {
        let values = (0..count).map(|_| Op::Raw(bits, noise.next() >> (64 - bits)));
        assert_near_cost(&format!("raw {bits}"), &values.collect::<Vec<_>>());
    }
    for which in 0..3 {
        let symbols = (0..count).map(|_| Op::Symbol(which, noise.next() as u8));
        assert_near_cost(&format!("symbols {which}"), &symbols.collect::<Vec<_>>());
    }
}

/// A carry through any number of words that were all ones: the values that a decoder finds in a long run of
/// ones bring the encoder to just below a carry, and the largest values then bring it over.
#[test]
fn carry_goes_all_the_way() {
    let cdfs = cdfs();
    for ones in [10usize, 12, 16, 50, 400] {
        let mut below = vec![0x12, 0x33];
        below.resize(2 + ones, 0xff);
        let mut decoder = RangeDecoder::new(&below);
        let mut ops: Vec<Op> = (0..ones / 2 - 3)
            .map(|_| Op::Uniform(65_536, run(&mut decoder, &cdfs, &Op::Uniform(65_536, 0)) as u32))
            .collect();
        ops.extend([Op::Uniform(65_536, 65_535), Op::Raw(64, u64::MAX), Op::Bit(PROB_MIN, false)]);
        let bytes = encode(&ops);
        assert!(bytes.starts_with(&[0x12, 0x34, 0, 0]), "{ones} ones: {bytes:x?}");
        let mut decoder = RangeDecoder::new(&bytes);
        for op in &ops {
            assert_eq!(run(&mut decoder, &cdfs, &blind(op)), value_of(op));
        }
        assert_eq!(decoder.finish(), Ok(()));
    }
}

/// The one number that no interval contains: 64 ones at the start.
#[test]
fn a_start_of_ones_is_refused() {
    let cdfs = cdfs();
    for count in 0..30 {
        let mut start = RangeEncoder::new();
        let last: Vec<Op> = (0..count).map(|_| Op::Uniform(65_536, 65_535)).collect();
        last.iter().for_each(|op| _ = run(&mut start, &cdfs, op));
        let mut bytes = start.finish();
        if bytes.len() < 8 {
            continue;
        }
        bytes[..8].fill(255);
        let mut decoder = RangeDecoder::new(&bytes);
        let found: Vec<Op> =
            last.iter().map(|op| with_value(op, run(&mut decoder, &cdfs, &blind(op)))).collect();
        assert_ne!(encode(&found), bytes);
        assert!(decoder.finish().is_err(), "{count} values");
    }
    for len in 8..100 {
        let bytes = vec![255; len];
        for count in len / 2 - 4..len / 2 + 1 {
            let mut decoder = RangeDecoder::new(&bytes);
            for _ in 0..count {
                run(&mut decoder, &cdfs, &Op::Uniform(65_536, 0));
            }
            assert!(decoder.finish().is_err(), "{len} bytes, {count} values");
        }
    }
}

/// A word of zeros that was shifted out belongs to the stream: one byte fewer reads the same values, and is
/// refused all the same.
#[test]
fn shifted_zeros_are_part_of_the_stream() {
    let cdfs = cdfs();
    let ops = [Op::Bit(PROB_MIN, true), Op::Symbol(0, 0), Op::Bit(PROB_MIN, true)];
    let bytes = encode(&ops);
    assert_eq!(bytes, [0; 4]);
    for len in 0..4 {
        let mut decoder = RangeDecoder::new(&bytes[..len]);
        for op in &ops {
            assert_eq!(run(&mut decoder, &cdfs, &blind(op)), value_of(op));
        }
        assert!(decoder.finish().is_err(), "{len} bytes");
    }
}

#[test]
fn nothing_is_no_bytes() {
    assert!(RangeEncoder::new().finish().is_empty());
    assert!(encode(&[Op::Raw(0, 5), Op::Uniform(1, 0), Op::Wide(1, 0)]).is_empty());
    assert_eq!(RangeDecoder::new(&[]).finish(), Ok(()));
    assert!(RangeDecoder::new(&[0]).finish().is_err());
}

/// Numbers behind the last slot of a distribution belong to its last symbol.
#[test]
fn the_last_symbol_takes_what_is_left() {
    for cdf in cdfs() {
        let bytes = [0xff; 40];
        let mut decoder = RangeDecoder::new(&bytes);
        assert!((0..3).all(|_| decoder.symbol(&cdf, 0) == 255));
    }
}

#[test]
fn reading_too_much_is_told() {
    let mut encoder = RangeEncoder::new();
    (0..100).for_each(|i| _ = encoder.raw(32, i));
    assert!(!SymbolCoder::overran(&encoder));
    let bytes = encoder.finish();
    let mut decoder = RangeDecoder::new(&bytes);
    assert!((0..100).all(|i| decoder.raw(32, 0) == i));
    assert!(!decoder.overran() && !SymbolCoder::overran(&decoder));
    (0..4).for_each(|_| _ = decoder.raw(32, 0));
    assert!(decoder.overran() && SymbolCoder::overran(&decoder));
    assert_eq!(decoder.finish(), Err(EntropyError::Truncated));
}
