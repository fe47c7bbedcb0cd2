//! `inspect`: where the bytes go. Of an input file: regions, and the bits that each field takes with the
//! tokeniser that a fit gives. Of an archive: its streams, how each field is coded, and segment sizes.
//!
//! Bits are those of order-0 symbols plus offsets, which is what level 2 spends, about; the mix levels need
//! fewer.

use std::fmt;
use std::io::{BufWriter, Write};
use std::path::Path;

use vxc::tokens::detect::{Region, detect};
use vxc::tokens::fit::static_cost;
use vxc::tokens::{FitOptions, RecordLayout, Tokeniser, fit};

use crate::batch::Sizes;
use crate::console::{Console, Escaped, LINES, Shown, ratio, unprinted, width};
use crate::failure::Failure;
use crate::input::Source;
use crate::layout::{SAMPLE, names_beside};
use crate::list;
use crate::meta::without_suffix;
use crate::options::Inspect;
use crate::progress::{Counters, Progress};
use crate::streams::{self, FieldNames};

/// How much of an input is looked at: what the encoder looks at.
const MOST: usize = vxc::level::LOOKAHEAD as usize;
/// Bytes of records that costs are measured on.
pub const COST_BYTES: usize = 8 << 20;

/// Inspects one file.
///
/// # Errors
/// Whatever went wrong.
pub fn one(how: &Inspect, name: &Path, console: &Console) -> Result<Sizes, Failure> {
    let mut source = Source::open(name)?;
    let is_archive = source.peek(8)? == vxc_format::constants::SIGNATURE;
    // Printed as it is made: a line for each field, and each is long where names are.
    let mut out = BufWriter::with_capacity(LINES, std::io::stdout().lock());
    if is_archive {
        archive(how, name, &mut out)?;
    } else {
        input(how, source, &mut out, console)?;
    }
    out.flush().map_err(unprinted)?;
    Ok(Sizes::default())
}

fn archive(how: &Inspect, name: &Path, out: &mut impl Write) -> Result<(), Failure> {
    let (mut archive, len) = list::open(name, &how.options)?;
    let mut names = FieldNames::default();
    if let crate::layout::LayoutFrom::File(_, layout) = &how.layout {
        names.learn(Some(layout));
    } else {
        names.learn(without_suffix(name).and_then(|n| names_beside(&n)).as_ref());
    }
    let content = archive.len();
    let header = archive.header().cloned().unwrap_or_default();
    line(
        out,
        format_args!(
            "{}: archive of {len} bytes, content {content} bytes, ratio {:.3}",
            Shown(name),
            ratio(content, len)
        ),
    )?;
    line(
        out,
        format_args!(
            "  level -{}, written by vxc {}, profile {}",
            header.level, header.writer, header.profile
        ),
    )?;
    let entries = list::segments(&mut archive)?;
    let coded: u64 = entries.iter().map(|e| e.file_bytes).sum();
    line(
        out,
        format_args!(
            "  {} segments: {coded} bytes; header, streams, index, footer: {} bytes",
            entries.len(),
            len.saturating_sub(coded)
        ),
    )?;
    for (id, sums) in (0..).zip(list::stream_sums(&entries, archive.stream_count())) {
        let stream = archive.first_stream(id)?;
        let (raw, bytes) = (sums.content_bytes, sums.file_bytes);
        line(
            out,
            format_args!(
                "{}: {raw} → {bytes} bytes, ratio {:.3}",
                streams::headline(id, stream),
                ratio(raw, bytes)
            ),
        )?;
        if let Some(tokeniser) = streams::tokeniser(stream) {
            steps(tokeniser, &names.of_stream(stream), None, out)?;
        }
    }
    Ok(())
}

