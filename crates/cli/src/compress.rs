//! `compress`: one input to one archive.

mod verify;

use std::io::Read;
use std::path::Path;

use vxc::tokens::RecordLayout;
use vxc::tokens::detect::detect;
use vxc::tokens::sidecar::{LayoutFit, check_layout};
use vxc::{
    Archive, CompressOptions, DecodeLimits, DecompressOptions, Encoder, Error, Metadata, Summary,
};
use vxc_remake::Tally;

use crate::batch::Sizes;
use crate::console::{Console, Shown, ratio, records};
use crate::failure::Failure;
use crate::input::{Source, is_pipe, is_stdin};
use crate::layout::SAMPLE;
use crate::meta::{Looks, mode, to_bytes, to_nanos, with_suffix};
use crate::options::Pack;
use crate::output::{Output, Pending, Target, Terminal};
use crate::progress::{Counters, Progress};
use crate::rebuild;
use crate::streams;
use crate::unpacked::{self, Broken, Unpacking};

/// How much is read at a time.
const READ: usize = 1 << 20;

/// Compresses one input.
///
/// # Errors
/// Whatever went wrong; then nothing was published and the input is there.
pub fn one(pack: &Pack, name: &Path, console: &Console) -> Result<Sizes, Failure> {
    let plan = pack.rebuild.then(|| rebuild::Plan::of(name)).transpose()?;
    let title = plan.as_ref().map_or(name, |plan| &plan.title);
    let target = match &pack.placing.target {
        Some(target) => target.clone(),
        None if is_stdin(name) => Target::Stdout,
        None => Target::Path(with_suffix(title, ".vxc")),
    };
    // Before it is opened, which may wait for whoever writes to it.
    if pack.placing.target.is_none() && !is_stdin(name) && is_pipe(name) {
        return Err(Failure::usage("a pipe has no name; say where to write with -c or -o"));
    }
    let mut source = Source::open(name)?;
    target.check(pack.placing.force, &source.meta)?;
    let terminal = if pack.placing.force { Terminal::Forced } else { Terminal::Never };
    let before = source.meta.clone();
    let looks = before.as_ref().map(Looks::of).unwrap_or_default();
    let open = || target.open_as(pack.placing.force, terminal, &looks);
    let mut output = open()?;

    let original = source.len;
    // Until the archive is there.
    let mut rebuilt = match &plan {
        Some(plan) => plan.build(name, &target, console)?,
        None => None,
    };
    if let Some(rebuilt) = &mut rebuilt {
        source = rebuilt.source(before.clone())?;
    }
    let Written { mut summary, names, mut note } = match Unpacking::of(pack, &source)? {
        None => write(pack, source, &mut output, console)?,
        Some(unpacking) => write_smaller(pack, &source, unpacking, &mut output, open, console)?,
    };
    if let Output::Pending(pending) = &mut output {
        if pack.verify {
            verify::verify(pack, pending, name, &summary, console)?;
        }
        if console.verbose() {
            facts(pack, pending, &names, console)?;
        }
    }
    if let Some(rebuilt) = &rebuilt {
        // What the user had, not what stands for it.
        summary.raw_bytes = original.unwrap_or(summary.raw_bytes);
        note = rebuilt.note.clone();
    }
    let on_disk = output.is_file();
    output.publish(&looks)?;
    // tar and pipes get no chatter.
    if target != Target::Stdout || console.verbose() {
        console.note(&line(pack, name, &summary, &note, rebuilt.is_some()));
    }
    if pack.placing.remove {
        remove(name, before.as_ref(), on_disk, console)?;
    }
    Ok(Sizes { raw: summary.raw_bytes, coded: summary.coded_bytes })
}

/// What was written.
struct Written {
    summary: Summary,
    names: streams::FieldNames,
    /// What the line at the end adds.
    note: String,
}

