//! The ratio targets on the shared data: `targets` compresses each file as `vxc` would, decompresses it,
//! compares, and prints what was reached beside the target and the best peer.
//!
//! The data is found by the environment variable `VXC_DATA`, or beside the repository in `shared/data`; files
//! that are not there are left out. Networks, if there are any: `NAME.vxm` for the test file `NAME.bin`, made by `vxc
//! export`, in the folder that `VXC_NETWORKS` names. Exit code 1 if anything is not lossless or a must-hold line is missed.
#![forbid(unsafe_code)]

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use vxc::Model;
use vxc_bench::input::Input;
use vxc_bench::measure::speed;
use vxc_bench::peers::Peer;
use vxc_bench::report::{Grid, grouped};
use vxc_bench::run::{Contender, fit};

/// A line of the table of targets. Ratios of 0 are not asked for.
struct Target {
    file: &'static str,
    /// Training files that match.
    train: &'static [&'static str],
    /// At -3.
    fixed: f64,
    /// At -5.
    mix: f64,
    /// At -5 with a model.
    model: f64,
    /// At -8 with a network.
    neural: f64,
    /// The best peer that is not paq8px, and its ratio, measured once on these files.
    peer: (&'static str, f64),
    /// Whether -5 must beat that peer.
    mix_must: bool,
    /// What -3 must beat: pco per column and OpenZL, the better one, measured once.
    fixed_must: f64,
}

const TARGETS: [Target; 7] = [
    Target {
        file: "atlas/ftag_sim_ttbar_test.bin",
        train: &["atlas/ftag_sim_ttbar_train.bin"],
        fixed: 2.60,
        mix: 2.80,
        model: 2.90,
        neural: 3.00,
        peer: ("pco 12 per column", 2.289),
        mix_must: true,
        fixed_must: 2.289,
    },
    Target {
        file: "alice/alice_hyp3_o2_test.bin",
        train: &["alice/alice_hyp3_o2_train.bin"],
        fixed: 2.60,
        mix: 2.74,
        model: 2.84,
        neural: 2.88,
        peer: ("zpaq -m5", 2.641),
        mix_must: true,
        fixed_must: 2.611,
    },
    Target {
        file: "cms/cms_nano_core_test.bin",
        train: &["cms/cms_nano_core_train.bin"],
        fixed: 6.5,
        mix: 8.3,
        model: 9.4,
        neural: 9.6,
        peer: ("fields + zpaq -m5", 7.943),
        mix_must: true,
        fixed_must: 0.0,
    },
    Target {
        file: "camels/gadget2_lcdm_gas_snap003_test_gas.bin",
        train: &[
            "camels/gadget2_lcdm_gas_snap000_gas.bin",
            "camels/gadget2_lcdm_gas_snap001_gas.bin",
            "camels/gadget2_lcdm_gas_snap002_gas.bin",
        ],
        fixed: 1.33,
        mix: 1.375,
        model: 1.38,
        neural: 1.39,
        peer: ("byte planes + zpaq -m5", 1.333),
        mix_must: false,
        fixed_must: 1.324,
    },
    Target {
        file: "atlas/atlas_physlite_real_full.bin",
        train: &[],
        fixed: 2.55,
        mix: 2.92,
        model: 0.0,
        neural: 0.0,
        peer: ("fields + zpaq -m5", 2.873),
        mix_must: false,
        fixed_must: 0.0,
    },
    Target {
        file: "other/taus_pt_issue79_test.bin",
        train: &["other/taus_pt_issue79_train.bin"],
        fixed: 1.314,
        mix: 1.330,
        model: 1.330,
        neural: 1.330,
        peer: ("zpaq -m5", 1.3157),
        mix_must: false,
        fixed_must: 0.0,
    },
    Target {
        file: "hepmc/py8_ttbar_sim_test.hepmc",
        train: &["hepmc/py8_ttbar_sim_train.hepmc"],
        fixed: 3.4,
        mix: 4.3,
        model: 4.5,
        neural: 4.9,
        peer: ("mcm -h9", 4.243),
        mix_must: false,
        fixed_must: 0.0,
    },
];

fn main() -> ExitCode {
    let data = std::env::var_os("VXC_DATA").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"),
        PathBuf::from,
    );
    match run(&data) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(message) => {
            eprintln!("targets: {message}");
            ExitCode::FAILURE
        }
    }
}

