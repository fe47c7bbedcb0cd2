//! What the network reads: a sequence of records, each of the same number of tokens.
//!
//! A [`Corpus`] is filled by a loader: [`bytes`] of any file, or the [`fields`] of a fitted tokeniser. Whatever
//! else gives records of symbols (arrays of other file formats) needs one more function that returns a corpus.
//! Shapes: a corpus of R records has R·N tokens, record after record; token i has position i mod N in its record.

mod batch;
pub mod bytes;
pub mod fields;
mod lanes;
mod records;
mod split;

pub use batch::Batch;
pub use lanes::{LanePosition, Lanes};
pub use records::{RecordPosition, Records};
pub use split::Split;

/// Records of symbols, with what it costs to complete them to the original bytes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Corpus {
    /// Tokens of a record, N.
    pub record_tokens: usize,
    /// Bytes of a record.
    pub record_bytes: usize,
    /// Position type of each position of a record; N entries.
    pub type_of: Vec<u16>,
    /// Number of symbols of each type.
    pub alphabets: Vec<usize>,
    /// The symbols.
    pub symbols: Vec<u8>,
    /// The symbols with COPY resolved to the symbol that the value has by itself. Empty: equal to `symbols`.
    pub values: Vec<u8>,
    /// Place of each offset in its symbol's values, in 256ths. Empty: there are no offsets.
    pub fractions: Vec<u8>,
    /// log2 of the number of values of each symbol: bits of its offset. Empty: there are no offsets.
    pub offset_bits: Vec<f32>,
    /// Whether the record above tells anything.
    pub has_above: bool,
}

impl Corpus {
    /// Number of records.
    pub fn records(&self) -> usize {
        self.symbols.len() / self.record_tokens.max(1)
    }

    /// Number of position types.
    pub fn types(&self) -> usize {
        self.alphabets.len()
    }

    /// Largest alphabet.
    pub fn vocabulary(&self) -> usize {
        self.alphabets.iter().copied().max().unwrap_or(1)
    }

    /// The symbols of the values: what models read as context.
    pub fn values(&self) -> &[u8] {
        if self.values.is_empty() { &self.symbols } else { &self.values }
    }

    /// Whether COPY occurs.
    pub fn has_copies(&self) -> bool {
        self.values() != self.symbols
    }

    /// The symbol of the same position one record up; 0 for the first record.
    pub fn above(&self, token: usize) -> u8 {
        let above = token.checked_sub(self.record_tokens);
        above.and_then(|i| self.values().get(i)).copied().unwrap_or(0)
    }

    /// How often each symbol occurs at each type, in a range of records: `types × vocabulary` counts.
    pub fn histogram(&self, records: std::ops::Range<usize>) -> Vec<Vec<u64>> {
        let mut counts = vec![vec![0; self.vocabulary()]; self.types()];
        let n = self.record_tokens;
        for record in self.symbols[records.start * n..records.end * n].chunks_exact(n) {
            for (&s, &t) in record.iter().zip(&self.type_of) {
                counts[usize::from(t)][usize::from(s)] += 1;
            }
        }
        counts
    }

    /// Bits of the offsets of a range of records.
    pub fn raw_bits(&self, records: std::ops::Range<usize>) -> f64 {
        let n = self.record_tokens;
        let bits = self.offset_bits.get(records.start * n..records.end * n).unwrap_or(&[]);
        bits.iter().fold(0.0, |sum, &b| sum + f64::from(b))
    }
}
