//! The saved form of an engine: what it learned, rounded, for model files.
//!
//! Loading fills an engine made from the same configuration, so nothing in the saved bytes decides how
//! much memory is used. A loaded engine differs a little from the saved one (counters keep 12 bits and a
//! class of the count, weights 16 bits); both sides of a codec load the same bytes, so they agree.

use vxc_entropy::{read_varint, write_varint};

use crate::error::PredictError;
use crate::mix::counter;

/// Counts that a saved counter can have.
const COUNTS: [i32; 16] = [0, 1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 64, 128, 256, 512, 1023];
/// Weights lose this many low bits: ±2^19 fits 16 bits.
const WEIGHT_SHIFT: u32 = 4;

/// A counter in 16 bits; 0 is never seen.
pub(super) fn counter_to_saved(c: i32) -> u16 {
    if c == 0 {
        return 0;
    }
    let n = counter::count(c) as i32;
    let class = COUNTS.iter().rposition(|&k| k <= n).unwrap_or(0).max(1) as u16;
    let p = ((c >> 10) + (1 << 21)) >> 10;
    (p as u16) << 4 | class
}

/// The counter of a saved one, in the middle of what was rounded.
pub(super) fn counter_from_saved(s: u16) -> i32 {
    if s == 0 {
        return 0;
    }
    let p = (i32::from(s >> 4) << 10) + (1 << 9) - (1 << 21);
    p << 10 | COUNTS[usize::from(s & 15)]
}

/// Appends 16-bit numbers.
pub(super) fn put_words(words: impl Iterator<Item = u16>, out: &mut Vec<u8>) {
    for w in words {
        out.extend_from_slice(&w.to_le_bytes());
    }
}

/// Takes `n` 16-bit numbers.
pub(super) fn take_words<'a>(
    input: &mut &'a [u8],
    n: usize,
) -> Result<impl Iterator<Item = u16> + 'a, PredictError> {
    let (head, rest) =
        input.split_at_checked(n * 2).ok_or(PredictError::Corrupt("saved model is cut short"))?;
    *input = rest;
    Ok(head.chunks_exact(2).map(|b| u16::from_le_bytes([b[0], b[1]])))
}

/// Takes a number below `limit`.
pub(super) fn take_below(input: &mut &[u8], limit: usize) -> Result<usize, PredictError> {
    let n = read_varint(input)?;
    usize::try_from(n)
        .ok()
        .filter(|&n| n < limit)
        .ok_or(PredictError::Corrupt("number in a saved model"))
}

/// Saves the rows of `width` numbers that `used` names, by their distance from the one before.
pub(super) fn put_rows(
    rows: usize,
    used: impl Fn(usize) -> bool,
    mut row: impl FnMut(usize, &mut Vec<u8>),
    out: &mut Vec<u8>,
) {
    let mut next = 0;
    for i in (0..rows).filter(|&i| used(i)) {
        write_varint(out, (i - next) as u64);
        row(i, out);
        next = i + 1;
    }
    write_varint(out, (rows - next) as u64);
}

/// Loads what [`put_rows`] saved.
pub(super) fn take_rows(
    rows: usize,
    mut row: impl FnMut(usize, &mut &[u8]) -> Result<(), PredictError>,
    input: &mut &[u8],
) -> Result<(), PredictError> {
    let mut next = 0;
    loop {
        let i = next + take_below(input, rows - next + 1)?;
        if i == rows {
            return Ok(());
        }
        row(i, input)?;
        next = i + 1;
    }
}

/// A weight in 16 bits.
pub(super) fn weight_to_saved(w: i32) -> u16 {
    (w >> WEIGHT_SHIFT).clamp(-(1 << 15), (1 << 15) - 1) as i16 as u16
}

/// The weight of a saved one.
pub(super) fn weight_from_saved(s: u16) -> i32 {
    i32::from(s as i16) << WEIGHT_SHIFT
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounding_is_small_and_stable() {
        for p in (-(1 << 21)..1 << 21).step_by(999) {
            for n in [1, 5, 100, 1023] {
                let c = p << 10 | n;
                let once = counter_from_saved(counter_to_saved(c));
                assert!(((once >> 10) - p).abs() <= 512);
                assert_eq!(counter_to_saved(once), counter_to_saved(c));
            }
        }
        for w in (-(1 << 19)..=1 << 19).step_by(77) {
            assert!((weight_from_saved(weight_to_saved(w)) - w).abs() <= 16);
        }
    }
}
