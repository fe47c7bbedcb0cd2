//! Evaluation of files: every level and every baseline, in one process, round by round.
//!
//! Fields and relations are left to the caller, who has words for them.

use std::io::Cursor;
use std::sync::Arc;

use vxc::{Archive, CompressOptions, DecompressOptions, Level, Model, SegmentKind};

use crate::evaluation::{FileResult, Row, SegmentPoint};
use crate::input::Input;

use crate::peers::Peer;
use crate::report::{Grid, grouped, rate};
use crate::run::{Contender, Sample, Series, rounds};

/// Bytes from which on it is worth saying who is smaller.
const SOME: u64 = 4096;

/// What is to be evaluated.
#[derive(Clone, Debug)]
pub struct Ask {
    /// Levels.
    pub levels: Vec<u8>,
    /// A model, and the bytes of its file.
    pub model: Option<(Arc<Model>, u64)>,
    /// Whether others are measured, too.
    pub baselines: bool,
    /// Rounds.
    pub rounds: usize,
    /// Threads of ours; 0: one for each processor. Others have one.
    pub threads: usize,
}

/// Runs everything on a file. `say` is told what is next.
///
/// # Errors
/// A line for the user: a level without its network, or bytes that do not come back.
pub fn file(input: &Input, ask: &Ask, mut say: impl FnMut(&str)) -> Result<FileResult, String> {
    let mut ours = Vec::new();
    for &number in &ask.levels {
        let level = Level::new(number).map_err(|e| e.to_string())?;
        let network = ask.model.as_ref().is_some_and(|(m, _)| m.neural().is_some());
        if level.is_neural() && !network {
            return Err(format!("level {number} needs a --model with a network"));
        }
        let with = ask.model.iter().map(|(model, _)| Some(model));
        let without = (!level.is_neural()).then_some(None);
        for model in without.into_iter().chain(with) {
            let contender = Contender::level(number, input.told.as_ref(), model)?;
            ours.push((number, model.is_some(), contender.with_threads(ask.threads)));
        }
    }
    let peers = if ask.baselines { Peer::all(input.layout.as_ref()) } else { Vec::new() };
    let mut result = FileResult {
        name: input.name.clone(),
        bytes: input.bytes.len() as u64,
        layout: input.record(),
        model_bytes: ask.model.as_ref().map(|(_, bytes)| *bytes),
        contenders: Vec::new(),
        fields: Vec::new(),
        relations: Vec::new(),
        segments: Vec::new(),
        losses: Vec::new(),
    };
    let mut contenders: Vec<Contender> = ours.iter().map(|(_, _, c)| c.clone()).collect();
    contenders.extend(peers.into_iter().map(Contender::Peer));
    say(&format!("{}: {} contenders, {} rounds", input.name, contenders.len(), ask.rounds));
    let series = rounds(input, &contenders, ask.rounds)?;
    for (i, series) in series.iter().enumerate() {
        let mut row = row(series);
        if let Some((level, model, Contender::Vxc(options))) = ours.get(i) {
            row.level = Some(*level);
            row.model = *model;
            if *model && let Some(bytes) = result.model_bytes {
                row.ratio_with_model =
                    Some(series.raw as f64 / (series.coded() as u64 + bytes).max(1) as f64);
            }
            say(&format!("{}: {} in theory", input.name, row.name));
            let (bits, segments) = look(&input.bytes, options)?;
            row.theoretical_bits_per_byte = Some(bits / (input.bytes.len() as f64).max(1.0));
            result.segments = segments;
        }
        result.contenders.push(row);
    }
    mark_pareto(&mut result.contenders);
    // On a handful of bytes it is headers that are compared.
    if result.bytes >= SOME {
        result.losses = losses(&result.contenders);
    }
    Ok(result)
}

fn row(series: &Series) -> Row {
    let of = |seconds: fn(&Sample) -> f64| series.speed(seconds);
    Row {
        name: series.name.clone(),
        level: None,
        model: false,
        coded: series.coded() as u64,
        ratio: series.ratio(),
        ratio_with_model: None,
        bits_per_byte: 8.0 * series.coded() as f64 / series.raw.max(1) as f64,
        theoretical_bits_per_byte: None,
        compress_cpu: of(|s| s.compress),
        compress_wall: of(|s| s.compress_wall),
        decompress_cpu: of(|s| s.decompress),
        decompress_wall: of(|s| s.decompress_wall),
        peak_bytes: (series.peak() > 0).then(|| series.peak()),
        // A run whose bytes differ is an error.
        lossless: true,
        pareto: false,
    }
}

