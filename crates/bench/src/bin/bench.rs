//! Ratio, speed and memory of the levels and the peers, in one process: see `USAGE`.
//!
//! Output is a Markdown table for each file, and JSON with `--json`. Speeds are medians of CPU time over the
//! rounds; in each round every contender runs once, so that comparisons are between neighbours in time.
#![forbid(unsafe_code)]

use std::path::PathBuf;
use std::process::ExitCode;

use serde_json::{Value, json};
use vxc::{CompressOptions, Level};
use vxc_bench::generator::Table;
use vxc_bench::input::Input;
use vxc_bench::measure::speed;
use vxc_bench::peers::Peer;
use vxc_bench::report::{Grid, grouped, rate};
use vxc_bench::run::{Contender, Sample, Series, rounds};
use vxc_bench::streamed;

const USAGE: &str = "\
usage: bench [options] FILE...      files, with their layouts as vxc finds them
       bench [options] --table MIB  the generated table, streamed; memory stays bounded
  --levels 1,3,5     levels (default 1 to 6)
  --peers all|common|pco|none  (default all; pco: 8 per column)
  --runs N           rounds (default 3)
  --record N         records of N bytes
  --threads N        each level also with N threads
  --json FILE        results as JSON too";

/// What the command line asks for.
struct Options {
    levels: Vec<u8>,
    peers: String,
    runs: usize,
    record: Option<usize>,
    threads: usize,
    json: Option<PathBuf>,
    table: Option<u64>,
    files: Vec<PathBuf>,
}

fn main() -> ExitCode {
    match options().and_then(|o| run(&o)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("bench: {message}");
            ExitCode::FAILURE
        }
    }
}

fn options() -> Result<Options, String> {
    let mut o = Options {
        levels: (1..=6).collect(),
        peers: "all".into(),
        runs: 3,
        record: None,
        threads: 1,
        json: None,
        table: None,
        files: Vec::new(),
    };
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        if !arg.starts_with("--") {
            o.files.push(arg.into());
            continue;
        }
        let value = args.next().ok_or(USAGE)?;
        let bad = |_| format!("{arg}: {value:?} is no number");
        match arg.as_str() {
            "--levels" => {
                let levels: Result<_, _> = value.split(',').map(str::parse).collect();
                o.levels = levels.map_err(bad)?;
            }
            "--peers" if ["all", "common", "pco", "none"].contains(&value.as_str()) => {
                o.peers = value
            }
            "--runs" => o.runs = value.parse().map_err(bad)?,
            "--record" => o.record = Some(value.parse().map_err(bad)?),
            "--threads" => o.threads = value.parse().map_err(bad)?,
            "--table" => o.table = Some(value.parse().map_err(bad)?),
            "--json" => o.json = Some(value.into()),
            _ => return Err(USAGE.into()),
        }
    }
    if o.files.is_empty() == o.table.is_none() {
        return Err(USAGE.into());
    }
    Ok(o)
}

fn run(o: &Options) -> Result<(), String> {
    let mut results = Vec::new();
    for file in &o.files {
        let input = Input::read(file, o.record)?;
        let mut contenders = Vec::new();
        for &level in &o.levels {
            let one = Contender::level(level, input.told.as_ref(), None)?;
            if o.threads > 1 {
                contenders.push(one.clone().with_threads(o.threads));
            }
            contenders.push(one);
        }
        let peers = match o.peers.as_str() {
            "all" => Peer::all(input.layout.as_ref()),
            "common" => Peer::common(input.layout.as_ref()),
            "pco" => input.layout.iter().map(|l| Peer::PcoColumns(8, l.clone())).collect(),
            _ => Vec::new(),
        };
        contenders.extend(peers.into_iter().map(Contender::Peer));
        let series = rounds(&input, &contenders, o.runs)?;
        println!("{}, {} rounds\n\n{}", input.describe(), o.runs.max(1), grid(&series));
        if o.threads > 1 {
            threads(&series, o.threads);
        }
        results.push(to_json(&input, &series));
    }
    if let Some(mib) = o.table {
        results.push(table(o, mib)?);
    }
    if let Some(path) = &o.json {
        let text =
            serde_json::to_string_pretty(&Value::Array(results)).map_err(|e| e.to_string())?;
        std::fs::write(path, text + "\n").map_err(|e| format!("{}: {e}", path.display()))?;
    }
    Ok(())
}

