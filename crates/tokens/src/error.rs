//! Errors of the tokeniser.

/// What can go wrong with a layout or a fitted tokeniser.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// A layout contradicts itself or exceeds the limits.
    #[error("layout: {0}")]
    Layout(String),
    /// A layout or sidecar file cannot be understood.
    #[error("layout file: {0}")]
    Sidecar(String),
    /// Serialised tokeniser bytes are not valid.
    #[error("tokeniser: {0}")]
    Corrupt(&'static str),
    /// A serialised tokeniser takes more memory than it may.
    #[error("tokeniser: it takes more than {0} bytes of memory")]
    TooLarge(u64),
    /// The host has changed how this thread computes with floats.
    #[error("floating point: {0}")]
    FloatEnvironment(&'static str),
    /// Coded data contradicts the tokeniser.
    #[error("token stream: {0}")]
    Stream(&'static str),
}
