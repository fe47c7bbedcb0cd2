//! Levels 1 and 2: one place for each hash of eight bytes (seven, in truth), and of four.

use super::block::{
    Block, FARTHEST, SHORTEST, equal, equal_before, last_start, long, match_end, top, word,
};

/// Hashes of each table, as bits.
const BITS: u32 = 14;
/// What is added to places in the tables, so that 0 is none.
const BASE: usize = 1 << 16;
/// Bytes that the longer hash reads.
const WIDE: usize = 8;

/// Places by hash.
struct Tables<'a> {
    content: &'a [u8],
    four: Vec<u32>,
    eight: Vec<u32>,
}

#[inline(always)]
fn get(table: &[u32], hash: usize) -> usize {
    table.get(hash).and_then(|&place| usize::try_from(place).ok()).unwrap_or_default()
}

#[inline(always)]
fn put(table: &mut [u32], hash: usize, index: usize) {
    if let Some(place) = table.get_mut(hash) {
        *place = u32::try_from(index).unwrap_or(u32::MAX);
    }
}

impl Tables<'_> {
    #[inline(always)]
    fn hash4(&self, at: usize) -> usize {
        top(word(self.content, at).wrapping_mul(2_654_435_761), BITS)
    }

    #[inline(always)]
    fn hash8(&self, at: usize) -> usize {
        let product = (long(self.content, at) << 8).wrapping_mul(58_295_818_150_454_627);
        usize::try_from(product >> (64 - BITS)).unwrap_or_default()
    }

    /// Enters the place `at` as `index`, which may be that of another place.
    #[inline(always)]
    fn enter4(&mut self, at: usize, index: usize) {
        let hash = self.hash4(at);
        put(&mut self.four, hash, index);
    }

    #[inline(always)]
    fn enter8(&mut self, at: usize, index: usize) {
        let hash = self.hash8(at);
        put(&mut self.eight, hash, index);
    }

    /// Length and distance of the match at `at` with what is entered as `found`, if it is one.
    #[inline(always)]
    fn matched(&self, at: usize, found: usize) -> Option<(usize, usize)> {
        let distance = (at + BASE).checked_sub(found).filter(|&d| d <= FARTHEST)?;
        let earlier = found.checked_sub(BASE)?;
        Some((equal(self.content, at, earlier, match_end(self.content)), distance))
    }

    /// The match at `at`, if there is one, and by how much later it starts.
    #[inline(always)]
    fn find(&mut self, at: usize, last: usize) -> Option<(usize, usize, usize)> {
        let index = at + BASE;
        let hash = self.hash8(at);
        let found = get(&self.eight, hash);
        put(&mut self.eight, hash, index);
        let is_long = |&(len, _): &(usize, usize)| len >= SHORTEST;
        if let Some((len, distance)) = self.matched(at, found).filter(is_long) {
            return Some((len, distance, 0));
        }
        let hash = self.hash4(at);
        let found = get(&self.four, hash);
        put(&mut self.four, hash, index);
        let (len, distance) = self.matched(at, found).filter(is_long)?;
        // The next place may have a longer one.
        let hash = self.hash8(at + 1);
        let longer = self.matched(at + 1, get(&self.eight, hash)).filter(|_| at < last);
        match longer {
            Some((next, distance)) if next > len => {
                put(&mut self.eight, hash, index + 1);
                Some((next, distance, 1))
            }
            _ => Some((len, distance, 0)),
        }
    }
}

/// The block of a content.
pub fn compress(content: &[u8]) -> Vec<u8> {
    let mut block = Block::of(content);
    let Some(last) = last_start(content) else { return block.end(content) };
    let mut tables = Tables { content, four: vec![0; 1 << BITS], eight: vec![0; 1 << BITS] };
    let (mut anchor, mut at) = (0, 0);
    while at <= last {
        let index = at + BASE;
        let Some((mut len, distance, later)) = tables.find(at, last) else {
            at += 1 + ((at - anchor) >> 9);
            continue;
        };
        at += later;
        let low = anchor.max(distance);
        let back = equal_before(content, at, at - distance, low);
        (at, len) = (at - back, len + back);
        // Not the places that they are, where the match was made longer: so it is defined.
        tables.enter8(at + 1, index + 1);
        tables.enter8(at + 2, index + 2);
        tables.enter4(at + 1, index + 1);
        block.sequence(content.get(anchor..at).unwrap_or_default(), distance, len);
        at += len;
        anchor = at;
        if at - 2 < content.len() - WIDE {
            if at > 5 {
                tables.enter8(at - 5, at - 5 + BASE);
            }
            tables.enter8(at - 3, at - 3 + BASE);
            tables.enter8(at - 2, at - 2 + BASE);
            tables.enter4(at - 2, at - 2 + BASE);
            tables.enter4(at - 1, at - 1 + BASE);
        }
    }
    block.end(content.get(anchor..).unwrap_or_default())
}
