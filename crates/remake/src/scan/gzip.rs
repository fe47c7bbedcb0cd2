//! Pieces of gzip files: the deflate stream of each member. Headers, trailers and what follows the last member are kept.
//!
//! ```text
//! file   := member* · anything
//! member := 1F 8B · 08 · flags u8 · 6 bytes · [n u16 · n bytes] · [name 0] · [comment 0] · [check u16]
//!           · deflate stream · check u32 · length u32
//! ```
//! Source: RFC 1952. Where a member ends only its stream tells, so it is decoded here, and the setting of the encoder is
//! found in the same pass.

use super::stream::{Found, find};
use super::{Item, Piece, Plan, ValueKind};
use crate::codec::Codec;
use crate::codec::deflate::SETTINGS;
use crate::content::Shape;
use crate::error::RemakeError;
use std::io::{Read, Seek, SeekFrom};

/// How a member starts, its method included.
pub const SIGNATURE: [u8; 3] = [0x1f, 0x8b, 8];
/// Bytes of a header that all have.
const FIXED: usize = 10;
/// Longest header that is looked at.
const MAX_HEADER: u64 = 256 << 10;
/// Bytes behind the stream.
const TRAILER: u64 = 8;
/// Members in a row that no setting gives, after which the rest is kept.
const GIVE_UP: usize = 16;
/// Most members that are opened.
const MAX_MEMBERS: usize = 4 << 20;

/// Flags of a header.
const CHECK: u8 = 2;
const EXTRA: u8 = 4;
const NAME: u8 = 8;
const COMMENT: u8 = 16;
const RESERVED: u8 = 0xe0;

/// Plans a file.
///
/// # Errors
/// I/O, [`RemakeError::Encoder`].
pub fn scan<R: Read + Seek>(file: &mut R) -> Result<Plan, RemakeError> {
    let file_bytes = file.seek(SeekFrom::End(0))?;
    let mut items = Vec::new();
    // Up to where the items go, and where the next member starts.
    let (mut done, mut at) = (0u64, 0u64);
    let mut known = None;
    let mut failures = 0;
    for _ in 0..MAX_MEMBERS {
        let Some(header_bytes) = header(file, at)? else { break };
        let from = at + header_bytes;
        let Some(found) = stream(file, from, known)? else { break };
        let end = from + found.stored_bytes;
        if let Some(setting) = found.setting {
            known = Some(setting);
            failures = 0;
            items.push(Item { offset: done, bytes: from - done, piece: None });
            items.push(Item {
                offset: from,
                bytes: found.stored_bytes,
                piece: Some(piece(&found)),
            });
            done = end;
        } else {
            failures += 1;
            if failures == GIVE_UP {
                break;
            }
        }
        at = end.saturating_add(TRAILER);
    }
    if done < file_bytes {
        items.push(Item { offset: done, bytes: file_bytes - done, piece: None });
    }
    Ok(Plan { container: 2, items, ..Plan::default() })
}

fn piece(found: &Found) -> Piece {
    Piece {
        key_bytes: 0,
        codec: Some(Codec::Deflate),
        stream: found.setting,
        framed: false,
        content_bytes: found.content_bytes,
        column: 0,
        kind: ValueKind::Unknown,
        shape: Shape::Plain,
        counts: false,
    }
}

/// The stream at an offset; the setting that was right before is tried alone, then all others.
fn stream<R: Read + Seek>(
    file: &mut R,
    at: u64,
    known: Option<u8>,
) -> Result<Option<Found>, RemakeError> {
    if let Some(known) = known {
        file.seek(SeekFrom::Start(at))?;
        let found = find(file, &[known])?;
        if found.is_none_or(|found| found.setting.is_some()) {
            return Ok(found);
        }
    }
    let others: Vec<u8> = SETTINGS.into_iter().filter(|&other| Some(other) != known).collect();
    file.seek(SeekFrom::Start(at))?;
    find(file, &others)
}

/// Bytes of a header; `None` where there is none.
fn header<R: Read + Seek>(file: &mut R, at: u64) -> Result<Option<u64>, RemakeError> {
    file.seek(SeekFrom::Start(at))?;
    let mut bytes = Vec::new();
    file.by_ref().take(FIXED as u64).read_to_end(&mut bytes)?;
    if !bytes.starts_with(&SIGNATURE) || bytes.len() < FIXED {
        return Ok(None);
    }
    let flags = bytes.get(3).copied().unwrap_or(RESERVED);
    if flags & (EXTRA | NAME | COMMENT) != 0 {
        file.by_ref().take(MAX_HEADER).read_to_end(&mut bytes)?;
    }
    Ok(header_bytes(flags, &bytes))
}

fn header_bytes(flags: u8, bytes: &[u8]) -> Option<u64> {
    if flags & RESERVED != 0 {
        return None;
    }
    let mut rest = bytes.get(FIXED..)?;
    let mut total = FIXED;
    if flags & EXTRA != 0 {
        let n = 2 + usize::from(u16::from_le_bytes(*rest.first_chunk()?));
        rest = rest.get(n..)?;
        total += n;
    }
    for flag in [NAME, COMMENT] {
        if flags & flag != 0 {
            let n = rest.iter().position(|&byte| byte == 0)? + 1;
            rest = rest.get(n..)?;
            total += n;
        }
    }
    if flags & CHECK != 0 {
        total += 2;
    }
    Some(total as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers() {
        assert_eq!(header_bytes(0, &[0; 10]), Some(10));
        assert_eq!(header_bytes(CHECK, &[0; 10]), Some(12));
        assert_eq!(header_bytes(1, &[0; 10]), Some(10));
        assert_eq!(header_bytes(RESERVED, &[0; 10]), None);
        let all = [&[0; 10][..], &[3, 0, 1, 2, 3], b"name\0", b"\0", &[9; 4]].concat();
        assert_eq!(header_bytes(EXTRA | NAME | COMMENT | CHECK, &all), Some(23));
        for end in 10..21 {
            assert_eq!(header_bytes(EXTRA | NAME | COMMENT, &all[..end]), None, "{end}");
        }
    }
}
