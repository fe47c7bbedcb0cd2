//! Writes a generated table: `generate [--mib N] [--seed N] [--variant NAME] [--layout] OUT`.
//!
//! `--layout` writes the layout file beside it. OUT may be `-` for standard output.
#![forbid(unsafe_code)]

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::process::ExitCode;
use std::time::Instant;

use vxc_bench::generator::{Table, Variant};

const USAGE: &str = "usage: generate [--mib N] [--seed N] \
                     [--variant standard|permuted|double|violated|odd] [--layout] OUT";

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("generate: {message}");
            ExitCode::from(2)
        }
    }
}

fn run() -> Result<(), String> {
    let mut mib = 256;
    let mut table = Table { seed: 1, rows: 0, variant: Variant::Standard };
    let mut layout = false;
    let mut out = None;
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        let mut number = || {
            let value = args.next().ok_or(USAGE)?;
            value.parse::<u64>().map_err(|_| format!("{arg}: {value:?} is no number"))
        };
        match arg.as_str() {
            "--mib" => mib = number()?,
            "--seed" => table.seed = number()?,
            "--layout" => layout = true,
            "--variant" => {
                table.variant = match args.next().as_deref() {
                    Some("standard") => Variant::Standard,
                    Some("permuted") => Variant::Permuted,
                    Some("double") => Variant::Double,
                    Some("violated") => Variant::Violated,
                    Some("odd") => Variant::Odd,
                    _ => return Err(USAGE.into()),
                }
            }
            s if s.starts_with("--") || out.is_some() => return Err(USAGE.into()),
            _ => out = Some(arg),
        }
    }
    let out = out.ok_or(USAGE)?;
    let bytes = mib.checked_mul(1 << 20).ok_or("--mib: too large")?;
    table.rows = bytes / table.record_bytes() as u64;
    let start = Instant::now();
    let io = |e: io::Error| format!("{out}: {e}");
    if out == "-" {
        table.write_to(io::stdout().lock()).map_err(io)?;
        return Ok(());
    }
    let mut file = BufWriter::new(File::create(&out).map_err(io)?);
    table.write_to(&mut file).map_err(io)?;
    file.flush().map_err(io)?;
    if layout {
        let name = std::path::Path::new(&out).with_extension("meta.json");
        std::fs::write(&name, table.layout_json())
            .map_err(|e| format!("{}: {e}", name.display()))?;
    }
    let speed = table.bytes() as f64 / 1e6 / start.elapsed().as_secs_f64().max(1e-9);
    eprintln!("{out}: {} records of {} bytes, {speed:.0} MB/s", table.rows, table.record_bytes());
    Ok(())
}
