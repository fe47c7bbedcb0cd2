//! A block: raw bytes of one tensor (or none), coded in the way that makes them smallest.
//!
//! Coded block: one byte that says the [`Method`], then its form. The raw length is known from outside. Elements of
//! methods by planes are described by one byte: log2 of their width, and 128 if they were rotated ([`planes`]).

mod archive;
mod need;
mod plane;

use vxc::CompressOptions;
use vxc_entropy::read_varint;

pub(crate) use self::need::memory;
pub(crate) use self::plane::{Planes, encode_planes};
use crate::element::Element;
use crate::error::WeightsError;
use crate::planes::CHUNK;
use crate::{joint, mixed, planes, rans, sparse};

/// Raw bytes of the largest block.
pub const MAX_BLOCK: u64 = 16 << 20;
/// What a limit of memory is about that a block exceeds.
pub(crate) const BLOCK_MEMORY: &str = "the memory of a block";
/// Bit of an element's byte: rotated.
const ROTATED: u8 = 128;

/// How a block is coded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
enum Method {
    /// As it is.
    Stored = 0,
    /// A Zstandard frame.
    Zstd = 1,
    /// Plane by plane.
    Planes = 2,
    /// First plane, and the top of the second in its context.
    Joint = 3,
    /// Where the zeros are, and a block of the others.
    Sparse = 4,
    /// First plane and the top of the second by context mixing.
    Mixed = 5,
    /// An archive of the codec.
    Archive = 6,
}

impl Method {
    fn from_byte(byte: u8) -> Option<Self> {
        use Method::{Archive, Joint, Mixed, Planes, Sparse, Stored, Zstd};
        [Stored, Zstd, Planes, Joint, Sparse, Mixed, Archive].into_iter().find(|&m| m as u8 == byte)
    }
}

/// What is tried for a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Effort {
    /// What decodes fastest: planes, Zstandard.
    Planes,
    /// Contexts for mantissas, too.
    Joint,
    /// Everything.
    Mixed,
}

/// What is known of a block's bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kind {
    /// Type of the elements; none: bytes.
    pub element: Option<Element>,
    /// Elements in a row of the tensor, 0 if it has none.
    pub row: u64,
    /// Elements of the innermost dimension.
    pub inner: u64,
}

/// Width and rotation of the elements of a coding by planes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Form {
    pub width: usize,
    pub rotate: bool,
}

impl Form {
    pub fn of(element: Element) -> Self {
        Self { width: element.bytes(), rotate: element.is_float() }
    }

    pub fn put(self, out: &mut Vec<u8>) {
        let turned = if self.rotate { ROTATED } else { 0 };
        out.push(self.width.trailing_zeros() as u8 | turned);
    }

    /// Reads a form that fits `raw_len` bytes.
    ///
    /// # Errors
    /// [`WeightsError::Corrupt`] where there is none, or it does not.
    pub fn take(input: &mut &[u8], raw_len: usize) -> Result<Self, WeightsError> {
        let byte = rans::take(input, 1)?.first().copied().unwrap_or_default();
        let (log, rotate) = (byte & !ROTATED, byte & ROTATED != 0);
        if log > 3 || !raw_len.is_multiple_of(1 << log) || (rotate && log == 0) {
            return Err(WeightsError::corrupt("elements do not fit their block"));
        }
        Ok(Self { width: 1 << log, rotate })
    }
}

/// Codes a block.
pub(crate) fn encode(raw: &[u8], kind: Kind, effort: Effort) -> Vec<u8> {
    let mut best = with(Method::Stored, |out| out.extend_from_slice(raw));
    let keep = |best: &mut Vec<u8>, new: Vec<u8>| {
        if new.len() < best.len() {
            *best = new;
        }
    };
    let element = kind.element.filter(|e| raw.len().is_multiple_of(e.bytes()) && !raw.is_empty());
    if let Some(element) = element {
        let form = Form::of(element);
        let split = planes::split(raw, form.width, form.rotate);
        keep(
            &mut best,
            with(Method::Planes, |out| {
                form.put(out);
                encode_planes(&split, effort, out);
            }),
        );
        if effort >= Effort::Joint && form.rotate {
            keep(&mut best, with(Method::Joint, |out| joint::encode(form, &split, effort, out)));
        }
        if effort >= Effort::Mixed && form.rotate {
            let mixed = with(Method::Mixed, |out| mixed::encode(form, kind, &split, out));
            // Mixing must earn its time.
            if mixed.len() as u64 + best.len() as u64 / 4096 < best.len() as u64 {
                best = mixed;
            }
        }
        if let Some(packed) = sparse::pack(raw, form.width) {
            keep(
                &mut best,
                with(Method::Sparse, |out| {
                    sparse::encode(
                        &packed,
                        form,
                        |inner| encode(inner, kind.without_rows(), effort),
                        out,
                    );
                }),
            );
        }
    }
    if element.is_none() || repeats(raw, best.len()) {
        if let Ok(coded) = zstd::bulk::compress(raw, 19) {
            keep(&mut best, with(Method::Zstd, |out| out.extend_from_slice(&coded)));
        }
        if effort >= Effort::Mixed && raw.len() >= 256 {
            let options =
                CompressOptions { threads: 1, verify: false, ..CompressOptions::default() };
            if let Ok(coded) = vxc::compress(raw, &options) {
                keep(&mut best, with(Method::Archive, |out| out.extend_from_slice(&coded)));
            }
        }
    }
    best
}

