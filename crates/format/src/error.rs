//! The one error type of the container, in kinds that a caller can act on.

/// Why an archive cannot be written or read. Offsets in messages count from the start of the input.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FormatError {
    /// The bytes contradict the format or each other: damaged, or no archive at all. What other parts
    /// of the file hold can still be got by [`recover`](crate::recover::recover).
    #[error("corrupt archive: {0}")]
    Corruption(String),
    /// The input ends before the archive does: a broken transfer, or a writer that was stopped.
    #[error("truncated archive: {0}")]
    InsufficientData(String),
    /// Intact bytes that a later version of the format wrote: a newer program reads them.
    #[error("unsupported archive: {0}")]
    UnsupportedVersion(String),
    /// A stored checksum differs from that of the bytes: damage.
    #[error("checksum mismatch: {what}, at byte {at}")]
    ChecksumMismatch {
        /// Which structure is damaged.
        what: &'static str,
        /// Where it starts: an offset in the input, or in the content for `what` that names content.
        at: u64,
    },
    /// A limit of [`DecodeLimits`](crate::DecodeLimits) would be exceeded; a caller who trusts the
    /// source may raise it.
    #[error("limit exceeded: {what} needs {needed} bytes, the limit is {limit}")]
    LimitExceeded {
        /// What was too large.
        what: &'static str,
        /// Bytes that the archive asks for.
        needed: u64,
        /// Bytes allowed.
        limit: u64,
    },
    /// A call that cannot be right whatever the data: a fault of the calling program.
    #[error("invalid argument: {0}")]
    InvalidArgument(String),
    /// The underlying reader or writer failed.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

impl FormatError {
    pub(crate) fn corrupt(message: impl Into<String>) -> Self {
        Self::Corruption(message.into())
    }

    pub(crate) fn truncated(message: impl Into<String>) -> Self {
        Self::InsufficientData(message.into())
    }

    pub(crate) fn argument(message: impl Into<String>) -> Self {
        Self::InvalidArgument(message.into())
    }
}
