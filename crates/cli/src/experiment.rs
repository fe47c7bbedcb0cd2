//! `experiment`: from a published file to measured ratios, by the commands that a user would type, which are printed as they
//! run. An experiment is a `config.yaml`; there is no code in it.
//!
//! ```text
//! download ─► extract ─► split ─► fit, train ─► compress, decompress, compare ─► table
//! ```

mod config;

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::args::{self, ExperimentArgs};
use crate::batch;
use crate::console::{Console, Shown, print, ratio};
use crate::data::sidecar::Sidecar;
use crate::failure::Failure;
use crate::options::Job;
use config::{Config, Form, TrainPart};

/// A row of the table.
#[derive(Debug, Serialize)]
struct Row {
    what: String,
    bytes: u64,
    ratio: f64,
    model_bytes: u64,
}

/// Runs an experiment.
///
/// # Errors
/// The first command that fails ends it.
pub fn run(how: &ExperimentArgs, console: &Console) -> Result<u8, Failure> {
    let path = how.folder.join("config.yaml");
    let text =
        fs::read_to_string(&path).map_err(Failure::io(format!("cannot read {}", Shown(&path))))?;
    let config: Config = serde_saphyr::from_str(&text)
        .map_err(|e| Failure::usage(format!("{}: {e}", Shown(&path))))?;
    let steps = Steps { how, console };
    console.note(&format!("experiment {}, data under {}", config.name, config.licence));
    let inputs = steps.inputs(&config)?;
    let whole: u64 = inputs.iter().filter_map(|p| fs::metadata(p).ok()).map(|m| m.len()).sum();
    let data = steps.extract(&config, &inputs)?;
    let parts = steps.split(&config, &data)?;
    let (Some(train), Some(test)) = (parts.first(), parts.last()) else {
        return Err(Failure::usage("parts need a first one to learn from and a last one to test"));
    };
    let mut rows = Vec::new();
    // What users have on disk is the file as it was published.
    for input in &inputs {
        let archive = steps.compress(input, "original", &["-5"], None)?;
        rows.push(steps.row(format!("{} as published, -5", Shown(input)), &archive, input, None));
    }
    for level in &config.levels {
        let level = format!("-{level}");
        let archive = steps.compress(test, "test", &[&level], None)?;
        rows.push(steps.row(format!("test part, {level}"), &archive, test, None));
    }
    let fitted = how.output.join("fitted.vxm");
    steps.run(&["fit".into(), train.into(), "-o".into(), fitted.clone().into(), "-f".into()])?;
    let archive = steps.compress(test, "test.fitted", &["-5"], Some(&fitted))?;
    rows.push(steps.row(
        "test part, -5 with a model of the train part".into(),
        &archive,
        test,
        Some(&fitted),
    ));
    if let Some(part) = config.train.as_ref().filter(|_| !how.no_train && cfg!(feature = "train")) {
        let network = steps.network(part, train)?;
        for level in ["-7", "-8"] {
            let archive =
                steps.compress(test, &format!("test{level}"), &[level], Some(&network))?;
            rows.push(steps.row(
                format!("test part, {level} with a network"),
                &archive,
                test,
                Some(&network),
            ));
        }
    }
    if how.dry_run {
        return Ok(0);
    }
    let mut table =
        format!("{:<58} {:>12} {:>9} {:>12}\n", "What", "Bytes", "Ratio", "Model bytes");
    for row in &rows {
        table += &format!(
            "{:<58} {:>12} {:>9.3} {:>12}\n",
            row.what, row.bytes, row.ratio, row.model_bytes
        );
    }
    table += &format!("published files {whole} bytes\n");
    let json = serde_json::to_string_pretty(&rows)
        .map_err(|e| Failure::Io("cannot write".into(), e.into()))?;
    let results = how.output.join("results.json");
    fs::write(&results, json + "\n")
        .map_err(Failure::io(format!("cannot write {}", Shown(&results))))?;
    print(&table)?;
    Ok(0)
}

struct Steps<'a> {
    how: &'a ExperimentArgs,
    console: &'a Console,
}

