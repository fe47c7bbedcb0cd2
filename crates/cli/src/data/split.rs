//! `data split`: contiguous parts of a table or a text, cut between records, or between events. Together they are the input.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use vxc::ContentHasher;
use vxc::tokens::RecordLayout;
use vxc_data::npy::write::dtype_of;

use super::sidecar::Sidecar;
use crate::args::SplitArgs;
use crate::console::{Console, Shown, bytes, hex};
use crate::failure::Failure;
use crate::input::open_file;
use crate::layout::names_beside;
use crate::output::{Target, Terminal};

const STEP: usize = 1 << 20;
/// How HepMC texts start, and their events.
const HEPMC: &[u8] = b"HepMC::";
const EVENT: &[u8] = b"E ";

/// Where a cut may be.
enum Cuts {
    /// Between records of so many bytes; between those that differ in these bytes of them, where there is a range.
    Records(usize, Option<std::ops::Range<usize>>),
    /// Before lines that start so.
    Lines(&'static [u8]),
}

/// Splits.
///
/// # Errors
/// Usage; what cannot be read or written.
pub fn run(how: &SplitArgs, console: &Console) -> Result<(), Failure> {
    let parts = parts(&how.parts)?;
    let mut input = Joined::open(&how.files)?;
    let first = &how.files[0];
    let cuts = cuts(how, first, &mut input)?;
    fs::create_dir_all(&how.output)
        .map_err(Failure::io(format!("cannot make {}", Shown(&how.output))))?;
    let ending = first.extension().map_or_else(|| "bin".into(), |e| e.to_string_lossy());
    let sum: f64 = parts.iter().map(|(_, share)| share).sum();
    let (mut from, mut share) = (0u64, 0.0);
    for (i, (name, part)) in parts.iter().enumerate() {
        share += part;
        let wanted = (input.bytes as f64 * (share / sum)) as u64;
        let last = i + 1 == parts.len();
        let to = if last { input.bytes } else { input.cut(&cuts, wanted.max(from))? };
        let path = how.output.join(format!("{name}.{ending}"));
        let digest = input.copy(from..to, &path, how.force)?;
        beside(first, &path, &digest, how.force)?;
        let records = match &cuts {
            Cuts::Records(n, _) => format!(", {} records", (to - from) / *n as u64),
            Cuts::Lines(_) => String::new(),
        };
        console.note(&format!("{} : {}{records}", Shown(&path), bytes(to - from)));
        from = to;
    }
    Ok(())
}

/// `train=0.8,test=0.2`.
fn parts(text: &str) -> Result<Vec<(String, f64)>, Failure> {
    let wrong = |part: &str| Failure::usage(format!("{part:?} is not NAME=SHARE"));
    let mut out: Vec<(String, f64)> = Vec::new();
    for part in text.split(',') {
        let (name, share) = part.split_once('=').ok_or_else(|| wrong(part))?;
        let plain =
            !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "_-".contains(c));
        let share: f64 = share.parse().map_err(|_| wrong(part))?;
        if !(plain && share.is_finite() && share > 0.0)
            || out.iter().any(|(other, _)| other == name)
        {
            return Err(wrong(part));
        }
        out.push((name.to_owned(), share));
    }
    Ok(out)
}

fn cuts(how: &SplitArgs, first: &Path, input: &mut Joined) -> Result<Cuts, Failure> {
    let sidecar = Sidecar::read(first)?;
    let layout = names_beside(first);
    let record = match (how.record, &sidecar, &layout) {
        (Some(n), ..) => n,
        (None, Some(sidecar), _) => record(sidecar)?,
        (None, None, Some(layout)) => layout.record_bytes,
        (None, None, None) => {
            if how.by.is_some() {
                return Err(Failure::usage("--by needs the layout of the records"));
            }
            let is_hepmc = input.range(0..HEPMC.len() as u64)? == HEPMC;
            return Ok(Cuts::Lines(if is_hepmc { EVENT } else { b"" }));
        }
    };
    if record == 0 || !input.bytes.is_multiple_of(record as u64) {
        return Err(Failure::usage(format!("{} bytes are no records of {record}", input.bytes)));
    }
    let by = match &how.by {
        None => None,
        Some(name) => Some(field(layout.as_ref().filter(|l| l.record_bytes == record), name)?),
    };
    Ok(Cuts::Records(record, by))
}

/// Bytes of a row: an element, or what one index of the first dimension has.
fn record(sidecar: &Sidecar) -> Result<usize, Failure> {
    let element = dtype_of(&sidecar.descr)?.bytes as u64;
    let inner = sidecar.shape.iter().skip(1).try_fold(element, |n, &dim| n.checked_mul(dim));
    let record = inner.and_then(|n| usize::try_from(n).ok()).filter(|&n| n > 0);
    record.ok_or_else(|| Failure::usage("rows of no bytes cannot be split"))
}

fn field(layout: Option<&RecordLayout>, name: &str) -> Result<std::ops::Range<usize>, Failure> {
    let fields = layout.map(|l| l.fields.as_slice()).unwrap_or_default();
    let field = fields.iter().find(|f| f.name == name);
    let field = field.ok_or_else(|| {
        let some: Vec<&str> = fields.iter().map(|f| f.name.as_str()).take(8).collect();
        Failure::usage(format!("no field {name}; there are {}", some.join(", ")))
    })?;
    Ok(field.offset..field.offset + field.kind.bytes())
}

