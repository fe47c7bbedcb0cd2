//! Errors of weight archives.

use vxc_entropy::EntropyError;

/// What can go wrong.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WeightsError {
    /// Reading or writing failed.
    #[error("{0}")]
    Io(std::io::Error),
    /// The archive is damaged, or no archive.
    #[error("the weight archive is corrupt: {0}")]
    Corrupt(String),
    /// An archive that a later version of the format wrote: a newer program reads it.
    #[error("unsupported weight archive: {0}")]
    Unsupported(String),
    /// More than the caller allows.
    #[error("{what} of {found} exceeds the limit {limit}")]
    LimitExceeded {
        /// Of what.
        what: &'static str,
        /// How much there is.
        found: u64,
        /// How much may be.
        limit: u64,
    },
    /// What was asked for does not exist or cannot be done.
    #[error("{0}")]
    InvalidArgument(String),
    /// A block does not decode to what it was made of; nothing may be published.
    #[error("verification failed: the block at byte {0} does not come back")]
    Verify(u64),
}

impl WeightsError {
    /// Damage.
    pub(crate) fn corrupt(what: impl Into<String>) -> Self {
        Self::Corrupt(what.into())
    }
}

impl From<std::io::Error> for WeightsError {
    /// Readers of archives pass their own errors through as I/O errors.
    fn from(e: std::io::Error) -> Self {
        e.downcast().unwrap_or_else(Self::Io)
    }
}

impl From<EntropyError> for WeightsError {
    fn from(e: EntropyError) -> Self {
        Self::Corrupt(e.to_string())
    }
}
