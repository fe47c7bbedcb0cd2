//! The content of a piece, if it can be stored again as it is.

use super::{Tally, to_usize};
use crate::codec::{Codec, Search};
use crate::content::shuffle;
use crate::error::RemakeError;
use crate::form;
use crate::scan::Piece;
use vxc_data::hdf5::Filter;
use vxc_data::root::{Algorithm, compression};

/// A content and how it was stored.
pub struct Opened {
    pub codec: Codec,
    pub setting: u8,
    pub method: u8,
    pub content: Vec<u8>,
}

/// Opens a piece; `None` where it has to be kept.
///
/// # Errors
/// [`RemakeError::Encoder`] if a library fails.
pub fn open(
    search: &mut Search,
    tally: &mut Tally,
    piece: &Piece,
    stored: &[u8],
) -> Result<Option<Opened>, RemakeError> {
    if piece.framed {
        let summed = piece.shape.is_summed();
        return if summed { Ok(None) } else { chain(search, tally, piece, stored) };
    }
    let Some(codec) = piece.codec else { return Ok(None) };
    if codec != Codec::Stored {
        tally.blocks += 1;
    }
    let all = stored.len() as u64;
    let stored = if piece.shape.is_summed() { shuffle::without_sum(stored) } else { Some(stored) };
    let Some(stored) = stored else { return Ok(None) };
    if codec == Codec::Stored {
        let fits = stored.len() as u64 == piece.content_bytes;
        let content = stored.to_vec();
        return Ok(fits.then_some(Opened { codec, setting: 0, method: 0, content }));
    }
    let Some(content) = decode(codec, stored, to_usize(piece.content_bytes)) else {
        return Ok(None);
    };
    let Some(setting) = search.find(codec, stored, &content)? else { return Ok(None) };
    tally.remade += 1;
    tally.remade_bytes += all;
    Ok(Some(Opened { codec, setting, method: 0, content }))
}

/// The content of a block without a frame, of at most so many bytes.
fn decode(codec: Codec, stored: &[u8], most: usize) -> Option<Vec<u8>> {
    let id = match codec {
        Codec::Zlib => 1,
        Codec::Lzf => 32000,
        Codec::Zstd => 32015,
        Codec::Stored | Codec::Deflate | Codec::Lz4 | Codec::Lzma => return None,
    };
    Filter { id, name: String::new(), parameters: Vec::new() }.decode(stored, 1, most).ok()
}

/// The content of a chain of ROOT's blocks.
fn chain(
    search: &mut Search,
    tally: &mut Tally,
    piece: &Piece,
    stored: &[u8],
) -> Result<Option<Opened>, RemakeError> {
    let Ok(blocks) = compression::blocks(stored, piece.content_bytes) else { return Ok(None) };
    tally.blocks += blocks.len() as u64;
    let (Some(first), Some(last)) = (blocks.first(), blocks.last()) else { return Ok(None) };
    let end = last.at + compression::BLOCK_HEADER + to_usize(last.stored_bytes.into());
    let full = |b: &compression::Block| to_usize(b.raw_bytes.into()) == form::BLOCK;
    let alike = blocks.iter().all(|b| (b.algorithm, b.method) == (first.algorithm, first.method))
        && blocks.iter().rev().skip(1).all(full)
        && end == stored.len();
    if !alike {
        return Ok(None);
    }
    let codec = match first.algorithm {
        Algorithm::Zlib => Codec::Zlib,
        Algorithm::OldZlib => Codec::Deflate,
        Algorithm::Lz4 => Codec::Lz4,
        Algorithm::Zstd => Codec::Zstd,
        Algorithm::Lzma => Codec::Lzma,
    };
    let mut content = Vec::new();
    let mut setting = None;
    for block in &blocks {
        let from = content.len();
        let Ok(bytes) = block.stored(stored) else { return Ok(None) };
        if block.decompress(stored, &mut content).is_err() {
            return Ok(None);
        }
        let raw = content.get(from..).unwrap_or_default();
        let found = search.find(codec, bytes, raw)?;
        if found.is_none() || *setting.get_or_insert(found) != found {
            return Ok(None);
        }
    }
    let Some(setting) = setting.flatten() else { return Ok(None) };
    tally.remade += blocks.len() as u64;
    tally.remade_bytes += stored.len() as u64;
    Ok(Some(Opened { codec, setting, method: first.method, content }))
}