/// Speeds in MB/s; `×pco` is against pco 8 per column in the same round.
fn grid(all: &[Series]) -> Grid {
    let pco = all.iter().find(|s| s.name.starts_with("pco 8 per column"));
    let mut grid = Grid::new(&[
        "",
        "bytes",
        "ratio",
        "compress",
        "coder alone",
        "decompress",
        "decoder alone",
        "fit s",
        "verify s",
        "coder ×pco",
        "decompress ×pco",
        "decoder ×pco",
        "peak MiB",
    ]);
    for s in all {
        let times = |seconds: fn(&Sample) -> f64| {
            pco.map_or(String::new(), |p| format!("{:.2}", s.times(p, seconds)))
        };
        let median = |of: fn(&Sample) -> f64| vxc_bench::measure::median(s.samples.iter().map(of));
        let seconds = |x: f64| if x > 0.0 { format!("{x:.2}") } else { "–".into() };
        grid.row(vec![
            s.name.clone(),
            grouped(s.coded() as u64),
            format!("{:.3}", s.ratio()),
            rate(s.speed(|x| x.compress)),
            rate(s.speed(|x| x.coding)),
            rate(s.speed(|x| x.decompress)),
            rate(s.speed(|x| x.decoding)),
            seconds(median(|x| x.plan)),
            seconds(median(|x| x.verify)),
            times(|x| x.coding),
            times(|x| x.decompress),
            times(|x| x.decoding),
            (s.peak() >> 20).to_string(),
        ]);
    }
    grid
}

/// What more threads bring, by the wall clock and without the fit.
fn threads(all: &[Series], n: usize) {
    let mut grid = Grid::new(&["", "coding and verifying ×", "decompressing ×"]);
    for many in all {
        let Some((level, _)) = many.name.split_once(&format!(" -T{n}")) else { continue };
        let Some(one) = all.iter().find(|s| s.name == level) else { continue };
        grid.row(vec![
            many.name.clone(),
            format!("{:.2}", many.times(one, |s| s.coding_wall)),
            format!("{:.2}", many.times(one, |s| s.decompress_wall)),
        ]);
    }
    println!("{n} threads against one, wall clock:\n\n{grid}");
}

fn to_json(input: &Input, all: &[Series]) -> Value {
    let series: Vec<Value> = all
        .iter()
        .map(|s| {
            let of = |f: fn(&Sample) -> f64| s.samples.iter().map(f).collect::<Vec<f64>>();
            json!({
                "name": s.name,
                "bytes": s.coded(),
                "ratio": s.ratio(),
                "compress_cpu_s": of(|x| x.compress),
                "plan_s": of(|x| x.plan),
                "coding_s": of(|x| x.coding),
                "verify_s": of(|x| x.verify),
                "decompress_cpu_s": of(|x| x.decompress),
                "decoding_s": of(|x| x.decoding),
                "coding_wall_s": of(|x| x.coding_wall),
                "decompress_wall_s": of(|x| x.decompress_wall),
                "peak_bytes": s.peak(),
            })
        })
        .collect();
    json!({
        "file": input.name,
        "raw_bytes": input.bytes.len(),
        "record_bytes": input.layout.as_ref().map(|l| l.record_bytes),
        "layout_from": input.source,
        "contenders": series,
    })
}

/// The generated table at each level, and its first 16 MiB alone.
fn table(o: &Options, mib: u64) -> Result<Value, String> {
    let whole = Table::of_bytes(1, mib << 20);
    let first = Table::of_bytes(1, mib.min(16) << 20);
    let mut grid = Grid::new(&[
        "",
        "bytes",
        "ratio",
        "ratio of first 16 MiB",
        "compress MB/s",
        "fit s",
        "decompress MB/s",
        "peak MiB",
        "peak MiB back",
    ]);
    let mut results = Vec::new();
    for &number in &o.levels {
        let options = CompressOptions {
            level: Level::new(number).map_err(|e| e.to_string())?,
            threads: o.threads,
            ..CompressOptions::default()
        };
        let short = streamed::run(&first, &options)?;
        let long = streamed::run(&whole, &options)?;
        let raw = usize::try_from(long.raw).map_err(|e| e.to_string())?;
        grid.row(vec![
            format!("vxc -{number} -T{}", o.threads),
            grouped(long.coded),
            format!("{:.4}", long.ratio()),
            format!("{:.4}", short.ratio()),
            rate(speed(raw, long.compress)),
            format!("{:.2}", long.plan),
            rate(speed(raw, long.decompress)),
            (long.compress_peak >> 20).to_string(),
            (long.decompress_peak >> 20).to_string(),
        ]);
        results.push(json!({
            "level": number,
            "bytes": long.coded,
            "ratio": long.ratio(),
            "ratio_first_16_mib": short.ratio(),
            "compress_cpu_s": long.compress,
            "plan_s": long.plan,
            "decompress_cpu_s": long.decompress,
            "compress_peak_bytes": long.compress_peak,
            "decompress_peak_bytes": long.decompress_peak,
        }));
    }
    println!("generated table, {} bytes, compared byte by byte\n\n{grid}", whole.bytes());
    Ok(json!({ "table_bytes": whole.bytes(), "threads": o.threads, "levels": results }))
}
