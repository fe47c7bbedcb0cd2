//! Errors of the entropy coders.

use core::fmt;

/// What can be wrong with coded bytes, or with what a caller asks to code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum EntropyError {
    /// The stream ends before what was read from it.
    Truncated,
    /// The stream goes on after what was read from it.
    TrailingData,
    /// No encoder writes these bytes.
    Corrupt(&'static str),
    /// The arguments contradict each other or exceed a limit.
    InvalidArgument(&'static str),
}

impl fmt::Display for EntropyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated => f.write_str("coded data ends too early"),
            Self::TrailingData => f.write_str("coded data goes on after its end"),
            Self::Corrupt(what) => write!(f, "coded data is corrupt: {what}"),
            Self::InvalidArgument(what) => write!(f, "invalid argument: {what}"),
        }
    }
}

impl core::error::Error for EntropyError {}
