//! What can go wrong while training.

use std::io;
use std::path::Path;

/// Why a run could not start or go on.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// The configuration does not make sense; the text names the key.
    #[error("{0}")]
    Config(String),
    /// The data are not what training needs.
    #[error("{0}")]
    Data(String),
    /// A checkpoint is damaged or belongs to another run.
    #[error("checkpoint: {0}")]
    Checkpoint(String),
    /// The device is not compiled in or not present.
    #[error("{0}")]
    Device(String),
    /// The loss is no longer a number.
    #[error("step {step}: the loss is {loss}; a smaller lr or a longer warm-up may help")]
    Diverged {
        /// The step.
        step: u64,
        /// Its loss.
        loss: f64,
    },
    /// Reading or writing failed.
    #[error("{what}: {source}")]
    Io {
        /// What was tried.
        what: String,
        /// Why it failed.
        source: io::Error,
    },
    /// No integers can stand for the network.
    #[error("export: {0}")]
    Export(String),
    /// The codec's, while a tokeniser is fitted or a baseline measured.
    #[error(transparent)]
    Codec(#[from] vxc::Error),
    /// The network's.
    #[error(transparent)]
    Model(#[from] vxc_model::ModelError),
    /// The tokeniser's.
    #[error(transparent)]
    Tokens(#[from] vxc_tokens::TokenError),
}

impl TrainError {
    /// For `map_err`: an I/O failure with a path.
    pub fn io(path: &Path) -> impl FnOnce(io::Error) -> Self + use<'_> {
        move |source| Self::Io { what: path.display().to_string(), source }
    }
}
