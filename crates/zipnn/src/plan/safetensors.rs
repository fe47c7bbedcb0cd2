//! The list of tensors at the front of a safetensors file, as the crate `safetensors` reads it, but one tensor after the
//! other: that crate keeps the whole list several times over.

use std::fmt;
use std::io::{self, BufReader, Read, Seek, SeekFrom};

use ::safetensors::tensor::Dtype;
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::Tensor;
use crate::memory::Room;

/// The format's own limit of its header.
const MAX_HEADER: u64 = 100_000_000;
/// A tensor of more dimensions is none: they are read before their memory is counted.
const MAX_DIMENSIONS: usize = 1 << 16;
/// What the allocator adds to the two allocations of a tensor.
const ALLOCATIONS: usize = 32;

/// Tensors of a file of `len` bytes; none if it is no such file, or its list does not fit.
///
/// # Errors
/// I/O.
pub(super) fn read<R: Read + Seek>(
    file: &mut R,
    len: u64,
    room: &Room,
) -> io::Result<Option<Vec<Tensor>>> {
    file.seek(SeekFrom::Start(0))?;
    let mut front = [0; 8];
    if len < 10 || file.read_exact(&mut front).is_err() {
        return Ok(None);
    }
    let header = u64::from_le_bytes(front);
    if !(2..=MAX_HEADER.min(len - 8)).contains(&header) {
        return Ok(None);
    }
    let mut first = [0];
    file.read_exact(&mut first)?;
    if first != *b"{" {
        return Ok(None);
    }
    let json = first.chain(file.take(header - 1));
    let json = Strings { inner: json, room, at: None, escaped: false, longest: 0 };
    let mut json = serde_json::Deserializer::from_reader(BufReader::with_capacity(1 << 16, json));
    let Ok(tensors) = List { room }.deserialize(&mut json) else { return Ok(None) };
    if json.end().is_err() {
        return Ok(None);
    }
    Ok(finish(tensors, 8 + header, len, room))
}

/// Puts tensors in the order of their bytes, checks that they follow each other, as the crate does, and turns offsets into
/// positions in the file; none if the list contradicts itself or does not fit.
fn finish(mut tensors: Vec<Tensor>, base: u64, len: u64, room: &Room) -> Option<Vec<Tensor>> {
    only_last(&mut tensors, room)?;
    // By name where nothing else tells them apart: an order for each file. A stable sort would take memory.
    tensors.sort_unstable_by(|a, b| (a.start, a.len, &a.name).cmp(&(b.start, b.len, &b.name)));
    let mut at = 0;
    for tensor in &mut tensors {
        if tensor.start != at {
            return None;
        }
        at = at.checked_add(tensor.len)?;
        tensor.start = tensor.start.checked_add(base)?;
    }
    tensors.retain(|t| t.start.checked_add(t.len).is_some_and(|end| end <= len));
    Some(tensors)
}

/// Of a name that occurs again, the last one counts.
fn only_last(tensors: &mut Vec<Tensor>, room: &Room) -> Option<()> {
    room.take(tensors.len().checked_mul(size_of::<u32>())?)?;
    let name = |i: u32| tensors.get(i as usize).map(|t| &t.name);
    let mut order: Vec<u32> = (0..u32::try_from(tensors.len()).ok()?).collect();
    order.sort_unstable_by(|&a, &b| (name(a), a).cmp(&(name(b), b)));
    let again = |pair: &[u32]| matches!(pair, &[a, b] if name(a) == name(b));
    let mut earlier: Vec<u32> =
        order.windows(2).filter(|p| again(p)).flat_map(|p| p.first().copied()).collect();
    earlier.sort_unstable();
    let mut number = 0u32;
    tensors.retain(|_| {
        number += 1;
        earlier.binary_search(&(number - 1)).is_err()
    });
    Some(())
}

/// What a header says of a tensor.
#[derive(Deserialize)]
struct Info {
    dtype: Dtype,
    shape: Shape,
    data_offsets: (usize, usize),
}

impl Info {
    /// The tensor, with offsets for positions; none if its size does not fit its shape.
    fn tensor(self, name: String) -> Option<Tensor> {
        let (from, to) = self.data_offsets;
        let len = to.checked_sub(from)? as u64;
        let shape = self.shape.0;
        let elements = shape.iter().try_fold(1u64, |n, &d| n.checked_mul(d))?;
        let bits = elements.checked_mul(self.dtype.bitsize() as u64)?;
        let fits = bits.is_multiple_of(8) && bits / 8 == len;
        fits.then(|| Tensor { name, dtype: dtype(self.dtype), shape, start: from as u64, len })
    }
}

