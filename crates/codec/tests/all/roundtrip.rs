//! Every byte comes back, at every level, whatever the input.

use crate::common::{LEVELS, Random, compress, decompress, events, jets, options};
use proptest::prelude::*;

fn same(raw: &[u8], what: &str) {
    for level in LEVELS {
        let archive = compress(raw, level);
        let back = decompress(&archive).unwrap_or_else(|e| panic!("{what} at -{level}: {e}"));
        assert!(back == raw, "{what} at -{level}");
        let most = raw.len() + raw.len() / 1000 + 1024;
        assert!(archive.len() <= most, "{what} at -{level}: {} of {}", archive.len(), raw.len());
    }
}

#[test]
fn small_and_odd_inputs() {
    let jets = jets();
    same(b"", "nothing");
    same(b"x", "one byte");
    same(&jets[..124], "one record");
    same(&jets[..124 + 17], "one record and a tail");
    same(&jets[..124 * 40 + 5], "forty records and a tail");
    same(&[0; 100_000], "zeros");
    same(&[0xff; 4097], "ones");
    for n in [2, 3, 7, 64, 255, 1000, 1024] {
        same(&jets[..n], "a few bytes");
        same(&Random(n as u64).bytes(n), "a few random bytes");
    }
}

#[test]
fn random_bytes_grow_by_less_than_a_thousandth() {
    same(&Random(1).bytes(300_000), "random bytes");
}

#[test]
fn special_floats() {
    let mut random = Random(5);
    let mut raw = Vec::new();
    for i in 0..6000u32 {
        let special = [
            f32::NAN.to_bits(),
            0x7f80_0001,
            0xffc0_1234,
            (-0.0f32).to_bits(),
            0,
            f32::INFINITY.to_bits(),
            f32::NEG_INFINITY.to_bits(),
            1,
            0x8000_0001,
            f32::MAX.to_bits(),
        ];
        let pick = special[random.next() as usize % special.len()];
        raw.extend((random.unit() as f32).to_le_bytes());
        raw.extend(pick.to_le_bytes());
        raw.extend((f64::NAN.to_bits() ^ u64::from(i % 3)).to_le_bytes());
        raw.extend((if i % 2 == 0 { -0.0f64 } else { random.unit() }).to_le_bytes());
    }
    same(&raw, "NaN payloads and negative zeros");
}

#[test]
fn jets_and_text_shrink() {
    let jets = jets()[..124 * 4000].to_vec();
    let sizes: Vec<usize> = LEVELS
        .iter()
        .map(|&level| {
            let archive = compress(&jets, level);
            assert!(decompress(&archive).unwrap() == jets);
            archive.len()
        })
        .collect();
    // Far better than any general compressor (xz -9: 1.94), and better with every group of levels.
    assert!(sizes[0] * 2 < jets.len());
    assert!(sizes[2] * 5 < jets.len() * 2);
    assert!(sizes[0] > sizes[1] && sizes[1] > sizes[2] && sizes[2] > sizes[4], "{sizes:?}");
    let text = events();
    for level in [1, 3, 5] {
        let archive = compress(&text, level);
        assert!(decompress(&archive).unwrap() == text);
        assert!(archive.len() * 5 < text.len() * 2);
    }
}

#[test]
fn columns_one_after_the_other() {
    let mut random = Random(9);
    let mut raw = Vec::new();
    for column in 0..4 {
        let mut x = f64::from(column) * 1000.0;
        for _ in 0..3000 {
            x += random.unit() - 0.5;
            raw.extend((x as f32).to_le_bytes());
        }
    }
    same(&raw, "column-major floats");
}

#[test]
fn pieces_give_the_same_archive() {
    let jets = &jets()[..124 * 3000];
    for level in [1, 5] {
        let whole = compress(jets, level);
        let mut encoder = vxc::Encoder::new(Vec::new(), options(level)).unwrap();
        let (mut at, mut random) = (0, Random(3));
        while at < jets.len() {
            let n = (random.next() as usize % 70_000).min(jets.len() - at);
            std::io::Write::write_all(&mut encoder, &jets[at..at + n]).unwrap();
            at += n;
        }
        assert!(encoder.finish().unwrap().0 == whole);
    }
}

#[test]
fn progress_counts_what_was_coded() {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
    let jets = jets();
    let coded = Arc::new(AtomicU64::new(0));
    let options = vxc::CompressOptions { progress: Some(coded.clone()), ..options(1) };
    let mut encoder = vxc::Encoder::new(Vec::new(), options).unwrap();
    encoder.push(&jets).unwrap();
    // All of it waits in the look-ahead.
    assert_eq!(coded.load(Relaxed), 0);
    encoder.finish().unwrap();
    assert_eq!(coded.load(Relaxed), jets.len() as u64);
}

#[test]
fn a_decoder_reads_in_pieces_and_several_archives() {
    let (jets, text) = (jets(), events());
    let mut both = compress(&jets[..124 * 500], 3);
    both.extend(compress(&text[..5000], 5));
    let mut decoder = vxc::Decoder::new(&both[..], vxc::DecompressOptions::default()).unwrap();
    let mut back = Vec::new();
    let mut buffer = [0; 777];
    loop {
        let n = std::io::Read::read(&mut decoder, &mut buffer).unwrap();
        if n == 0 {
            break;
        }
        back.extend_from_slice(&buffer[..n]);
    }
    assert!(back == [&jets[..124 * 500], &text[..5000]].concat());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    /// Tables of any record size with columns that are noise, runs, counters or functions of others.
    #[test]
    fn arbitrary_tables(seed in any::<u64>(), fields in 1usize..12, rows in 1usize..400, tail in 0usize..9, level in 1u8..=6) {
        let mut random = Random(seed);
        let kinds: Vec<u64> = (0..fields).map(|_| random.next() % 6).collect();
        let mut raw = Vec::new();
        let mut held = 0u32;
        for r in 0..rows {
            let x = random.unit() as f32 * 100.0;
            for &kind in &kinds {
                let bits = match kind {
                    0 => random.next() as u32,
                    1 => x.to_bits(),
                    2 => (x * 2.0).to_bits(),
                    3 => r as u32,
                    4 => { if random.next().is_multiple_of(5) { held = random.next() as u32 } held }
                    _ => (random.next() % 3) as u32,
                };
                raw.extend(bits.to_le_bytes());
            }
        }
        raw.extend(random.bytes(tail));
        let archive = compress(&raw, level);
        prop_assert!(decompress(&archive).unwrap() == raw);
    }
}