/// Encodes the unpacked form of a file; where that may have brought nothing, the file as it is as well, and keeps the smaller
/// one. What was written to a pipe stays.
fn write_smaller(
    pack: &Pack,
    source: &Source,
    mut unpacking: Unpacking,
    output: &mut Output,
    open: impl FnOnce() -> Result<Output, Failure>,
    console: &Console,
) -> Result<Written, Failure> {
    let (summary, tally) = write_unpacked(pack, source, &mut unpacking, output, console)?;
    let doubtful = summary.coded_bytes / 8 >= tally.plain_bytes / 10;
    if doubtful && output.is_file() {
        let mut plain = open()?;
        let mut again = Source::open(&source.name)?;
        again.title.clone_from(&source.title);
        again.meta.clone_from(&source.meta);
        let written = write(pack, again, &mut plain, console)?;
        if written.summary.coded_bytes <= summary.coded_bytes {
            *output = plain;
            return Ok(written);
        }
    }
    let note = unpacked::note(&unpacking.original, &tally, summary.coded_bytes);
    Ok(Written { summary, names: streams::FieldNames::default(), note })
}

/// Encodes everything into the output.
fn write(
    pack: &Pack,
    mut source: Source,
    output: &mut Output,
    console: &Console,
) -> Result<Written, Failure> {
    let mut names = streams::FieldNames::default();
    let len = source.len;
    let label = Shown(&source.title).to_string();
    let name = source.name.clone();
    let sample = source.peek(SAMPLE)?;
    let layout = match &pack.model {
        None => pack.layout.choose(&name, len, sample, console)?,
        Some(model) if model.layout().is_none() => {
            pack.layout.choose(&name, len, sample, console)?
        }
        Some(model) => {
            pack.layout.agrees_with(model)?;
            check_model(model, len, sample)?;
            None
        }
    };
    names.learn(layout.as_ref());
    // What was read waits to be coded: only coded bytes are progress.
    let progress = Progress::start(console, label, len, Counters::one());
    let options = options(pack, &source, output, layout, &progress);
    let mut reader = source.into_reader(Default::default());
    let mut encoder = match Encoder::new(&mut *output, options) {
        Ok(encoder) => encoder,
        Err(e) => return Err(output.explain_codec(e)),
    };
    let mut buffer = vec![0; READ];
    let result = loop {
        match reader.read(&mut buffer) {
            Ok(0) => break encoder.finish(),
            Ok(n) => {
                if let Err(e) = encoder.push(&buffer[..n]) {
                    break Err(e);
                }
            }
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
            Err(e) => return Err(Failure::Io("cannot read".into(), e)),
        }
    };
    drop(progress);
    match result {
        Ok((_, summary)) => Ok(Written { summary, names, note: String::new() }),
        Err(Error::Verify { at }) => Err(Failure::Verify(format!("at byte {at}"))),
        Err(e) => Err(output.explain_codec(e)),
    }
}

/// Encodes the unpacked form of a file into the output. Sizes and checksum of the summary are the file's.
fn write_unpacked(
    pack: &Pack,
    source: &Source,
    unpacking: &mut Unpacking,
    output: &mut Output,
    console: &Console,
) -> Result<(Summary, Tally), Failure> {
    let label = unpacked::shown(&source.title);
    let progress = Progress::start(console, label, None, Counters::one());
    let options = CompressOptions {
        original: Some(unpacking.original),
        ..options(pack, source, output, None, &progress)
    };
    let verify = options.verify;
    let encoded = Encoder::new(&mut *output, options).map_err(Broken::from).and_then(|mut e| {
        let tally = unpacking.encode(&mut e, verify)?;
        Ok((e.finish()?.1, tally))
    });
    drop(progress);
    match encoded {
        Ok((summary, tally)) => {
            let digest = unpacking.original.digest;
            let (raw_bytes, adler32) = (digest.len, digest.adler32);
            Ok((Summary { raw_bytes, adler32, ..summary }, tally))
        }
        Err(Broken::Codec(Error::Verify { at })) => Err(Failure::Verify(format!("at byte {at}"))),
        Err(Broken::Codec(e)) => Err(output.explain_codec(e)),
        Err(e) => Err(e.into()),
    }
}

/// What the encoder is to do.
fn options(
    pack: &Pack,
    source: &Source,
    output: &Output,
    layout: Option<RecordLayout>,
    progress: &Progress,
) -> CompressOptions {
    CompressOptions {
        level: pack.level,
        layout,
        model: pack.model.clone(),
        embed_model: pack.embed_model,
        pure: pack.pure,
        trainer: pack.trainer.clone(),
        segment_bytes: pack.segment,
        metadata: if pack.metadata { metadata(source) } else { Metadata::default() },
        original: None,
        threads: pack.threads,
        // A file is decoded as a whole before it gets its name; a pipe segment by segment.
        verify: pack.verify && !output.is_file(),
        memory: pack.memory,
        progress: Some(progress.counters.content.clone()),
    }
}