/// True if everything that must hold does.
fn run(data: &Path) -> Result<bool, String> {
    let mut grid = Grid::new(&[
        "file",
        "-3",
        "target",
        "-5",
        "target",
        "-5 model",
        "target",
        "model bytes",
        "-8 network",
        "target",
        "model bytes",
        "best peer",
        "",
    ]);
    let mut parts = Grid::new(&["file", "", "ratio", "MB/s in", "MB/s out"]);
    let mut musts = Vec::new();
    for target in &TARGETS {
        let path = data.join(target.file);
        if !path.is_file() {
            println!("skipped: {} is not there", target.file);
            continue;
        }
        let input = Input::read(&path, None)?;
        eprintln!("{}", input.describe());
        let ratio = |level, model: Option<&Arc<Model>>| {
            let contender = Contender::level(level, input.told.as_ref(), model)?;
            let sample = contender.run(&input.bytes)?;
            eprintln!("  {}: {} bytes", contender.name(), grouped(sample.coded as u64));
            Ok::<f64, String>(input.bytes.len() as f64 / sample.coded.max(1) as f64)
        };
        let fixed = ratio(3, None)?;
        let mix = ratio(5, None)?;
        let model = match trained(data, target) {
            Ok(None) => None,
            Ok(Some(model)) => {
                let model = Arc::new(model);
                Some((ratio(5, Some(&model))?, model.file().len()))
            }
            Err(e) => {
                println!("{}: no model: {e}", target.file);
                None
            }
        };
        let name = target.file.rsplit('/').next().unwrap_or_default().to_owned();
        let network = match network(&name)? {
            None => None,
            Some(model) => Some((compare(&name, &input, &model, &mut parts)?, model.file().len())),
        };
        grid.row(vec![
            name,
            format!("{fixed:.3}"),
            mark(fixed, target.fixed),
            format!("{mix:.3}"),
            mark(mix, target.mix),
            model.map_or("–".into(), |(r, _)| format!("{r:.3}")),
            mark(model.map_or(0.0, |(r, _)| r), target.model),
            model.map_or(String::new(), |(_, n)| grouped(n as u64)),
            network.map_or("–".into(), |(r, _)| format!("{r:.3}")),
            mark(network.map_or(0.0, |(r, _)| r), target.neural),
            network.map_or(String::new(), |(_, n)| grouped(n as u64)),
            target.peer.0.into(),
            format!("{:.3}", target.peer.1),
        ]);
        if target.mix_must {
            let best = target.peer.1;
            musts.push((
                format!("-5 on {} {mix:.3} > {best:.3} ({})", target.file, target.peer.0),
                mix > best,
            ));
        }
        if target.fixed_must > 0.0 {
            // pco here and now, since a later version may be better than the one measured once.
            let pco = input.layout.iter().map(|l| Contender::Peer(Peer::PcoColumns(12, l.clone())));
            let mut best = target.fixed_must;
            for contender in pco {
                let coded = contender.run(&input.bytes)?.coded;
                best = best.max(input.bytes.len() as f64 / coded.max(1) as f64);
            }
            musts.push((
                format!("-3 on {} {fixed:.3} > {best:.3} (pco per column, OpenZL)", target.file),
                fixed > best,
            ));
        }
    }
    println!("\n{grid}\n{parts}");
    println!(
        "Whole files, each decompressed and compared. Peers as measured once (pco also in this run).\n"
    );
    for (text, holds) in &musts {
        println!("{}  {text}", if *holds { "PASS" } else { "MISS" });
    }
    Ok(musts.iter().all(|(_, holds)| *holds))
}

/// A model with a network for a test file, where there is one.
fn network(name: &str) -> Result<Option<Arc<Model>>, String> {
    let Some(folder) = std::env::var_os("VXC_NETWORKS") else { return Ok(None) };
    let path = Path::new(&folder).join(name).with_extension("vxm");
    if !path.is_file() {
        return Ok(None);
    }
    let file = std::fs::read(&path).map_err(|e| format!("{}: {e}", path.display()))?;
    let model = Model::from_bytes(file).map_err(|e| format!("{}: {e}", path.display()))?;
    Ok(Some(Arc::new(model)))
}

/// Measures the contexts alone, the network alone and both, as one model has them; gives the ratio of both. Speeds are
/// in CPU time, the coder alone.
fn compare(name: &str, input: &Input, model: &Arc<Model>, parts: &mut Grid) -> Result<f64, String> {
    let mut both = 0.0;
    for (level, what) in [(5, "contexts alone"), (7, "network alone"), (8, "both")] {
        let contender = Contender::level(level, input.told.as_ref(), Some(model))?;
        let sample = contender.run(&input.bytes)?;
        both = input.bytes.len() as f64 / sample.coded.max(1) as f64;
        let speed = |seconds: f64| format!("{:.2}", speed(input.bytes.len(), seconds));
        parts.row(vec![
            name.to_owned(),
            what.to_owned(),
            format!("{both:.4}"),
            speed(sample.coding),
            speed(sample.decompress),
        ]);
    }
    Ok(both)
}

/// The target, and whether it was reached.
fn mark(reached: f64, target: f64) -> String {
    match target {
        0.0 => String::new(),
        t if reached <= 0.0 => format!("{t:.3} –"),
        // As many digits as are shown.
        t if (reached * 1000.0).round() >= (t * 1000.0).round() => format!("{t:.3} ok"),
        t => format!("{t:.3} MISS"),
    }
}

/// A model of the training files, where there are any.
fn trained(data: &Path, target: &Target) -> Result<Option<Model>, String> {
    let paths: Vec<PathBuf> = target.train.iter().map(|f| data.join(f)).collect();
    if paths.is_empty() || !paths.iter().all(|p| p.is_file()) {
        return Ok(None);
    }
    let mut inputs = Vec::new();
    for path in &paths {
        inputs.push(Input::read(path, None)?);
    }
    fit(5, inputs).map(Some)
}
