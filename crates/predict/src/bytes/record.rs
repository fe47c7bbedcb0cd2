//! Contexts for tables of fixed-size records.

use vxc_tokens::RecordLayout;

use super::{Shape, Situation, hash2};
use crate::mix::match_model::{Guess, MATCH_FEELINGS, MatchModel};
use crate::mix::{MixConfig, SetConfig, mixer};

/// Where a byte stands in its record.
#[derive(Clone, Copy, Debug)]
struct Spot {
    /// Start of its field in the record.
    field_start: u32,
    /// Index of the byte inside the field, 0 the most significant.
    byte: u32,
    group: u32,
}

/// The state of the record client.
#[derive(Clone, Debug)]
pub struct RecordContexts {
    spots: Vec<Spot>,
    starts: Vec<u32>,
    field_of: Vec<u32>,
    pos: usize,
    matches: MatchModel,
}

/// Contexts by level: the first ones matter most.
const CONTEXTS: usize = 16;
const FAST_CONTEXTS: usize = 8;
/// Positions of a record with weights of their own; longer records share them by group.
const POSITIONS: u32 = 128;

/// log2 of the places that the match model remembers.
fn match_bits(len: u64) -> u32 {
    (64 - len.leading_zeros()).clamp(10, 18)
}

impl RecordContexts {
    /// The engine's configuration at a level.
    pub fn config(layout: &RecordLayout, level: u32, len: u64) -> MixConfig {
        let set0 = (layout.record_bytes as u32).min(POSITIONS);
        let contexts = match level {
            0..=4 => FAST_CONTEXTS,
            5 => CONTEXTS - 2,
            _ => CONTEXTS,
        };
        let mut limits = vec![250; contexts];
        limits[0] = 1000;
        limits[1] = 1000;
        let mut sets =
            vec![SetConfig { size: set0 as usize, by_node: true, rate: mixer::rate(20) }];
        if level >= 5 {
            sets.push(SetConfig { size: 16, by_node: true, rate: mixer::rate(4) });
        }
        MixConfig {
            line_bits: MixConfig::line_bits_for(len, level),
            limits,
            runs: level >= 6,
            sets,
            extra_inputs: 1,
            apms: vec![1],
            depth: 8,
        }
    }

    /// Bytes that the client and its guess hold, at most.
    pub fn kept_bytes(layout: &RecordLayout, len: u64) -> u64 {
        // Vectors made by pushing may have twice the room that they need.
        let spots = 2 * layout.record_bytes * (size_of::<Spot>() + size_of::<u32>());
        let starts = 2 * layout.fields.len() * size_of::<u32>();
        (4 << match_bits(len)) + (spots + starts + MATCH_FEELINGS * 8 * 4) as u64
    }

    /// The client and the engine's shape for it.
    pub fn new(layout: &RecordLayout, level: u32, len: u64) -> (Self, Shape) {
        let mut spots = Vec::new();
        let mut starts = Vec::new();
        let mut field_of = Vec::new();
        for (i, f) in layout.fields.iter().enumerate() {
            starts.push(f.offset as u32);
            for byte in 0..f.kind.bytes() as u32 {
                spots.push(Spot { field_start: f.offset as u32, byte, group: f.group });
                field_of.push(i as u32);
            }
        }
        let matches = MatchModel::new(8, match_bits(len));
        let client = Self { spots, starts, field_of, pos: 0, matches };
        let mix = Self::config(layout, level, len);
        (client, Shape { mix, guesses: vec![Guess::new(MATCH_FEELINGS, 1023)] })
    }

    /// Back to the first byte of a record.
    pub fn restart(&mut self) {
        self.matches.clear();
        self.pos = 0;
    }

    /// Describes the situation of the next byte.
    pub fn prepare(&mut self, d: &[u8], out: &mut Situation, guesses: &mut [Guess]) {
        let n = d.len();
        let size = self.spots.len();
        let pos = self.pos;
        let spot = self.spots[pos];
        let g = |o: usize| if n >= o { u32::from(d[n - o]) } else { 0 };
        let p = pos as u32;
        let k = spot.byte;
        let mut sofar = k;
        for o in 1..=k as usize {
            sofar = sofar << 8 | g(o);
        }
        let here = hash2(p, sofar);
        let field = self.field_of[pos] as usize;
        let record = n - pos;
        let top = |start: usize| -> u32 {
            if start + 1 < n { u32::from(d[start]) << 8 | u32::from(d[start + 1]) } else { 0 }
        };
        let pf =
            |o: usize| if field >= o { top(record + self.starts[field - o] as usize) } else { 0 };
        let up = |o: usize| {
            let s = record + spot.field_start as usize;
            if s >= o * size { top(s - o * size) } else { 0 }
        };
        let tail4 = g(1) | g(2) << 8 | g(3) << 16 | g(4) << 24;
        let c = [
            p,
            here,
            hash2(here, g(size)),
            hash2(here, pf(1)),
            hash2(here, up(1)),
            hash2(here, pf(1) << 16 | pf(2)),
            tail4,
            hash2(here, pf(2)),
            hash2(here, pf(1) << 16 | up(1)),
            g(1) | g(2) << 8,
            hash2(tail4, g(5) << 8 | g(6)),
            hash2(here, pf(3)),
            hash2(here, pf(4) >> 4),
            hash2(here, up(1) << 16 | up(2)),
            hash2(hash2(here, pf(1) << 16 | pf(2)), pf(3)),
            hash2(hash2(here, pf(1) << 16 | pf(2)), up(1)),
        ];
        for (i, (h, &c)) in out.hashes.iter_mut().zip(&c).enumerate() {
            *h = hash2(c, i as u32 + 1);
        }
        out.sets[0] = if size <= POSITIONS as usize {
            p
        } else {
            (spot.group.wrapping_mul(0x9E37_79B1) >> 16 & 31) | k.min(3) << 5
        };
        out.sets[1] = k.min(15);
        out.apms[0] = 0;
        out.last = k;
        guesses[0].set(self.matches.expected(d), self.matches.feeling());
    }

    /// Takes notice of the byte just appended.
    pub fn update(&mut self, d: &[u8]) {
        self.matches.update(d);
        self.pos += 1;
        if self.pos == self.spots.len() {
            self.pos = 0;
        }
    }
}
