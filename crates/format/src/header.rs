//! The header: who wrote the archive, how, and what the original file was called.
//!
//! ```text
//! signature 8 · version u8 · flags u8 · body length varint · body · CRC32C of all of it, u32 LE
//! body := level u8 · arithmetic profile u8 · writer major, minor, patch varint ×3
//!         [name length varint, name] [mtime i64 LE] [mode u32 varint] [raw size varint]
//!         [original: container u8, size varint, BLAKE3 32, Adler-32 u32 LE]
//! ```
//! Flag bits 0..4 say which of the five optional fields follow, in that order; the others are reserved.
//! Everything but the meaning of the body is frozen for all versions, so a reader tells an intact header
//! of a later version (unsupported) from a damaged one.

use std::io::Read;

use crate::constants::{FORMAT_VERSION, MAX_HEADER_BODY, MAX_NAME_BYTES, SIGNATURE};
use crate::content::{ContentDigest, crc32c, len64};
use crate::error::FormatError;
use crate::parse::Parse;
use crate::source::Source;
use crate::varint;

const HAS_NAME: u8 = 1;
const HAS_MTIME: u8 = 2;
const HAS_MODE: u8 = 4;
const HAS_RAW_SIZE: u8 = 8;
const HAS_ORIGINAL: u8 = 16;
const KNOWN_FLAGS: u8 = HAS_NAME | HAS_MTIME | HAS_MODE | HAS_RAW_SIZE | HAS_ORIGINAL;

/// Version of the program that wrote an archive. Informative: it never decides how to decode.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Writer {
    /// Major version.
    pub major: u32,
    /// Minor version.
    pub minor: u32,
    /// Patch version.
    pub patch: u32,
}

impl std::fmt::Display for Writer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

/// The file whose unpacked form the content of an archive is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Original {
    /// What it is: 0 unknown, 1 ROOT, 2 gzip, 3 HDF5. Informative.
    pub container: u8,
    /// Its size and checksums.
    pub digest: ContentDigest,
}

impl Original {
    /// What the file is, for people.
    pub const fn container_name(&self) -> &'static str {
        match self.container {
            1 => "ROOT",
            2 => "gzip",
            3 => "HDF5",
            _ => "unknown",
        }
    }
}

/// The header of an archive.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Header {
    /// Level asked for at compression. Informative.
    pub level: u8,
    /// Which definition of all arithmetic the decoder must follow.
    pub profile: u8,
    /// The program that wrote the archive.
    pub writer: Writer,
    /// Base name of the original file in the bytes of its system, which need not be UTF-8. A reader
    /// that uses it as a path must reject separators and `..` first.
    pub name: Option<Vec<u8>>,
    /// Modification time of the original file, ns since 1970-01-01 UTC.
    pub mtime: Option<i64>,
    /// Unix mode bits of the original file.
    pub mode: Option<u32>,
    /// Content size in bytes, where it was known at the start; the footer must agree.
    pub raw_size: Option<u64>,
    /// If the content is the unpacked form of a file: that file. Whoever wants the file makes it again from
    /// the content, and compares.
    pub original: Option<Original>,
}

impl Header {
    /// Appends the header to `out`.
    ///
    /// # Errors
    /// [`FormatError::InvalidArgument`] if the name is empty or longer than
    /// [`MAX_NAME_BYTES`].
    pub fn write(&self, out: &mut Vec<u8>) -> Result<(), FormatError> {
        let mut body = vec![self.level, self.profile];
        for part in [self.writer.major, self.writer.minor, self.writer.patch] {
            varint::put(&mut body, part.into());
        }
        let mut flags = 0u8;
        if let Some(name) = &self.name {
            if name.is_empty() || name.len() > MAX_NAME_BYTES {
                return Err(FormatError::argument(format!(
                    "a name of {} bytes is not in 1..={MAX_NAME_BYTES}",
                    name.len()
                )));
            }
            flags |= HAS_NAME;
            varint::put(&mut body, len64(name));
            body.extend_from_slice(name);
        }
        if let Some(mtime) = self.mtime {
            flags |= HAS_MTIME;
            body.extend_from_slice(&mtime.to_le_bytes());
        }
        if let Some(mode) = self.mode {
            flags |= HAS_MODE;
            varint::put(&mut body, mode.into());
        }
        if let Some(size) = self.raw_size {
            flags |= HAS_RAW_SIZE;
            varint::put(&mut body, size);
        }
        if let Some(original) = &self.original {
            flags |= HAS_ORIGINAL;
            body.push(original.container);
            varint::put(&mut body, original.digest.len);
            body.extend_from_slice(&original.digest.blake3);
            body.extend_from_slice(&original.digest.adler32.to_le_bytes());
        }
        let mut bytes = SIGNATURE.to_vec();
        bytes.extend_from_slice(&[FORMAT_VERSION, flags]);
        varint::put(&mut bytes, len64(&body));
        bytes.extend_from_slice(&body);
        let crc = crc32c(&bytes);
        bytes.extend_from_slice(&crc.to_le_bytes());
        out.extend_from_slice(&bytes);
        Ok(())
    }

