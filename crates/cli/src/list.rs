//! `list`: what archives contain, from header, index, footer and stream definitions; no segment is decoded.

use std::fmt::Write as _;
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use serde::Serialize;
use vxc::archive::SegmentEntry;
use vxc::{Archive, DecompressOptions, Error, SegmentKind};

use crate::batch::{Sizes, each, each_as_json};
use crate::console::{Console, Shown, hex, length, print, ratio};
use crate::failure::Failure;
use crate::input::{Source, is_pipe};
use crate::streams::{self, FieldNames};

/// Everything that is known of an archive file.
#[derive(Debug, Serialize)]
pub struct Report {
    /// The file as given; bytes that are not UTF-8 are replaced.
    file: String,
    file_bytes: u64,
    content_bytes: u64,
    /// Bytes of what decompression gives: the content, or the file whose unpacked form it is.
    original_bytes: u64,
    ratio: f64,
    level: u8,
    profile: u8,
    writer: String,
    name: Option<String>,
    mtime_ns: Option<i64>,
    mode: Option<u32>,
    /// Bytes of the records that hold most of the content, 0 for plain bytes, none if a model is missing.
    record_bytes: Option<u64>,
    /// Number of fields of these records.
    fields: Option<usize>,
    /// One for each archive in the file; they decode to one content.
    archives: Vec<Checksums>,
    /// Streams of the first archive; none if the model that defines one is missing.
    streams: Option<Vec<StreamReport>>,
    /// Id of the model that is needed and was not given.
    model_missing: Option<String>,
    segments: Vec<SegmentReport>,
}

#[derive(Debug, Serialize)]
struct Checksums {
    content_bytes: u64,
    blake3: String,
    adler32: String,
    /// If the content is the unpacked form of a file: that file.
    original: Option<OriginalReport>,
}

#[derive(Debug, Serialize)]
struct OriginalReport {
    container: &'static str,
    bytes: u64,
    blake3: String,
    adler32: String,
}

#[derive(Debug, Serialize)]
struct StreamReport {
    id: u32,
    form: &'static str,
    record_bytes: u64,
    fields: usize,
    relations: Vec<String>,
    model: Option<String>,
    content_bytes: u64,
    file_bytes: u64,
    segments: u64,
}

#[derive(Debug, Serialize)]
struct SegmentReport {
    archive: usize,
    number: u64,
    stream: u32,
    kind: &'static str,
    /// The segment whose end state starts this one.
    primed_by: Option<u64>,
    content_offset: u64,
    content_bytes: u64,
    file_offset: u64,
    file_bytes: u64,
}

/// Memory of a segment in the list, its line included.
const SEGMENT_MEMORY: u64 = 512;
const _: () = assert!(size_of::<SegmentReport>() + size_of::<SegmentEntry>() + 160 <= 512);
/// The same of a stream, but for its relations …
const STREAM_MEMORY: u64 = 768;
const _: () = assert!(size_of::<StreamReport>() + size_of::<StreamSums>() + 500 <= 768);
/// … and of an archive.
const ARCHIVE_MEMORY: u64 = 1024;
const _: () = assert!(size_of::<Checksums>() + 700 <= 1024);

/// Lists the files and gives the exit code.
///
/// # Errors
/// If the list cannot be written.
pub fn run(
    files: &[PathBuf],
    options: &DecompressOptions,
    json: bool,
    console: &Console,
) -> Result<u8, Failure> {
    if json {
        return each_as_json(files, console, |name| report(name, options));
    }
    let mut header = HEADER;
    Ok(each(files, console, None, |name| {
        let report = report(name, options)?;
        let sizes = Sizes { raw: report.original_bytes, coded: report.file_bytes };
        let mut text = std::mem::take(&mut header).to_owned();
        text.push_str(&row(&report, name));
        if console.verbose() {
            text.push_str(&details(&report));
        }
        print(&text)?;
        Ok(sizes)
    }))
}

/// Opens an archive in a regular file.
pub fn open(
    name: &Path,
    options: &DecompressOptions,
) -> Result<(Archive<BufReader<File>>, u64), Failure> {
    let no_index = || Failure::usage("is a pipe: there is no index to look at");
    if is_pipe(name) {
        return Err(no_index());
    }
    let source = Source::open(name)?;
    let (Some(file), Some(len)) = (source.file, source.len) else { return Err(no_index()) };
    Ok((Archive::open(BufReader::new(file), options.clone())?, len))
}

