//! Random numbers of a run: SplitMix64, whose whole state is one number that checkpoints can hold.
//!
//! Source: Steele, Lea, Flood, *Fast splittable pseudorandom number generators*, OOPSLA 2014. Every use has a
//! stream of its own (see [`Stream`]), so that drawing more in one place changes nothing in another.

use serde::{Deserialize, Serialize};

/// What random numbers are drawn for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// Initial weights.
    Weights,
    /// Order of the training records.
    Order,
    /// Dropout.
    Noise,
    /// Chunk lengths.
    Chunks,
}

/// A generator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SplitMix64 {
    state: u64,
}

impl SplitMix64 {
    /// The generator of a stream of a run, for an index inside it (epoch, step, shard).
    pub fn new(seed: u64, stream: Stream, index: u64) -> Self {
        let mut g = Self { state: seed };
        let of_stream = g.next_u64() ^ mix(stream as u64 + 1);
        Self { state: mix(of_stream).wrapping_add(mix(index)) }
    }

    /// 64 random bits.
    pub fn next_u64(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.state)
    }

    /// A number below `n`, `n >= 1`, by multiplication: the bias is below `n / 2^64`.
    pub fn below(&mut self, n: u64) -> u64 {
        ((u128::from(self.next_u64()) * u128::from(n)) >> 64) as u64
    }

    /// The numbers below `n` in random order (Fisher and Yates).
    pub fn permutation(&mut self, n: u32) -> Vec<u32> {
        let mut all: Vec<u32> = (0..n).collect();
        for i in (1..all.len()).rev() {
            all.swap(i, self.below(i as u64 + 1) as usize);
        }
        all
    }
}

/// SplitMix64's output function.
fn mix(z: u64) -> u64 {
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reference_outputs_of_seed_zero() {
        let mut g = SplitMix64 { state: 0 };
        assert_eq!(g.next_u64(), 0xe220_a839_7b1d_cdaf);
        assert_eq!(g.next_u64(), 0x6e78_9e6a_a1b9_65f4);
    }

    #[test]
    fn a_permutation_holds_every_number_once() {
        let mut p = SplitMix64::new(7, Stream::Order, 3).permutation(1000);
        assert_ne!(p, SplitMix64::new(7, Stream::Order, 4).permutation(1000));
        p.sort_unstable();
        assert!(p.iter().enumerate().all(|(i, &x)| i as u32 == x));
    }

    #[test]
    fn numbers_below_stay_below() {
        let mut g = SplitMix64::new(1, Stream::Noise, 0);
        let mut seen = [0u32; 7];
        for _ in 0..7000 {
            seen[g.below(7) as usize] += 1;
        }
        assert!(seen.iter().all(|&n| (800..1200).contains(&n)));
    }
}
