//! The unpacked form as the file that it was: the inverse of [`pack`](crate::pack()).

use crate::codec::deflate::Stream;
use crate::codec::{self, Codec};
use crate::content::shuffle::{self, Sums};
use crate::content::{self, KeyFields, Shape, Tail};
use crate::error::RemakeError;
use crate::form::{self, Bytes, COUNTS, FIRST, FRAMED, Form, KEYED, LAST, Sections};
use std::io::{Read, Write};
use std::ops::Range;

/// Most bytes of a key.
const MAX_KEY: u64 = 1 << 16;
/// Most lengths of a group, over all its sets.
const MAX_LENGTHS: u64 = form::MAX_GROUP;

const UNENDED: RemakeError = RemakeError::Corruption("a stream that does not end");

/// Makes the file again, group by group; gives its length. A file longer than `limit` bytes is refused.
///
/// # Errors
/// [`RemakeError::Corruption`], [`RemakeError::InsufficientData`], [`RemakeError::LimitExceeded`] for what no writer
/// makes; [`RemakeError::Encoder`], I/O. What was written before is right as far as it goes.
pub fn unpack(form: impl Read, file: impl Write, limit: u64) -> Result<u64, RemakeError> {
    made(&mut Form::whole(form), file, limit)
}

/// As [`unpack`], of a form that is cut short or has gaps, where its bytes may be any: makes the file again up to the
/// first thing that needs a lost byte. `intact` says how many bytes from the start of a range on, whose last byte was
/// read, are no gap. Says whether the file is complete.
///
/// # Errors
/// As [`unpack`] where the form is intact.
pub fn unpack_damaged(
    form: impl Read,
    intact: impl Fn(Range<u64>) -> u64,
    file: impl Write,
    limit: u64,
) -> Result<bool, RemakeError> {
    let mut form = Form::with_gaps(form, intact);
    match made(&mut form, file, limit) {
        Err(_) if form.damaged => Ok(false),
        made => made.map(|_| true),
    }
}

fn made<R: Read, I: Fn(Range<u64>) -> u64>(
    form: &mut Form<R, I>,
    mut file: impl Write,
    limit: u64,
) -> Result<u64, RemakeError> {
    let mut at = 0;
    let mut stream = None;
    while let Some(sections) = Sections::read(form)? {
        let columns = sections.columns.iter().map(|column| Bytes(&column.bytes)).collect();
        let mut group = Group {
            recipe: Bytes(&sections.recipe),
            kept: Bytes(&sections.kept),
            columns,
            lengths: Vec::new(),
            held: 0,
            work: 0,
            last: usize::MAX,
            at,
            stream,
            damaged: form.damaged,
            stopped: false,
        };
        while !group.recipe.0.is_empty() {
            let bytes = group.op()?;
            group.at = group.at.saturating_add(bytes.len() as u64);
            if group.at > limit {
                return Err(RemakeError::LimitExceeded { needed: group.at, limit });
            }
            file.write_all(&bytes)?;
            if group.stopped {
                return Err(RemakeError::InsufficientData);
            }
        }
        group.finish()?;
        at = group.at;
        stream = group.stream;
        if form.damaged {
            // What the recipe has lost is not known.
            return Err(RemakeError::InsufficientData);
        }
    }
    if stream.is_some() {
        return Err(UNENDED);
    }
    Ok(at)
}

/// A group that is being read.
struct Group<'a> {
    recipe: Bytes<'a>,
    kept: Bytes<'a>,
    columns: Vec<Bytes<'a>>,
    lengths: Vec<Vec<u32>>,
    /// Lengths in all sets.
    held: u64,
    /// Bytes of contents so far.
    work: u64,
    /// The column named last.
    last: usize,
    /// Bytes of the file so far.
    at: u64,
    /// A stream that has not ended.
    stream: Option<Stream>,
    /// Whether sections end where their first lost byte was.
    damaged: bool,
    /// Whether less came out than the recipe says.
    stopped: bool,
}

