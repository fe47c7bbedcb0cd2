//! Symbols by a [`Cdf`]: the 256-ary side of the coders.

use crate::cdf::Cdf;
use crate::coder::BinaryCoder;

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
