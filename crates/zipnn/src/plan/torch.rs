//! Checkpoints of `torch.save`: a ZIP archive with a pickle (`data.pkl`) and each storage as a file of its own
//! (`data/0`, `data/1`, …), stored, not compressed.

mod walk;

use std::collections::BTreeMap;
use std::io::{self, Read, Seek, SeekFrom};

use self::walk::Walk;
use super::pickle::Pickle;
use super::zip::{self, Storage};
use super::{Format, Piece, Tensor, element, rows};
use crate::memory::Room;

/// A pickle beyond this is not read.
const MAX_PICKLE: u64 = 64 << 20;

/// Tensors, and typed ranges; none if the file is no such archive, or they do not fit.
///
/// # Errors
/// I/O.
pub(super) fn read<R: Read + Seek>(
    file: &mut R,
    len: u64,
    room: &Room,
) -> io::Result<Option<super::Found>> {
    file.seek(SeekFrom::Start(0))?;
    let mut magic = [0; 4];
    if file.read_exact(&mut magic).is_err() || magic != *b"PK\x03\x04" {
        return Ok(None);
    }
    Ok(found(file, len, room).map(|(tensors, typed)| super::Found {
        format: Format::Torch,
        tensors,
        typed: Some(typed),
    }))
}

fn found<R: Read + Seek>(file: &mut R, len: u64, room: &Room) -> Option<(Vec<Tensor>, Vec<Piece>)> {
    let mut storages = BTreeMap::new();
    let mut pickle = None;
    let mut big_endian = false;
    for (name, storage) in zip::stored(file, len, room)? {
        if name == "data.pkl" && storage.len <= MAX_PICKLE {
            room.take(storage.len as usize)?;
            pickle = Some(read_whole(file, storage)?);
        } else if name == "byteorder" {
            big_endian =
                read_whole(file, Storage { len: storage.len.min(16), ..storage })? == b"big";
        } else if let Some(key) = name.strip_prefix("data/") {
            storages.insert(key.to_owned(), storage);
        }
    }
    let pickle = pickle.filter(|_| !big_endian)?;
    let (pickle, top) = Pickle::read(&pickle, room)?;
    let all = Walk::new(&pickle, &storages, room).tensors(top);
    let mut typed: BTreeMap<u64, Piece> = BTreeMap::new();
    for found in &all {
        let Some(element) = element(found.tensor.dtype) else { continue };
        let Storage { start, len } = found.storage;
        // Rows are those of the tensor that fills its storage.
        let whole = found.tensor.start == start && found.tensor.len == len;
        let (row, inner) = if whole { rows(&found.tensor.shape) } else { (0, 0) };
        typed.entry(start).or_insert(Piece { start, len, element: Some(element), row, inner });
    }
    let typed = typed.into_values().collect();
    Some((all.into_iter().map(|f| f.tensor).collect(), typed))
}

/// A stored file as a whole, or what is there of it.
fn read_whole<R: Read + Seek>(file: &mut R, storage: Storage) -> Option<Vec<u8>> {
    file.seek(SeekFrom::Start(storage.start)).ok()?;
    let mut bytes = Vec::new();
    file.by_ref().take(storage.len).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}
