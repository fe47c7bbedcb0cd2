//! Chains of places with equal hashes, and the search for the longest match along them, which may also grow backwards.

use super::block::{FARTHEST, SHORTEST, equal, equal_before, match_end, top, word};

/// Hashes, as bits.
const BITS: u32 = 15;
/// What is added to places, so that 0 is none; links are by its low bits.
const BASE: usize = 1 << 16;
const MASK: usize = BASE - 1;

/// A match.
#[derive(Clone, Copy, Debug, Default)]
pub struct Match {
    /// Bytes; those before the place that was asked for included.
    pub len: usize,
    /// How far back it is.
    pub distance: usize,
    /// Bytes before the place that was asked for.
    pub back: usize,
}

/// How to search.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    /// Places that are compared.
    pub attempts: usize,
    /// Whether runs of a byte are leapt over.
    pub runs: bool,
    /// Whether the chain of a later byte of a match is followed where it is sparser.
    pub swap: bool,
}

/// What is known of whether the place at hand starts a run of a byte.
enum Run {
    Untested,
    None,
    Of(usize),
}

/// Places by hash.
pub struct Chains<'a> {
    content: &'a [u8],
    heads: Vec<u32>,
    /// Distances to the place before with the same hash.
    links: Vec<u16>,
    /// The place that is entered next.
    next: usize,
}

impl<'a> Chains<'a> {
    /// Nothing entered.
    pub fn new(content: &'a [u8]) -> Self {
        Self { content, heads: vec![0; 1 << BITS], links: vec![0; BASE], next: 0 }
    }

    #[inline(always)]
    fn hash(&self, at: usize) -> usize {
        top(word(self.content, at).wrapping_mul(2_654_435_761), BITS)
    }

    #[inline(always)]
    fn link(&self, index: usize) -> usize {
        self.links.get(index & MASK).copied().map_or(0, usize::from)
    }

    /// Enters all places before `end`.
    #[inline(always)]
    fn enter(&mut self, end: usize) {
        for at in self.next..end {
            let hash = self.hash(at);
            let index = u32::try_from(at + BASE).unwrap_or(u32::MAX);
            let (Some(head), Some(link)) =
                (self.heads.get_mut(hash), self.links.get_mut(at & MASK))
            else {
                continue;
            };
            *link = u16::try_from(index.wrapping_sub(*head)).unwrap_or(u16::MAX);
            *head = index;
        }
        self.next = end;
    }

    /// Bytes from `at` on that are the one before it, up to `end`.
    fn run(&self, at: usize, end: usize) -> usize {
        equal(self.content, at, at - 1, end.min(match_end(self.content)))
    }

    /// Bytes before `at`, down to `low`, that are `byte`.
    fn run_before(&self, at: usize, low: usize, byte: u8) -> usize {
        let before = self.content.get(low..at).unwrap_or_default();
        before.iter().rev().take_while(|&&b| b == byte).count()
    }

    /// The longest match at `at` that is longer than `longest`; it may start as early as `low`.
    #[inline(always)]
    pub fn longest(&mut self, at: usize, low: usize, mut longest: usize, effort: Effort) -> Match {
        self.enter(at);
        let content = self.content;
        let (index, end) = (at + BASE, match_end(content));
        let lowest = if at <= FARTHEST { BASE } else { index - FARTHEST };
        let look_back = at - low;
        let pattern = word(content, at);
        let half = |at: usize| content.get(at..at + 2);
        let head = self.heads.get(self.hash(at)).copied().unwrap_or_default();
        let mut found = usize::try_from(head).unwrap_or_default();
        let mut best = Match { len: longest, distance: 0, back: 0 };
        // The chain that is followed: that of this byte of the match.
        let mut on = 0;
        let mut run = Run::Untested;
        let mut attempts = effort.attempts;
        while found >= lowest && attempts > 0 {
            attempts -= 1;
            let earlier = found - BASE;
            let mut len = 0;
            let border = (earlier + longest - 1).checked_sub(look_back);
            if border.is_some_and(|border| half(low + longest - 1) == half(border))
                && word(content, earlier) == pattern
            {
                let back = if look_back > 0 { equal_before(content, at, earlier, low) } else { 0 };
                len = SHORTEST + equal(content, at + SHORTEST, earlier + SHORTEST, end) + back;
                if len > longest {
                    longest = len;
                    best = Match { len, distance: index - found, back };
                }
            }
            if effort.swap && len == longest && found + longest <= index {
                let sparser = self.sparser(found, longest);
                if let Some((place, distance)) = sparser {
                    on = place;
                    found = found.saturating_sub(distance);
                    continue;
                }
            }
            if effort.runs && on == 0 && self.link(found) == 1 {
                let [byte, others @ ..] = pattern.to_le_bytes();
                if matches!(run, Run::Untested) {
                    run = match others == [byte; 3] {
                        true => Run::Of(SHORTEST + self.run(at + SHORTEST, end)),
                        false => Run::None,
                    };
                }
                let before = found - 1;
                if let Run::Of(own) = run
                    && before >= lowest
                    && word(content, before - BASE) == pattern
                {
                    // Further than the run here or than matches reach it makes no difference.
                    let place = before - BASE;
                    let forward = SHORTEST + self.run(place + SHORTEST, place + SHORTEST + own);
                    let back = self.run_before(place, lowest - BASE, byte);
                    if back + forward >= own && forward <= own {
                        // Where the run is as long as the one here.
                        found = before + forward - own;
                        continue;
                    }
                    found = before - back;
                    if look_back == 0 {
                        let len = own.min(back + forward);
                        if longest < len {
                            if index - found > FARTHEST {
                                break;
                            }
                            longest = len;
                            best = Match { len, distance: index - found, back: 0 };
                        }
                        found -= self.link(found);
                    }
                    continue;
                }
            }
            found -= self.link(found + on);
        }
        Match { len: longest, ..best }
    }

    /// The byte of a match whose chain leaps farthest, and how far, if farther than to the place before.
    fn sparser(&self, found: usize, longest: usize) -> Option<(usize, usize)> {
        const PATIENCE: u32 = 4;
        let (mut farthest, mut place) = (1, None);
        let (mut at, mut tries) = (0, 1usize << PATIENCE);
        while at + SHORTEST <= longest {
            let distance = self.link(found + at);
            let step = tries >> PATIENCE;
            tries += 1;
            if distance > farthest {
                (farthest, place) = (distance, Some(at));
                tries = 1 << PATIENCE;
            }
            at += step;
        }
        place.map(|place| (place, farthest))
    }
}
