//! Range coder: binary decisions, uniform values, raw bits and 256-ary symbols in one stream of bytes.
//!
//! The interval is `[low, low + range)` with 64 bits of each; when `range` falls below 2^32, 32 bits of `low`
//! go out (big-endian) and both are shifted. A carry out of `low` is remembered and added to the bytes
//! already written at the next shift (one carry at most can happen between two shifts, because
//! `low + range` never grows). Since 2^32 <= range, splitting at `range >> 16` loses at most 2^-16 of the
//! probability, on average a twentieth of that, and one shift of 32 bits is always enough.
//!
//! In every split the last part takes the remainder, so that any stream decodes to values in range.
//! The end: behind the words shifted out, the shortest byte string that stays inside the interval when zeros,
//! which are not written, follow it. A decoder can compute that end as well, so [`RangeDecoder::finish`] accepts
//! exactly what [`RangeEncoder`] writes.
//!
//! Sources: G. N. N. Martin, "Range encoding" (1979); carry as in M. Schindler's coder and in LZMA.

use core::hint::select_unpredictable;

use crate::cdf::{CDF_BITS, CDF_TOTAL, Cdf};
use crate::coder::{BinaryCoder, PROB_BITS};
use crate::error::EntropyError;
use crate::symbols::SymbolCoder;

/// Below this, 32 bits are shifted out.
const MIN_RANGE: u64 = 1 << 32;
/// Raw bits are coded in pieces of at most this size: 2^24 parts of a range of at least 2^32 still lose
/// less than 0.002 % of a piece.
const RAW_PIECE: u32 = 24;
/// A decoder is ahead of the encoder by this many bytes.
const LOOKAHEAD: usize = 8;

/// The end of a stream whose interval is `low, range`: the value of the last eight bytes modulo 2^64, whether
/// it carries into the bytes before, and how many of the eight (at most four) need to be written.
fn ending(low: u64, range: u64) -> (u64, bool, usize) {
    let mut keep = 0;
    loop {
        let mask = u64::MAX.checked_shr(8 * keep).unwrap_or(0);
        let end = (u128::from(low) + u128::from(mask)) & !u128::from(mask);
        // Always so at keep = 4, because an interval of 2^32 contains a multiple of 2^32.
        if end - u128::from(low) < u128::from(range) || keep == 8 {
            return (end as u64, end >> 64 != 0, keep as usize);
        }
        keep += 1;
    }
}

/// Writes a stream.
#[derive(Clone, Debug)]
pub struct RangeEncoder {
    low: u64,
    range: u64,
    /// `low` has passed 2^64 since the last shift.
    carry: bool,
    out: Vec<u8>,
}

impl Default for RangeEncoder {
    fn default() -> Self {
        Self::new()
    }
}

impl RangeEncoder {
    /// An empty stream.
    #[must_use]
    pub fn new() -> Self {
        Self { low: 0, range: u64::MAX, carry: false, out: Vec::new() }
    }

    /// Bytes written so far, up to four fewer than [`finish`](Self::finish) would give.
    #[must_use]
    pub fn written(&self) -> usize {
        self.out.len()
    }

    /// Ends the stream and gives its bytes. A stream in which nothing was coded has none.
    #[must_use]
    pub fn finish(mut self) -> Vec<u8> {
        self.add_carry();
        let (end, carry, keep) = ending(self.low, self.range);
        self.carry = carry;
        self.add_carry();
        self.out.extend_from_slice(&end.to_be_bytes()[..keep]);
        self.out
    }

    #[inline(always)]
    fn narrow(&mut self, start: u64, width: u64) {
        let (low, carry) = self.low.overflowing_add(start);
        self.low = low;
        self.carry |= carry;
        self.range = width;
        #[cfg(feature = "desync")]
        crate::desync::note(start, width);
        if width < MIN_RANGE {
            self.shift();
        }
    }

    #[inline]
    fn shift(&mut self) {
        self.add_carry();
        self.out.extend_from_slice(&((self.low >> 32) as u32).to_be_bytes());
        self.low <<= 32;
        self.range <<= 32;
    }

    #[inline]
    fn add_carry(&mut self) {
        if self.carry {
            self.carry = false;
            for byte in self.out.iter_mut().rev() {
                *byte = byte.wrapping_add(1);
                if *byte != 0 {
                    break;
                }
            }
        }
    }

    /// Part `value` of `n` parts of size `part`, the last taking the remainder.
    #[inline(always)]
    fn narrow_part(&mut self, part: u64, n: u64, value: u64) {
        let start = part * value;
        self.narrow(start, if value + 1 == n { self.range - start } else { part });
    }
}

impl BinaryCoder for RangeEncoder {
    #[inline(always)]
    fn bit(&mut self, p1: u32, bit: bool) -> bool {
        debug_assert!(p1 > 0 && p1 < 1 << PROB_BITS, "probability {p1}");
        let bound = (self.range >> PROB_BITS) * u64::from(p1);
        let rest = self.range - bound;
        self.narrow(select_unpredictable(bit, 0, bound), select_unpredictable(bit, bound, rest));
        bit
    }

    #[inline(always)]
    fn uniform(&mut self, n: u32, value: u32) -> u32 {
        debug_assert!(n <= 1 << 16 && value < n, "{value} of {n}");
        let n = u64::from(n.max(1));
        self.narrow_part(self.range / n, n, u64::from(value));
        value
    }

    #[inline(always)]
    fn raw(&mut self, bits: u32, value: u64) -> u64 {
        debug_assert!(bits <= 64, "{bits} raw bits");
        let mut left = bits;
        while left > 0 {
            let piece = left.min(RAW_PIECE);
            left -= piece;
            let n = 1 << piece;
            self.narrow_part(self.range >> piece, n, (value >> left) & (n - 1));
        }
        if bits == 0 { 0 } else { value & (u64::MAX >> (64 - bits)) }
    }
}

