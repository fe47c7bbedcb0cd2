//! Bit streams, least significant bit first: value after value from the low end of each byte.
//!
//! The last byte is filled with zero bits. The reader takes whole eight-byte words at any byte, so a value of
//! up to 57 bits is one load, one shift and one mask; behind the end it reads zeros and says so.

use crate::error::EntropyError;

/// One unaligned load gives this many bits whatever the position in the first byte.
const FAST_BITS: u32 = 57;

#[inline(always)]
fn low_bits(value: u64, bits: u32) -> u64 {
    if bits >= 64 { value } else { value & ((1 << bits) - 1) }
}

/// Collects values of 0 to 64 bits.
#[derive(Clone, Debug, Default)]
pub struct BitWriter {
    out: Vec<u8>,
    /// The bits that make no whole word yet, from the low end.
    pending: u64,
    /// How many they are, below 64.
    fill: u32,
}

impl BitWriter {
    /// An empty stream.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends the low `bits` bits of `value`, `bits <= 64` (more count as 64).
    #[inline(always)]
    pub fn write(&mut self, bits: u32, value: u64) {
        debug_assert!(bits <= 64, "{bits} bits");
        let bits = bits.min(64);
        let value = low_bits(value, bits);
        self.pending |= value << self.fill;
        let fill = self.fill + bits;
        if fill >= 64 {
            self.out.extend_from_slice(&self.pending.to_le_bytes());
            // Shift by 64 - fill, in two steps since that may be 64.
            self.pending = value >> (63 - self.fill) >> 1;
            self.fill = fill - 64;
        } else {
            self.fill = fill;
        }
    }

    /// Bits written so far.
    #[must_use]
    pub fn bit_len(&self) -> u64 {
        self.out.len() as u64 * 8 + u64::from(self.fill)
    }

    /// Fills the last byte with zeros and gives the bytes.
    #[must_use]
    pub fn finish(mut self) -> Vec<u8> {
        let bytes = self.fill.div_ceil(8) as usize;
        self.out.extend_from_slice(&self.pending.to_le_bytes()[..bytes]);
        self.out
    }
}

/// Values that are read at once.
pub const GROUP: usize = 8;
/// Bytes that hold a group whatever its widths: the word of the last value begins before byte 64.
const GROUP_BYTES: usize = 64 + 7;

/// Reads what a [`BitWriter`] wrote, given the same widths.
#[derive(Clone, Debug)]
pub struct BitReader<'a> {
    data: &'a [u8],
    /// Bits read so far; may pass the end.
    position: u64,
}

impl<'a> BitReader<'a> {
    /// Starts at the first bit of `data`.
    #[must_use]
    pub fn new(data: &'a [u8]) -> Self {
        Self { data, position: 0 }
    }

    /// The eight bytes from `byte` on, zeros behind the end.
    #[inline(always)]
    fn word_at(&self, byte: u64) -> u64 {
        let rest = usize::try_from(byte).ok().and_then(|byte| self.data.get(byte..));
        match rest.and_then(|rest| rest.first_chunk::<8>()) {
            Some(word) => u64::from_le_bytes(*word),
            None => Self::last_word(rest.unwrap_or_default()),
        }
    }

    #[cold]
    fn last_word(rest: &[u8]) -> u64 {
        rest.iter().rev().fold(0, |word, &byte| word << 8 | u64::from(byte))
    }

    /// The next `bits` bits, `bits <= 64` (more count as 64); zeros behind the end.
    #[inline(always)]
    pub fn read(&mut self, bits: u32) -> u64 {
        debug_assert!(bits <= 64, "{bits} bits");
        let bits = bits.min(64);
        let shift = (self.position & 7) as u32;
        let byte = self.position >> 3;
        let mut value = self.word_at(byte) >> shift;
        if bits > FAST_BITS {
            // Shift by 64 - shift, in two steps since that may be 64.
            value |= self.word_at(byte + 8) << (63 - shift) << 1;
        }
        self.position += u64::from(bits);
        low_bits(value, bits)
    }

    /// Reads the next [`GROUP`] values, the i-th of `bits(i)` bits, as [`BitReader::read`] gives them one by one, and hands
    /// them to `put`. `SHARED` values come from one word: none may have more than 57 / `SHARED` bits.
    #[inline(always)]
    pub fn read_group<const SHARED: usize>(
        &mut self,
        bits: impl Fn(usize) -> u8,
        mut put: impl FnMut(usize, u64),
    ) {
        debug_assert!((0..GROUP).all(|i| usize::from(bits(i)) * SHARED <= FAST_BITS as usize));
        let rest = usize::try_from(self.position >> 3).ok().and_then(|at| self.data.get(at..));
        let Some(window) = rest.and_then(|rest| rest.first_chunk::<GROUP_BYTES>()) else {
            return (0..GROUP).for_each(|i| put(i, self.read(bits(i).into())));
        };
        let first = self.position & 7;
        let mut at = first;
        for from in (0..GROUP).step_by(SHARED) {
            // The remainder says what is true and spares a check.
            let byte = (at >> 3) as usize % 64;
            let mut word = [0; 8];
            word.copy_from_slice(&window[byte..byte + 8]);
            let mut word = u64::from_le_bytes(word) >> (at & 7);
            for i in from..(from + SHARED).min(GROUP) {
                let bits = u64::from(bits(i)) % 64;
                put(i, word & ((1 << bits) - 1));
                word >>= bits;
                at += bits;
            }
        }
        self.position += at - first;
    }

    /// Bits read so far.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.position
    }

    /// True if more was read than there is.
    #[inline(always)]
    #[must_use]
    pub fn overran(&self) -> bool {
        self.position > self.data.len() as u64 * 8
    }

    /// Ends reading.
    ///
    /// # Errors
    /// [`EntropyError::Truncated`] if more was read than there is, [`EntropyError::TrailingData`] if a whole
    /// byte is left, [`EntropyError::Corrupt`] if the filling bits of the last byte are not zero.
    pub fn finish(mut self) -> Result<(), EntropyError> {
        if self.overran() {
            return Err(EntropyError::Truncated);
        }
        let filling = self.data.len() as u64 * 8 - self.position;
        if filling >= 8 {
            return Err(EntropyError::TrailingData);
        }
        if self.read(filling as u32) != 0 {
            return Err(EntropyError::Corrupt("bit stream: filling bits"));
        }
        Ok(())
    }
}
