//! Filters: what turned the bytes of a chunk into those in the file, and back.
//!
//! A pipeline lists filters in the order of writing; decoding goes backwards. Bit `i` of a chunk's mask says that
//! filter `i` was left out. No stage may give more than the chunk's bytes and what encoders add to bytes that do not
//! shrink, so that a small chunk cannot ask for much memory. Deflate, shuffle, LZF, LZ4 and Zstandard are decoded
//! here; Fletcher-32, szip, n-bit and scale-offset by the library.
//!
//! Source: HDF5 file format specification 3.0, IV.A.2.l; registered filters at the HDF Group.

use crate::error::DataError;
use crate::hdf5::{lzf, seam};
use hdf5_reader::filters::FilterRegistry;
use hdf5_reader::messages::filter_pipeline::FilterDescription;
use std::io::Read;

/// The most filters of a pipeline: a mask has a bit for each.
pub const MAX_FILTERS: usize = 32;

/// One filter with its parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    /// Registered number.
    pub id: u16,
    /// Name as the file gives it; mostly empty for the library's own.
    pub name: String,
    /// Parameters as in the file.
    pub parameters: Vec<u32>,
}

/// Filters by what they do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FilterKind {
    /// A zlib stream; the level it was made with, where it is given.
    Deflate {
        /// 0 to 9.
        level: Option<u32>,
    },
    /// First all first bytes of the elements, then all second ones, …
    Shuffle {
        /// Bytes of an element; none where it is that of the dtype.
        element_bytes: Option<u32>,
    },
    /// A checksum behind the bytes.
    Fletcher32,
    /// Rice coding of CCSDS 121.
    Szip,
    /// Only the bits that are used.
    NBit,
    /// Differences from the least value, in as few bits as they need.
    ScaleOffset,
    /// LZF, h5py's.
    Lzf,
    /// LZ4 blocks.
    Lz4,
    /// A Zstandard frame.
    Zstd,
    /// None of these.
    Other,
}

impl Filter {
    /// What it does.
    pub fn kind(&self) -> FilterKind {
        let first = self.parameters.first().copied();
        match self.id {
            1 => FilterKind::Deflate { level: first },
            2 => FilterKind::Shuffle { element_bytes: first },
            3 => FilterKind::Fletcher32,
            4 => FilterKind::Szip,
            5 => FilterKind::NBit,
            6 => FilterKind::ScaleOffset,
            32000 => FilterKind::Lzf,
            32004 => FilterKind::Lz4,
            32015 => FilterKind::Zstd,
            _ => FilterKind::Other,
        }
    }

    /// Name for people, such as `deflate 4`.
    pub fn label(&self) -> String {
        match self.kind() {
            FilterKind::Deflate { level: Some(level) } => format!("deflate {level}"),
            FilterKind::Deflate { level: None } => "deflate".into(),
            FilterKind::Shuffle { .. } => "shuffle".into(),
            FilterKind::Fletcher32 => "fletcher32".into(),
            FilterKind::Szip => "szip".into(),
            FilterKind::NBit => "n-bit".into(),
            FilterKind::ScaleOffset => "scale-offset".into(),
            FilterKind::Lzf => "lzf".into(),
            FilterKind::Lz4 => "lz4".into(),
            FilterKind::Zstd => "zstd".into(),
            FilterKind::Other if self.name.is_empty() => format!("filter {}", self.id),
            FilterKind::Other => format!("filter {} ({})", self.id, self.name),
        }
    }

    /// Undoes this filter alone. `element_bytes` is the size of the dtype, `limit` the most bytes that may come out.
    ///
    /// # Errors
    /// [`DataError::Corruption`], [`DataError::ChecksumMismatch`]; [`DataError::Unsupported`] for filters not listed
    /// in [`FilterKind`].
    pub fn decode(
        &self,
        data: &[u8],
        element_bytes: usize,
        limit: usize,
    ) -> Result<Vec<u8>, DataError> {
        match self.kind() {
            FilterKind::Deflate { .. } => inflate(data, limit),
            FilterKind::Shuffle { element_bytes: stated } => {
                let width = stated.and_then(|n| usize::try_from(n).ok()).unwrap_or(element_bytes);
                Ok(unshuffle(data, width))
            }
            FilterKind::Lzf => lzf::decode(data, limit),
            FilterKind::Lz4 => lz4(data, limit),
            FilterKind::Zstd => {
                let frame = zstd::stream::read::Decoder::new(data)?;
                bounded("zstd", frame, data.len(), limit)
            }
            FilterKind::Fletcher32
            | FilterKind::Szip
            | FilterKind::NBit
            | FilterKind::ScaleOffset => self.by_library(data, element_bytes, limit),
            FilterKind::Other => Err(DataError::unsupported(self.label())),
        }
    }

    fn by_library(&self, data: &[u8], width: usize, limit: usize) -> Result<Vec<u8>, DataError> {
        let filter =
            FilterDescription { id: self.id, name: None, client_data: self.parameters.clone() };
        let out = seam::call(|| {
            FilterRegistry::new().apply_with_limit(&filter, data, width, Some(limit))
        })?;
        if out.len() > limit {
            return Err(DataError::corrupt(format!("{}: more bytes than the chunk", self.label())));
        }
        Ok(out)
    }
}

