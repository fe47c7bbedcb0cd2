//! Deflate by GNU gzip: levels 1 to 9, as its version 1.12 writes them (and those before it since 1.2.4).
//!
//! Its search is that of zlib, its blocks are not: they hold up to 32,767 symbols, and at level 3 and above one ends
//! early where literals are cheap. Near the end of a file it compares what an earlier one left in its window, so that
//! is here byte for byte: a window of 64 KiB, filled as far as it goes and moved by half of it.
//!
//! Written anew from that behaviour; the methods are those of zlib, by the same authors.
//!
//! Invariant: the same bytes however the content is cut, since a read waits until it can be as long as that of a file.

mod block;
mod trees;

use block::Block;

/// Bytes of half a window.
const HALF: usize = 1 << 15;
const HALF_16: u16 = 1 << 15;
const MASK: usize = HALF - 1;
const SHORTEST: usize = 3;
const LONGEST: usize = 258;
/// Bytes ahead below which more are read.
const AHEAD: usize = LONGEST + SHORTEST + 1;
const FARTHEST: usize = HALF - AHEAD;
/// Matches of the shortest length that are farther away are none.
const FAR: usize = 4096;
/// Symbols of a block.
const SYMBOLS: usize = (1 << 15) - 1;
/// Symbols after each of which a block may end early.
const LOOK: usize = 1 << 12;

/// How a level searches.
#[derive(Clone, Copy, Debug)]
struct Level {
    /// From this length on of the match before, a quarter of the chain is enough.
    good: usize,
    /// From this length on no better one is looked for; without laziness, up to this one all of a match is entered.
    lazy: usize,
    /// A match of this length is taken at once.
    nice: usize,
    /// Places that are compared.
    chain: usize,
}

const LEVELS: [Level; 9] = [
    Level { good: 4, lazy: 4, nice: 8, chain: 4 },
    Level { good: 4, lazy: 5, nice: 16, chain: 8 },
    Level { good: 4, lazy: 6, nice: 32, chain: 32 },
    Level { good: 4, lazy: 4, nice: 16, chain: 16 },
    Level { good: 8, lazy: 16, nice: 32, chain: 32 },
    Level { good: 8, lazy: 16, nice: 128, chain: 128 },
    Level { good: 8, lazy: 32, nice: 128, chain: 256 },
    Level { good: 32, lazy: 128, nice: 258, chain: 1024 },
    Level { good: 32, lazy: 258, nice: 258, chain: 4096 },
];

/// A stream that is made piece by piece.
#[derive(Debug)]
pub struct Encoder {
    number: usize,
    level: Level,
    window: Vec<u8>,
    /// Last place of each hash, and the one before of each place; 0 is none.
    head: Vec<u16>,
    previous: Vec<u16>,
    hash: usize,
    at: usize,
    ahead: usize,
    /// Where the block starts: below 0 once that has left the window.
    start: i64,
    ended: bool,
    /// The last match that was found, and whether a literal waits for it.
    length: usize,
    place: usize,
    waiting: bool,
    begun: bool,
    block: Block,
    /// Content that is not in the window yet, from `taken` on.
    input: Vec<u8>,
    taken: usize,
}

impl Encoder {
    /// The start of a stream; `None` for a level that there is not.
    pub fn new(level: u8) -> Option<Self> {
        let number = usize::from(level);
        let level = *LEVELS.get(number.checked_sub(1)?)?;
        Some(Self {
            number,
            level,
            window: vec![0; 2 * HALF],
            head: vec![0; HALF],
            previous: vec![0; HALF],
            hash: 0,
            at: 0,
            ahead: 0,
            start: 0,
            ended: false,
            length: SHORTEST - 1,
            place: 0,
            waiting: false,
            begun: false,
            block: Block::default(),
            input: Vec::new(),
            taken: 0,
        })
    }

    /// Adds content; appends what comes out.
    pub fn write(&mut self, content: &[u8], out: &mut Vec<u8>) {
        if self.taken >= self.window.len() {
            self.input.drain(..self.taken);
            self.taken = 0;
        }
        self.input.extend_from_slice(content);
        self.run(false, out);
    }

    /// Ends the stream.
    pub fn finish(mut self, out: &mut Vec<u8>) {
        self.run(true, out);
        if self.waiting {
            let literal = self.byte(self.at.wrapping_sub(1));
            self.block.add(0, literal);
        }
        self.end_block(true, out);
    }

    /// Goes on as far as the content reaches.
    fn run(&mut self, all: bool, out: &mut Vec<u8>) {
        loop {
            while self.ahead < AHEAD && !self.ended {
                if !self.fill(all) {
                    return;
                }
            }
            if self.ahead == 0 {
                return;
            }
            if self.number <= 3 {
                self.fast(out);
            } else {
                self.lazy(out);
            }
        }
    }

    /// Reads into the window; false where that has to wait.
    fn fill(&mut self, all: bool) -> bool {
        let slides = self.at >= HALF + FARTHEST;
        let room = self.window.len() - self.ahead - self.at + if slides { HALF } else { 0 };
        let content = self.input.get(self.taken..).unwrap_or_default();
        if content.len() < room && !all {
            return false;
        }
        if slides {
            self.window.copy_within(HALF.., 0);
            self.place = self.place.wrapping_sub(HALF);
            self.at -= HALF;
            self.start -= HALF as i64;
            for entry in self.head.iter_mut().chain(&mut self.previous) {
                *entry = entry.saturating_sub(HALF_16);
            }
        }
        let from = self.at + self.ahead;
        let n = content.len().min(room);
        for (to, byte) in self.window.iter_mut().skip(from).zip(content.iter().take(n)) {
            *to = *byte;
        }
        if n == 0 {
            self.ended = true;
            self.window.iter_mut().skip(from).take(SHORTEST - 1).for_each(|byte| *byte = 0);
        }
        self.ahead += n;
        self.taken += n;
        if !self.begun {
            self.begun = true;
            self.restart(0);
        }
        true
    }