impl Kind {
    /// For what is left of a tensor: its rows are gone.
    fn without_rows(self) -> Self {
        Self { row: 0, inner: 0, ..self }
    }
}

fn with(method: Method, body: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut out = vec![method as u8];
    body(&mut out);
    out
}

/// Whether a long search for repeats may beat `best` bytes: a fast one finds some, so that it is clearly smaller than
/// single bytes by their frequency alone, and is not far from `best`.
fn repeats(raw: &[u8], best: usize) -> bool {
    let Ok(quick) = zstd::bulk::compress(raw, 3) else { return false };
    let alone = rans::cost_bits(&rans::count(raw)) / 8;
    (quick.len() as u64) < alone - alone / 32 && quick.len() < best + best / 6
}

/// Decodes a block into `out`, which has its raw length, with at most so much memory if it is one whose need [`memory`]
/// cannot tell.
///
/// # Errors
/// [`WeightsError::Corrupt`] for what no encoder writes; [`WeightsError::LimitExceeded`].
pub(crate) fn decode(coded: &[u8], out: &mut [u8], memory: u64) -> Result<(), WeightsError> {
    decode_nested(coded, out, memory, true)
}

/// The same; one that is sparse has to be an outer one.
fn decode_nested(
    coded: &[u8],
    out: &mut [u8],
    memory: u64,
    outer: bool,
) -> Result<(), WeightsError> {
    let (&method, mut input) =
        coded.split_first().ok_or_else(|| WeightsError::corrupt("a block is empty"))?;
    let method =
        Method::from_byte(method).ok_or_else(|| WeightsError::corrupt("unknown way of coding"))?;
    match method {
        Method::Stored => out.copy_from_slice(rans::take(&mut input, out.len())?),
        Method::Zstd => unzstd(std::mem::take(&mut input), out)?,
        Method::Planes => {
            let form = Form::take(&mut input, out.len())?;
            let mut planes = Planes::take(&mut input, form.width, out.len() / form.width)?;
            for chunk in out.chunks_mut(CHUNK * form.width) {
                planes.merge(&[], form.rotate, chunk);
            }
            planes.finish()?;
        }
        Method::Joint => joint::decode(&mut input, out)?,
        Method::Sparse if outer => {
            sparse::decode(&mut input, out, |coded, out| decode_nested(coded, out, memory, false))?;
        }
        Method::Sparse => return Err(WeightsError::corrupt("sparse within sparse")),
        Method::Mixed => mixed::decode(&mut input, out)?,
        Method::Archive => archive::unpack(std::mem::take(&mut input), out, memory)?,
    }
    if input.is_empty() { Ok(()) } else { Err(WeightsError::corrupt("a block is too long")) }
}

fn unzstd(coded: &[u8], out: &mut [u8]) -> Result<(), WeightsError> {
    match zstd::bulk::decompress_to_buffer(coded, out) {
        Ok(n) if n == out.len() => Ok(()),
        Ok(_) => Err(WeightsError::corrupt("a block has another length")),
        Err(e) => Err(WeightsError::corrupt(e.to_string())),
    }
}

/// Reads a varint that is a length of at most `most`.
///
/// # Errors
/// [`WeightsError::Corrupt`] where there is none, or it is more.
pub(crate) fn take_len(input: &mut &[u8], most: usize) -> Result<usize, WeightsError> {
    usize::try_from(read_varint(input)?)
        .ok()
        .filter(|&n| n <= most)
        .ok_or_else(|| WeightsError::corrupt("a length exceeds its block"))
}

#[cfg(test)]
mod tests;