/// Refuses a model for records of another layout.
fn check_model(model: &vxc::Model, len: Option<u64>, sample: &[u8]) -> Result<(), Failure> {
    let Some(layout) = model.layout() else { return Ok(()) };
    let len = len.unwrap_or(if sample.len() < SAMPLE { sample.len() as u64 } else { u64::MAX });
    // Less than a record is coded as bytes, without the model.
    if len < layout.record_bytes as u64 {
        return Ok(());
    }
    // Something may come before the table: the encoder finds it.
    let inside = || {
        detect(sample).into_iter().any(|region| {
            let bytes = &sample[region.start..region.start + region.len];
            region.layout.is_some_and(|found| found.record_bytes == layout.record_bytes)
                && !check_layout(layout, bytes.len() as u64, bytes).is_contradiction()
        })
    };
    match check_layout(layout, len, sample) {
        LayoutFit::Contradicts { reason } if !inside() => Err(Failure::Model(format!(
            "the model {} is for other data (records of {} bytes): {reason}",
            model.id(),
            layout.record_bytes
        ))),
        _ => Ok(()),
    }
}

/// Name, time and permissions of a regular file.
fn metadata(source: &Source) -> Metadata {
    let Some(meta) = &source.meta else { return Metadata::default() };
    Metadata {
        name: source.title.file_name().map(to_bytes).filter(|n| !n.is_empty()),
        mtime: meta.modified().ok().and_then(to_nanos),
        mode: mode(meta),
    }
}

/// What the fit found, with `-v`.
fn facts(
    pack: &Pack,
    pending: &mut Pending,
    names: &streams::FieldNames,
    console: &Console,
) -> Result<(), Failure> {
    let limits = DecodeLimits { max_model_bytes: u64::MAX, ..DecodeLimits::default() };
    let models = pack.model.iter().cloned().collect();
    let options = DecompressOptions { models, limits, threads: 1 };
    let mut archive = Archive::open(pending.read_back()?, options)?;
    streams::tell(&mut archive, names, console)
}

/// Removes an input whose result is safe in a file, unless it changed while it was read.
///
/// # Errors
/// If it changed or cannot be removed.
pub fn remove(
    name: &Path,
    before: Option<&std::fs::Metadata>,
    on_disk: bool,
    console: &Console,
) -> Result<(), Failure> {
    let Some(before) = before else { return Ok(()) };
    if !on_disk {
        console.warning(name, "not removed: the result went to a pipe or device");
        return Ok(());
    }
    let now = std::fs::metadata(name).map_err(Failure::io("cannot remove"))?;
    let same = now.len() == before.len()
        && now.modified().ok() == before.modified().ok()
        && crate::input::same_file(&now, before);
    if !same {
        return Err(Failure::usage("not removed: it changed while it was read"));
    }
    std::fs::remove_file(name).map_err(Failure::io("cannot remove"))
}

/// The line at the end, as zstd has it.
fn line(pack: &Pack, name: &Path, summary: &Summary, note: &str, rebuilt: bool) -> String {
    let Summary { raw_bytes, coded_bytes, adler32, .. } = summary;
    let share = if *raw_bytes == 0 { 0.0 } else { 100.0 * *coded_bytes as f64 / *raw_bytes as f64 };
    let mut line = format!(
        "{} : {share:.1} % ({raw_bytes} → {coded_bytes} bytes, ratio {:.3}), -{}",
        Shown(name),
        ratio(*raw_bytes, *coded_bytes),
        pack.level.number(),
    );
    line.push_str(note);
    if pack.level.is_neural() {
        line.push_str(&match (summary.networks, summary.embedded_bytes) {
            (_, 1..) => {
                format!(", with a model of {} bytes in the archive", summary.embedded_bytes)
            }
            (0, 0) => ", network left out: contexts alone are smaller".to_owned(),
            _ => ", with the network".to_owned(),
        });
    }
    let records = records(summary.streams.iter().copied());
    if !records.is_empty() && note.is_empty() {
        line.push_str(", ");
        line.push_str(&records);
    }
    let whose = if rebuilt { " of the new file" } else { "" };
    line.push_str(&format!(", adler32{whose} {adler32:08x}"));
    line
}
