//! `fit`: training files to a model file.

use crate::console::{Console, Shown};
use crate::failure::Failure;
use crate::meta::Looks;
use crate::options::Fit;
use crate::output::{Target, Terminal};
use crate::progress::{Counters, Progress};
use crate::training::Training;

/// Reads all training files, fits, and writes the model file.
///
/// # Errors
/// Whatever went wrong; then no model was written.
pub fn run(how: &Fit, console: &Console) -> Result<(), Failure> {
    let target = Target::new(how.output.clone());
    let Training { files: training, layout, metas } =
        Training::read(&how.files, &how.layout, how.array.as_deref(), console)?;
    target.check(how.force, &metas)?;
    let terminal = if how.force { Terminal::Forced } else { Terminal::Never };
    let mut output = target.open(how.force, terminal)?;
    let progress = Progress::start(
        console,
        format!("{} (fitting)", Shown(&how.output)),
        None,
        Counters::default(),
    );
    let model = vxc::Model::fit(how.level, layout.as_ref(), &training)?;
    drop(progress);
    std::io::Write::write_all(&mut output, model.file()).map_err(|e| output.explain(e))?;
    output.publish(&Looks::default())?;
    let bytes: usize = training.iter().map(Vec::len).sum();
    let record =
        model.layout().map_or("bytes".to_owned(), |l| format!("record {} B", l.record_bytes));
    console.note(&format!(
        "{} : {} bytes, from {bytes} bytes of {} files, {record}, id {}",
        Shown(&how.output),
        model.file().len(),
        training.len(),
        model.id()
    ));
    Ok(())
}
