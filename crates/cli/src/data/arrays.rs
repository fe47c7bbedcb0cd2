//! Arrays from wherever they are: a scientific file, a folder of extracted ones, flat files.

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use vxc::tokens::layout::Kind;
use vxc_data::arrays::Values;
use vxc_data::format::Format;
use vxc_data::{ArrayFile, ArrayInfo, DataError, Dtype, DtypeKind, Member};

use super::sidecar::Sidecar;
use crate::failure::Failure;
use crate::input::{is_pipe, open_file};
use crate::layout::names_beside;

/// How much of a flat file is read at a time.
const STEP: u64 = 1 << 20;

/// Arrays of one source.
pub struct Arrays {
    /// What it is, for people.
    pub format: &'static str,
    /// The arrays.
    pub infos: Vec<ArrayInfo>,
    /// What cannot be read, and why.
    pub refused: Vec<(String, String)>,
    source: Source,
}

enum Source {
    File(Box<ArrayFile<BufReader<File>>>),
    Flat(Vec<BufReader<File>>),
}

impl Arrays {
    /// Opens a source.
    ///
    /// # Errors
    /// What cannot be read.
    pub fn open(name: &Path) -> Result<Self, Failure> {
        if name.is_dir() {
            return Self::folder(name);
        }
        if is_pipe(name) {
            return Err(Failure::usage("is a pipe: arrays lie all over a file"));
        }
        let (file, meta) = open_file(name)?;
        match ArrayFile::open(BufReader::new(file))? {
            Some(mut file) => Ok(Self {
                format: match file.format {
                    Format::Root => "ROOT",
                    Format::Hdf5 => "HDF5",
                    Format::Npy | Format::Npz => "NumPy",
                },
                infos: std::mem::take(&mut file.arrays),
                refused: std::mem::take(&mut file.refused),
                source: Source::File(Box::new(file)),
            }),
            None => {
                let (file, _) = open_file(name)?;
                let info = flat(name, meta.len())?;
                let source = Source::Flat(vec![BufReader::new(file)]);
                Ok(Self { format: "flat", infos: vec![info], refused: Vec::new(), source })
            }
        }
    }

    /// Every `.bin` file with a `.meta.json` of ours, by name.
    fn folder(name: &Path) -> Result<Self, Failure> {
        let entries = std::fs::read_dir(name).map_err(Failure::io("cannot read"))?;
        let mut paths: Vec<PathBuf> = Vec::new();
        for entry in entries {
            let path = entry.map_err(Failure::io("cannot read"))?.path();
            if path.extension().is_some_and(|e| e == "bin") {
                paths.push(path);
            }
        }
        paths.sort();
        let (mut infos, mut files) = (Vec::new(), Vec::new());
        for path in paths {
            let (file, meta) = open_file(&path)?;
            if let Some(sidecar) = Sidecar::read(&path)? {
                infos.push(sidecar.info(meta.len()).map_err(|e| about(&path, e))?);
                files.push(BufReader::new(file));
            }
        }
        if infos.is_empty() {
            return Err(Failure::usage(
                "a folder without a .bin and .meta.json of vxc data extract",
            ));
        }
        Ok(Self { format: "extracted", infos, refused: Vec::new(), source: Source::Flat(files) })
    }