/// Dimensions.
struct Shape(Vec<u64>);

impl<'de> Deserialize<'de> for Shape {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Dimensions;
        impl<'de> Visitor<'de> for Dimensions {
            type Value = Shape;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("dimensions")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Shape, A::Error> {
                let mut shape = Vec::new();
                while let Some(dimension) = seq.next_element::<usize>()? {
                    if shape.len() == MAX_DIMENSIONS {
                        return Err(A::Error::custom("too many dimensions"));
                    }
                    shape.push(dimension as u64);
                }
                shape.shrink_to_fit();
                Ok(Shape(shape))
            }
        }
        deserializer.deserialize_seq(Dimensions)
    }
}

/// The header: tensors by name, and texts that are of no use here.
struct List<'a> {
    room: &'a Room,
}

impl<'de> DeserializeSeed<'de> for List<'_> {
    type Value = Vec<Tensor>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for List<'_> {
    type Value = Vec<Tensor>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("tensors by name")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut tensors = Vec::new();
        let mut texts = false;
        while let Some(name) = map.next_key::<String>()? {
            if name == "__metadata__" {
                if std::mem::replace(&mut texts, true) {
                    return Err(A::Error::custom("texts twice"));
                }
                map.next_value::<Option<Texts>>()?;
                continue;
            }
            let info: Info = map.next_value()?;
            let bytes =
                size_of::<Tensor>() + ALLOCATIONS + name.capacity() + 8 * info.shape.0.len();
            self.room.take(bytes).ok_or_else(|| A::Error::custom("too many tensors"))?;
            tensors.push(info.tensor(name).ok_or_else(|| A::Error::custom("a size is wrong"))?);
        }
        Ok(tensors)
    }
}

/// Texts by name, which are not kept.
struct Texts;

impl<'de> Deserialize<'de> for Texts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Self)
    }
}

impl<'de> Visitor<'de> for Texts {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("texts by name")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self, A::Error> {
        while map.next_entry::<Text, Text>()?.is_some() {}
        Ok(self)
    }
}

/// A text, which is not kept.
struct Text;

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Self)
    }
}

impl Visitor<'_> for Text {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<Self, E> {
        Ok(self)
    }
}

/// JSON on its way to its reader, which gathers each string before it gives it out: the longest one is counted.
struct Strings<'a, R> {
    inner: R,
    room: &'a Room,
    /// Bytes of the string that has begun.
    at: Option<usize>,
    escaped: bool,
    longest: usize,
}

impl<R: Read> Read for Strings<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buffer)?;
        for &byte in buffer.get(..n).unwrap_or_default() {
            self.at = match (self.at, byte) {
                (None, b'"') => Some(0),
                (None, _) => None,
                (Some(_), b'"') if !self.escaped => None,
                (Some(at), _) => Some(at + 1),
            };
            self.escaped = self.at.is_some() && byte == b'\\' && !self.escaped;
            if let Some(at) = self.at.filter(|&at| at > self.longest) {
                self.longest = at;
                self.room.take(1).ok_or(io::ErrorKind::OutOfMemory)?;
            }
        }
        Ok(n)
    }
}

fn dtype(dtype: Dtype) -> &'static str {
    match dtype {
        Dtype::BOOL => "BOOL",
        Dtype::F4 => "F4",
        Dtype::F6_E2M3 => "F6_E2M3",
        Dtype::F6_E3M2 => "F6_E3M2",
        Dtype::U8 => "U8",
        Dtype::I8 => "I8",
        Dtype::F8_E5M2 => "F8_E5M2",
        Dtype::F8_E4M3 => "F8_E4M3",
        Dtype::F8_E8M0 => "F8_E8M0",
        Dtype::F8_E4M3FNUZ => "F8_E4M3FNUZ",
        Dtype::F8_E5M2FNUZ => "F8_E5M2FNUZ",
        Dtype::I16 => "I16",
        Dtype::U16 => "U16",
        Dtype::F16 => "F16",
        Dtype::BF16 => "BF16",
        Dtype::I32 => "I32",
        Dtype::U32 => "U32",
        Dtype::F32 => "F32",
        Dtype::C64 => "C64",
        Dtype::F64 => "F64",
        Dtype::I64 => "I64",
        Dtype::U64 => "U64",
        _ => "unknown",
    }
}