/// All segments of an archive, if the list of them and its lines fit into memory.
///
/// # Errors
/// The limit.
pub fn segments(archive: &mut Archive<BufReader<File>>) -> Result<Vec<SegmentEntry>, Failure> {
    let bytes = archive.segment_count().saturating_mul(SEGMENT_MEMORY);
    archive.hold("the list of segments", bytes)?;
    Ok(archive.segments())
}

/// What the segments of a stream have together.
#[derive(Clone, Copy, Default)]
pub struct StreamSums {
    /// Bytes of the content.
    pub content_bytes: u64,
    /// Bytes in the file.
    pub file_bytes: u64,
    /// Their number.
    pub segments: u64,
}

/// Of each of the first archive's streams.
pub fn stream_sums(segments: &[SegmentEntry], streams: u32) -> Vec<StreamSums> {
    let mut all = vec![StreamSums::default(); streams as usize];
    for s in segments.iter().filter(|s| s.archive == 0) {
        if let Some(sums) = all.get_mut(s.info.stream as usize) {
            sums.content_bytes += s.info.raw_len;
            sums.file_bytes += s.file_bytes;
            sums.segments += 1;
        }
    }
    all
}

/// Looks at one archive.
fn report(name: &Path, options: &DecompressOptions) -> Result<Report, Failure> {
    let (mut archive, file_bytes) = open(name, options)?;
    archive.hold("the list of archives", archive.headers().count() as u64 * ARCHIVE_MEMORY)?;
    let entries = segments(&mut archive)?;
    let header = archive.header().cloned().unwrap_or_default();
    let mut segments = Vec::with_capacity(entries.len());
    for entry in &entries {
        let info = entry.info;
        segments.push(SegmentReport {
            archive: entry.archive,
            number: info.number,
            stream: info.stream,
            kind: kind(info.kind),
            primed_by: info.primed_by,
            content_offset: info.raw_offset,
            content_bytes: info.raw_len,
            file_offset: entry.file_offset,
            file_bytes: entry.file_bytes,
        });
    }
    let mut names = FieldNames::default();
    names.learn(
        crate::meta::without_suffix(name).and_then(|n| crate::layout::names_beside(&n)).as_ref(),
    );
    let (streams, model_missing) = match stream_reports(&mut archive, &entries, &names) {
        Ok(streams) => (Some(streams), None),
        Err(Error::ModelMissing { id, .. }) => (None, Some(id.to_string())),
        Err(e) => return Err(e.into()),
    };
    let archives: Vec<Checksums> = archive
        .footers()
        .zip(archive.headers())
        .map(|(f, h)| Checksums {
            content_bytes: f.content.len,
            blake3: hex(&f.content.blake3),
            adler32: format!("{:08x}", f.content.adler32),
            original: h.original.map(|o| OriginalReport {
                container: o.container_name(),
                bytes: o.digest.len,
                blake3: hex(&o.digest.blake3),
                adler32: format!("{:08x}", o.digest.adler32),
            }),
        })
        .collect();
    let bytes_of = |c: &Checksums| c.original.as_ref().map_or(c.content_bytes, |o| o.bytes);
    let original_bytes = archives.iter().map(bytes_of).fold(0u64, u64::saturating_add);
    let main = streams.as_ref().and_then(|s| s.iter().max_by_key(|s| s.content_bytes));
    Ok(Report {
        file: name.to_string_lossy().into_owned(),
        file_bytes,
        content_bytes: archive.len(),
        original_bytes,
        ratio: ratio(original_bytes, file_bytes),
        level: header.level,
        profile: header.profile,
        writer: header.writer.to_string(),
        name: header.name.as_deref().map(|n| String::from_utf8_lossy(n).into_owned()),
        mtime_ns: header.mtime,
        mode: header.mode,
        record_bytes: streams.as_ref().map(|_| main.map_or(0, |s| s.record_bytes)),
        fields: streams.as_ref().map(|_| main.map_or(0, |s| s.fields)),
        archives,
        streams,
        model_missing,
        segments,
    })
}

