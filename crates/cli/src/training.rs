//! Files to learn from: read whole, records of one size. Of HDF5, NumPy and ROOT files one array is read, the same of all.

use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use vxc::tokens::RecordLayout;
use vxc::tokens::sidecar::{LayoutFit, check_layout};
use vxc_data::{ArrayFile, ArrayInfo};

use crate::console::{Console, Shown};
use crate::failure::Failure;
use crate::input::{Source, open_file};
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
    pub fn read(
        names: &[PathBuf],
        from: &LayoutFrom,
        array: Option<&str>,
        console: &Console,
    ) -> Result<Self, Failure> {
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
            let rows = match source.file.is_some() {
                true => rows(name, array, console).map_err(about)?,
                false => None,
            };
            let len = source.len;
            let own = match &rows {
                Some((_, layout)) => Some(layout.clone()),
                None => {
                    let sample = source.peek(SAMPLE).map_err(about)?;
                    let own = from.choose(name, len, sample, console).map_err(about)?;
                    // A file that says nothing of itself is read as the first one.
                    if let (Some(layout), None) = (&layout, &own) {
                        contradiction(layout, len, sample).map_or(Ok(()), |reason| {
                            let what = format!("no records as those of the first file: {reason}");
                            Err(about(Failure::usage(what)))
                        })?;
                    }
                    own
                }
            };
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
            if let Some((bytes, _)) = rows {
                files.push(bytes);
                continue;
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

/// Why bytes are no records of a layout, if they are not.
fn contradiction(layout: &RecordLayout, len: Option<u64>, sample: &[u8]) -> Option<String> {
    match check_layout(layout, len.unwrap_or(sample.len() as u64), sample) {
        LayoutFit::Contradicts { reason } => Some(reason),
        LayoutFit::Fits | LayoutFit::FitsWithTail { .. } => None,
    }
}

/// The records of an array of a scientific file; none for any other file.
fn rows(
    name: &Path,
    array: Option<&str>,
    console: &Console,
) -> Result<Option<(Vec<u8>, RecordLayout)>, Failure> {
    let (file, _) = open_file(name)?;
    let Some(mut file) = ArrayFile::open(BufReader::new(file))? else { return Ok(None) };
    let size = |info: &ArrayInfo| {
        let dims = info.shape.iter().fold(1u64, |n, &dim| n.saturating_mul(dim));
        dims.saturating_mul(info.dtype.bytes as u64)
    };
    let all = file.arrays.iter().enumerate();
    let chosen = match array {
        Some(path) => all.clone().find(|(_, info)| info.path == path),
        // Of equal ones the first.
        None => {
            all.clone().filter(|(_, i)| i.layout().is_some()).rev().max_by_key(|(_, i)| size(i))
        }
    };
    let Some((at, info)) = chosen else {
        let some: Vec<&str> = file.arrays.iter().take(8).map(|i| i.path.as_str()).collect();
        let what =
            array.map_or("no table of numbers in it".into(), |path| format!("no array {path}"));
        return Err(Failure::usage(format!(
            "{what}; there are {} arrays: {}",
            file.arrays.len(),
            some.join(", ")
        )));
    };
    let what = format!("array {} has no layout of records", info.path);
    let (path, layout) = (info.path.clone(), info.layout().ok_or_else(|| Failure::usage(what))?);
    let mut bytes = Vec::new();
    for values in file.values(at)? {
        bytes.extend(values?);
    }
    console.note(&format!(
        "{} : array {path}, records of {} bytes",
        Shown(name),
        layout.record_bytes
    ));
    Ok(Some((bytes, layout)))
}
