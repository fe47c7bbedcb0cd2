//! rANS against itself, the entropy of its tables and hostile bytes.

use std::sync::LazyLock;

use proptest::prelude::*;
use vxc_entropy::EntropyError;
use vxc_entropy::rans::{
    DecTable, EncTable, FreqTable, MAX_UNIFORM, PRECISION, RansDecoder, RansEncoder,
};

/// A piece of a sequence, symbols valid for their tables.
#[derive(Clone, Debug)]
enum Run {
    One(usize, Vec<u8>),
    /// Contexts and symbols.
    Ctx(Vec<u8>, Vec<u8>),
    Uniform(Vec<u16>, Vec<u16>),
}

const TABLES: usize = 4;

/// Flat, certain, steep, and smooth with gaps.
fn tables() -> &'static [FreqTable] {
    static ALL: LazyLock<Vec<FreqTable>> = LazyLock::new(make_tables);
    &ALL
}

fn make_tables() -> Vec<FreqTable> {
    let shapes: [Vec<u32>; TABLES] = [
        vec![1; 256],
        (0..200).map(|s| u32::from(s == 150)).collect(),
        (0..256).map(|s| if s == 9 { 1 << 31 } else { 1 }).collect(),
        (0..100).map(|s| if s % 3 == 0 { 0 } else { s * s }).collect(),
    ];
    shapes.iter().map(|s| FreqTable::from_counts(s)).collect()
}

fn allowed(table: &FreqTable) -> Vec<u8> {
    (0..table.freqs().len()).filter(|&s| table.freqs()[s] > 0).map(|s| s as u8).collect()
}

fn run() -> impl Strategy<Value = Run> {
    let picks = || prop::collection::vec((0..TABLES as u8, any::<prop::sample::Index>()), 0..60);
    let pick = |table: usize, at: &prop::sample::Index| {
        let symbols = allowed(&tables()[table]);
        symbols[at.index(symbols.len())]
    };
    let n = prop_oneof![Just(1u16), Just(256), 1u16..=256, 1u16..=4];
    prop_oneof![
        (0..TABLES, picks()).prop_map(move |(t, picks)| {
            Run::One(t, picks.iter().map(|(_, at)| pick(t, at)).collect())
        }),
        picks().prop_map(move |picks| {
            let (c, s) = picks.iter().map(|(c, at)| (*c, pick(usize::from(*c), at))).unzip();
            Run::Ctx(c, s)
        }),
        prop::collection::vec((n, any::<u16>()), 0..40)
            .prop_map(|all| all.into_iter().map(|(n, v)| (n, v % n)).unzip())
            .prop_map(|(n, v)| Run::Uniform(n, v)),
    ]
}

fn encode(tables: &[EncTable], runs: &[Run]) -> Vec<u8> {
    let mut encoder = RansEncoder::new();
    for run in runs {
        match run {
            Run::One(t, symbols) => encoder.push_run(&tables[*t], symbols),
            Run::Ctx(contexts, symbols) => encoder.push_run_ctx(tables, contexts, symbols),
            Run::Uniform(n, values) => encoder.push_uniform_run(n, values),
        }
    }
    encoder.finish()
}

/// The runs found in `bytes` where runs of the shape of `runs` are expected.
fn decode(tables: &[DecTable], runs: &[Run], bytes: &[u8]) -> (Vec<Run>, Result<(), EntropyError>) {
    let mut decoder = match RansDecoder::new(bytes) {
        Ok(decoder) => decoder,
        Err(error) => return (Vec::new(), Err(error)),
    };
    let found = runs.iter().map(|run| match run {
        Run::One(t, symbols) => {
            let mut out = vec![0; symbols.len()];
            decoder.decode_run(&tables[*t], &mut out);
            Run::One(*t, out)
        }
        Run::Ctx(contexts, _) => {
            let mut out = vec![0; contexts.len()];
            decoder.decode_run_ctx(tables, contexts, &mut out);
            Run::Ctx(contexts.clone(), out)
        }
        Run::Uniform(n, _) => {
            let mut out = vec![0; n.len()];
            decoder.decode_uniform_run(n, &mut out);
            Run::Uniform(n.clone(), out)
        }
    });
    let found = found.collect();
    (found, decoder.finish())
}

