//! Position types along a record.
//!
//! A type says what a position holds: the byte of a 32-bit float (0..4) or the field of a record. The pattern of one
//! record repeats, and the network counts positions from the start of a lane, so types keep the phase of the record
//! across chunks, whatever the chunk size (counting inside a chunk or a window loses it as soon as the record length
//! is no divisor).

use serde::{Deserialize, Serialize};

use crate::error::ModelError;

/// Types of the positions of one record, in order; it repeats.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Wire", into = "Wire")]
pub struct TypePattern {
    pattern: Vec<u16>,
    count: usize,
}

/// The serial form: a number for the plain cycle, else the list.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Wire {
    Cycle(u16),
    Record(Vec<u16>),
}

impl TypePattern {
    /// Longest record, in positions.
    pub const MAX_RECORD: usize = 1 << 16;

    /// One type for all positions.
    pub fn single() -> Self {
        Self::cycle(1)
    }

    /// 0, 1, … `types` − 1, 0, …: the bytes of a 4-byte number, or the fields of a record.
    pub fn cycle(types: usize) -> Self {
        let types = types.clamp(1, Self::MAX_RECORD);
        Self { pattern: (0..types).map(|t| t as u16).collect(), count: types }
    }

    /// The type of every position of a record, as of the bytes of a record with fields of several widths.
    ///
    /// # Errors
    /// [`ModelError::Config`] for an empty pattern, one longer than [`Self::MAX_RECORD`], or types with gaps.
    pub fn record(pattern: Vec<u16>) -> Result<Self, ModelError> {
        let count = pattern.iter().max().map_or(0, |&t| usize::from(t) + 1);
        let types = Self { pattern, count };
        types.validate()?;
        Ok(types)
    }

    /// Number of types.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Positions of a record.
    pub fn record_len(&self) -> usize {
        self.pattern.len()
    }

    /// Types of `len` positions from `start` on, counted from the start of a record.
    pub fn at(&self, start: usize, len: usize) -> Vec<usize> {
        let phase = start % self.pattern.len();
        self.pattern.iter().cycle().skip(phase).take(len).map(|&t| usize::from(t)).collect()
    }

    pub(super) fn validate(&self) -> Result<(), ModelError> {
        let fail = |text: &str| Err(ModelError::Config(format!("types: {text}")));
        if self.pattern.is_empty() || self.pattern.len() > Self::MAX_RECORD {
            return fail("a record has 1 to 65536 positions");
        }
        let mut used = vec![false; self.count];
        for &t in &self.pattern {
            used[usize::from(t)] = true;
        }
        if used.contains(&false) {
            return fail("numbers must have no gaps");
        }
        Ok(())
    }
}

impl From<TypePattern> for Wire {
    fn from(types: TypePattern) -> Self {
        let len = types.pattern.len();
        match u16::try_from(len) {
            Ok(n) if types == TypePattern::cycle(len) => Self::Cycle(n),
            _ => Self::Record(types.pattern),
        }
    }
}

impl TryFrom<Wire> for TypePattern {
    type Error = ModelError;

    fn try_from(wire: Wire) -> Result<Self, ModelError> {
        match wire {
            Wire::Cycle(0) => Err(ModelError::Config("types: at least one".into())),
            Wire::Cycle(n) => Ok(Self::cycle(usize::from(n))),
            Wire::Record(pattern) => Self::record(pattern),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_follow_the_record_phase_over_chunks() {
        // A record of 2 + 4 + 1 bytes whose length divides no chunk.
        let types = TypePattern::record(vec![0, 1, 2, 3, 4, 5, 6]).expect("no gaps");
        let whole = types.at(0, 100);
        let mut chunks = Vec::new();
        for start in (0..100).step_by(16) {
            chunks.extend(types.at(start, 16.min(100 - start)));
        }
        assert_eq!(whole, chunks);
        assert_eq!(whole[7 * 13], 0);
    }

    #[test]
    fn gaps_and_empty_records_are_errors() {
        assert!(TypePattern::record(vec![]).is_err());
        assert!(TypePattern::record(vec![0, 2]).is_err());
        assert!(serde_json::from_str::<TypePattern>("0").is_err());
        assert!(serde_json::from_str::<TypePattern>("[0,2]").is_err());
    }

    #[test]
    fn a_cycle_is_written_as_its_length() {
        assert_eq!(serde_json::to_string(&TypePattern::cycle(4)).expect("JSON"), "4");
        let mixed = TypePattern::record(vec![0, 0, 1]).expect("no gaps");
        assert_eq!(serde_json::to_string(&mixed).expect("JSON"), "[0,0,1]");
    }
}