    fn byte(&self, at: usize) -> u8 {
        self.window.get(at).copied().unwrap_or(0)
    }

    fn hash(&mut self, byte: u8) {
        self.hash = ((self.hash << 5) ^ usize::from(byte)) & MASK;
    }

    /// Hashes from a place on, where none were entered before.
    fn restart(&mut self, at: usize) {
        self.hash = 0;
        for at in at..at + SHORTEST - 1 {
            self.hash(self.byte(at));
        }
    }

    /// Enters a place; gives the one before with its hash.
    fn enter(&mut self, at: usize) -> usize {
        self.hash(self.byte(at + SHORTEST - 1));
        let Some(head) = self.head.get_mut(self.hash) else { return 0 };
        let before = *head;
        // The window is 2^16 bytes.
        *head = u16::try_from(at).unwrap_or(0);
        if let Some(previous) = self.previous.get_mut(at & MASK) {
            *previous = before;
        }
        before.into()
    }

    /// Whether a place may be compared.
    fn reaches(&self, place: usize) -> bool {
        place != 0 && self.at - place <= FARTHEST && self.at <= self.window.len() - AHEAD
    }

    /// The longest match along a chain that is longer than `best`, which comes back where there is none.
    fn longest(&mut self, mut place: usize, mut best: usize) -> usize {
        let mut chain = self.level.chain;
        if best >= self.level.good {
            chain >>= 2;
        }
        let limit = self.at.saturating_sub(FARTHEST);
        let Some(scan) = self.window.get(self.at..self.at + LONGEST) else { return best };
        loop {
            let other = self.window.get(place..place + LONGEST).unwrap_or_default();
            if other.get(best - 1..=best) == scan.get(best - 1..=best) {
                let length = scan.iter().zip(other).take_while(|(a, b)| a == b).count();
                if length > best {
                    self.place = place;
                    best = length;
                    if length >= self.level.nice {
                        return best;
                    }
                }
            }
            place = self.previous.get(place & MASK).copied().unwrap_or(0).into();
            chain -= 1;
            if place <= limit || chain == 0 {
                return best;
            }
        }
    }

    /// Adds a symbol; whether the block ends with it.
    fn add(&mut self, distance: usize, value: usize) -> bool {
        self.block.add(u16::try_from(distance).unwrap_or(0), u8::try_from(value).unwrap_or(0));
        let n = self.block.len();
        let bytes = self.at as i64 - self.start;
        n == SYMBOLS || (self.number > 2 && n.is_multiple_of(LOOK) && self.block.is_good(bytes))
    }

    fn end_block(&mut self, last: bool, out: &mut Vec<u8>) {
        let start = usize::try_from(self.start).ok();
        let stored = start.and_then(|start| self.window.get(start..self.at));
        self.block.write(stored, last, out);
        self.start = self.at as i64;
    }

    /// The next symbol: the first match that is found.
    fn fast(&mut self, out: &mut Vec<u8>) {
        let place = self.enter(self.at);
        if self.reaches(place) {
            self.length = self.longest(place, SHORTEST - 1).min(self.ahead);
        }
        let ends;
        if self.length >= SHORTEST {
            ends = self.add(self.at - self.place, self.length - SHORTEST);
            self.ahead -= self.length;
            if self.length <= self.level.lazy {
                for at in self.at + 1..self.at + self.length {
                    self.enter(at);
                }
                self.at += self.length;
            } else {
                self.at += self.length;
                self.restart(self.at);
            }
            self.length = 0;
        } else {
            ends = self.add(0, self.byte(self.at).into());
            self.ahead -= 1;
            self.at += 1;
        }
        if ends {
            self.end_block(false, out);
        }
    }

    /// The next byte, or the match before it if none here is longer.
    fn lazy(&mut self, out: &mut Vec<u8>) {
        let place = self.enter(self.at);
        let (before, from) = (self.length, self.place);
        self.length = SHORTEST - 1;
        if before < self.level.lazy && self.reaches(place) {
            self.length = self.longest(place, before).min(self.ahead);
            if self.length == SHORTEST && self.at.wrapping_sub(self.place) > FAR {
                self.length -= 1;
            }
        }
        if before >= SHORTEST && self.length <= before {
            let ends = self.add((self.at - 1).wrapping_sub(from), before - SHORTEST);
            self.ahead -= before - 1;
            for at in self.at + 1..self.at + before - 1 {
                self.enter(at);
            }
            self.at += before - 1;
            self.waiting = false;
            self.length = SHORTEST - 1;
            if ends {
                self.end_block(false, out);
            }
            return;
        }
        if self.waiting {
            let literal = self.byte(self.at - 1);
            if self.add(0, literal.into()) {
                self.end_block(false, out);
            }
        }
        self.waiting = true;
        self.at += 1;
        self.ahead -= 1;
    }
}
