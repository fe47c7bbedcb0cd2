//! Damaged archives: what is intact of them, where it belongs, and which bytes are lost.

mod report;

use std::io::{BufReader, Write};
use std::ops::Range;
use std::path::Path;
use std::sync::mpsc::sync_channel;
use std::sync::{Mutex, PoisonError};

use vxc::salvage::Piece;
use vxc::{ContentHasher, DecodeLimits, DecompressOptions, Error, Header, Salvage};
use vxc_remake::{Limits, RemakeError};

use crate::batch::Sizes;
use crate::console::{Console, Shown};
use crate::decompress::{early_target, looks, placed};
use crate::failure::Failure;
use crate::input::{Source, is_pipe, is_stdin};
use crate::options::Unpack;
use crate::output::{Output, Target};
use crate::unpacked::{Broken, Form, Hashed};

pub use report::{report, report_whole};

/// Said of an archive whose header and footer do not tell.
const NO_END: &str = "where the content ends is not known";

/// A file that may be damaged.
type Damaged = Salvage<BufReader<std::fs::File>>;

/// What came out.
#[derive(Default)]
struct Outcome {
    /// Bytes written, lost ones included.
    written: u64,
    /// Bytes lost.
    lost: u64,
    /// What else is wrong, though no byte is lost.
    doubts: Vec<String>,
}

fn open(options: &DecompressOptions, source: &mut Source) -> Result<Damaged, Failure> {
    let file = source.file.take().ok_or_else(no_file)?;
    Ok(Salvage::open(BufReader::new(file), options.clone())?)
}

fn no_file() -> Failure {
    Failure::usage("--keep-going needs a file: a pipe cannot be searched")
}

/// Decompresses what is intact: lost bytes are zero in the output, and named.
///
/// # Errors
/// [`Failure::Damaged`] once everything that is intact was written, if anything was not; else whatever went wrong, and
/// nothing was published.
pub fn decompress(unpack: &Unpack, name: &Path, console: &Console) -> Result<Sizes, Failure> {
    if is_stdin(name) || is_pipe(name) {
        return Err(no_file());
    }
    let mut source = Source::open(name)?;
    // What is refused anyway is refused before the file is searched.
    if let Some(target) = early_target(unpack, name)? {
        target.check(unpack.placing.force, &source.meta)?;
    }
    let mut salvage = open(&unpack.options, &mut source)?;
    let Some(first) = salvage.archives().first() else {
        return Err(Failure::Damaged("nothing of an archive is left".into()));
    };
    let header = first.header.clone().unwrap_or_default();
    if unpack.stored_name && header.name.is_none() {
        let why = "no name is left of the archive; say where to write with -o or -c";
        return Err(Failure::usage(why));
    }
    let meta = source.meta.clone();
    let (target, mut output) = placed(unpack, name, &header, meta.as_ref())?;
    let mut outcome = write(&mut salvage, unpack.options.limits, &mut output, &mut |line| {
        console.warning(name, line);
    })?;
    let nothing =
        outcome.written == outcome.lost && (outcome.lost > 0 || !outcome.doubts.is_empty());
    let withheld = nothing && target != Target::Stdout;
    if withheld {
        outcome.doubts.push("nothing was written".into());
    } else {
        output.publish(&looks(&header, meta.as_ref()))?;
    }
    let sizes = Sizes { raw: outcome.written, coded: source.len.unwrap_or(0) };
    let place = match &target {
        _ if withheld => "nothing is left".to_owned(),
        Target::Stdout => "they are zero in the output".to_owned(),
        Target::Path(path) => format!("they are zero in {}", Shown(path)),
    };
    match failure(&outcome, salvage.damaged(), &place) {
        Some(failure) => Err(failure),
        None => {
            console.note(&format!("{} : {} bytes", Shown(name), outcome.written));
            Ok(sizes)
        }
    }
}

fn bytes(range: &Range<u64>) -> String {
    format!("bytes {} to {}", range.start, range.end.saturating_sub(1))
}

