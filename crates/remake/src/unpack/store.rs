//! A content as the stored bytes of a block.

use crate::codec::{self, Codec};
use crate::error::RemakeError;
use crate::form;

/// The stored bytes of a content, none if they are the content; in ROOT's blocks where there is a method.
///
/// # Errors
/// [`RemakeError::Corruption`] for what no block is; [`RemakeError::Encoder`].
pub fn store(
    codec: Codec,
    setting: u8,
    method: Option<u8>,
    content: &[u8],
) -> Result<Option<Vec<u8>>, RemakeError> {
    let unknown = RemakeError::Corruption("an unknown setting of a codec");
    let Some(method) = method else {
        if codec == Codec::Stored && setting == 0 {
            return Ok(None);
        }
        return codec::remake(codec, setting, content)?.ok_or(unknown).map(Some);
    };
    let tag = match codec {
        Codec::Stored | Codec::Lzf => return Err(RemakeError::Corruption("no block of ROOT")),
        Codec::Zlib => b"ZL",
        Codec::Deflate => b"CS",
        Codec::Lz4 => b"L4",
        Codec::Zstd => b"ZS",
        Codec::Lzma => b"XZ",
    };
    let mut out = Vec::new();
    for block in content.chunks(form::BLOCK) {
        let stored = codec::remake(codec, setting, block)?;
        let stored = stored.ok_or(RemakeError::Corruption("an unknown setting of a codec"))?;
        if stored.len() > form::BLOCK {
            return Err(RemakeError::Corruption("a block of more than 16 MiB"));
        }
        out.extend_from_slice(tag);
        out.push(method);
        for n in [stored.len(), block.len()] {
            out.extend(n.to_le_bytes().into_iter().take(3));
        }
        out.extend_from_slice(&stored);
    }
    Ok(Some(out))
}