fn both() -> (Vec<EncTable>, Vec<DecTable>) {
    let tables = tables();
    (tables.iter().map(EncTable::new).collect(), tables.iter().map(DecTable::new).collect())
}

proptest! {
    #[test]
    fn inverse(runs in prop::collection::vec(run(), 0..12)) {
        let (enc, dec) = both();
        let bytes = encode(&enc, &runs);
        let (found, end) = decode(&dec, &runs, &bytes);
        prop_assert_eq!(end, Ok(()));
        prop_assert_eq!(format!("{found:?}"), format!("{runs:?}"));
    }

    #[test]
    fn finish_accepts_only_what_the_encoder_writes(
        runs in prop::collection::vec(run(), 0..8),
        change in 0usize..4,
        at: prop::sample::Index,
        by in 1u8..=255,
        random in prop::collection::vec(prop_oneof![any::<u8>(), Just(0), Just(255)], 0..100),
    ) {
        let (enc, dec) = both();
        let mut bytes = encode(&enc, &runs);
        match change {
            0 => bytes.truncate(at.index(bytes.len() + 1)),
            1 => bytes.extend_from_slice(&random),
            2 if !bytes.is_empty() => {
                let i = at.index(bytes.len());
                bytes[i] ^= by;
            }
            _ => bytes = random,
        }
        let (found, end) = decode(&dec, &runs, &bytes);
        for run in &found {
            if let Run::Uniform(n, values) = run {
                prop_assert!(values.iter().zip(n).all(|(v, n)| v < n));
            }
        }
        // Encoding again would panic on a symbol that is not in its table.
        let same = found.len() == runs.len() && encode(&enc, &found) == bytes;
        prop_assert_eq!(end.is_ok(), same);
    }

    #[test]
    fn random_tables(
        counts in prop::collection::vec(prop_oneof![Just(0u32), 0u32..2000, 0u32..1 << 23], 1..=256),
        picks: Vec<prop::sample::Index>,
    ) {
        let table = FreqTable::from_counts(&counts);
        let symbols = allowed(&table);
        let message: Vec<u8> = picks.iter().map(|at| symbols[at.index(symbols.len())]).collect();
        let mut encoder = RansEncoder::new();
        encoder.push_run(&EncTable::new(&table), &message);
        let bytes = encoder.finish();
        let mut out = vec![0; message.len()];
        let mut decoder = RansDecoder::new(&bytes).unwrap();
        decoder.decode_run(&DecTable::new(&table), &mut out);
        prop_assert_eq!(out, message);
        prop_assert_eq!(decoder.finish(), Ok(()));
    }
}

fn noise(count: usize) -> impl Iterator<Item = u32> {
    let mut x = 88_172_645_463_325_252u64;
    (0..count).map(move |_| {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        (x.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 40) as u32
    })
}

#[test]
fn length_is_near_the_entropy() {
    let count = 100_003;
    for table in tables() {
        let slots: Vec<u8> = table
            .freqs()
            .iter()
            .enumerate()
            .flat_map(|(s, &f)| std::iter::repeat_n(s as u8, usize::from(f)))
            .collect();
        let message: Vec<u8> = noise(count).map(|r| slots[r as usize % slots.len()]).collect();
        let bits = |&s: &u8| f64::from(PRECISION) - f64::from(table.freqs()[usize::from(s)]).log2();
        let theory = message.iter().map(bits).sum::<f64>() / 8.0;
        let mut encoder = RansEncoder::new();
        encoder.push_run(&EncTable::new(table), &message);
        let real = encoder.finish().len() as f64;
        assert!((real - theory).abs() <= theory * 0.0005 + 32.0, "{real} bytes, theory {theory}");
    }
    for n in [1u16, 2, 3, 100, 255, 256] {
        let values: Vec<u16> = noise(count).map(|r| (r % u32::from(n)) as u16).collect();
        let mut encoder = RansEncoder::new();
        encoder.push_uniform_run(&vec![n; count], &values);
        let theory = count as f64 * f64::from(n).log2() / 8.0;
        let real = encoder.finish().len() as f64;
        assert!((real - theory).abs() <= theory * 0.0005 + 32.0, "uniform {n}: {real}, {theory}");
    }
}

