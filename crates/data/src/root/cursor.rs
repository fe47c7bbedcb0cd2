//! A reading position in bytes that are already in memory: big-endian numbers (little-endian
//! ones for `RNTuple` and HDF5), ROOT strings, and the
//! header of a versioned object.
//!
//! Invariants: `pos <= end <= data.len()`; a read past `end` is an error and moves nothing. Positions
//! are absolute within `data`, since ROOT's references count from there.

use crate::error::DataError;

/// Set in the first word of an object that carries its length.
pub(crate) const BYTE_COUNT: u32 = 0x4000_0000;
/// Set in a class tag (as opposed to a reference to an object).
pub(crate) const CLASS_TAG: u32 = 0x8000_0000;
/// A class tag followed by the class's name, at its first use.
pub(crate) const NEW_CLASS: u32 = 0xffff_ffff;
/// References count from 2, so that 0 and 1 are free for "none" and "the parent".
pub(crate) const REFERENCE_OFFSET: u64 = 2;

/// A position in `data`, and where the object being read ends.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cursor<'a> {
    data: &'a [u8],
    pos: usize,
    end: usize,
}

/// Version of an object, and where it ends if it says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Version {
    pub number: u16,
    pub end: Option<usize>,
}

impl<'a> Cursor<'a> {
    pub fn new(data: &'a [u8]) -> Self {
        Self { data, pos: 0, end: data.len() }
    }

    pub fn position(&self) -> usize {
        self.pos
    }

    pub fn remaining(&self) -> usize {
        self.end.saturating_sub(self.pos)
    }

    /// The same bytes from another position on, up to the same end.
    pub fn at(&self, pos: usize) -> Result<Self, DataError> {
        if pos > self.end {
            return Err(DataError::corrupt(format!("reference to byte {pos} of {}", self.end)));
        }
        Ok(Self { pos, ..*self })
    }

    /// The same position with a nearer end.
    pub fn until(&self, end: usize) -> Result<Self, DataError> {
        if end > self.end || end < self.pos {
            return Err(DataError::corrupt(format!(
                "object at {} ends at {end}, its container at {}",
                self.pos, self.end
            )));
        }
        Ok(Self { end, ..*self })
    }

