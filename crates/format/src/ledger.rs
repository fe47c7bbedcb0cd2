//! The running account of an archive's blocks: the rules that hold between blocks, in one place for the
//! writer, the sequential reader and the index.

use crate::constants::{KEPT_KEYS, MAX_FRAME_PREFIX, MAX_STREAMS};
use crate::error::FormatError;
use crate::index::{Entry, EntryKind, write_payload};
use crate::limits;
use crate::segment::{SegmentInfo, SegmentKind};

/// Memory of one listed block, for [`DecodeLimits::max_memory`](crate::DecodeLimits).
const ENTRY_MEMORY: u64 = {
    // At the end the index is made and read, of about so many bytes each.
    let bytes = size_of::<Entry>() + size_of::<usize>() + 2 * 20;
    assert!(bytes < 256);
    bytes as u64
};

#[derive(Clone, Debug)]
pub(crate) struct Ledger {
    header_len: u64,
    next_offset: u64,
    entries: Vec<Entry>,
    /// Positions in `entries` of the segments, by number.
    segments: Vec<usize>,
    /// The same of the streams, by id.
    streams: Vec<usize>,
    /// The segments that may prime others, by stream, the newest last: see [`KEPT_KEYS`].
    keys: Vec<(u32, u64)>,
    raw_total: u64,
    /// Memory of the tables of earlier archives of the same input.
    memory_before: u64,
}

impl Ledger {
    /// Of an archive without blocks; `memory_before` counts against the same limit.
    pub(crate) const fn new(header_len: u64, memory_before: u64) -> Self {
        Self {
            header_len,
            next_offset: header_len,
            entries: Vec::new(),
            segments: Vec::new(),
            streams: Vec::new(),
            keys: Vec::new(),
            raw_total: 0,
            memory_before,
        }
    }

    /// Adds the next block, if the rules allow it there.
    ///
    /// # Errors
    /// `Corruption` for a block that contradicts the ones before, `LimitExceeded` for one too many.
    pub(crate) fn admit(
        &mut self,
        kind: EntryKind,
        prefix_len: u64,
        payload_len: u64,
        max_memory: u64,
    ) -> Result<(), FormatError> {
        if prefix_len > u64::try_from(MAX_FRAME_PREFIX).unwrap_or(u64::MAX) {
            return Err(FormatError::corrupt(format!("a block prefix of {prefix_len} bytes")));
        }
        let next_offset = self
            .next_offset
            .checked_add(prefix_len)
            .and_then(|n| n.checked_add(payload_len))
            .ok_or_else(|| FormatError::corrupt("block lengths beyond 64 bits"))?;
        let count = u64::try_from(self.entries.len()).unwrap_or(u64::MAX).saturating_add(1);
        let memory = count.saturating_mul(ENTRY_MEMORY).saturating_add(self.memory_before);
        limits::check("the table of blocks", memory, max_memory)?;
        match &kind {
            EntryKind::Stream(id) => {
                let expected = self.streams();
                if *id != expected || *id >= MAX_STREAMS {
                    return Err(FormatError::corrupt(format!(
                        "stream definition {id} where {expected} was expected"
                    )));
                }
                self.streams.push(self.entries.len());
            }
            EntryKind::Model => {}
            EntryKind::Segment(info) => {
                self.check_segment(info, payload_len)?;
                self.segments.push(self.entries.len());
                self.keep_key(info);
                self.raw_total = info.raw_end();
            }
        }
        self.entries.push(Entry { offset: self.next_offset, prefix_len, payload_len, kind });
        self.next_offset = next_offset;
        Ok(())
    }

    fn check_segment(&self, info: &SegmentInfo, coded_len: u64) -> Result<(), FormatError> {
        if info.number != self.segment_count() || info.raw_offset != self.raw_total {
            return Err(FormatError::corrupt(format!(
                "segment {} at content byte {} where segment {} at {} was expected",
                info.number,
                info.raw_offset,
                self.segment_count(),
                self.raw_total
            )));
        }
        if info.stream >= self.streams() {
            return Err(FormatError::corrupt(format!(
                "segment {} belongs to stream {}, which is not defined",
                info.number, info.stream
            )));
        }
        info.check_claims(coded_len)?;
        if let Some(key) = info.primed_by {
            let kept = self.keys.contains(&(info.stream, key));
            let fresh = kept
                && usize::try_from(key).ok().and_then(|k| self.segment(k)).is_some_and(|(_, k)| {
                    k.primed_by.is_none() && k.stream == info.stream && k.kind == info.kind
                });
            if !fresh {
                return Err(FormatError::corrupt(format!(
                    "segment {} starts from segment {key}, which is no key segment for it",
                    info.number
                )));
            }
        }
        Ok(())
    }

