//! Reads fields off a byte slice that is known to have arrived whole: running out is a contradiction in
//! the data ([`FormatError::Corruption`]), not a truncated input.

use crate::error::FormatError;
use crate::varint::{Decoder, Step};

/// The bytes not yet read, and what they are part of (for messages).
#[derive(Clone, Debug)]
pub(crate) struct Parse<'a> {
    rest: &'a [u8],
    what: &'static str,
}

impl<'a> Parse<'a> {
    pub(crate) const fn new(bytes: &'a [u8], what: &'static str) -> Self {
        Self { rest: bytes, what }
    }

    /// The next `n` bytes.
    pub(crate) fn bytes(&mut self, n: usize) -> Result<&'a [u8], FormatError> {
        let (head, rest) = self
            .rest
            .split_at_checked(n)
            .ok_or_else(|| FormatError::corrupt(format!("{} is too short", self.what)))?;
        self.rest = rest;
        Ok(head)
    }

    /// The next `N` bytes.
    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], FormatError> {
        let (head, rest) = self
            .rest
            .split_first_chunk::<N>()
            .ok_or_else(|| FormatError::corrupt(format!("{} is too short", self.what)))?;
        self.rest = rest;
        Ok(*head)
    }

    pub(crate) fn u8(&mut self) -> Result<u8, FormatError> {
        self.array::<1>().map(|[b]| b)
    }

    pub(crate) fn u32(&mut self) -> Result<u32, FormatError> {
        self.array().map(u32::from_le_bytes)
    }

    pub(crate) fn u64(&mut self) -> Result<u64, FormatError> {
        self.array().map(u64::from_le_bytes)
    }

    pub(crate) fn varint(&mut self) -> Result<u64, FormatError> {
        let mut decoder = Decoder::default();
        loop {
            match decoder.push(self.u8()?) {
                Step::More => {}
                Step::Done(value) => return Ok(value),
                Step::Invalid => {
                    return Err(FormatError::corrupt(format!("invalid number in {}", self.what)));
                }
            }
        }
    }

    /// A varint that must fit 32 bits.
    pub(crate) fn varint32(&mut self) -> Result<u32, FormatError> {
        u32::try_from(self.varint()?)
            .map_err(|_| FormatError::corrupt(format!("number beyond 32 bits in {}", self.what)))
    }

    /// Nothing may be left over: equal structures have equal bytes.
    pub(crate) fn end(self) -> Result<(), FormatError> {
        if self.rest.is_empty() {
            return Ok(());
        }
        Err(FormatError::corrupt(format!("{} bytes too many in {}", self.rest.len(), self.what)))
    }
}
