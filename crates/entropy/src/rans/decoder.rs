//! The decoding side.

use core::hint::select_unpredictable;

use super::freq::FreqTable;
use super::uniform::{UNIFORM_PRECISION, uniform_at};
use super::{LANES, STATE_MIN};
use crate::error::EntropyError;

/// Input bytes that one round of all lanes can take at most.
const ROUND_BYTES: usize = 2 * LANES;

/// Finds the symbol of a slot, then the slots of the symbol. Two small tables: a packed one of 2^14 words
/// would not stay in the first-level cache.
#[derive(Clone, Debug)]
pub struct DecTable {
    precision: u32,
    /// The symbol of each of the 2^precision slots.
    symbols: Box<[u8]>,
    /// Frequency in the low half, start in the high half.
    slots: [u32; 256],
}

impl DecTable {
    /// The decoder's view of `table`.
    #[must_use]
    pub fn new(table: &FreqTable) -> Self {
        let symbols = vec![0; 1 << table.precision()].into_boxed_slice();
        let mut own = Self { precision: table.precision(), symbols, slots: [0; 256] };
        own.set(table);
        own
    }

    /// Takes another table instead, in the same memory if the precision is the same.
    pub fn set(&mut self, table: &FreqTable) {
        if self.precision != table.precision() {
            *self = Self::new(table);
            return;
        }
        for (s, (start, freq)) in table.slots().enumerate() {
            self.slots[s] = start << 16 | freq;
            self.symbols[start as usize..(start + freq) as usize].fill(s as u8);
        }
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
    pub fn decode_run(&mut self, table: &DecTable, out: &mut [u8]) {
        match table.precision {
            12 => self.run::<12>(table, out),
            13 => self.run::<13>(table, out),
            _ => self.run::<14>(table, out),
        }
    }

    fn run<const PRECISION: u32>(&mut self, table: &DecTable, out: &mut [u8]) {
        // Tells the compiler that no slot is out of bounds.
        assert!(table.symbols.len() == 1 << PRECISION);
        self.each::<PRECISION, _>(out, |_, slot| {
            let s = table.symbols[slot as usize];
            let found = table.slots[usize::from(s)];
            (s, slot - (found >> 16), found & 0xffff)
        });
    }

    /// Decodes the next `out.len()` symbols, each coded by the table that its context names.
    ///
    /// # Panics
    /// If the lengths differ, a context has no table, or the precisions of the tables differ.
    pub fn decode_run_ctx(&mut self, tables: &[DecTable], contexts: &[u8], out: &mut [u8]) {
        assert_eq!(contexts.len(), out.len(), "one context for each symbol");
        let Some(first) = tables.first() else {
            assert!(out.is_empty(), "a context without table");
            return;
        };
        assert!(tables.iter().all(|t| t.precision == first.precision), "precisions differ");
        match first.precision {
            12 => self.run_ctx::<12>(tables, contexts, out),
            13 => self.run_ctx::<13>(tables, contexts, out),
            _ => self.run_ctx::<14>(tables, contexts, out),
        }
    }

    fn run_ctx<const PRECISION: u32>(
        &mut self,
        tables: &[DecTable],
        contexts: &[u8],
        out: &mut [u8],
    ) {
        let contexts = &contexts[..out.len()];
        self.each::<PRECISION, _>(out, |i, slot| {
            let table = &tables[usize::from(contexts[i])];
            let s = table.symbols[slot as usize];
            let found = table.slots[usize::from(s)];
            (s, slot - (found >> 16), found & 0xffff)
        });
    }

    /// Decodes the next `out.len()` uniform values, `out[i]` in `0..n[i]`. Limits outside 1 to
    /// [`MAX_UNIFORM`](super::MAX_UNIFORM) count as the nearest of these.
    ///
    /// # Panics
    /// If the lengths differ.
    pub fn decode_uniform_run(&mut self, n: &[u16], out: &mut [u16]) {
        assert_eq!(n.len(), out.len(), "one limit for each value");
        self.each::<UNIFORM_PRECISION, _>(out, |i, slot| uniform_at(n[i], slot));
    }

    /// The loop of all runs: `find` gives, for an index and a slot, the value, the distance of the slot from
    /// the value's first, and the value's frequency.
    #[inline(always)]
    fn each<const PRECISION: u32, T>(
        &mut self,
        out: &mut [T],
        find: impl Fn(usize, u32) -> (T, u32, u32),
    ) {
        let mask = (1 << PRECISION) - 1;
        let mut states = self.states;
        let mut position = self.position;
        let mut i = 0;
        let (whole, tail) = out.as_chunks_mut::<LANES>();
        for eight in whole {
            let mut end = [0; ROUND_BYTES];
            let window = window(self.words, position, &mut end);
            let mut k = 0;
            for lane in 0..LANES {
                let x = states[lane];
                let (value, behind, freq) = find(i + lane, x & mask);
                eight[lane] = value;
                (states[lane], k) = refill(freq * (x >> PRECISION) + behind, window, k);
            }
            position = position.saturating_add(2 * k);
            i += LANES;
        }
        let mut end = [0; ROUND_BYTES];
        let window = window(self.words, position, &mut end);
        let mut k = 0;
        for (lane, to) in tail.iter_mut().enumerate() {
            let x = states[lane];
            let (value, behind, freq) = find(i + lane, x & mask);
            *to = value;
            (states[lane], k) = refill(freq * (x >> PRECISION) + behind, window, k);
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
