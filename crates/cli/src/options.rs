//! Checked options: what the flags mean together.

mod job;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use vxc::{DecodeLimits, DecompressOptions, Level, Model, Trainer};

use crate::args::{
    Base, Cli, Command, Common, LayoutArgs, LimitArgs, ModelArgs, OutputArgs, PackArgs, PlainArgs,
    UnpackArgs, Verify,
};
use crate::console::Console;
#[cfg(feature = "evaluate")]
use crate::evaluate::Evaluate;
use crate::failure::Failure;
use crate::input::{is_stdin, open_file};
use crate::layout::LayoutFrom;
use crate::levels::LevelFlags;
use crate::output::Target;
use crate::weights::{PackWeights, UnpackWeights};

#[cfg(feature = "train")]
pub use job::Train;
pub use job::{Fit, Inspect, Job, Pack, Placing, Unpack};

impl Job {
    /// Checks the arguments and loads the models and layouts that they name.
    ///
    /// # Errors
    /// Usage, unreadable models and layouts.
    pub fn new(cli: Cli, console: &Console) -> Result<Self, Failure> {
        Ok(match cli.command {
            None => return plain(cli.plain, console),
            Some(Command::Compress(a)) => pack(a.base, a.output, a.pack, console)?,
            Some(Command::Decompress(a)) => unpack(a.base, a.output, a.unpack, console)?,
            Some(Command::Test(a)) => test(a.base, a.limits)?,
            Some(Command::List(a)) => list(a.base, a.json)?,
            Some(Command::Fit(a)) => Self::Fit(Fit {
                files: a.files,
                output: a.output,
                array: a.array,
                force: a.force,
                layout: layout(&a.layout)?,
                level: level(a.level)?,
            }),
            #[cfg(feature = "train")]
            Some(Command::Train(a)) => Self::Train(Box::new(Train {
                layout: layout(&a.layout)?,
                model: load_models(a.model.as_slice(), None)?.pop(),
                args: a,
            })),
            #[cfg(feature = "train")]
            Some(Command::Export(a)) => Self::Export(a),
            #[cfg(not(feature = "train"))]
            Some(Command::Train(_) | Command::Export(_)) => {
                return Err(Failure::usage(WITHOUT_TRAINING));
            }
            Some(Command::Inspect(a)) => {
                let options = decoding(&a.models, &a.common, None)?;
                let layout = layout(&a.layout)?;
                Self::Inspect(a.files, Inspect { layout, level: level(a.level)?, options })
            }
            Some(Command::Data(a)) => Self::Data(a.into()),
            Some(Command::Experiment(a)) => Self::Experiment(a),
            #[cfg(feature = "evaluate")]
            Some(Command::Evaluate(a)) => {
                let bytes = |path: &PathBuf| std::fs::metadata(path).map_or(0, |meta| meta.len());
                let model = load_models(a.model.as_slice(), None)?.pop();
                let model = model.zip(a.model.as_ref().map(bytes));
                Self::Evaluate(Box::new(Evaluate { layout: layout(&a.layout)?, model, args: *a }))
            }
            #[cfg(not(feature = "evaluate"))]
            Some(Command::Evaluate(_)) => {
                return Err(Failure::usage(
                    "this program was built without evaluation (feature evaluate)",
                ));
            }
            Some(Command::CompressWeights(a)) => Self::PackWeights(PackWeights::new(a, console)?),
            Some(Command::DecompressWeights(a)) => {
                Self::UnpackWeights(UnpackWeights::new(a, console)?)
            }
            Some(Command::SelfTest(a)) => Self::SelfTest(a),
            Some(Command::Completions(a)) => Self::Completions(a),
            Some(Command::Man(a)) => Self::Man(a),
        })
    }
}

