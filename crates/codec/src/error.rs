//! The one error type of the library, in kinds that a caller can act on.

use vxc_format::{FormatError, ModelId};
use vxc_predict::PredictError;
use vxc_tokens::TokenError;

/// Why something could not be compressed or decompressed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The container: damaged, truncated, of a later version, beyond a limit, or failing I/O.
    #[error(transparent)]
    Format(#[from] FormatError),
    /// The coded bytes of a segment or a tokeniser are not what an encoder writes.
    #[error("corrupt data: {0}")]
    Corruption(String),
    /// The archive needs a model file that was not given.
    #[error(
        "the archive needs the model {id} (written by vxc {writer}); give its .vxm file with --model"
    )]
    ModelMissing {
        /// The model's id.
        id: ModelId,
        /// Version of the program that wrote the archive.
        writer: String,
    },
    /// A model file does not fit what it is used for.
    #[error("model: {0}")]
    ModelMismatch(String),
    /// What was written does not decode to what was read: nothing is published.
    #[error("verification failed at byte {at}: the archive would not give the input back")]
    Verify {
        /// First byte of the segment that differs.
        at: u64,
    },
    /// Options that contradict each other or the input.
    #[error("{0}")]
    InvalidArgument(String),
    /// The processor's instruction set override cannot be used.
    #[error(transparent)]
    Isa(#[from] vxc_infer::IsaError),
    /// Reading or writing failed.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

impl From<PredictError> for Error {
    fn from(e: PredictError) -> Self {
        Self::Corruption(e.to_string())
    }
}

impl From<TokenError> for Error {
    fn from(e: TokenError) -> Self {
        match e {
            TokenError::Layout(m) => Self::InvalidArgument(format!("layout: {m}")),
            TokenError::Sidecar(m) => Self::InvalidArgument(format!("layout file: {m}")),
            e @ TokenError::FloatEnvironment(_) => Self::InvalidArgument(e.to_string()),
            e => Self::Corruption(e.to_string()),
        }
    }
}

impl Error {
    /// The exit code of a program that stops with this error: 1 bad data or failed verification, 2 usage or
    /// I/O, 3 model missing or mismatched, 4 limit exceeded.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Format(FormatError::LimitExceeded { .. }) => 4,
            Self::Format(FormatError::Io(_) | FormatError::InvalidArgument(_)) => 2,
            Self::Format(_) | Self::Corruption(_) | Self::Verify { .. } => 1,
            Self::ModelMissing { .. } | Self::ModelMismatch(_) => 3,
            _ => 2,
        }
    }

    /// Whether it is a limit that was exceeded.
    pub(crate) fn is_limit(&self) -> bool {
        matches!(self, Self::Format(FormatError::LimitExceeded { .. }))
    }

    /// The error as an `io::Error`, for `Read` and `Write` adaptors.
    pub(crate) fn into_io(self) -> std::io::Error {
        match self {
            Self::Io(e) | Self::Format(FormatError::Io(e)) => e,
            e => std::io::Error::other(e),
        }
    }
}
