//! The exact definition of every operation, one per file, in plain loops over 64-bit sums.
//!
//! These are the specification (docs/determinism.md, "the network"): [`crate::reference`] is made of them alone, and
//! the production engine equals it bit for bit. All numbers are integers in fixed point; the formats of activations:
//!
//! | place | type | range | unit |
//! |---|---|---|---|
//! | residual stream | i32 | ± (2^23 − 1) | free, of the model |
//! | normalised vector, attention output, feed-forward product, memory entry | i16 | ± 32767 | free, of the layer |
//! | query, key, gate | i16 | ± 2047 | free, of the layer |
//! | scores, logits | i32 | i16 and a bias | 2^−8 in the exponent of two |
//! | attention weights | i16 | 0..=32767 | 1 / 32767 |
//! | β, sigmoid | i16 | 0..=32767 | 2^−15 |

pub mod attention;
pub mod cdf;
pub mod embed;
pub mod eviction;
pub mod exp2;
pub mod linear;
pub mod norm;
pub mod rescale;
pub mod swiglu;

/// Largest magnitude of a number of the residual stream.
pub const RESIDUAL_MAX: i32 = (1 << 23) - 1;
/// Largest magnitude of an i16 activation or weight.
pub const ACTIVATION_MAX: i32 = 32767;
/// Largest magnitude of queries, keys and gates: 12 bits.
pub const NARROW_MAX: i32 = 2047;

/// `(a · b + 2^14) >> 15`: the product of two i16 numbers, one of them in units of 2^−15.
#[inline(always)]
pub fn product15(a: i32, b: i32) -> i32 {
    (a * b + (1 << 14)) >> 15
}

/// Clamped to ± 32767.
#[inline(always)]
pub fn clamp16(x: i32) -> i16 {
    x.clamp(-ACTIVATION_MAX, ACTIVATION_MAX) as i16
}
