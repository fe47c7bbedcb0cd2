//! One trait for writing, reading and counting bits.
//!
//! A model is written once: it calls a [`BinaryCoder`] with the value it has. An encoder codes that value
//! and gives it back; a decoder ignores it and gives the value it read; a counter adds up the cost. So the
//! two directions cannot disagree about the order of the calls.

/// Probabilities of a decision are in units of 2^-16.
pub const PROB_BITS: u32 = 16;
/// The smallest probability of either outcome of a decision: 2^-12. It bounds the work that a coded
/// byte can ask of a decoder.
pub const PROB_MIN: u32 = 1 << (PROB_BITS - 12);
const _: () = assert!(PROB_MIN == 16, "the format fixes it");

/// Codes decisions, uniform values and raw bits.
pub trait BinaryCoder {
    /// Codes one decision. `p1` is the probability that it is `true`, in units of 2^-16, already inside
    /// `PROB_MIN ..= 65536 - PROB_MIN`.
    fn bit(&mut self, p1: u32, bit: bool) -> bool;

    /// Codes `value`, uniform over `0..n`, with `1 <= n <= 65536`. A decoder never returns `n` or more.
    fn uniform(&mut self, n: u32, value: u32) -> u32;

    /// Codes the low `bits` bits of `value` as they are, `bits <= 64`.
    fn raw(&mut self, bits: u32, value: u64) -> u64;
}

/// Codes `value`, uniform over `0..n`: the top 16 bits (at most) by [`BinaryCoder::uniform`], the rest raw.
/// A decoder may return a value of `n` or more on hostile input; the caller must check.
/// `n = 0` stands for 2^64.
#[inline(always)]
pub fn code_wide_uniform<C: BinaryCoder>(coder: &mut C, n: u64, value: u64) -> u64 {
    let last = n.wrapping_sub(1);
    let low_bits = (64 - last.leading_zeros()).saturating_sub(PROB_BITS);
    let top = coder.uniform((last >> low_bits) as u32 + 1, (value >> low_bits) as u32);
    if low_bits == 0 {
        return u64::from(top);
    }
    let low = coder.raw(low_bits, value & (u64::MAX >> (64 - low_bits)));
    u64::from(top) << low_bits | low
}
