//! One step of a fitted tokeniser: how one field becomes a symbol and an offset.
//!
//! Symbols: 0 = COPY (bits equal the previous record's) where the step has it, then the bins in order,
//! then the rest (see [`crate::bins`]).

use crate::bins::Bins;
use crate::error::TokenError;
use crate::layout::Kind;
use crate::ordered::{from_ordered, to_ordered};
use crate::transform::{Transform, difference, quantum, undo_difference, undo_quantum};

/// A field's fitted code.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// Index of the field in the layout.
    pub field: u16,
    /// The field's kind.
    pub kind: Kind,
    /// From ordered integer to coding domain.
    pub transform: Transform,
    /// Whether symbol 0 is COPY.
    pub copy: bool,
    /// Scaled bins: the exponent of a prediction at which bins have their own size; smaller exponents
    /// shift the bins up (residuals of constant spread are larger in units of the last place).
    pub scale: Option<u16>,
    /// The bins.
    pub bins: Bins,
    /// Steps (earlier in coding order) whose values tell most about this one, best first.
    pub partners: Vec<u16>,
}

/// What both sides know of a field before its symbol is coded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Before {
    /// Ordered integer that differences refer to.
    pub base: u64,
    /// Shift of scaled bins.
    pub shift: u32,
}

/// A symbol with its offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    /// The symbol.
    pub symbol: u8,
    /// Offset inside the symbol's values.
    pub offset: u64,
    /// Number of values of the symbol, >= 1.
    pub size: u64,
}

impl Step {
    /// Number of symbols, 1..=256.
    pub fn alphabet(&self) -> usize {
        usize::from(self.copy) + self.bins.symbols()
    }

    /// Base and shift. `previous` and `predicted` are bit patterns: the same field one record up, and the
    /// relation's prediction (ignored by other transforms).
    #[inline(always)]
    pub fn before(&self, previous: u64, predicted: u64) -> Before {
        match self.transform {
            Transform::Delta => Before { base: to_ordered(self.kind, previous), shift: 0 },
            Transform::Relation(_) => Before {
                base: to_ordered(self.kind, predicted),
                shift: match self.scale {
                    Some(reference) => u32::from(reference)
                        .saturating_sub(exponent(self.kind, predicted))
                        .min(self.bins.max_shift()),
                    None => 0,
                },
            },
            _ => Before::default(),
        }
    }

    /// The coding-domain number of a bit pattern.
    #[inline(always)]
    pub fn to_domain(&self, raw: u64, before: Before) -> u64 {
        let x = to_ordered(self.kind, raw);
        match self.transform {
            Transform::Identity => x,
            Transform::Quantum(q) => quantum(self.kind, q, x),
            _ => difference(self.kind.bits(), x, before.base),
        }
    }

    /// Inverse of [`Step::to_domain`].
    #[inline(always)]
    pub fn from_domain(&self, d: u64, before: Before) -> u64 {
        let x = match self.transform {
            Transform::Identity => d,
            Transform::Quantum(q) => undo_quantum(self.kind, q, d),
            _ => undo_difference(self.kind.bits(), d, before.base),
        };
        from_ordered(self.kind, x)
    }

    /// The token of a bit pattern.
    #[inline(always)]
    pub fn encode(&self, raw: u64, previous: u64, before: Before) -> Token {
        if self.copy && raw == previous {
            return Token { symbol: 0, offset: 0, size: 1 };
        }
        let place = self.bins.find(self.to_domain(raw, before), before.shift);
        Token {
            symbol: (place.bin + usize::from(self.copy)) as u8,
            offset: place.offset,
            size: place.size,
        }
    }

    /// Number of offsets of a symbol; 0 for a symbol outside the alphabet (and for the rest where it is
    /// empty).
    #[inline(always)]
    pub fn size(&self, symbol: u8, before: Before) -> u64 {
        match usize::from(symbol).checked_sub(usize::from(self.copy)) {
            None => 1,
            Some(bin) if bin <= self.bins.count() => self.bins.size(bin, before.shift),
            Some(_) => 0,
        }
    }