/// Compresses once more and looks at the segments: the bits that the model's probabilities give them (of kinds without
/// such: their coded bits), and their sizes.
fn look(raw: &[u8], options: &CompressOptions) -> Result<(f64, Vec<SegmentPoint>), String> {
    let fail = |e: vxc::Error| e.to_string();
    // Verified in every round already.
    let options = &CompressOptions { verify: false, ..options.clone() };
    let coded = vxc::compress(raw, options).map_err(fail)?;
    let back = DecompressOptions {
        models: options.model.iter().cloned().collect(),
        ..DecompressOptions::default()
    };
    let mut archive = Archive::open(Cursor::new(&coded), back).map_err(fail)?;
    let streams = (0..archive.stream_count()).map(|id| archive.first_stream(id).cloned());
    let streams = streams.collect::<Result<Vec<_>, _>>().map_err(fail)?;
    let entries = archive.segments();
    let mut bits = 0.0;
    let mut points = Vec::new();
    // The state that a key segment leaves, while the segments that it primes come.
    let mut key = None;
    for (i, entry) in entries.iter().enumerate() {
        let info = entry.info;
        let (from, len) = (info.raw_offset as usize, info.raw_len as usize);
        let own = raw.get(from..from + len).unwrap_or_default();
        let mut cost = None;
        if let (Some(stream), SegmentKind::Mix) = (streams.get(info.stream as usize), info.kind) {
            let mut state = match (info.primed_by, &key) {
                (Some(by), Some((number, state))) if *number == by as usize => Clone::clone(state),
                _ => stream.fresh(info.kind),
            };
            cost = stream.cost(info.kind, &mut state, own).map_err(fail)?;
            if info.primed_by.is_none() {
                key = Some((i, state));
            }
        }
        bits += cost.unwrap_or(8.0 * entry.file_bytes as f64);
        points.push(SegmentPoint {
            start: info.raw_offset,
            raw: info.raw_len,
            coded: entry.file_bytes,
        });
    }
    points.sort_by_key(|p| p.start);
    Ok((bits, points))
}

/// Marks who is on the front of ratio and speed of decompression.
fn mark_pareto(rows: &mut [Row]) {
    let points: Vec<(u64, f64)> = rows.iter().map(|r| (r.coded, r.decompress_cpu)).collect();
    for (row, &(coded, speed)) in rows.iter_mut().zip(&points) {
        row.pareto =
            !points.iter().any(|&(c, s)| c <= coded && s >= speed && (c < coded || s > speed));
    }
}

/// Where a baseline is the better one, in words.
fn losses(rows: &[Row]) -> Vec<String> {
    let (ours, others): (Vec<&Row>, Vec<&Row>) = rows.iter().partition(|r| r.level.is_some());
    let mut out = Vec::new();
    let Some(best) = ours.iter().min_by_key(|r| r.coded) else { return out };
    for other in others.iter().filter(|o| o.coded < best.coded) {
        let percent = 100.0 * (1.0 - other.coded as f64 / best.coded.max(1) as f64);
        out.push(format!(
            "{} is {percent:.1} % smaller than {}, our smallest",
            other.name, best.name
        ));
    }
    for level in &ours {
        let both = others
            .iter()
            .filter(|o| o.coded <= level.coded && o.decompress_cpu > level.decompress_cpu)
            .max_by(|a, b| a.decompress_cpu.total_cmp(&b.decompress_cpu));
        if let Some(other) = both {
            out.push(format!(
                "{} is no larger than {} and decompresses {:.1} times as fast",
                other.name,
                level.name,
                other.decompress_cpu / level.decompress_cpu.max(1e-9)
            ));
        }
    }
    let fast = |rows: &[&Row], of: fn(&Row) -> f64| {
        rows.iter().max_by(|a, b| of(a).total_cmp(&of(b))).map(|r| (r.name.clone(), of(r)))
    };
    for (verb, of) in [
        ("compresses", (|r| r.compress_cpu) as fn(&Row) -> f64),
        ("decompresses", |r| r.decompress_cpu),
    ] {
        if let (Some((us, own)), Some((other, theirs))) = (fast(&ours, of), fast(&others, of))
            && theirs > own
        {
            let times = theirs / own.max(1e-9);
            out.push(format!("{other} {verb} {times:.1} times as fast as {us}, our fastest"));
        }
    }
    out
}

