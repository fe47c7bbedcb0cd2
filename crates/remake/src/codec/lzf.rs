//! LZF as h5py builds it: liblzf's encoder with a table of 2^17 places, one of which is looked at for each position.
//! One setting, 0.
//!
//! ```text
//! literal := 000lllll · l+1 bytes
//! match   := lllooooo · [l' if lll = 7] · o'        length lll + l' + 2, distance ooooo·256 + o' + 1
//! ```
//! The library does not clear its table, so that a block may have matches that only its memory explains: such blocks do
//! not come out again. Source: liblzf 3.6 (`ULTRA_FAST`, `HLOG` 17), by Marc Lehmann under BSD terms; h5py.

/// Logarithm of the places.
const LOG: u32 = 17;
/// Most bytes of a run.
const MOST_LITERALS: usize = 1 << 5;
/// Distances below this.
const FAR: usize = 1 << 13;
/// Longest match, about: [`match_bytes`].
const LONGEST: usize = (1 << 8) + (1 << 3);

/// The block of a content; `None` where the content is too short to have one.
pub fn encode(content: &[u8]) -> Option<Vec<u8>> {
    let end = content.len();
    let mut places = vec![0u32; 1 << LOG];
    let mut out = Output::default();
    let mut at = 0usize;
    while at + 2 < end {
        let place = places.get_mut(hash(content.get(at..)?)?)?;
        // No match starts at the first byte, so that 0 says that there is none.
        let from = usize::try_from(std::mem::replace(place, u32::try_from(at).ok()?)).ok()?;
        let found = from > 0
            && at - from <= FAR
            && at + 4 < end
            && content.get(from..from + 3) == content.get(at..at + 3);
        if !found {
            out.literal(*content.get(at)?);
            at += 1;
            continue;
        }
        let bytes = match_bytes(content, from, at)?;
        out.copy(at - from, bytes);
        at += bytes;
        if at + 2 >= end {
            break;
        }
        // Of the bytes within a match, the last one alone is entered.
        let last = at - 1;
        *places.get_mut(hash(content.get(last..)?)?)? = u32::try_from(last).ok()?;
    }
    content.get(at..)?.iter().for_each(|&byte| out.literal(byte));
    out.end_run();
    (!out.bytes.is_empty()).then_some(out.bytes)
}

/// The place of three bytes.
fn hash(bytes: &[u8]) -> Option<usize> {
    let [a, b, c] = *bytes.first_chunk::<3>()?;
    let n = u32::from_be_bytes([0, a, b, c]);
    usize::try_from((n >> (24 - LOG)).wrapping_sub(n) & ((1 << LOG) - 1)).ok()
}

/// Bytes from `from` and from `at` on that are equal. The encoder looks at 16 bytes before it asks for the limit, so
/// that a match may be two bytes longer than that near the end.
fn match_bytes(content: &[u8], from: usize, at: usize) -> Option<usize> {
    let most = content.len().checked_sub(at + 2)?.min(LONGEST);
    let same = |bytes: usize| {
        let (a, b) = (content.get(from + bytes), content.get(at + bytes));
        a.is_some() && a == b
    };
    let mut bytes = 2;
    if most > 16 {
        for _ in 0..16 {
            bytes += 1;
            if !same(bytes) {
                return Some(bytes);
            }
        }
    }
    loop {
        bytes += 1;
        if bytes >= most || !same(bytes) {
            return Some(bytes);
        }
    }
}

/// A block as it grows.
#[derive(Default)]
struct Output {
    bytes: Vec<u8>,
    /// Literals since the last head.
    run: Vec<u8>,
}

impl Output {
    fn literal(&mut self, byte: u8) {
        self.run.push(byte);
        if self.run.len() == MOST_LITERALS {
            self.end_run();
        }
    }

    fn end_run(&mut self) {
        if let Some(less) = self.run.len().checked_sub(1) {
            self.bytes.push(low(less));
            self.bytes.append(&mut self.run);
        }
    }

    fn copy(&mut self, distance: usize, bytes: usize) {
        self.end_run();
        let (far, more) = (distance - 1, bytes - 2);
        let high = low(far >> 8);
        match more.checked_sub(7) {
            None => self.bytes.push(high | low(more << 5)),
            Some(above) => self.bytes.extend([high | 7 << 5, low(above)]),
        }
        self.bytes.push(low(far));
    }
}

/// The lowest byte.
const fn low(n: usize) -> u8 {
    let [low, ..] = n.to_le_bytes();
    low
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use vxc_data::hdf5::Filter;

    #[test]
    fn blocks_as_the_library_has_them() {
        assert_eq!(encode(b""), None);
        assert_eq!(encode(b"ab").unwrap(), b"\x01ab");
        // No match may start at the first byte: two literals, then what is 1 back, up to two bytes before the end.
        assert_eq!(encode(&[7; 40]).unwrap(), [1, 7, 7, 7 << 5, 27, 0, 1, 7, 7]);
        let long = encode(&[7; 400]).unwrap();
        assert_eq!(long[..6], [1, 7, 7, 7 << 5, 255, 0]);
    }

    proptest! {
        #[test]
        fn blocks_are_decoded(
            words in proptest::collection::vec((0u8..6, 1usize..400), 0..60),
        ) {
            let content: Vec<u8> = words
                .iter()
                .flat_map(|&(word, n)| (0..n).map(move |i| word.wrapping_mul((i % 7) as u8)))
                .collect();
            let lzf = Filter { id: 32000, name: String::new(), parameters: Vec::new() };
            if let Some(block) = encode(&content) {
                prop_assert_eq!(lzf.decode(&block, 1, content.len()).unwrap(), content);
            }
        }
    }
}
