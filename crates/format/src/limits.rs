//! What a decoder is willing to spend on an input that it does not trust.

use crate::error::FormatError;

/// What the limit [`DecodeLimits::max_output`] is about: an error of a limit says by this which one it is, whatever its value.
pub const CONTENT: &str = "the content";
/// The same of [`DecodeLimits::max_model_bytes`].
pub const DEFINITION: &str = "the length of a definition or model";
/// The same of [`DecodeLimits::max_segment`].
pub const SEGMENT: &str = "the length of a segment";
/// The same of the limit of a decoder for networks that archives bring along.
pub const NETWORK_WORK: &str = "the multiply-adds a symbol of a network within an archive";

/// The same of work that a decoder does again because there is no room to keep what it made.
pub const WORK_AGAIN: &str = "the bytes of streams that are opened again";

/// Whether what a limit is about counts as memory.
pub fn is_memory(what: &str) -> bool {
    ![CONTENT, DEFINITION, SEGMENT, NETWORK_WORK, WORK_AGAIN].contains(&what)
}

/// Limits of decoding, in bytes. All are checked before memory is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecodeLimits {
    /// Content of all archives of the input together. Default: no limit, since output is streamed.
    pub max_output: u64,
    /// Memory: of a reader of blocks, the table of them that it keeps, and the bytes of one block; of a decoder, all that
    /// it holds and works with together. Default 512 MiB.
    pub max_memory: u64,
    /// An embedded model, or a stream's tokeniser. Default 256 MiB.
    pub max_model_bytes: u64,
    /// Raw length of a segment. Default 256 MiB, four times the largest that the levels write.
    pub max_segment: u64,
}

impl Default for DecodeLimits {
    fn default() -> Self {
        Self {
            max_output: u64::MAX,
            max_memory: 512 << 20,
            max_model_bytes: 256 << 20,
            max_segment: 256 << 20,
        }
    }
}

impl DecodeLimits {
    /// `needed` bytes of memory, or the error that says for what they are too many.
    ///
    /// # Errors
    /// [`FormatError::LimitExceeded`].
    pub fn check_memory(&self, what: &'static str, needed: u64) -> Result<(), FormatError> {
        check(what, needed, self.max_memory)
    }
}

/// `needed <= limit`, or the error that says so.
///
/// # Errors
/// [`FormatError::LimitExceeded`].
pub fn check(what: &'static str, needed: u64, limit: u64) -> Result<(), FormatError> {
    if needed > limit {
        return Err(FormatError::LimitExceeded { what, needed, limit });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_needed_may_be_as_much_as_the_limit() {
        let limits = DecodeLimits { max_memory: 100, ..DecodeLimits::default() };
        assert!(limits.check_memory("it", 100).is_ok());
        assert!(matches!(
            limits.check_memory("it", 101),
            Err(FormatError::LimitExceeded { what: "it", needed: 101, limit: 100 })
        ));
    }
}
