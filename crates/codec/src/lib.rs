//! Vortex-Codec: lossless compression of scientific data, first of all tables of IEEE-754 numbers.
//!
//! Whole buffers:
//! ```
//! # fn main() -> Result<(), vxc::Error> {
//! let table: Vec<u8> = (0..4000u32).flat_map(|i| (i as f32).sqrt().to_le_bytes()).collect();
//! let archive = vxc::compress(&table, &vxc::CompressOptions::default())?;
//! assert!(archive.len() < table.len());
//! assert_eq!(vxc::decompress(&archive, &vxc::DecompressOptions::default())?, table);
//! # Ok(())
//! # }
//! ```
//! [`Encoder`] is a `Write` and [`Decoder`] a `Read` adaptor that work on pipes; [`Archive`] gives random
//! access to the content of a seekable archive.
#![forbid(unsafe_code)]

mod admission;
pub mod archive;
mod budget;
pub mod decoder;
pub mod encoder;
pub mod error;
pub mod level;
pub mod model;
pub mod neural;
pub mod options;
mod parallel;
mod plan;
pub mod salvage;
mod segment_code;
pub mod stream;
mod stream_code;
mod streams;
pub mod trainer;

use std::io::Read;

pub use archive::Archive;
pub use decoder::Decoder;
pub use encoder::{Encoder, Summary};
pub use error::Error;
pub use level::Level;
pub use model::Model;
pub use neural::{MAX_NETWORK, Neural};
pub use options::{CompressOptions, DecompressOptions, Metadata};
pub use salvage::Salvage;
pub use segment_code::Method;
pub use stream_code::{Form, StreamCode};
pub use trainer::Trainer;
pub use vxc_format::{
    ContentDigest, ContentHasher, DecodeLimits, FormatError, Header, ModelId, Original, SegmentKind,
};
pub use vxc_tokens as tokens;

/// The definition of all arithmetic that archives written by this version follow.
pub const PROFILE: u8 = 1;

/// Compresses a buffer.
///
/// # Errors
/// As [`Encoder::finish`].
pub fn compress(raw: &[u8], options: &CompressOptions) -> Result<Vec<u8>, Error> {
    let mut encoder = Encoder::new(Vec::new(), options.clone())?;
    encoder.push(raw)?;
    Ok(encoder.finish()?.0)
}

/// Decompresses a buffer: the content of all archives in it.
///
/// # Errors
/// Whatever is wrong with the archive; nothing is given back then. [`Error::InvalidArgument`] where the content is the
/// unpacked form of a file ([`Header::original`]): [`Decoder`] gives it, and the crate `vxc-remake` makes the file.
pub fn decompress(archive: &[u8], options: &DecompressOptions) -> Result<Vec<u8>, Error> {
    let mut decoder = Decoder::new(archive, options.clone())?;
    let mut out = Vec::new();
    loop {
        if decoder.header().original.is_some() {
            let message = "the archive holds the unpacked form of a file; decompress it with vxc";
            return Err(Error::InvalidArgument(message.into()));
        }
        loop {
            match decoder.archive_chunk()? {
                [] => break,
                chunk => out.extend_from_slice(chunk),
            }
        }
        if !decoder.next_archive() {
            return Ok(out);
        }
    }
}

/// Copies everything from `input` through an encoder into `output`.
///
/// # Errors
/// As [`Encoder::finish`].
pub fn compress_stream<R: Read, W: std::io::Write>(
    mut input: R,
    output: W,
    options: &CompressOptions,
) -> Result<(W, Summary), Error> {
    let mut encoder = Encoder::new(output, options.clone())?;
    let mut buffer = vec![0; 1 << 20];
    loop {
        match input.read(&mut buffer) {
            Ok(0) => return encoder.finish(),
            Ok(n) => encoder.push(&buffer[..n])?,
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e.into()),
        }
    }
}
