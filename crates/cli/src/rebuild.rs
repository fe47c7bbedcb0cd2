//! `compress --rebuild`: the content of a scientific file instead of its bytes. What is compressed then is an HDF5 file:
//! of HDF5, the file written anew with all that it holds; of ROOT, its columns.

use std::fs::Metadata;
use std::path::{Path, PathBuf};

use vxc_data::DataError;
use vxc_data::format::{Format, detect};
use vxc_data::hdf5::Hdf5File;
use vxc_data::hdf5::rewrite::rewrite;

use crate::console::{Console, Shown};
use crate::data::rebuild::columns_as_hdf5;
use crate::failure::Failure;
use crate::input::{Source, open_file};
use crate::output::{Output, Target, Terminal};

/// What a name leads to, before anything is written.
pub struct Plan {
    format: Format,
    /// Name of the HDF5 file that decompression gives.
    pub title: PathBuf,
}

/// The HDF5 file, which is there until this is dropped.
pub struct Rebuilt {
    output: Output,
    title: PathBuf,
    /// What the line at the end says.
    pub note: String,
}

impl Plan {
    /// Looks at an input.
    ///
    /// # Errors
    /// What is neither HDF5 nor ROOT.
    pub fn of(name: &Path) -> Result<Self, Failure> {
        let (mut file, meta) = open_file(name)?;
        let found = if meta.is_file() { detect(&mut file)? } else { None };
        match found {
            Some(format @ Format::Hdf5) => Ok(Self { format, title: name.to_owned() }),
            Some(format @ Format::Root) => Ok(Self { format, title: name.with_extension("h5") }),
            _ => Err(Failure::usage(
                "--rebuild is for HDF5 and ROOT files; leave it out, and every byte is kept",
            )),
        }
    }

    /// Writes the HDF5 file beside the archive. None where a file has what cannot be carried over: then every byte is kept,
    /// and the warning says why.
    ///
    /// # Errors
    /// I/O; damaged files.
    pub fn build(
        &self,
        name: &Path,
        archive: &Target,
        console: &Console,
    ) -> Result<Option<Rebuilt>, Failure> {
        let beside = match archive {
            Target::Path(path) if !path.exists() || path.is_file() => path.clone(),
            _ => std::env::temp_dir().join("rebuilt"),
        };
        let mut output = Target::Path(beside).open(true, Terminal::Never)?;
        let note = match self.format {
            Format::Root => {
                let arrays = columns_as_hdf5(name, &mut output, console)?;
                format!(", rebuilt as HDF5 with {arrays} arrays: the ROOT file is not kept")
            }
            _ => {
                let file = Hdf5File::open(open_file(name)?.0)?;
                match rewrite(&file, &mut output) {
                    Ok(()) => ", rebuilt: the same content in a new file".to_owned(),
                    Err(DataError::Unsupported(why)) => {
                        console.warning(name, &format!("not rebuilt, every byte is kept: {why}"));
                        return Ok(None);
                    }
                    Err(e) => return Err(e.into()),
                }
            }
        };
        Ok(Some(Rebuilt { output, title: self.title.clone(), note }))
    }
}

impl Rebuilt {
    /// The HDF5 file as an input with name, time and permissions of the original.
    ///
    /// # Errors
    /// I/O.
    pub fn source(&mut self, meta: Option<Metadata>) -> Result<Source, Failure> {
        let path = self.output.written()?.ok_or_else(|| {
            Failure::usage(format!("{} cannot be written anew", Shown(&self.title)))
        })?;
        let mut source = Source::open(&path)?;
        source.title.clone_from(&self.title);
        source.meta = meta;
        Ok(source)
    }
}