/// Decodes a chunk: `stored` as in the file, `raw` the bytes that must come out.
///
/// # Errors
/// As [`Filter::decode`]; [`DataError::Corruption`] where another number of bytes comes out.
pub fn decode(
    filters: &[Filter],
    mask: u32,
    stored: Vec<u8>,
    element_bytes: usize,
    raw: usize,
) -> Result<Vec<u8>, DataError> {
    let limit = raw.saturating_add(raw >> 3).saturating_add(4096);
    let mut data = stored;
    for (at, filter) in filters.iter().enumerate().rev() {
        let bit = u32::try_from(at).ok().and_then(|at| 1u32.checked_shl(at));
        if bit.is_some_and(|bit| mask & bit != 0) {
            continue;
        }
        data = filter.decode(&data, element_bytes, limit)?;
    }
    if data.len() != raw {
        return Err(DataError::corrupt(format!("a chunk of {} bytes, not {raw}", data.len())));
    }
    Ok(data)
}

/// Reads a decoder to its end, which must come within `limit` bytes.
fn bounded(
    what: &str,
    decoder: impl Read,
    stored: usize,
    limit: usize,
) -> Result<Vec<u8>, DataError> {
    let mut out = Vec::with_capacity(limit.min(stored.saturating_mul(4)));
    let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    decoder
        .take(most)
        .read_to_end(&mut out)
        .map_err(|error| DataError::corrupt(format!("{what}: {error}")))?;
    if out.len() > limit {
        return Err(DataError::corrupt(format!("{what}: more bytes than the chunk")));
    }
    Ok(out)
}

fn inflate(data: &[u8], limit: usize) -> Result<Vec<u8>, DataError> {
    bounded("deflate", flate2::read::ZlibDecoder::new(data), data.len(), limit)
}

/// Undoes shuffling; bytes beyond the last whole element were left in place.
fn unshuffle(data: &[u8], width: usize) -> Vec<u8> {
    let count = data.len().checked_div(width).unwrap_or(0);
    if width < 2 || count < 2 {
        return data.to_vec();
    }
    let whole = count.saturating_mul(width);
    let (planes, tail) = data.split_at_checked(whole).unwrap_or((data, &[]));
    let mut out = vec![0; whole];
    for (at, plane) in planes.chunks_exact(count).enumerate() {
        for (value, element) in plane.iter().zip(out.chunks_exact_mut(width)) {
            if let Some(byte) = element.get_mut(at) {
                *byte = *value;
            }
        }
    }
    out.extend_from_slice(tail);
    out
}

/// LZ4 of the registered filter: size u64 · block size u32 · (stored size u32 · block)*, big-endian; a block whose stored
/// size is its raw size is not compressed.
fn lz4(data: &[u8], limit: usize) -> Result<Vec<u8>, DataError> {
    let cut = || DataError::corrupt("lz4: the chunk ends too early");
    let (head, mut rest) = data.split_first_chunk::<12>().ok_or_else(cut)?;
    let [a, b, c, d, e, f, g, h, size @ ..] = *head;
    let total = usize::try_from(u64::from_be_bytes([a, b, c, d, e, f, g, h])).ok();
    let total = total.filter(|&n| n <= limit);
    let total = total.ok_or_else(|| DataError::corrupt("lz4: more bytes than the chunk"))?;
    let block = usize::try_from(u32::from_be_bytes(size)).unwrap_or(usize::MAX).min(total);
    let mut out = Vec::new();
    while out.len() < total {
        let raw = block.min(total.saturating_sub(out.len()));
        let (size, after) = rest.split_first_chunk::<4>().ok_or_else(cut)?;
        let stored = usize::try_from(u32::from_be_bytes(*size)).unwrap_or(usize::MAX);
        let (bytes, after) = after.split_at_checked(stored).ok_or_else(cut)?;
        rest = after;
        if raw == 0 {
            return Err(DataError::corrupt("lz4: blocks of no bytes"));
        }
        if stored == raw {
            out.extend_from_slice(bytes);
            continue;
        }
        let mut piece = vec![0; raw];
        match lz4_flex::block::decompress_into(bytes, &mut piece) {
            Ok(n) if n == raw => out.append(&mut piece),
            _ => return Err(DataError::corrupt("lz4: a damaged block")),
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter(id: u16, parameters: &[u32]) -> Filter {
        Filter { id, name: String::new(), parameters: parameters.to_vec() }
    }

    #[test]
    fn planes_and_their_tail() {
        assert_eq!(unshuffle(b"adgbehcfi!?", 3), b"abcdefghi!?");
        assert_eq!(unshuffle(b"abc", 1), b"abc");
        assert_eq!(unshuffle(b"abc", 0), b"abc");
    }

    #[test]
    fn a_pipeline_backwards_with_one_left_out() {
        let data = zstd::bulk::compress(b"adgbehcfi", 1).unwrap();
        let filters = [filter(2, &[3]), filter(32015, &[1])];
        assert_eq!(decode(&filters, 0, data.clone(), 3, 9).unwrap(), b"abcdefghi");
        assert_eq!(decode(&filters, 1, data.clone(), 3, 9).unwrap(), b"adgbehcfi");
        assert!(decode(&filters, 2, data, 3, 9).is_err());
    }

    #[test]
    fn bombs_stop_at_the_chunk() {
        let zeros = vec![0; 1 << 20];
        let bomb = zstd::bulk::compress(&zeros, 1).unwrap();
        assert!(decode(&[filter(32015, &[])], 0, bomb, 1, 100).is_err());
    }

    #[test]
    fn lz4_blocks_of_both_kinds() {
        let raw = [7u8; 100];
        let block = lz4_flex::block::compress(&raw[..64]);
        let mut data = 100u64.to_be_bytes().to_vec();
        data.extend(64u32.to_be_bytes());
        data.extend((block.len() as u32).to_be_bytes());
        data.extend(&block);
        data.extend(36u32.to_be_bytes());
        data.extend(&raw[64..]);
        assert_eq!(lz4(&data, 100).unwrap(), raw);
        assert!(lz4(&data, 99).is_err());
        for cut in 0..data.len() {
            assert!(lz4(&data[..cut], 100).is_err());
        }
    }
}
