//! Files that are made of compressed blocks: their unpacked form into an archive, and the file out of it.

use std::fs::File;
use std::io::{self, BufReader, Read, Write};
use std::path::Path;

use vxc::{
    ContentDigest, ContentHasher, DecodeLimits, Decoder, Encoder, Error, FormatError, Original,
};
use vxc_remake::{Limits, Plan, RemakeError, Section, Tally, Unpacker};

use crate::failure::Failure;
use crate::input::Source;
use crate::layout::LayoutFrom;
use crate::options::Pack;

/// A file that can be unpacked.
pub struct Unpacking {
    file: BufReader<File>,
    plan: Plan,
    /// The file.
    pub original: Original,
}

impl Unpacking {
    /// Looks at an input; none where it is to be compressed as it is: a pipe, a format without blocks, or one whose
    /// layout or model the user knows.
    ///
    /// # Errors
    /// I/O.
    pub fn of(pack: &Pack, source: &Source) -> Result<Option<Self>, Failure> {
        let asked = pack.unpack
            && pack.model.is_none()
            && pack.trainer.is_none()
            && matches!(pack.layout, LayoutFrom::Sidecar | LayoutFrom::Bytes);
        if !asked || source.meta.is_none() {
            return Ok(None);
        }
        let open =
            || File::open(&source.name).map(BufReader::new).map_err(Failure::io("cannot read"));
        let Some(plan) = vxc_remake::scan(open()?)? else { return Ok(None) };
        if plan.items.iter().all(|item| item.piece.is_none()) {
            return Ok(None);
        }
        let mut file = open()?;
        let digest = ContentDigest::of(&mut file).map_err(Failure::io("cannot read"))?;
        let original = Original { container: plan.container, digest };
        Ok(Some(Self { file, plan, original }))
    }

    /// Gives the unpacked form to an encoder. `verify`: the file is made again from it, and compared with what was read
    /// first.
    ///
    /// # Errors
    /// Those of both; [`Error::Verify`].
    pub fn encode<W: Write>(
        &mut self,
        encoder: &mut Encoder<W>,
        verify: bool,
    ) -> Result<Tally, Broken> {
        let wanted = self.original.digest;
        // One byte more than the file has is another file.
        let limits = Limits::of_file(wanted.len);
        let mut proof = verify.then(|| (Unpacker::new(limits), ContentHasher::new()));
        let tally = vxc_remake::pack(&mut self.file, &self.plan, |group| {
            if let Some((unpacker, hasher)) = &mut proof {
                let form = Sections { sections: group.iter(), now: &[] };
                let made = unpacker.group(form, Hashed { out: io::sink(), hasher, error: None });
                made.map_err(|_| Error::Verify { at: unpacker.made() })?;
            }
            for section in group {
                if section.unknown {
                    encoder.unknown_section(&section.bytes)?;
                } else {
                    encoder.section(&section.bytes, section.layout.as_ref())?;
                }
            }
            Ok::<_, Broken>(())
        })?;
        if let Some((unpacker, hasher)) = proof {
            let at = unpacker.made();
            if unpacker.finish().is_err() || wanted.verify(&hasher.digest()).is_err() {
                return Err(Error::Verify { at }.into());
            }
        }
        Ok(tally)
    }
}

/// The sections of a group, one after the other.
struct Sections<'a> {
    sections: std::slice::Iter<'a, Section>,
    now: &'a [u8],
}

impl Read for Sections<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        while self.now.is_empty() {
            let Some(next) = self.sections.next() else { return Ok(0) };
            self.now = &next.bytes;
        }
        self.now.read(buf)
    }
}

/// What can stop the way through both crates.
#[derive(Debug)]
pub enum Broken {
    /// The archive.
    Codec(Error),
    /// The unpacked form.
    Remake(RemakeError),
    /// Writing the result.
    Write(io::Error),
}

impl From<Error> for Broken {
    fn from(e: Error) -> Self {
        Self::Codec(e)
    }
}

impl From<RemakeError> for Broken {
    fn from(e: RemakeError) -> Self {
        match e {
            // Of the memory that is allowed, whichever half of decoding asked for it.
            RemakeError::MemoryExceeded { needed, limit } => {
                let what = "making the file again";
                Self::Codec(FormatError::LimitExceeded { what, needed, limit }.into())
            }
            e => Self::Remake(e),
        }
    }
}

impl From<Broken> for Failure {
    fn from(e: Broken) -> Self {
        match e {
            Broken::Codec(e) => e.into(),
            Broken::Remake(e) => e.into(),
            Broken::Write(e) => Self::Io("cannot write".into(), e),
        }
    }
}

