//! Ordered integers: every bit pattern of a kind as an unsigned number that rises with the value.
//!
//! The map is a bijection on all bit patterns (NaN payloads and −0 included), so nothing is lost:
//! floats with the sign bit set are complemented, the others get the sign bit set; signed integers have
//! the sign bit flipped; unsigned numbers stay.

use crate::layout::Kind;

/// All ones in the low `bits` bits.
#[inline(always)]
pub const fn mask(bits: u32) -> u64 {
    u64::MAX >> (64 - bits)
}

/// Bit pattern → ordered integer, both in the low `kind.bits()` bits.
#[inline(always)]
pub const fn to_ordered(kind: Kind, raw: u64) -> u64 {
    let w = kind.bits();
    let sign = 1u64 << (w - 1);
    if kind.is_float() {
        let set = (raw >> (w - 1) & 1).wrapping_neg();
        (raw ^ (sign | set)) & mask(w)
    } else if kind.is_signed_int() {
        raw ^ sign
    } else {
        raw
    }
}

/// Ordered integer → bit pattern: the inverse of [`to_ordered`].
#[inline(always)]
pub const fn from_ordered(kind: Kind, ordered: u64) -> u64 {
    let w = kind.bits();
    let sign = 1u64 << (w - 1);
    if kind.is_float() {
        // All ones where the sign bit is clear; without a branch, since signs are random.
        let clear = (ordered >> (w - 1) & 1).wrapping_sub(1);
        (ordered ^ (sign | clear)) & mask(w)
    } else if kind.is_signed_int() {
        ordered ^ sign
    } else {
        ordered
    }
}

/// The value of a bit pattern as f64: exact for all kinds but 64-bit integers beyond 2^53 (nearest even).
#[inline(always)]
pub fn to_f64(kind: Kind, raw: u64) -> f64 {
    match kind {
        Kind::F32 => f64::from(f32::from_bits(raw as u32)),
        Kind::F64 => f64::from_bits(raw),
        Kind::F16 => half_to_f64(raw as u16),
        Kind::Bf16 => f64::from(f32::from_bits((raw as u32) << 16)),
        Kind::I8 => f64::from(raw as u8 as i8),
        Kind::I16 => f64::from(raw as u16 as i16),
        Kind::I32 => f64::from(raw as u32 as i32),
        Kind::I64 => raw as i64 as f64,
        Kind::U8 | Kind::U16 | Kind::U32 | Kind::U64 | Kind::Bytes(_) => raw as f64,
    }
}

/// The bit pattern of the value of `kind` nearest to `x` (ties to even). Integers saturate; a value that
/// is not finite, or not finite after rounding, gives the pattern of zero.
#[inline(always)]
pub fn from_f64(kind: Kind, x: f64) -> u64 {
    if !x.is_finite() {
        return 0;
    }
    let bits = kind.bits();
    match kind {
        Kind::F32 => {
            let y = x as f32;
            if y.is_finite() { u64::from(y.to_bits()) } else { 0 }
        }
        Kind::F64 => x.to_bits(),
        Kind::F16 => u64::from(f64_to_half(x)),
        Kind::Bf16 => u64::from(f64_to_bf16(x)),
        Kind::I8 | Kind::I16 | Kind::I32 | Kind::I64 => {
            let limit = (1u64 << (bits - 1)) as f64;
            let r = round_even(x);
            let v = if r >= limit {
                (mask(bits) >> 1) as i64
            } else if r < -limit {
                -(1i64 << (bits - 2)) * 2
            } else {
                r as i64
            };
            v as u64 & mask(bits)
        }
        Kind::U8 | Kind::U16 | Kind::U32 | Kind::U64 | Kind::Bytes(_) => {
            let r = round_even(x);
            if r <= 0.0 {
                0
            } else if r >= (mask(bits) as f64) {
                mask(bits)
            } else {
                r as u64
            }
        }
    }
}

/// Nearest integer, ties to even, by IEEE additions alone (valid in the default rounding mode).
#[inline(always)]
fn round_even(x: f64) -> f64 {
    const BIG: f64 = 4_503_599_627_370_496.0; // 2^52: adding it leaves no fraction bits
    if x.abs() >= BIG {
        x
    } else if x >= 0.0 {
        (x + BIG) - BIG
    } else {
        (x - BIG) + BIG
    }
}

fn half_to_f64(h: u16) -> f64 {
    let sign = if h & 0x8000 != 0 { -1.0 } else { 1.0 };
    let exponent = i32::from(h >> 10) & 31;
    let mantissa = f64::from(h & 0x3ff);
    match exponent {
        0 => sign * mantissa * pow2(-24),
        31 if mantissa == 0.0 => sign * f64::INFINITY,
        31 => f64::NAN,
        e => sign * (1024.0 + mantissa) * pow2(e - 25),
    }
}

