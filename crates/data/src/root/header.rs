//! The header of a ROOT file (`TFile`): where the records begin and end, and where the streamers are.
//!
//! ```text
//! "root" · version i32 · begin i32 · end · free list · bytes of free · number of free · bytes of name
//!   · unit u8 · compression i32 · seek of streamers · bytes of streamers · UUID
//! ```
//! Offsets are 4 bytes, or 8 where the version is 1,000,000 or more. Source: ROOT's documentation of
//! `TFile`.

use crate::error::DataError;
use crate::root::cursor::Cursor;

/// Longest header, in bytes.
pub(crate) const HEADER_BYTES: u64 = 100;
/// Added to the version of a file with 64-bit offsets.
const LARGE: i32 = 1_000_000;

/// What the header says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileHeader {
    /// Version of ROOT that wrote the file, e.g. 62604 for 6.26/04.
    pub version: u32,
    /// Whether offsets have 64 bits.
    pub large: bool,
    /// Offset of the first record.
    pub begin: u64,
    /// Offset past the last record.
    pub end: u64,
    /// Bytes of the first record before its directory.
    pub name_bytes: u32,
    /// Default compression of the file: 100 × algorithm + level.
    pub compression: i32,
    /// Offset of the record of streamers; 0 where there is none.
    pub streamers_at: u64,
    /// Bytes of that record.
    pub streamers_bytes: u32,
}

impl FileHeader {
    /// Parses the first bytes of a file.
    ///
    /// # Errors
    /// [`DataError::Corruption`] where the bytes are no ROOT file, [`DataError::InsufficientData`] where
    /// they end too soon.
    pub fn parse(bytes: &[u8]) -> Result<Self, DataError> {
        let mut c = Cursor::new(bytes);
        if c.bytes(4)? != b"root" {
            return Err(DataError::corrupt("no ROOT file: it does not begin with \"root\""));
        }
        let declared = c.i32()?;
        let large = declared >= LARGE;
        let version = if large { declared.checked_sub(LARGE) } else { Some(declared) };
        let version = version
            .and_then(|v| u32::try_from(v).ok())
            .ok_or_else(|| DataError::corrupt(format!("file version {declared}")))?;
        let begin = u64::from(c.u32()?);
        let end = c.offset(large)?;
        let _free = c.offset(large)?;
        let _free_bytes = c.u32()?;
        let _free_count = c.u32()?;
        let name_bytes = c.u32()?;
        let _unit = c.u8()?;
        let compression = c.i32()?;
        let streamers_at = c.offset(large)?;
        let streamers_bytes = c.u32()?;
        Ok(Self {
            version,
            large,
            begin,
            end,
            name_bytes,
            compression,
            streamers_at,
            streamers_bytes,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_widths() {
        let mut small = b"root".to_vec();
        for n in [62604u32, 100, 5000, 4000, 50, 1, 60] {
            small.extend(n.to_be_bytes());
        }
        small.push(4);
        for n in [101u32, 3000, 700] {
            small.extend(n.to_be_bytes());
        }
        let h = FileHeader::parse(&small).unwrap();
        assert_eq!((h.version, h.large, h.begin, h.end), (62604, false, 100, 5000));
        assert_eq!((h.compression, h.streamers_at, h.streamers_bytes), (101, 3000, 700));

        let mut large = b"root".to_vec();
        large.extend(1_062_604u32.to_be_bytes());
        large.extend(100u32.to_be_bytes());
        large.extend((5u64 << 32).to_be_bytes());
        large.extend((4u64 << 32).to_be_bytes());
        for n in [50u32, 1, 60] {
            large.extend(n.to_be_bytes());
        }
        large.push(8);
        large.extend(505u32.to_be_bytes());
        large.extend((3u64 << 32).to_be_bytes());
        large.extend(700u32.to_be_bytes());
        let h = FileHeader::parse(&large).unwrap();
        assert_eq!((h.version, h.large, h.end, h.streamers_at), (62604, true, 5 << 32, 3 << 32));

        for cut in 0..small.len() {
            assert!(FileHeader::parse(&small[..cut]).is_err());
        }
        assert!(FileHeader::parse(b"\x89HDF\r\n\x1a\n").is_err());
    }
}