/// The table of a file for a terminal.
pub fn grid(result: &FileResult) -> Grid {
    let mut grid = Grid::new(&[
        "",
        "bytes",
        "ratio",
        "with model",
        "bits/byte",
        "theory",
        "in MB/s",
        "in wall",
        "out MB/s",
        "out wall",
        "peak MiB",
        "front",
    ]);
    for r in &result.contenders {
        let number = |x: Option<f64>| x.map_or(String::new(), |x| format!("{x:.3}"));
        grid.row(vec![
            r.name.clone(),
            grouped(r.coded),
            format!("{:.3}", r.ratio),
            number(r.ratio_with_model),
            format!("{:.3}", r.bits_per_byte),
            number(r.theoretical_bits_per_byte),
            rate(r.compress_cpu),
            rate(r.compress_wall),
            rate(r.decompress_cpu),
            rate(r.decompress_wall),
            r.peak_bytes.map_or(String::new(), |b| (b >> 20).to_string()),
            if r.pareto { "*".into() } else { String::new() },
        ]);
    }
    grid
}

/// All rows of all files as CSV (RFC 4180, `\n`), with a head.
pub fn csv(files: &[FileResult]) -> String {
    let mut out = String::from(
        "file,bytes,contender,level,model,coded_bytes,ratio,ratio_with_model,bits_per_byte,\
         theoretical_bits_per_byte,compress_cpu_mb_s,compress_wall_mb_s,decompress_cpu_mb_s,\
         decompress_wall_mb_s,peak_bytes,lossless,pareto\n",
    );
    let text = |t: &str| format!("\"{}\"", t.replace('"', "\"\""));
    let optional = |x: Option<f64>| x.map_or(String::new(), |x| format!("{x:.6}"));
    for file in files {
        for r in &file.contenders {
            let cells = [
                text(&file.name),
                file.bytes.to_string(),
                text(&r.name),
                r.level.map_or(String::new(), |l| l.to_string()),
                r.model.to_string(),
                r.coded.to_string(),
                format!("{:.6}", r.ratio),
                optional(r.ratio_with_model),
                format!("{:.6}", r.bits_per_byte),
                optional(r.theoretical_bits_per_byte),
                format!("{:.3}", r.compress_cpu),
                format!("{:.3}", r.compress_wall),
                format!("{:.3}", r.decompress_cpu),
                format!("{:.3}", r.decompress_wall),
                r.peak_bytes.map_or(String::new(), |b| b.to_string()),
                r.lossless.to_string(),
                r.pareto.to_string(),
            ];
            out.push_str(&cells.join(","));
            out.push('\n');
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generator::Table;

    fn row_of(name: &str, level: Option<u8>, coded: u64, decompress: f64) -> Row {
        let series = Series { name: name.into(), raw: 1000, samples: Vec::new() };
        Row { level, coded, decompress_cpu: decompress, compress_cpu: 1.0, ..row(&series) }
    }

    #[test]
    fn who_wins_where() {
        let mut rows = vec![
            row_of("vxc -1", Some(1), 500, 100.0),
            row_of("vxc -5", Some(5), 300, 3.0),
            row_of("a", None, 400, 200.0),
            row_of("b", None, 290, 1.0),
            row_of("c", None, 900, 150.0),
        ];
        mark_pareto(&mut rows);
        assert_eq!(
            rows.iter().map(|r| r.pareto).collect::<Vec<_>>(),
            [false, true, true, true, false]
        );
        let losses = losses(&rows);
        assert_eq!(
            losses,
            [
                "b is 3.3 % smaller than vxc -5, our smallest",
                "a is no larger than vxc -1 and decompresses 2.0 times as fast",
                "a decompresses 2.0 times as fast as vxc -1, our fastest",
            ]
        );
    }

    #[test]
    fn theory_is_a_little_below_the_archive() {
        let table = Table::of_bytes(1, 1 << 20).to_vec();
        let input = Input::detected("table \"x\"".into(), table);
        let ask = Ask { levels: vec![1, 4], model: None, baselines: false, rounds: 1, threads: 1 };
        let result = file(&input, &ask, |_| ()).unwrap();
        assert_eq!(result.contenders.len(), 2);
        for r in &result.contenders {
            let theory = r.theoretical_bits_per_byte.unwrap();
            assert!(theory < r.bits_per_byte && theory > 0.97 * r.bits_per_byte, "{r:?}");
        }
        let raw: u64 = result.segments.iter().map(|s| s.raw).sum();
        assert_eq!(raw, result.bytes);
        let csv = csv(&[result]);
        assert_eq!(csv.lines().count(), 3);
        assert!(csv.contains("\"table \"\"x\"\"\","));
    }
}
