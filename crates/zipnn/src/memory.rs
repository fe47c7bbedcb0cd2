//! How much memory a reader of untrusted bytes may still take.

use std::cell::Cell;

use crate::error::WeightsError;

/// A limit, and what was taken of it. It is asked before memory is; what does not fit is remembered, so that readers in
/// between, which know only "no such file", need not pass the reason on.
pub(crate) struct Room {
    what: &'static str,
    limit: u64,
    taken: Cell<u64>,
}

impl Room {
    /// So many bytes for something.
    pub fn new(what: &'static str, limit: u64) -> Self {
        Self { what, limit, taken: Cell::new(0) }
    }

    /// As much as there is: for one's own files.
    pub fn unlimited() -> Self {
        Self::new("memory", u64::MAX)
    }

    /// Takes `bytes`; none if they are not there, now and from then on.
    pub fn take(&self, bytes: usize) -> Option<()> {
        self.taken.set(self.taken.get().saturating_add(bytes as u64));
        (self.taken.get() <= self.limit).then_some(())
    }

    /// Whether everything fitted.
    ///
    /// # Errors
    /// [`WeightsError::LimitExceeded`].
    pub fn check(&self) -> Result<(), WeightsError> {
        check(self.what, self.taken.get(), self.limit)
    }
}

/// `found <= limit`, or the error that says so.
///
/// # Errors
/// [`WeightsError::LimitExceeded`].
pub(crate) fn check(what: &'static str, found: u64, limit: u64) -> Result<(), WeightsError> {
    if found > limit { Err(WeightsError::LimitExceeded { what, found, limit }) } else { Ok(()) }
}