    pub fn bytes(&mut self, n: usize) -> Result<&'a [u8], DataError> {
        let to = self.pos.checked_add(n).filter(|&to| to <= self.end);
        let found = to.and_then(|to| self.data.get(self.pos..to).map(|bytes| (to, bytes)));
        let Some((to, bytes)) = found else {
            return Err(DataError::truncated(format!(
                "{n} bytes wanted at {}, {} are left",
                self.pos,
                self.remaining()
            )));
        };
        self.pos = to;
        Ok(bytes)
    }

    pub fn skip(&mut self, n: usize) -> Result<(), DataError> {
        self.bytes(n).map(|_| ())
    }

    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], DataError> {
        let mut out = [0; N];
        out.copy_from_slice(self.bytes(N)?);
        Ok(out)
    }

    pub fn u8(&mut self) -> Result<u8, DataError> {
        self.array().map(u8::from_be_bytes)
    }

    pub fn u16(&mut self) -> Result<u16, DataError> {
        self.array().map(u16::from_be_bytes)
    }

    pub fn u32(&mut self) -> Result<u32, DataError> {
        self.array().map(u32::from_be_bytes)
    }

    pub fn i32(&mut self) -> Result<i32, DataError> {
        self.array().map(i32::from_be_bytes)
    }

    pub fn u64(&mut self) -> Result<u64, DataError> {
        self.array().map(u64::from_be_bytes)
    }

    pub fn le_u16(&mut self) -> Result<u16, DataError> {
        self.array().map(u16::from_le_bytes)
    }

    pub fn le_u32(&mut self) -> Result<u32, DataError> {
        self.array().map(u32::from_le_bytes)
    }

    pub fn le_u64(&mut self) -> Result<u64, DataError> {
        self.array().map(u64::from_le_bytes)
    }

    /// A signed number that must not be negative, as a size in memory.
    pub fn count(&mut self, what: &str) -> Result<usize, DataError> {
        let n = self.i32()?;
        usize::try_from(n).map_err(|_| DataError::corrupt(format!("{what}: negative count {n}")))
    }

    /// A file offset: 8 bytes where `wide`, else 4.
    pub fn offset(&mut self, wide: bool) -> Result<u64, DataError> {
        if wide { self.u64() } else { self.u32().map(u64::from) }
    }

    /// A `TString`: one byte of length, or 255 and four bytes.
    pub fn string_bytes(&mut self) -> Result<&'a [u8], DataError> {
        let n = match self.u8()? {
            255 => self.count("string")?,
            n => usize::from(n),
        };
        self.bytes(n)
    }

    /// A `TString` as text; bytes that are no UTF-8 are replaced.
    pub fn string(&mut self) -> Result<String, DataError> {
        self.string_bytes().map(|bytes| String::from_utf8_lossy(bytes).into_owned())
    }

    /// Characters up to a zero byte.
    pub fn c_string(&mut self) -> Result<&'a [u8], DataError> {
        let rest = self.data.get(self.pos..self.end).unwrap_or_default();
        let Some(n) = rest.iter().position(|&b| b == 0) else {
            return Err(DataError::truncated("text without its end"));
        };
        let text = self.bytes(n)?;
        self.skip(1)?;
        Ok(text)
    }

    /// The version of an object, with its length where the object has one.
    pub fn version(&mut self) -> Result<Version, DataError> {
        let mut ahead = *self;
        if let Ok(word) = ahead.u32()
            && word & BYTE_COUNT != 0
            && word & CLASS_TAG == 0
        {
            let end = usize::try_from(word & !BYTE_COUNT)
                .ok()
                .and_then(|n| ahead.pos.checked_add(n))
                .filter(|&end| end <= self.end);
            let Some(end) = end else {
                return Err(DataError::corrupt(format!("object at {} passes its end", self.pos)));
            };
            let number = ahead.until(end)?.u16()?;
            ahead.skip(2)?;
            *self = ahead;
            return Ok(Version { number, end: Some(end) });
        }
        self.u16().map(|number| Version { number, end: None })
    }

    /// Goes to where an object ends, if that is ahead; an object that was read past its end is corrupt.
    pub fn finish(&mut self, version: Version) -> Result<(), DataError> {
        if let Some(end) = version.end {
            if end < self.pos || end > self.end {
                return Err(DataError::corrupt(format!("object read past its end at {end}")));
            }
            self.pos = end;
        }
        Ok(())
    }

    /// `TObject`'s own bytes, which carry nothing of interest.
    pub fn t_object(&mut self) -> Result<(), DataError> {
        let version = self.u16()?;
        if version & 0x4000 != 0 {
            self.skip(4)?;
        }
        self.skip(4)?;
        let bits = self.u32()?;
        if bits & 0x10 != 0 {
            self.skip(2)?;
        }
        Ok(())
    }

    /// `TNamed`: name and title.
    pub fn named(&mut self) -> Result<(String, String), DataError> {
        let version = self.version()?;
        self.t_object()?;
        let named = (self.string()?, self.string()?);
        self.finish(version)?;
        Ok(named)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_of_both_lengths() {
        let mut long = vec![255, 0, 0, 1, 44];
        long.extend([b'x'; 300]);
        assert_eq!(Cursor::new(&long).string().unwrap().len(), 300);
        assert_eq!(Cursor::new(&[3, b'a', b'b', b'c']).string().unwrap(), "abc");
        assert!(Cursor::new(&[4, b'a', b'b', b'c']).string().is_err());
        assert!(Cursor::new(&[255, 255, 255, 255, 255]).string().is_err());
    }

    #[test]
    fn versions_with_and_without_length() {
        let mut c = Cursor::new(&[0x40, 0, 0, 3, 0, 7, 9, 1]);
        let v = c.version().unwrap();
        assert_eq!(v, Version { number: 7, end: Some(7) });
        c.finish(v).unwrap();
        assert_eq!(c.u8().unwrap(), 1);
        assert_eq!(Cursor::new(&[0, 7]).version().unwrap(), Version { number: 7, end: None });
        assert!(Cursor::new(&[0x40, 0, 0, 9, 0, 7]).version().is_err());
        assert!(Cursor::new(&[0x40, 0, 0, 1, 0, 7]).version().is_err());
    }
}
