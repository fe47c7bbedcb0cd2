//! Contexts for texts of words and numbers.

use super::expectation::{Expectation, FEELINGS};
use super::numbers::Numbers;
use super::{Shape, Situation, hash2};
use crate::mix::match_model::{Guess, MATCH_FEELINGS, MatchModel};
use crate::mix::{MixConfig, SetConfig, mixer};

/// Contexts by level: the first ones matter most.
const CONTEXTS: usize = 20;
const FAST_CONTEXTS: usize = 12;
/// Selector values: how far inside a word or a number.
const STATES: usize = 48;
/// Tokens of a line whose places are remembered.
const PLACES_MAX: usize = 1 << 14;
/// Kinds of lines: by first byte.
const KINDS: usize = 256;

/// log2 of the places that a match model remembers.
fn match_bits(len: u64) -> u32 {
    (64 - len.leading_zeros()).clamp(10, 20)
}

/// The state of the text client.
#[derive(Clone, Debug)]
pub struct TextContexts {
    binary: bool,
    matches: MatchModel,
    near: MatchModel,
    /// Start of the line in the history.
    line: usize,
    /// Start of the token.
    token: usize,
    /// Index of the token in its line.
    field: u32,
    token_hash: u32,
    last_token: u32,
    before_last: u32,
    /// Last tokens of this line that hold no point.
    integer: u32,
    integer2: u32,
    real: bool,
    kind: u32,
    /// By line kind: token starts of the last line of that kind.
    above: Vec<Vec<u32>>,
    starts: Vec<u32>,
    numbers: Numbers,
}

impl TextContexts {
    /// The engine's configuration at a level.
    pub fn config(level: u32, len: u64) -> MixConfig {
        let contexts = if level <= 4 { FAST_CONTEXTS } else { CONTEXTS };
        let mut sets = vec![SetConfig { size: STATES, by_node: true, rate: mixer::rate(10) }];
        if level >= 5 {
            sets.push(SetConfig { size: 128, by_node: false, rate: mixer::rate(5) });
            sets.push(SetConfig { size: 1024, by_node: false, rate: mixer::rate(5) });
        }
        MixConfig {
            line_bits: MixConfig::line_bits_for(len, level),
            limits: vec![250; contexts],
            runs: level >= 6,
            sets,
            extra_inputs: 4,
            apms: vec![STATES],
            depth: 8,
        }
    }

    /// Bytes that the client and its guesses hold between segments, at most.
    pub fn kept_bytes(len: u64) -> u64 {
        2 * (4 << match_bits(len))
            + (2 * (MATCH_FEELINGS + FEELINGS) * 8 * 4 + KINDS * size_of::<Vec<u32>>()) as u64
            + Numbers::kept_bytes()
    }

    /// Bytes that the client holds beyond that while a text of `len` bytes is coded, at most.
    pub fn working_bytes(len: u64) -> u64 {
        // A token has a byte at least, its place takes four, and a growing vector twice that.
        let places = (8 * len).min((KINDS + 1) as u64 * PLACES_MAX as u64 * 4);
        places + Numbers::event_bytes(len)
    }

    /// The client and the engine's shape for it. `binary` says that the bytes are no text.
    pub fn new(binary: bool, level: u32, len: u64) -> (Self, Shape) {
        let mix = Self::config(level, len);
        let bits = match_bits(len);
        let client = Self {
            binary,
            matches: MatchModel::new(8, bits),
            near: MatchModel::new(5, bits),
            line: 0,
            token: 0,
            field: 0,
            token_hash: 0,
            last_token: 0,
            before_last: 0,
            integer: 0,
            integer2: 0,
            real: false,
            kind: 0,
            above: vec![Vec::new(); KINDS],
            starts: vec![0],
            numbers: Numbers::new(),
        };
        let guess = Guess::new(MATCH_FEELINGS, 1023);
        let number = Guess::new(FEELINGS, 1023);
        (client, Shape { mix, guesses: vec![guess.clone(), guess, number.clone(), number] })
    }

    /// Back to the start of a text.
    pub fn restart(&mut self) {
        self.matches.clear();
        self.near.clear();
        self.numbers.restart();
        self.line = 0;
        self.token = 0;
        self.field = 0;
        self.token_hash = 0;
        self.last_token = 0;
        self.before_last = 0;
        self.integer = 0;
        self.integer2 = 0;
        self.real = false;
        self.kind = 0;
        self.above = vec![Vec::new(); KINDS];
        self.starts = vec![0];
    }

