//! NumPy arrays: `.npy` files and `.npz` archives of them.
//!
//! ```text
//! file   := "\x93NUMPY" · version (u8, u8) · length u16 (u32 from version 2) · header · values
//! header := {'descr': …, 'fortran_order': …, 'shape': …}, a Python literal, padded by spaces
//! ```
//! `literal` parses Python literals, `descr` what an element is, [`header`](mod@header) the header,
//! [`array`](mod@array) streams values, [`npz`] opens archives, [`write`](mod@write) is the way back. No array is held whole, and values keep their bytes: those of
//! an array in Fortran order come in the order of the file, which is that of the transposed array. Objects (pickles) are
//! refused.
//!
//! Source: NumPy's NEP 1 and `numpy/lib/_format_impl.py`.
//!
//! ```no_run
//! use vxc_data::npy::NpyReader;
//! # fn main() -> Result<(), vxc_data::DataError> {
//! let array = NpyReader::open(std::fs::File::open("jets.npy")?)?;
//! println!("{} {:?}", array.header().dtype.label(), array.header().shape);
//! for slab in array {
//!     println!("{} bytes", slab?.bytes.len());
//! }
//! # Ok(())
//! # }
//! ```

pub mod array;
mod descr;
pub mod header;
mod literal;
pub mod npz;
pub mod write;

pub use array::NpyReader;
pub use header::NpyHeader;
pub use npz::{NpzArchive, NpzMember};

/// The first bytes of a `.npy` file.
pub const SIGNATURE: [u8; 6] = *b"\x93NUMPY";
/// The first bytes of a `.npz` archive, which is a ZIP file; an empty one starts otherwise.
pub const ZIP_SIGNATURE: [u8; 4] = *b"PK\x03\x04";
