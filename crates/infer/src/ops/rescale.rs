//! The one rescale: from the unit of a sum to the unit of what is stored.
//!
//! `rescale(a) = (a · multiplier + 2^(shift − 1)) >> shift`: round half up. The multiplier has 16 bits, so sums up to
//! 2^46 stay inside 64 bits. A model normalises the multiplier to [2^15, 2^16) where the factor is not zero.

use crate::error::ModelError;

/// A factor `multiplier · 2^−shift`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rescale {
    multiplier: u16,
    shift: u8,
}

impl Rescale {
    /// Least shift: in registers the multiplier is moved up by 15 bits, and the shift is then 33 at least.
    pub const SHIFT_MIN: u8 = 18;
    /// Largest shift.
    pub const SHIFT_MAX: u8 = 47;
    /// Bits by which kernels move the multiplier up, and the shift with it.
    pub(crate) const RAISE: u32 = 15;
    /// The factor 0.
    pub const ZERO: Rescale = Rescale { multiplier: 0, shift: Self::SHIFT_MIN };

    /// # Errors
    /// [`ModelError::Range`] if the shift is outside its limits.
    pub fn new(multiplier: u16, shift: u8) -> Result<Self, ModelError> {
        if !(Self::SHIFT_MIN..=Self::SHIFT_MAX).contains(&shift) {
            return Err(ModelError::Range {
                name: "rescale shift",
                value: i64::from(shift),
                min: i64::from(Self::SHIFT_MIN),
                max: i64::from(Self::SHIFT_MAX),
            });
        }
        Ok(Self { multiplier, shift })
    }

    /// The nearest factor to `numerator / denominator`: the largest there is (just below 1/4) where the quotient is
    /// larger, zero where it is below 2^−48 or the denominator is zero.
    pub fn from_ratio(numerator: u64, denominator: u64) -> Self {
        if denominator == 0 {
            return Self::ZERO;
        }
        for shift in (Self::SHIFT_MIN..=Self::SHIFT_MAX).rev() {
            let doubled = (u128::from(numerator) << (shift + 1)) / u128::from(denominator);
            if let Ok(multiplier) = u16::try_from(doubled.div_ceil(2)) {
                return Self { multiplier, shift };
            }
        }
        Self { multiplier: u16::MAX, shift: Self::SHIFT_MIN }
    }

    /// See the module. `|a| ≤ 2^46`.
    #[inline(always)]
    pub fn apply(self, a: i64) -> i64 {
        (a * i64::from(self.multiplier) + (1 << (self.shift - 1))) >> self.shift
    }

    /// [`Self::apply`], clamped to ± `bound`.
    #[inline(always)]
    pub fn clamped(self, a: i64, bound: i32) -> i32 {
        self.apply(a).clamp(-i64::from(bound), i64::from(bound)) as i32
    }

    /// The 16-bit multiplier.
    pub const fn multiplier(self) -> u16 {
        self.multiplier
    }

    /// The shift, [`Self::SHIFT_MIN`] to [`Self::SHIFT_MAX`].
    pub const fn shift(self) -> u8 {
        self.shift
    }

    /// The form for 32-bit registers.
    #[inline(always)]
    pub(crate) fn raised(self) -> Raised {
        let shift = u32::from(self.shift) + Self::RAISE - 32;
        Raised {
            multiplier: i32::from(self.multiplier) << Self::RAISE,
            half: 1 << (shift - 1),
            shift,
        }
    }
}

/// A [`Rescale`] of 32-bit sums, for vector units: the upper half of the product, rounded at `shift` more bits.
///
/// Exact: with m = multiplier · 2^15 and s = shift + 15 ≥ 33, the half 2^(s−1) is a multiple of 2^32, so
/// `⌊(a·m + 2^(s−1)) / 2^s⌋ = ⌊(⌊a·m / 2^32⌋ + 2^(s−33)) / 2^(s−32)⌋`; the upper half is below 2^30 in magnitude and
/// 2^(s−33) at most 2^29.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Raised {
    pub multiplier: i32,
    pub half: i32,
    pub shift: u32,
}

impl Raised {
    #[inline(always)]
    pub fn apply(self, a: i32) -> i32 {
        let upper = ((i64::from(a) * i64::from(self.multiplier)) >> 32) as i32;
        (upper + self.half) >> self.shift
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn halves_round_up() {
        let eighth = Rescale::from_ratio(1, 8);
        assert_eq!(
            [-13, -12, -11, -4, -3, 0, 3, 4, 11, 12].map(|a| eighth.apply(a)),
            [-2, -1, -1, 0, 0, 0, 0, 1, 1, 2]
        );
    }

    #[test]
    fn ratios_are_normalised_and_limited() {
        for (n, d) in [(1, 7), (1, 1_000_000_007), (999, 4001), (1, 1 << 30)] {
            let r = Rescale::from_ratio(n, d);
            assert!(r.multiplier >= 1 << 15, "{n}/{d}: {r:?}");
            // Within half a unit of the last place.
            let error = (i128::from(r.multiplier) * i128::from(d)) - (i128::from(n) << r.shift);
            assert!(error.abs() * 2 <= i128::from(d), "{n}/{d}: {r:?}");
        }
        assert_eq!(Rescale::from_ratio(5, 1), Rescale { multiplier: u16::MAX, shift: 18 });
        assert_eq!(Rescale::from_ratio(0, 5).multiplier, 0);
        assert!(Rescale::new(1, 17).is_err() && Rescale::new(1, 48).is_err());
    }

    proptest! {
        #[test]
        fn the_raised_form_is_equal(a: i32, multiplier: u16, shift in 18u8..=47) {
            let rescale = Rescale::new(multiplier, shift).expect("in range");
            prop_assert_eq!(i64::from(rescale.raised().apply(a)), rescale.apply(i64::from(a)));
            for a in [i32::MIN, i32::MAX, 0, -1] {
                prop_assert_eq!(i64::from(rescale.raised().apply(a)), rescale.apply(i64::from(a)));
            }
        }
    }
}