    /// The bit pattern of a token: the inverse of [`Step::encode`].
    ///
    /// # Errors
    /// [`TokenError::Stream`] if the symbol or the offset does not exist.
    #[inline(always)]
    pub fn decode(
        &self,
        symbol: u8,
        offset: u64,
        previous: u64,
        before: Before,
    ) -> Result<u64, TokenError> {
        match usize::from(symbol).checked_sub(usize::from(self.copy)) {
            None => Ok(previous),
            Some(bin) => Ok(self.from_domain(self.bins.value(bin, offset, before.shift)?, before)),
        }
    }

    /// The bin of a value, COPY resolved: what models use as context. Differences give a short float of
    /// the value instead, since the bin of a residual says nothing about the value.
    #[inline(always)]
    pub fn key(&self, raw: u64, symbol: u8) -> u16 {
        match self.transform {
            Transform::Identity | Transform::Quantum(_) if symbol > 0 || !self.copy => {
                u16::from(symbol) - u16::from(self.copy)
            }
            Transform::Identity | Transform::Quantum(_) => {
                self.bins.find(self.to_domain(raw, Before::default()), 0).bin as u16
            }
            _ => short_float(self.kind, raw),
        }
    }
}

/// Biased exponent of a float's bit pattern; 0 for other kinds.
#[inline(always)]
pub fn exponent(kind: Kind, raw: u64) -> u32 {
    (match kind {
        Kind::F16 => raw >> 10 & 0x1f,
        Kind::Bf16 => raw >> 7 & 0xff,
        Kind::F32 => raw >> 23 & 0xff,
        Kind::F64 => raw >> 52 & 0x7ff,
        _ => 0,
    }) as u32
}

