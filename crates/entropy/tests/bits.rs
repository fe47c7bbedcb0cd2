//! Bit streams against themselves and hostile lengths.

use proptest::prelude::*;
use vxc_entropy::bits::GROUP;
use vxc_entropy::{BitReader, BitWriter, EntropyError};

fn mask(bits: u8) -> u64 {
    u64::MAX.checked_shr(64 - u32::from(bits)).unwrap_or(0)
}

fn values() -> impl Strategy<Value = Vec<(u8, u64)>> {
    let bits = prop_oneof![0u8..=64, 0u8..=12, 56u8..=64];
    prop::collection::vec((bits, any::<u64>()), 0..200)
}

/// The definition, bit by bit.
fn reference(values: &[(u8, u64)]) -> Vec<u8> {
    let bits = values.iter().flat_map(|&(n, v)| (0..n).map(move |i| v >> i & 1 == 1));
    let bits: Vec<bool> = bits.collect();
    let byte = |eight: &[bool]| eight.iter().rev().fold(0, |b, &bit| b << 1 | u8::from(bit));
    bits.chunks(8).map(byte).collect()
}

proptest! {
    #[test]
    fn inverse(values in values()) {
        let mut writer = BitWriter::new();
        for &(bits, value) in &values {
            writer.write(u32::from(bits), value);
        }
        let total: u64 = values.iter().map(|&(bits, _)| u64::from(bits)).sum();
        prop_assert_eq!(writer.bit_len(), total);
        let bytes = writer.finish();
        prop_assert_eq!(&bytes, &reference(&values));

        let mut reader = BitReader::new(&bytes);
        for &(bits, value) in &values {
            prop_assert_eq!(reader.read(u32::from(bits)), value & mask(bits));
        }
        prop_assert!(!reader.overran());
        prop_assert_eq!(reader.finish(), Ok(()));

        for cut in [bytes.len(), bytes.len() / 2, bytes.len().saturating_sub(1), 0] {
            let mut reader = BitReader::new(&bytes[..cut]);
            for &(bits, _) in &values {
                prop_assert_eq!(reader.read(u32::from(bits)) & !mask(bits), 0);
            }
            prop_assert_eq!(reader.position(), total);
            prop_assert_eq!(reader.overran(), cut < bytes.len());
            prop_assert_eq!(reader.finish().is_ok(), cut == bytes.len());
        }
    }
}

fn groups<const SHARED: usize>(bytes: &[u8], before: u32, widths: &[u8]) {
    let mut groups = BitReader::new(bytes);
    groups.read(before);
    let mut one = groups.clone();
    for widths in widths.chunks_exact(GROUP) {
        let mut found = [u64::MAX; GROUP];
        groups.read_group::<SHARED>(|i| widths[i], |i, value| found[i] = value);
        let single = widths.iter().map(|&bits| one.read(bits.into()));
        assert_eq!(found.to_vec(), single.collect::<Vec<u64>>());
        assert_eq!(groups.position(), one.position());
    }
}

proptest! {
    #[test]
    fn groups_are_values_one_by_one(
        bytes in prop::collection::vec(any::<u8>(), 0..600),
        before in 0u32..64,
        widths in prop::collection::vec(0u8..=57, 0..64),
    ) {
        let at_most = |most: u8| widths.iter().map(|w| w % (most + 1)).collect::<Vec<u8>>();
        groups::<1>(&bytes, before, &widths);
        groups::<2>(&bytes, before, &at_most(28));
        groups::<3>(&bytes, before, &at_most(19));
        groups::<4>(&bytes, before, &at_most(14));
    }
}

/// The widest groups, at every place of the first bit, over inputs that end around where the window does.
#[test]
fn the_widest_groups_at_the_end_of_the_input() {
    for len in 50..90u8 {
        let bytes: Vec<u8> = (0..len).map(|i| i.wrapping_mul(37) ^ 0x5A).collect();
        for before in 0..16 {
            groups::<1>(&bytes, before, &[57; 16]);
        }
    }
}

#[test]
fn ends() {
    let mut reader = BitReader::new(&[0b101]);
    assert_eq!(reader.read(3), 5);
    assert_eq!(reader.clone().finish(), Ok(()));
    assert_eq!(BitReader::new(&[0]).finish(), Err(EntropyError::TrailingData));
    let mut filled = BitReader::new(&[0b1101]);
    filled.read(3);
    assert!(matches!(filled.finish(), Err(EntropyError::Corrupt(_))));
    assert_eq!(reader.read(64), 0);
    assert_eq!(reader.read(64), 0);
    assert!(reader.overran());
    assert_eq!(reader.finish(), Err(EntropyError::Truncated));
    assert_eq!(BitReader::new(&[]).finish(), Ok(()));
}
