//! Entropy coding: CDF laws, range coder, rANS, bit streams, cost counter.
#![forbid(unsafe_code)]

pub mod coder;

pub use coder::{BinaryCoder, PROB_BITS, PROB_MIN, code_wide_uniform};
