//! The decoding side.

use core::hint::select_unpredictable;

use super::freq::FreqTable;
use super::uniform::{UNIFORM_PRECISION, uniform_at};
use super::{LANES, PRECISION, SLOTS, STATE_MIN};
use crate::error::EntropyError;

/// Input bytes that one round of all lanes can take at most.
const ROUND_BYTES: usize = 2 * LANES;

/// For each slot what the decoder needs in one word: the symbol (8 bits), its first slot (12 bits) and 2^12 less its
/// frequency (12 bits). A state x then becomes x - (2^12 - frequency) * (x >> 12) - first slot.
#[derive(Clone, Debug)]
pub struct DecTable(Box<[u32; SLOTS]>);

const START_SHIFT: u32 = 8;
const RARITY_SHIFT: u32 = START_SHIFT + PRECISION;

impl DecTable {
    /// The decoder's view of `table`.
    #[must_use]
    pub fn new(table: &FreqTable) -> Self {
        let mut own = Self(Box::new([0; SLOTS]));
        own.set(table);
        own
    }

    /// Takes another table instead, in the same memory.
    pub fn set(&mut self, table: &FreqTable) {
        for (s, (start, freq)) in table.slots().enumerate() {
            if freq > 0 {
                let word = (SLOTS as u32 - freq) << RARITY_SHIFT | start << START_SHIFT | s as u32;
                self.0[start as usize..(start + freq) as usize].fill(word);
            }
        }
    }

    /// The symbol of a state, and the state after it.
    #[inline(always)]
    fn next(&self, x: u32) -> (u8, u32) {
        let word = self.0[x as usize % SLOTS];
        let start = word >> START_SHIFT & (SLOTS as u32 - 1);
        (word as u8, x - (word >> RARITY_SHIFT) * (x >> PRECISION) - start)
    }
}

/// Reads what [`RansEncoder`](super::RansEncoder) wrote, given the same tables in the same order.
///
/// Any bytes decode to symbols that the tables contain; [`finish`](Self::finish) tells whether they were right.
#[derive(Clone, Debug)]
pub struct RansDecoder<'a> {
    /// The state whose turn it is comes first.
    states: [u32; LANES],
    words: &'a [u8],
    /// Bytes of `words` taken; may pass the end.
    position: usize,
}

impl<'a> RansDecoder<'a> {
    /// Starts reading `bytes`, which must be one whole stream.
    ///
    /// # Errors
    /// [`EntropyError::Truncated`] if the states are not all there, [`EntropyError::Corrupt`] if a state is
    /// outside its interval or there are states where the encoder writes nothing.
    pub fn new(bytes: &'a [u8]) -> Result<Self, EntropyError> {
        let mut states = [STATE_MIN; LANES];
        if bytes.is_empty() {
            return Ok(Self { states, words: bytes, position: 0 });
        }
        let (head, words) = bytes.split_at_checked(4 * LANES).ok_or(EntropyError::Truncated)?;
        for (state, four) in states.iter_mut().zip(head.as_chunks::<4>().0) {
            *state = u32::from_le_bytes(*four);
        }
        if states.iter().any(|&state| state < STATE_MIN) {
            return Err(EntropyError::Corrupt("rANS: state out of range"));
        }
        if words.is_empty() && states == [STATE_MIN; LANES] {
            return Err(EntropyError::Corrupt("rANS: states that need not be there"));
        }
        Ok(Self { states, words, position: 0 })
    }

    /// True if more was read than the stream holds.
    #[must_use]
    pub fn overran(&self) -> bool {
        self.position > self.words.len()
    }

    /// Ends reading.
    ///
    /// # Errors
    /// Any stream whose words were not used up exactly or whose states are not back where the encoder started:
    /// [`EntropyError::Truncated`], [`EntropyError::TrailingData`] or [`EntropyError::Corrupt`].
    pub fn finish(self) -> Result<(), EntropyError> {
        if self.overran() {
            return Err(EntropyError::Truncated);
        }
        if self.position < self.words.len() {
            return Err(EntropyError::TrailingData);
        }
        if self.states != [STATE_MIN; LANES] {
            return Err(EntropyError::Corrupt("rANS: wrong final state"));
        }
        Ok(())
    }