fn plain(a: PlainArgs, console: &Console) -> Result<Job, Failure> {
    if a.unpack.keep_going && !a.mode.decompress {
        return Err(Failure::usage("--keep-going is for decompression (-d)"));
    }
    if a.unpack.limits.max_output.is_some() && !a.mode.decompress && !a.mode.test {
        return Err(Failure::usage("--max-output is for decompression and tests (-d, -t)"));
    }
    if a.mode.list {
        list(a.base, a.listing.json)
    } else if a.mode.decompress {
        unpack(a.base, a.output, a.unpack, console)
    } else if a.mode.test {
        test(a.base, a.unpack.limits)
    } else {
        pack(a.base, a.output, a.pack, console)
    }
}

fn test(base: Base, limits: LimitArgs) -> Result<Job, Failure> {
    let options = decoding(&base.models, &base.common, limits.max_output)?;
    Ok(Job::Test(or_stdin(base.files)?, options))
}

fn list(base: Base, json: bool) -> Result<Job, Failure> {
    let options = decoding(&base.models, &base.common, None)?;
    let files = base.files;
    if files.is_empty() || files.iter().any(|f| is_stdin(f)) {
        return Err(Failure::usage("archives to list are named: a pipe has no index to look at"));
    }
    Ok(Job::List(files, options, json))
}

/// No operand means standard input; it can be read once.
fn or_stdin(files: Vec<PathBuf>) -> Result<Vec<PathBuf>, Failure> {
    if files.iter().filter(|f| is_stdin(f)).count() > 1 {
        return Err(Failure::usage("standard input can be read only once"));
    }
    Ok(if files.is_empty() { vec!["-".into()] } else { files })
}

/// Where the results of these files go.
///
/// # Errors
/// Several files and one output.
pub fn placing(files: &[PathBuf], a: OutputArgs, console: &Console) -> Result<Placing, Failure> {
    let target = match a.output {
        Some(path) => Some(Target::new(path)),
        None => a.stdout.then_some(Target::Stdout),
    };
    if files.len() > 1 && matches!(target, Some(Target::Path(_))) {
        return Err(Failure::usage(format!("-o takes one input, {} were given", files.len())));
    }
    let piped = target == Some(Target::Stdout);
    if a.rm && piped {
        console.warning(Path::new("--rm"), "nothing is removed when the result goes to a pipe");
    }
    Ok(Placing { target, force: a.force, remove: a.rm && !piped })
}

fn pack(base: Base, output: OutputArgs, a: PackArgs, console: &Console) -> Result<Job, Failure> {
    let files = or_stdin(base.files)?;
    let verify = a.verify == Verify::Full;
    if output.rm && !verify {
        return Err(Failure::usage("--rm removes only what was verified; drop --verify none"));
    }
    let mut models = load_models(&base.models.model, None)?;
    if models.len() > 1 {
        return Err(Failure::usage("compression takes one --model"));
    }
    let mut level = level(a.level)?;
    if a.pure && !level.is_neural() {
        return Err(Failure::usage("--pure is for the levels -7 to -9"));
    }
    let model = models.pop();
    let trainer = trainer(a.train_budget.as_deref(), level, &base.common)?;
    let network = model.as_ref().is_some_and(|m| m.neural().is_some()) || trainer.is_some();
    if a.pure && !network {
        return Err(Failure::usage("--pure needs a --model with a network, or --train-budget"));
    }
    if level.is_neural() && !network {
        console.note(&format!(
            "level {} needs a --model with a network (see vxc export), or --train-budget; this is done at level 6",
            level.number()
        ));
        level = level.without_network();
    }
    let pack = Pack {
        placing: placing(&files, output, console)?,
        level,
        verify,
        layout: layout(&a.layout)?,
        model,
        embed_model: a.embed_model,
        pure: a.pure,
        trainer,
        metadata: !a.no_name,
        unpack: !a.no_unpack,
        rebuild: a.rebuild,
        segment: a.segment,
        threads: base.common.threads.into(),
        memory: base.common.memory,
    };
    Ok(Job::Compress(files, pack))
}

