//! Files in a box: gzip, tar, and both. Their members one after the other, whatever their names say.
//!
//! Nothing is written here. Names are given as safe relative paths: no root, no `..`, no drive; links, devices and
//! folders are passed over. What comes out is bounded by [`PackedLimits`].

use crate::error::DataError;
use crate::limits;
use flate2::read::MultiGzDecoder;
use std::io::{BufRead, BufReader, Read};
use std::path::{Component, Path, PathBuf};

const GZIP: [u8; 2] = [0x1f, 0x8b];
/// Where a tar header has its magic word.
const USTAR: std::ops::Range<usize> = 257..262;
/// Of a tar header.
const BLOCK: usize = 512;

/// What may come out of a box.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PackedLimits {
    /// Bytes of all members.
    pub bytes: u64,
    /// Members.
    pub members: u64,
}

/// What a file is wrapped in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wrapping {
    /// gzip.
    pub gzip: bool,
    /// tar, inside of gzip where both are.
    pub tar: bool,
}

/// Gives the members to `each`: a safe relative path, and a reader of the bytes. `name` is that of a file that is only gzipped.
/// Returns how it was wrapped and the names that were passed over; a file that is not wrapped has no members.
///
/// # Errors
/// [`DataError::LimitExceeded`], [`DataError::Corruption`] for unsafe names and damage, [`DataError::Io`], those of `each`.
pub fn unpack<E: From<DataError>>(
    reader: impl Read,
    name: &Path,
    limits: PackedLimits,
    mut each: impl FnMut(&Path, &mut dyn Read) -> Result<(), E>,
) -> Result<(Wrapping, Vec<String>), E> {
    let mut reader = BufReader::with_capacity(1 << 16, reader);
    let gzip = peek(&mut reader, 2)?.starts_with(&GZIP);
    let inner: Box<dyn Read + '_> =
        if gzip { Box::new(MultiGzDecoder::new(reader)) } else { Box::new(reader) };
    let bounded = Bounded { inner, left: limits.bytes, limit: limits.bytes };
    let mut content = BufReader::with_capacity(1 << 16, bounded);
    let start = peek(&mut content, BLOCK)?;
    let tar = start.len() == BLOCK && start.get(USTAR) == Some(b"ustar");
    let wrapping = Wrapping { gzip, tar };
    if !tar {
        if gzip {
            let stem = name.file_stem().map_or_else(|| PathBuf::from("content"), PathBuf::from);
            let stem = if name.extension().is_some_and(|e| e == "gz") { stem } else { name.into() };
            each(&safe(&stem)?, &mut Told(&mut content))?;
        }
        return Ok((wrapping, Vec::new()));
    }
    let mut passed_over = Vec::new();
    let mut archive = tar::Archive::new(content);
    let mut members = 0u64;
    for entry in archive.entries().map_err(translate)? {
        let mut entry = entry.map_err(translate)?;
        members = members.saturating_add(1);
        limits::check("number of members", members, limits.members)?;
        let path = entry.path().map_err(translate)?.into_owned();
        if !entry.header().entry_type().is_file() {
            passed_over.push(path.to_string_lossy().into_owned());
            continue;
        }
        each(&safe(&path)?, &mut Told(&mut entry))?;
    }
    // What follows the last member has the checksum of the whole behind it.
    std::io::copy(&mut archive.into_inner(), &mut std::io::sink()).map_err(translate)?;
    Ok((wrapping, passed_over))
}

/// Up to so many bytes that come next; all of them fit the buffer.
fn peek(reader: &mut impl BufRead, most: usize) -> Result<Vec<u8>, DataError> {
    // A buffered reader fills its buffer by one read, which may be short: what it has is enough, or the file is small.
    let found = loop {
        match reader.fill_buf() {
            Ok(bytes) => break bytes,
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
            Err(e) => return Err(translate(e)),
        }
    };
    Ok(found.get(..most.min(found.len())).unwrap_or_default().to_vec())
}

/// The path if it stays below the folder it is put in.
fn safe(path: &Path) -> Result<PathBuf, DataError> {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::Normal(name) => out.push(name),
            Component::CurDir => {}
            _ => return Err(DataError::corrupt(format!("a member called {}", path.display()))),
        }
    }
    if out.as_os_str().is_empty() {
        return Err(DataError::corrupt("a member without a name"));
    }
    Ok(out)
}

/// Errors of decoders are damage; those of the file below are not told apart from them, so a few kinds stay what they are.
fn translate(error: std::io::Error) -> DataError {
    use std::io::ErrorKind::{InvalidData, InvalidInput, Other, UnexpectedEof};
    if let Some(&TooMuch(limit)) = error.get_ref().and_then(|e| e.downcast_ref::<TooMuch>()) {
        let needed = limit.saturating_add(1);
        return DataError::LimitExceeded { what: "content of the archive", needed, limit };
    }
    match error.kind() {
        UnexpectedEof => DataError::truncated("the archive is cut off"),
        InvalidData | InvalidInput | Other => DataError::corrupt(error.to_string()),
        _ => DataError::Io(error),
    }
}

