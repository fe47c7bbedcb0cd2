//! `export`: a trained network to a model file. Built with the cargo feature `train`.

use vxc::Level;
use vxc_train::Config;
use vxc_train::export::{publish, training_files};

use crate::args::ExportArgs;
use crate::console::{Console, Shown};
use crate::failure::Failure;
use crate::layout::LayoutFrom;
use crate::meta::Looks;
use crate::output::{Target, Terminal};
use crate::progress::{Counters, Progress};
use crate::train::failure;
use crate::training::Training;

/// Bits that rounding may cost without a warning, as a share.
const MOST_LOSS: f64 = 0.005;

/// Reads the run and its training files, rounds the network, primes the contexts, and writes the model file.
///
/// # Errors
/// Whatever went wrong; then no model was written.
pub fn run(how: &ExportArgs, console: &Console) -> Result<(), Failure> {
    let target = Target::new(how.output.clone());
    let names = match how.files.is_empty() {
        true => training_files(&how.run).map_err(failure)?,
        false => how.files.clone(),
    };
    let config = Config::load(Some(&how.run.join("config.yaml")), &[]).map_err(failure)?;
    let array = config.data.array;
    let Training { files, metas, .. } =
        Training::read(&names, &LayoutFrom::Bytes, array.as_deref(), console)?;
    target.check(how.force, &metas)?;
    let terminal = if how.force { Terminal::Forced } else { Terminal::Never };
    let mut output = target.open(how.force, terminal)?;
    let label = format!("{} (exporting)", Shown(&how.output));
    let progress = Progress::start(console, label, None, Counters::default());
    let exported = publish(&how.run, &files, Level::new(how.level)?).map_err(failure)?;
    drop(progress);
    let model = &exported.model;
    std::io::Write::write_all(&mut output, model.file()).map_err(|e| output.explain(e))?;
    output.publish(&Looks::default())?;
    console.note(&format!(
        "validation: float network {:.4} bits per byte (ratio {:.4}), integers {:.4} (ratio {:.4}): {:+.3} %",
        exported.float.bits_per_byte(),
        exported.float.ratio(),
        exported.integer.bits_per_byte(),
        exported.integer.ratio(),
        100.0 * exported.loss(),
    ));
    if exported.loss() > MOST_LOSS {
        console.warning(&how.output, "integers cost more than 0.5 % of the bits; train for longer");
    }
    console.note(&format!(
        "{} : {} bytes, {} of them a network before compression, id {}",
        Shown(&how.output),
        model.file().len(),
        exported.network_bytes,
        model.id()
    ));
    Ok(())
}
