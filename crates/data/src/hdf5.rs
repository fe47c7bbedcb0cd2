//! HDF5 files (`.h5`, `.hdf5`): datasets as rows of fixed records, and the map of their chunks.
//!
//! ```text
//! file    := superblock · groups of links to objects
//! dataset := dtype · shape · filters · storage       storage := compact | contiguous | chunks found by an index
//! ```
//! Metadata is parsed by the crate `hdf5-reader`, which is called in [`storage`](mod@storage), `seam`, `walk`, `links`,
//! `index` and [`rewrite`](mod@rewrite) alone: `seam` turns its errors and panics into [`DataError`](crate::DataError). What is done with it is
//! ours: [`Dtype`](crate::Dtype) (numbers and bytes of an element),
//! [`dataset`] (one dataset), [`chunk`] (where its chunks lie), [`filter`] and `lzf` (decoding one), [`rows`]
//! (values in row-major order, a few megabytes at a time), [`file`](mod@file) (the way in). [`write`](mod@write) writes plain
//! files: datasets in one piece each; [`rewrite`](mod@rewrite) writes a file anew with all that it holds.
//!
//! Invariants: values keep their bytes, in the byte order and with the padding of the file. A dataset is never held
//! whole: memory is that of its list of chunks, one slab of rows and some decoded chunks. Objects that several links
//! lead to are listed once, by the first path. What cannot be read is listed with a reason.
//!
//! ```no_run
//! use vxc_data::hdf5::Hdf5File;
//! # fn main() -> Result<(), vxc_data::DataError> {
//! let file = Hdf5File::open(std::fs::File::open("jets.h5")?)?;
//! for entry in file.entries()? {
//!     let Ok(dataset) = &entry.dataset else { continue };
//!     for rows in file.rows(dataset)? {
//!         println!("{}: {} bytes", entry.path, rows?.bytes.len());
//!     }
//! }
//! # Ok(())
//! # }
//! ```

mod boxes;
pub mod chunk;
pub mod dataset;
mod datatype;
pub mod file;
pub mod filter;
mod index;
mod links;
mod lzf;
mod message;
pub mod rewrite;
pub mod rows;
mod seam;
pub mod storage;
mod tables;
mod walk;
pub mod write;
mod write_datatype;

pub use chunk::RawChunk;
pub use dataset::{Dataset, Entry, Storage};
pub use file::Hdf5File;
pub use filter::{Filter, FilterKind};
pub use rows::Rows;

/// The first bytes of the format; they may also stand at 512, 1024, 2048, …, after a user block.
pub const SIGNATURE: [u8; 8] = *b"\x89HDF\r\n\x1a\n";
