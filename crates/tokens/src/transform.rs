//! Transforms: bijections of a field's ordered integers onto its coding domain `0..2^w`.
//!
//! * identity: the ordered integer itself;
//! * delta: difference to the same field of the previous record;
//! * quantum: values whose magnitude is a multiple of `q` rank first, all others after them;
//! * relation: difference to a prediction from other fields of the record.
//!
//! Differences wrap modulo 2^w and are re-centred by 2^(w−1), so "no difference" is the centre.

use crate::layout::Kind;
use crate::ordered::mask;
use crate::relation::Predictor;

/// How a field's ordered integer becomes the number that is binned.
#[derive(Clone, Debug, PartialEq)]
pub enum Transform {
    /// No change.
    Identity,
    /// Difference to the previous record.
    Delta,
    /// Multiples of `q >= 2` first. On signed kinds and floats it acts on the magnitude bits.
    Quantum(u64),
    /// Difference to a prediction.
    Relation(Predictor),
}

impl Transform {
    /// Whether the coding domain is a difference.
    #[inline(always)]
    pub fn is_difference(&self) -> bool {
        matches!(self, Transform::Delta | Transform::Relation(_))
    }
}

/// Difference of ordered integers, re-centred.
#[inline(always)]
pub fn difference(width: u32, value: u64, base: u64) -> u64 {
    value.wrapping_sub(base).wrapping_add(1 << (width - 1)) & mask(width)
}

/// Inverse of [`difference`].
#[inline(always)]
pub fn undo_difference(width: u32, d: u64, base: u64) -> u64 {
    d.wrapping_add(base).wrapping_sub(1 << (width - 1)) & mask(width)
}

/// Rank of `m` in `0..=last`: multiples of `q` first.
#[inline(always)]
fn rank(m: u64, q: u64, last: u64) -> u64 {
    let k = m / q;
    if m.is_multiple_of(q) { k } else { last / q + 1 + (m - k - 1) }
}

/// Inverse of [`rank`].
#[inline(always)]
fn unrank(r: u64, q: u64, last: u64) -> u64 {
    let multiples = last / q + 1;
    if r < multiples {
        r * q
    } else {
        let t = r - multiples;
        t + t / (q - 1) + 1
    }
}

/// Quantum transform of an ordered integer.
#[inline(always)]
pub fn quantum(kind: Kind, q: u64, ordered: u64) -> u64 {
    on_magnitude(kind, ordered, |m, last| rank(m, q, last))
}

/// Inverse of [`quantum`].
#[inline(always)]
pub fn undo_quantum(kind: Kind, q: u64, d: u64) -> u64 {
    on_magnitude(kind, d, |r, last| unrank(r, q, last))
}

/// Applies a bijection of `0..=last` to the magnitude bits, sign kept. Magnitude means distance from the
/// lowest positive number upwards, from the highest negative one downwards; unsigned numbers are all
/// magnitude.
#[inline(always)]
fn on_magnitude(kind: Kind, ordered: u64, f: impl Fn(u64, u64) -> u64) -> u64 {
    let width = kind.bits();
    if !kind.is_float() {
        return f(ordered, mask(width));
    }
    let sign = 1u64 << (width - 1);
    let last = sign - 1;
    if ordered & sign != 0 {
        sign | f(ordered & last, last)
    } else {
        last - f(last - ordered, last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ordered::to_ordered;
    use proptest::prelude::*;

    const KINDS: [Kind; 8] = [
        Kind::F16,
        Kind::F32,
        Kind::F64,
        Kind::I8,
        Kind::I64,
        Kind::U16,
        Kind::U64,
        Kind::Bytes(3),
    ];

    proptest! {
        #[test]
        fn quantum_is_a_bijection(kind in prop::sample::select(KINDS.to_vec()), x in any::<u64>(), q in 2u64..100_000, big in any::<bool>()) {
            let x = x & mask(kind.bits());
            let q = if big { (q << 30 | 3) & mask(kind.bits() - 1) } else { q & mask(kind.bits() - 1) }.max(2);
            let d = quantum(kind, q, x);
            prop_assert!(d <= mask(kind.bits()));
            prop_assert_eq!(undo_quantum(kind, q, d), x);
        }

        #[test]
        fn difference_is_a_bijection(w in prop::sample::select(vec![8u32, 16, 24, 32, 64]), x in any::<u64>(), b in any::<u64>()) {
            let (x, b) = (x & mask(w), b & mask(w));
            prop_assert_eq!(undo_difference(w, difference(w, x, b), b), x);
        }
    }

    #[test]
    fn every_value_of_narrow_kinds_has_its_rank() {
        for (kind, last) in [(Kind::U8, 255), (Kind::I8, 255), (Kind::F16, 65_535)] {
            for q in [2, 3, 5, 100, 127] {
                let mut seen = vec![false; last as usize + 1];
                for x in 0..=last {
                    let d = quantum(kind, q, x);
                    assert!(!std::mem::replace(&mut seen[d as usize], true), "{kind:?} {q} {x}");
                    assert_eq!(undo_quantum(kind, q, d), x, "{kind:?} {q}");
                }
            }
        }
    }

    #[test]
    fn differences_are_told() {
        assert!(Transform::Delta.is_difference());
        assert!(!Transform::Identity.is_difference() && !Transform::Quantum(3).is_difference());
    }

    #[test]
    fn truncated_floats_become_neighbours() {
        let d = |x: f32| quantum(Kind::F32, 1 << 13, to_ordered(Kind::F32, u64::from(x.to_bits())));
        assert_eq!(d(1.0 + 1.0 / 1024.0), d(1.0) + 1);
        assert_eq!(d(-1.0 - 1.0 / 1024.0) + 1, d(-1.0));
        // Something with low bits set lies beyond all multiples.
        assert!(d(1.000_000_1) > d(f32::INFINITY));
    }
}
