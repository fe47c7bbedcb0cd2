//! Where a decoder leaves the way of its encoder (feature `desync`, off by default): both sides hash the interval after
//! every step, and keep the hash of each stretch of 4096 steps. The first that differs holds the first wrong step.
//!
//! A decoder that goes wrong shows it at the segment's checksum, long after; this says where to look. Threads keep their
//! own traces: code with one.

use std::cell::RefCell;

/// Steps of a stretch.
pub const STRETCH: u64 = 4096;

/// What one side has done since [`start`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trace {
    /// Steps: decisions, uniform values, pieces of raw bits, symbols.
    pub steps: u64,
    /// Hash of everything so far (in the manner of FNV, of the places and widths of the intervals).
    pub hash: u64,
    /// The hash at the end of each stretch.
    pub marks: Vec<u64>,
}

thread_local! {
    static TRACE: RefCell<Trace> = RefCell::default();
}

/// Begins a new trace on this thread.
pub fn start() {
    TRACE.with_borrow_mut(|trace| *trace = Trace::default());
}

/// The trace of this thread since [`start`].
pub fn take() -> Trace {
    TRACE.take()
}

/// A step that left an interval of this width, which starts so far into the one before.
pub(crate) fn note(start: u64, width: u64) {
    TRACE.with_borrow_mut(|trace| {
        trace.hash = (trace.hash ^ width ^ start.rotate_left(32))
            .wrapping_mul(0x100_0000_01B3)
            .rotate_left(17);
        trace.steps += 1;
        if trace.steps.is_multiple_of(STRETCH) {
            let hash = trace.hash;
            trace.marks.push(hash);
        }
    });
}

/// The steps, from … up to …, within which two sides part; none if they agree.
pub fn parting(encoder: &Trace, decoder: &Trace) -> Option<(u64, u64)> {
    if encoder == decoder {
        return None;
    }
    let same = encoder.marks.iter().zip(&decoder.marks).take_while(|(a, b)| a == b).count() as u64;
    Some((same * STRETCH, (same + 1) * STRETCH))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{BinaryCoder, RangeEncoder};

    /// The trace of an encoder of that many decisions, of which some are `true`.
    fn trace(steps: u64, is_true: impl Fn(u64) -> bool) -> Trace {
        start();
        let mut encoder = RangeEncoder::new();
        (0..steps).for_each(|i| _ = encoder.bit(1 << 14, is_true(i)));
        take()
    }

    #[test]
    fn the_stretch_of_the_first_wrong_step_is_found() {
        let steps = 3 * STRETCH + 5;
        let right = trace(steps, |i| i % 3 == 0);
        assert_eq!((right.steps, right.marks.len()), (steps, 3));
        assert_eq!(parting(&right, &trace(steps, |i| i % 3 == 0)), None);
        for wrong in [0, STRETCH - 1, STRETCH, 2 * STRETCH + 7, steps - 1] {
            let other = trace(steps, |i| (i % 3 == 0) != (i == wrong));
            let from = wrong / STRETCH * STRETCH;
            assert_eq!(parting(&right, &other), Some((from, from + STRETCH)), "{wrong}");
        }
        // One step fewer, all of them right.
        let shorter = trace(steps - 1, |i| i % 3 == 0);
        assert_eq!(parting(&right, &shorter), Some((3 * STRETCH, 4 * STRETCH)));
        assert_eq!(take(), Trace::default(), "a trace is taken once");
        note(1, 2);
        start();
        assert_eq!(take(), Trace::default());
    }

    /// What is hashed and how may change; that all of it counts may not.
    #[test]
    fn start_and_width_count() {
        let after = |intervals: &[(u64, u64)]| {
            start();
            intervals.iter().for_each(|&(from, width)| note(from, width));
            take().hash
        };
        let hash = after(&[(7, 9)]);
        let intervals = [
            [(7, 9), (1, 2)],
            [(6, 9), (1, 2)],
            [(7, 8), (1, 2)],
            [(1, 2), (7, 9)],
            [(7, 9), (1, 3)],
            // Bits that are there already.
            [(7, 9), (1, hash)],
            [(7, 9), (1, 0)],
            [(1, 1 << 32), (1, 2)],
            [(0, 1 << 32), (1, 2)],
        ];
        let hashes: std::collections::BTreeSet<u64> =
            intervals.iter().map(|all| after(all)).collect();
        assert_eq!(hashes.len(), intervals.len());
    }
}
