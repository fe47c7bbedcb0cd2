//! Scientific files as columns: what a physicist has on disk, read to the last bit.
//!
//! [`table`] says what a file holds: tables of columns. [`root`] reads the ROOT format: `TTree`s and
//! `RNTuple`s, basket by basket or page by page, with what is needed to make the same file again (offsets,
//! compressed blocks, raw payloads). [`hdf5`] reads datasets of HDF5 in slabs of rows, with the map of their chunks.
//! [`npy`] reads NumPy's arrays, alone and in archives. [`arrays`](mod@arrays) gives what any of them holds as flat arrays.
//! [`dtype`] describes the elements of both, [`format`](mod@format) tells
//! formats apart, [`packed`](mod@packed) opens gzip and tar around them.
//!
//! Input is hostile: nothing panics, declared sizes are checked against [`Limits`] before memory is
//! asked for, recursion is bounded, and arithmetic on what a file declares is checked.
#![forbid(unsafe_code)]
#![deny(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::indexing_slicing,
    clippy::unwrap_used
)]
#![cfg_attr(
    test,
    allow(
        clippy::arithmetic_side_effects,
        clippy::cast_possible_truncation,
        clippy::indexing_slicing,
        clippy::unwrap_used
    )
)]

pub mod arrays;
pub mod dtype;
pub mod error;
pub mod format;
pub mod hdf5;
pub mod limits;
pub mod npy;
pub mod packed;
pub mod root;
pub mod slab;
pub mod table;

pub use arrays::{ArrayFile, ArrayInfo};
pub use dtype::{Dtype, DtypeKind, Member};
pub use error::DataError;
pub use limits::Limits;
pub use slab::Slab;
pub use table::{Column, Table};
