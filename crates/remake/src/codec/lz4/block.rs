//! What all encoders of LZ4 share: words of the content, how far two places agree, and the block's sequences.

use xxhash_rust::xxh64::xxh64;

/// Bytes of the checksum, which is big-endian.
pub const SUM: usize = 8;
/// Shortest match.
pub const SHORTEST: usize = 4;
/// Farthest match.
pub const FARTHEST: usize = 65_535;
/// Bytes at the end that are literals.
const LAST: usize = 5;
/// No match starts in as many bytes at the end.
const NO_START: usize = 12;

/// Up to where matches may reach.
pub const fn match_end(content: &[u8]) -> usize {
    content.len().saturating_sub(LAST)
}

/// The last place where a match may start; none in contents that are all literals.
pub fn last_start(content: &[u8]) -> Option<usize> {
    content.len().checked_sub(NO_START).filter(|&last| last > 0)
}

/// Four bytes; zero beyond the end.
#[inline(always)]
pub fn word(content: &[u8], at: usize) -> u32 {
    content.get(at..).and_then(|rest| rest.first_chunk()).map_or(0, |b| u32::from_le_bytes(*b))
}

/// Eight bytes; zero beyond the end.
#[inline(always)]
pub fn long(content: &[u8], at: usize) -> u64 {
    content.get(at..).and_then(|rest| rest.first_chunk()).map_or(0, |b| u64::from_le_bytes(*b))
}

/// The top bits of a product, which fit any index.
#[inline(always)]
pub fn top(product: u32, bits: u32) -> usize {
    usize::try_from(product >> (32 - bits)).unwrap_or_default()
}

/// How many bytes from `at` on, up to `end`, are those from `earlier` on.
#[inline(always)]
pub fn equal(content: &[u8], at: usize, earlier: usize, end: usize) -> usize {
    let a = content.get(at..end).unwrap_or_default();
    let b = content.get(earlier..).unwrap_or_default();
    let (a8, b8) = (a.as_chunks::<8>().0, b.as_chunks::<8>().0);
    let mut n = 0;
    for (x, y) in a8.iter().zip(b8) {
        let differ = u64::from_le_bytes(*x) ^ u64::from_le_bytes(*y);
        if differ != 0 {
            return n + (differ.trailing_zeros() / 8) as usize;
        }
        n += 8;
    }
    let rest = a.iter().skip(n).zip(b.iter().skip(n));
    n + rest.take_while(|(x, y)| x == y).count()
}

/// How many bytes before `at`, down to `low`, are those before `earlier`.
#[inline(always)]
pub fn equal_before(content: &[u8], at: usize, earlier: usize, low: usize) -> usize {
    let a = content.get(low..at).unwrap_or_default();
    let b = content.get(..earlier).unwrap_or_default();
    a.iter().rev().zip(b.iter().rev()).take_while(|(x, y)| x == y).count()
}

/// A block that is being written, behind its checksum.
#[derive(Debug)]
pub struct Block(Vec<u8>);

impl Block {
    /// With room for the block of any content of this length.
    pub fn of(content: &[u8]) -> Self {
        let mut out = Vec::with_capacity(SUM + content.len() + content.len() / 255 + 16);
        out.resize(SUM, 0);
        Self(out)
    }

    /// Literals, and a match behind them.
    pub fn sequence(&mut self, literals: &[u8], distance: usize, len: usize) {
        let more = len.saturating_sub(SHORTEST);
        self.literals(literals, more);
        let distance = u16::try_from(distance).unwrap_or(u16::MAX);
        self.0.extend_from_slice(&distance.to_le_bytes());
        self.more(more);
    }

    /// The literals behind the last match; then all is there.
    pub fn end(mut self, literals: &[u8]) -> Vec<u8> {
        self.literals(literals, 0);
        if let Some((sum, block)) = self.0.split_first_chunk_mut::<SUM>() {
            *sum = xxh64(block, 0).to_be_bytes();
        }
        self.0
    }

    /// Token and literals; `len` is for the low half of the token.
    fn literals(&mut self, literals: &[u8], len: usize) {
        let half = |n: usize| u8::try_from(n.min(15)).unwrap_or(15);
        self.0.push(half(literals.len()) << 4 | half(len));
        self.more(literals.len());
        self.0.extend_from_slice(literals);
    }

    /// What of a length a token has no room for.
    fn more(&mut self, len: usize) {
        let Some(more) = len.checked_sub(15) else { return };
        self.0.resize(self.0.len() + more / 255, 255);
        self.0.push(u8::try_from(more % 255).unwrap_or_default());
    }
}