    /// Reads a header; the reader stands behind it afterwards. At most [`MAX_HEADER_BODY`] bytes are
    /// buffered.
    ///
    /// # Errors
    /// Any kind but `LimitExceeded` and `InvalidArgument`.
    pub fn read<R: Read>(inner: R) -> Result<Self, FormatError> {
        Self::from_source(&mut Source::new(inner, 0)).map(|(header, _)| header)
    }

    /// The header and its length in bytes.
    pub(crate) fn from_source<R: Read>(source: &mut Source<R>) -> Result<(Self, u64), FormatError> {
        let start = source.position();
        let mut signature = [0u8; 8];
        let got = source.fill(&mut signature)?;
        check_signature(signature.get(..got).unwrap_or_default(), start)?;
        Self::after_signature(source, start)
    }

    /// As [`Header::from_source`], when the signature at `start` has been read already.
    pub(crate) fn after_signature<R: Read>(
        source: &mut Source<R>,
        start: u64,
    ) -> Result<(Self, u64), FormatError> {
        let mut raw = SIGNATURE.to_vec();
        let [version, flags] = source.array("the header")?;
        raw.extend_from_slice(&[version, flags]);
        let body_len = source.varint(&mut raw, "the header")?;
        let body_len = usize::try_from(body_len)
            .ok()
            .filter(|&n| n <= MAX_HEADER_BODY)
            .ok_or_else(|| FormatError::corrupt(format!("a header body of {body_len} bytes")))?;
        let body_at = raw.len();
        source.append(&mut raw, u64::try_from(body_len).unwrap_or(u64::MAX), "the header")?;
        let stored = u32::from_le_bytes(source.array("the header")?);
        if stored != crc32c(&raw) {
            return Err(FormatError::ChecksumMismatch { what: "the header", at: start });
        }
        if version != FORMAT_VERSION {
            return Err(FormatError::UnsupportedVersion(format!(
                "format version {version}; this program reads version {FORMAT_VERSION}"
            )));
        }
        if flags & !KNOWN_FLAGS != 0 {
            return Err(FormatError::UnsupportedVersion(format!(
                "header flags {flags:#04x} that this program does not know"
            )));
        }
        let header = Self::parse_body(flags, raw.get(body_at..).unwrap_or_default())?;
        Ok((header, source.position().saturating_sub(start)))
    }

    fn parse_body(flags: u8, body: &[u8]) -> Result<Self, FormatError> {
        let mut p = Parse::new(body, "the header");
        let level = p.u8()?;
        let profile = p.u8()?;
        let writer = Writer { major: p.varint32()?, minor: p.varint32()?, patch: p.varint32()? };
        let name = if flags & HAS_NAME != 0 {
            let len = usize::try_from(p.varint()?)
                .ok()
                .filter(|n| (1..=MAX_NAME_BYTES).contains(n))
                .ok_or_else(|| FormatError::corrupt("the length of the name in the header"))?;
            Some(p.bytes(len)?.to_vec())
        } else {
            None
        };
        let mtime =
            if flags & HAS_MTIME != 0 { Some(i64::from_le_bytes(p.array()?)) } else { None };
        let mode = if flags & HAS_MODE != 0 { Some(p.varint32()?) } else { None };
        let raw_size = if flags & HAS_RAW_SIZE != 0 { Some(p.varint()?) } else { None };
        let original = if flags & HAS_ORIGINAL != 0 {
            let (container, len, blake3) = (p.u8()?, p.varint()?, p.array()?);
            let digest = ContentDigest { len, blake3, adler32: p.u32()? };
            Some(Original { container, digest })
        } else {
            None
        };
        p.end()?;
        Ok(Self { level, profile, writer, name, mtime, mode, raw_size, original })
    }
}

/// Memory of an archive in a list but for its name and its blocks, lists growing by doubling: the kinds of lists hold
/// themselves to it.
pub(crate) const ARCHIVE_MEMORY: usize = 1024;

/// Memory of an archive in a list, but for its blocks.
pub(crate) fn listed_memory(header: Option<&Header>) -> u64 {
    let name = header.and_then(|h| h.name.as_deref()).map_or(0, len64);
    name.saturating_add(ARCHIVE_MEMORY as u64)
}

