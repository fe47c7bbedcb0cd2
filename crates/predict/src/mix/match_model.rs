//! Guesses of whole symbols, and the match model that makes them from history.
//!
//! A [`Guess`] turns "I think the next byte is x, and I feel like this about it" into mixer inputs whose
//! strength is learned by feeling (a small context). A [`MatchModel`] follows the last place where the same
//! bytes came before.

use crate::mix::counter;
use crate::mix::squash::stretch_signed;

/// Number of mixer inputs of a [`Guess`].
pub const GUESS_INPUTS: usize = 1;

/// One guess of the next byte.
#[derive(Clone, Debug)]
pub struct Guess {
    expected: Option<u8>,
    feeling: u32,
    /// By (feeling, decision): whether the guessed bit comes.
    counters: Vec<i32>,
    limit: u32,
    asked: Option<(u32, bool)>,
}

impl Guess {
    /// With `feelings` contexts to learn confidence in.
    pub fn new(feelings: usize, limit: u32) -> Self {
        Self { expected: None, feeling: 0, counters: vec![0; feelings * 8], limit, asked: None }
    }

    /// Sets the guess for the next byte, or none. `feeling` is below the number of feelings.
    #[inline(always)]
    pub fn set(&mut self, expected: Option<u8>, feeling: u32) {
        self.expected = expected;
        self.feeling = feeling;
    }

    /// Writes the inputs of the decision at `node`.
    #[inline(always)]
    pub fn inputs(&mut self, node: u32, inputs: &mut [i32]) {
        inputs[0] = 0;
        self.asked = None;
        let Some(expected) = self.expected else { return };
        let path = u32::from(expected) | 256;
        let done = 31 - node.leading_zeros();
        if path >> (8 - done) != node {
            return;
        }
        let bit = path >> (7 - done) & 1 != 0;
        let at = self.feeling * 8 + done;
        let logit = stretch_signed(self.counters[at as usize]);
        inputs[0] = if bit { logit } else { -logit };
        self.asked = Some((at, bit));
    }

    /// Learns the decision last asked for.
    #[inline(always)]
    pub fn learn(&mut self, bit: bool) {
        if let Some((at, expected)) = self.asked {
            let c = &mut self.counters[at as usize];
            *c = counter::updated(*c, bit == expected, self.limit);
        }
    }
}

/// Follows the latest earlier occurrence of the last `min_len` bytes.
#[derive(Clone, Debug)]
pub struct MatchModel {
    table: Vec<u32>,
    min_len: usize,
    /// Position of the guessed byte, 0 for none.
    at: usize,
    len: u32,
    misses: u32,
}

/// Feelings of a [`MatchModel`].
pub const MATCH_FEELINGS: usize = 16 * 8;

impl MatchModel {
    /// With `2^bits` remembered places.
    pub fn new(min_len: usize, bits: u32) -> Self {
        Self { table: vec![0; 1 << bits], min_len, at: 0, len: 0, misses: 0 }
    }

    /// Forgets every place: for a history that starts anew.
    pub fn clear(&mut self) {
        self.table.fill(0);
        self.at = 0;
        self.len = 0;
        self.misses = 0;
    }

    /// Takes notice of the byte just appended to `history`; call once for each byte.
    #[inline(always)]
    pub fn update(&mut self, history: &[u8]) {
        let n = history.len();
        if n < self.min_len {
            return;
        }
        if self.at > 0 {
            if history[self.at] == history[n - 1] {
                self.len = (self.len + 1).min(65_535);
                self.at += 1;
            } else {
                self.misses = self.misses << 1 | 1;
                self.len = 0;
                self.at += 1;
                if self.misses.count_ones() > 8 {
                    self.at = 0;
                }
            }
        }
        if self.len & 15 == 15 {
            self.misses >>= 1;
        }
        let tail = &history[n - self.min_len..];
        let mut hash = 0u32;
        for &b in tail {
            hash = (hash ^ u32::from(b)).wrapping_mul(0x2F0B_4C47).rotate_left(9);
        }
        hash = hash.wrapping_mul(0x9E37_79B1);
        let bucket = (hash >> (32 - self.table.len().trailing_zeros())) as usize;
        if self.len < 16 {
            let candidate = self.table[bucket] as usize;
            if candidate > 0 && candidate != self.at {
                let most = 32.min(candidate);
                let mut len = 0;
                while len < most && history[candidate - 1 - len] == history[n - 1 - len] {
                    len += 1;
                }
                if len >= self.min_len && len as u32 > self.len {
                    self.at = candidate;
                    self.len = len as u32;
                    self.misses = 0;
                }
            }
        }
        self.table[bucket] = n as u32;
    }

    /// The guessed byte.
    #[inline(always)]
    pub fn expected(&self, history: &[u8]) -> Option<u8> {
        if self.at > 0 { history.get(self.at).copied() } else { None }
    }

    /// How the guess feels: by length and recent misses, below [`MATCH_FEELINGS`].
    #[inline(always)]
    pub fn feeling(&self) -> u32 {
        let length = match self.len {
            0..8 => self.len,
            8..12 => 8,
            12..16 => 9,
            16..24 => 10,
            24..32 => 11,
            32..64 => 12,
            64..256 => 13,
            256..1024 => 14,
            _ => 15,
        };
        length * 8 + (self.misses & 7)
    }

    /// Current length of the match in bytes.
    #[inline(always)]
    pub fn len(&self) -> u32 {
        if self.at > 0 { self.len } else { 0 }
    }

    /// Whether there is no match.
    #[inline(always)]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
