//! Train, validation and test: contiguous ranges of whole records, in this order, without overlap.

use std::ops::Range;

use crate::error::TrainError;

/// The ranges.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Split {
    /// What the network learns from.
    pub train: Range<usize>,
    /// What measures progress.
    pub validation: Range<usize>,
    /// What only the final network reads.
    pub test: Range<usize>,
}

impl Split {
    /// Cuts `records` records; `validation` and `test` are shares.
    ///
    /// # Errors
    /// [`TrainError::Data`] if there are too few records for a training and a validation part.
    pub fn new(records: usize, validation: f64, test: f64) -> Result<Self, TrainError> {
        let share = |part: f64| (records as f64 * part).round() as usize;
        let validation = share(validation).max(1);
        let test = share(test);
        let Some(train) = records.checked_sub(validation + test).filter(|&n| n > 0) else {
            return Err(TrainError::Data(format!(
                "{records} records are too few for a training and a validation part"
            )));
        };
        let end = train + validation;
        Ok(Self { train: 0..train, validation: train..end, test: end..end + test })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_contiguous_and_cover_everything() {
        for (n, v, t) in [(10, 0.1, 0.1), (1000, 0.05, 0.0), (119_180, 0.1, 0.2), (2, 0.001, 0.0)] {
            let s = Split::new(n, v, t).unwrap();
            assert_eq!(s.train.start, 0);
            assert_eq!(s.train.end, s.validation.start);
            assert_eq!(s.validation.end, s.test.start);
            assert_eq!(s.test.end, n);
            assert!(!s.train.is_empty() && !s.validation.is_empty());
        }
        assert!(Split::new(1, 0.1, 0.0).is_err());
        assert!(Split::new(0, 0.1, 0.0).is_err());
    }
}
