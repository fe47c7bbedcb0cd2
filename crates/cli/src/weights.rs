//! `compress-weights` and `decompress-weights`: checkpoints of networks to weight archives and back.

use std::fs::{File, Metadata};
use std::io::{BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering::Relaxed;

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};
use vxc_zipnn::{Archive, Level, Limits, Options, Tensor, WeightsError};

use crate::args::{CompressWeightsArgs, DecompressWeightsArgs, Verify};
use crate::batch::{Sizes, each, each_as_json};
use crate::compress::remove;
use crate::console::{Console, Escaped, LINES, Shown, hex, ratio, unprinted, width};
use crate::failure::Failure;
use crate::input::{is_stdin, open_file};
use crate::meta::{Looks, with_suffix};
use crate::options::{Placing, placing};
use crate::output::{Output, Target, Terminal};
use crate::progress::{Counters, Progress};

/// The end of an archive's name.
const SUFFIX: &str = ".vxw";
/// Of the memory, what the program takes before it reads anything.
const PROGRAM: u64 = 8 << 20;
/// Characters of a name in a column of a list: longer ones are printed whole, and move what is behind them.
const NAME_WIDTH: usize = 60;

/// How to compress weights.
pub struct PackWeights {
    files: Vec<PathBuf>,
    placing: Placing,
    level: Level,
    verify: bool,
    threads: usize,
}

/// How to decompress weights.
pub struct UnpackWeights {
    files: Vec<PathBuf>,
    placing: Placing,
    limits: Limits,
    threads: usize,
    what: What,
}

/// What is wanted of an archive.
enum What {
    /// The file.
    File,
    /// These tensors.
    Tensors(Vec<String>),
    /// To know that it is whole.
    Test,
    /// The list of tensors, as JSON or for people.
    List(bool),
}

impl PackWeights {
    /// Checks the arguments.
    ///
    /// # Errors
    /// Usage.
    pub fn new(a: CompressWeightsArgs, console: &Console) -> Result<Self, Failure> {
        let level = Level::new(a.level()).ok_or_else(|| Failure::usage("levels are 1 to 3"))?;
        let verify = a.verify == Verify::Full;
        if a.output.rm && !verify {
            return Err(Failure::usage("--rm removes only what was verified; drop --verify none"));
        }
        let placing = placing(&a.files, a.output, console)?;
        if a.files.len() > 1 && placing.target == Some(Target::Stdout) {
            return Err(Failure::usage(
                "weight archives cannot follow each other in one output; give one file",
            ));
        }
        Ok(Self { placing, files: a.files, level, verify, threads: a.general.threads.into() })
    }
}

impl UnpackWeights {
    /// Checks the arguments.
    ///
    /// # Errors
    /// Usage.
    pub fn new(a: DecompressWeightsArgs, console: &Console) -> Result<Self, Failure> {
        let placing = placing(&a.files, a.output, console)?;
        let max_output = a.max_output.unwrap_or(u64::MAX);
        let what = match (a.list, a.test, a.tensor) {
            (true, _, _) => What::List(a.json),
            (_, true, _) => What::Test,
            (_, _, names) if !names.is_empty() => What::Tensors(names),
            _ => What::File,
        };
        Ok(Self {
            placing,
            files: a.files,
            limits: Limits { max_output, max_memory: a.memory - PROGRAM.min(a.memory / 4) },
            threads: a.general.threads.into(),
            what,
        })
    }
}

/// Compresses the files one after the other and gives the exit code.
pub fn compress(how: &PackWeights, console: &Console) -> u8 {
    each(&how.files, console, Some("compressed"), |name| pack(how, name, console))
}

/// Decompresses, tests or lists archives and gives the exit code.
///
/// # Errors
/// Standard output that cannot be written.
pub fn decompress(how: &UnpackWeights, console: &Console) -> Result<u8, Failure> {
    Ok(match &how.what {
        What::File => {
            each(&how.files, console, Some("decompressed"), |name| unpack(how, name, console))
        }
        What::Tensors(names) => {
            each(&how.files, console, None, |name| tensors(how, name, names, console))
        }
        What::Test => each(&how.files, console, None, |name| test(how, name, console)),
        What::List(false) => each(&how.files, console, None, |name| list(how, name)),
        What::List(true) => {
            return each_as_json(&how.files, console, |name| listing(how, name));
        }
    })
}

