//! Column encodings of an `RNTuple`: the bytes of a page to little-endian values.
//!
//! A page of a *split* column has all first bytes of its elements, then all second ones and so on; under it,
//! signed integers are zigzagged and indices are differences. Other columns are plain, or bits packed from the
//! least significant on. Source: RNTuple specification 1.0, "Column Description".

use crate::error::DataError;
use crate::root::ntuple::schema::Column;
use crate::root::primitive::Primitive;
use vxc_tokens::layout::Kind;

/// What is done to the numbers before their bytes are split.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Under {
    Nothing,
    Zigzag,
    Delta,
}

/// How a column is to be decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Encoding {
    /// Type of the decoded values; of an index, the number of elements so far in its cluster.
    pub primitive: Primitive,
    /// Whether the column tells where collections end.
    pub index: bool,
    bits: u32,
    split: bool,
    under: Under,
    /// Bits by which a truncated float is shifted up.
    shift: u32,
}

impl Encoding {
    /// The encoding of a column, or why it is not decoded.
    pub fn of(column: &Column) -> Result<Self, DataError> {
        use Primitive::{Bool, F16, F32, F64, I8, I16, I32, I64, U8, U16, U32, U64};
        let bits = u32::from(column.bits);
        let plain = |primitive| (primitive, false, false, Under::Nothing);
        let split = |primitive, under| (primitive, false, true, under);
        let mut shift = 0;
        let (primitive, index, split, under) = match column.kind {
            0x00 => plain(Bool),
            0x01 | 0x02 | 0x04 => plain(U8),
            0x03 => plain(I8),
            0x05 => plain(I16),
            0x06 => plain(U16),
            0x07 => plain(I32),
            0x08 => plain(U32),
            0x09 => plain(I64),
            0x0a => plain(U64),
            0x0b => plain(F16),
            0x0c => plain(F32),
            0x0d => plain(F64),
            0x0e => (U32, true, false, Under::Nothing),
            0x0f => (U64, true, false, Under::Nothing),
            0x11 => split(I16, Under::Zigzag),
            0x12 => split(U16, Under::Nothing),
            0x13 => split(I32, Under::Zigzag),
            0x14 => split(U32, Under::Nothing),
            0x15 => split(I64, Under::Zigzag),
            0x16 => split(U64, Under::Nothing),
            0x17 => split(F16, Under::Nothing),
            0x18 => split(F32, Under::Nothing),
            0x19 => split(F64, Under::Nothing),
            0x1a => (U32, true, true, Under::Delta),
            0x1b => (U64, true, true, Under::Delta),
            0x1c => {
                shift = 32u32.saturating_sub(bits);
                plain(F32)
            }
            0x1d => plain(U32),
            other => return Err(DataError::unsupported(format!("a column of type {other:#x}"))),
        };
        let whole = u32::try_from(primitive.bytes().saturating_mul(8)).unwrap_or(0);
        let allowed = match column.kind {
            0x00 => 1..=1,
            0x1c => 10..=31,
            0x1d => 1..=32,
            _ => whole..=whole,
        };
        if !allowed.contains(&bits) {
            return Err(DataError::corrupt(format!(
                "a column of type {:#x} with {bits} bits",
                column.kind
            )));
        }
        Ok(Self { primitive, index, bits, split, under, shift })
    }

    /// Bytes of an element whose bytes a page has apart, first ones first; none for others.
    pub fn split_bytes(&self) -> Option<usize> {
        self.split.then(|| self.primitive.bytes())
    }

    /// The numbers that a page holds, once put together; none for packed bits.
    pub fn stored_kind(&self) -> Option<Kind> {
        let bytes = self.primitive.bytes();
        let whole = usize::try_from(self.bits).ok()? == bytes.checked_mul(8)?;
        let kind = match (self.under, bytes) {
            (Under::Nothing, _) => self.primitive.kind(),
            // Zigzags and differences.
            (_, 2) => Kind::U16,
            (_, 4) => Kind::U32,
            _ => Kind::U64,
        };
        whole.then_some(kind)
    }

    /// Whether a page holds the values themselves.
    pub fn is_direct(&self) -> bool {
        self.under == Under::Nothing && !self.index
    }

    /// Bytes of a page of so many elements.
    pub fn page_bytes(&self, elements: u32) -> u64 {
        u64::from(elements).saturating_mul(u64::from(self.bits)).div_ceil(8)
    }

