//! `compress --rebuild`: the content of a scientific file instead of its bytes. What is compressed then is an HDF5 file:
//! of HDF5, the file written anew with all that it holds; of ROOT, its columns.

use std::fs::Metadata;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use vxc_data::DataError;
use vxc_data::format::{Format, detect};
use vxc_data::hdf5::Hdf5File;
use vxc_data::hdf5::rewrite::rewrite;
use vxc_data::root::RootFile;

use crate::console::{Console, Shown};
use crate::data::rebuild::columns_as_hdf5;
use crate::failure::Failure;
use crate::input::{Source, is_stdin, open_file};
use crate::meta::Looks;
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
        if is_stdin(name) {
            return Err(Failure::usage("--rebuild needs a file with a name, not standard input"));
        }
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
        let looks = Looks::of(&open_file(name)?.1);
        let mut output = Target::Path(beside).open_as(true, Terminal::Never, &looks)?;
        let note = match self.format {
            Format::Root => {
                let left = others(name, console)?;
                let arrays = columns_as_hdf5(name, &mut output, console)?;
                format!(", rebuilt as HDF5 with {arrays} arrays: the ROOT file is not kept{left}")
            }
            _ => {
                let file = Hdf5File::open(open_file(name)?.0);
                match file.and_then(|file| rewrite(&file, &mut output)) {
                    Ok(()) => ", rebuilt: the same content in a new file".to_owned(),
                    Err(DataError::Io(e)) => return Err(DataError::Io(e).into()),
                    Err(why) => {
                        console.warning(name, &format!("not rebuilt, every byte is kept: {why}"));
                        return Ok(None);
                    }
                }
            }
        };
        Ok(Some(Rebuilt { output, title: self.title.clone(), note }))
    }
}

/// Warns of what a ROOT file holds besides columns, and gives the words of it for the line at the end.
fn others(name: &Path, console: &Console) -> Result<String, Failure> {
    let root = RootFile::open(BufReader::new(open_file(name)?.0))?;
    let others = root.others();
    let Some(first) = others.first() else { return Ok(String::new()) };
    let n = others.len();
    let (path, class) = (Shown(Path::new(&first.path)).to_string(), first.key.class.clone());
    console.warning(
        name,
        &format!(
            "{n} objects are left out that are no trees or ntuples, or older cycles of them, such as {path};{} \
             ({class})",
            first.key.cycle
        ),
    );
    Ok(format!(", nor {n} objects that are no columns"))
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
