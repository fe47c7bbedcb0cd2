//! How the records of a segment become lanes: contiguous, of equal length, the first ones longer by one record where
//! the number of records is no multiple.

use crate::error::PredictError;

/// Most lanes of a segment.
pub const MAX_LANES: usize = 256;
/// An encoder's lanes: more do not make the network faster.
const ENOUGH: usize = 64;
/// An encoder's lane has this many records at least, unless there is one lane: each starts without a record before,
/// which costs about as much as half a record.
const LEAST_RECORDS: usize = 1024;

/// The lanes that an encoder uses for `records` records.
pub fn lanes_for(records: usize) -> usize {
    (records / LEAST_RECORDS).clamp(1, ENOUGH)
}

/// Records cut into lanes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cut {
    records: usize,
    lanes: usize,
}

impl Cut {
    /// # Errors
    /// [`PredictError::Corrupt`] for no lanes, too many, or more than records.
    pub fn new(records: usize, lanes: usize) -> Result<Self, PredictError> {
        if lanes == 0 || lanes > MAX_LANES || lanes > records.max(1) {
            return Err(PredictError::Corrupt("number of lanes"));
        }
        Ok(Self { records, lanes })
    }

    /// Records of the longest lane.
    pub fn longest(&self) -> usize {
        self.records.div_ceil(self.lanes)
    }

    /// Lanes that have an r-th record: the first ones.
    pub fn active(&self, r: usize) -> usize {
        if r < self.records / self.lanes { self.lanes } else { self.records % self.lanes }
    }

    /// The place of a lane's r-th record in the segment.
    pub fn record(&self, lane: usize, r: usize) -> usize {
        lane * (self.records / self.lanes) + lane.min(self.records % self.lanes) + r
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_record_is_in_one_lane() {
        for (records, lanes) in [(0, 1), (1, 1), (7, 3), (8, 4), (1000, 256), (255, 255)] {
            let cut = Cut::new(records, lanes).unwrap();
            let mut seen = vec![0; records];
            for r in 0..cut.longest() {
                for lane in 0..cut.active(r) {
                    seen[cut.record(lane, r)] += 1;
                }
            }
            assert!(seen.iter().all(|&n| n == 1), "{records} in {lanes}");
        }
        assert!(Cut::new(5, 6).is_err() && Cut::new(5, 0).is_err() && Cut::new(9999, 257).is_err());
    }

    #[test]
    fn few_records_get_few_lanes() {
        assert_eq!([0, 1, 2047, 2048, 100_000].map(lanes_for), [1, 1, 1, 2, 64]);
    }
}
