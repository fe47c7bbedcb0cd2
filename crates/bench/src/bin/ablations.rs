//! What the parts of the codec bring: files are fitted and coded without one of them. Bits are those of the model, in
//! one piece, without container and tokeniser: `cargo run --release -p vxc-bench --bin ablations -- FILES`.
#![forbid(unsafe_code)]

use std::path::Path;
use std::process::ExitCode;

use vxc::tokens::fit::static_cost;
use vxc::tokens::{FitOptions, RecordLayout, Step, Tokeniser, fit};
use vxc_bench::input::Input;
use vxc_bench::report::Grid;
use vxc_entropy::CostCounter;
use vxc_predict::bytes::{ByteKind, ByteModel, ByteModelConfig};
use vxc_predict::fields::FieldModel;

/// Level of the mixing.
const LEVEL: u32 = 5;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("ablations: {message}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), String> {
    let mut grid = Grid::new(&[
        "file",
        "all parts",
        "no relations",
        "no COPY",
        "no partner contexts",
        "no mixing",
        "bytes, not symbols",
    ]);
    for name in std::env::args().skip(1) {
        let input = Input::read(Path::new(&name), None)?;
        let layout = input.layout.ok_or_else(|| format!("{name}: no records found"))?;
        let size = layout.record_bytes;
        let raw = input.bytes.get(..input.bytes.len() / size * size).unwrap_or_default();
        let records = (raw.len() / size) as u64;
        let all = FitOptions { records, ..FitOptions::default() };
        let fitted = |options: &FitOptions| fit(&layout, raw, options).map_err(|e| e.to_string());
        let whole = fitted(&all)?;
        let cases = [
            mixed(&whole, raw)?,
            mixed(&fitted(&FitOptions { relations: false, ..all.clone() })?, raw)?,
            mixed(&fitted(&FitOptions { copy: false, ..all.clone() })?, raw)?,
            mixed(&without_partners(&whole)?, raw)?,
            static_cost(&whole, raw).iter().map(|(s, o)| (s + o) * records as f64).sum(),
            bytes(&layout, raw),
        ];
        let ratio = |bits: &f64| format!("{:.3}", 8.0 * raw.len() as f64 / bits.max(1.0));
        let mut cells = vec![input.name.clone()];
        cells.extend(cases.iter().map(ratio));
        grid.row(cells);
    }
    println!("{grid}");
    Ok(())
}

/// Bits of the mixed model.
fn mixed(tokeniser: &Tokeniser, raw: &[u8]) -> Result<f64, String> {
    let records = (raw.len() / tokeniser.layout().record_bytes) as u64;
    let mut cost = CostCounter::new();
    let mut model = FieldModel::new(tokeniser, records, LEVEL);
    model.encode(tokeniser, &mut cost, raw).map_err(|e| e.to_string())?;
    Ok(cost.bits())
}

/// Bits of the model of bytes within records.
fn bytes(layout: &RecordLayout, raw: &[u8]) -> f64 {
    let kind = ByteKind::Record(layout.clone());
    let config = ByteModelConfig { kind, level: LEVEL, len: raw.len() as u64 };
    let mut cost = CostCounter::new();
    ByteModel::new(&config).encode(&mut cost, raw);
    cost.bits()
}

/// The same fit without what fields know of others.
fn without_partners(tokeniser: &Tokeniser) -> Result<Tokeniser, String> {
    let steps = tokeniser.steps().iter();
    let alone = steps.map(|step| Step { partners: Vec::new(), ..step.clone() }).collect();
    Tokeniser::new(tokeniser.layout().clone(), alone).map_err(|e| e.to_string())
}