    /// Decodes the next `out.len()` symbols, all coded by `table`.
    #[inline(always)]
    pub fn decode_run(&mut self, table: &DecTable, out: &mut [u8]) {
        self.each(out, |_, x| table.next(x));
    }

    /// Decodes the next `out.len()` symbols, each coded by the table that its context names.
    ///
    /// # Panics
    /// If the lengths differ, or a context has no table.
    #[inline(always)]
    pub fn decode_run_ctx(&mut self, tables: &[DecTable], contexts: &[u8], out: &mut [u8]) {
        assert_eq!(contexts.len(), out.len(), "one context for each symbol");
        let contexts = &contexts[..out.len()];
        self.each(out, |i, x| tables[usize::from(contexts[i])].next(x));
    }

    /// Decodes the next `out.len()` uniform values, `out[i]` in `0..n[i]`. Limits outside 1 to
    /// [`MAX_UNIFORM`](super::MAX_UNIFORM) count as the nearest of these.
    ///
    /// # Panics
    /// If the lengths differ.
    #[inline(always)]
    pub fn decode_uniform_run(&mut self, n: &[u16], out: &mut [u16]) {
        assert_eq!(n.len(), out.len(), "one limit for each value");
        self.each(out, |i, x| {
            let (value, behind, freq) = uniform_at(n[i], x & ((1 << UNIFORM_PRECISION) - 1));
            (value, freq * (x >> UNIFORM_PRECISION) + behind)
        });
    }

    /// The loop of all runs: `next` gives, for an index and a state, the value and the state after it.
    #[inline(always)]
    fn each<T>(&mut self, out: &mut [T], next: impl Fn(usize, u32) -> (T, u32)) {
        let mut states = self.states;
        let mut position = self.position;
        let mut i = 0;
        let (whole, tail) = out.as_chunks_mut::<LANES>();
        for eight in whole {
            let mut end = [0; ROUND_BYTES];
            let window = window(self.words, position, &mut end);
            let mut k = 0;
            for lane in 0..LANES {
                let (value, x) = next(i + lane, states[lane]);
                eight[lane] = value;
                (states[lane], k) = refill(x, window, k);
            }
            position = position.saturating_add(2 * k);
            i += LANES;
        }
        let mut end = [0; ROUND_BYTES];
        let window = window(self.words, position, &mut end);
        let mut k = 0;
        for (lane, to) in tail.iter_mut().enumerate() {
            let (value, x) = next(i + lane, states[lane]);
            *to = value;
            (states[lane], k) = refill(x, window, k);
        }
        self.position = position.saturating_add(2 * k);
        states.rotate_left(tail.len());
        self.states = states;
    }
}

/// The next bytes for one round; a copy in `end`, filled up with zeros, where fewer are left.
#[inline(always)]
fn window<'w>(
    words: &'w [u8],
    position: usize,
    end: &'w mut [u8; ROUND_BYTES],
) -> &'w [u8; ROUND_BYTES] {
    let rest = words.get(position..).unwrap_or_default();
    match rest.first_chunk() {
        Some(window) => window,
        None => {
            for (to, from) in end.iter_mut().zip(rest) {
                *to = *from;
            }
            end
        }
    }
}

/// Brings a state back into its interval, with word `k` of the window if it needs one.
#[inline(always)]
fn refill(x: u32, window: &[u8; ROUND_BYTES], k: usize) -> (u32, usize) {
    let at = 2 * (k % LANES);
    let word = u32::from(u16::from_le_bytes([window[at], window[at + 1]]));
    let need = x < STATE_MIN;
    (select_unpredictable(need, x << 16 | word, x), k + usize::from(need))
}
