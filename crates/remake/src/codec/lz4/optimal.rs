//! Levels 10 to 12: the cheapest way through the next places, by the bytes that its sequences take.

use super::block::{Block, SHORTEST, last_start};
use super::chains::{Chains, Effort};

/// Places that are looked over at once.
pub const PLACES: usize = 1 << 12;
/// Literals that are priced behind the last match.
const TRAILING: usize = 3;

/// The cheapest known way to a place.
#[derive(Clone, Copy, Debug, Default)]
struct Way {
    price: usize,
    /// Distance of the match that ends here; 0 for a literal.
    distance: usize,
    /// Its length; 1 for a literal.
    len: usize,
    /// Literals up to here, or before the match.
    literals: usize,
}

/// Bytes that literals take.
const fn literals_price(n: usize) -> usize {
    n + match n.checked_sub(15) {
        Some(more) => 1 + more / 255,
        None => 0,
    }
}

/// Bytes that a sequence takes.
const fn price(literals: usize, len: usize) -> usize {
    let more = match len.checked_sub(15 + SHORTEST) {
        Some(more) => 1 + more / 255,
        None => 0,
    };
    3 + literals_price(literals) + more
}

struct Encoder<'a> {
    chains: Chains<'a>,
    effort: Effort,
    /// The last place where a match may start.
    last: usize,
    /// Longer matches are taken at once.
    sufficient: usize,
    /// Whether all places are looked at with all lengths.
    full: bool,
    ways: Vec<Way>,
}

impl Encoder<'_> {
    fn way(&self, at: usize) -> Way {
        self.ways.get(at).copied().unwrap_or_default()
    }

    fn set(&mut self, at: usize, way: Way) {
        if let Some(place) = self.ways.get_mut(at) {
            *place = way;
        }
    }

    /// Length and distance of the longest match, if it is longer than `shorter`.
    fn longer(&mut self, at: usize, shorter: usize) -> Option<(usize, usize)> {
        let found = self.chains.longest(at, at, shorter, self.effort);
        (found.len > shorter).then_some((found.len, found.distance))
    }

    /// Literals behind the last match.
    fn trail(&mut self, last: usize) {
        let price = self.way(last).price;
        for n in 1..=TRAILING {
            let price = price + literals_price(n);
            self.set(last + n, Way { price, distance: 0, len: 1, literals: n });
        }
    }

    /// Whether the next place costs no more, so that a match here would bring nothing.
    fn needless(&self, at: usize) -> bool {
        let here = self.way(at).price;
        let next = self.way(at + 1).price <= here;
        next && (!self.full || self.way(at + SHORTEST).price < here + 3)
    }

    /// A match of which each length may be the cheapest way; gives the last place that has one.
    fn consider(&mut self, at: usize, len: usize, distance: usize, mut last: usize) -> usize {
        let here = self.way(at);
        for n in 1..SHORTEST {
            let literals = here.literals + n;
            let price = here.price + literals_price(literals) - literals_price(here.literals);
            if price < self.way(at + n).price {
                self.set(at + n, Way { price, distance: 0, len: 1, literals });
            }
        }
        // What was set is behind `at`: this place is as it was.
        for n in SHORTEST..=len {
            let to = at + n;
            let (literals, before) = match here.len {
                1 if at > here.literals => (here.literals, self.way(at - here.literals).price),
                1 => (here.literals, 0),
                _ => (0, here.price),
            };
            let price = before + price(literals, n);
            if to > last + TRAILING || price <= self.way(to).price {
                if n == len && last < to {
                    last = to;
                }
                self.set(to, Way { price, distance, len: n, literals });
            }
        }
        self.trail(last);
        last
    }

    /// Prices the ways from `at`, where a match was found: the last place, and length and distance of the match that ends
    /// the cheapest way to it, with where it starts.
    fn look_ahead(
        &mut self,
        at: usize,
        literals: usize,
        first: (usize, usize),
    ) -> (usize, Way, usize) {
        let (len, distance) = first;
        for n in 0..SHORTEST {
            let literals = literals + n;
            self.set(n, Way { price: literals_price(literals), distance: 0, len: 1, literals });
        }
        for n in SHORTEST..=len {
            self.set(n, Way { price: price(literals, n), distance, len: n, literals });
        }
        let mut last = len;
        self.trail(last);
        let mut here = 1;
        while here < last && at + here <= self.last {
            if !self.needless(here) {
                let shorter = if self.full { SHORTEST - 1 } else { last - here };
                if let Some((len, distance)) = self.longer(at + here, shorter) {
                    if len > self.sufficient || len + here >= PLACES {
                        return (here + 1, Way { distance, len, ..Way::default() }, here);
                    }
                    last = self.consider(here, len, distance, last);
                }
            }
            here += 1;
        }
        let way = self.way(last);
        (last, way, last.saturating_sub(way.len))
    }

    /// Turns the ways around: each place of the cheapest way then has what starts there.
    fn turn_around(&mut self, way: Way, from: usize) {
        let (mut at, mut selected) = (from, (way.len, way.distance));
        loop {
            let here = self.way(at);
            let next = (here.len, here.distance);
            self.set(at, Way { len: selected.0, distance: selected.1, ..here });
            selected = next;
            match at.checked_sub(next.0) {
                Some(before) if next.0 > 0 => at = before,
                _ => return,
            }
        }
    }
}

/// The block of a content.
pub fn compress(content: &[u8], attempts: usize, sufficient: usize, full: bool) -> Vec<u8> {
    let mut block = Block::of(content);
    let Some(last) = last_start(content) else { return block.end(content) };
    let mut encoder = Encoder {
        chains: Chains::new(content),
        effort: Effort { attempts, runs: true, swap: true },
        last,
        sufficient,
        full,
        ways: vec![Way::default(); PLACES + TRAILING],
    };
    let (mut anchor, mut at) = (0, 0);
    let mut write = |anchor: &mut usize, at: usize, len: usize, distance: usize| {
        block.sequence(content.get(*anchor..at).unwrap_or_default(), distance, len);
        *anchor = at + len;
    };
    while at <= last {
        let Some((len, distance)) = encoder.longer(at, SHORTEST - 1) else {
            at += 1;
            continue;
        };
        if len > sufficient {
            write(&mut anchor, at, len, distance);
            at += len;
            continue;
        }
        let (end, way, from) = encoder.look_ahead(at, at - anchor, (len, distance));
        encoder.turn_around(way, from);
        let mut here = 0;
        while here < end {
            let way = encoder.way(here);
            if way.len > 1 {
                write(&mut anchor, at + here, way.len, way.distance);
            }
            here += way.len.max(1);
        }
        at += here;
    }
    block.end(content.get(anchor..).unwrap_or_default())
}
