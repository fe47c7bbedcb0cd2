//! Which record layout an input is compressed with: `--layout` or `--record`, else a sidecar
//! `NAME.meta.json` beside the input that does not contradict it, else none, which means detection.

use std::io::Read;
use std::path::{Path, PathBuf};

use vxc::tokens::detect::layout_of;
use vxc::tokens::sidecar::{LayoutFit, MAX_JSON_BYTES, check_layout, parse_layout};
use vxc::tokens::{Endian, Kind, RecordLayout};

use crate::console::{Console, Shown};
use crate::failure::Failure;
use crate::input::open_file;
use crate::meta::with_suffix;

/// How much of an input a layout is checked against.
pub const SAMPLE: usize = 1 << 20;

/// Where layouts come from.
#[derive(Clone, Debug)]
pub enum LayoutFrom {
    /// A file that the user named, and the layout in it.
    File(PathBuf, RecordLayout),
    /// Records of this many bytes.
    Record(usize),
    /// A sidecar if there is one.
    Sidecar,
    /// The bytes alone.
    Bytes,
}

impl LayoutFrom {
    /// From the flags; a named file is read.
    ///
    /// # Errors
    /// A file that cannot be read or is no layout.
    pub fn new(file: Option<&Path>, record: Option<usize>, sidecar: bool) -> Result<Self, Failure> {
        if let Some(path) = file {
            let layout =
                read(path).map_err(|m| Failure::usage(format!("layout {}: {m}", Shown(path))))?;
            return Ok(Self::File(path.to_owned(), layout));
        }
        Ok(match record {
            Some(size) => Self::Record(size),
            None if sidecar => Self::Sidecar,
            None => Self::Bytes,
        })
    }

    /// Whether a layout that the user asked for is that of a model, which decides.
    ///
    /// # Errors
    /// Usage, if the sizes of the records differ.
    pub fn agrees_with(&self, model: &vxc::Model) -> Result<(), Failure> {
        let asked = match self {
            Self::File(_, layout) => layout.record_bytes,
            Self::Record(size) => *size,
            Self::Sidecar | Self::Bytes => return Ok(()),
        };
        match model.layout() {
            Some(own) if own.record_bytes != asked => Err(Failure::usage(format!(
                "records of {asked} bytes were asked for, those of the model have {}",
                own.record_bytes
            ))),
            _ => Ok(()),
        }
    }

    /// The layout for an input of `len` bytes that starts with `sample`; none: found by the library.
    ///
    /// # Errors
    /// A layout that the user asked for and that the bytes contradict.
    pub fn choose(
        &self,
        name: &Path,
        len: Option<u64>,
        sample: &[u8],
        console: &Console,
    ) -> Result<Option<RecordLayout>, Failure> {
        // The length of a pipe is not known; what came through is the least that it can be.
        let whole = sample.len() < SAMPLE;
        let len = len.unwrap_or(if whole { sample.len() as u64 } else { u64::MAX });
        match self {
            Self::Bytes => Ok(None),
            Self::Record(size) => record(*size, sample).map(Some),
            Self::File(path, layout) => {
                if len > 0
                    && let LayoutFit::Contradicts { reason } = check_layout(layout, len, sample)
                {
                    return Err(Failure::usage(format!(
                        "layout {} contradicts the file: {reason}",
                        Shown(path)
                    )));
                }
                Ok(Some(layout.clone()))
            }
            Self::Sidecar => Ok(sidecar(name, len, sample, console)),
        }
    }
}

/// The sidecar of an input if it is there, can be read, and suits the bytes; else a warning and none.
fn sidecar(name: &Path, len: u64, sample: &[u8], console: &Console) -> Option<RecordLayout> {
    let path = sidecar_path(name)?;
    let layout = match read(&path) {
        Ok(layout) => layout,
        Err(message) => {
            console.warning(name, &format!("{} is not used: {message}", Shown(&path)));
            return None;
        }
    };
    if let LayoutFit::Contradicts { reason } = check_layout(&layout, len, sample) {
        // A file too small for one record has no table in it: nothing to warn of.
        if len >= layout.record_bytes as u64 {
            let path = Shown(&path);
            console
                .warning(name, &format!("{path} contradicts the file and is not used: {reason}"));
        }
        return None;
    }
    Some(layout)
}

/// `jets.bin.meta.json` or `jets.meta.json` beside `jets.bin`.
fn sidecar_path(name: &Path) -> Option<PathBuf> {
    let whole = with_suffix(name, ".meta.json");
    let stem = name.with_extension("meta.json");
    [whole, stem].into_iter().find(|path| path != name && path.is_file())
}

/// The layout of a sidecar beside `name`, for its names only: nothing is checked, nothing is said.
pub fn names_beside(name: &Path) -> Option<RecordLayout> {
    read(&sidecar_path(name)?).ok()
}

fn read(path: &Path) -> Result<RecordLayout, String> {
    let (file, meta) = open_file(path).map_err(|e| e.to_string())?;
    if meta.len() > MAX_JSON_BYTES as u64 {
        return Err(format!("{} bytes are more than {MAX_JSON_BYTES}", meta.len()));
    }
    let mut text = String::new();
    file.take(MAX_JSON_BYTES as u64 + 1).read_to_string(&mut text).map_err(|e| match e.kind() {
        std::io::ErrorKind::InvalidData => "not UTF-8 text".to_owned(),
        _ => e.to_string(),
    })?;
    parse_layout(&text).map_err(|e| match e {
        vxc::tokens::TokenError::Sidecar(m) | vxc::tokens::TokenError::Layout(m) => m,
        e => e.to_string(),
    })
}

/// Records of a given size: fields as their bytes suggest; where that cannot be told, singles, or bytes.
fn record(size: usize, sample: &[u8]) -> Result<RecordLayout, Failure> {
    let layout = match layout_of(sample, size) {
        Some(layout) => Ok(layout),
        None if size.is_multiple_of(4) && size / 4 <= vxc::tokens::layout::MAX_FIELDS => {
            RecordLayout::array(Kind::F32, Endian::Little, size / 4)
        }
        None => RecordLayout::new(size, Vec::new()),
    };
    layout.map_err(|e| vxc::Error::from(e).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_given_record_size_is_kept() {
        let singles: Vec<u8> =
            (0..6000u32).flat_map(|i| ((i * 37 % 1000) as f32).sqrt().to_le_bytes()).collect();
        for size in [4, 12, 24, 7, 1, 1000] {
            let layout = record(size, &singles).unwrap();
            assert_eq!(layout.record_bytes, size);
            let covered: usize = layout.fields.iter().map(|f| f.kind.bytes()).sum();
            assert_eq!(covered, size);
        }
        assert_eq!(record(1 << 17, b"").unwrap().record_bytes, 1 << 17);
    }

    #[test]
    fn a_layout_that_is_not_there_is_refused() {
        assert!(LayoutFrom::new(Some(Path::new("no such file")), None, true).is_err());
    }
}