/// Decodes all archives of an input: their contents, or the files whose unpacked form they are. Gives the number
/// of bytes written. More than the limits' output are refused, and files that take more than their memory to make.
///
/// # Errors
/// Whatever is wrong with the archives; a file that does not come out as its checksums say.
pub fn restore<R: Read>(
    decoder: &mut Decoder<R>,
    limits: DecodeLimits,
    mut out: impl Write,
) -> Result<u64, Broken> {
    let (most, memory) = (limits.max_output, limits.max_memory);
    let mut total = 0u64;
    loop {
        let Some(original) = decoder.header().original else {
            loop {
                let chunk = decoder.archive_chunk()?;
                if chunk.is_empty() {
                    break;
                }
                out.write_all(chunk).map_err(Broken::Write)?;
                total += chunk.len() as u64;
            }
            if !decoder.next_archive() {
                return Ok(total);
            }
            continue;
        };
        let needed = total.saturating_add(original.digest.len);
        if needed > most {
            let what = "the file";
            return Err(
                Error::from(FormatError::LimitExceeded { what, needed, limit: most }).into()
            );
        }
        let mut broken = None;
        let mut form = Form::new(|| match decoder.archive_chunk() {
            Ok(chunk) => Ok(chunk.to_vec()),
            Err(e) => {
                broken = Some(e);
                Err(io::Error::other("the archive cannot be decoded"))
            }
        });
        let mut hasher = ContentHasher::new();
        let mut hashed = Hashed { out: &mut out, hasher: &mut hasher, error: None };
        let limits = Limits { file: original.digest.len, memory };
        let made = vxc_remake::unpack(&mut form, &mut hashed, limits);
        match (made, broken, hashed.error) {
            (_, Some(e), _) => return Err(e.into()),
            (_, _, Some(e)) => return Err(Broken::Write(e)),
            (Err(e), ..) => return Err(e.into()),
            (Ok(n), ..) => total += n,
        }
        original.digest.verify(&hasher.digest()).map_err(Error::from)?;
        if !decoder.next_archive() {
            return Ok(total);
        }
    }
}

/// The content of one archive, in the pieces that a decoder gives; an empty one is its end.
pub struct Form<F> {
    next: F,
    chunk: Vec<u8>,
    at: usize,
}

impl<F: FnMut() -> io::Result<Vec<u8>>> Form<F> {
    /// Nothing read yet.
    pub const fn new(next: F) -> Self {
        Self { next, chunk: Vec::new(), at: 0 }
    }
}

impl<F: FnMut() -> io::Result<Vec<u8>>> Read for Form<F> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.at == self.chunk.len() {
            // Before the next one is asked for.
            self.chunk = Vec::new();
            (self.chunk, self.at) = ((self.next)()?, 0);
        }
        let n = buf.len().min(self.chunk.len() - self.at);
        buf[..n].copy_from_slice(&self.chunk[self.at..self.at + n]);
        self.at += n;
        Ok(n)
    }
}

/// Hashes what is written.
pub struct Hashed<'a, W> {
    /// Where it goes.
    pub out: W,
    /// Of what went there.
    pub hasher: &'a mut ContentHasher,
    /// Why writing failed.
    pub error: Option<io::Error>,
}

impl<W: Write> Write for Hashed<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.out.write_all(bytes) {
            Ok(()) => {
                self.hasher.update(bytes);
                Ok(bytes.len())
            }
            Err(e) => {
                let kind = e.kind();
                self.error = Some(e);
                Err(kind.into())
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Counts what is written, and drops it.
pub struct Counted<F: FnMut(u64)>(pub F);

impl<F: FnMut(u64)> Write for Counted<F> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        (self.0)(bytes.len() as u64);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What was opened, for the line at the end.
pub fn note(original: &Original, tally: &Tally, coded: u64) -> String {
    let saved = tally.plain_bytes.saturating_sub(coded);
    format!(
        ", unpacked {}: {} of {} blocks re-made, {saved} bytes saved",
        original.container_name(),
        tally.remade,
        tally.blocks
    )
}

/// The name is only used to say what is unpacked.
pub fn shown(name: &Path) -> String {
    format!("{} (unpacking)", crate::console::Shown(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is written by default can be read by default.
    #[test]
    fn forms_fit_the_memory_of_decoding() {
        assert_eq!(vxc_remake::memory::DEFAULT, DecodeLimits::default().max_memory);
    }

    /// An archive on its way into a pipe, of a file that is another one when it is read again.
    #[test]
    fn forms_are_proved() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../data/tests/fixtures/root/zlib.root");
        let open = || BufReader::new(File::open(path).unwrap());
        let plan = vxc_remake::scan(open()).unwrap().unwrap();
        let digest = ContentDigest::of(&mut open()).unwrap();
        let other = ContentDigest::of(&mut &vec![7; digest.len as usize][..]).unwrap();
        let longer = ContentDigest { len: digest.len + 1, ..digest };
        let shorter = ContentDigest { len: digest.len - 1, ..digest };
        for (digest, good) in [(digest, true), (other, false), (longer, false), (shorter, false)] {
            for verify in [true, false] {
                let original = Original { container: plan.container, digest };
                let mut unpacking = Unpacking { file: open(), plan: plan.clone(), original };
                let options = vxc::CompressOptions {
                    level: vxc::Level::new(1).unwrap(),
                    original: Some(original),
                    ..vxc::CompressOptions::default()
                };
                let mut encoder = Encoder::new(Vec::new(), options).unwrap();
                let done = unpacking.encode(&mut encoder, verify);
                assert_eq!(done.is_ok(), good || !verify);
                let refused = matches!(done, Err(Broken::Codec(Error::Verify { .. })));
                assert_eq!(refused, !good && verify);
            }
        }
    }

    #[test]
    fn pieces_one_after_the_other() {
        let mut pieces = vec![vec![4, 5], vec![1, 2, 3]];
        let mut form = Form::new(|| Ok(pieces.pop().unwrap_or_default()));
        let mut all = Vec::new();
        form.read_to_end(&mut all).unwrap();
        assert_eq!(all, [1, 2, 3, 4, 5]);
    }
}
