//! Prints how fast each coder is on one thread: `cargo run --release -p vxc-entropy --example coders`.
//!
//! Every figure is the median of several rounds, in millions of symbols (decisions, values) a second, and in
//! MB/s of coded bytes.

use std::hint::black_box;
use std::time::Instant;

use vxc_entropy::rans::{DecTable, EncTable, FreqTable, RansDecoder, RansEncoder};
use vxc_entropy::{
    BinaryCoder, BitReader, BitWriter, Cdf, CostCounter, PROB_MIN, RangeDecoder, RangeEncoder,
    SymbolCoder,
};

const COUNT: usize = 1 << 20;
const ROUNDS: usize = 15;

/// Splitmix64: enough to spread values.
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

fn time<T>(name: &str, count: usize, coded_bytes: usize, mut work: impl FnMut() -> T) {
    let mut seconds: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let start = Instant::now();
            black_box(work());
            start.elapsed().as_secs_f64()
        })
        .collect();
    seconds.sort_by(f64::total_cmp);
    let median = seconds[ROUNDS / 2];
    println!(
        "{name:<34} {:>8.1} M/s {:>9.1} MB/s coded",
        count as f64 / median / 1e6,
        coded_bytes as f64 / median / 1e6
    );
}

fn binary(noise: &mut Noise) {
    let decisions: Vec<(u32, bool)> = (0..COUNT)
        .map(|_| {
            let p = PROB_MIN + (noise.next() % u64::from(65536 - 2 * PROB_MIN)) as u32;
            (p, noise.next() >> 48 < u64::from(p))
        })
        .collect();
    let encode = || {
        let mut encoder = RangeEncoder::new();
        for &(p, bit) in &decisions {
            encoder.bit(p, bit);
        }
        encoder.finish()
    };
    let bytes = encode();
    time("range, decisions, encode", COUNT, bytes.len(), encode);
    time("range, decisions, decode", COUNT, bytes.len(), || {
        let mut decoder = RangeDecoder::new(&bytes);
        let ones = decisions.iter().filter(|&&(p, _)| decoder.bit(p, false)).count();
        decoder.finish().expect("a good stream");
        ones
    });
    time("cost, decisions", COUNT, bytes.len(), || {
        let mut cost = CostCounter::new();
        for &(p, bit) in &decisions {
            cost.bit(p, bit);
        }
        cost.bits()
    });
}

fn values(noise: &mut Noise) {
    let all: Vec<(u32, u32)> = (0..COUNT)
        .map(|_| {
            let n = 1 + (noise.next() % 65536) as u32;
            (n, (noise.next() % u64::from(n)) as u32)
        })
        .collect();
    let encode = || {
        let mut encoder = RangeEncoder::new();
        for &(n, v) in &all {
            encoder.uniform(n, v);
        }
        encoder.finish()
    };
    let bytes = encode();
    time("range, uniform, encode", COUNT, bytes.len(), encode);
    time("range, uniform, decode", COUNT, bytes.len(), || {
        let mut decoder = RangeDecoder::new(&bytes);
        let sum: u64 = all.iter().map(|&(n, _)| u64::from(decoder.uniform(n, 0))).sum();
        decoder.finish().expect("a good stream");
        sum
    });
    let encode = || {
        let mut encoder = RangeEncoder::new();
        for &(_, v) in &all {
            encoder.raw(16, u64::from(v) & 0xffff);
        }
        encoder.finish()
    };
    let bytes = encode();
    time("range, 16 raw bits, encode", COUNT, bytes.len(), encode);
    time("range, 16 raw bits, decode", COUNT, bytes.len(), || {
        let mut decoder = RangeDecoder::new(&bytes);
        let sum: u64 = all.iter().map(|_| decoder.raw(16, 0)).sum();
        decoder.finish().expect("a good stream");
        sum
    });
}

/// Weights that fall like 1 / (1 + s)^(shape / 8), and a message drawn from them.
fn message(noise: &mut Noise, shape: u32) -> (Vec<u32>, Vec<u8>) {
    let weights: Vec<u32> = (0..256)
        .map(|s| (1e6 / f64::from(1 + s).powf(f64::from(shape) / 8.0)) as u32 + 1)
        .collect();
    let total: u64 = weights.iter().map(|&w| u64::from(w)).sum();
    let mut ends = Vec::new();
    let mut end = 0;
    for &w in &weights {
        end += u64::from(w);
        ends.push(end);
    }
    let draw = |_| {
        let r = noise.next() % total;
        ends.partition_point(|&end| end <= r) as u8
    };
    (weights, (0..COUNT).map(draw).collect())
}

fn by_cdf(noise: &mut Noise) {
    let (weights, symbols) = message(noise, 8);
    let weights: [u32; 256] = weights.try_into().expect("256 weights");
    let cdf = Cdf::from_weights(&weights);
    let encode = || {
        let mut encoder = RangeEncoder::new();
        for &s in &symbols {
            encoder.symbol(&cdf, s);
        }
        encoder.finish()
    };
    let bytes = encode();
    time("range, 256-ary, encode", COUNT, bytes.len(), encode);
    time("range, 256-ary, decode", COUNT, bytes.len(), || {
        let mut decoder = RangeDecoder::new(&bytes);
        let sum: u64 = symbols.iter().map(|_| u64::from(decoder.symbol(&cdf, 0))).sum();
        decoder.finish().expect("a good stream");
        sum
    });
    time("CDF from weights", COUNT / 64, 0, || {
        let mut sum = 0;
        for i in 0..COUNT / 64 {
            let mut weights = weights;
            weights[i % 256] ^= 1;
            sum += Cdf::from_weights(black_box(&weights)).width(3);
        }
        sum
    });
}