    /// Keeps a segment that may prime others.
    fn keep_key(&mut self, info: &SegmentInfo) {
        let learns =
            matches!(info.kind, SegmentKind::Static | SegmentKind::Mix | SegmentKind::Neural);
        if info.primed_by.is_none() && learns {
            self.keys.retain(|(stream, _)| *stream != info.stream);
            if self.keys.len() >= KEPT_KEYS {
                self.keys.remove(0);
            }
            self.keys.push((info.stream, info.number));
        }
    }

    /// Entry and description of a segment.
    pub(crate) fn segment(&self, number: usize) -> Option<(&Entry, &SegmentInfo)> {
        let entry = self.entries.get(*self.segments.get(number)?)?;
        match &entry.kind {
            EntryKind::Segment(info) => Some((entry, info)),
            _ => None,
        }
    }

    /// Number of the first segment that ends behind this content offset.
    pub(crate) fn first_segment_behind(&self, raw_offset: u64) -> usize {
        self.segments.partition_point(|&at| match self.entries.get(at).map(|e| &e.kind) {
            Some(EntryKind::Segment(info)) => info.raw_end() <= raw_offset,
            _ => false,
        })
    }

    pub(crate) fn index_payload(&self) -> Vec<u8> {
        write_payload(self.header_len, &self.entries)
    }

    pub(crate) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    pub(crate) fn segment_count(&self) -> u64 {
        u64::try_from(self.segments.len()).unwrap_or(u64::MAX)
    }

    /// Number of streams.
    pub(crate) fn streams(&self) -> u32 {
        u32::try_from(self.streams.len()).unwrap_or(u32::MAX)
    }

    /// Entry of a stream's definition.
    pub(crate) fn stream(&self, id: u32) -> Option<&Entry> {
        self.entries.get(*self.streams.get(usize::try_from(id).ok()?)?)
    }

    pub(crate) const fn raw_total(&self) -> u64 {
        self.raw_total
    }

    pub(crate) const fn header_len(&self) -> u64 {
        self.header_len
    }

    /// Where the next block starts, from the archive's start.
    pub(crate) const fn next_offset(&self) -> u64 {
        self.next_offset
    }

    /// Bytes that the table holds.
    pub(crate) fn bytes(&self) -> u64 {
        u64::try_from(self.entries.len()).unwrap_or(u64::MAX).saturating_mul(ENTRY_MEMORY)
    }

    /// Bytes of the table and of those before it.
    pub(crate) fn all_bytes(&self) -> u64 {
        self.bytes().saturating_add(self.memory_before)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_have_a_length_that_frames_can_have() {
        let admit = |prefix| {
            Ledger::new(10, 0)
                .admit(EntryKind::Model, prefix, 0, u64::MAX)
                .map_err(|e| e.to_string())
        };
        assert_eq!(admit(MAX_FRAME_PREFIX as u64), Ok(()));
        assert!(admit(MAX_FRAME_PREFIX as u64 + 1).is_err_and(|e| e.contains("a block prefix")));
    }

    /// What the tables before take counts against the same limit.
    #[test]
    fn memory_counts() {
        let mut ledger = Ledger::new(10, 500);
        ledger.admit(EntryKind::Model, 20, 30, 500 + ENTRY_MEMORY).unwrap();
        assert_eq!((ledger.bytes(), ledger.all_bytes()), (ENTRY_MEMORY, 500 + ENTRY_MEMORY));
        assert_eq!(ledger.next_offset(), 60);
        let full = ledger.admit(EntryKind::Model, 20, 30, 499 + 2 * ENTRY_MEMORY);
        assert!(matches!(full, Err(FormatError::LimitExceeded { .. })));
    }

    #[test]
    fn streams_have_the_next_number() {
        let mut ledger = Ledger::new(10, 0);
        for id in [1, 0, 0, 2, 1] {
            let right = id == ledger.streams();
            assert_eq!(ledger.admit(EntryKind::Stream(id), 20, 0, u64::MAX).is_ok(), right, "{id}");
        }
    }
}