/// The streams of the first archive.
fn stream_reports(
    archive: &mut Archive<BufReader<File>>,
    entries: &[SegmentEntry],
    names: &FieldNames,
) -> Result<Vec<StreamReport>, Error> {
    let what = "the list of streams";
    archive.hold(what, u64::from(archive.stream_count()) * STREAM_MEMORY)?;
    let mut reports = Vec::new();
    for (id, sums) in (0..).zip(stream_sums(entries, archive.stream_count())) {
        // Names come from a model, which may be in the archive: counted before they are written out.
        let stream = archive.first_stream(id)?;
        let own = names.of_stream(stream);
        let bytes = |r| (length(r) + 2 * size_of::<String>()) as u64;
        let bytes = streams::relations(stream, &own).map(bytes).fold(0, u64::saturating_add);
        archive.hold(what, bytes)?;
        let stream = archive.first_stream(id)?;
        let own = names.of_stream(stream);
        let relations = streams::relations(stream, &own).map(|r| {
            let mut text = String::with_capacity(length(&r));
            // Writing to a string cannot fail.
            let _ = write!(text, "{r}");
            text
        });
        let relations = relations.collect();
        reports.push(StreamReport {
            id,
            form: streams::form(stream),
            record_bytes: stream.code().layout().map_or(0, |l| l.record_bytes as u64),
            fields: streams::fields(stream),
            relations,
            model: stream.model().map(|m| m.id().to_string()),
            content_bytes: sums.content_bytes,
            file_bytes: sums.file_bytes,
            segments: sums.segments,
        });
    }
    Ok(reports)
}

fn kind(kind: SegmentKind) -> &'static str {
    match kind {
        SegmentKind::Stored => "stored",
        SegmentKind::Lz => "lz",
        SegmentKind::Static => "static",
        SegmentKind::Mix => "mix",
        SegmentKind::Neural => "neural",
    }
}

const HEADER: &str = "Level  Record  Fields  Segments    Compressed  Uncompressed    Ratio  \
                      Adler-32  BLAKE3            File\n";

/// A line of the table; checksums of the first archive, abbreviated.
fn row(r: &Report, name: &Path) -> String {
    let unknown = || "?".to_owned();
    let container = r.archives.first().and_then(|c| c.original.as_ref()).map(|o| o.container);
    let record = match r.record_bytes {
        _ if container.is_some() => container.unwrap_or_default().to_owned(),
        None => unknown(),
        Some(0) => "bytes".to_owned(),
        Some(n) => n.to_string(),
    };
    let fields = r.fields.map_or_else(unknown, |n| n.to_string());
    // Each of several archives in a file has its own checksums: see -v.
    let (adler, blake) = match &r.archives[..] {
        [c] => match &c.original {
            Some(o) => (o.adler32.as_str(), o.blake3.get(..16).unwrap_or_default()),
            None => (c.adler32.as_str(), c.blake3.get(..16).unwrap_or_default()),
        },
        _ => ("several", "several"),
    };
    format!(
        "{:>5}  {record:>6}  {fields:>6}  {:>8}  {:>12}  {:>12}  {:>7.3}  {adler:<8}  {blake:<16}  {}\n",
        format!("-{}", r.level),
        r.segments.len(),
        r.file_bytes,
        r.original_bytes,
        r.ratio,
        Shown(name)
    )
}

/// What `-v` adds: checksums in full, streams, segments.
fn details(r: &Report) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = write_details(r, &mut out);
    out
}

fn write_details(r: &Report, out: &mut String) -> std::fmt::Result {
    writeln!(out, "  written by vxc {}, arithmetic profile {}", r.writer, r.profile)?;
    if let Some(name) = &r.name {
        let mode = r.mode.map_or(String::new(), |m| format!(", mode {m:03o}"));
        writeln!(out, "  stored name {}{mode}", Shown(Path::new(name)))?;
    }
    for (i, c) in r.archives.iter().enumerate() {
        writeln!(out, "  archive {i}: {} bytes, adler32 {}", c.content_bytes, c.adler32)?;
        writeln!(out, "    blake3 {}", c.blake3)?;
        if let Some(o) = &c.original {
            writeln!(
                out,
                "    unpacked form of a {} file: {} bytes, adler32 {}, blake3 {}",
                o.container, o.bytes, o.adler32, o.blake3
            )?;
        }
    }
    if let Some(id) = &r.model_missing {
        writeln!(out, "  streams: defined by the model {id}, which was not given (--model)")?;
    }
    for s in r.streams.iter().flatten() {
        writeln!(
            out,
            "  stream {}: {}, record {} B, {} fields, {} relations, {} segments, {} → {} bytes",
            s.id,
            s.form,
            s.record_bytes,
            s.fields,
            s.relations.len(),
            s.segments,
            s.content_bytes,
            s.file_bytes
        )?;
    }
    for s in &r.segments {
        let primed = s.primed_by.map_or(String::new(), |n| format!(", primed by {n}"));
        writeln!(
            out,
            "  segment {}: stream {}, {}{primed}, content {} at {}, file {} at {}",
            s.number,
            s.stream,
            s.kind,
            s.content_bytes,
            s.content_offset,
            s.file_bytes,
            s.file_offset
        )?;
    }
    Ok(())
}