    /// Describes the situation of the next byte.
    pub fn prepare(&mut self, d: &[u8], out: &mut Situation, guesses: &mut [Guess]) {
        let n = d.len();
        let g = |o: usize| if n >= o { u32::from(d[n - o]) } else { 0 };
        let c4 = g(1) | g(2) << 8 | g(3) << 16 | g(4) << 24;
        let c8 = g(5) | g(6) << 8 | g(7) << 16 | g(8) << 24;
        let inside = (n - self.token) as u32;
        let place = hash2(self.kind << 16 | self.field.min(63) << 8 | inside.min(255), 77);
        let place0 = self.kind << 16 | self.field.min(255);
        let above =
            self.above[self.kind as usize].get(self.field as usize).map_or(0, |&s| s as usize);
        let up =
            |o: usize| if above > 0 { d.get(above + o).map_or(0, |&b| u32::from(b)) } else { 0 };
        let i = inside as usize;
        let over = up(i);
        let over3 = over | up(i + 1) << 8 | if i > 0 { up(i - 1) << 16 } else { 0 };
        let m = self.matches.expected(d).map_or(0, |b| u32::from(b) + 1);
        let m_len = self.matches.len().min(31);
        let [first, second] = &self.numbers.guesses;
        let expectation = |e: &Option<Expectation>| e.as_ref().map_or(0, |e| e.context(i));
        let (number, number2) = if self.binary {
            (hash2(n as u32 & 3, g(4) << 8 | g(8)), hash2(g(2), g(3)))
        } else {
            let digit = first.as_ref().map_or(0, |e| u32::from(e.at(i)));
            (expectation(first), expectation(second) << 8 | digit)
        };
        let c = [
            c4 & 0xffff,
            c4 & 0xff_ffff,
            c4,
            hash2(c4, c8 & 0xffff),
            hash2(self.token_hash, place0),
            hash2(place, over3),
            number,
            number2,
            hash2(hash2(self.token_hash, self.integer), place0),
            hash2(self.token_hash, self.last_token),
            g(1),
            hash2(c4, c8 & 0xff),
            place,
            hash2(m << 8 | m_len, g(1)),
            hash2(hash2(self.token_hash, over), place),
            hash2(hash2(self.token_hash, self.integer2), hash2(self.integer, place0)),
            self.token_hash,
            hash2(hash2(self.token_hash, self.last_token), self.before_last),
            hash2(c4, c8),
            hash2(place, c4 & 0xffff),
        ];
        for (i, (h, &c)) in out.hashes.iter_mut().zip(&c).enumerate() {
            *h = hash2(c, i as u32 + 1);
        }
        let state = if self.real { 16 + inside.min(31) } else { inside.min(15) };
        out.sets[0] = state.min(STATES as u32 - 1);
        out.sets[1] = (m_len.min(15) << 3 | self.field.min(7)).min(127);
        out.sets[2] = 0;
        if let Some(e) = first {
            let second = second.as_ref().map_or(0, |e| 1 + u32::from(e.agrees()));
            let alive = if e.agrees() { 0 } else { 1 };
            out.sets[2] = 64
                + (e.feeling(i) / 4 % 32)
                + 32 * (alive + 2 * second)
                + 192 * (e.rule as u32 % 4);
        }
        out.apms[0] = out.sets[0];
        out.last = state;
        guesses[0].set(self.matches.expected(d), self.matches.feeling());
        guesses[1].set(self.near.expected(d), self.near.feeling());
        for (guess, e) in guesses[2..].iter_mut().zip([first, second]) {
            match e {
                Some(e) if e.agrees() => guess.set(Some(e.at(i)), e.feeling(i)),
                _ => guess.set(None, 0),
            }
        }
    }

    /// Takes notice of the byte just appended.
    pub fn update(&mut self, d: &[u8]) {
        self.matches.update(d);
        self.near.update(d);
        let n = d.len();
        let b = d[n - 1];
        if n - 1 == self.line {
            self.kind = u32::from(b);
        }
        let line_kind = d[self.line];
        match b {
            b'\n' | b' ' | b',' | b'\t' => {
                self.numbers.token(line_kind, self.field, &d[self.token..n - 1], b == b'\n');
                self.before_last = self.last_token;
                self.last_token = self.token_hash;
                if !self.real {
                    self.integer2 = self.integer;
                    self.integer = self.token_hash;
                }
                self.token_hash = 0;
                self.token = n;
                self.field += 1;
                self.real = false;
                if b == b'\n' {
                    let starts = std::mem::take(&mut self.starts);
                    self.above[self.kind as usize] = starts;
                    self.line = n;
                    self.numbers.line_start();
                    self.field = 0;
                    self.integer = 0;
                    self.integer2 = 0;
                    self.kind = 0;
                }
                if self.starts.len() < PLACES_MAX {
                    self.starts.push(n as u32);
                }
            }
            _ => {
                self.numbers.push(n - 1 - self.token, b);
                self.real |= b == b'.';
                self.token_hash = hash2(self.token_hash, u32::from(b) + 1);
            }
        }
    }
}
