//! The blocks are those of the library, where it is what defines them, and the same everywhere.

use super::*;

/// Bytes that repeat as far back and as long as `shape` says.
fn content(n: usize, seed: u64, shape: u8) -> Vec<u8> {
    let mut state = seed | 1;
    let mut next = |n: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 33) as usize % n
    };
    let mut out = Vec::new();
    while out.len() < n {
        match (shape, next(8)) {
            (0, _) => out.push(next(256) as u8),
            (1, _) => out.push(next(3) as u8),
            (2, 0..4) => out.resize(out.len() + next(900), next(4) as u8),
            (3, _) => out.extend((out.len() as u32 / 24 * 7).to_be_bytes()),
            (4, 0) => out.extend((next(70_000) as f32).to_be_bytes()),
            (5, _) => out.extend([0, 0, 0, next(5) as u8]),
            (_, 1..3) if out.len() > 40 => {
                let from = out.len() - 1 - next(out.len().min(90_000) - 1);
                let len = (4 + next(60)).min(out.len() - from);
                out.extend_from_within(from..from + len);
            }
            _ => out.extend((0..1 + next(20)).map(|i| (i * i) as u8)),
        }
    }
    out.truncate(n);
    out
}

/// What the blocks are, for ever, on every machine.
#[test]
fn blocks_are_pinned() {
    let sums = [0, 2, 4, 9, 10, 12].map(|setting| {
        let mut all = Vec::new();
        for shape in 0..8 {
            let content = content(30_000, 5, shape);
            all.extend(remake(setting, &content).unwrap().unwrap());
        }
        all.extend(remake(setting, &content(70_000, 6, 6)).unwrap().unwrap());
        (setting, xxhash_rust::xxh64::xxh64(&all, 0))
    });
    assert_eq!(sums, PINNED);
}

const PINNED: [(u8, u64); 6] = [
    (0, 2_900_964_883_959_696_977),
    (2, 11_962_356_979_957_656_799),
    (4, 1_760_463_643_367_447_789),
    (9, 17_336_978_599_842_081_781),
    (10, 7_670_131_783_312_336_979),
    (12, 16_300_366_860_149_968_244),
];

#[test]
fn settings_that_there_are_not() {
    assert!(remake(13, b"content").unwrap().is_none());
}

/// At settings 10 to 12 the library reads before the first byte of nothing, so that it is no measure of it.
#[test]
fn blocks_of_nothing_are_a_token() {
    for setting in 0..=12 {
        let block = remake(setting, b"").unwrap().unwrap();
        assert_eq!(block[8..], [0], "setting {setting}");
        assert_eq!(block[..8], xxhash_rust::xxh64::xxh64(&[0], 0).to_be_bytes());
    }
}

/// Against the library, on the machines that it is defined by.
#[cfg(all(target_endian = "little", target_pointer_width = "64"))]
mod library {
    use super::*;
    use lz4::block::{CompressionMode, compress};
    use proptest::prelude::*;

    /// What the library writes.
    fn original(setting: u8, content: &[u8]) -> Vec<u8> {
        let mode = match setting {
            0 => CompressionMode::DEFAULT,
            level => CompressionMode::HIGHCOMPRESSION(level.into()),
        };
        compress(content, Some(mode), false).unwrap()
    }

    fn same(content: &[u8], what: &str) {
        for setting in 0..=12 {
            let own = remake(setting, content).unwrap().unwrap();
            assert!(own[8..] == original(setting, content), "{what}, setting {setting}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 100, ..ProptestConfig::default() })]

        #[test]
        fn as_the_library(n in 1usize..6000, seed: u64, shape in 0u8..8) {
            same(&content(n, seed, shape), &format!("{n} bytes of shape {shape}, seed {seed}"));
        }
    }

    /// Around the size at which tables change, beyond the farthest distance, and long runs.
    #[test]
    fn as_the_library_where_contents_are_long() {
        for shape in 0..8 {
            for n in [65_546, 65_547, 140_000] {
                same(&content(n, n as u64, shape), &format!("{n} bytes of shape {shape}"));
            }
        }
        same(&[7; 80_000], "a run");
        // Runs and copies that are longer than what is looked over at once, some of them far away.
        let mut runs = vec![0; 70_000];
        let mut copies = content(5000, 3, 0);
        for n in 0..8 {
            runs.extend(content(20 + n, n as u64, 0));
            runs.resize(runs.len() + [9000, 3000, 40, 5000][n % 4], [0, 7][n % 2]);
            let from = copies.len() - 5000;
            copies.extend_from_within(from..);
            let changed = copies.len() - 1500 * (1 + n % 3);
            copies[changed] ^= 1;
        }
        for _ in 0..300 {
            runs.extend([0, 0, 0, 0, 0]);
            runs.extend(content(4, runs.len() as u64, 0));
        }
        same(&runs, "runs");
        same(&copies, "copies");
    }
}