#[test]
fn certain_symbols_are_no_bytes() {
    let table = FreqTable::from_counts(&[0, 4]);
    let mut encoder = RansEncoder::new();
    encoder.push_run(&EncTable::new(&table), &[1; 1000]);
    encoder.push_uniform_run(&[1; 100], &[0; 100]);
    assert!(encoder.finish().is_empty());
    let mut out = [7; 1000];
    let mut decoder = RansDecoder::new(&[]).unwrap();
    decoder.decode_run(&DecTable::new(&table), &mut out);
    assert_eq!(out, [1; 1000]);
    assert_eq!(decoder.finish(), Ok(()));
}

#[test]
#[should_panic(expected = "without frequency")]
fn a_symbol_without_frequency_is_refused() {
    let table = FreqTable::from_counts(&[1, 0, 1]);
    RansEncoder::new().push_run(&EncTable::new(&table), &[0, 1, 2]);
}

#[test]
#[should_panic(expected = "without frequency")]
fn one_symbol_without_frequency_among_others_is_refused() {
    let tables = [EncTable::new(&FreqTable::from_counts(&[1, 0, 1]))];
    RansEncoder::new().push_run_ctx(&tables, &[0, 0, 0], &[0, 1, 2]);
}

#[test]
fn a_table_knows_its_symbols() {
    let table = EncTable::new(&FreqTable::from_counts(&[1, 0, 1]));
    assert_eq!([0, 1, 2, 3].map(|s| table.contains(s)), [true, false, true, false]);
}

#[test]
fn states_that_need_not_be_there_are_refused() {
    let mut bytes: Vec<u8> = (0..8).flat_map(|_| 65_536u32.to_le_bytes()).collect();
    assert!(matches!(RansDecoder::new(&bytes), Err(EntropyError::Corrupt(_))));
    assert!(matches!(RansDecoder::new(&bytes[..31]), Err(EntropyError::Truncated)));
    bytes[2] = 2;
    assert!(RansDecoder::new(&bytes).is_ok());
    bytes[2] = 0;
    assert!(matches!(RansDecoder::new(&bytes), Err(EntropyError::Corrupt(_))));
}

#[test]
fn limits_of_uniform() {
    let n = [0, MAX_UNIFORM + 1, u16::MAX];
    let mut out = [9; 3];
    let mut decoder = RansDecoder::new(&[255; 40]).unwrap();
    decoder.decode_uniform_run(&n, &mut out);
    assert!(out[0] == 0 && out[1] < 256 && out[2] < 256);
}

/// Shares are rounded to the nearest; the largest pays, or gets what is left, the first of equals, at most half of its own.
#[test]
fn frequencies_sum_to_all_slots() {
    let freqs = |counts: &[u32]| FreqTable::from_counts(counts).freqs().to_vec();
    // 372.36 each, so four are left.
    assert_eq!(freqs(&[5; 11]), [vec![376], vec![372; 10]].concat());
    // 682.67 each, so two are missing.
    assert_eq!(freqs(&[5; 6]), [vec![681], vec![683; 5]].concat());
    // 22.75 each, and one for each rare one: 120 are missing.
    let counts = [vec![100_000; 180], vec![1; 76]].concat();
    let expected = [vec![12; 10], vec![13], vec![23; 169], vec![1; 76]].concat();
    assert_eq!(freqs(&counts), expected);
}

#[test]
fn reading_too_much_is_told() {
    let (enc, dec) = both();
    let mut encoder = RansEncoder::new();
    assert!(encoder.is_empty());
    let symbols: Vec<u8> = (0..=255).collect();
    encoder.push_run(&enc[0], &symbols);
    assert!(!encoder.is_empty());
    assert_eq!(encoder.len(), 256);
    let bytes = encoder.finish();
    let mut decoder = RansDecoder::new(&bytes).unwrap();
    let mut out = [0; 256];
    decoder.decode_run(&dec[0], &mut out);
    assert!(out[..] == symbols && !decoder.overran());
    decoder.decode_run(&dec[0], &mut out);
    assert!(decoder.overran());
    assert_eq!(decoder.finish(), Err(EntropyError::Truncated));
}
