//! Sizes and speeds of weight files: our levels, zstd, xz and, where `VXC_PYTHON` has it, PyPI's zipnn; one thread, CPU
//! time, medians: `cargo run --release -p vxc-zipnn --example ratios -- FILES`.

use std::io::{Cursor, Read, Write};
use std::process::Command;

use cpu_time::ProcessTime;
use vxc_zipnn::{Archive, Level, Limits, Options, Plan, compress};

type Failure = Box<dyn std::error::Error>;

/// Rounds of decompression where it is fast.
const ROUNDS: usize = 21;

fn main() -> Result<(), Failure> {
    println!(
        "| file | bytes | with | coded | of it | MB/s in | MB/s out |\n|---|--:|---|--:|--:|--:|--:|"
    );
    for name in std::env::args().skip(1) {
        let raw = std::fs::read(&name)?;
        let short = name.rsplit('/').next().unwrap_or(&name);
        let line = |with: &str, coded: usize, into: f64, out: f64| {
            let share = 100.0 * coded as f64 / raw.len() as f64;
            println!(
                "| {short} | {} | {with} | {coded} | {share:.1} % | {into:.0} | {out:.0} |",
                raw.len()
            );
        };
        let speed = |start: ProcessTime| raw.len() as f64 / 1e6 / start.elapsed().as_secs_f64();
        for number in 1..=3 {
            let options =
                Options { level: Level::new(number).ok_or("no level")?, threads: 1, verify: false };
            let mut coded = Vec::new();
            let start = ProcessTime::now();
            compress(&mut Cursor::new(&raw), &mut coded, &options, |_| ())?;
            let into = speed(start);
            let out = rounds(if number == 3 { 1 } else { ROUNDS }, || {
                let mut back = Vec::with_capacity(raw.len());
                let start = ProcessTime::now();
                Archive::open(Cursor::new(&coded), Limits::default())?.decode_all(
                    &mut back,
                    1,
                    |_| (),
                )?;
                let speed = speed(start);
                if back == raw { Ok(speed) } else { Err("other bytes came back".into()) }
            })?;
            line(&format!("vxc -{number}"), coded.len(), into, out);
        }
        let start = ProcessTime::now();
        let coded = zstd::bulk::compress(&raw, 19)?;
        let into = speed(start);
        let out = rounds(ROUNDS, || {
            let start = ProcessTime::now();
            zstd::bulk::decompress(&coded, raw.len())?;
            Ok(speed(start))
        })?;
        line("zstd -19", coded.len(), into, out);
        let start = ProcessTime::now();
        let mut encoder = liblzma::write::XzEncoder::new(Vec::new(), 9);
        encoder.write_all(&raw)?;
        let coded = encoder.finish()?;
        let into = speed(start);
        let out = rounds(1, || {
            let start = ProcessTime::now();
            liblzma::read::XzDecoder::new(&coded[..]).read_to_end(&mut Vec::new())?;
            Ok(speed(start))
        })?;
        line("xz -9", coded.len(), into, out);
        if let Ok(python) = std::env::var("VXC_PYTHON") {
            let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/zipnn_sizes.py");
            let argument = format!("{}:{name}", dtype(&raw)?);
            let done = Command::new(python).args([script, &argument]).output()?;
            let text = String::from_utf8(done.stdout)?;
            let cells: Vec<&str> = text.split_whitespace().collect();
            match cells[..] {
                [.., coded, into, out] => {
                    line("zipnn", coded.parse()?, into.parse()?, out.parse()?)
                }
                _ => return Err(String::from_utf8_lossy(&done.stderr).into()),
            }
        }
    }
    Ok(())
}

fn rounds(n: usize, mut run: impl FnMut() -> Result<f64, Failure>) -> Result<f64, Failure> {
    let mut speeds = (0..n).map(|_| run()).collect::<Result<Vec<_>, _>>()?;
    speeds.sort_by(f64::total_cmp);
    Ok(speeds.get(n / 2).copied().unwrap_or_default())
}

/// The type that zipnn is to be told: that of most bytes.
fn dtype(raw: &[u8]) -> Result<&'static str, Failure> {
    let plan = Plan::of(&mut Cursor::new(raw))?;
    let bytes =
        |dtype: &str| plan.tensors.iter().filter(|t| t.dtype == dtype).map(|t| t.len).sum::<u64>();
    let kinds = [("F32", "float32"), ("F16", "float16"), ("BF16", "bfloat16")];
    let most = kinds.into_iter().max_by_key(|(dtype, _)| bytes(dtype));
    Ok(most.map_or("float32", |(_, name)| name))
}
