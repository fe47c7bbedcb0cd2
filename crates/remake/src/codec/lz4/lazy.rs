//! Levels 3 to 9: a match is written once two later ones have been looked for that would be longer; they share the bytes
//! that they overlap in.

use super::block::{Block, SHORTEST, last_start};
use super::chains::{Chains, Effort, Match};

/// A match of so many bytes needs no more of the token.
const CHEAP: usize = 14 + SHORTEST;

/// A match and where it starts.
#[derive(Clone, Copy, Debug, Default)]
struct Placed {
    at: usize,
    len: usize,
    distance: usize,
}

impl Placed {
    const fn end(self) -> usize {
        self.at + self.len
    }

    /// Without its first bytes.
    const fn later(self, by: usize) -> Self {
        Self { at: self.at + by, len: self.len.saturating_sub(by), distance: self.distance }
    }
}

/// What the encoder looks for next.
enum Look {
    /// A match that is longer than the first and overlaps its end.
    Second,
    /// One that is longer than the second.
    Third,
}

struct Encoder<'a> {
    content: &'a [u8],
    chains: Chains<'a>,
    effort: Effort,
    /// The last place where a match may start.
    last: usize,
    block: Block,
    /// Up to where all is written.
    anchor: usize,
}

impl Encoder<'_> {
    /// The longest match that starts between `low` and `at`, or one that is not longer than `longest`.
    fn longest(&mut self, at: usize, low: usize, longest: usize) -> Placed {
        let Match { len, distance, back } = self.chains.longest(at, low, longest, self.effort);
        Placed { at: at - back, len, distance }
    }

    /// A longer match than `m` that overlaps its last `overlap` bytes or starts earlier; none at the end of the content.
    fn longer(&mut self, m: Placed, overlap: usize) -> Option<Placed> {
        if m.end() > self.last {
            return None;
        }
        let found = self.longest(m.end() - overlap, m.at, m.len);
        (found.len > m.len).then_some(found)
    }

    fn write(&mut self, m: Placed) {
        let literals = self.content.get(self.anchor..m.at).unwrap_or_default();
        self.block.sequence(literals, m.distance, m.len);
        self.anchor = m.end();
    }

    /// Writes what starts with a match; gives the place behind.
    fn matches(&mut self, mut first: Placed) -> usize {
        // The first match as it was found, in case too much of it is left out.
        let mut original = first;
        let mut second = Placed::default();
        let mut look = Look::Second;
        loop {
            if matches!(look, Look::Second) {
                let Some(longer) = self.longer(first, 2) else {
                    self.write(first);
                    return first.end();
                };
                second = longer;
                if original.at < first.at && second.at < first.at + original.len {
                    first = original;
                }
                if second.at - first.at < 3 {
                    first = second;
                    continue;
                }
            }
            if second.at - first.at < CHEAP {
                let reach = first.len.min(CHEAP);
                second = share(first, second, reach);
            }
            let Some(third) = self.longer(second, 3) else {
                first.len = first.len.min(second.at - first.at);
                self.write(first);
                self.write(second);
                return second.end();
            };
            if third.at < first.end() + 3 {
                // No room for the second.
                if third.at < first.end() {
                    (second, look) = (third, Look::Third);
                    continue;
                }
                if second.at < first.end() {
                    second = second.later(first.end() - second.at);
                    if second.len < SHORTEST {
                        second = third;
                    }
                }
                self.write(first);
                (first, original, look) = (third, second, Look::Second);
                continue;
            }
            if second.at < first.end() {
                if second.at - first.at < CHEAP {
                    let reach = first.len.min(CHEAP);
                    let cut = reach.min((second.end() - first.at).saturating_sub(SHORTEST));
                    second = share(first, second, reach);
                    first.len = cut;
                } else {
                    first.len = second.at - first.at;
                }
            }
            self.write(first);
            (first, second, look) = (second, third, Look::Third);
        }
    }
}

/// The second of two matches without what the first takes of it up to `reach`, all but its last four bytes.
fn share(first: Placed, second: Placed, reach: usize) -> Placed {
    let reach = reach.min((second.end() - first.at).saturating_sub(SHORTEST));
    second.later(reach.saturating_sub(second.at - first.at))
}

/// The block of a content, with so many places compared.
pub fn compress(content: &[u8], attempts: usize) -> Vec<u8> {
    let Some(last) = last_start(content) else { return Block::of(content).end(content) };
    let effort = Effort { attempts, runs: attempts > 128, swap: false };
    let (chains, block) = (Chains::new(content), Block::of(content));
    let mut encoder = Encoder { content, chains, effort, last, block, anchor: 0 };
    let mut at = 0;
    while at <= last {
        let first = encoder.longest(at, at, SHORTEST - 1);
        at = if first.len < SHORTEST { at + 1 } else { encoder.matches(first) };
    }
    encoder.block.end(content.get(encoder.anchor..).unwrap_or_default())
}
