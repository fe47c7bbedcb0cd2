//! The one error type, in kinds that a caller can act on.

use vxc_data::DataError;

/// Why a file cannot be unpacked, or an unpacked form is no file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RemakeError {
    /// The unpacked form contradicts itself.
    #[error("unpacked form: {0}")]
    Corruption(&'static str),
    /// The unpacked form ends before what it declares does.
    #[error("unpacked form: it ends inside a group")]
    InsufficientData,
    /// A group, or the file, is larger than any writer makes it or the caller allows.
    #[error("unpacked form: {needed} bytes, the limit is {limit}")]
    LimitExceeded {
        /// Bytes asked for.
        needed: u64,
        /// Bytes allowed.
        limit: u64,
    },
    /// Making the file again takes more memory than the caller allows.
    #[error("unpacked form: {needed} bytes of memory or more, the limit is {limit}")]
    MemoryExceeded {
        /// Bytes needed, as far as it is known.
        needed: u64,
        /// Bytes allowed.
        limit: u64,
    },
    /// An encoder failed.
    #[error("cannot make a block again: {0}")]
    Encoder(&'static str),
    /// The file to unpack cannot be read as what it seems to be.
    #[error(transparent)]
    Data(#[from] DataError),
    /// Reading or writing failed.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}
