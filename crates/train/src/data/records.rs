//! Records in random order: each once in an epoch, whole records as rows.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::data::{Batch, Corpus};
use crate::seed::{SplitMix64, Stream};

/// Where a sampler stands: all of its state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordPosition {
    /// Passes over the data that are complete.
    pub epoch: u64,
    /// Records of this pass that were drawn.
    pub drawn: usize,
}

/// Draws batches of records.
#[derive(Clone, Debug)]
pub struct Records {
    range: Range<usize>,
    seed: u64,
    position: RecordPosition,
    order: Vec<u32>,
}

impl Records {
    /// A sampler over a range of records that continues at `position`.
    pub fn new(range: Range<usize>, seed: u64, position: RecordPosition) -> Self {
        let mut own = Self { range, seed, position, order: Vec::new() };
        own.shuffle();
        own
    }

    /// Where it stands.
    pub fn position(&self) -> RecordPosition {
        self.position
    }

    /// The next `lanes` records; a batch may reach into the next epoch.
    pub fn next(&mut self, corpus: &Corpus, lanes: usize) -> Batch {
        let mut starts = Vec::with_capacity(lanes);
        while starts.len() < lanes {
            if self.position.drawn == self.order.len() {
                self.position = RecordPosition { epoch: self.position.epoch + 1, drawn: 0 };
                self.shuffle();
            }
            let record = self.range.start + self.order[self.position.drawn] as usize;
            starts.push(record * corpus.record_tokens);
            self.position.drawn += 1;
        }
        Batch::gather(corpus, &starts, corpus.record_tokens)
    }

    fn shuffle(&mut self) {
        let mut random = SplitMix64::new(self.seed, Stream::Order, self.position.epoch);
        self.order = random.permutation(self.range.len() as u32);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn corpus(records: usize) -> Corpus {
        Corpus {
            record_tokens: 2,
            record_bytes: 2,
            type_of: vec![0, 1],
            alphabets: vec![256; 2],
            symbols: (0..records).flat_map(|r| [r as u8, 255]).collect(),
            ..Corpus::default()
        }
    }

    #[test]
    fn an_epoch_holds_each_record_of_the_range_once() {
        let corpus = corpus(50);
        let mut s = Records::new(10..40, 3, RecordPosition::default());
        let mut seen: Vec<u8> =
            (0..6).flat_map(|_| s.next(&corpus, 5).symbols).step_by(2).collect();
        seen.sort_unstable();
        assert_eq!(seen, (10..40).collect::<Vec<u8>>());
    }

    #[test]
    fn a_position_continues_the_sequence() {
        let corpus = corpus(23);
        let mut a = Records::new(0..23, 9, RecordPosition::default());
        for _ in 0..7 {
            a.next(&corpus, 5);
        }
        let mut b = Records::new(0..23, 9, a.position());
        for _ in 0..20 {
            assert_eq!(a.next(&corpus, 5), b.next(&corpus, 5));
        }
    }
}
