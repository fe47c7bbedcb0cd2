//! What a reader is willing to spend on an input that it does not trust.

use crate::error::DataError;

/// Limits of reading. All are checked before memory is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Decompressed bytes of one basket, page or chunk, and what its values take. Default 1 GiB.
    pub max_basket: u64,
    /// Decompressed bytes of one metadata object (a tree with all its branches, the list of streamers,
    /// an envelope). Default 256 MiB.
    pub max_object: u64,
    /// What the metadata of one object may take once decoded, in words of 8 bytes; fields, columns and pages
    /// of an ntuple; chunks of a dataset. Default 64 million.
    pub max_values: u64,
    /// Keys, objects or members of a file, over all directories. Default 1 million.
    pub max_keys: u64,
    /// Bytes of a column that is read whole. Default 4 GiB.
    pub max_column: u64,
    /// How deep directories, objects and types may be nested. Default 64; more than 200 is taken as 200.
    pub max_depth: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_basket: 1 << 30,
            max_object: 256 << 20,
            max_values: 64_000_000,
            max_keys: 1_000_000,
            max_column: 4 << 30,
            max_depth: 64,
        }
    }
}

impl Limits {
    /// The depth in force.
    pub(crate) fn depth(&self) -> u32 {
        self.max_depth.min(200)
    }
}

/// `needed <= limit`, or the error that says so.
///
/// # Errors
/// [`DataError::LimitExceeded`].
pub(crate) fn check(what: &'static str, needed: u64, limit: u64) -> Result<(), DataError> {
    if needed > limit {
        return Err(DataError::LimitExceeded { what, needed, limit });
    }
    Ok(())
}
