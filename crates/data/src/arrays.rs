//! Any scientific file as flat arrays: what can be written to `.bin`, compared bit for bit, or written in another format.
//!
//! ```text
//! HDF5, NumPy   one array for each dataset or member, as it is
//! ROOT          TREE            records of all columns with one value, or one fixed array, an entry
//!               TREE/NAME       records of the columns whose entries have the same numbers of values, one after the other
//!               TREE/NAME.lengths   those numbers, u32; of deeper nesting .lengths1 and so on
//! ```
//! [`padded`](mod@padded) gives a ROOT table as one matrix of floats instead. Columns of a ROOT table belong together by the branch that counts them or by the index that they share; a sequence
//! without either is an array of its own. Values are little-endian there; elsewhere they keep the bytes of the file.
//! No array is held whole.

pub mod padded;
mod trees;

use crate::dtype::Dtype;
use crate::error::DataError;
use crate::format::{self, Format};
use crate::hdf5::{Dataset, Hdf5File};
use crate::npy::{NpyReader, NpzArchive};
use crate::root::RootFile;
use std::io::{Read, Seek, SeekFrom};
use trees::RootArrays;
use vxc_tokens::layout::RecordLayout;

/// What is known of an array before it is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArrayInfo {
    /// Directories and name, joined by `/`. No two arrays of a file have the same.
    pub path: String,
    /// Type of the elements.
    pub dtype: Dtype,
    /// Elements in each dimension, the last of which runs fastest; of entries of varying length none is known: see
    /// [`ArrayInfo::lengths`].
    pub shape: Vec<u64>,
    /// Whether the source has the dimensions in the reverse order.
    pub fortran_order: bool,
    /// For the values of entries of varying length: the path of the array that has their numbers.
    pub lengths: Option<String>,
}

impl ArrayInfo {
    /// Elements of a record, and the record as the codec takes it; none beyond its limits.
    pub fn layout(&self) -> Option<RecordLayout> {
        self.dtype.layout(self.dtype.record_elements(&self.shape))
    }
}

/// A file as arrays.
#[derive(Debug)]
pub struct ArrayFile<R> {
    /// Which format it has.
    pub format: Format,
    /// Its arrays.
    pub arrays: Vec<ArrayInfo>,
    /// Paths of what cannot be read, and why.
    pub refused: Vec<(String, String)>,
    source: Source<R>,
}

#[derive(Debug)]
enum Source<R> {
    Hdf5(Box<Hdf5File>, Vec<Dataset>),
    Npy(R),
    Npz(Box<NpzArchive<R>>, Vec<usize>),
    Root(Box<RootArrays<R>>),
}

/// Successive values of an array; it ends after an error.
pub type Values<'a> = Box<dyn Iterator<Item = Result<Vec<u8>, DataError>> + 'a>;

impl<R: Read + Seek + Send + 'static> ArrayFile<R> {
    /// Opens a file; none if its format is not known.
    ///
    /// # Errors
    /// Those of its format.
    pub fn open(mut reader: R) -> Result<Option<Self>, DataError> {
        let Some(format) = format::detect(&mut reader)? else { return Ok(None) };
        let (mut arrays, mut refused) = (Vec::new(), Vec::new());
        let source = match format {
            Format::Hdf5 => {
                let file = Hdf5File::open(reader)?;
                let mut datasets = Vec::new();
                for entry in file.entries()? {
                    match entry.dataset {
                        Ok(dataset) => {
                            arrays.push(of_dataset(&dataset));
                            datasets.push(dataset);
                        }
                        Err(why) => refused.push((entry.path, why.to_string())),
                    }
                }
                Source::Hdf5(Box::new(file), datasets)
            }
            Format::Npy => {
                let found = NpyReader::open(&mut reader)?;
                arrays.push(of_header("array", found.header()));
                Source::Npy(reader)
            }
            Format::Npz => {
                let mut archive = NpzArchive::open(reader)?;
                let mut numbers = Vec::new();
                for (at, member) in archive.members()?.into_iter().enumerate() {
                    match archive.array(at) {
                        Ok(found) => {
                            arrays.push(of_header(&member.name, found.header()));
                            numbers.push(at);
                        }
                        Err(DataError::Io(error)) => return Err(error.into()),
                        Err(why) => refused.push((member.name, why.to_string())),
                    }
                }
                Source::Npz(Box::new(archive), numbers)
            }
            Format::Root => {
                let root = RootArrays::open(RootFile::open(reader)?, &mut arrays, &mut refused)?;
                Source::Root(Box::new(root))
            }
        };
        Ok(Some(Self { format, arrays, refused, source }))
    }

    /// The values of the array with this number.
    ///
    /// # Errors
    /// [`DataError::InvalidArgument`] for a number beyond the last; those of the format.
    pub fn values(&mut self, at: usize) -> Result<Values<'_>, DataError> {
        let missing = || DataError::argument(format!("no array {at}"));
        Ok(match &mut self.source {
            Source::Hdf5(file, datasets) => {
                let rows = file.rows(datasets.get(at).ok_or_else(missing)?)?;
                Box::new(rows.map(|slab| slab.map(|slab| slab.bytes)))
            }
            Source::Npy(reader) => {
                if at > 0 {
                    return Err(missing());
                }
                reader.seek(SeekFrom::Start(0))?;
                Box::new(NpyReader::open(reader)?.map(|slab| slab.map(|slab| slab.bytes)))
            }
            Source::Npz(archive, numbers) => {
                let array = archive.array(*numbers.get(at).ok_or_else(missing)?)?;
                Box::new(array.map(|slab| slab.map(|slab| slab.bytes)))
            }
            Source::Root(root) => Box::new(root.values(at).ok_or_else(missing)?),
        })
    }
}

impl<R: Read + Seek + Send + 'static> ArrayFile<R> {
    /// Paths of what can be padded: the tables of a ROOT file, else none.
    pub fn tables(&self) -> Vec<String> {
        match &self.source {
            Source::Root(root) => root.tables(),
            _ => Vec::new(),
        }
    }

    /// The table with this number as one matrix; see [`padded`](mod@padded).
    ///
    /// # Errors
    /// [`DataError::InvalidArgument`] for a number beyond the last; those of reading.
    pub fn padded(
        &mut self,
        at: usize,
        most: Option<u32>,
    ) -> Result<padded::Padded<'_, R>, DataError> {
        let missing = || DataError::argument(format!("no table {at}"));
        match &mut self.source {
            Source::Root(root) => root.padded(at, most)?.ok_or_else(missing),
            _ => Err(missing()),
        }
    }
}

fn of_dataset(dataset: &Dataset) -> ArrayInfo {
    ArrayInfo {
        path: dataset.path.clone(),
        dtype: dataset.dtype.clone(),
        // One that holds nothing has no shape either; without one it would be a single element.
        shape: if dataset.elements == 0 && dataset.shape.is_empty() {
            vec![0]
        } else {
            dataset.shape.clone()
        },
        fortran_order: false,
        lengths: None,
    }
}

fn of_header(path: &str, header: &crate::npy::NpyHeader) -> ArrayInfo {
    ArrayInfo {
        path: path.into(),
        dtype: header.dtype.clone(),
        shape: header.stored_shape(),
        fortran_order: header.fortran_order,
        lengths: None,
    }
}