fn input(
    how: &Inspect,
    mut source: Source,
    out: &mut impl Write,
    console: &Console,
) -> Result<(), Failure> {
    let name = source.name.clone();
    let len = source.len;
    // Never while something is printed.
    let fitting = || {
        let label = format!("{} (fitting)", Shown(&name));
        Progress::start(console, label, None, Counters::default())
    };
    let progress = fitting();
    let sample = source.peek(MOST)?;
    let layout = how.layout.choose(&name, len, &sample[..sample.len().min(SAMPLE)], console)?;
    let regions = regions(sample, layout);
    drop(progress);
    let total = len.unwrap_or(sample.len() as u64);
    line(
        out,
        format_args!(
            "{}: {total} bytes, {} looked at, fit of level -{}",
            Shown(&name),
            sample.len(),
            how.level.number()
        ),
    )?;
    for region in regions {
        let bytes = &sample[region.start..region.start + region.len];
        let Some(layout) = region.layout else {
            let bits = order0(bytes);
            let share = bits / 8.0 * bytes.len() as f64;
            line(
                out,
                format_args!(
                    "bytes {}..{}: no records, {bits:.3} bits per byte (order 0), {share:.0} bytes",
                    region.start,
                    region.start + region.len
                ),
            )?;
            continue;
        };
        let records = bytes.len() / layout.record_bytes;
        let progress = fitting();
        let fitted = fitted(&layout, bytes, how.level.number() >= 2)?;
        let size = layout.record_bytes;
        let measured = &bytes[..bytes.len().min(COST_BYTES.max(size)) / size * size];
        let costs = static_cost(&fitted, measured);
        drop(progress);
        let bits: f64 = costs.iter().map(|(s, o)| s + o).sum();
        line(
            out,
            format_args!(
                "bytes {}..{}: {records} records of {size} bytes, {bits:.1} bits per record, ratio {:.3}",
                region.start,
                region.start + region.len,
                8.0 * size as f64 / bits.max(1e-9)
            ),
        )?;
        let names = FieldNames::default();
        steps(&fitted, &names.of(&layout), Some(&costs), out)?;
    }
    Ok(())
}

/// A fit to records.
///
/// # Errors
/// If there is none.
pub fn fitted(layout: &RecordLayout, bytes: &[u8], relations: bool) -> Result<Tokeniser, Failure> {
    let records = (bytes.len() / layout.record_bytes) as u64;
    let options = FitOptions { records, relations, ..FitOptions::default() };
    Ok(fit(layout, bytes, &options).map_err(vxc::Error::from)?)
}

/// The regions: those of a given layout, or as found.
fn regions(sample: &[u8], layout: Option<RecordLayout>) -> Vec<Region> {
    let Some(layout) = layout else { return detect(sample) };
    let whole = sample.len() / layout.record_bytes * layout.record_bytes;
    let table = Region { start: 0, len: whole, layout: Some(layout) };
    let tail = Region { start: whole, len: sample.len() - whole, layout: None };
    [table, tail].into_iter().filter(|r| r.len > 0).collect()
}

/// A table of the steps in coding order.
fn steps(
    t: &Tokeniser,
    names: &[&str],
    costs: Option<&[(f64, f64)]>,
    out: &mut impl Write,
) -> Result<(), Failure> {
    let width = names.iter().map(|n| width(Escaped(n), 40)).max().unwrap_or(0).max(5);
    let total: f64 = costs.into_iter().flatten().map(|(s, o)| s + o).sum();
    let head = if costs.is_some() { "    bits   share  symbol  offset" } else { "" };
    line(out, format_args!("  {:<width$}  offset  kind      bins{head}  coded as", "field"))?;
    for (k, step) in t.steps().iter().enumerate() {
        let name = streams::field_name(names, step.field);
        let name = Escaped(name).to_string();
        let field = &t.layout().fields[usize::from(step.field)];
        let kind = format!("{:?}", field.kind).to_lowercase();
        let cost = match costs.and_then(|c| c.get(k)) {
            Some((s, o)) => {
                let share = 100.0 * (s + o) / total.max(1e-9);
                format!("  {:>6.2}  {share:>5.1}%  {s:>6.2}  {o:>6.2}", s + o)
            }
            None => String::new(),
        };
        let coding = Escaped(streams::Coding(step, names));
        line(
            out,
            format_args!(
                "  {name:<width$}  {:>6}  {kind:<8}  {:>4}{cost}  {coding}",
                field.offset,
                step.bins.count()
            ),
        )?;
    }
    Ok(())
}

/// Entropy of single bytes.
fn order0(bytes: &[u8]) -> f64 {
    let mut counts = [0u64; 256];
    for &b in bytes {
        counts[usize::from(b)] += 1;
    }
    let n = bytes.len().max(1) as f64;
    counts.iter().filter(|&&c| c > 0).map(|&c| c as f64 / n * (n / c as f64).log2()).sum()
}

fn line(out: &mut impl Write, text: fmt::Arguments<'_>) -> Result<(), Failure> {
    writeln!(out, "{text}").map_err(unprinted)
}
