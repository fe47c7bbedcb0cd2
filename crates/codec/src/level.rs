//! The levels: nine points of speed and ratio, like zstd's.

use crate::error::Error;

/// MiB.
const MIB: u64 = 1 << 20;
/// How much of the input is looked at before anything is decided about it; then the next such stretch follows, with
/// streams of its own, so that slow drifts and changes of schema are met. A pipe and a file give the same archive.
pub const LOOKAHEAD: u64 = 64 * MIB;

/// The key segment is one part in this many of a run. Measured on 15 MB of jets: 1/16 saves 0.01 %, and takes two threads
/// from 1.94 × to 1.88 × at most.
const KEY_SHARE: u64 = 32;

/// A compression level, 1..=9. The neural ones, 7..=9, need a model with a network; without one they are level 6.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Level(u8);

impl Default for Level {
    fn default() -> Self {
        Self(5)
    }
}

impl Level {
    /// A level by number.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for a number that is no level of this program.
    pub fn new(number: u8) -> Result<Self, Error> {
        match number {
            1..=9 => Ok(Self(number)),
            _ => Err(Error::InvalidArgument(format!("level {number} is not in 1..=9"))),
        }
    }

    /// Its number.
    pub const fn number(self) -> u8 {
        self.0
    }

    /// Whether symbols are mixed adaptively; else the level is static.
    pub const fn is_mix(self) -> bool {
        self.0 >= 4
    }

    /// Whether a model's network is used.
    pub const fn is_neural(self) -> bool {
        self.0 >= 7
    }

    /// The level to use where there is no network.
    #[must_use]
    pub const fn without_network(self) -> Self {
        if self.is_neural() { Self(6) } else { self }
    }

    /// Largest raw length of a segment.
    pub const fn segment_bytes(self) -> u64 {
        match self.0 {
            0..=4 => 4 * MIB,
            6 => 64 * MIB,
            // Models are made for segments of this size; they fill the lanes.
            _ => 16 * MIB,
        }
    }

    /// Runs of at most this many bytes are one segment.
    pub(crate) const fn single_bytes(self) -> u64 {
        if self.is_mix() { 8 * MIB } else { 2 * MIB }
    }

    /// Whether the fit looks for relations between fields.
    pub(crate) const fn relations(self) -> bool {
        self.0 >= 2
    }

    /// Price of a bin in bits for the fit: adaptive contexts gain from finer bins.
    pub(crate) const fn bin_bits(self) -> u64 {
        match self.0 {
            0..=3 => 20,
            4..=5 => 12,
            _ => 8,
        }
    }
}

/// Lengths of the segments of a run of `len` bytes of one stream, whole records of `record` bytes each
/// but for the last, at most `most` bytes; a run of at most `single` bytes is one segment. The first is the *key* segment: its final state starts all others.
pub(crate) fn segments(most: u64, single: u64, len: u64, record: u64) -> Vec<u64> {
    let record = record.max(1);
    let most = (most / record).max(1) * record;
    let whole = |bytes: u64| (bytes / record).max(1) * record;
    if len <= single.max(record) {
        return vec![len];
    }
    // A short key, which nothing can run beside, then an even number of equal parts: two threads have the same to do.
    let key = whole(len / KEY_SHARE).min(most);
    let rest = len - key;
    let parts = rest.div_ceil(most).next_multiple_of(2);
    let part = whole(rest.div_ceil(parts).next_multiple_of(record));
    let mut out = vec![key];
    let mut left = rest;
    while left > 0 {
        let n = part.min(left);
        out.push(n);
        left -= n;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_cover_the_run_in_whole_records() {
        for level in 1..=9 {
            let level = Level::new(level).unwrap();
            for (len, record) in
                [(1, 1), (124, 124), (14_778_320, 124), (60 * MIB, 7440), (40 * MIB, 30 * MIB)]
            {
                let len = len / record * record;
                let (most, single) = (level.segment_bytes(), level.single_bytes());
                let parts = segments(most, single, len.max(record), record);
                assert_eq!(parts.iter().sum::<u64>(), len.max(record));
                assert!(parts.iter().all(|&p| p % record == 0 && p > 0));
                assert!(parts.iter().all(|&p| p <= level.segment_bytes().max(record).max(8 * MIB)));
            }
        }
    }

    #[test]
    fn two_threads_have_equal_work() {
        let parts = segments(16 * MIB, 8 * MIB, 14_778_320, 124);
        assert_eq!(parts.len(), 3);
        assert!(parts[0] * 15 < parts[1]);
        assert!(parts[1].abs_diff(parts[2]) < 1000);
    }
}
