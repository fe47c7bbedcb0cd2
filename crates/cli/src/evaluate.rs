//! `evaluate`: the levels and what else there is, measured on the user's own files, and explained.

use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use vxc::Model;
use vxc::tokens::detect::detect;
use vxc::tokens::fit::static_cost;
use vxc::tokens::transform::Transform;
use vxc_bench::evaluate::{self, Ask, csv, grid};
use vxc_bench::evaluation::{Command, Evaluation, FieldShare, FileResult, RelationSaving};
use vxc_bench::input::Input;
use vxc_bench::page;

use crate::args::EvaluateArgs;
use crate::batch::{Sizes, each};
use crate::console::{Console, print};
use crate::experiment::quoted;
use crate::failure::Failure;
use crate::input::{is_stdin, open_file};
use crate::inspect::{COST_BYTES, fitted};
use crate::layout::{LayoutFrom, SAMPLE};
use crate::output::{Output, Target, Terminal};
use crate::streams::{self, FieldNames};

/// How to evaluate.
pub struct Evaluate {
    /// What was asked for.
    pub args: EvaluateArgs,
    /// Where the layout comes from.
    pub layout: LayoutFrom,
    /// A model, and the bytes of its file.
    pub model: Option<(Arc<Model>, u64)>,
}

/// Evaluates the files and gives the exit code.
///
/// # Errors
/// Results that cannot be written.
pub fn run(how: &Evaluate, console: &Console) -> Result<u8, Failure> {
    let args = &how.args;
    let mut outputs = Outputs::open(args)?;
    let ask = Ask {
        levels: args.levels.0.clone(),
        model: how.model.clone(),
        baselines: !args.no_baselines,
        rounds: args.rounds.into(),
        threads: args.threads.into(),
    };
    let mut files = Vec::new();
    let code = each(&args.files, console, None, |name| {
        files.push(one(how, &ask, name, console)?);
        Ok(Sizes::default())
    });
    if files.is_empty() {
        return Ok(code);
    }
    // Whoever reads a result from standard output gets that alone.
    if !outputs.take_stdout {
        for file in &files {
            print(&format!(
                "{}: {} bytes, {}\n\n{}\n",
                file.name,
                file.bytes,
                file.layout,
                grid(file)
            ))?;
            for loss in &file.losses {
                print(&format!("{loss}\n"))?;
            }
            print("\n")?;
        }
    }
    let evaluation = Evaluation {
        program: format!("vxc {}", env!("CARGO_PKG_VERSION")),
        machine: vxc_bench::measure::machine(),
        rounds: ask.rounds,
        commands: commands(args),
        files,
    };
    let json = || serde_json::to_string_pretty(&evaluation).unwrap_or_default() + "\n";
    outputs.write(0, json)?;
    outputs.write(1, || csv(&evaluation.files))?;
    outputs.write(2, || page::html(&evaluation))?;
    if let Some(path) = &args.report {
        console.note(&format!("report : {}", crate::console::Shown(path)));
    }
    Ok(code)
}

/// Where JSON, CSV and report go: open before anything is measured.
struct Outputs {
    open: [Option<Output>; 3],
    /// Whether one of them is standard output.
    take_stdout: bool,
}

impl Outputs {
    fn open(args: &EvaluateArgs) -> Result<Self, Failure> {
        let read = args.files.iter().chain(&args.model).chain(&args.layout.layout);
        let read: Vec<_> = read.filter_map(|path| std::fs::metadata(path).ok()).collect();
        let mut targets: Vec<Target> = Vec::new();
        let mut open = [None, None, None];
        for (open, path) in open.iter_mut().zip([&args.json, &args.csv, &args.report]) {
            let Some(path) = path else { continue };
            let target = Target::new(path.clone());
            target.check(args.force, &read)?;
            if targets.contains(&target) {
                return Err(Failure::usage("two results cannot have one name"));
            }
            *open = Some(target.open(args.force, Terminal::Text)?);
            targets.push(target);
        }
        Ok(Self { open, take_stdout: targets.contains(&Target::Stdout) })
    }

    fn write(&mut self, which: usize, text: impl FnOnce() -> String) -> Result<(), Failure> {
        use std::io::Write as _;
        let Some(output) = self.open.get_mut(which).and_then(Option::as_mut) else {
            return Ok(());
        };
        output.write_all(text().as_bytes()).map_err(|e| output.explain(e))?;
        output.publish(&Default::default())
    }
}

