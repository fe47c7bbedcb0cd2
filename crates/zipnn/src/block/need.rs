//! What decoding of a block takes, told before it is done.

use super::{Method, archive};
use crate::error::WeightsError;
use crate::{mixed, sparse};

/// What decoding of any block takes beside the block itself: tables, buffers, the state of a library.
const TABLES: u64 = 1 << 20;

/// Memory for decoding of a block, beside its coded and its raw bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Need {
    pub bytes: u64,
    /// The codec decodes it, which keeps to what it is given: `bytes` is what it usually takes. Else it never is more.
    pub elastic: bool,
}

/// What decoding of a block takes.
///
/// # Errors
/// [`WeightsError::Corrupt`] where the block cannot be decoded.
pub(crate) fn memory(coded: &[u8], raw: usize) -> Result<Need, WeightsError> {
    let raw_len = raw as u64;
    let (mut bytes, mut elastic) = (TABLES, false);
    let Some((&method, mut input)) = coded.split_first() else {
        return Ok(Need { bytes, elastic });
    };
    match Method::from_byte(method) {
        None | Some(Method::Stored | Method::Zstd) => {}
        // Planes that were coded by Zstandard are decoded as a whole.
        Some(Method::Planes | Method::Joint) => bytes += raw_len,
        Some(Method::Mixed) => bytes += raw_len + mixed::memory(&mut input, raw)?,
        Some(Method::Archive) => {
            bytes += archive::usual(raw_len);
            elastic = true;
        }
        Some(Method::Sparse) => {
            let (inner, len) = sparse::inner(&mut input, raw)?;
            bytes += raw_len / 4 + len as u64;
            // One that is sparse itself is refused when it is decoded.
            if inner.first() != Some(&(Method::Sparse as u8)) {
                let need = memory(inner, len)?;
                (bytes, elastic) = (bytes + need.bytes, need.elastic);
            }
        }
    }
    Ok(Need { bytes, elastic })
}
