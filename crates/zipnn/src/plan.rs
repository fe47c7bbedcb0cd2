//! Where the tensors of a file are, and how the file is cut for coding.
//!
//! A file that is in no known format, or damaged, is one piece of bytes: planning never fails for what a file holds.

mod pickle;
mod safetensors;
mod torch;
mod zip;

use std::io::{self, Read, Seek, SeekFrom};

use crate::element::Element;
use crate::error::WeightsError;
use crate::memory::Room;

/// Tensors smaller than this are joined with neighbours of their type …
const SMALL: u64 = 8 << 10;
/// … into pieces of up to this.
const JOINED: u64 = 64 << 10;

/// A tensor of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tensor {
    /// Its name; of nested dictionaries the keys joined by dots.
    pub name: String,
    /// Its type, as safetensors names it.
    pub dtype: &'static str,
    /// Its dimensions.
    pub shape: Vec<u64>,
    /// Its first byte in the file.
    pub start: u64,
    /// Bytes.
    pub len: u64,
}

/// A range of a file that is coded as one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece {
    /// First byte.
    pub start: u64,
    /// Bytes.
    pub len: u64,
    /// What it holds; none: bytes.
    pub element: Option<Element>,
    /// Elements of a row (all dimensions but the first), 0 if there are no rows.
    pub row: u64,
    /// Elements of the innermost dimension.
    pub inner: u64,
}

/// The format of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// <https://github.com/huggingface/safetensors>.
    Safetensors,
    /// What `torch.save` writes since 1.6: a ZIP archive.
    Torch,
    /// Anything else.
    Bytes,
}

/// What a file holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Its format.
    pub format: Format,
    /// Its tensors, in the order of the file's own list.
    pub tensors: Vec<Tensor>,
    /// Its pieces: they follow each other from the first byte to the last.
    pub pieces: Vec<Piece>,
}

impl Plan {
    /// Looks into a file, which is the caller's own: its list of tensors takes what it takes. For archives of others there
    /// is [`Archive::tensors`](crate::Archive::tensors).
    ///
    /// # Errors
    /// I/O alone.
    pub fn of<R: Read + Seek>(file: &mut R) -> io::Result<Self> {
        let (found, len) = find(file, &Room::unlimited())?;
        let Some(Found { format, tensors, typed }) = found else {
            return Ok(Self {
                format: Format::Bytes,
                tensors: Vec::new(),
                pieces: cut(Vec::new(), len),
            });
        };
        let typed = typed.unwrap_or_else(|| tensors.iter().filter_map(Piece::of).collect());
        Ok(Self { format, tensors, pieces: cut(typed, len) })
    }
}

/// The tensors of a file, within so much memory.
///
/// # Errors
/// I/O; [`WeightsError::LimitExceeded`].
pub(crate) fn tensors<R: Read + Seek>(
    file: &mut R,
    room: &Room,
) -> Result<Vec<Tensor>, WeightsError> {
    let (found, _) = find(file, room)?;
    room.check()?;
    Ok(found.map(|f| f.tensors).unwrap_or_default())
}

/// What a file of a known format holds.
struct Found {
    format: Format,
    tensors: Vec<Tensor>,
    /// Its typed ranges, where these are not the tensors.
    typed: Option<Vec<Piece>>,
}

/// What there is in a file, and its length. Nothing if it is of no known format, or does not fit.
fn find<R: Read + Seek>(file: &mut R, room: &Room) -> io::Result<(Option<Found>, u64)> {
    let len = file.seek(SeekFrom::End(0))?;
    let file = &mut Watched { file, failed: None };
    let found = match safetensors::read(file, len, room)? {
        Some(tensors) => Some(Found { format: Format::Safetensors, tensors, typed: None }),
        None => torch::read(file, len, room)?,
    };
    match file.failed.take() {
        Some(e) => Err(e),
        None => Ok((found, len)),
    }
}

/// Remembers that reading or seeking failed, whatever a reader of a format made of it.
struct Watched<'a, R> {
    file: &'a mut R,
    failed: Option<io::Error>,
}

impl<R: Read> Read for Watched<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.file.read(buffer).map_err(|e| match e.kind() {
            io::ErrorKind::Interrupted => e,
            _ => self.remember(e),
        })
    }
}

impl<R> Watched<'_, R> {
    fn remember(&mut self, e: io::Error) -> io::Error {
        let kind = e.kind();
        self.failed.get_or_insert(e);
        kind.into()
    }
}

