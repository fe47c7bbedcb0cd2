//! Entropy coding: CDF laws, range coder, rANS, bit streams, cost counter.
//!
//! Everything here is integer arithmetic, except [`cost`], which only reports. Every decoder is total: any
//! bytes give values in range, missing bytes read as zeros, and `finish` tells whether the stream was exactly
//! what the encoder writes.
#![forbid(unsafe_code)]

pub mod bits;
pub mod cdf;
pub mod coder;
pub mod cost;
#[cfg(feature = "desync")]
pub mod desync;
pub mod error;
pub mod range;
pub mod rans;
pub mod symbols;
pub mod varint;

pub use bits::{BitReader, BitWriter};
pub use cdf::Cdf;
pub use coder::{BinaryCoder, PROB_BITS, PROB_MIN, code_wide_uniform};
pub use cost::CostCounter;
pub use error::EntropyError;
pub use range::{RangeDecoder, RangeEncoder};
pub use rans::{DecTable, EncTable, FreqTable, RansDecoder, RansEncoder};
pub use symbols::SymbolCoder;
pub use varint::{read_varint, write_varint};
