//! The fast encoder: one place a hash, steps that grow where nothing is found.

use super::block::{
    Block, FARTHEST, SHORTEST, equal, equal_before, last_start, long, match_end, top, word,
};

/// Contents of fewer bytes have more hashes, of four bytes.
const SMALL: usize = (1 << 16) + 11;
/// Hashes of small contents, as bits; of others half as many.
const BITS: u32 = 13;
/// So many failures make the step one longer, as bits.
const PATIENCE: u32 = 6;

/// The place last seen of each hash. Places that nobody entered are 0, which is a place.
struct Table {
    small: bool,
    places: Vec<u32>,
}

impl Table {
    #[inline(always)]
    fn hash(&self, content: &[u8], at: usize) -> usize {
        if self.small {
            return top(word(content, at).wrapping_mul(2_654_435_761), BITS);
        }
        let product = (long(content, at) << 24).wrapping_mul(889_523_592_379);
        usize::try_from(product >> (65 - BITS)).unwrap_or_default()
    }

    /// The place of a hash, which is now another one.
    #[inline(always)]
    fn replace(&mut self, hash: usize, at: usize) -> usize {
        let at = u32::try_from(at).unwrap_or(u32::MAX);
        let old = self.places.get_mut(hash).map(|place| std::mem::replace(place, at));
        old.and_then(|old| usize::try_from(old).ok()).unwrap_or_default()
    }

    /// Whether a match that far away can be told.
    #[inline(always)]
    fn reaches(&self, at: usize, earlier: usize) -> bool {
        self.small || at.saturating_sub(earlier) <= FARTHEST
    }
}

/// The block of a content.
pub fn compress(content: &[u8]) -> Vec<u8> {
    let mut block = Block::of(content);
    let Some(last) = last_start(content) else { return block.end(content) };
    let end = match_end(content);
    let small = content.len() < SMALL;
    let mut table = Table { small, places: vec![0; 1 << if small { BITS } else { BITS - 1 }] };
    table.replace(table.hash(content, 0), 0);
    let (mut anchor, mut at) = (0, 1);
    'all: loop {
        let mut hash = table.hash(content, at);
        let (mut next, mut step, mut tries) = (at, 1, 1usize << PATIENCE);
        let mut found = loop {
            at = next;
            next += step;
            step = tries >> PATIENCE;
            tries += 1;
            if next > last + 1 {
                break 'all;
            }
            let earlier = table.replace(hash, at);
            hash = table.hash(content, next);
            if table.reaches(at, earlier) && word(content, earlier) == word(content, at) {
                break earlier;
            }
        };
        let back = equal_before(content, at, found, anchor);
        (at, found) = (at - back, found - back);
        loop {
            let len = SHORTEST + equal(content, at + SHORTEST, found + SHORTEST, end);
            let literals = content.get(anchor..at).unwrap_or_default();
            block.sequence(literals, at - found, len);
            at += len;
            anchor = at;
            if at > last {
                break 'all;
            }
            table.replace(table.hash(content, at - 2), at - 2);
            found = table.replace(table.hash(content, at), at);
            if !(table.reaches(at, found) && word(content, found) == word(content, at)) {
                break;
            }
        }
        at += 1;
    }
    block.end(content.get(anchor..).unwrap_or_default())
}
