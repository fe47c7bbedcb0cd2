//! The hook for training on the input: the codec decides when, someone else knows how.

use std::fmt::Debug;

use vxc_infer::IntModel;

use crate::error::Error;
use crate::stream_code::StreamCode;

/// Trains a network on what is being compressed, for the neural levels without a model.
pub trait Trainer: Debug + Send + Sync {
    /// A network over the symbols of `code`, which has a tokeniser, from whole records, and whether it reads every record
    /// by itself; none if there is too little to learn from.
    ///
    /// # Errors
    /// Whatever went wrong; the compression ends with it.
    fn train(&self, code: &StreamCode, raw: &[u8]) -> Result<Option<(IntModel, bool)>, Error>;
}
