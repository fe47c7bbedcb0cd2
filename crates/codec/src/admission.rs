//! Which segments are decoded side by side: those that need not wait for each other, for as many threads as there are,
//! within the memory that there is. The same for whoever decodes: what one accepts, all do.

use vxc_format::constants::KEPT_KEYS;
use vxc_format::{FormatError, SegmentInfo, SegmentKind, limits};

use crate::error::Error;
use crate::options::{DecompressOptions, threads_asked};
use crate::segment_code::State;

/// Final states of fresh segments, the newest last: of each stream its last one, while there is room.
#[derive(Default)]
pub(crate) struct Keys {
    kept: Vec<Key>,
    /// Those that had to give way, (stream, segment), as many as the format lets a decoder remember.
    gone: Vec<(u32, u64)>,
}

/// The final state of a segment.
pub(crate) struct Key {
    pub stream: u32,
    pub segment: u64,
    pub state: State,
    /// Bytes that it holds.
    pub bytes: u64,
}

impl Keys {
    /// The state that a segment starts from, if it is there.
    ///
    /// # Errors
    /// `LimitExceeded` if there was no room for it.
    pub fn get(&self, stream: u32, segment: u64, limit: u64) -> Result<Option<&State>, Error> {
        let id = (stream, segment);
        if self.gone.contains(&id) {
            let (what, needed) = ("the states of streams that take turns", limit.saturating_add(1));
            return Err(FormatError::LimitExceeded { what, needed, limit }.into());
        }
        Ok(self.kept.iter().find(|k| (k.stream, k.segment) == id).map(|k| &k.state))
    }

    /// Keeps a state instead of the stream's last one.
    pub fn put(&mut self, key: Key) {
        self.end(key.stream);
        if self.kept.len() >= KEPT_KEYS {
            self.kept.remove(0);
        }
        self.kept.push(key);
    }

    /// Bytes that all states hold.
    pub fn bytes(&self) -> u64 {
        self.kept.iter().map(|k| k.bytes).fold(0, u64::saturating_add)
    }

    /// Nothing starts from the stream's state any more.
    fn end(&mut self, stream: u32) {
        self.kept.retain(|k| k.stream != stream);
    }

    /// The oldest gives way, but for that of one stream. Whether there was any.
    pub fn give_way(&mut self, but: Option<u32>) -> bool {
        let Some(at) = self.kept.iter().position(|k| Some(k.stream) != but) else { return false };
        let key = self.kept.remove(at);
        if self.gone.len() >= KEPT_KEYS {
            self.gone.remove(0);
        }
        self.gone.push((key.stream, key.segment));
        true
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
        if self.waits(info) || self.numbers.len() >= self.threads {
            return Ok(false);
        }
        let learns =
            matches!(info.kind, SegmentKind::Static | SegmentKind::Mix | SegmentKind::Neural);
        if first && info.primed_by.is_none() && learns {
            // The rule of the format: it is the stream's key from now on.
            keys.end(info.stream);
        }
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
            if !keys.give_way(own) {
                limits::check("a segment", all, self.limit)?;
            }
        }
        self.numbers.push(info.number);
        self.bytes += need;
        Ok(true)
    }
}