impl Steps<'_> {
    /// Runs a command of this program, and prints it first.
    fn run(&self, words: &[OsString]) -> Result<(), Failure> {
        let shown: Vec<String> = words.iter().map(|w| quoted(&w.to_string_lossy())).collect();
        self.console.note(&format!("$ vxc {}", shown.join(" ")));
        if self.how.dry_run {
            return Ok(());
        }
        let name = OsString::from("vxc");
        let quiet = (!self.console.talks()).then(|| OsString::from("-q"));
        let all = std::iter::once(name).chain(words.iter().cloned()).chain(quiet);
        let failed = |code| Failure::usage(format!("the command failed with exit code {code}"));
        let job = Job::new(args::parse(all).map_err(failed)?, self.console)?;
        match batch::run(&job, self.console)? {
            0 => Ok(()),
            code => Err(failed(code)),
        }
    }

    /// The published files.
    fn inputs(&self, config: &Config) -> Result<Vec<PathBuf>, Failure> {
        if !self.how.input.is_empty() {
            return Ok(self.how.input.clone());
        }
        let folder = self.how.output.join("download");
        self.make(&folder)?;
        let mut out = Vec::new();
        for file in &config.files {
            let name = file.url.rsplit('/').next().unwrap_or("file");
            let path = folder.join(name);
            if !path.is_file() {
                let mut words: Vec<OsString> = vec![
                    "data".into(),
                    "download".into(),
                    (&file.url).into(),
                    "-o".into(),
                    (&path).into(),
                ];
                if let Some(n) = file.bytes {
                    words.extend(["--bytes".into(), n.to_string().into()]);
                }
                if let Some(sum) = &file.adler32 {
                    words.extend(["--adler32".into(), sum.into()]);
                }
                self.run(&words)?;
            }
            out.push(path);
        }
        Ok(out)
    }

    /// The files to split: of all inputs, the array that is wanted.
    fn extract(&self, config: &Config, inputs: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
        let mut out = Vec::new();
        for (number, input) in inputs.iter().enumerate() {
            let folder = self.how.output.join("extracted").join(number.to_string());
            if config.form == Form::Text && !is_packed(input) {
                out.push(input.clone());
                continue;
            }
            let mut words: Vec<OsString> = vec![
                "data".into(),
                "extract".into(),
                input.into(),
                "-o".into(),
                (&folder).into(),
                "-f".into(),
            ];
            match config.form {
                Form::Arrays => {
                    words.extend(config.array.iter().flat_map(|a| ["--only".into(), a.into()]))
                }
                Form::Padded => {
                    words.push("--padded".into());
                    words.extend(config.array.iter().flat_map(|a| ["--only".into(), a.into()]));
                    words.extend(
                        config
                            .objects
                            .iter()
                            .flat_map(|n| ["--objects".into(), n.to_string().into()]),
                    );
                }
                Form::Text => {}
            }
            self.run(&words)?;
            match self.how.dry_run {
                true => out.push(folder.join("ARRAY.bin")),
                false => out.push(largest(&folder, config)?),
            }
        }
        Ok(out)
    }

    fn split(&self, config: &Config, data: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
        let folder = self.how.output.join("split");
        let mut words: Vec<OsString> = vec!["data".into(), "split".into()];
        words.extend(data.iter().map(Into::into));
        words.extend([
            "-o".into(),
            (&folder).into(),
            "--parts".into(),
            (&config.parts).into(),
            "-f".into(),
        ]);
        words.extend(config.by.iter().flat_map(|field| ["--by".into(), field.into()]));
        self.run(&words)?;
        let ending = data
            .first()
            .and_then(|p| p.extension())
            .map_or_else(|| "bin".into(), |e| e.to_string_lossy());
        let names = config.parts.split(',').filter_map(|part| part.split('=').next());
        Ok(names.map(|name| folder.join(format!("{name}.{ending}"))).collect())
    }

    /// A file to an archive, which is decompressed and compared.
    fn compress(
        &self,
        file: &Path,
        name: &str,
        flags: &[&str],
        model: Option<&Path>,
    ) -> Result<PathBuf, Failure> {
        let folder = self.how.output.join("archives");
        self.make(&folder)?;
        let level = flags.first().copied().unwrap_or_default();
        let archive = folder.join(format!("{name}{level}.vxc"));
        let back = folder.join("back");
        let models =
            || model.iter().flat_map(|m| ["--model".into(), m.into()]).collect::<Vec<OsString>>();
        let mut words: Vec<OsString> = vec!["compress".into()];
        words.extend(flags.iter().map(|flag| OsString::from(*flag)));
        words.extend(["-f".into(), file.into(), "-o".into(), (&archive).into()]);
        words.extend(models());
        self.run(&words)?;
        let mut words: Vec<OsString> = vec!["decompress".into(), "-f".into(), (&archive).into()];
        words.extend(["-o".into(), (&back).into()]);
        words.extend(models());
        self.run(&words)?;
        if !self.how.dry_run {
            if !same(file, &back).map_err(Failure::io("cannot compare"))? {
                return Err(Failure::Verify(format!("{} did not come back", Shown(file))));
            }
            let _ = fs::remove_file(&back);
        }
        Ok(archive)
    }

    fn network(&self, part: &TrainPart, train: &Path) -> Result<PathBuf, Failure> {
        let (run, network) = (self.how.output.join("run"), self.how.output.join("network.vxm"));
        let config = self.how.folder.join(&part.config);
        if !run.exists() {
            let mut words: Vec<OsString> =
                vec!["train".into(), train.into(), "-o".into(), (&run).into()];
            words.extend(["--config".into(), config.into()]);
            words.extend(part.set.iter().flat_map(|set| ["--set".into(), set.into()]));
            self.run(&words)?;
        }
        self.run(&[
            "export".into(),
            run.into(),
            train.into(),
            "-o".into(),
            (&network).into(),
            "-f".into(),
        ])?;
        Ok(network)
    }

    fn make(&self, folder: &Path) -> Result<(), Failure> {
        if self.how.dry_run {
            return Ok(());
        }
        fs::create_dir_all(folder).map_err(Failure::io(format!("cannot make {}", Shown(folder))))
    }

    fn row(&self, what: String, archive: &Path, file: &Path, model: Option<&Path>) -> Row {
        let size = |path: &Path| fs::metadata(path).map_or(0, |m| m.len());
        let bytes = size(archive);
        Row { what, bytes, ratio: ratio(size(file), bytes), model_bytes: model.map_or(0, size) }
    }
}