/// Twelve bits that tell a value's sign, size and leading digits.
#[inline(always)]
pub fn short_float(kind: Kind, raw: u64) -> u16 {
    let w = kind.bits();
    if kind.is_float() {
        // sign, exponent, and what is left for the mantissa; a double's exponent keeps its low 7 bits
        let x = to_ordered(kind, raw);
        return match kind {
            Kind::F64 => ((x >> 63) << 11 | (x >> 48 & 0x7ff)) as u16,
            _ => (x >> (w - 12)) as u16,
        };
    }
    let (negative, m) = if kind.is_signed_int() && raw >> (w - 1) & 1 == 1 {
        (1u16, !raw & crate::ordered::mask(w))
    } else {
        (0, raw)
    };
    let short = if m < 32 {
        m as u16
    } else {
        let e = 63 - m.leading_zeros();
        (e as u16 - 4) * 16 + 16 + (m >> (e - 4)) as u16 - 16
    };
    negative << 11 | short.min(0x7ff)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What the format says, by examples.
    #[test]
    fn short_floats() {
        for (kind, raw, short) in [
            (Kind::F32, 0x3f80_0000, 0xbf8),
            (Kind::F32, 0xbf80_0000, 0x407),
            (Kind::F64, 0x3ff0_0000_0000_0000, 0xff0),
            (Kind::F64, 0xbff8_0000_0000_0000, 0x007),
            (Kind::F16, 0x3c00, 0xbc0),
            (Kind::Bf16, 0x3f80, 0xbf8),
            (Kind::U32, 31, 31),
            (Kind::U32, 32, 32),
            (Kind::U32, 35, 33),
            (Kind::U32, 64, 48),
            (Kind::U8, 255, 79),
            (Kind::U64, u64::MAX, 975),
            (Kind::I16, 0xfff0, 0x80f),
            (Kind::I64, 1, 1),
            (Kind::I64, u64::MAX, 0x800),
            (Kind::Bytes(3), 0xff_ffff, 335),
        ] {
            assert_eq!(short_float(kind, raw), short, "{kind:?} {raw:#x}");
        }
    }

    #[test]
    fn exponents() {
        for (kind, raw, e) in [
            (Kind::F16, 0xfc00, 31),
            (Kind::F16, 0x3fff, 15),
            (Kind::Bf16, 0xbfff, 127),
            (Kind::F32, 0xff80_0000, 255),
            (Kind::F32, 0x3fff_ffff, 127),
            (Kind::F64, 0xbfff_ffff_ffff_ffff, 1023),
            (Kind::F64, u64::MAX, 2047),
            (Kind::U32, u64::MAX, 0),
        ] {
            assert_eq!(exponent(kind, raw), e, "{kind:?} {raw:#x}");
        }
    }

    fn step(transform: Transform, copy: bool) -> Step {
        let bins = Bins::new(32, &[(0x8000_0000, 16), (0x8000_0010, 1 << 20)]).unwrap();
        Step { field: 0, kind: Kind::I32, transform, copy, scale: None, bins, partners: vec![] }
    }

    /// The key of a value is its bin, also where the value was copied; of differences it is the value.
    #[test]
    fn keys_of_values() {
        for copy in [false, true] {
            for transform in [Transform::Identity, Transform::Quantum(3)] {
                let step = step(transform, copy);
                for raw in [0, 3, 45, 48, 300, 0xffff_fff0] {
                    let before = Before::default();
                    let bin = step.bins.find(step.to_domain(raw, before), 0).bin as u16;
                    let token = step.encode(raw, raw + 1, before);
                    assert_eq!(u16::from(token.symbol), bin + u16::from(copy));
                    assert_eq!(step.key(raw, token.symbol), bin);
                    let token = step.encode(raw, raw, before);
                    assert_eq!(token.symbol == 0 && copy, copy);
                    assert_eq!(step.key(raw, token.symbol), bin);
                }
            }
            let step = step(Transform::Delta, copy);
            assert_eq!(step.key(300, 0), short_float(Kind::I32, 300));
            assert_eq!(step.key(300, 1), short_float(Kind::I32, 300));
        }
    }

    proptest! {
        #[test]
        fn tokens_decode(
            transform in prop::sample::select(vec![Transform::Identity, Transform::Delta, Transform::Quantum(3), Transform::Quantum(1 << 13)]),
            copy in any::<bool>(),
            (raw, previous, near) in any::<(u32, u32, Option<i8>)>(),
        ) {
            let step = step(transform, copy);
            let near = near.map(|d| previous.wrapping_add(d as u32));
            let (raw, previous) = (near.unwrap_or(raw).into(), previous.into());
            let before = step.before(previous, 7);
            let Token { symbol, offset, size } = step.encode(raw, previous, before);
            prop_assert_eq!(symbol == 0 && copy, raw == previous && copy);
            prop_assert!(offset < size && size == step.size(symbol, before));
            prop_assert_eq!(step.decode(symbol, offset, previous, before).unwrap(), raw);
        }
    }

    #[test]
    fn sizes_and_values_of_symbols() {
        let before = Before::default();
        for copy in [false, true] {
            let step = step(Transform::Identity, copy);
            let first = u8::from(copy);
            assert_eq!(step.alphabet(), 3 + usize::from(copy));
            let rest = (1 << 32) - (1 << 20) - 16;
            for (bin, size) in [(0, 16), (1, 1 << 20), (2, rest), (3, 0)] {
                assert_eq!(step.size(first + bin, before), size);
                assert!(step.decode(first + bin, size, 7, before).is_err());
            }
            assert_eq!(step.decode(first, 15, 7, before).unwrap(), 15);
            assert_eq!(step.decode(first + 1, 0, 7, before).unwrap(), 16);
            assert!(step.decode(first + 3, 0, 7, before).is_err());
        }
        assert_eq!(step(Transform::Identity, true).size(0, before), 1);
        assert_eq!(step(Transform::Identity, true).decode(0, 0, 7, before).unwrap(), 7);
    }

    #[test]
    fn short_float_of_integers_rises() {
        let mut last = 0;
        for x in 0..100_000u64 {
            let s = short_float(Kind::U32, x);
            assert!(s >= last && s < 1 << 11);
            last = s;
        }
        assert!(short_float(Kind::U64, u64::MAX) < 1 << 11);
        assert_eq!(short_float(Kind::I32, 0xffff_ffff), 1 << 11);
    }
}