    /// The values of the array with this number.
    ///
    /// # Errors
    /// Those of the source.
    pub fn values(&mut self, at: usize) -> Result<Values<'_>, DataError> {
        match &mut self.source {
            Source::File(file) => file.values(at),
            Source::Flat(files) => {
                let file = files.get_mut(at);
                let file =
                    file.ok_or_else(|| DataError::InvalidArgument(format!("no array {at}")))?;
                file.seek(SeekFrom::Start(0))?;
                Ok(Box::new(std::iter::from_fn(move || {
                    let mut bytes = Vec::new();
                    match file.by_ref().take(STEP).read_to_end(&mut bytes) {
                        Ok(0) => None,
                        Ok(_) => Some(Ok(bytes)),
                        Err(e) => Some(Err(e.into())),
                    }
                })))
            }
        }
    }

    /// The file behind it, where it is one.
    pub fn file(&mut self) -> Option<&mut ArrayFile<BufReader<File>>> {
        match &mut self.source {
            Source::File(file) => Some(file),
            Source::Flat(_) => None,
        }
    }

    /// Elements in each dimension; where the source does not tell, the values are counted.
    ///
    /// # Errors
    /// Those of the source.
    pub fn shape(&mut self, at: usize) -> Result<Vec<u64>, Failure> {
        let Some(info) = self.infos.get(at) else { return Ok(Vec::new()) };
        if info.lengths.is_none() || !info.shape.is_empty() {
            return Ok(info.shape.clone());
        }
        let width = info.dtype.bytes as u64;
        let mut bytes = 0u64;
        for values in self.values(at)? {
            bytes += values?.len() as u64;
        }
        Ok(vec![bytes / width.max(1)])
    }

    /// Numbers of the arrays that were asked for: all of them, or those at or below one of `only`.
    ///
    /// # Errors
    /// Usage, where one of `only` names nothing.
    pub fn chosen(&self, only: &[String]) -> Result<Vec<usize>, Failure> {
        let below = |path: &str, wanted: &str| {
            path.strip_prefix(wanted)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '.']))
        };
        if let Some(wanted) = only.iter().find(|w| !self.infos.iter().any(|i| below(&i.path, w))) {
            let some: Vec<&str> = self.infos.iter().take(8).map(|i| i.path.as_str()).collect();
            return Err(Failure::usage(format!(
                "no array {wanted}; there are {} in all: {}{}",
                self.infos.len(),
                some.join(", "),
                if self.infos.len() > some.len() { ", …" } else { "" }
            )));
        }
        let is_chosen = |path: &str| only.is_empty() || only.iter().any(|w| below(path, w));
        let all = self.infos.iter().enumerate();
        Ok(all.filter(|(_, info)| is_chosen(&info.path)).map(|(at, _)| at).collect())
    }
}

/// An error with the file it is about.
fn about(path: &Path, e: DataError) -> Failure {
    Failure::Data(DataError::Corruption(format!("{}: {e}", crate::console::Shown(path))))
}

/// A flat file as an array of the records that its sidecar describes; without one, of bytes.
fn flat(name: &Path, bytes: u64) -> Result<ArrayInfo, Failure> {
    if let Some(sidecar) = Sidecar::read(name)? {
        return Ok(sidecar.info(bytes)?);
    }
    let layout = names_beside(name).filter(|l| bytes.is_multiple_of(l.record_bytes as u64));
    let path = name.file_stem().map_or_else(String::new, |s| s.to_string_lossy().into_owned());
    let (dtype, elements) = match layout {
        Some(layout) => {
            let member = |(at, field): (usize, &vxc::tokens::layout::Field)| Member {
                name: if field.name.is_empty() { format!("f{at}") } else { field.name.clone() },
                offset: field.offset,
                dtype: Dtype {
                    bytes: field.kind.bytes(),
                    kind: match field.kind {
                        Kind::Bytes(_) => DtypeKind::Bytes("opaque"),
                        kind => DtypeKind::Number(kind, field.endian),
                    },
                },
            };
            let padding = |(_, field): &(usize, &vxc::tokens::layout::Field)| {
                !(matches!(field.kind, Kind::Bytes(_)) && field.name.is_empty())
            };
            let members = layout.fields.iter().enumerate().filter(padding).map(member).collect();
            let kind = DtypeKind::Compound(members);
            (Dtype { bytes: layout.record_bytes, kind }, bytes / layout.record_bytes as u64)
        }
        None => {
            let kind = DtypeKind::Number(Kind::U8, vxc::tokens::Endian::Little);
            (Dtype { bytes: 1, kind }, bytes)
        }
    };
    Ok(ArrayInfo { path, dtype, shape: vec![elements], fortran_order: false, lengths: None })
}
