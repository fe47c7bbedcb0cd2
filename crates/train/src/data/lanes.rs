//! Lanes that walk through the data side by side, so that what a network carries from step to step is what came
//! before.
//!
//! The range is cut into B stretches of equal length in whole records; each step reads the next T tokens of all
//! of them. After a pass every lane starts again at another place of its stretch, without what it carried.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::data::{Batch, Corpus};
use crate::error::TrainError;
use crate::seed::{SplitMix64, Stream};

/// Where the lanes stand: all of their state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LanePosition {
    /// Passes that are complete.
    pub epoch: u64,
    /// Steps of this pass that were read.
    pub step: usize,
}

/// Reads batches.
#[derive(Clone, Debug)]
pub struct Lanes {
    first: usize,
    count: usize,
    records: usize,
    length: usize,
    seed: u64,
    position: LanePosition,
}

impl Lanes {
    /// Lanes over a range of records that continue at `position`; `length` tokens a step.
    ///
    /// # Errors
    /// [`TrainError::Data`] if a lane would be shorter than two steps.
    pub fn new(
        corpus: &Corpus,
        range: Range<usize>,
        count: usize,
        length: usize,
        seed: u64,
        position: LanePosition,
    ) -> Result<Self, TrainError> {
        let records = range.len() / count.max(1);
        if records * corpus.record_tokens < 2 * length {
            return Err(TrainError::Data(format!(
                "{} records give {count} lanes of {} tokens, shorter than two steps of {length}; \
                 lower batch_size or sequence",
                range.len(),
                records * corpus.record_tokens
            )));
        }
        Ok(Self { first: range.start, count, records, length, seed, position })
    }

    /// Where they stand.
    pub fn position(&self) -> LanePosition {
        self.position
    }

    /// The next batch, and whether it starts a pass, so that nothing is carried into it.
    pub fn next(&mut self, corpus: &Corpus) -> (Batch, bool) {
        let n = corpus.record_tokens;
        // A pass starts up to one step into the stretch, at a whole record.
        let slack = (self.length / n).max(1).min(self.records) as u64;
        let skipped = SplitMix64::new(self.seed, Stream::Order, self.position.epoch).below(slack);
        let begin = skipped as usize * n + self.position.step * self.length;
        let starts: Vec<usize> =
            (0..self.count).map(|i| (self.first + i * self.records) * n + begin).collect();
        let fresh = self.position.step == 0;
        self.position.step += 1;
        if begin + 2 * self.length > self.records * n {
            self.position = LanePosition { epoch: self.position.epoch + 1, step: 0 };
        }
        (Batch::gather(corpus, &starts, self.length), fresh)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn corpus(records: usize) -> Corpus {
        Corpus {
            record_tokens: 3,
            record_bytes: 3,
            type_of: vec![0, 1, 2],
            alphabets: vec![256; 3],
            symbols: (0..records * 3).map(|i| (i % 249) as u8).collect(),
            ..Corpus::default()
        }
    }

    #[test]
    fn lanes_are_consecutive_until_a_pass_ends() {
        let corpus = corpus(200);
        let start = LanePosition::default();
        let mut lanes = Lanes::new(&corpus, 20..180, 4, 10, 1, start).unwrap();
        let mut last: Option<Batch> = None;
        let mut passes = 0;
        for _ in 0..60 {
            let (batch, fresh) = lanes.next(&corpus);
            // Symbols tell their places here, whatever was read before.
            assert!(batch.symbols.chunks(10).all(|row| usize::from(row[0]) % 3 == batch.first));
            if fresh {
                passes += 1;
                assert!(batch.symbols.chunks(10).all(|row| row[0] % 3 == 0));
            } else if let Some(last) = last {
                for (a, b) in last.symbols.chunks(10).zip(batch.symbols.chunks(10)) {
                    assert_eq!((u16::from(a[9]) + 1) % 249, u16::from(b[0]));
                }
            }
            last = Some(batch);
        }
        assert!(passes >= 4);
    }

    #[test]
    fn a_position_continues_the_sequence() {
        let corpus = corpus(100);
        let make = |p| Lanes::new(&corpus, 0..100, 3, 7, 5, p).unwrap();
        let mut a = make(LanePosition::default());
        for _ in 0..33 {
            a.next(&corpus);
        }
        let mut b = make(a.position());
        for _ in 0..33 {
            assert_eq!(a.next(&corpus), b.next(&corpus));
        }
        assert!(Lanes::new(&corpus, 0..10, 8, 7, 5, LanePosition::default()).is_err());
    }
}