/// What to say at the end; none if the archive is whole.
fn failure(outcome: &Outcome, damaged: &[Range<u64>], place: &str) -> Option<Failure> {
    let Outcome { written, lost, doubts } = outcome;
    // Each archive of a file may have the same.
    let mut parts: Vec<&str> = doubts.iter().map(String::as_str).collect();
    parts.sort_unstable();
    parts.dedup();
    let mut parts: Vec<String> = parts.into_iter().map(str::to_owned).collect();
    if *lost > 0 {
        parts.insert(0, format!("{lost} of {written} bytes are lost; {place}"));
    } else if !damaged.is_empty() {
        let ranges: Vec<String> = damaged.iter().take(4).map(bytes).collect();
        let more = if damaged.len() > 4 { " and elsewhere" } else { "" };
        let ranges = ranges.join(", ");
        let intact = match doubts.is_empty() {
            true => "all content is intact".to_owned(),
            false => format!("{written} bytes of content are intact"),
        };
        parts.insert(0, format!("{intact}, the archive is not: {ranges}{more}"));
    }
    (!parts.is_empty()).then(|| Failure::Damaged(parts.join("; ")))
}

/// Writes all archives of a file.
fn write(
    salvage: &mut Damaged,
    limits: DecodeLimits,
    output: &mut Output,
    say: &mut impl FnMut(&str),
) -> Result<Outcome, Failure> {
    let most = limits.max_output;
    let mut outcome = Outcome::default();
    for number in 0..salvage.archives().len() {
        let archive = &salvage.archives()[number];
        let header = archive.header.clone();
        let original = header.as_ref().and_then(|h: &Header| h.original);
        if header.is_none() {
            outcome
                .doubts
                .push("the header is lost: the content may be a file's unpacked form".into());
        }
        let digest = match original {
            None => {
                content(salvage, number, most, output, &mut outcome, say)?;
                continue;
            }
            Some(original) => original.digest,
        };
        if outcome.written.saturating_add(digest.len) > most {
            return Err(over(outcome.written.saturating_add(digest.len), most));
        }
        // What is made again is not larger than what it is made of; all archives together may claim as much as one.
        if outcome.written.saturating_add(digest.len) > salvage.most_content() {
            return Err(Failure::Damaged("the header claims more than the file can hold".into()));
        }
        let mut hasher = ContentHasher::new();
        let mut made = Hashed { out: &mut *output, hasher: &mut hasher, error: None };
        let limits = Limits { file: digest.len, memory: limits.max_memory };
        let remade = remake(salvage, number, &mut made, limits);
        if let Some(e) = made.error {
            return Err(output.explain(e));
        }
        let whole = remade?;
        let done = hasher.len();
        outcome.written += done;
        if whole && hasher.digest() == digest {
            continue;
        }
        if done >= digest.len {
            outcome.doubts.push("the file does not have the checksum that the archive says".into());
            continue;
        }
        let range = outcome.written..outcome.written + digest.len - done;
        say(&format!("{} are lost: they, or what is before them, need lost bytes", bytes(&range)));
        fill(output, digest.len - done, &mut outcome)?;
    }
    Ok(outcome)
}