    /// Appends the values of a page.
    pub fn decode(&self, page: &[u8], elements: u32, out: &mut Vec<u8>) {
        let width = self.primitive.bytes();
        let n = usize::try_from(elements).unwrap_or(usize::MAX);
        if self.bits < u32::try_from(width.saturating_mul(8)).unwrap_or(0) {
            return self.unpack(page, n, out);
        }
        if !self.split {
            out.extend_from_slice(page);
            return;
        }
        let mut previous = 0u64;
        for i in 0..n {
            let mut raw = [0u8; 8];
            for (k, byte) in raw.iter_mut().take(width).enumerate() {
                let at = k.saturating_mul(n).saturating_add(i);
                *byte = page.get(at).copied().unwrap_or(0);
            }
            let word = u64::from_le_bytes(raw);
            let value = match self.under {
                Under::Nothing => word,
                Under::Zigzag => (word >> 1) ^ (word & 1).wrapping_neg(),
                Under::Delta => {
                    previous = previous.wrapping_add(word);
                    previous
                }
            };
            out.extend_from_slice(value.to_le_bytes().get(..width).unwrap_or_default());
        }
    }

    /// Elements of fewer bits than their type has.
    fn unpack(&self, page: &[u8], n: usize, out: &mut Vec<u8>) {
        let width = self.primitive.bytes();
        let mut buffer = 0u64;
        let mut held = 0u32;
        let mut bytes = page.iter();
        let mask = 1u64.checked_shl(self.bits).map_or(u64::MAX, |bit| bit.wrapping_sub(1));
        for _ in 0..n {
            // At most 31 bits are held here, so that a byte more always fits.
            while held < self.bits {
                let byte = u64::from(bytes.next().copied().unwrap_or(0));
                buffer |= byte.checked_shl(held).unwrap_or(0);
                held = held.saturating_add(8);
            }
            let value = (buffer & mask).checked_shl(self.shift).unwrap_or(0);
            buffer = buffer.checked_shr(self.bits).unwrap_or(0);
            held = held.saturating_sub(self.bits);
            out.extend_from_slice(value.to_le_bytes().get(..width).unwrap_or_default());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(kind: u16, bits: u16, page: &[u8], n: u32) -> Vec<u8> {
        let column =
            Column { kind, bits, field: 0, representation: 0, first_element: 0, range: None };
        let encoding = Encoding::of(&column).unwrap();
        assert_eq!(encoding.page_bytes(n), page.len() as u64);
        let mut out = Vec::new();
        encoding.decode(page, n, &mut out);
        out
    }

    #[test]
    fn each_family() {
        assert_eq!(decode(0, 1, &[0b0000_0101, 1], 9), [1, 0, 1, 0, 0, 0, 0, 0, 1]);
        assert_eq!(decode(0x18, 32, &[1, 5, 2, 6, 3, 7, 4, 8], 2), [1, 2, 3, 4, 5, 6, 7, 8]);
        // 3, −2 and 0 zigzagged: 6, 3, 0.
        assert_eq!(decode(0x11, 16, &[6, 3, 0, 0, 0, 0], 3), [3, 0, 254, 255, 0, 0]);
        // 1, 1, 3 as differences 1, 0, 2.
        assert_eq!(
            decode(0x1a, 32, &[1, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0], 3),
            [1, 0, 0, 0, 1, 0, 0, 0, 3, 0, 0, 0]
        );
        // 1.0 and −2.0 by their upper 12 bits: 0x3f8, 0xc00.
        assert_eq!(decode(0x1c, 12, &[0xf8, 0x03, 0xc0], 2), [0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0]);
        assert_eq!(decode(0x1d, 4, &[0x21], 2), [1, 0, 0, 0, 2, 0, 0, 0]);
        assert_eq!(decode(0x1d, 32, &[1, 2, 3, 4], 1), [1, 2, 3, 4]);
    }

    #[test]
    fn false_widths_are_refused() {
        for (kind, bits) in [(0, 8), (0x0c, 31), (0x1c, 9), (0x1d, 0), (0x10, 96), (0x40, 8)] {
            let column =
                Column { kind, bits, field: 0, representation: 0, first_element: 0, range: None };
            assert!(Encoding::of(&column).is_err());
        }
    }
}
