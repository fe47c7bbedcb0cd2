//! The README's demonstration: `demo [FILE]` compresses a file with Vortex-Codec and with the compressors
//! that people would use instead, checks that every byte comes back, and prints a table.
#![forbid(unsafe_code)]

use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use vxc::tokens::RecordLayout;
use vxc::{CompressOptions, Decoder, DecompressOptions, Level};
use vxc_bench::input::Input;
use vxc_bench::measure::{Spent, speed, time};
use vxc_bench::peers::Peer;
use vxc_bench::report::{Grid, grouped, rate};
use vxc_bench::run::Contender;

/// Levels that are shown.
const LEVELS: [u8; 3] = [1, 3, 5];

/// A line of the table.
struct Line {
    name: String,
    ours: bool,
    coded: usize,
    compress: f64,
    decompress: f64,
}

fn main() -> ExitCode {
    let mut args = std::env::args_os().skip(1);
    let file = args.next().map_or_else(default_sample, PathBuf::from);
    let usage = args.next().is_some() || file.to_string_lossy().starts_with('-');
    let result = if usage { Err("usage: demo [FILE]".to_owned()) } else { run(&file) };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("demo: {message}");
            ExitCode::FAILURE
        }
    }
}

/// The sample of the repository.
fn default_sample() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../samples/ftag_jets.bin")
}

fn run(file: &Path) -> Result<(), String> {
    let input = Input::read(file, None)?;
    println!("{}\n", input.describe());
    let mut lines = Vec::new();
    for level in LEVELS {
        lines.push(ours(&input, level)?);
    }
    for peer in Peer::common(input.layout.as_ref()) {
        let contender = Contender::Peer(peer);
        let sample = contender.run(&input.bytes)?;
        lines.push(Line {
            name: contender.name(),
            ours: false,
            coded: sample.coded,
            compress: speed(input.bytes.len(), sample.compress),
            decompress: speed(input.bytes.len(), sample.decompress),
        });
    }
    let mut grid = Grid::new(&["", "bytes", "ratio", "compress MB/s", "decompress MB/s"]);
    for line in &lines {
        grid.row(vec![
            line.name.clone(),
            grouped(line.coded as u64),
            format!("{:.3}", input.bytes.len() as f64 / line.coded.max(1) as f64),
            rate(line.compress),
            rate(line.decompress),
        ]);
    }
    println!("\n{grid}");
    println!(
        "Every line was decompressed and compared with the input. One thread, CPU time. Times of vxc"
    );
    println!(
        "include finding the layout and the relations, and the verification before the file is"
    );
    println!(
        "published (`--verify none` leaves that out); on a file this small they weigh most.\n"
    );
    println!("{}", verdict(&lines));
    Ok(())
}

/// Compresses to a file, verifies, decompresses from the file, compares.
fn ours(input: &Input, level: u8) -> Result<Line, String> {
    let fail = |e: vxc::Error| format!("vxc -{level}: {e}");
    let io = |e: std::io::Error| format!("vxc -{level}: {e}");
    let mut archive = tempfile::Builder::new().suffix(".vxc").tempfile().map_err(io)?;
    let options = CompressOptions {
        level: Level::new(level).map_err(fail)?,
        layout: input.told.clone(),
        threads: 1,
        verify: true,
        ..CompressOptions::default()
    };
    let (summary, compress) = time(|| write_archive(&input.bytes, archive.as_file(), &options));
    let summary = summary.map_err(fail)?;
    archive.as_file_mut().rewind().map_err(io)?;
    let (back, decompress) = time(|| read_archive(archive.as_file()));
    if back.map_err(fail)? != input.bytes {
        return Err(format!("vxc -{level}: NOT LOSSLESS"));
    }
    println!("{}", story(level, &summary, input.told.as_ref(), compress, decompress));
    let coded = usize::try_from(summary.coded_bytes).map_err(|e| e.to_string())?;
    Ok(Line {
        name: format!("vxc -{level}"),
        ours: true,
        coded,
        compress: speed(input.bytes.len(), compress.cpu),
        decompress: speed(input.bytes.len(), decompress.cpu),
    })
}

fn write_archive(
    raw: &[u8],
    file: &File,
    options: &CompressOptions,
) -> Result<vxc::Summary, vxc::Error> {
    let (mut out, summary) = vxc::compress_stream(raw, BufWriter::new(file), options)?;
    out.flush()?;
    Ok(summary)
}

fn read_archive(file: &File) -> Result<Vec<u8>, vxc::Error> {
    let options = DecompressOptions { threads: 1, ..DecompressOptions::default() };
    let mut raw = Vec::new();
    Decoder::new(BufReader::new(file), options)?.read_to_end(&mut raw)?;
    Ok(raw)
}

fn story(
    level: u8,
    summary: &vxc::Summary,
    told: Option<&RecordLayout>,
    compress: Spent,
    decompress: Spent,
) -> String {
    let layout = if told.is_some() { "layout from the sidecar" } else { "layout detected" };
    format!(
        "vxc -{level}: compressed ({layout}; fit {:.2} s, coding {:.2} s, verification {:.2} s of {:.2} s), \
         decompressed in {:.2} s, compared: equal",
        summary.plan_seconds,
        summary.coding_seconds,
        summary.verify_seconds,
        compress.wall,
        decompress.wall
    )
}

/// Who wins what, in words.
fn verdict(lines: &[Line]) -> String {
    let best = |ours: bool, better: &dyn Fn(&Line, &Line) -> bool| {
        lines
            .iter()
            .filter(|l| l.ours == ours)
            .reduce(|a, b| if better(b, a) { b } else { a })
            .map(|l| (l.name.as_str(), l.coded, l.compress, l.decompress))
    };
    let smaller = |a: &Line, b: &Line| a.coded < b.coded;
    let (Some(us), Some(them)) = (best(true, &smaller), best(false, &smaller)) else {
        return String::new();
    };
    let mut out = if us.1 <= them.1 {
        let share = 100.0 * (1.0 - us.1 as f64 / them.1.max(1) as f64);
        format!("Smallest: {}, {share:.1} % below {}, the best of the others.", us.0, them.0)
    } else {
        let share = 100.0 * (us.1 as f64 / them.1.max(1) as f64 - 1.0);
        format!("{} WINS on this file: {} makes {share:.1} % more bytes.", them.0, us.0)
    };
    type Speed = fn(&Line) -> f64;
    let speeds: [(&str, Speed); 2] =
        [("compress", |l| l.compress), ("decompress", |l| l.decompress)];
    for (what, of) in speeds {
        let faster = |a: &Line, b: &Line| of(a) > of(b);
        if let (Some(us), Some(them)) = (best(true, &faster), best(false, &faster)) {
            let winner = lines.iter().reduce(|a, b| if faster(b, a) { b } else { a });
            if winner.is_some_and(|w| !w.ours) {
                out.push_str(&format!("\nFastest to {what}: {}; of ours {}.", them.0, us.0));
            } else {
                out.push_str(&format!("\nFastest to {what}: {}.", us.0));
            }
        }
    }
    out
}