fn one(how: &Evaluate, ask: &Ask, name: &Path, console: &Console) -> Result<FileResult, Failure> {
    if is_stdin(name) {
        return Err(Failure::usage("files are read again and again, so name one"));
    }
    let mut bytes = Vec::new();
    open_file(name)?.0.read_to_end(&mut bytes).map_err(Failure::io(""))?;
    let sample = bytes.get(..SAMPLE).unwrap_or(&bytes);
    let told = how.layout.choose(name, Some(bytes.len() as u64), sample, console)?;
    let title = name.file_name().unwrap_or(name.as_os_str()).to_string_lossy().into_owned();
    let mut input = Input::detected(title, bytes);
    if let Some(layout) = told {
        input.told = Some(layout.clone());
        input.layout = Some(layout);
        input.source = "given";
    }
    let mut result = evaluate::file(&input, ask, |what| {
        if console.verbose() {
            console.note(what);
        }
    })
    .map_err(|message| match message.contains("NOT LOSSLESS") {
        true => Failure::Verify(message),
        false => Failure::usage(message),
    })?;
    explain(&input, &mut result)?;
    Ok(result)
}

/// Adds where the bytes go: a fit with relations against one without.
fn explain(input: &Input, result: &mut FileResult) -> Result<(), Failure> {
    let table = input.told.clone().map(|layout| (0, layout)).or_else(|| {
        let sample = input.bytes.get(..COST_BYTES).unwrap_or(&input.bytes);
        let regions = detect(sample).into_iter();
        let largest = regions.filter(|r| r.layout.is_some()).max_by_key(|r| r.len)?;
        Some((largest.start, largest.layout?))
    });
    let Some((start, layout)) = table else { return Ok(()) };
    let from = input.bytes.get(start..).unwrap_or_default();
    let size = layout.record_bytes;
    let from = from.get(..from.len().min(COST_BYTES.max(size)) / size * size).unwrap_or_default();
    if from.is_empty() {
        return Ok(());
    }
    let with = fitted(&layout, from, true)?;
    let without = fitted(&layout, from, false)?;
    let (costs, plain) = (static_cost(&with, from), static_cost(&without, from));
    let unknown = FieldNames::default();
    let names = unknown.of(&layout);
    // Steps are in an order of their own in each fit.
    let alone = |field: u16| {
        let step = without.steps().iter().position(|s| s.field == field)?;
        plain.get(step).map(|(s, o)| s + o)
    };
    for (step, &(symbol_bits, offset_bits)) in with.steps().iter().zip(&costs) {
        let name = streams::field_name(&names, step.field);
        let kind = with.layout().fields.get(usize::from(step.field)).map(|f| f.kind);
        result.fields.push(FieldShare {
            name: name.clone(),
            kind: kind.map_or(String::new(), |k| format!("{k:?}").to_lowercase()),
            raw_bits: kind.map_or(0.0, |k| 8.0 * k.bytes() as f64),
            symbol_bits,
            offset_bits,
            coding: streams::Coding(step, &names).to_string(),
        });
        if let (Transform::Relation(_), Some(bits_without)) = (&step.transform, alone(step.field)) {
            result.relations.push(RelationSaving {
                field: name,
                formula: streams::Coding(step, &names).to_string(),
                bits_without,
                bits_with: symbol_bits + offset_bits,
            });
        }
    }
    Ok(())
}

/// The command that gives the evaluation again, and those that make and open one archive.
fn commands(args: &EvaluateArgs) -> Vec<Command> {
    let line: Vec<String> =
        std::env::args_os().skip(1).map(|a| quoted(&a.to_string_lossy())).collect();
    let mut out =
        vec![Command { what: "This evaluation".into(), line: format!("vxc {}", line.join(" ")) }];
    let level = args.levels.0.iter().copied().max().unwrap_or(5);
    let model = args.model.as_ref();
    let model =
        model.map_or(String::new(), |m| format!(" --model {}", quoted(&m.to_string_lossy())));
    if let Some(file) = args.files.first() {
        let file = quoted(&file.to_string_lossy());
        for (what, line) in [
            ("One archive", format!("vxc -{level}{model} {file}")),
            ("What is in it", format!("vxc inspect{model} {file}.vxc")),
            ("And back", format!("vxc -d{model} {file}.vxc")),
        ] {
            out.push(Command { what: what.into(), line });
        }
    }
    out
}