/// The limit was reached.
#[derive(Debug, thiserror::Error)]
#[error("more than {0} bytes")]
struct TooMuch(u64);

/// Refuses to give more bytes than allowed.
struct Bounded<R> {
    inner: R,
    left: u64,
    limit: u64,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
        let n = self.inner.read(buf)?;
        let left = self.left.checked_sub(u64::try_from(n).unwrap_or(u64::MAX));
        self.left = left.ok_or_else(|| std::io::Error::other(TooMuch(self.limit)))?;
        Ok(n)
    }
}

/// Errors in our own words, for whoever reads a member.
struct Told<R>(R);

impl<R: Read> Read for Told<R> {
    fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
        self.0.read(buf).map_err(|e| match e.kind() {
            std::io::ErrorKind::Interrupted => e,
            _ => std::io::Error::other(translate(e)),
        })
    }
}

/// The reader's error behind an error of a member's reader.
pub fn cause(error: std::io::Error) -> DataError {
    match error.downcast::<DataError>() {
        Ok(cause) => cause,
        Err(error) => DataError::Io(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::write::GzEncoder;
    use std::io::Write;

    const LIMITS: PackedLimits = PackedLimits { bytes: 1 << 20, members: 10 };

    fn gz(bytes: &[u8]) -> Vec<u8> {
        let mut out = GzEncoder::new(Vec::new(), flate2::Compression::default());
        out.write_all(bytes).unwrap();
        out.finish().unwrap()
    }

    fn tar_of(members: &[(&str, &[u8])]) -> Vec<u8> {
        let mut out = tar::Builder::new(Vec::new());
        for (name, bytes) in members {
            let mut header = tar::Header::new_ustar();
            header.set_size(bytes.len() as u64);
            header.set_mode(0o644);
            // As an attacker would: the builder refuses such names itself.
            header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
            header.set_cksum();
            out.append(&header, *bytes).unwrap();
        }
        out.into_inner().unwrap()
    }

    type Members = Vec<(String, Vec<u8>)>;

    fn run(bytes: &[u8], name: &str) -> Result<(Wrapping, Members), DataError> {
        let mut members = Vec::new();
        let (wrapping, _) = unpack(bytes, Path::new(name), LIMITS, |path, reader| {
            let mut content = Vec::new();
            reader.read_to_end(&mut content).map_err(cause)?;
            members.push((path.to_str().unwrap().to_owned(), content));
            Ok::<_, DataError>(())
        })?;
        Ok((wrapping, members))
    }

    #[test]
    fn members() {
        let text = b"HepMC::Version 3".to_vec();
        let one = vec![("x.hepmc".to_owned(), text.clone())];
        assert_eq!(
            run(&gz(&text), "x.hepmc.gz").unwrap(),
            (Wrapping { gzip: true, tar: false }, one)
        );
        let two = [&gz(&text)[..], &gz(b"more")].concat();
        assert_eq!(run(&two, "x").unwrap().1[0].1, [&text[..], b"more"].concat());
        let tar = tar_of(&[("./a/x", b"1"), ("b", &text)]);
        for (bytes, gzip) in [(tar.clone(), false), (gz(&tar), true)] {
            let (wrapping, found) = run(&bytes, "t").unwrap();
            assert_eq!(wrapping, Wrapping { gzip, tar: true });
            assert_eq!(found, [("a/x".into(), b"1".to_vec()), ("b".into(), text.clone())]);
        }
        assert!(run(b"plain text", "t").unwrap().1.is_empty());
        assert!(run(b"", "t").unwrap().1.is_empty());
    }

    #[test]
    fn what_is_refused() {
        for name in ["../x", "/etc/x", "a/../../x"] {
            let found = run(&tar_of(&[(name, b"1")]), "t");
            assert!(matches!(found, Err(DataError::Corruption(_))), "{name}");
        }
        let bomb = gz(&vec![0; 2 << 20]);
        assert!(matches!(run(&bomb, "b.gz"), Err(DataError::LimitExceeded { .. })));
        let many: Vec<(&str, &[u8])> = vec![("x", b""); 11];
        assert!(matches!(run(&tar_of(&many), "t"), Err(DataError::LimitExceeded { .. })));
        let whole = gz(&tar_of(&[("b", &[7; 5000])]));
        for end in [3, 20, whole.len() / 2, whole.len() - 4] {
            assert!(run(&whole[..end], "t").is_err(), "{end}");
        }
    }
}