/// An input that is a file: it is read here and there.
fn open(name: &Path) -> Result<(File, Metadata), Failure> {
    if is_stdin(name) {
        return Err(Failure::usage("weights are read here and there, so name a file"));
    }
    let (mut file, meta) = open_file(name)?;
    if !meta.is_file() || file.seek(SeekFrom::Start(0)).is_err() {
        return Err(Failure::usage("is a pipe; weights are read here and there, so name a file"));
    }
    Ok((file, meta))
}

fn pack(how: &PackWeights, name: &Path, console: &Console) -> Result<Sizes, Failure> {
    let placed = how.placing.target.clone();
    let target = placed.unwrap_or_else(|| Target::Path(with_suffix(name, SUFFIX)));
    let (mut file, meta) = open(name)?;
    target.check(how.placing.force, [&meta])?;
    let looks = Looks::of(&meta);
    let mut output = target.open_as(how.placing.force, terminal(&how.placing), &looks)?;
    let label = Shown(name).to_string();
    let progress = Progress::start(console, label, Some(meta.len()), Counters::one());
    let done = |n| progress.counters.content.store(n, Relaxed);
    // A file is decoded as a whole before it gets its name; a pipe block by block.
    let verify = how.verify && !output.is_file();
    let options = Options { level: how.level, threads: how.threads, verify };
    let summary = vxc_zipnn::compress(&mut file, &mut output, &options, done)
        .map_err(|e| explain(&output, e))?;
    drop(progress);
    if let (Output::Pending(pending), true) = (&mut output, how.verify) {
        let label = format!("{} (verifying)", Shown(name));
        let progress = Progress::start(console, label, Some(meta.len()), Counters::one());
        let done = |n| progress.counters.content.store(n, Relaxed);
        Archive::open(pending.read_back()?, Limits::default())
            .and_then(|mut archive| archive.decode_all(std::io::sink(), how.threads, done))
            .map_err(|e| Failure::Verify(e.to_string()))?;
    }
    let on_disk = output.is_file();
    output.publish(&looks)?;
    let (raw, coded) = (summary.raw_len, summary.coded_len);
    if target != Target::Stdout || console.verbose() {
        console.note(&format!(
            "{} : {:.1} % ({raw} → {coded} bytes, ratio {:.3}), {} tensors",
            Shown(name),
            100.0 * coded as f64 / raw.max(1) as f64,
            ratio(raw, coded),
            summary.tensors
        ));
    }
    if how.placing.remove {
        remove(name, Some(&meta), on_disk, console)?;
    }
    Ok(Sizes { raw, coded })
}

fn unpack(how: &UnpackWeights, name: &Path, console: &Console) -> Result<Sizes, Failure> {
    let target = match &how.placing.target {
        Some(target) => target.clone(),
        None if name.extension().is_some_and(|e| e == "vxw") && name.file_stem().is_some() => {
            Target::Path(name.with_extension(""))
        }
        None => {
            return Err(Failure::usage(format!(
                "its name does not end with {SUFFIX}; say where to write with -o or -c"
            )));
        }
    };
    let (file, meta) = open(name)?;
    target.check(how.placing.force, [&meta])?;
    let looks = Looks::of(&meta);
    let mut archive = Archive::open(file, how.limits)?;
    let mut output = target.open_as(how.placing.force, terminal(&how.placing), &looks)?;
    decode(how, name, &mut archive, &mut output, console).map_err(|e| explain(&output, e))?;
    let on_disk = output.is_file();
    output.publish(&looks)?;
    let raw = archive.raw_len();
    if target != Target::Stdout || console.verbose() {
        console.note(&format!("{} : {raw} bytes", Shown(name)));
    }
    if how.placing.remove {
        remove(name, Some(&meta), on_disk, console)?;
    }
    Ok(Sizes { raw, coded: meta.len() })
}

fn test(how: &UnpackWeights, name: &Path, console: &Console) -> Result<Sizes, Failure> {
    let (file, meta) = open(name)?;
    let mut archive = Archive::open(file, how.limits)?;
    decode(how, name, &mut archive, &mut std::io::sink(), console)?;
    let blake3 = hex(&archive.blake3());
    let raw = archive.raw_len();
    console.note(&format!("{} : whole, {raw} bytes, BLAKE3 {blake3}", Shown(name)));
    Ok(Sizes { raw, coded: meta.len() })
}