/// As a shell would take it.
pub fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=,:+~".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

fn is_packed(path: &Path) -> bool {
    let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    [".gz", ".tar", ".tgz", ".gz.1"].iter().any(|end| name.ends_with(end))
}

/// Of what was extracted, the array that was asked for, or the largest file.
fn largest(folder: &Path, config: &Config) -> Result<PathBuf, Failure> {
    let mut found: Vec<(u64, PathBuf)> = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).map_err(Failure::io("cannot read"))? {
            let path = entry.map_err(Failure::io("cannot read"))?.path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let wanted = match (config.form, &config.array) {
                (Form::Text, _) => true,
                _ if path.extension().is_none_or(|e| e != "bin") => false,
                (Form::Arrays, Some(array)) => {
                    Sidecar::read(&path)?.is_some_and(|s| s.path == *array)
                }
                (Form::Padded, _) => Sidecar::read(&path)?.is_some_and(|s| s.lossy.is_some()),
                (Form::Arrays, None) => true,
            };
            if wanted {
                let bytes = fs::metadata(&path).map_err(Failure::io("cannot read"))?.len();
                found.push((bytes, path));
            }
        }
    }
    // Of equal ones the first by name.
    found.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
    let missing = || Failure::usage("nothing of what was wanted was extracted");
    found.into_iter().next().map(|(_, path)| path).ok_or_else(missing)
}

fn same(a: &Path, b: &Path) -> std::io::Result<bool> {
    use std::io::{BufReader, Read};
    if fs::metadata(a)?.len() != fs::metadata(b)?.len() {
        return Ok(false);
    }
    let (mut a, mut b) = (BufReader::new(fs::File::open(a)?), BufReader::new(fs::File::open(b)?));
    let (mut x, mut y) = (vec![0; 1 << 20], vec![0; 1 << 20]);
    loop {
        let n = a.read(&mut x)?;
        if n == 0 {
            return Ok(true);
        }
        b.read_exact(&mut y[..n])?;
        if x[..n] != y[..n] {
            return Ok(false);
        }
    }
}
