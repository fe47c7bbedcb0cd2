//! Files to learn from: read whole, records of one size.

use std::io::Read;
use std::path::PathBuf;

use vxc::tokens::RecordLayout;

use crate::console::{Console, Shown};
use crate::failure::Failure;
use crate::input::Source;
use crate::layout::{LayoutFrom, SAMPLE};

/// The files and what is known of them.
pub struct Training {
    /// Contents.
    pub files: Vec<Vec<u8>>,
    /// Layout of the records; none: to be found in the bytes.
    pub layout: Option<RecordLayout>,
    /// What the system says of each, so that no output replaces one.
    pub metas: Vec<std::fs::Metadata>,
}

impl Training {
    /// Reads them.
    ///
    /// # Errors
    /// I/O; layouts that differ or contradict their file.
    pub fn read(names: &[PathBuf], from: &LayoutFrom, console: &Console) -> Result<Self, Failure> {
        let mut files: Vec<Vec<u8>> = Vec::new();
        let mut metas = Vec::new();
        let mut layout: Option<RecordLayout> = None;
        for name in names {
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
            let own = from.choose(name, len, sample, console).map_err(about)?;
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
            files.push(bytes);
        }
        Ok(Self { files, layout, metas })
    }
}
