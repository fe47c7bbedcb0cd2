//! ROOT files (`.root`): trees and ntuples as columns.
//!
//! ```text
//! file  := header · record*                record := TKey · payload, compressed block by block
//! TTree := metadata in one record; its branches list their baskets, which are records of their own
//! ```
//! One on-disk structure is one file of this module: [`header`], [`key`], [`directory`], [`compression`],
//! `streamer` (the file's own description of its classes), `any` and `decode` (objects by it), [`tree`],
//! [`branch`], `leaf`, [`basket`], `structure` (objects stored whole). [`layout`] says how entries are to be
//! read, [`column`](mod@column) reads them, and [`file`](mod@file) is the way in. [`ntuple`] is the other form,
//! `RNTuple`. [`records`] are what tiles a file, whatever refers to it.
//!
//! ```no_run
//! use vxc_data::root::RootFile;
//! # fn main() -> Result<(), vxc_data::DataError> {
//! let mut file = RootFile::open(std::fs::File::open("events.root")?)?;
//! for path in file.trees() {
//!     let tree = file.tree(&path)?;
//!     for branch in &tree.branches {
//!         if branch.layout.is_ok() {
//!             for chunk in file.chunks(branch)? {
//!                 println!("{}: {} bytes", branch.path, chunk?.values.len());
//!             }
//!         }
//!     }
//! }
//! # Ok(())
//! # }
//! ```

mod any;
pub mod basket;
pub mod branch;
mod branch_element;
pub mod column;
pub mod compression;
pub(crate) mod cursor;
mod decode;
pub mod directory;
pub mod file;
pub mod header;
pub mod key;
pub mod layout;
mod leaf;
pub mod ntuple;
mod object;
pub mod primitive;
pub mod records;
pub(crate) mod source;
mod streamer;
mod structure;
mod tables;
#[cfg(test)]
mod tests;
pub mod tree;
mod typename;

pub use basket::{Basket, RawBasket};
pub use branch::{BasketInfo, Branch, Place};
pub use column::Chunk;
pub use compression::{Algorithm, Block};
pub use file::RootFile;
pub use layout::{Layout, Member, Shape};
pub use ntuple::NTuple;
pub use primitive::Primitive;
pub use records::Record;
pub use tree::Tree;
