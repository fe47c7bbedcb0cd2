//! Tokens of several lanes, side by side.

use std::ops::Range;

use crate::data::Corpus;

/// `lanes` rows of `length` consecutive tokens each, row after row.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Batch {
    /// Rows, B.
    pub lanes: usize,
    /// Tokens of a row, T.
    pub length: usize,
    /// Place of the first token in its record, the same in all rows.
    pub first: usize,
    /// Symbols to predict (B, T).
    pub symbols: Vec<u8>,
    /// Symbols of the values, COPY resolved, as context of later positions (B, T).
    pub values: Vec<u8>,
    /// Symbols of the values one record up (B, T); empty where the corpus has none.
    pub above: Vec<u8>,
    /// Offset fractions in 256ths (B, T); empty where there are no offsets.
    pub fractions: Vec<u8>,
}

impl Batch {
    /// The tokens that start at each of `starts`, which stand at one place of their records.
    ///
    /// # Panics
    /// If a row leaves the corpus.
    pub fn gather(corpus: &Corpus, starts: &[usize], length: usize) -> Self {
        let place = |start: usize| start % corpus.record_tokens.max(1);
        let first = starts.first().map_or(0, |&start| place(start));
        debug_assert!(starts.iter().all(|&start| place(start) == first));
        let mut out = Self { lanes: starts.len(), length, first, ..Self::default() };
        for &start in starts {
            let row = start..start + length;
            out.symbols.extend_from_slice(&corpus.symbols[row.clone()]);
            out.values.extend_from_slice(&corpus.values()[row.clone()]);
            if corpus.has_above {
                out.above.extend(row.clone().map(|i| corpus.above(i)));
            }
            if !corpus.fractions.is_empty() {
                out.fractions.extend_from_slice(&corpus.fractions[row]);
            }
        }
        out
    }

    /// Number of tokens.
    pub fn tokens(&self) -> usize {
        self.lanes * self.length
    }

    /// A range of the rows.
    #[must_use]
    pub fn rows(&self, rows: Range<usize>) -> Self {
        let cells = rows.start * self.length..rows.end * self.length;
        let part = |all: &[u8]| all.get(cells.clone()).map_or(Vec::new(), <[u8]>::to_vec);
        Self {
            lanes: rows.len(),
            length: self.length,
            first: self.first,
            symbols: part(&self.symbols),
            values: part(&self.values),
            above: part(&self.above),
            fractions: part(&self.fractions),
        }
    }

    /// The rows in `parts` contiguous parts, sizes differing by one at most; parts without rows are left out.
    pub fn shards(&self, parts: usize) -> Vec<Self> {
        let cut = |i: usize| i * self.lanes / parts;
        (0..parts)
            .map(|i| cut(i)..cut(i + 1))
            .filter(|r| !r.is_empty())
            .map(|r| self.rows(r))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn corpus() -> Corpus {
        Corpus {
            record_tokens: 3,
            record_bytes: 12,
            type_of: vec![0, 1, 2],
            alphabets: vec![256; 3],
            symbols: (0..30).collect(),
            values: (100..130).collect(),
            fractions: (200..230).collect(),
            offset_bits: vec![1.0; 30],
            has_above: true,
        }
    }

    #[test]
    fn rows_hold_what_the_corpus_holds() {
        let b = Batch::gather(&corpus(), &[1, 4], 3);
        assert_eq!(b.first, 1);
        assert_eq!(b.symbols, [1, 2, 3, 4, 5, 6]);
        assert_eq!(b.values, [101, 102, 103, 104, 105, 106]);
        assert_eq!(b.above, [0, 0, 100, 101, 102, 103]);
        assert_eq!(b.fractions, [201, 202, 203, 204, 205, 206]);
    }

    #[test]
    fn shards_are_the_batch_again() {
        let starts: Vec<usize> = (0..7).map(|i| 3 * i + 2).collect();
        let b = Batch::gather(&corpus(), &starts, 3);
        for parts in 1..9 {
            let shards = b.shards(parts);
            assert_eq!(shards.len(), parts.min(7));
            assert_eq!(
                shards.iter().flat_map(|s| s.symbols.clone()).collect::<Vec<_>>(),
                b.symbols
            );
            assert_eq!(shards.iter().flat_map(|s| s.values.clone()).collect::<Vec<_>>(), b.values);
            assert_eq!(shards.iter().map(|s| s.lanes).sum::<usize>(), 7);
            assert!(shards.iter().all(|s| s.first == 2));
        }
    }
}
