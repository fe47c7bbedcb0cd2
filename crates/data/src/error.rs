//! The one error type of the readers, in kinds that a caller can act on.

/// Why a file, or a part of it, cannot be read. Offsets in messages count from the start of the file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataError {
    /// The bytes contradict the format or each other: damaged, or no such file at all.
    #[error("corrupt file: {0}")]
    Corruption(String),
    /// The file ends before what it declares does: a broken transfer, or a writer that was stopped.
    #[error("truncated file: {0}")]
    InsufficientData(String),
    /// Intact bytes in a form that this reader does not decode.
    #[error("not supported: {0}")]
    Unsupported(String),
    /// A stored checksum differs from that of the bytes: damage.
    #[error("checksum mismatch: {0}")]
    ChecksumMismatch(&'static str),
    /// A limit of [`Limits`](crate::Limits) would be exceeded; a caller who trusts the source may
    /// raise it.
    #[error("limit exceeded: {what} needs {needed}, the limit is {limit}")]
    LimitExceeded {
        /// What was too large.
        what: &'static str,
        /// Bytes (or items) that the file asks for.
        needed: u64,
        /// Bytes (or items) allowed.
        limit: u64,
    },
    /// A call that cannot be right whatever the data: a name that is not there, an index past the end.
    #[error("invalid argument: {0}")]
    InvalidArgument(String),
    /// The underlying reader failed.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

impl DataError {
    pub(crate) fn corrupt(message: impl Into<String>) -> Self {
        Self::Corruption(message.into())
    }

    pub(crate) fn truncated(message: impl Into<String>) -> Self {
        Self::InsufficientData(message.into())
    }

    pub(crate) fn unsupported(message: impl Into<String>) -> Self {
        Self::Unsupported(message.into())
    }

    pub(crate) fn argument(message: impl Into<String>) -> Self {
        Self::InvalidArgument(message.into())
    }
}
