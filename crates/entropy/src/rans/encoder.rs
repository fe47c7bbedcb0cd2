//! The encoding side: collects slots forwards, codes them backwards.

use std::sync::LazyLock;

use super::freq::FreqTable;
use super::uniform::{MAX_UNIFORM, UNIFORM_PRECISION, uniform_start};
use super::{LANES, PRECISION, STATE_MIN};

/// A slot range in a word: start (14 bits), frequency - 1 (14 bits), precision - 12 (2 bits).
const FREQ_SHIFT: u32 = 14;
const PRECISION_SHIFT: u32 = 28;
const FIELD_MASK: u32 = (1 << 14) - 1;
/// Set in the word of a symbol that has no slot.
const NO_SLOT: u32 = 1 << 31;
/// Symbols coded between two visits to the growing output.
const BLOCK: usize = 4096;
/// Frequencies 1 to 2^14 have a reciprocal.
const RECIPROCALS: usize = 1 << UNIFORM_PRECISION;

/// `floor((2^64 - 1) / f)` at `f - 1`. For x below 2^32, `floor(x / f)` is the high half of
/// `(x + 1) * reciprocal`: the product falls short of `(x + 1) / f * 2^64` by less than 2^64 / f.
static RECIPROCAL: LazyLock<Box<[u64; RECIPROCALS]>> = LazyLock::new(|| {
    let all: Vec<u64> = (1..=RECIPROCALS as u64).map(|f| u64::MAX / f).collect();
    all.try_into().unwrap_or_else(|_| unreachable!("as many as the array has"))
});

fn pack(start: u32, freq: u32, precision: u32) -> u32 {
    debug_assert!(freq >= 1 && start + freq <= 1 << precision);
    start | (freq - 1) << FREQ_SHIFT | (precision - PRECISION) << PRECISION_SHIFT
}

/// The slots of each symbol, ready for [`RansEncoder`].
#[derive(Clone, Debug)]
pub struct EncTable {
    slots: [u32; 256],
}

impl EncTable {
    /// The encoder's view of `table`.
    #[must_use]
    pub fn new(table: &FreqTable) -> Self {
        let mut slots = [NO_SLOT; 256];
        for (slot, (start, freq)) in slots.iter_mut().zip(table.slots()) {
            if freq > 0 {
                *slot = pack(start, freq, PRECISION);
            }
        }
        Self { slots }
    }

    /// True if `symbol` can be coded.
    #[must_use]
    pub fn contains(&self, symbol: u8) -> bool {
        self.slots[usize::from(symbol)] != NO_SLOT
    }
}

/// Takes runs in the order in which the decoder will read them.
#[derive(Clone, Debug, Default)]
pub struct RansEncoder {
    slots: Vec<u32>,
}

impl RansEncoder {
    /// Nothing to code yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Symbols taken so far.
    #[must_use]
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// True if there was no symbol yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// Appends `symbols`, all coded by `table`.
    ///
    /// # Panics
    /// If a symbol has no frequency in the table.
    pub fn push_run(&mut self, table: &EncTable, symbols: &[u8]) {
        let mut seen = 0;
        self.slots.extend(symbols.iter().map(|&s| {
            let slot = table.slots[usize::from(s)];
            seen |= slot;
            slot
        }));
        assert!(seen & NO_SLOT == 0, "a symbol without frequency");
    }

    /// Appends `symbols`, each coded by the table that its context names.
    ///
    /// # Panics
    /// If the lengths differ, a context has no table, or a symbol has no frequency in its table.
    pub fn push_run_ctx(&mut self, tables: &[EncTable], contexts: &[u8], symbols: &[u8]) {
        assert_eq!(contexts.len(), symbols.len(), "one context for each symbol");
        let mut seen = 0;
        self.slots.extend(contexts.iter().zip(symbols).map(|(&c, &s)| {
            let slot = tables[usize::from(c)].slots[usize::from(s)];
            seen |= slot;
            slot
        }));
        assert!(seen & NO_SLOT == 0, "a symbol without frequency");
    }

    /// Appends values that are uniform: `values[i]` in `0..n[i]`. One value of one costs nothing.
    ///
    /// # Panics
    /// If the lengths differ, some `n` is 0 or above [`MAX_UNIFORM`], or a value is not below its `n`.
    pub fn push_uniform_run(&mut self, n: &[u16], values: &[u16]) {
        assert_eq!(n.len(), values.len(), "one limit for each value");
        self.slots.extend(n.iter().zip(values).map(|(&n, &v)| {
            assert!(v < n && n <= MAX_UNIFORM, "value {v} of {n}");
            let start = uniform_start(n, v);
            pack(start, uniform_start(n, v + 1) - start, UNIFORM_PRECISION)
        }));
    }

    /// Codes everything. Symbols that are certain cost nothing: if all are, there are no bytes.
    #[must_use]
    pub fn finish(self) -> Vec<u8> {
        let reciprocal = &**RECIPROCAL;
        let mut states = [STATE_MIN; LANES];
        // Words in the order of coding, the reverse of what the decoder needs.
        let mut words: Vec<u16> = Vec::with_capacity(self.slots.len() / 2);
        let (whole, tail) = self.slots.as_chunks::<LANES>();
        for (state, &slot) in states.iter_mut().zip(tail).rev() {
            let (next, word) = encode(*state, slot, reciprocal);
            words.extend(word);
            *state = next;
        }
        let mut block = [0u16; BLOCK + LANES];
        for slots in whole.rchunks(BLOCK / LANES) {
            let mut used = 0;
            for eight in slots.iter().rev() {
                let Some(room) = block.get_mut(used..).and_then(|b| b.first_chunk_mut::<LANES>())
                else {
                    unreachable!("a block has room for a word of each symbol")
                };
                let mut k = 0;
                for lane in (0..LANES).rev() {
                    let (next, word) = encode(states[lane], eight[lane], reciprocal);
                    room[k % LANES] = states[lane] as u16;
                    k += usize::from(word.is_some());
                    states[lane] = next;
                }
                used += k;
            }
            words.extend_from_slice(&block[..used]);
        }
        if words.is_empty() && states == [STATE_MIN; LANES] {
            return Vec::new();
        }
        let mut out = Vec::with_capacity(4 * LANES + 2 * words.len());
        for state in states {
            out.extend_from_slice(&state.to_le_bytes());
        }
        out.extend(words.iter().rev().flat_map(|word| word.to_le_bytes()));
        out
    }
}

/// One step: the next state, and the word that had to leave first.
#[inline(always)]
fn encode(state: u32, slot: u32, reciprocal: &[u64; RECIPROCALS]) -> (u32, Option<u16>) {
    let start = slot & FIELD_MASK;
    let below = slot >> FREQ_SHIFT & FIELD_MASK;
    let precision = PRECISION + (slot >> PRECISION_SHIFT);
    let leave = state >> (32 - precision) > below;
    let x = core::hint::select_unpredictable(leave, state >> 16, state);
    let scaled = u128::from(u64::from(x) + 1) * u128::from(reciprocal[below as usize]);
    let quotient = (scaled >> 64) as u32;
    let next = x + start + quotient * ((1 << precision) - 1 - below);
    (next, leave.then_some(state as u16))
}