/// Makes a file again up to the first block that needs lost bytes of its unpacked form; says whether that is to its end.
///
/// # Errors
/// Memory, where it does not suffice; those of decoding.
fn remake(
    salvage: &mut Damaged,
    number: usize,
    out: &mut impl Write,
    limits: Limits,
) -> Result<bool, Failure> {
    /// Why decoding stopped.
    enum Stop {
        /// At a gap, or nobody wants more.
        Here,
        Failed(Error),
    }
    impl From<Error> for Stop {
        fn from(e: Error) -> Self {
            Self::Failed(e)
        }
    }
    let (sender, receiver) = sync_channel(1);
    // What of the form was lost so far, in order; noted before its zeros are sent.
    let gaps = Mutex::new(Vec::<Range<u64>>::new());
    let noted = || gaps.lock().unwrap_or_else(PoisonError::into_inner);
    let (made, decoded) = std::thread::scope(|scope| {
        let decoder = scope.spawn(|| {
            let sender = sender;
            let send = |bytes: Vec<u8>| sender.send(bytes).map_err(|_| Stop::Here);
            salvage.decode(number, |piece| match piece {
                // In small pieces: whole segments in every hand would be beyond what is counted.
                Piece::Content(_, bytes) => {
                    bytes.chunks(1 << 20).try_for_each(|chunk| send(chunk.to_vec()))
                }
                Piece::Lost(loss) => {
                    noted().push(loss.content.clone());
                    let len = loss.content.end - loss.content.start;
                    zeros(len).try_for_each(|zeros| send(zeros.to_vec()))
                }
            })
        });
        let intact = |range| vxc_remake::form::before_gap(&noted(), range);
        let form = Form::new(|| {
            // Empty once the decoder has stopped.
            Ok(receiver.iter().find(|chunk| !chunk.is_empty()).unwrap_or_default())
        });
        let made = vxc_remake::unpack_damaged(form, intact, out, limits);
        // The decoder waits for no one.
        drop(receiver);
        (made, decoder.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    });
    match (made, decoded) {
        (_, Err(Stop::Failed(e))) => Err(e.into()),
        (Err(e @ RemakeError::MemoryExceeded { .. }), _) => Err(Broken::from(e).into()),
        // Where writing failed, the writer knows.
        (made, _) => Ok(made.unwrap_or(false)),
    }
}

/// So many zeros, in pieces.
fn zeros(n: u64) -> impl Iterator<Item = &'static [u8]> {
    static ZEROS: [u8; 1 << 16] = [0; 1 << 16];
    let step = ZEROS.len() as u64;
    (0..n.div_ceil(step)).map(move |i| &ZEROS[..(n - i * step).min(step) as usize])
}

/// Writes the content of one archive.
fn content(
    salvage: &mut Damaged,
    number: usize,
    most: u64,
    output: &mut Output,
    outcome: &mut Outcome,
    say: &mut impl FnMut(&str),
) -> Result<(), Failure> {
    let footer = salvage.archives().get(number).and_then(|a| a.footer);
    let base = outcome.written;
    let lost_before = outcome.lost;
    let mut hasher = ContentHasher::new();
    let mut failed = None;
    let decoded = salvage.decode(number, |piece| {
        let len = match piece {
            Piece::Content(_, bytes) => bytes.len() as u64,
            Piece::Lost(loss) => loss.content.end - loss.content.start,
        };
        if outcome.written.saturating_add(len) > most {
            failed = Some(over(outcome.written.saturating_add(len), most));
            return Err(Broken::Write(std::io::ErrorKind::Other.into()));
        }
        match piece {
            Piece::Content(_, bytes) => {
                hasher.update(bytes);
                output.write_all(bytes).map_err(Broken::Write)?;
                outcome.written += len;
            }
            Piece::Lost(loss) => {
                let range = base + loss.content.start..base + loss.content.end;
                say(&format!("{} are lost: {}", bytes(&range), loss.why));
                if let Err(e) = fill(output, len, outcome) {
                    failed = Some(e);
                    return Err(Broken::Write(std::io::ErrorKind::Other.into()));
                }
            }
        }
        Ok(())
    });
    match (decoded, failed) {
        (_, Some(failure)) => return Err(failure),
        (Err(Broken::Write(e)), None) => return Err(output.explain(e)),
        (decoded, None) => {
            if !decoded? {
                outcome.doubts.push(NO_END.into());
            }
        }
    }
    if outcome.lost == lost_before
        && let Some(footer) = footer
        && footer.content.verify(&hasher.digest()).is_err()
    {
        outcome.doubts.push("the content does not have the checksum of the footer".into());
    }
    Ok(())
}

fn over(needed: u64, limit: u64) -> Failure {
    let what = vxc_format::limits::CONTENT;
    Error::from(vxc::FormatError::LimitExceeded { what, needed, limit }).into()
}

/// Writes zeros in the place of lost bytes.
fn fill(output: &mut Output, n: u64, outcome: &mut Outcome) -> Result<(), Failure> {
    outcome.written += n;
    outcome.lost += n;
    zeros(n).try_for_each(|zeros| output.write_all(zeros)).map_err(|e| output.explain(e))
}