impl SymbolCoder for RangeEncoder {
    #[inline(always)]
    fn symbol(&mut self, cdf: &Cdf, s: u8) -> u8 {
        let part = self.range >> CDF_BITS;
        let start = part * u64::from(cdf.start(s));
        let width = part * u64::from(cdf.width(s));
        self.narrow(start, if s == u8::MAX { self.range - start } else { width });
        s
    }
}

/// Reads a stream. Never fails while reading: missing bytes are zeros, and the values are always in range;
/// [`finish`](Self::finish) tells whether they were right.
#[derive(Clone, Debug)]
pub struct RangeDecoder<'a> {
    /// Distance of the coded number from the encoder's `low`; always below `range`.
    value: u64,
    range: u64,
    rest: &'a [u8],
    /// The last eight bytes read, padding included.
    window: u64,
    /// Zero bytes read behind the end.
    padding: usize,
    /// The stream starts outside of the first interval.
    outside: bool,
}

impl<'a> RangeDecoder<'a> {
    /// Starts reading `bytes`, which must be one whole stream.
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Self {
        let mut decoder =
            Self { value: 0, range: u64::MAX, rest: bytes, window: 0, padding: 0, outside: false };
        let high = decoder.word();
        let value = high << 32 | decoder.word();
        decoder.outside = value == u64::MAX;
        decoder.value = value.min(u64::MAX - 1);
        decoder
    }

    /// True if more was read than the stream holds, whatever might follow: time to stop.
    #[inline(always)]
    #[must_use]
    pub fn overran(&self) -> bool {
        self.padding > LOOKAHEAD
    }

    /// Ends reading.
    ///
    /// # Errors
    /// Any stream that is not, byte for byte, what [`RangeEncoder`] writes for the values read:
    /// [`EntropyError::Truncated`], [`EntropyError::TrailingData`] or [`EntropyError::Corrupt`].
    pub fn finish(self) -> Result<(), EntropyError> {
        if self.overran() {
            return Err(EntropyError::Truncated);
        }
        if !self.rest.is_empty() {
            return Err(EntropyError::TrailingData);
        }
        let (end, _, keep) = ending(self.window.wrapping_sub(self.value), self.range);
        if self.outside || end != self.window || keep + self.padding != LOOKAHEAD {
            return Err(EntropyError::Corrupt("range coder: wrong end"));
        }
        Ok(())
    }

    #[inline]
    fn word(&mut self) -> u64 {
        let word = match self.rest.split_first_chunk::<4>() {
            Some((word, rest)) => {
                self.rest = rest;
                u64::from(u32::from_be_bytes(*word))
            }
            None => self.last_word(),
        };
        self.window = self.window << 32 | word;
        word
    }

    #[cold]
    fn last_word(&mut self) -> u64 {
        let mut word = [0; 4];
        for (to, from) in word.iter_mut().zip(self.rest) {
            *to = *from;
        }
        self.padding = self.padding.saturating_add(4 - self.rest.len());
        self.rest = &[];
        u64::from(u32::from_be_bytes(word))
    }

    #[inline(always)]
    fn narrow(&mut self, start: u64, width: u64) {
        self.value -= start;
        self.range = width;
        #[cfg(feature = "desync")]
        crate::desync::note(start, width);
        if width < MIN_RANGE {
            self.range <<= 32;
            self.value = self.value << 32 | self.word();
        }
    }

    /// See [`RangeEncoder::narrow_part`]; returns a value below `n`.
    #[inline(always)]
    fn narrow_part(&mut self, part: u64, n: u64) -> u64 {
        let value = (self.value / part.max(1)).min(n - 1);
        let start = part * value;
        self.narrow(start, if value + 1 == n { self.range - start } else { part });
        value
    }
}

impl BinaryCoder for RangeDecoder<'_> {
    #[inline(always)]
    fn bit(&mut self, p1: u32, _: bool) -> bool {
        debug_assert!(p1 > 0 && p1 < 1 << PROB_BITS, "probability {p1}");
        let bound = (self.range >> PROB_BITS) * u64::from(p1);
        let rest = self.range - bound;
        let bit = self.value < bound;
        self.narrow(select_unpredictable(bit, 0, bound), select_unpredictable(bit, bound, rest));
        bit
    }

    #[inline(always)]
    fn uniform(&mut self, n: u32, _: u32) -> u32 {
        debug_assert!((1..=1 << 16).contains(&n), "{n} values");
        let n = u64::from(n.max(1));
        self.narrow_part(self.range / n, n) as u32
    }

    #[inline(always)]
    fn raw(&mut self, bits: u32, _: u64) -> u64 {
        debug_assert!(bits <= 64, "{bits} raw bits");
        let mut value = 0;
        let mut left = bits;
        while left > 0 {
            let piece = left.min(RAW_PIECE);
            left -= piece;
            value = value << piece | self.narrow_part(self.range >> piece, 1 << piece);
        }
        value
    }
}

impl SymbolCoder for RangeDecoder<'_> {
    #[inline(always)]
    fn symbol(&mut self, cdf: &Cdf, _: u8) -> u8 {
        let part = self.range >> CDF_BITS;
        let slot = (self.value / part.max(1)).min(u64::from(CDF_TOTAL) - 1) as u32;
        let s = cdf.symbol_at(slot);
        let start = part * u64::from(cdf.start(s));
        let width = part * u64::from(cdf.width(s));
        self.narrow(start, if s == u8::MAX { self.range - start } else { width });
        s
    }

    #[inline(always)]
    fn overran(&self) -> bool {
        RangeDecoder::overran(self)
    }
}
