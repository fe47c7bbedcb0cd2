//! Planes of few different bytes, two at a time: half the steps of the coder for bytes that are frequent.
//!
//! The 15 most frequent bytes have numbers, the most frequent first (of equals the smaller one); 15 stands for any
//! other, and those are kept as they are, in order. Two numbers are a symbol, the first one low. Form: varint of how
//! many bytes have numbers, and these; the other bytes, their number in front; table and coded symbols as in
//! [`rans`]. Behind the last of an odd number of bytes stands number 0.

use vxc_entropy::{DecTable, RansDecoder};
use vxc_infer::Isa;

use crate::error::WeightsError;
use crate::rans;

/// The number of bytes that have none.
const OTHER: u8 = 15;
/// Bytes that are expanded at a time.
const GROUP: usize = 16;

/// A plane as pairs.
pub(crate) struct Pairs {
    numbered: Vec<u8>,
    others: Vec<u8>,
    symbols: Vec<u8>,
    counts: [u32; 256],
}

impl Pairs {
    /// Of a plane with these counts.
    pub fn of(plane: &[u8], counts: &[u32; 256]) -> Self {
        let mut order: Vec<(u8, u32)> =
            (0..=255).zip(counts.iter().copied()).filter(|&(_, c)| c > 0).collect();
        order.sort_by_key(|&(s, c)| (std::cmp::Reverse(c), s));
        let numbered: Vec<u8> = order.iter().map(|&(s, _)| s).take(OTHER.into()).collect();
        let mut numbers = [OTHER; 256];
        for (&s, i) in numbered.iter().zip(0..) {
            if let Some(number) = numbers.get_mut(usize::from(s)) {
                *number = i;
            }
        }
        let number = |b: u8| numbers.get(usize::from(b)).copied().unwrap_or(OTHER);
        let others = plane.iter().copied().filter(|&b| number(b) == OTHER).collect();
        let symbols: Vec<u8> =
            plane.chunks(2).map(|p| p.iter().rev().fold(0, |s, &b| s << 4 | number(b))).collect();
        let counts = rans::count(&symbols);
        Self { numbered, others, symbols, counts }
    }

    /// What it costs in bits, about.
    pub fn cost_bits(&self) -> u64 {
        rans::cost_bits(&self.counts) + 8 * (self.numbered.len() + self.others.len()) as u64
    }

    pub fn put(&self, out: &mut Vec<u8>) {
        rans::put_bytes(&self.numbered, out);
        rans::put_bytes(&self.others, out);
        rans::encode(&self.symbols, &self.counts, out);
    }
}

/// Decodes a plane from pairs.
pub(crate) struct PairDecoder<'a> {
    /// The two bytes of each symbol.
    bytes: Box<[[u8; 2]; 256]>,
    others: &'a [u8],
    table: DecTable,
    coder: RansDecoder<'a>,
    /// Something stands for nothing.
    wrong: bool,
}

impl<'a> PairDecoder<'a> {
    /// Reads what [`Pairs::put`] wrote.
    ///
    /// # Errors
    /// [`WeightsError::Corrupt`] for anything else.
    pub fn take(input: &mut &'a [u8]) -> Result<Self, WeightsError> {
        let numbered = rans::take_bytes(input)?;
        if numbered.len() > OTHER.into() {
            return Err(WeightsError::corrupt("more bytes than numbers"));
        }
        let others = rans::take_bytes(input)?;
        let table = DecTable::new(&rans::take_table(input, 256)?);
        let coder = RansDecoder::new(rans::take_bytes(input)?)?;
        let byte = |n: u8| numbered.get(usize::from(n)).copied().unwrap_or_default();
        let mut bytes = Box::new([[0; 2]; 256]);
        for (pair, s) in bytes.iter_mut().zip(0..=255u8) {
            *pair = [byte(s & 15), byte(s >> 4)];
        }
        Ok(Self { bytes, others, table, coder, wrong: false })
    }

    /// The next bytes: an even number, but at the end. `symbols` takes half of them.
    pub fn next(&mut self, symbols: &mut [u8], out: &mut [u8]) {
        let symbols = symbols.get_mut(..out.len().div_ceil(2)).unwrap_or_default();
        let coder = &mut self.coder;
        Isa::current().run(rans::Run { coder, table: &self.table, out: symbols });
        let (pairs, last) = out.as_chunks_mut::<2>();
        for (pair, &s) in pairs.iter_mut().zip(&*symbols) {
            *pair = self.bytes.get(usize::from(s)).copied().unwrap_or_default();
        }
        if let ([byte], Some(&s)) = (last, symbols.last()) {
            *byte = self.bytes.get(usize::from(s)).map_or(0, |p| p[0]);
            self.wrong |= s >> 4 != 0;
        }
        for (symbols, out) in symbols.chunks(GROUP).zip(out.chunks_mut(2 * GROUP)) {
            // Most groups have none: a look without a branch for each.
            let some =
                symbols.iter().fold(false, |any, &s| any | (s & 15 == OTHER) | (s >> 4 == OTHER));
            if some {
                self.fill(symbols, out);
            }
        }
    }

    /// Puts the bytes in that have no number. Where there are too few of them the rest stays, which
    /// [`PairDecoder::finish`] finds.
    fn fill(&mut self, symbols: &[u8], out: &mut [u8]) {
        let numbers = symbols.iter().flat_map(|&s| [s & 15, s >> 4]);
        for (byte, n) in out.iter_mut().zip(numbers) {
            if n == OTHER {
                match self.others.split_first() {
                    Some((&first, rest)) => {
                        *byte = first;
                        self.others = rest;
                    }
                    None => self.wrong = true,
                }
            }
        }
    }

    /// Ends reading.
    ///
    /// # Errors
    /// [`WeightsError::Corrupt`] if anything is left.
    pub fn finish(self) -> Result<(), WeightsError> {
        if self.wrong || !self.others.is_empty() {
            return Err(WeightsError::corrupt("bytes and what stands for them do not fit"));
        }
        Ok(self.coder.finish()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn inverse(
            plane in prop::collection::vec(prop_oneof![9 => 100u8..112, 1 => any::<u8>()], 1..3000),
            step in 1usize..200,
        ) {
            let mut coded = Vec::new();
            Pairs::of(&plane, &rans::count(&plane)).put(&mut coded);
            let mut input = &coded[..];
            let mut decoder = PairDecoder::take(&mut input).unwrap();
            prop_assert!(input.is_empty());
            let mut out = vec![0; plane.len()];
            for chunk in out.chunks_mut(2 * step) {
                decoder.next(&mut [0; 200], chunk);
            }
            decoder.finish().unwrap();
            prop_assert_eq!(out, plane);
        }
    }
}
