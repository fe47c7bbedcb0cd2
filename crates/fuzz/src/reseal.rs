//! Damaged files with checksums that hold, so that what lies behind a checksum is reached too.
//!
//! Lengths are followed as they stand; where one leads out of the file, the rest keeps its bytes. Checksums of decoded
//! content are left: a wrong segment is decoded before its checksum is looked at.

use vxc_entropy::{read_varint, write_varint};
use vxc_format::constants::{FOOTER_BYTES, MAX_HEAD_BYTES, SIGNATURE};
use vxc_format::content::crc32c;
use vxc_format::{ModelId, Tag};

/// Repairs header, blocks and footer of an archive; model ids too.
pub fn archive(bytes: &mut [u8]) {
    let Some(mut at) = header(bytes) else { return };
    while let Some(next) = block(bytes, at) {
        at = next;
    }
    if bytes.len() >= FOOTER_BYTES {
        let footer = bytes.len() - FOOTER_BYTES;
        put_crc(bytes, footer, bytes.len() - 8);
    }
}

/// Repairs the checksum of a header; gives where it ends.
pub fn header(bytes: &mut [u8]) -> Option<usize> {
    let from = SIGNATURE.len() + 2;
    let mut rest = bytes.get(from..)?;
    let before = rest.len();
    let body = usize::try_from(read_varint(&mut rest).ok()?).ok()?;
    let end = (from + before - rest.len()).checked_add(body)?;
    put_crc(bytes, 0, end)
}

/// Where the parts of a block are.
#[derive(Clone, Copy, Debug)]
pub struct Frame {
    /// Its kind.
    pub tag: Tag,
    /// Its first byte.
    pub start: usize,
    /// The first byte of its head, behind the checksum of the payload.
    pub head: usize,
    /// The first byte of its payload, behind the checksum of the head.
    pub payload: usize,
    /// Behind its last byte.
    pub end: usize,
}

/// The block that starts at `at`, by its lengths alone.
fn frame(bytes: &[u8], at: usize) -> Option<Frame> {
    let &[tag, head_len, ..] = bytes.get(at..)? else { return None };
    let tag = Tag::from_byte(tag).filter(|_| usize::from(head_len) <= MAX_HEAD_BYTES)?;
    let mut rest = bytes.get(at + 2..)?;
    let before = rest.len();
    let payload_len = usize::try_from(read_varint(&mut rest).ok()?).ok()?;
    let head = at + 2 + before - rest.len() + 4;
    let payload = head + usize::from(head_len) + 4;
    let end = payload.checked_add(payload_len).filter(|&end| end <= bytes.len())?;
    Some(Frame { tag, start: at, head, payload, end })
}

/// The blocks behind a header that ends at `at`.
pub fn blocks(bytes: &[u8], at: usize) -> impl Iterator<Item = Frame> {
    std::iter::successors(frame(bytes, at), |last| frame(bytes, last.end))
}

/// Repairs the checksums of a block that starts at `at`; gives where it ends.
fn block(bytes: &mut [u8], at: usize) -> Option<usize> {
    let Frame { tag, head, payload, end, .. } = frame(bytes, at)?;
    let crc = crc32c(bytes.get(payload..end)?);
    if tag == Tag::Model && payload - 4 - head == 32 {
        let id = ModelId::of(bytes.get(payload..end)?);
        bytes.get_mut(head..head + 32)?.copy_from_slice(&id.0);
    }
    bytes.get_mut(head - 4..head)?.copy_from_slice(&crc.to_le_bytes());
    put_crc(bytes, at, payload - 4)?;
    Some(end)
}

/// Repairs the checksum at the end of a model file.
pub fn model(bytes: &mut [u8]) {
    if let Some(end) = bytes.len().checked_sub(4) {
        put_crc(bytes, 0, end);
    }
}

/// Repairs footer, index and blocks of a weight archive.
pub fn weights(bytes: &mut [u8]) {
    const FOOTER: usize = 64;
    let Some(footer) = bytes.len().checked_sub(FOOTER) else { return };
    let Some(Ok(index_len)) = bytes.get(footer..footer + 8).map(<[u8; 8]>::try_from) else {
        return;
    };
    let index = usize::try_from(u64::from_le_bytes(index_len)).ok();
    if let Some(from) = index.and_then(|len| footer.checked_sub(len)) {
        let mut list = bytes[from..footer].to_vec();
        weight_blocks(bytes, &mut &list[..]);
        let crc = crc32c(&list);
        list.clear();
        bytes[footer + 8..footer + 12].copy_from_slice(&crc.to_le_bytes());
    }
    put_crc(bytes, footer, footer + FOOTER - 12);
}

