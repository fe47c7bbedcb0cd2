//! LEB128 numbers: 7 bits a byte, lowest first, the top bit set on all but the last byte; 1 to 10 bytes
//! for a `u64`. Canonical: the shortest form is the only valid one, so equal structures have equal bytes.

/// Largest length of a varint in bytes.
pub const MAX_BYTES: usize = 10;

/// Appends `value`.
pub fn put(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(low_seven(value) | 0x80);
        value >>= 7;
    }
    out.push(low_seven(value));
}

const fn low_seven(value: u64) -> u8 {
    (value & 0x7F) as u8
}

/// Number of bytes that [`put`] appends, 1..=10.
pub fn len(value: u64) -> usize {
    let mut n = 1usize;
    let mut rest = value >> 7;
    while rest != 0 {
        n = n.saturating_add(1);
        rest >>= 7;
    }
    n
}

/// Decodes a varint byte by byte, for readers that cannot look ahead.
#[derive(Clone, Copy, Debug, Default)]
pub struct Decoder {
    value: u64,
    shift: u32,
}

/// What [`Decoder::push`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// More bytes follow.
    More,
    /// The number is complete.
    Done(u64),
    /// Longer than necessary, or more than 64 bits.
    Invalid,
}

impl Decoder {
    /// Takes the next byte.
    pub fn push(&mut self, byte: u8) -> Step {
        let bits = u64::from(byte & 0x7F);
        // The tenth byte (shift 63) holds one bit; no eleventh exists.
        if self.shift > 63 || (self.shift == 63 && bits > 1) {
            return Step::Invalid;
        }
        self.value |= bits << self.shift;
        if byte & 0x80 != 0 {
            self.shift = self.shift.saturating_add(7);
            return if self.shift > 63 { Step::Invalid } else { Step::More };
        }
        if bits == 0 && self.shift != 0 {
            return Step::Invalid; // a last byte of zero: a shorter form exists
        }
        Step::Done(self.value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn get(bytes: &[u8]) -> Option<(u64, usize)> {
        let mut d = Decoder::default();
        for (i, &b) in bytes.iter().enumerate() {
            match d.push(b) {
                Step::More => {}
                Step::Done(v) => return Some((v, i + 1)),
                Step::Invalid => return None,
            }
        }
        None
    }

    #[test]
    fn edges() {
        for v in [0, 1, 127, 128, 16_383, 16_384, u64::MAX >> 1, u64::MAX] {
            let mut b = Vec::new();
            put(&mut b, v);
            assert_eq!(b.len(), len(v));
            assert_eq!(get(&b), Some((v, b.len())));
        }
        assert_eq!(len(u64::MAX), MAX_BYTES);
    }

    #[test]
    fn overlong_and_overflowing_forms_are_invalid() {
        assert_eq!(get(&[0x80, 0x00]), None);
        assert_eq!(get(&[0xFF, 0x80, 0x00]), None);
        let mut b = vec![0xFF; 9];
        b.push(0x02); // bit 64
        assert_eq!(get(&b), None);
        b[9] = 0x81; // an eleventh byte announced
        assert_eq!(get(&b), None);
        b[9] = 0x01;
        assert_eq!(get(&b), Some((u64::MAX, 10)));
    }

    proptest! {
        #[test]
        fn round_trip(v: u64, cut in 0u32..64) {
            let v = v >> cut;
            let mut b = Vec::new();
            put(&mut b, v);
            prop_assert_eq!(b.len(), len(v));
            prop_assert_eq!(get(&b), Some((v, b.len())));
        }

        #[test]
        fn whatever_decodes_is_canonical(bytes in proptest::collection::vec(any::<u8>(), 1..12)) {
            if let Some((v, n)) = get(&bytes) {
                let mut b = Vec::new();
                put(&mut b, v);
                prop_assert_eq!(&b[..], &bytes[..n]);
            }
        }
    }
}