fn rans(noise: &mut Noise) {
    for shape in [0, 8, 24] {
        let (counts, symbols) = message(noise, shape);
        let table = FreqTable::from_counts(&counts);
        let (enc, dec) = (EncTable::new(&table), DecTable::new(&table));
        let encode = || {
            let mut encoder = RansEncoder::new();
            for run in symbols.chunks(2000) {
                encoder.push_run(&enc, run);
            }
            encoder.finish()
        };
        let bytes = encode();
        let bits = bytes.len() as f64 * 8.0 / COUNT as f64;
        let name = format!("rANS, {bits:.1} bits");
        time(&format!("{name}, encode"), COUNT, bytes.len(), encode);
        let mut out = vec![0; COUNT];
        time(&format!("{name}, decode"), COUNT, bytes.len(), || {
            let mut decoder = RansDecoder::new(&bytes).expect("a good stream");
            for run in out.chunks_mut(2000) {
                decoder.decode_run(&dec, run);
            }
            decoder.finish().expect("a good stream");
        });
        assert_eq!(out, symbols);
        time(&format!("{name}, normalise"), 256, 0, || FreqTable::from_counts(&counts));
    }
    rans_by_context(noise);
    rans_uniform(noise);
}

fn rans_by_context(noise: &mut Noise) {
    let (counts, symbols) = message(noise, 8);
    let contexts: Vec<u8> = (0..COUNT).map(|_| noise.next() as u8 % 16).collect();
    let tables: Vec<FreqTable> = (0..16)
        .map(|c| {
            let counts: Vec<u32> =
                counts.iter().enumerate().map(|(s, w)| w / (1 + (s as u32 ^ c) % 4)).collect();
            FreqTable::from_counts(&counts.iter().map(|c| c + 1).collect::<Vec<_>>())
        })
        .collect();
    let enc: Vec<EncTable> = tables.iter().map(EncTable::new).collect();
    let dec: Vec<DecTable> = tables.iter().map(DecTable::new).collect();
    let encode = || {
        let mut encoder = RansEncoder::new();
        for (c, s) in contexts.chunks(2000).zip(symbols.chunks(2000)) {
            encoder.push_run_ctx(&enc, c, s);
        }
        encoder.finish()
    };
    let bytes = encode();
    time("rANS, 16 contexts, encode", COUNT, bytes.len(), encode);
    let mut out = vec![0; COUNT];
    time("rANS, 16 contexts, decode", COUNT, bytes.len(), || {
        let mut decoder = RansDecoder::new(&bytes).expect("a good stream");
        for (c, run) in contexts.chunks(2000).zip(out.chunks_mut(2000)) {
            decoder.decode_run_ctx(&dec, c, run);
        }
        decoder.finish().expect("a good stream");
    });
    assert_eq!(out, symbols);
}

fn rans_uniform(noise: &mut Noise) {
    let n: Vec<u16> = (0..COUNT).map(|_| 1 + (noise.next() % 256) as u16).collect();
    let values: Vec<u16> = n.iter().map(|&n| (noise.next() % u64::from(n)) as u16).collect();
    let encode = || {
        let mut encoder = RansEncoder::new();
        encoder.push_uniform_run(&n, &values);
        encoder.finish()
    };
    let bytes = encode();
    time("rANS, uniform, encode", COUNT, bytes.len(), encode);
    let mut out = vec![0; COUNT];
    time("rANS, uniform, decode", COUNT, bytes.len(), || {
        let mut decoder = RansDecoder::new(&bytes).expect("a good stream");
        decoder.decode_uniform_run(&n, &mut out);
        decoder.finish().expect("a good stream");
    });
    assert_eq!(out, values);
}

fn bit_streams(noise: &mut Noise) {
    let widths: Vec<u8> = (0..COUNT).map(|_| 8 + (noise.next() % 12) as u8).collect();
    let values: Vec<u64> = widths.iter().map(|&w| noise.next() >> (64 - w)).collect();
    let encode = || {
        let mut writer = BitWriter::new();
        for (&width, &value) in widths.iter().zip(&values) {
            writer.write(width.into(), value);
        }
        writer.finish()
    };
    let bytes = encode();
    time("bits, write", COUNT, bytes.len(), encode);
    let mut out = vec![0; COUNT];
    time("bits, read", COUNT, bytes.len(), || {
        let mut reader = BitReader::new(&bytes);
        for (&width, out) in widths.iter().zip(&mut out) {
            *out = reader.read(width.into());
        }
        reader.finish().expect("a good stream");
    });
    assert_eq!(out, values);
}

fn main() {
    let mut noise = Noise(1);
    binary(&mut noise);
    values(&mut noise);
    by_cdf(&mut noise);
    rans(&mut noise);
    bit_streams(&mut noise);
}