impl<'a> Group<'a> {
    /// The bytes of the file that the next entry of the recipe stands for.
    fn op(&mut self) -> Result<Vec<u8>, RemakeError> {
        let flags = self.recipe.u8()?;
        if flags == form::STREAM {
            return self.part();
        }
        if self.stream.is_some() {
            return Err(UNENDED);
        }
        if flags == 0 {
            let n = self.recipe.varint()?;
            let n = self.there(n, self.kept.0.len());
            return self.kept.take(n).map(<[u8]>::to_vec);
        }
        let codec = (flags & 7).checked_sub(1).and_then(Codec::of_number);
        let codec = codec.ok_or(RemakeError::Corruption("an unknown codec"))?;
        let key_bytes = if flags & KEYED == 0 { 0 } else { self.recipe.varint()? };
        let base = u32::try_from(key_bytes).ok().filter(|n| u64::from(*n) <= MAX_KEY);
        let base = base.ok_or(RemakeError::Corruption("a key of more than 64 KiB"))?;
        let method = if flags & FRAMED == 0 { None } else { Some(self.recipe.u8()?) };
        let setting = self.recipe.u8()?;
        let content_bytes = self.content_bytes()?;
        let column = self.column()?;
        let (shape, lengths) = self.shape(flags >> form::SHAPE_SHIFT)?;
        let set = lengths.and_then(|at| self.lengths.get(at)).map_or(&[][..], Vec::as_slice);
        let bytes = content::value_bytes(shape, set, content_bytes)?;
        let column = self.columns.get_mut(column);
        let values = column.ok_or(RemakeError::Corruption("no such column"))?.take(bytes)?;
        let content = content::join(shape, values, set, base)?;
        if content.len() as u64 != content_bytes {
            return Err(RemakeError::Corruption("a content of another length"));
        }
        let entries = set.len() as u64;
        if flags & COUNTS != 0 {
            let counts = content::counts(&content)
                .ok_or(RemakeError::Corruption("a content that counts nothing"))?;
            self.hold(counts)?;
        }
        let mut stored = store(codec, setting, method, &content)?;
        if shape.is_summed() {
            shuffle::append_sum(&mut stored);
        }
        let mut out = self.kept.take(key_bytes)?.to_vec();
        if flags & KEYED != 0 {
            let expected = KeyFields {
                total: key_bytes.saturating_add(stored.len() as u64),
                content: content_bytes,
                offset: self.at,
                last: key_bytes + content::value_end(shape, content_bytes, entries),
            };
            content::patch_key(&mut out, expected, false);
        }
        out.extend_from_slice(&stored);
        Ok(out)
    }

