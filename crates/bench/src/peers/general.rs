//! gzip, zlib, xz, brotli, LZ4 and bzip2 through libraries.

use std::io::{Read, Write};

use flate2::Compression;
use flate2::read::{GzDecoder, ZlibDecoder};
use flate2::write::{GzEncoder, ZlibEncoder};
use liblzma::read::XzDecoder;
use liblzma::stream::{Check, Filters, LzmaOptions, Stream};
use liblzma::write::XzEncoder;

use super::PeerError;

/// Bytes between a library and its stream.
const BUFFER: usize = 1 << 16;
/// log2 of brotli's largest window that every decoder takes.
const BROTLI_WINDOW: u32 = 24;
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

pub(super) fn zlib(raw: &[u8], level: u32) -> Result<Vec<u8>, PeerError> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::new(level.min(9)));
    encoder.write_all(raw).and_then(|()| encoder.finish()).map_err(PeerError::new)
}

pub(super) fn unzlib(coded: &[u8], raw_len: usize) -> Result<Vec<u8>, PeerError> {
    read_all(ZlibDecoder::new(coded), raw_len)
}

pub(super) fn brotli(raw: &[u8], quality: u32) -> Result<Vec<u8>, PeerError> {
    let mut out = Vec::new();
    let mut encoder = ::brotli::CompressorWriter::new(&mut out, BUFFER, quality, BROTLI_WINDOW);
    encoder.write_all(raw).and_then(|()| encoder.flush()).map_err(PeerError::new)?;
    drop(encoder);
    Ok(out)
}

pub(super) fn unbrotli(coded: &[u8], raw_len: usize) -> Result<Vec<u8>, PeerError> {
    read_all(::brotli::Decompressor::new(coded, BUFFER), raw_len)
}

pub(super) fn lz4(raw: &[u8]) -> Result<Vec<u8>, PeerError> {
    let mut encoder = lz4_flex::frame::FrameEncoder::new(Vec::new());
    encoder.write_all(raw).map_err(PeerError::new)?;
    encoder.finish().map_err(PeerError::new)
}

pub(super) fn unlz4(coded: &[u8], raw_len: usize) -> Result<Vec<u8>, PeerError> {
    read_all(lz4_flex::frame::FrameDecoder::new(coded), raw_len)
}

pub(super) fn bzip2(raw: &[u8], level: u32) -> Result<Vec<u8>, PeerError> {
    let level = ::bzip2::Compression::new(level.clamp(1, 9));
    let mut encoder = ::bzip2::write::BzEncoder::new(Vec::new(), level);
    encoder.write_all(raw).and_then(|()| encoder.finish()).map_err(PeerError::new)
}

pub(super) fn unbzip2(coded: &[u8], raw_len: usize) -> Result<Vec<u8>, PeerError> {
    read_all(::bzip2::read::BzDecoder::new(coded), raw_len)
}

/// Reads what should be `raw_len` bytes, and no more than one beyond.
fn read_all(decoder: impl Read, raw_len: usize) -> Result<Vec<u8>, PeerError> {
    let mut raw = Vec::with_capacity(raw_len);
    decoder.take(raw_len as u64 + 1).read_to_end(&mut raw).map_err(PeerError::new)?;
    Ok(raw)
}
