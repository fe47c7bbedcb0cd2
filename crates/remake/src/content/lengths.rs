//! Sets of lengths as their bytes stand in a column or a content: each is read where it is used, so that a set takes no
//! memory of its own.

use super::words;
use std::borrow::Cow;

/// Counts are below this.
const MOST: u32 = 1 << 24;

/// A set of lengths.
#[derive(Clone, Debug)]
pub struct Lengths<'a> {
    bytes: Cow<'a, [u8]>,
    /// Bytes of a length.
    width: usize,
    /// Whether the first byte is the highest.
    big: bool,
}

impl<'a> Lengths<'a> {
    /// A set of none.
    pub const fn none() -> Self {
        Self { bytes: Cow::Borrowed(&[]), width: 1, big: false }
    }

    /// Little-endian ones of `width` bytes (1, 2, 4); `None` for other widths.
    pub fn little(bytes: &'a [u8], width: u8) -> Option<Self> {
        let bytes = Cow::Borrowed(bytes);
        matches!(width, 1 | 2 | 4).then(|| Self { bytes, width: width.into(), big: false })
    }

    /// An array of big-endian `u32` as lengths; `None` for other contents.
    pub fn counts(content: Cow<'a, [u8]>) -> Option<Self> {
        let fits = words(&content)?.all(|n| n < MOST);
        fits.then_some(Self { bytes: content, width: 4, big: true })
    }

    /// How many.
    pub fn entries(&self) -> u64 {
        (self.bytes.len() / self.width) as u64
    }

    /// The lengths.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = u32> + Clone + '_ {
        let big = self.big;
        self.bytes.chunks_exact(self.width).map(move |chunk| {
            let append = |n: u32, byte: &u8| (n << 8) | u32::from(*byte);
            if big { chunk.iter().fold(0, append) } else { chunk.iter().rev().fold(0, append) }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_orders() {
        let little = |width| Lengths::little(&[1, 0, 2, 0, 0, 1, 0, 0], width);
        let all = |set: Lengths| set.iter().collect::<Vec<_>>();
        assert_eq!(little(1).unwrap().entries(), 8);
        assert_eq!(all(little(2).unwrap()), [1, 2, 256, 0]);
        assert_eq!(all(little(4).unwrap()), [0x2_0001, 256]);
        assert!(little(3).is_none() && little(0).is_none());
        let big = |bytes: &'static [u8]| Lengths::counts(Cow::Borrowed(bytes));
        assert_eq!(all(big(&[0, 0, 1, 2, 0, 255, 0, 0]).unwrap()), [258, 0xff_0000]);
        assert!(big(&[1, 0, 0, 0]).is_none() && big(&[0, 0, 0]).is_none());
        assert_eq!(Lengths::none().entries(), 0);
    }
}
