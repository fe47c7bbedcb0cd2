//! Adaptive probability maps (secondary symbol estimation): the final stages.
//!
//! A map refines a logit in a small context: 33 counters over the logit's range for each value of the
//! context, interpolated between the nearest two; the nearer one learns.

use crate::error::PredictError;
use crate::mix::counter;
use crate::mix::saved;
use crate::mix::squash::squash;

const BUCKETS: usize = 33;
/// Logit units between buckets.
const SPACING: i32 = 128;
const SPAN: i32 = SPACING * (BUCKETS as i32 - 1) / 2;

/// Counters by (context, logit).
#[derive(Clone, Debug)]
pub struct Apm {
    counters: Vec<i32>,
    limit: u32,
}

/// Where a prediction was read, to learn there.
#[derive(Clone, Copy, Debug, Default)]
pub struct ApmAt(u32);

impl Apm {
    /// The identity for each of `contexts` contexts.
    pub fn new(contexts: usize, limit: u32) -> Self {
        let mut row = [0i32; BUCKETS];
        for (i, counter) in row.iter_mut().enumerate() {
            let p = squash(SPACING * i as i32 - SPAN) as i32;
            // Starts with some confidence, so that one bit does not move it far.
            *counter = ((p - 32_768) << 16) | 12;
        }
        Self { counters: row.repeat(contexts), limit }
    }

    /// Saves the maps of the contexts that met a bit.
    pub(super) fn save(&self, out: &mut Vec<u8>) {
        let fresh = Self::new(1, self.limit).counters;
        let row = |i: usize| &self.counters[i * BUCKETS..][..BUCKETS];
        saved::put_rows(
            self.counters.len() / BUCKETS,
            |i| row(i) != &fresh[..],
            |i, out| saved::put_words(row(i).iter().map(|&c| saved::counter_to_saved(c)), out),
            out,
        );
    }

    /// Loads saved maps into a fresh one.
    pub(super) fn load(&mut self, input: &mut &[u8]) -> Result<(), PredictError> {
        saved::take_rows(
            self.counters.len() / BUCKETS,
            |i, input| {
                let row = &mut self.counters[i * BUCKETS..][..BUCKETS];
                for (c, s) in row.iter_mut().zip(saved::take_words(input, BUCKETS)?) {
                    *c = saved::counter_from_saved(s);
                }
                Ok(())
            },
            input,
        )
    }

    /// Bytes that a map of `contexts` contexts holds.
    pub fn bytes(contexts: usize) -> usize {
        contexts * BUCKETS * size_of::<i32>()
    }

    /// The refined probability (2^-16).
    #[inline(always)]
    pub fn refine(&self, context: usize, logit: i32) -> (u32, ApmAt) {
        let x = logit.clamp(-SPAN, SPAN - 1) + SPAN;
        let (low, part) = ((x / SPACING) as usize, x % SPACING);
        let at = context * BUCKETS + low;
        let pair = &self.counters[at..at + 2];
        let (a, b) = (pair[0] >> 10, pair[1] >> 10);
        // 22-bit distances × 7-bit parts: below 2^30.
        let p = (a * (SPACING - part) + b * part) >> 13;
        let nearer = at + usize::from(part >= SPACING / 2);
        ((p + 32_768) as u32, ApmAt(nearer as u32))
    }

    /// Learns the bit.
    #[inline(always)]
    pub fn learn(&mut self, at: ApmAt, bit: bool) {
        let c = &mut self.counters[at.0 as usize];
        *c = counter::updated(*c, bit, self.limit);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn starts_as_the_identity_and_learns_a_bias() {
        let mut apm = Apm::new(3, 255);
        for logit in (-2000..=2000).step_by(100) {
            let (p, _) = apm.refine(2, logit);
            // Interpolation of a curve by chords every half nat.
            assert!(p.abs_diff(squash(logit)) < 700, "{logit}");
        }
        for _ in 0..2000 {
            let (_, at) = apm.refine(1, 0);
            apm.learn(at, true);
        }
        assert!(apm.refine(1, 0).0 > 60_000);
        assert_eq!(apm.refine(0, 0).0, 32_768);
    }
}