/// Rounds to binary16, ties to even; overflow gives zero (see [`from_f64`]).
fn f64_to_half(x: f64) -> u16 {
    let sign = if x.is_sign_negative() { 0x8000u16 } else { 0 };
    let a = x.abs();
    if a >= 65_520.0 {
        return 0;
    }
    // A multiple of the spacing at this magnitude: 2^-24 below 2^-14, else 2^(e-10).
    let e = ((a.to_bits() >> 52) as i32 - 1023).max(-14);
    let units = round_even(a * pow2(10 - e)) as u32; // 0..=2048
    // Units of 2048 carry into the exponent by themselves; below 1024, at −14, there is none.
    let h = ((e + 15) as u32) * 1024 + units - 1024;
    if h >= 0x7c00 { 0 } else { sign | h as u16 }
}

fn f64_to_bf16(x: f64) -> u16 {
    // Round once, from f64: a spacing of 2^(e-7), 2^-133 below the normal range.
    let sign = if x.is_sign_negative() { 0x8000u16 } else { 0 };
    let a = x.abs();
    let e = ((a.to_bits() >> 52) as i32 - 1023).max(-126);
    if e > 127 {
        return 0;
    }
    let units = round_even(a * pow2(7 - e)) as u32; // 0..=256
    let h = ((e + 127) as u32) * 128 + units - 128;
    if h >= 0x7f80 { 0 } else { sign | h as u16 }
}

