//! Symbols by a [`Cdf`]: the 256-ary side of the coders, and whole arrays of them.

use crate::cdf::Cdf;
use crate::coder::BinaryCoder;
use crate::error::EntropyError;
use crate::range::{RangeDecoder, RangeEncoder};

/// A coder that also codes one of 256 symbols at once. Same convention as [`BinaryCoder`]: an encoder codes
/// `s` and returns it, a decoder ignores `s` and returns what it read, a counter adds up.
pub trait SymbolCoder: BinaryCoder {
    /// Codes `s` with probability `cdf.width(s)` / 2^16.
    fn symbol(&mut self, cdf: &Cdf, s: u8) -> u8;

    /// True where more was read than a stream holds: time to stop. An encoder never overruns.
    fn overran(&self) -> bool {
        false
    }
}

/// Codes an array: symbol `i` by distribution `i`.
///
/// # Errors
/// [`EntropyError::InvalidArgument`] if there is not one distribution for each symbol.
pub fn encode_symbols(cdfs: &[Cdf], symbols: &[u8]) -> Result<Vec<u8>, EntropyError> {
    if cdfs.len() != symbols.len() {
        return Err(EntropyError::InvalidArgument("one distribution for each symbol is needed"));
    }
    let mut encoder = RangeEncoder::new();
    for (cdf, &s) in cdfs.iter().zip(symbols) {
        encoder.symbol(cdf, s);
    }
    Ok(encoder.finish())
}

/// Decodes the `n` symbols that [`encode_symbols`] coded with the same distributions.
///
/// # Errors
/// [`EntropyError::InvalidArgument`] if there are not `n` distributions; otherwise as
/// [`RangeDecoder::finish`]: bytes that are not exactly what the encoder writes for the symbols found.
pub fn decode_symbols(cdfs: &[Cdf], n: usize, bytes: &[u8]) -> Result<Vec<u8>, EntropyError> {
    if cdfs.len() != n {
        return Err(EntropyError::InvalidArgument("one distribution for each symbol is needed"));
    }
    let mut decoder = RangeDecoder::new(bytes);
    let symbols = cdfs.iter().map(|cdf| decoder.symbol(cdf, 0)).collect();
    decoder.finish()?;
    Ok(symbols)
}
