//! The transcendental functions that predictions may use, each pinned.
//!
//! Every function here gives the same bits on every machine: IEEE `+ − × ÷ √` in f64, and otherwise the
//! pure-Rust crate `libm` at one exact version without its architecture-specific features. The platform's
//! mathematical library (`f64::exp`, `f64::sin`, …) must never be called in this crate. A test pins a hash
//! of each function over 10^6 inputs; a change of any of them needs a new arithmetic profile in the format.

use std::f64::consts::PI;

/// e^x.
#[inline]
pub fn exp(x: f64) -> f64 {
    libm::exp(x)
}

/// Natural logarithm.
#[inline]
pub fn log(x: f64) -> f64 {
    libm::log(x)
}

/// Sine of an angle in radians.
#[inline]
pub fn sin(x: f64) -> f64 {
    libm::sin(x)
}

/// Cosine of an angle in radians.
#[inline]
pub fn cos(x: f64) -> f64 {
    libm::cos(x)
}

/// Tangent of an angle in radians.
#[inline]
pub fn tan(x: f64) -> f64 {
    libm::tan(x)
}

/// Arc tangent.
#[inline]
pub fn atan(x: f64) -> f64 {
    libm::atan(x)
}

/// The angle of the point (x, y), in (−π, π].
#[inline]
pub fn atan2(y: f64, x: f64) -> f64 {
    libm::atan2(y, x)
}

/// Hyperbolic sine.
#[inline]
pub fn sinh(x: f64) -> f64 {
    libm::sinh(x)
}

/// Hyperbolic cosine.
#[inline]
pub fn cosh(x: f64) -> f64 {
    libm::cosh(x)
}

/// Hyperbolic tangent.
#[inline]
pub fn tanh(x: f64) -> f64 {
    libm::tanh(x)
}

/// Inverse hyperbolic sine.
#[inline]
pub fn asinh(x: f64) -> f64 {
    libm::asinh(x)
}

/// Square root, correctly rounded by IEEE 754.
#[inline]
pub fn sqrt(x: f64) -> f64 {
    x.sqrt()
}

/// √(a² + b²), written out: no scaling against overflow.
#[inline]
pub fn hypot(a: f64, b: f64) -> f64 {
    sqrt(a * a + b * b)
}

/// An angle moved by one turn, if need be, into [−π, π].
#[inline]
pub fn wrap_angle(x: f64) -> f64 {
    if x > PI {
        x - 2.0 * PI
    } else if x < -PI {
        x + 2.0 * PI
    } else {
        x
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Inputs of all magnitudes between 2^-40 and 2^(top), both signs.
    fn inputs(top: i32) -> impl Iterator<Item = f64> {
        let mut state = 0x9e37_79b9_7f4a_7c15u64;
        (0..1_000_000).map(move |_| {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = state;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            z ^= z >> 31;
            let exponent = 983 + (z >> 53) % (top + 40) as u64;
            f64::from_bits((z & 0x800f_ffff_ffff_ffff) | (exponent << 52))
        })
    }

    fn fnv(values: impl Iterator<Item = f64>) -> u64 {
        values.fold(0xcbf2_9ce4_8422_2325, |h, v| {
            // All NaNs count as one: their payload is not part of the contract.
            let bits = if v.is_nan() { 0x7ff8_0000_0000_0000 } else { v.to_bits() };
            bits.to_le_bytes()
                .iter()
                .fold(h, |h, &b| (h ^ u64::from(b)).wrapping_mul(0x100_0000_01b3))
        })
    }

    #[test]
    fn every_function_is_pinned() {
        let pairs = || inputs(10).zip(inputs(9).skip(1));
        let got = [
            ("exp", fnv(inputs(10).map(exp))),
            ("log", fnv(inputs(30).map(f64::abs).map(log))),
            ("sin", fnv(inputs(40).map(sin))),
            ("cos", fnv(inputs(40).map(cos))),
            ("tan", fnv(inputs(40).map(tan))),
            ("atan", fnv(inputs(40).map(atan))),
            ("atan2", fnv(pairs().map(|(a, b)| atan2(a, b)))),
            ("sinh", fnv(inputs(10).map(sinh))),
            ("cosh", fnv(inputs(10).map(cosh))),
            ("tanh", fnv(inputs(10).map(tanh))),
            ("asinh", fnv(inputs(40).map(asinh))),
            ("sqrt", fnv(inputs(40).map(f64::abs).map(sqrt))),
            ("hypot", fnv(pairs().map(|(a, b)| hypot(a, b)))),
            ("wrap_angle", fnv(inputs(3).map(wrap_angle))),
        ];
        let want: [(&str, u64); 14] = PINNED;
        assert_eq!(got, want);
    }

    const PINNED: [(&str, u64); 14] = [
        ("exp", 0xfd99_26cc_bc46_09c0),
        ("log", 0x683a_06d3_5b24_c2bc),
        ("sin", 0x3f1b_48ce_c84f_b79c),
        ("cos", 0xb8e7_ff66_7238_4d59),
        ("tan", 0x76e7_7f85_62e7_814f),
        ("atan", 0xb9e6_7dea_f9a1_94be),
        ("atan2", 0x4107_407e_363e_588f),
        ("sinh", 0x6e7d_1b43_5cb2_0fdc),
        ("cosh", 0x208d_c992_278e_327d),
        ("tanh", 0x890a_cdbf_acc5_b6d5),
        ("asinh", 0xb0e9_63f6_b3fd_2cda),
        ("sqrt", 0x4044_0471_b22b_2025),
        ("hypot", 0x972d_1312_e0d8_1453),
        ("wrap_angle", 0xe8a4_8a0b_b767_5300),
    ];
}
