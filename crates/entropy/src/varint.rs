//! LEB128 numbers for headers: seven bits a byte, low first, the top bit says that more follow.
//!
//! The form is canonical: the last byte is not zero (but for the number 0), so one number has one form and
//! equal headers are equal bytes.

use crate::error::EntropyError;

/// A `u64` takes at most this many bytes.
pub const MAX_VARINT_BYTES: usize = 10;

/// Appends `value` to `out` in 1 to 10 bytes.
pub fn write_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Reads one number from the front of `input` and moves `input` behind it. On error `input` stays.
///
/// # Errors
/// [`EntropyError::Truncated`] if the input ends inside the number; [`EntropyError::Corrupt`] if the form is
/// not the shortest or the number exceeds 64 bits.
pub fn read_varint(input: &mut &[u8]) -> Result<u64, EntropyError> {
    let mut value = 0u64;
    for (i, &byte) in input.iter().take(MAX_VARINT_BYTES).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * i);
        if byte < 0x80 {
            if byte == 0 && i > 0 {
                return Err(EntropyError::Corrupt("number is not in its shortest form"));
            }
            if i + 1 == MAX_VARINT_BYTES && byte > 1 {
                return Err(EntropyError::Corrupt("number exceeds 64 bits"));
            }
            *input = input.get(i + 1..).unwrap_or_default();
            return Ok(value);
        }
    }
    if input.len() < MAX_VARINT_BYTES {
        Err(EntropyError::Truncated)
    } else {
        Err(EntropyError::Corrupt("number exceeds 64 bits"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn coded(value: u64) -> Vec<u8> {
        let mut out = Vec::new();
        write_varint(&mut out, value);
        out
    }

    #[test]
    fn known_forms() {
        assert_eq!(coded(0), [0]);
        assert_eq!(coded(127), [127]);
        assert_eq!(coded(128), [0x80, 1]);
        assert_eq!(coded(u64::MAX), [255, 255, 255, 255, 255, 255, 255, 255, 255, 1]);
    }

    #[test]
    fn bad_forms() {
        let read = |bytes: &[u8]| read_varint(&mut &*bytes);
        assert_eq!(read(&[]), Err(EntropyError::Truncated));
        assert_eq!(read(&[0x80; 9]), Err(EntropyError::Truncated));
        assert!(matches!(read(&[0x80, 0]), Err(EntropyError::Corrupt(_))));
        let mut wide = [255; 10];
        wide[9] = 2;
        assert!(matches!(read(&wide), Err(EntropyError::Corrupt(_))));
        assert!(matches!(read(&[0x80; 10]), Err(EntropyError::Corrupt(_))));
        assert!(matches!(read(&[0x80; 20]), Err(EntropyError::Corrupt(_))));
    }

    proptest! {
        #[test]
        fn inverse(value: u64, shift in 0u32..64, tail: Vec<u8>) {
            let value = value >> shift;
            let mut bytes = coded(value);
            let full = bytes.clone();
            for cut in 0..full.len() {
                prop_assert_eq!(read_varint(&mut &full[..cut]), Err(EntropyError::Truncated));
            }
            bytes.extend_from_slice(&tail);
            let mut rest = bytes.as_slice();
            prop_assert_eq!(read_varint(&mut rest), Ok(value));
            prop_assert_eq!(rest, tail.as_slice());
        }

        #[test]
        fn what_is_read_is_canonical(bytes in prop::collection::vec(prop_oneof![any::<u8>(), Just(0x80), Just(0)], 0..14)) {
            let mut rest = bytes.as_slice();
            match read_varint(&mut rest) {
                Ok(value) => prop_assert_eq!(coded(value), &bytes[..bytes.len() - rest.len()]),
                Err(_) => prop_assert_eq!(rest, bytes.as_slice()),
            }
        }
    }
}
