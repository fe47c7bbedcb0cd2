//! The checksum of HDF5's filter 3: Fletcher's over big-endian 16-bit words.
//!
//! Source: HDF5's `H5_checksum_fletcher32`. A last odd byte is the high one of a word; both halves are folded as ones'
//! complement sums, so that 0 and 65,535 are not the same; the filter writes the sum little-endian.

/// Bytes of a sum.
pub const SUM: usize = 4;
/// Words after which the halves are folded: fewer than would overflow 32 bits. Part of the definition, as folding is
/// what tells 65,535 from 0.
const FOLD: usize = 360;

/// The checksum as the filter writes it.
pub fn fletcher32(bytes: &[u8]) -> [u8; SUM] {
    let (mut low, mut high) = (0u32, 0u32);
    let fold = |n: u32| (n & 0xffff) + (n >> 16);
    let (words, odd) = bytes.as_chunks::<2>();
    for words in words.chunks(FOLD) {
        for word in words {
            low += u32::from(u16::from_be_bytes(*word));
            high += low;
        }
        (low, high) = (fold(low), fold(high));
    }
    if let [last] = odd {
        low += u32::from(*last) << 8;
        high += low;
        (low, high) = (fold(low), fold(high));
    }
    (low, high) = (fold(low), fold(high));
    ((high << 16) | low).to_le_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_of_known_bytes() {
        assert_eq!(fletcher32(b""), [0; 4]);
        // Words 0102, 0304: low 0406, high 0508.
        assert_eq!(fletcher32(&[1, 2, 3, 4]), [0x06, 0x04, 0x08, 0x05]);
        assert_eq!(fletcher32(&[1, 2, 3]), [0x02, 0x04, 0x04, 0x05]);
        assert_eq!(fletcher32(&[0xff; 2]), [0xff; 4]);
        // Nothing overflows.
        assert_eq!(fletcher32(&vec![0xff; 1 << 16]), [0xff; 4]);
    }
}
