//! Streams of an archive that is read: open while there is room, opened again from their definitions when a segment names
//! them. An archive of many gigabytes has thousands of them, of which a few are in use at a time.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use vxc_format::limits;

use crate::budget::Budget;
use crate::error::Error;
use crate::stream::Stream;

/// Bytes of streams that are opened again for a byte of segments: more is no archive but a way to waste time.
const AGAIN: u64 = 256;
/// As [`AGAIN`], for small archives.
const AGAIN_SLACK: u64 = 256 << 20;

/// Open streams, by what they are called.
pub(crate) struct Streams<K> {
    open: BTreeMap<K, Arc<Stream>>,
    /// Those that were open at some time.
    known: BTreeSet<K>,
    /// Bytes of streams when they were opened first.
    first: u64,
    /// The same of those that were opened again.
    again: u64,
    /// Bytes of the segments that needed them.
    segments: u64,
}

impl<K: Ord + Copy> Streams<K> {
    /// None.
    pub fn new() -> Self {
        Self { open: BTreeMap::new(), known: BTreeSet::new(), first: 0, again: 0, segments: 0 }
    }

    /// A stream that is open.
    pub fn get(&self, id: K) -> Option<&Arc<Stream>> {
        self.open.get(&id)
    }

    /// Adds a stream, whose memory is counted, for a segment of so many coded bytes or for none.
    ///
    /// # Errors
    /// `LimitExceeded` where opening streams again is most of the work.
    pub fn insert(&mut self, id: K, stream: Stream, segment: u64) -> Result<(), Error> {
        let bytes = stream.held_bytes();
        if self.known.insert(id) {
            self.first = self.first.saturating_add(bytes);
        } else {
            self.again = self.again.saturating_add(bytes);
            self.segments = self.segments.saturating_add(segment);
            let worth = self.segments.saturating_mul(AGAIN).saturating_add(AGAIN_SLACK);
            let most = self.first.saturating_add(worth);
            limits::check(limits::WORK_AGAIN, self.again, most)?;
        }
        self.open.insert(id, Arc::new(stream));
        Ok(())
    }

    /// Closes all but those in use. Whether there were any.
    pub fn close(&mut self, budget: &mut Budget, in_use: impl Fn(K) -> bool) -> bool {
        let before = self.open.len();
        self.open.retain(|&id, stream| {
            let keep = in_use(id);
            if !keep {
                budget.release(stream.held_bytes());
            }
            keep
        });
        self.open.len() < before
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream_code::{Form, StreamCode};
    use vxc_tokens::{Endian, Kind, RecordLayout};

    /// Two streams that take turns: opened again and again they end, the sooner the fewer bytes need them.
    #[test]
    fn opening_again_is_worth_its_segments() {
        let layout = RecordLayout::array(Kind::F32, Endian::Little, 16_384).unwrap();
        let stream = Stream::new(StreamCode::new(Form::Records(layout), 5, 1 << 12));
        let each = stream.held_bytes();
        let turns = [0u64, 1 << 20].map(|segment| {
            let mut streams = Streams::new();
            let most = 2 * (AGAIN_SLACK / each + 3);
            (0..most)
                .take_while(|&n| streams.insert(n % 2, stream.clone(), segment).is_ok())
                .count() as u64
        });
        // Two are opened first, at no cost to others.
        assert_eq!(turns[0], 2 + (2 * each + AGAIN_SLACK) / each);
        assert_eq!(turns[1], 2 * (AGAIN_SLACK / each + 3), "these are worth it");
    }
}