/// 2^e for normal results.
#[inline(always)]
const fn pow2(e: i32) -> f64 {
    f64::from_bits(((e + 1023) as u64) << 52)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn kinds() -> Vec<Kind> {
        [&Kind::NUMBERS[..], &[Kind::Bytes(5)]].concat()
    }

    proptest! {
        #[test]
        fn a_bijection_on_all_bit_patterns(kind in prop::sample::select(kinds()), raw in any::<u64>()) {
            let raw = raw & mask(kind.bits());
            let x = to_ordered(kind, raw);
            prop_assert!(x <= mask(kind.bits()));
            prop_assert_eq!(from_ordered(kind, x), raw);
        }

        #[test]
        fn rises_with_the_value(a in any::<u32>(), b in any::<u32>(), kind in prop::sample::select(kinds())) {
            let (a, b) = (u64::from(a) & mask(kind.bits()), u64::from(b) & mask(kind.bits()));
            let (x, y) = (to_f64(kind, a), to_f64(kind, b));
            if x < y {
                prop_assert!(to_ordered(kind, a) < to_ordered(kind, b));
            }
        }

        #[test]
        fn values_of_all_kinds_round_to_themselves(kind in prop::sample::select(kinds()), raw in any::<u64>()) {
            // 64-bit integers need not fit an f64.
            let raw = raw & mask(kind.bits()) & if kind.bits() == 64 && !kind.is_float() { mask(50) } else { u64::MAX };
            let x = to_f64(kind, raw);
            if x.is_finite() {
                prop_assert_eq!(from_f64(kind, x), raw, "{}", x);
            }
        }
    }

    /// What the format says, by examples.
    #[test]
    fn ordered_integers_of_each_kind() {
        for (kind, raw, ordered) in [
            (Kind::F32, 0, 0x8000_0000),
            (Kind::F32, 0x8000_0000, 0x7fff_ffff),
            (Kind::F32, 0x3f80_0000, 0xbf80_0000),
            (Kind::F64, 0xbff0_0000_0000_0000, 0x400f_ffff_ffff_ffff),
            (Kind::F16, 0x7e01, 0xfe01),
            (Kind::Bf16, 0xffff, 0),
            (Kind::I8, 0x80, 0),
            (Kind::I16, 0xffff, 0x7fff),
            (Kind::I64, 5, 0x8000_0000_0000_0005),
            (Kind::U16, 0xffff, 0xffff),
            (Kind::Bytes(3), 0x80_0001, 0x80_0001),
        ] {
            assert_eq!(to_ordered(kind, raw), ordered, "{kind:?} {raw:#x}");
            assert_eq!(from_ordered(kind, ordered), raw, "{kind:?} {raw:#x}");
        }
    }

    #[test]
    fn values_of_halves() {
        for (raw, x) in [
            (0x0001, 2f64.powi(-24)),
            (0x03ff, 1023.0 * 2f64.powi(-24)),
            (0x0400, 2f64.powi(-14)),
            (0x3c01, 1.0 + 1.0 / 1024.0),
            (0xc000, -2.0),
            (0x7bff, 65_504.0),
            (0x7c00, f64::INFINITY),
            (0xfc00, f64::NEG_INFINITY),
        ] {
            assert_eq!(to_f64(Kind::F16, raw), x, "{raw:#x}");
        }
        assert!(to_f64(Kind::F16, 0x7c01).is_nan());
        assert!(to_f64(Kind::F16, 0x8000).is_sign_negative());
        assert_eq!(to_f64(Kind::Bf16, 0xbfc0), -1.5);
    }

    #[test]
    fn integers_round_to_nearest_even_and_saturate() {
        for (kind, x, raw) in [
            (Kind::I8, 126.5, 126),
            (Kind::I8, 127.4, 127),
            (Kind::I8, 127.5, 127),
            (Kind::I8, 128.0, 127),
            (Kind::I8, -127.4, 0x81),
            (Kind::I8, -128.0, 0x80),
            (Kind::I8, -129.0, 0x80),
            (Kind::I16, -1.5, 0xfffe),
            (Kind::I32, 2f64.powi(31), 0x7fff_ffff),
            (Kind::I32, -2f64.powi(31), 0x8000_0000),
            (Kind::I64, 2f64.powi(63), i64::MAX as u64),
            (Kind::I64, -2f64.powi(63), 1 << 63),
            (Kind::I64, -1e300, 1 << 63),
            (Kind::I64, 2f64.powi(53) + 2.0, (1 << 53) + 2),
            (Kind::I64, 4_503_599_627_370_497.0, 4_503_599_627_370_497),
            (Kind::I64, -4_503_599_627_370_497.0, -4_503_599_627_370_497i64 as u64),
            (Kind::U8, 0.5, 0),
            (Kind::U8, 1.5, 2),
            (Kind::U8, 2.5, 2),
            (Kind::U8, 254.4, 254),
            (Kind::U8, 255.0, 255),
            (Kind::U8, 300.0, 255),
            (Kind::U32, 4e9, 4_000_000_000),
            (Kind::U32, -0.7, 0),
            (Kind::U64, 2f64.powi(64), u64::MAX),
            (Kind::Bytes(3), 1e9, 0xff_ffff),
        ] {
            assert_eq!(from_f64(kind, x), raw, "{kind:?} {x}");
        }
    }

    #[test]
    fn short_floats_round_to_nearest_even() {
        for (kind, x, raw) in [
            (Kind::Bf16, 1.0 + 1.0 / 256.0, 0x3f80),
            (Kind::Bf16, 1.0 + 3.0 / 256.0, 0x3f82),
            (Kind::Bf16, 1.999, 0x4000),
            (Kind::Bf16, -1.0, 0xbf80),
            (Kind::Bf16, 2f64.powi(-133), 1),
            (Kind::Bf16, 127.0 * 2f64.powi(-133), 0x007f),
            (Kind::Bf16, 127.5 * 2f64.powi(-133), 0x0080),
            (Kind::Bf16, 2f64.powi(-126), 0x0080),
            (Kind::Bf16, 2f64.powi(-134), 0),
            (Kind::Bf16, 255.0 * 2f64.powi(120), 0x7f7f),
            (Kind::Bf16, 255.5 * 2f64.powi(120), 0),
            (Kind::Bf16, 2f64.powi(127), 0x7f00),
            (Kind::Bf16, 2f64.powi(128), 0),
            (Kind::Bf16, 1e300, 0),
            (Kind::F16, 1.9999, 0x4000),
            (Kind::F16, 2f64.powi(-14), 0x0400),
            (Kind::F16, 1023.5 * 2f64.powi(-24), 0x0400),
            (Kind::F16, 1022.5 * 2f64.powi(-24), 0x03fe),
            (Kind::F16, 2f64.powi(-25), 0),
            (Kind::F16, 1e300, 0),
            (Kind::F16, -1e300, 0),
            (Kind::F32, 1e39, 0),
            (Kind::F32, -0.5, 0xbf00_0000),
            (Kind::F64, f64::INFINITY, 0),
        ] {
            assert_eq!(from_f64(kind, x), raw, "{kind:?} {x}");
        }
    }

    #[test]
    fn halves_round_to_nearest_even() {
        let h = |x: f64| from_f64(Kind::F16, x);
        assert_eq!(h(1.0), 0x3c00);
        assert_eq!(h(1.0 + 1.0 / 2048.0), 0x3c00);
        assert_eq!(h(1.0 + 3.0 / 2048.0), 0x3c02);
        assert_eq!(h(65_519.0), 0x7bff);
        assert_eq!(h(65_520.0), 0);
        assert_eq!(h(5.960_464_477_539_063e-8), 1);
        assert_eq!(h(-2.0), 0xc000);
        assert_eq!(from_f64(Kind::I8, 1e9), 127);
        assert_eq!(from_f64(Kind::I8, -1e9), 128);
        assert_eq!(from_f64(Kind::U16, -3.0), 0);
        assert_eq!(from_f64(Kind::I32, f64::NAN), 0);
    }
}
