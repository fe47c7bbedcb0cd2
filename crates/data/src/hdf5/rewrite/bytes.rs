//! Little-endian numbers, read one after the other.

use crate::error::DataError;

/// What is left of some bytes.
#[derive(Clone, Debug)]
pub struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// How many are left.
    pub fn left(&self) -> usize {
        self.0.len()
    }

    /// The next `n`.
    ///
    /// # Errors
    /// [`DataError::Corruption`] where there are fewer; so for the numbers below.
    pub fn take(&mut self, n: usize) -> Result<&'a [u8], DataError> {
        let (now, rest) = self
            .0
            .split_at_checked(n)
            .ok_or_else(|| DataError::corrupt("metadata that ends too early"))?;
        self.0 = rest;
        Ok(now)
    }

    pub fn skip(&mut self, n: usize) -> Result<(), DataError> {
        self.take(n).map(|_| ())
    }

    /// A number of `n` bytes, at most eight.
    pub fn number(&mut self, n: usize) -> Result<u64, DataError> {
        Ok(self.take(n)?.iter().rev().fold(0, |all, &byte| (all << 8) | u64::from(byte)))
    }

    pub fn u8(&mut self) -> Result<u8, DataError> {
        Ok(self.take(1)?.first().copied().unwrap_or(0))
    }

    pub fn u16_le(&mut self) -> Result<u16, DataError> {
        Ok(u16::try_from(self.number(2)?).unwrap_or(u16::MAX))
    }

    pub fn u32_le(&mut self) -> Result<u32, DataError> {
        Ok(u32::try_from(self.number(4)?).unwrap_or(u32::MAX))
    }

    pub fn u64_le(&mut self) -> Result<u64, DataError> {
        self.number(8)
    }
}
