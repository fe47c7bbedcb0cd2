//! Which segments are decoded side by side: those that need not wait for each other, for as many threads as there are,
//! within the memory that there is. The same for decoding and for salvage: what one accepts, both do.

use vxc_format::constants::KEPT_KEYS;
use vxc_format::{FormatError, SegmentInfo, SegmentKind, limits};

use crate::error::Error;
use crate::options::{DecompressOptions, threads_asked};
use crate::segment_code::State;

/// Final states of fresh segments, the newest last: of each stream its last one, while there is room.
#[derive(Default)]
pub(crate) struct Keys {
    kept: Vec<Key>,
}

/// The final state of a segment.
pub(crate) struct Key {
    pub stream: u32,
    pub segment: u64,
    /// None: it had to give way.
    pub state: Option<State>,
    /// Bytes that it holds.
    pub bytes: u64,
}

impl Key {
    fn give_way(&mut self) {
        (self.state, self.bytes) = (None, 0);
    }
}

impl Keys {
    /// The state that a segment starts from, if it is there.
    ///
    /// # Errors
    /// `LimitExceeded` if there was no room for it.
    pub fn get(&self, stream: u32, segment: u64, limit: u64) -> Result<Option<&State>, Error> {
        let key = self.kept.iter().find(|k| (k.stream, k.segment) == (stream, segment));
        match key {
            Some(Key { state: None, .. }) => {
                let needed = limit.saturating_add(1);
                let what = "the states of streams that take turns";
                Err(FormatError::LimitExceeded { what, needed, limit }.into())
            }
            key => Ok(key.and_then(|k| k.state.as_ref())),
        }
    }

    /// Keeps a state instead of the stream's last one.
    pub fn put(&mut self, key: Key) {
        self.kept.retain(|k| k.stream != key.stream);
        if self.kept.len() >= KEPT_KEYS {
            self.kept.remove(0);
        }
        self.kept.push(key);
    }

    /// Bytes that all states hold.
    pub fn bytes(&self) -> u64 {
        self.kept.iter().map(|k| k.bytes).fold(0, u64::saturating_add)
    }

    /// The oldest state gives way, but for that of one stream. Whether there was any.
    pub fn give_way(&mut self, but: Option<u32>) -> bool {
        let mut there = self.kept.iter_mut().filter(|k| k.state.is_some());
        let oldest = there.find(|k| Some(k.stream) != but);
        oldest.map(Key::give_way).is_some()
    }

    /// The state of a stream gives way. Whether there was one.
    fn give_way_of(&mut self, stream: u32) -> bool {
        let mut there = self.kept.iter_mut().filter(|k| k.state.is_some());
        there.find(|k| k.stream == stream).map(Key::give_way).is_some()
    }
}

/// Segments that are going to be decoded side by side.
pub(crate) struct Load {
    limit: u64,
    threads: usize,
    numbers: Vec<u64>,
    bytes: u64,
}

impl Load {
    /// None yet.
    pub fn new(options: &DecompressOptions) -> Self {
        let limit = options.limits.max_memory;
        // Of these, as many as there is memory for, which is counted here.
        let threads = threads_asked(options.threads);
        Self { limit, threads, numbers: Vec::new(), bytes: 0 }
    }

    /// Bytes that they take.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Whether there are as many as threads.
    pub fn is_full(&self) -> bool {
        self.numbers.len() >= self.threads
    }

    /// Whether a segment starts from one of them.
    pub fn waits(&self, info: &SegmentInfo) -> bool {
        info.primed_by.is_some_and(|n| self.numbers.contains(&n))
    }

    /// Takes a segment that needs so many bytes beside what is `held` and the keys. If it is the first, keys give way where
    /// it must be: that of its own stream if nothing starts from it any more, else those of others. False: it has to wait
    /// until those that were taken are done.
    ///
    /// # Errors
    /// `LimitExceeded` if not even that is enough.
    pub fn take(
        &mut self,
        keys: &mut Keys,
        info: &SegmentInfo,
        need: u64,
        held: u64,
    ) -> Result<bool, Error> {
        let first = self.numbers.is_empty();
        if self.waits(info) || self.is_full() {
            return Ok(false);
        }
        let learns =
            matches!(info.kind, SegmentKind::Static | SegmentKind::Mix | SegmentKind::Neural);
        // The rule of the format: it is the stream's key from now on.
        let next_key = info.primed_by.is_none() && learns;
        let own = info.primed_by.map(|_| info.stream);
        loop {
            let all =
                [held, keys.bytes(), self.bytes, need].into_iter().fold(0, u64::saturating_add);
            if all <= self.limit {
                break;
            }
            if !first {
                return Ok(false);
            }
            // What the segment replaces goes first.
            let replaced = next_key && keys.give_way_of(info.stream);
            if !replaced && !keys.give_way(own) {
                limits::check("a segment", all, self.limit)?;
            }
        }
        self.numbers.push(info.number);
        self.bytes += need;
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(stream: u32, segment: u64) -> Key {
        Key { stream, segment, state: Some(State::None), bytes: 10 }
    }

    fn there(keys: &Keys, stream: u32, segment: u64) -> Option<bool> {
        keys.get(stream, segment, 7).map(|state| state.is_some()).ok()
    }

    /// However many gave way: what the format lets a segment start from was not damaged, there was no room.
    #[test]
    fn keys_that_gave_way_are_remembered_as_long_as_the_format_has_them() {
        let mut keys = Keys::default();
        keys.put(key(1, 0));
        for segment in 1..5 {
            assert!(keys.give_way(None));
            keys.put(key(2, segment));
        }
        assert_eq!((there(&keys, 1, 0), there(&keys, 2, 4)), (None, Some(true)));
        assert_eq!(there(&keys, 2, 1), Some(false), "replaced");
        assert_eq!(keys.bytes(), 10);
        assert!(!keys.give_way(Some(2)) && keys.give_way(None) && !keys.give_way(None));
    }

    /// A stream's key stays until its next one is there, unless there is no room for both.
    #[test]
    fn a_key_stays_while_there_is_room() {
        let info = SegmentInfo {
            number: 1,
            raw_offset: 0,
            stream: 1,
            kind: SegmentKind::Mix,
            primed_by: None,
            raw_len: 5,
        };
        for (limit, stays) in [(110, Some(true)), (109, None)] {
            let mut keys = Keys::default();
            keys.put(key(1, 0));
            let mut options = DecompressOptions::default();
            options.limits.max_memory = limit;
            let mut load = Load::new(&options);
            assert!(load.take(&mut keys, &info, 60, 40).unwrap());
            assert_eq!(there(&keys, 1, 0), stays, "{limit}");
        }
    }
}
