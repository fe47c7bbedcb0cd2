//! What can go wrong with a model: its description, its weights, its files.

use std::path::PathBuf;

/// Errors of this crate.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// A configuration that describes no network.
    #[error("model configuration: {0}")]
    Config(String),
    /// Weights that do not belong to the configured network.
    #[error("weights: {0}")]
    Weights(WeightsMismatch),
    /// A weights file that cannot be read.
    #[error("{path}: {message}")]
    Format {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        message: String,
    },
    /// The operating system refused.
    #[error("{path}: {source}")]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
}

/// How weights differ from what a network needs. Names are dotted paths.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WeightsMismatch {
    /// The network has a tensor that the file lacks.
    #[error("missing tensor {0}")]
    Missing(String),
    /// The file has a tensor that the network lacks.
    #[error("unexpected tensor {0}")]
    Unexpected(String),
    /// A tensor of another shape.
    #[error("tensor {name} has shape {found:?}, the network needs {expected:?}")]
    Shape {
        /// The tensor.
        name: String,
        /// Shape in the file.
        found: Vec<usize>,
        /// Shape in the network.
        expected: Vec<usize>,
    },
    /// A tensor that does not hold 32-bit floats.
    #[error("tensor {name} holds {found}, not 32-bit floats")]
    Kind {
        /// The tensor.
        name: String,
        /// Its element type.
        found: String,
    },
}

impl ModelError {
    pub(crate) fn io(path: &std::path::Path) -> impl FnOnce(std::io::Error) -> Self + '_ {
        move |source| Self::Io { path: path.to_path_buf(), source }
    }

    pub(crate) fn format(path: &std::path::Path, message: impl ToString) -> Self {
        Self::Format { path: path.to_path_buf(), message: message.to_string() }
    }
}
