//! `train`: a neural model from training files. Built with the cargo feature `train`; see [`crate::options`] for what
//! the command does without it.

use std::path::{Path, PathBuf};

use vxc::tokens::RecordLayout;
use vxc::tokens::sidecar::{LayoutFit, check_layout};

use vxc_train::evaluate::Cost;
use vxc_train::run::{Report, Request, describe, train};
use vxc_train::{Config, TrainError};

use crate::console::{Console, Shown, print};
use crate::failure::Failure;
use crate::layout::{LayoutFrom, SAMPLE};
use crate::options::Train;
use crate::training::Training;

/// Trains, or says what a run would take.
///
/// # Errors
/// Whatever went wrong.
pub fn run(how: &Train, console: &Console) -> Result<(), Failure> {
    let args = &how.args;
    let folder = args.output.clone().unwrap_or_default();
    let config = match args.resume {
        true => Config::load(Some(&folder.join("config.yaml")), &[]).map_err(failure)?,
        false => configured(how)?,
    };
    // Files that moved are named again; their checksum is that of the run.
    let names = match args.resume && !args.files.is_empty() {
        true => args.files.clone(),
        false => config.data.train.clone(),
    };
    let array = config.data.array.clone();
    if names.is_empty() && !args.dry_run {
        return Err(Failure::usage("no training files were given"));
    }
    let Training { files, layout, .. } =
        Training::read(&names, &how.layout, array.as_deref(), console)?;
    let test = match &args.test {
        Some(name) => {
            let name = std::slice::from_ref(name);
            let own = Training::read(name, &LayoutFrom::Bytes, array.as_deref(), console)?;
            let bytes = own.files.into_iter().next().unwrap_or_default();
            check_test(&name[0], &bytes, layout.as_ref(), &files, console)?;
            Some(bytes)
        }
        None => None,
    };
    let request = Request {
        files,
        layout,
        model: how.model.as_deref().cloned(),
        config,
        folder,
        device: args.device.clone(),
        resume: args.resume,
        quiet: !console.talks(),
        compare: !args.no_compare,
        test,
        until: None,
    };
    if args.dry_run {
        return print(&format!("{}\n", describe(&request).map_err(failure)?));
    }
    print(&report(&train(&request).map_err(failure)?, &request.folder))
}

/// Refuses test data of another kind, and says where it is no test at all.
fn check_test(
    name: &Path,
    bytes: &[u8],
    layout: Option<&RecordLayout>,
    training: &[Vec<u8>],
    console: &Console,
) -> Result<(), Failure> {
    if let Some(layout) = layout {
        let sample = &bytes[..bytes.len().min(SAMPLE)];
        if let LayoutFit::Contradicts { reason } = check_layout(layout, bytes.len() as u64, sample)
        {
            let name = Shown(name);
            return Err(Failure::usage(format!(
                "{name}: no records as those of the training files: {reason}"
            )));
        }
    }
    if training.iter().any(|file| file == bytes) {
        console.warning(name, "this is one of the training files: what it shows is no test");
    }
    Ok(())
}

/// The configuration of a new run.
fn configured(how: &Train) -> Result<Config, Failure> {
    let args = &how.args;
    let mut set = args.set.clone();
    set.extend(args.steps.map(|n| format!("training.max_steps={n}")));
    set.extend(args.batch_size.map(|n| format!("training.batch_size={n}")));
    set.extend(args.lr.map(|x| format!("training.lr={x:?}")));
    set.extend(args.seed.map(|n| format!("training.seed={n}")));
    let mut config = Config::load(args.config.as_deref(), &set).map_err(failure)?;
    if args.start.is_some() {
        config.model.start.clone_from(&args.start);
    }
    if !args.files.is_empty() {
        let absolute = |name: &PathBuf| std::path::absolute(name).unwrap_or_else(|_| name.clone());
        config.data.train = args.files.iter().map(absolute).collect();
    }
    if args.array.is_some() {
        config.data.array.clone_from(&args.array);
    }
    Ok(config)
}

fn report(report: &Report, folder: &std::path::Path) -> String {
    let line = |name: &str, cost: &Cost| {
        format!(
            "{name}: {:.4} bits per byte, ratio {:.4} ({} bytes; symbols {:.1} %, offsets {:.1} %)\n",
            cost.bits_per_byte(),
            cost.ratio(),
            cost.bytes,
            100.0 * cost.symbol_bits / (cost.symbol_bits + cost.offset_bits),
            100.0 * cost.offset_bits / (cost.symbol_bits + cost.offset_bits),
        )
    };
    let best: PathBuf = folder.join("best");
    let mut out = line("validation", &report.validation);
    out.extend(report.test_part.iter().map(|cost| line("test part", cost)));
    out.extend(report.test.iter().map(|cost| line("test file", cost)));
    let kept = match best.exists() {
        true => format!("best network in {}", Shown(&best)),
        false => "no network was kept: nothing was evaluated".to_owned(),
    };
    out + &format!("{} steps, {} parameters, {kept}\n", report.steps, report.parameters)
}

/// The failure of a command.
pub fn failure(e: TrainError) -> Failure {
    match e {
        TrainError::Codec(e) => e.into(),
        TrainError::Io { what, source } => Failure::Io(what, source),
        e => Failure::Usage(e.to_string()),
    }
}
