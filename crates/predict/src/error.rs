//! Errors of decoding with a symbol model.

use vxc_entropy::EntropyError;
use vxc_tokens::TokenError;

/// Why a coded segment cannot be decoded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PredictError {
    /// The entropy coded stream is not what an encoder writes.
    #[error(transparent)]
    Entropy(#[from] EntropyError),
    /// The tokens contradict the tokeniser.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// A library failed.
    #[error("{0} failed")]
    Library(&'static str),
    /// The parts of the segment do not fit together.
    #[error("coded segment: {0}")]
    Corrupt(&'static str),
}
