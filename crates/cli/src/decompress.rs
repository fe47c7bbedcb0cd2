//! `decompress` and `test`: one archive (or several one after the other) to its content.

use std::io::{Read, Write};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use vxc::{Decoder, DecompressOptions, Header};

use crate::batch::Sizes;
use crate::compress::remove;
use crate::console::{Console, Shown, print};
use crate::failure::Failure;
use crate::input::{Source, is_stdin};
use crate::meta::{Looks, from_nanos, safe_name, without_suffix};
use crate::options::Unpack;
use crate::output::{Output, Target, Terminal};
use crate::progress::{Counters, Progress};
use crate::salvage;
use crate::unpacked::{Broken, restore};

/// Decompresses one archive.
///
/// # Errors
/// Whatever went wrong; then no file was published and the archive is there.
pub fn one(unpack: &Unpack, name: &Path, console: &Console) -> Result<Sizes, Failure> {
    if unpack.keep_going {
        return salvage::decompress(unpack, name, console);
    }
    let source = Source::open(name)?;
    let meta = source.meta.clone();
    // A target that does not depend on the archive is refused before the archive is read.
    if let Some(target) = early_target(unpack, name)? {
        target.check(unpack.placing.force, &meta)?;
    }
    let label = Shown(name).to_string();
    let progress = Progress::start(console, label, source.len, Counters::default());
    let content = progress.counters.content.clone();
    let input = progress.counters.input.clone();
    let reader = source.into_reader(input.clone());
    let mut decoder = Decoder::new(buffered(reader), unpack.options.clone())?;
    let header = decoder.header().clone();
    let (target, mut output) = placed(unpack, name, &header, meta.as_ref())?;
    let counted = Counted { out: &mut output, content: &content };
    let total = match restore(&mut decoder, unpack.options.limits, counted) {
        Err(Broken::Write(e)) => return Err(output.explain(e)),
        restored => restored?,
    };
    drop(progress);
    let on_disk = output.is_file();
    output.publish(&looks(&header, meta.as_ref()))?;
    if target != Target::Stdout || console.verbose() {
        console.note(&format!("{} : {total} bytes", Shown(name)));
    }
    if unpack.placing.remove {
        remove(name, meta.as_ref(), on_disk, console)?;
    }
    Ok(Sizes { raw: total, coded: input.load(Relaxed) })
}

/// Decodes one archive completely and says that it is whole; of a damaged one, which segments are lost.
///
/// # Errors
/// Whatever is wrong with it.
pub fn test(options: &DecompressOptions, name: &Path, console: &Console) -> Result<Sizes, Failure> {
    let source = Source::open(name)?;
    let searchable = source.file.is_some();
    let progress =
        Progress::start(console, Shown(name).to_string(), source.len, Counters::default());
    let counters = progress.counters.clone();
    let reader = source.into_reader(counters.input.clone());
    let sink = Counted { out: Adler32Writer::default(), content: &counters.content };
    let tested = tested(buffered(reader), options, sink);
    drop(progress);
    match tested {
        Ok((total, adler32)) => {
            if console.verbose() && searchable {
                salvage::report_whole(options, name)?;
            }
            if console.talks() {
                print(&format!("{} : OK ({total} bytes, adler32 {adler32:08x})\n", Shown(name)))?;
            }
            Ok(Sizes { raw: total, coded: counters.input.load(Relaxed) })
        }
        Err(failure) => {
            if failure.code() == 1 && searchable && console.talks() {
                // What is wrong is known already; where the report itself fails, it says less.
                if let Err(limit) = salvage::report(options, name, console)
                    && limit.code() == 4
                {
                    print(&format!("{} : not looked at further: {limit}\n", Shown(name)))?;
                }
            }
            Err(failure)
        }
    }
}

/// Decodes everything; gives the number of bytes and their Adler-32.
fn tested(
    reader: impl Read,
    options: &DecompressOptions,
    mut sink: Counted<'_, Adler32Writer>,
) -> Result<(u64, u32), Failure> {
    let mut decoder = Decoder::new(reader, options.clone())?;
    let total = restore(&mut decoder, options.limits, &mut sink)?;
    Ok((total, sink.out.0.checksum()))
}

/// The checksum of what is written.
#[derive(Default)]
struct Adler32Writer(adler2::Adler32);

impl Write for Adler32Writer {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.write_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Counts what is written.
struct Counted<'a, W> {
    out: W,
    content: &'a AtomicU64,
}

impl<W: Write> Write for Counted<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let n = self.out.write(bytes)?;
        self.content.fetch_add(n as u64, Relaxed);
        Ok(n)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.out.flush()
    }
}

fn buffered(reader: impl Read) -> impl Read {
    std::io::BufReader::with_capacity(1 << 18, reader)
}

/// The target, unless only the archive knows it.
///
/// # Errors
/// Usage.
pub fn early_target(unpack: &Unpack, name: &Path) -> Result<Option<Target>, Failure> {
    Ok(match &unpack.placing.target {
        Some(target) => Some(target.clone()),
        None if is_stdin(name) => Some(Target::Stdout),
        None if unpack.stored_name => None,
        None => Some(Target::Path(without_suffix(name).ok_or_else(|| {
            Failure::usage("the name does not end in .vxc; say where to write with -o, -c or -N")
        })?)),
    })
}

/// The target, opened; refused where it may not be written.
///
/// # Errors
/// Usage, I/O.
pub fn placed(
    unpack: &Unpack,
    name: &Path,
    header: &Header,
    archive: Option<&std::fs::Metadata>,
) -> Result<(Target, Output), Failure> {
    let target = match early_target(unpack, name)? {
        Some(target) => target,
        None => stored_target(name, header)?,
    };
    let force = unpack.placing.force;
    target.check(force, archive)?;
    let terminal = if force { Terminal::Forced } else { Terminal::Text };
    let output = target.open_as(force, terminal, &looks(header, archive))?;
    Ok((target, output))
}

/// The name that the archive stores, in the archive's folder.
fn stored_target(name: &Path, header: &Header) -> Result<Target, Failure> {
    let stored = header
        .name
        .as_deref()
        .ok_or_else(|| Failure::usage("the archive stores no name; leave -N out"))?;
    let safe = safe_name(stored).ok_or_else(|| {
        let text = String::from_utf8_lossy(stored).into_owned();
        Failure::usage(format!(
            "the stored name {} is not a plain file name; use -o",
            Shown(Path::new(&text))
        ))
    })?;
    Ok(Target::Path(name.with_file_name(safe)))
}

/// Time and permissions as the archive says, else those of the archive's own file.
pub fn looks(header: &Header, archive: Option<&std::fs::Metadata>) -> Looks {
    let own = archive.map(Looks::of).unwrap_or_default();
    Looks {
        mtime: header.mtime.and_then(from_nanos).or(own.mtime),
        mode: header.mode.or(own.mode),
        owner: own.owner,
    }
}
