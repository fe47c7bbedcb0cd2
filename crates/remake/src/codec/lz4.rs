//! LZ4's blocks as version 1.10 of its authors' library writes them on 64-bit little-endian machines: setting 0 is the
//! fast encoder, 1 to 12 are levels of the strong one.
//!
//! Written anew from that behaviour, because the library's depends on the machine: its hashes read words in the order of
//! the processor, and of words as wide as the processor has them. Here they are the same everywhere, places and quirks
//! included: what a table holds of places that nobody entered is part of what comes out.
//!
//! ```text
//! block := (token u8 · [more literals] · literals · distance u16 LE · [more length])* · token · [more literals] · literals
//! ```

mod block;
mod chains;
mod fast;
mod lazy;
mod mid;
mod optimal;

use crate::error::RemakeError;

/// Settings, ROOT's favourites first: level 4, and what lower levels are to it.
pub const LEVELS: [u8; 13] = [4, 0, 9, 1, 2, 3, 5, 6, 7, 8, 10, 11, 12];

/// Longest content: places are 32 bits in the tables.
const LONGEST: usize = 1 << 30;

/// Checksum and block; `None` for a setting that there is not.
///
/// # Errors
/// [`RemakeError::LimitExceeded`] for a content of more than a gibibyte.
pub fn remake(setting: u8, content: &[u8]) -> Result<Option<Vec<u8>>, RemakeError> {
    if content.len() > LONGEST {
        let (needed, limit) = (content.len() as u64, LONGEST as u64);
        return Err(RemakeError::LimitExceeded { needed, limit });
    }
    let block = match setting {
        0 => fast::compress(content),
        1 | 2 => mid::compress(content),
        3..=9 => lazy::compress(content, 4 << (setting - 3)),
        10 => optimal::compress(content, 96, 64, false),
        11 => optimal::compress(content, 512, 128, false),
        12 => optimal::compress(content, 16_384, optimal::PLACES - 1, true),
        _ => return Ok(None),
    };
    let mut out = xxhash_rust::xxh64::xxh64(&block, 0).to_be_bytes().to_vec();
    out.extend_from_slice(&block);
    Ok(Some(out))
}

#[cfg(test)]
mod tests {
    use super::*;
    use lz4::block::{CompressionMode, compress};
    use proptest::prelude::*;

    /// What the library writes, on a machine that it is defined by.
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

    #[cfg(all(target_endian = "little", target_pointer_width = "64"))]
    proptest! {
        #![proptest_config(ProptestConfig { cases: 100, ..ProptestConfig::default() })]

        #[test]
        fn as_the_library(n in 0usize..6000, seed: u64, shape in 0u8..8) {
            same(&content(n, seed, shape), &format!("{n} bytes of shape {shape}, seed {seed}"));
        }
    }

    /// Around the size at which tables change, beyond the farthest distance, and long runs.
    #[cfg(all(target_endian = "little", target_pointer_width = "64"))]
    #[test]
    fn as_the_library_where_contents_are_long() {
        for shape in 0..8 {
            for n in [65_546, 65_547, 140_000] {
                same(&content(n, n as u64, shape), &format!("{n} bytes of shape {shape}"));
            }
        }
        same(&[7; 80_000], "a run");
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
}
