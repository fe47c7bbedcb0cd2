//! The table of contexts: one cache line per (context, nibble).
//!
//! A [`Line`] is 64 bytes: a head word and the 15 counters of a nibble's binary tree (node 1 is the
//! root, node 2n + b follows bit b). Head, from the top: 16 check bits, 8 bits of priority (visits,
//! saturating), the last nibble seen here, and how often it was repeated (4 bits each). A line of zeros is
//! empty. Every context has a region of its own, of 2^bits lines, so a busy context cannot push out a calm
//! one. A new line takes the place of the one of less priority in a pair, and the other loses a little.

use crate::error::PredictError;
use crate::mix::saved;
use vxc_infer::prefetch;

/// The 15 counters of a nibble and the head word, in one cache line.
#[derive(Clone, Copy, Debug, Default)]
#[repr(align(64))]
pub struct Line(pub [i32; 16]);

/// Largest size of a region: 2^22 lines, 256 MiB.
pub const LINE_BITS_MAX: u32 = 22;

const PRIORITY: u32 = 0xff00;
const PRIORITY_ONE: u32 = 0x100;

/// The regions of all contexts, one after the other.
#[derive(Clone, Debug)]
pub struct Slots {
    lines: Vec<Line>,
    bits: u32,
}

/// Where a (context, nibble) belongs, before it is looked up.
#[derive(Clone, Copy, Debug, Default)]
pub struct Place {
    first: u32,
    check: u32,
}

impl Slots {
    /// Empty regions of `2^bits` lines for each context; `bits` is clamped to 2..=[`LINE_BITS_MAX`].
    pub fn new(contexts: usize, bits: u32) -> Self {
        let bits = bits.clamp(2, LINE_BITS_MAX);
        Self { lines: vec![Line::default(); contexts << bits], bits }
    }

    /// The place of a context's hash at a node of the symbol's tree; asks the cache for it.
    #[inline(always)]
    pub fn place(&self, context: usize, hash: u32, node: u32) -> Place {
        debug_assert!(((context + 1) << self.bits) <= self.lines.len());
        let mixed = (u64::from(hash) | u64::from(node) << 32).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let mixed = (mixed ^ mixed >> 29).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let first = ((context as u32) << self.bits) + (mixed >> (64 - self.bits)) as u32;
        prefetch(&self.lines, first as usize);
        prefetch(&self.lines, first as usize ^ 1);
        Place { first, check: (mixed as u32) << 16 }
    }

    /// Copies the line of a place, or an empty one that will take the place of another, and gives back
    /// where it is to be written ([`Slots::put`]). Written without branches on what is found: whether a
    /// context was seen before is what the processor cannot guess.
    #[inline(always)]
    pub fn take(&mut self, place: Place, into: &mut Line) -> u32 {
        let Place { first, check } = place;
        let (a, b) = (first as usize, (first ^ 1) as usize);
        let (head_a, head_b) = (self.lines[a].0[0] as u32, self.lines[b].0[0] as u32);
        let in_a = (head_a ^ check) >> 16 == 0;
        let in_b = (head_b ^ check) >> 16 == 0;
        let victim_b = head_b & PRIORITY < head_a & PRIORITY;
        let use_b = !in_a & (in_b | victim_b);
        let found = in_a | in_b;
        let at = if use_b { b } else { a };
        // The first line of the pair ages when the pair is too small.
        let aged = u32::from(!found & (head_a & PRIORITY != 0)) * PRIORITY_ONE;
        self.lines[a].0[0] = (head_a - aged) as i32;
        let keep = if found { -1i32 } else { 0 };
        let line = &self.lines[at];
        for (to, from) in into.0.iter_mut().zip(&line.0) {
            *to = from & keep;
        }
        let head = if found { if use_b { head_b } else { head_a } } else { check };
        let more = u32::from(head & PRIORITY != PRIORITY) * PRIORITY_ONE;
        into.0[0] = (head + more) as i32;
        at as u32
    }

