//! gzip and xz through their C libraries' bindings.

use std::io::{Read, Write};

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use liblzma::read::XzDecoder;
use liblzma::stream::{Check, Filters, LzmaOptions, Stream};
use liblzma::write::XzEncoder;

use super::PeerError;

/// `LZMA_PRESET_EXTREME`.
const EXTREME: u32 = 1 << 31;

pub(super) fn gzip(raw: &[u8], level: u32) -> Result<Vec<u8>, PeerError> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::new(level.min(9)));
    encoder.write_all(raw).and_then(|()| encoder.finish()).map_err(PeerError::new)
}

pub(super) fn gunzip(coded: &[u8], raw_len: usize) -> Result<Vec<u8>, PeerError> {
    read_all(GzDecoder::new(coded), raw_len)
}

pub(super) fn xz(raw: &[u8], extreme: bool, aligned: bool) -> Result<Vec<u8>, PeerError> {
    let preset = if extreme { 9 | EXTREME } else { 9 };
    let mut options = LzmaOptions::new_preset(preset).map_err(PeerError::new)?;
    if aligned {
        options.literal_context_bits(0).literal_position_bits(2).position_bits(2);
    }
    let stream = Stream::new_stream_encoder(Filters::new().lzma2(&options), Check::Crc64)
        .map_err(PeerError::new)?;
    let mut encoder = XzEncoder::new_stream(Vec::new(), stream);
    encoder.write_all(raw).and_then(|()| encoder.finish()).map_err(PeerError::new)
}

pub(super) fn unxz(coded: &[u8], raw_len: usize) -> Result<Vec<u8>, PeerError> {
    read_all(XzDecoder::new(coded), raw_len)
}

/// Reads what should be `raw_len` bytes, and no more than one beyond.
fn read_all(decoder: impl Read, raw_len: usize) -> Result<Vec<u8>, PeerError> {
    let mut raw = Vec::with_capacity(raw_len);
    decoder.take(raw_len as u64 + 1).read_to_end(&mut raw).map_err(PeerError::new)?;
    Ok(raw)
}