/// Repairs the checksums of the blocks that an index lists.
fn weight_blocks(bytes: &mut [u8], list: &mut &[u8]) -> Option<()> {
    let mut at = 8usize;
    let mut seal = |len: u64| {
        let end = at.checked_add(usize::try_from(len).ok()?)?;
        at = put_crc(bytes, at, end)?;
        Some(())
    };
    let mut next = || read_varint(list).ok();
    if next()? > 0 {
        seal(next()?)?;
    }
    for _ in 0..next()? {
        match next()? & 3 {
            0 => seal(next()?)?,
            1 => drop(next()?),
            _ => {}
        }
    }
    Some(())
}

/// Puts the CRC32C of `from..end` behind it; gives where that ends.
fn put_crc(bytes: &mut [u8], from: usize, end: usize) -> Option<usize> {
    let crc = crc32c(bytes.get(from..end)?).to_le_bytes();
    bytes.get_mut(end..end + 4)?.copy_from_slice(&crc);
    Some(end + 4)
}

/// A model file of sections as they are: version, level, and each section stored.
pub fn model_of(version: u8, level: u8, sections: &[&[u8]]) -> Vec<u8> {
    let mut file = vec![0x89, b'V', b'X', b'M', 0x0D, 0x0A, 0x1A, 0x0A, version, level];
    for section in sections {
        write_varint(&mut file, section.len() as u64);
        write_varint(&mut file, section.len() as u64);
        file.extend_from_slice(section);
    }
    file.extend_from_slice(&[0; 4]);
    model(&mut file);
    file
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seeds;

    #[test]
    fn intact_files_stay_as_they_are() {
        for (_, bytes) in seeds::archives() {
            let mut sealed = bytes.clone();
            archive(&mut sealed);
            assert!(sealed == bytes);
        }
        for (_, bytes) in seeds::models() {
            let mut sealed = bytes.clone();
            model(&mut sealed);
            assert!(sealed == bytes);
        }
        for (_, bytes) in seeds::weight_archives() {
            let mut sealed = bytes.clone();
            weights(&mut sealed);
            assert!(sealed == bytes);
        }
    }

    /// The id of a model is the hash of its bytes: it follows them.
    #[test]
    fn a_changed_model_within_an_archive_has_its_new_id() {
        let mut tried = 0;
        for (name, mut bytes) in seeds::archives() {
            let Some(from) = header(&mut bytes) else { continue };
            let Some(model) = blocks(&bytes, from).find(|b| b.tag == Tag::Model) else { continue };
            bytes[(model.payload + model.end) / 2] ^= 1;
            let id = ModelId::of(&bytes[model.payload..model.end]);
            assert!(bytes[model.head..model.head + 32] != id.0, "{name}");
            archive(&mut bytes);
            assert!(bytes[model.head..model.head + 32] == id.0, "{name}");
            // The container has nothing against it; the model's own checksum does.
            let refused = vxc::decompress(&bytes, &Default::default()).unwrap_err();
            assert!(matches!(refused, vxc::Error::ModelMismatch(_)), "{name}: {refused}");
            tried += 1;
        }
        assert_eq!(tried, 2, "archives with models");
    }

    #[test]
    fn damage_gets_past_the_checksums_of_the_container() {
        let mut tried = 0;
        for (name, bytes) in seeds::archives() {
            // Unpacked forms of files are refused before a block is read, whatever its checksum.
            if vxc::decompress(&bytes, &Default::default()).is_err() {
                continue;
            }
            tried += 1;
            let mut bad = bytes.clone();
            // The last byte of the last block before the index.
            let footer = bad.len() - FOOTER_BYTES;
            let index = u64::from_le_bytes(bad[footer..footer + 8].try_into().unwrap()) as usize;
            bad[index - 1] ^= 1;
            let plain = vxc::decompress(&bad, &Default::default()).unwrap_err().to_string();
            archive(&mut bad);
            let sealed = vxc::decompress(&bad, &Default::default());
            if let Err(e) = sealed {
                assert!(e.to_string() != plain, "{name}: {plain}");
            }
        }
        assert!(tried > 5, "{tried} archives");
    }
}