    /// The bytes of the file that a part of a stream gives.
    fn part(&mut self) -> Result<Vec<u8>, RemakeError> {
        let ends = self.recipe.u8()?;
        if ends > (FIRST | LAST) || self.stream.is_some() == (ends & FIRST != 0) {
            return Err(RemakeError::Corruption("a part of a stream out of its order"));
        }
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => Stream::new(self.recipe.u8()?)
                .ok_or(RemakeError::Corruption("an unknown setting of a codec"))?,
        };
        let bytes = self.content_bytes()?;
        let column = self.column()?;
        let left = self.columns.get(column).map_or(0, |column| column.0.len());
        let bytes = self.there(bytes, left);
        let column = self.columns.get_mut(column);
        let content = column.ok_or(RemakeError::Corruption("no such column"))?.take(bytes)?;
        let mut out = Vec::new();
        stream.write(content, &mut out)?;
        if self.stopped {
            // What the encoder still holds depends on what follows.
            return Ok(out);
        }
        if ends & LAST != 0 {
            stream.finish(&mut out)?;
        } else {
            self.stream = Some(stream);
        }
        Ok(out)
    }

    /// Of `n` bytes of a section that has `left`, those that are there: only of a damaged form fewer than all.
    fn there(&mut self, n: u64, left: usize) -> u64 {
        let left = left as u64;
        if !self.damaged || n <= left {
            return n;
        }
        self.stopped = true;
        left
    }

    /// The length of the next content.
    fn content_bytes(&mut self) -> Result<u64, RemakeError> {
        let needed = self.recipe.varint()?;
        if needed > form::MAX_CONTENT {
            return Err(RemakeError::LimitExceeded { needed, limit: form::MAX_CONTENT });
        }
        // Every content costs an encoder's time, also where lengths alone make it long.
        self.work = self.work.saturating_add(needed);
        if self.work > form::MAX_GROUP {
            return Err(RemakeError::LimitExceeded { needed: self.work, limit: form::MAX_GROUP });
        }
        Ok(needed)
    }

    /// The next column's number.
    fn column(&mut self) -> Result<usize, RemakeError> {
        let far = form::unzigzag(self.recipe.varint()?);
        let next = i64::try_from(self.last.wrapping_add(1)).unwrap_or(i64::MAX);
        let column = next.checked_add(far).and_then(|n| usize::try_from(n).ok());
        self.last = column.ok_or(RemakeError::Corruption("no such column"))?;
        Ok(self.last)
    }

    /// Shape of a content, and which set of lengths is its.
    fn shape(&mut self, number: u8) -> Result<(Shape, Option<usize>), RemakeError> {
        if number == 0 {
            return Ok((Shape::Plain, None));
        }
        let unit = self.recipe.varint()?;
        let unit = usize::try_from(unit)
            .ok()
            .filter(|_| (1..=form::MAX_CONTENT).contains(&unit))
            .ok_or(RemakeError::Corruption("values of no bytes"))?;
        if number == 3 {
            let number = self.recipe.u8()?;
            let sums = Sums::of_number(number & !form::PADDED);
            let sums = sums.ok_or(RemakeError::Corruption("unknown sums"))?;
            let padding = if number & form::PADDED != 0 { self.recipe.varint()? } else { 0 };
            return Ok((Shape::Shuffled { unit, sums, padding }, None));
        }
        let set = self.set()?;
        let tail = Tail::of_number(self.recipe.u8()?)?;
        let shape = match number {
            1 => Shape::Jagged { unit, tail },
            2 => {
                let version = u16::try_from(self.recipe.varint()?)
                    .map_err(|_| RemakeError::Corruption("the version of a sequence"))?;
                Shape::Sequences { unit, tail, version }
            }
            _ => return Err(RemakeError::Corruption("an unknown shape")),
        };
        Ok((shape, Some(set)))
    }

    /// The next set of lengths.
    fn set(&mut self) -> Result<usize, RemakeError> {
        let missing = RemakeError::Corruption("no such set of lengths");
        let back = self.recipe.varint()?;
        if back > 0 {
            let back = usize::try_from(back).unwrap_or(usize::MAX);
            return self.lengths.len().checked_sub(back).ok_or(missing);
        }
        let width = self.recipe.u8()?;
        let count = self.recipe.varint()?;
        let column = usize::try_from(self.recipe.varint()?).unwrap_or(usize::MAX);
        if !matches!(width, 1 | 2 | 4) {
            return Err(RemakeError::Corruption("lengths of an unknown width"));
        }
        let column = self.columns.get_mut(column).ok_or(missing)?;
        let bytes = column.take(count.saturating_mul(width.into()))?;
        let lengths = bytes
            .chunks(width.into())
            .map(|chunk| chunk.iter().rev().fold(0u32, |n, byte| (n << 8) | u32::from(*byte)));
        self.hold(lengths.collect())?;
        Ok(self.lengths.len().saturating_sub(1))
    }

    /// Keeps a set of lengths.
    fn hold(&mut self, lengths: Vec<u32>) -> Result<(), RemakeError> {
        self.held = self.held.saturating_add(lengths.len() as u64);
        if self.held > MAX_LENGTHS {
            return Err(RemakeError::LimitExceeded { needed: self.held, limit: MAX_LENGTHS });
        }
        self.lengths.push(lengths);
        Ok(())
    }

    /// Nothing may be left.
    fn finish(&self) -> Result<(), RemakeError> {
        let left = self.columns.iter().chain([&self.kept]).any(|bytes| !bytes.0.is_empty());
        if left {
            Err(RemakeError::Corruption("bytes that the recipe does not name"))
        } else {
            Ok(())
        }
    }
}

/// The stored bytes of a content; in ROOT's blocks where there is a method.
fn store(
    codec: Codec,
    setting: u8,
    method: Option<u8>,
    content: &[u8],
) -> Result<Vec<u8>, RemakeError> {
    let unknown = RemakeError::Corruption("an unknown setting of a codec");
    let Some(method) = method else {
        return codec::remake(codec, setting, content)?.ok_or(unknown);
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
    Ok(out)
}