/// `Ok` if `found`, the up to eight bytes at `at`, is the signature.
pub(crate) fn check_signature(found: &[u8], at: u64) -> Result<(), FormatError> {
    if found == SIGNATURE {
        return Ok(());
    }
    if SIGNATURE.starts_with(found) {
        return Err(FormatError::truncated(if found.is_empty() {
            format!("no bytes at {at}")
        } else {
            format!("the input ends inside the signature at byte {at}")
        }));
    }
    if at > 0 {
        return Err(FormatError::corrupt(format!("bytes after the archive's end at byte {at}")));
    }
    // The letters survive a text-mode transfer; the line ends or the top bit do not.
    if found.get(1..4) == SIGNATURE.get(1..4) {
        return Err(FormatError::corrupt(
            "the signature is damaged, as by a transfer in text mode",
        ));
    }
    Err(FormatError::corrupt("no .vxc archive: the signature is missing"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_no_signature_is_told() {
        let said = |found: &[u8], at| check_signature(found, at).unwrap_err().to_string();
        assert!(check_signature(&SIGNATURE, 0).is_ok());
        assert!(said(b"", 0).contains("no bytes"));
        assert!(said(&SIGNATURE[..3], 7).contains("inside the signature at byte 7"));
        assert!(said(b"anything", 0).contains("no .vxc archive"));
        assert!(said(b"anything", 9).contains("after the archive's end at byte 9"));
        let mut text = SIGNATURE;
        text[0] &= 0x7f;
        assert!(said(&text, 0).contains("text mode"));
    }

    #[test]
    fn files_have_names_for_people() {
        let digest = ContentDigest { len: 0, blake3: [0; 32], adler32: 1 };
        let names =
            [0, 1, 2, 3, 4].map(|container| Original { container, digest }.container_name());
        assert_eq!(names, ["unknown", "ROOT", "gzip", "HDF5", "unknown"]);
    }

    fn any_header() -> impl Strategy<Value = Header> {
        (
            any::<(u8, u8, u32, u32, u32)>(),
            proptest::option::of(proptest::collection::vec(any::<u8>(), 1..300)),
            any::<(Option<i64>, Option<u32>, Option<u64>)>(),
            any::<Option<(u8, u64, [u8; 32], u32)>>(),
        )
            .prop_map(
                |(
                    (level, profile, major, minor, patch),
                    name,
                    (mtime, mode, raw_size),
                    original,
                )| {
                    let writer = Writer { major, minor, patch };
                    let original = original.map(|(container, len, blake3, adler32)| Original {
                        container,
                        digest: ContentDigest { len, blake3, adler32 },
                    });
                    Header { level, profile, writer, name, mtime, mode, raw_size, original }
                },
            )
    }

    proptest! {
        #[test]
        fn round_trip(h in any_header()) {
            let mut bytes = Vec::new();
            h.write(&mut bytes).unwrap();
            let mut s = Source::new(&bytes[..], 0);
            let (back, len) = Header::from_source(&mut s).unwrap();
            prop_assert_eq!(&back, &h);
            prop_assert_eq!(len, bytes.len() as u64);
        }

        #[test]
        fn random_bodies_are_canonical_or_rejected(
            flags in 0u8..32,
            body in proptest::collection::vec(any::<u8>(), 0..80),
        ) {
            if let Ok(h) = Header::parse_body(flags, &body) {
                let mut bytes = Vec::new();
                h.write(&mut bytes).unwrap();
                prop_assert_eq!(&bytes[11..bytes.len() - 4], &body[..]);
            }
        }
    }

    /// Changes byte `at` and repairs the checksum, as a later version could have written it.
    fn altered(at: usize, value: u8) -> Result<Header, FormatError> {
        let mut bytes = Vec::new();
        Header::default().write(&mut bytes).unwrap();
        bytes[at] = value;
        let n = bytes.len() - 4;
        let crc = crc32c(&bytes[..n]).to_le_bytes();
        bytes[n..].copy_from_slice(&crc);
        Header::read(&bytes[..])
    }

    #[test]
    fn later_versions_are_unsupported_not_corrupt() {
        assert!(altered(8, FORMAT_VERSION).is_ok());
        assert!(matches!(altered(8, 2), Err(FormatError::UnsupportedVersion(_))));
        for bit in 5..8 {
            assert!(matches!(altered(9, 1 << bit), Err(FormatError::UnsupportedVersion(_))));
        }
        // A known flag without its field is a contradiction.
        assert!(matches!(altered(9, HAS_MTIME), Err(FormatError::Corruption(_))));
    }

    #[test]
    fn wrong_signatures_are_told_apart() {
        let read = |b: &[u8]| Header::read(b).unwrap_err().to_string();
        assert!(read(b"").contains("truncated"));
        assert!(read(&SIGNATURE[..5]).contains("truncated"));
        assert!(read(b"\x1f\x8b\x08\0\0\0\0\0\0\0").contains("no .vxc archive"));
        assert!(read(b"\x89VXC\x0A\x1A\x0A\x01\x00").contains("text mode"));
        assert!(read(b"\x09VXC\x0D\x0A\x1A\x0A\x01\x00").contains("text mode"));
    }

    #[test]
    fn names_have_limits() {
        for n in [0, MAX_NAME_BYTES + 1] {
            let h = Header { name: Some(vec![b'x'; n]), ..Header::default() };
            assert!(matches!(h.write(&mut Vec::new()), Err(FormatError::InvalidArgument(_))));
        }
        let h = Header { name: Some(vec![0xFF; MAX_NAME_BYTES]), ..Header::default() };
        let mut bytes = Vec::new();
        h.write(&mut bytes).unwrap();
        assert_eq!(Header::read(&bytes[..]).unwrap(), h);
    }

    #[test]
    fn an_absurd_body_length_is_rejected_before_reading_it() {
        let mut bytes = SIGNATURE.to_vec();
        bytes.extend_from_slice(&[1, 0]);
        varint::put(&mut bytes, u64::MAX);
        assert!(matches!(Header::read(&bytes[..]), Err(FormatError::Corruption(_))));
    }
}