fn tensors(
    how: &UnpackWeights,
    name: &Path,
    names: &[String],
    console: &Console,
) -> Result<Sizes, Failure> {
    let Some(target) = &how.placing.target else {
        return Err(Failure::usage("--tensor needs -o"));
    };
    let (file, meta) = open(name)?;
    target.check(how.placing.force, [&meta])?;
    let looks = Looks::of(&meta);
    let mut archive = Archive::open(file, how.limits)?;
    let mut output = target.open_as(how.placing.force, terminal(&how.placing), &looks)?;
    let bytes =
        vxc_zipnn::extract(&mut archive, names, &mut output).map_err(|e| explain(&output, e))?;
    output.publish(&looks)?;
    console.note(&format!("{} : {} tensors, {bytes} bytes", Shown(name), names.len()));
    Ok(Sizes::default())
}

/// Prints what an archive holds. Lists and names may be long: they are made as they are printed.
fn list(how: &UnpackWeights, name: &Path) -> Result<Sizes, Failure> {
    let (file, meta) = open(name)?;
    let mut archive = Archive::open(file, how.limits)?;
    let tensors = archive.tensors()?;
    let mut out = BufWriter::with_capacity(LINES, std::io::stdout().lock());
    write_list(&archive, meta.len(), name, &tensors, &mut out).map_err(unprinted)?;
    Ok(Sizes::default())
}

fn write_list(
    archive: &Archive<File>,
    archive_bytes: u64,
    name: &Path,
    tensors: &[Tensor],
    out: &mut impl Write,
) -> std::io::Result<()> {
    let shown = |t: &Tensor| width(Escaped(&t.name), NAME_WIDTH);
    let column = tensors.iter().map(shown).max().unwrap_or(0).max(6);
    let raw = archive.raw_len();
    writeln!(
        out,
        "{}: {raw} bytes, archive {archive_bytes} bytes, ratio {:.3}, {} tensors\n  {:<column$}  {:<8}  {:>12}  {:>12}  shape",
        Shown(name),
        ratio(raw, archive_bytes),
        tensors.len(),
        "tensor",
        "type",
        "bytes",
        "its blocks"
    )?;
    for t in tensors {
        let blocks = archive.coded_len(t.start, t.len);
        // A text that is padded would be made first.
        let rest = column.saturating_sub(shown(t));
        writeln!(
            out,
            "  {}{:rest$}  {:<8}  {:>12}  {blocks:>12}  {:?}",
            Escaped(&t.name),
            "",
            t.dtype,
            t.len,
            t.shape
        )?;
    }
    out.flush()
}

/// What an archive holds, for a list.
fn listing(how: &UnpackWeights, name: &Path) -> Result<Listing, Failure> {
    let (file, meta) = open(name)?;
    let mut archive = Archive::open(file, how.limits)?;
    let tensors = archive.tensors()?;
    let name = name.to_string_lossy().into_owned();
    Ok(Listing { name, archive_bytes: meta.len(), archive, tensors })
}

/// What an archive holds.
struct Listing {
    name: String,
    archive_bytes: u64,
    archive: Archive<File>,
    tensors: Vec<Tensor>,
}

impl Serialize for Listing {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(4))?;
        map.serialize_entry("archive_bytes", &self.archive_bytes)?;
        map.serialize_entry("bytes", &self.archive.raw_len())?;
        map.serialize_entry("file", &self.name)?;
        map.serialize_entry("tensors", &Tensors(self))?;
        map.end()
    }
}

/// Its tensors.
struct Tensors<'a>(&'a Listing);

impl Serialize for Tensors<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.tensors.iter().map(|t| Row {
            block_bytes: self.0.archive.coded_len(t.start, t.len),
            bytes: t.len,
            dtype: t.dtype,
            name: &t.name,
            shape: &t.shape,
        }))
    }
}

/// One of them, not copied: a name may be as long as the memory.
#[derive(Serialize)]
struct Row<'a> {
    block_bytes: u64,
    bytes: u64,
    dtype: &'a str,
    name: &'a str,
    shape: &'a [u64],
}

fn decode(
    how: &UnpackWeights,
    name: &Path,
    archive: &mut Archive<File>,
    output: &mut impl Write,
    console: &Console,
) -> Result<(), WeightsError> {
    let total = Some(archive.raw_len());
    let progress = Progress::start(console, Shown(name).to_string(), total, Counters::one());
    archive.decode_all(output, how.threads, |n| progress.counters.content.store(n, Relaxed))
}

fn terminal(placing: &Placing) -> Terminal {
    if placing.force { Terminal::Forced } else { Terminal::Never }
}

/// What a failure means when it was writing to this output.
fn explain(output: &Output, e: WeightsError) -> Failure {
    match e {
        WeightsError::Io(e) => output.explain(e),
        e => e.into(),
    }
}
