//! `fit`: training files to a model file.

use std::io::Read;

use vxc::tokens::RecordLayout;

use crate::console::{Console, Shown};
use crate::failure::Failure;
use crate::input::Source;
use crate::layout::SAMPLE;
use crate::meta::Looks;
use crate::options::Fit;
use crate::output::{Target, Terminal};
use crate::progress::{Counters, Progress};

/// Reads all training files, fits, and writes the model file.
///
/// # Errors
/// Whatever went wrong; then no model was written.
pub fn run(how: &Fit, console: &Console) -> Result<(), Failure> {
    let target = Target::new(how.output.clone());
    let mut training: Vec<Vec<u8>> = Vec::new();
    let mut metas = Vec::new();
    let mut layout: Option<RecordLayout> = None;
    for name in &how.files {
        let about = |f: Failure| match f {
            Failure::Usage(m) => Failure::Usage(format!("{}: {m}", Shown(name))),
            Failure::Io(what, e) if what.is_empty() => Failure::Io(Shown(name).to_string(), e),
            Failure::Io(what, e) => Failure::Io(format!("{}: {what}", Shown(name)), e),
            f => f,
        };
        let mut source = Source::open(name).map_err(about)?;
        metas.extend(source.meta.clone());
        let len = source.len;
        let sample = source.peek(SAMPLE).map_err(about)?;
        let own = how.layout.choose(name, len, sample, console).map_err(about)?;
        match (&layout, own) {
            (Some(one), Some(other)) if one.record_bytes != other.record_bytes => {
                return Err(Failure::usage(format!(
                    "{}: records of {} bytes, those of the first file have {}",
                    Shown(name),
                    other.record_bytes,
                    one.record_bytes
                )));
            }
            (None, own) => layout = own,
            _ => {}
        }
        let mut bytes = Vec::new();
        source
            .into_reader(Default::default())
            .read_to_end(&mut bytes)
            .map_err(|e| Failure::Io(Shown(name).to_string(), e))?;
        training.push(bytes);
    }
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
