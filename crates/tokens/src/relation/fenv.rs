//! The floating-point environment that predictions rely on, and a check of it.
//!
//! Predictions need IEEE 754 arithmetic as Rust starts it: round to nearest even, subnormal numbers kept,
//! no excess precision. Host programs can change that behind our back (fast-math libraries loaded into a
//! Python process set flush-to-zero; C code calls `fesetround`; 32-bit x86 without SSE2 computes in 80
//! bits). The state cannot be read without unsafe code, so it is detected by its effect on a few values
//! that the compiler cannot fold. It belongs to the thread: check in every thread that predicts, before a
//! segment is coded or decoded. A failed check is an error of the host, not of the data.

use std::hint::black_box;

use crate::error::TokenError;

/// The floating-point environment of the current thread.
#[derive(Debug)]
pub struct FloatEnv;

impl FloatEnv {
    /// Makes sure that f64 and f32 arithmetic of this thread is IEEE 754 in its default mode.
    ///
    /// # Errors
    /// [`TokenError::FloatEnvironment`] that names what differs.
    pub fn check() -> Result<(), TokenError> {
        let e64 = black_box(1.0 / 9_007_199_254_740_992.0); // 2^-53: half an ulp of 1
        let e32 = black_box(1.0f32 / 16_777_216.0); // 2^-24
        let (one64, one32) = (black_box(1.0f64), black_box(1.0f32));
        let ulp64 = f64::EPSILON;
        let ulp32 = f32::EPSILON;
        let nearest = one64 + e64 == 1.0
            && -one64 - e64 == -1.0
            && one64 + 1.5 * e64 == 1.0 + ulp64
            && -one64 - 1.5 * e64 == -1.0 - ulp64
            && one32 + e32 == 1.0
            && -one32 - e32 == -1.0
            && one32 + 1.5 * e32 == 1.0 + ulp32
            && -one32 - 1.5 * e32 == -1.0 - ulp32;
        if !nearest {
            return Err(TokenError::FloatEnvironment(
                "the host has changed the rounding mode of this thread",
            ));
        }
        let half = black_box(0.5f64);
        let half32 = black_box(0.5f32);
        let tiny = black_box(f64::from_bits(1));
        let tiny32 = black_box(f32::from_bits(1));
        let kept = (black_box(f64::MIN_POSITIVE) * half).to_bits() == 1 << 51
            && (black_box(f32::MIN_POSITIVE) * half32).to_bits() == 1 << 22
            && (tiny + tiny).to_bits() == 2
            && (tiny32 + tiny32).to_bits() == 2
            && tiny * black_box(4_503_599_627_370_496.0) == f64::MIN_POSITIVE
            && tiny32 * black_box(8_388_608.0f32) == f32::MIN_POSITIVE;
        if !kept {
            return Err(TokenError::FloatEnvironment(
                "the host has set flush-to-zero or denormals-are-zero in this thread",
            ));
        }
        let (big, ten) = (black_box(1e308f64), black_box(10.0f64));
        if (black_box(big * ten) / ten).is_finite() {
            return Err(TokenError::FloatEnvironment(
                "this machine computes with excess precision",
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_environment_passes() {
        FloatEnv::check().expect("default environment");
    }
}
