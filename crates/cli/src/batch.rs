//! A job over its files: one after the other, each on its own. The exit code is that of the first that fails.

use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use serde::ser::SerializeSeq;
use serde::{Serialize, Serializer as _};

use crate::console::{Console, LINES, bytes, ratio, unprinted};
#[cfg(feature = "evaluate")]
use crate::evaluate;
use crate::failure::Failure;
use crate::options::Job;
use crate::{
    compress, data, decompress, experiment, fit, generate, inspect, list, panics, self_test,
    weights,
};
#[cfg(feature = "train")]
use crate::{export, train};

/// Content and archive bytes of what was done, for the line at the end.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sizes {
    /// Content.
    pub raw: u64,
    /// Archive.
    pub coded: u64,
}

/// Runs a job and gives the exit code; failures of single files have been told.
///
/// # Errors
/// What concerns no single file.
pub fn run(job: &Job, console: &Console) -> Result<u8, Failure> {
    Ok(match job {
        Job::Compress(files, pack) => {
            each(files, console, Some("compressed"), |name| compress::one(pack, name, console))
        }
        Job::Decompress(files, unpack) => {
            let one = |name: &Path| decompress::one(unpack, name, console);
            each(files, console, Some("decompressed"), one)
        }
        Job::Test(files, options) => {
            each(files, console, None, |name| decompress::test(options, name, console))
        }
        Job::List(files, options, json) => list::run(files, options, *json, console)?,
        Job::Inspect(files, how) => {
            each(files, console, None, |name| inspect::one(how, name, console))
        }
        Job::Data(what) => data::run(what, console)?,
        Job::Experiment(how) => experiment::run(how, console)?,
        #[cfg(feature = "evaluate")]
        Job::Evaluate(how) => evaluate::run(how, console)?,
        Job::PackWeights(how) => weights::compress(how, console),
        Job::UnpackWeights(how) => weights::decompress(how, console)?,
        Job::SelfTest(how) => self_test::run(how)?,
        Job::Completions(how) => generate::completions(how)?,
        Job::Man(how) => generate::man(how)?,
        Job::Fit(how) => {
            fit::run(how, console)?;
            0
        }
        #[cfg(feature = "train")]
        Job::Train(how) => {
            train::run(how, console)?;
            0
        }
        #[cfg(feature = "train")]
        Job::Export(how) => {
            export::run(how, console)?;
            0
        }
    })
}

/// Prints a JSON list of what `one` finds in each file, made as it is printed; gives the exit code.
///
/// # Errors
/// If the list cannot be written.
pub fn each_as_json<T: Serialize>(
    files: &[PathBuf],
    console: &Console,
    mut one: impl FnMut(&Path) -> Result<T, Failure>,
) -> Result<u8, Failure> {
    let written = |e: serde_json::Error| unprinted(e.into());
    let out = BufWriter::with_capacity(LINES, std::io::stdout().lock());
    let mut json = serde_json::Serializer::pretty(out);
    let mut list = json.serialize_seq(None).map_err(written)?;
    let code = each(files, console, None, |name| {
        list.serialize_element(&one(name)?).map_err(written)?;
        Ok(Sizes::default())
    });
    let ended = SerializeSeq::end(list).map_err(written).and_then(|()| {
        let mut out = json.into_inner();
        out.write_all(b"\n").and_then(|()| out.flush()).map_err(unprinted)
    });
    match ended {
        // Nobody reads any more.
        Err(Failure::Closed) => Ok(code),
        ended => ended.map(|()| code),
    }
}

/// Runs `one` over the files; `done` is the verb of the line at the end.
pub fn each(
    files: &[PathBuf],
    console: &Console,
    done: Option<&str>,
    mut one: impl FnMut(&Path) -> Result<Sizes, Failure>,
) -> u8 {
    let mut code = 0;
    let mut total = Sizes::default();
    let mut good = 0;
    for name in files {
        match panics::caught(|| one(name)) {
            Ok(sizes) => {
                good += 1;
                total.raw += sizes.raw;
                total.coded += sizes.coded;
            }
            // Nobody reads any more: more work is for nobody.
            Err(Failure::Closed) => return code,
            Err(failure) => {
                console.error(Some(name), &failure);
                if code == 0 {
                    code = failure.code();
                }
            }
        }
    }
    if let Some(done) = done
        && good > 1
    {
        let (raw, coded) = (bytes(total.raw), bytes(total.coded));
        let ratio = ratio(total.raw, total.coded);
        console.note(&format!(
            "{good} files {done} : {raw} content, {coded} archives, ratio {ratio:.3}"
        ));
    }
    code
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;
    use crate::console::Talk;
    use crate::output::{Target, Terminal};

    #[test]
    fn a_panic_costs_one_file() {
        let folder = tempfile::tempdir().unwrap();
        let files = ["first", "bad", "last"].map(|name| folder.path().join(name));
        let console = Console::new(Talk::Quiet);
        let code = each(&files, &console, None, |name| {
            let mut output = Target::Path(name.to_owned()).open(false, Terminal::Never)?;
            output.write_all(b"content").map_err(Failure::io("cannot write"))?;
            if name.ends_with("bad") {
                // In a thread, as the coders run.
                std::thread::scope(|scope| {
                    let panic = scope.spawn(|| panic!("on purpose")).join().unwrap_err();
                    std::panic::resume_unwind(panic)
                })
            }
            output.publish(&Default::default())?;
            Ok(Sizes::default())
        });
        assert_eq!(code, 1);
        let mut there: Vec<_> =
            std::fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
        there.sort();
        assert_eq!(there, ["first", "last"]);
    }
}