    /// Saves the lines visited at least `visits` times.
    pub(super) fn save(&self, visits: u32, out: &mut Vec<u8>) {
        let priority = |i: usize| (self.lines[i].0[0] as u32 & PRIORITY) / PRIORITY_ONE;
        saved::put_rows(
            self.lines.len(),
            |i| priority(i) >= visits.max(1),
            |i, out| {
                let [head, counters @ ..] = &self.lines[i].0;
                out.extend_from_slice(&head.to_le_bytes());
                saved::put_words(counters.iter().map(|&c| saved::counter_to_saved(c)), out);
            },
            out,
        );
    }

    /// Loads saved lines into empty regions.
    pub(super) fn load(&mut self, input: &mut &[u8]) -> Result<(), PredictError> {
        let rows = self.lines.len();
        saved::take_rows(
            rows,
            |i, input| {
                let head: Vec<u16> = saved::take_words(input, 2)?.collect();
                let line = &mut self.lines[i].0;
                line[0] = (u32::from(head[0]) | u32::from(head[1]) << 16) as i32;
                for (c, s) in line[1..].iter_mut().zip(saved::take_words(input, 15)?) {
                    *c = saved::counter_from_saved(s);
                }
                Ok(())
            },
            input,
        )
    }

    /// Writes a line back to where [`Slots::take`] said.
    #[inline(always)]
    pub fn put(&mut self, at: u32, line: &Line) {
        self.lines[at as usize] = *line;
    }
}

/// Records in a head that `nibble` was seen.
#[inline(always)]
pub fn head_after(head: i32, nibble: u32) -> i32 {
    let head = head as u32;
    let run = head & 15;
    let low = if run != 0 && head >> 4 & 15 == nibble { (run + 1).min(15) } else { 1 };
    (head & !0xff | nibble << 4 | low) as i32
}

/// The last nibble seen and its run length, 0 where the line is new.
#[inline(always)]
pub fn head_run(head: i32) -> (u32, u32) {
    let head = head as u32;
    (head >> 4 & 15, head & 15)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(slots: &mut Slots, context: usize, hash: u32) -> (u32, Line) {
        let place = slots.place(context, hash, 1);
        let mut line = Line([-1; 16]);
        let at = slots.take(place, &mut line);
        (at, line)
    }

    #[test]
    fn lines_are_found_again_and_new_ones_are_empty() {
        let mut slots = Slots::new(2, 10);
        for context in 0..2 {
            for hash in 0..200u32 {
                let (at, mut line) = take(&mut slots, context, hash.wrapping_mul(77_777));
                assert_eq!(line.0[1..], [0; 15]);
                line.0[5] = hash as i32 + 1;
                slots.put(at, &line);
            }
        }
        let mut kept = 0;
        for hash in 0..200u32 {
            let (_, line) = take(&mut slots, 1, hash.wrapping_mul(77_777));
            let value = line.0[5];
            assert!(value == 0 || value == hash as i32 + 1);
            kept += usize::from(value != 0);
        }
        assert!(kept > 180, "{kept}");
    }

    #[test]
    fn often_seen_lines_outlive_a_flood_of_new_ones() {
        let mut slots = Slots::new(1, 4);
        for _ in 0..100 {
            let (at, mut line) = take(&mut slots, 0, 12345);
            line.0[1] = 7;
            slots.put(at, &line);
        }
        for hash in 0..60u32 {
            let (at, line) = take(&mut slots, 0, hash.wrapping_mul(0x9E37_79B1));
            slots.put(at, &line);
        }
        assert_eq!(take(&mut slots, 0, 12345).1.0[1], 7);
    }

    #[test]
    fn runs_count_repeats() {
        let mut head = 0x1234_0500;
        assert_eq!(head_run(head).1, 0);
        for i in 1..40 {
            head = head_after(head, 9);
            assert_eq!(head_run(head), (9, i.min(15)));
        }
        head = head_after(head, 3);
        assert_eq!(head_run(head), (3, 1));
        assert_eq!(head as u32 >> 8, 0x12_3405);
    }
}