/// The description of a part: that of the input with its own size, or the input's own words.
fn beside(
    input: &Path,
    part: &Path,
    digest: &vxc::ContentDigest,
    force: bool,
) -> Result<(), Failure> {
    if let Some(mut sidecar) = Sidecar::read(input)? {
        let row = record(&sidecar)? as u64;
        if let Some(rows) = sidecar.shape.first_mut() {
            *rows = digest.len / row;
        }
        sidecar.bytes = digest.len;
        sidecar.blake3 = hex(&digest.blake3);
        sidecar.adler32 = format!("{:08x}", digest.adler32);
        return sidecar.write(part, force);
    }
    let theirs = [input.with_extension("meta.json"), crate::meta::with_suffix(input, ".meta.json")];
    let Some(theirs) = theirs.into_iter().find(|p| p.is_file()) else { return Ok(()) };
    let text = fs::read(&theirs).map_err(Failure::io(format!("cannot read {}", Shown(&theirs))))?;
    let mut out = Target::Path(part.with_extension("meta.json")).open(force, Terminal::Forced)?;
    out.write_all(&text).map_err(|e| out.explain(e))?;
    out.publish_one_of_many()
}

/// Files, one after the other.
struct Joined {
    /// Each with its first byte and its length.
    files: Vec<(File, u64, u64)>,
    bytes: u64,
}

impl Joined {
    fn open(names: &[PathBuf]) -> Result<Self, Failure> {
        let (mut files, mut bytes) = (Vec::new(), 0);
        for name in names {
            let (file, meta) = open_file(name)?;
            if !meta.is_file() {
                return Err(Failure::usage(format!("{} is no file", Shown(name))));
            }
            files.push((file, bytes, meta.len()));
            bytes += meta.len();
        }
        Ok(Self { files, bytes })
    }

    /// A reader of what starts at a byte, up to the end of the file it lies in, and its length.
    fn at(&mut self, byte: u64) -> Result<Option<(&mut File, u64)>, Failure> {
        let found =
            self.files.iter_mut().find(|(_, start, len)| byte >= *start && byte < start + len);
        let Some((file, start, len)) = found else { return Ok(None) };
        file.seek(SeekFrom::Start(byte - *start)).map_err(Failure::io("cannot read"))?;
        Ok(Some((file, *start + *len - byte)))
    }

    /// Bytes, as many as there are.
    fn range(&mut self, range: std::ops::Range<u64>) -> Result<Vec<u8>, Failure> {
        let mut out = Vec::new();
        while (out.len() as u64) < range.end - range.start {
            let at = range.start + out.len() as u64;
            let left = range.end - at;
            let Some((file, _)) = self.at(at)? else { break };
            let n = file.take(left).read_to_end(&mut out).map_err(Failure::io("cannot read"))?;
            if n == 0 {
                return Err(Failure::usage("a file became shorter while it was read"));
            }
        }
        Ok(out)
    }

    /// The first place for a cut from a byte on.
    fn cut(&mut self, cuts: &Cuts, wanted: u64) -> Result<u64, Failure> {
        match cuts {
            Cuts::Records(record, by) => {
                let record = *record as u64;
                let mut at = wanted.div_ceil(record) * record;
                let Some(by) = by else { return Ok(at.min(self.bytes)) };
                let range = |at: u64| at + by.start as u64..at + by.end as u64;
                while at > 0 && at < self.bytes {
                    if self.range(range(at))? != self.range(range(at - record))? {
                        break;
                    }
                    at += record;
                }
                Ok(at.min(self.bytes))
            }
            Cuts::Lines(start) => {
                // A line that starts at `wanted` is one as well.
                let mut at = wanted.saturating_sub(1);
                while at < self.bytes {
                    let Some((file, left)) = self.at(at)? else { break };
                    let mut reader = BufReader::new(file.take(left));
                    let (mut line, mut place) = (Vec::new(), at);
                    let mut begins = at == 0;
                    loop {
                        line.clear();
                        let n = reader
                            .read_until(b'\n', &mut line)
                            .map_err(Failure::io("cannot read"))?;
                        if n == 0 {
                            break;
                        }
                        if begins && place >= wanted && line.starts_with(start) {
                            return Ok(place);
                        }
                        place += n as u64;
                        begins = line.ends_with(b"\n");
                    }
                    at = place;
                    // The next file starts a line.
                    if at < self.bytes && at >= wanted {
                        let next = self.range(at..(at + start.len() as u64).min(self.bytes))?;
                        if next == *start {
                            return Ok(at);
                        }
                    }
                }
                Ok(self.bytes)
            }
        }
    }

    /// Writes a range to a file.
    fn copy(
        &mut self,
        range: std::ops::Range<u64>,
        path: &Path,
        force: bool,
    ) -> Result<vxc::ContentDigest, Failure> {
        let mut out = Target::Path(path.to_owned()).open(force, Terminal::Forced)?;
        let mut hasher = ContentHasher::new();
        let mut at = range.start;
        while at < range.end {
            let piece = self.range(at..range.end.min(at + STEP as u64))?;
            hasher.update(&piece);
            out.write_all(&piece).map_err(|e| out.explain(e))?;
            at += piece.len() as u64;
        }
        out.publish_one_of_many()?;
        Ok(hasher.digest())
    }
}