/// What trains on the input.
#[cfg(feature = "train")]
fn trainer(
    budget: Option<&str>,
    level: Level,
    common: &Common,
) -> Result<Option<Arc<dyn Trainer>>, Failure> {
    let Some(budget) = budget else { return Ok(None) };
    if !level.is_neural() {
        return Err(Failure::usage("--train-budget is for the levels -7 to -9"));
    }
    let budget = budget.parse().map_err(|e| Failure::usage(format!("--train-budget: {e}")))?;
    Ok(Some(Arc::new(vxc_train::budget::InputTrainer { budget, quiet: common.talk.quiet })))
}

/// Nothing does.
#[cfg(not(feature = "train"))]
fn trainer(
    budget: Option<&str>,
    _: Level,
    _: &Common,
) -> Result<Option<Arc<dyn Trainer>>, Failure> {
    match budget {
        None => Ok(None),
        Some(_) => Err(Failure::usage(WITHOUT_TRAINING)),
    }
}

/// What is said where training is asked for.
#[cfg(not(feature = "train"))]
const WITHOUT_TRAINING: &str = "this program was built without training; build it with: \
     cargo build --release -p vxc-cli --features train";

fn unpack(
    base: Base,
    output: OutputArgs,
    a: UnpackArgs,
    console: &Console,
) -> Result<Job, Failure> {
    let files = or_stdin(base.files)?;
    let unpack = Unpack {
        placing: placing(&files, output, console)?,
        stored_name: a.name,
        keep_going: a.keep_going,
        options: decoding(&base.models, &base.common, a.limits.max_output)?,
    };
    Ok(Job::Decompress(files, unpack))
}

fn decoding(
    models: &ModelArgs,
    common: &Common,
    max_output: Option<u64>,
) -> Result<DecompressOptions, Failure> {
    let limits = DecodeLimits {
        max_output: max_output.unwrap_or(u64::MAX),
        max_memory: common.memory,
        ..DecodeLimits::default()
    };
    Ok(DecompressOptions {
        models: load_models(&models.model, Some(common.memory))?,
        limits,
        threads: common.threads.into(),
    })
}

fn level(flags: LevelFlags) -> Result<Level, Failure> {
    Ok(flags.number.map_or(Ok(Level::default()), Level::new)?)
}

fn layout(a: &LayoutArgs) -> Result<LayoutFrom, Failure> {
    LayoutFrom::new(a.layout.as_deref(), a.record, !a.no_sidecar)
}

/// Loads model files, to decode within so much memory: all of them together.
fn load_models(names: &[PathBuf], memory: Option<u64>) -> Result<Vec<Arc<Model>>, Failure> {
    let mut left = memory;
    names
        .iter()
        .map(|path| {
            let fail = |e: &dyn std::fmt::Display| {
                Failure::Model(format!("model file {}: {e}", crate::console::Shown(path)))
            };
            let (mut file, meta) = open_file(path).map_err(|e| fail(&e))?;
            let limit = DecodeLimits::default().max_model_bytes;
            if meta.len() > limit {
                return Err(fail(&format!("{} bytes are more than {limit}", meta.len())));
            }
            let mut bytes = Vec::new();
            std::io::Read::read_to_end(&mut file, &mut bytes).map_err(|e| fail(&e))?;
            let loaded = match left {
                None => Model::from_bytes(bytes),
                Some(max_memory) => Model::with_limits(
                    bytes,
                    &DecodeLimits { max_memory, ..DecodeLimits::default() },
                ),
            };
            let model = loaded.map_err(|e| match e {
                vxc::Error::ModelMismatch(m) => fail(&m),
                e if e.exit_code() == 4 => e.into(),
                e => fail(&e),
            })?;
            left = left.map(|left| left.saturating_sub(model.held_bytes()));
            Ok(Arc::new(model))
        })
        .collect()
}