impl<R: Seek> Seek for Watched<'_, R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to).map_err(|e| match e.kind() {
            // A place that cannot be: what the file says is wrong, not the system.
            io::ErrorKind::InvalidInput => e,
            _ => self.remember(e),
        })
    }
}

impl Piece {
    /// The range of a tensor; none if its type has no whole bytes.
    fn of(tensor: &Tensor) -> Option<Self> {
        let (row, inner) = rows(&tensor.shape);
        let element = Some(element(tensor.dtype)?);
        Some(Self { start: tensor.start, len: tensor.len, element, row, inner })
    }

    /// A range of bytes.
    fn bytes(start: u64, end: u64) -> Self {
        Self { start, len: end - start, element: None, row: 0, inner: 0 }
    }
}

/// Elements of a row and of the innermost dimension.
fn rows(shape: &[u64]) -> (u64, u64) {
    let [_, rest @ ..] = shape else { return (0, 0) };
    let row = rest.iter().try_fold(1u64, |n, &d| n.checked_mul(d)).unwrap_or(0);
    (if rest.is_empty() { 0 } else { row }, rest.last().copied().unwrap_or(0))
}

/// The elements of a type of safetensors.
fn element(dtype: &str) -> Option<Element> {
    Some(match dtype {
        "F64" => Element::F64,
        "F32" | "C64" => Element::F32,
        "F16" => Element::F16,
        "BF16" => Element::Bf16,
        "I64" | "U64" => Element::Other(8),
        "I32" | "U32" => Element::Other(4),
        "I16" | "U16" => Element::Other(2),
        "F4" | "F6_E2M3" | "F6_E3M2" => return None,
        _ => Element::Other(1),
    })
}

/// Pieces from one end of a file to the other: typed ranges where they fit, bytes between them.
fn cut(mut typed: Vec<Piece>, len: u64) -> Vec<Piece> {
    typed.sort_by_key(|t| (t.start, t.len));
    let mut pieces: Vec<Piece> = Vec::new();
    let mut at = 0;
    for t in typed {
        let end = t.start.checked_add(t.len).filter(|&end| end <= len);
        // Ranges that overlap are read as the first of them says.
        let Some(end) = end.filter(|_| t.start >= at && t.len > 0) else { continue };
        if !t.len.is_multiple_of(t.element.map_or(1, |e| e.bytes() as u64)) {
            continue;
        }
        if t.start > at {
            pieces.push(Piece::bytes(at, t.start));
        }
        at = end;
        let small = t.len < SMALL;
        match pieces.last_mut() {
            Some(last)
                if last.element == t.element
                    && small
                    && last.len + t.len <= JOINED
                    && last.row == 0 =>
            {
                last.len += t.len;
            }
            _ if small => pieces.push(Piece { row: 0, inner: 0, ..t }),
            _ => pieces.push(t),
        }
    }
    if at < len {
        pieces.push(Piece::bytes(at, len));
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_follow_each_other() {
        let typed = |start, len, e| Piece { start, len, element: Some(e), row: 3, inner: 3 };
        let list = vec![
            typed(100, 80_000, Element::F32),
            typed(10, 8, Element::F32),
            typed(18, 40, Element::F32),
            typed(70, 8, Element::F16),
            typed(50, 100, Element::F16),
            typed(90_000, 7, Element::F32),
            typed(u64::MAX - 4, 8, Element::F32),
            typed(90_000, 20_000, Element::F32),
        ];
        let pieces = cut(list, 100_000);
        let mut at = 0;
        for p in &pieces {
            assert_eq!(p.start, at);
            at += p.len;
        }
        assert_eq!(at, 100_000);
        let kinds: Vec<_> = pieces.iter().map(|p| (p.start, p.len, p.element.is_some())).collect();
        assert_eq!(
            kinds,
            [
                (0, 10, false),
                (10, 48, true),
                (58, 12, false),
                (70, 8, true),
                (78, 22, false),
                (100, 80_000, true),
                (80_100, 19_900, false)
            ]
        );
    }

    #[test]
    fn anything_is_bytes() {
        for content in [&b""[..], b"x", b"PK\x05\x06", &[0xFF; 100], b"\x02\0\0\0\0\0\0\0{}"] {
            let plan = Plan::of(&mut io::Cursor::new(content)).unwrap();
            assert_eq!(plan.pieces.iter().map(|p| p.len).sum::<u64>(), content.len() as u64);
            assert!(plan.tensors.is_empty());
        }
    }
}
