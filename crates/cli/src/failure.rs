//! Why a file could not be handled: one line for a person, one exit code for a script.

use std::io;

use vxc::{Error, FormatError};
use vxc_data::DataError;
use vxc_remake::RemakeError;
use vxc_zipnn::WeightsError;

/// A failure. Exit codes: 1 bad data, failed verification or a fault of the program, 2 usage or I/O, 3 model missing or mismatched,
/// 4 limit exceeded.
#[derive(Debug)]
pub enum Failure {
    /// The library's.
    Codec(Error),
    /// A scientific file that cannot be read.
    Data(DataError),
    /// A file that cannot be unpacked, or made again.
    Remake(RemakeError),
    /// A weight archive.
    Weights(WeightsError),
    /// The archive that was just written does not give the input back. Nothing was published.
    Verify(String),
    /// An archive is damaged; the text says how, and what of it was written.
    Damaged(String),
    /// Reading or writing failed; the text says what was tried.
    Io(String, io::Error),
    /// What was asked for cannot be done.
    Usage(String),
    /// A model file is missing or unfit.
    Model(String),
    /// A panic: a fault of the program, with its place.
    Internal(String),
    /// Whoever reads our standard output has seen enough: no failure at all.
    Closed,
}

impl Failure {
    /// A usage failure.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::Usage(message.into())
    }

    /// For `map_err`: an I/O failure while doing `what`.
    pub fn io(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let what = what.into();
        move |e| Self::Io(what, e)
    }

    /// The exit code of a program that stops with this.
    pub fn code(&self) -> u8 {
        match self {
            Self::Codec(e) => e.exit_code(),
            Self::Data(DataError::LimitExceeded { .. }) => 4,
            Self::Data(DataError::Io(_) | DataError::InvalidArgument(_)) => 2,
            Self::Remake(
                RemakeError::LimitExceeded { .. } | RemakeError::MemoryExceeded { .. },
            ) => 4,
            Self::Remake(RemakeError::Io(_)) => 2,
            Self::Weights(WeightsError::LimitExceeded { .. }) => 4,
            Self::Weights(WeightsError::Io(_) | WeightsError::InvalidArgument(_)) => 2,
            Self::Remake(_)
            | Self::Data(_)
            | Self::Weights(_)
            | Self::Verify(_)
            | Self::Damaged(_)
            | Self::Internal(_) => 1,
            Self::Io(..) | Self::Usage(_) => 2,
            Self::Model(_) => 3,
            Self::Closed => 0,
        }
    }

    /// The I/O error behind it, if there is one.
    pub fn io_error(&self) -> Option<&io::Error> {
        match self {
            Self::Io(_, e) | Self::Data(DataError::Io(e)) => Some(e),
            Self::Remake(RemakeError::Io(e)) => Some(e),
            Self::Weights(WeightsError::Io(e)) => Some(e),
            Self::Codec(Error::Io(e) | Error::Format(FormatError::Io(e))) => Some(e),
            _ => None,
        }
    }
}

impl From<DataError> for Failure {
    fn from(e: DataError) -> Self {
        Self::Data(e)
    }
}

impl From<RemakeError> for Failure {
    fn from(e: RemakeError) -> Self {
        Self::Remake(e)
    }
}

impl From<WeightsError> for Failure {
    fn from(e: WeightsError) -> Self {
        Self::Weights(e)
    }
}

impl From<Error> for Failure {
    fn from(e: Error) -> Self {
        Self::Codec(e)
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self, self.io_error()) {
            (Self::Io(what, _), Some(e)) if !what.is_empty() => {
                write!(f, "{what}: {}", plain(e))
            }
            (_, Some(e)) => f.write_str(&plain(e)),
            (Self::Codec(e), _) => e.fmt(f),
            (Self::Data(e), _) => e.fmt(f),
            (Self::Remake(e), _) => e.fmt(f),
            (Self::Weights(e), _) => e.fmt(f),
            (Self::Verify(m), _) => write!(f, "verification failed, nothing was written: {m}"),
            (Self::Usage(m) | Self::Model(m) | Self::Damaged(m) | Self::Io(m, _), _) => {
                f.write_str(m)
            }
            (Self::Internal(m), _) => write!(f, "internal error, please report it: {m}"),
            (Self::Closed, _) => f.write_str("the output was closed"),
        }
    }
}

/// An I/O error without the number that the standard library appends.
fn plain(e: &io::Error) -> String {
    let text = e.to_string();
    match text.find(" (os error ") {
        Some(at) => text[..at].to_lowercase(),
        None => text,
    }
}
