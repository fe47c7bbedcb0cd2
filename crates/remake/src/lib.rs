//! Files made of compressed blocks, such as ROOT's, as an *unpacked form*: what the blocks hold, sorted by columns,
//! with a recipe by which the file is made again byte for byte.
//!
//! ```text
//! file ──► scan ──► pieces ──► pack ──► groups of sections ──► (any compressor) ──► unpack ──► file
//!          root, hdf5, gzip     codec: which setting gives these bytes?              codec: the same setting
//! ```
//! [`scan`] finds the blocks of a file and says what they hold; [`codec`] finds the setting of a pinned encoder by
//! which a block comes out again; [`pack`](mod@pack) writes the form, [`unpack`](mod@unpack) is the inverse, and
//! [`form`] is the definition that both follow. A block that no setting gives keeps its bytes.
//!
//! Invariants: a group is at most [`form::MAX_GROUP`] bytes, and what it takes to make it again is counted before it is
//! asked for ([`memory`]), so that both directions work in bounded memory; every piece is made again when it is packed, so that what is written is what comes back. The form is hostile input:
//! nothing panics, and what it declares is checked before memory is asked for.
#![forbid(unsafe_code)]
#![deny(clippy::cast_possible_truncation, clippy::indexing_slicing, clippy::unwrap_used)]
#![cfg_attr(
    test,
    allow(clippy::cast_possible_truncation, clippy::indexing_slicing, clippy::unwrap_used)
)]

pub mod codec;
pub mod content;
pub mod error;
pub mod form;
pub mod memory;
pub mod pack;
pub mod scan;
pub mod unpack;

pub use error::RemakeError;
pub use pack::{Group, Section, Tally, pack};
pub use scan::{Plan, scan};
pub use unpack::{Limits, Unpacker, unpack, unpack_damaged};
