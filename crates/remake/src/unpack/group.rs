//! One group of a form, as the bytes of the file that its recipe stands for.

use super::UNENDED;
use super::store::store;
use crate::codec::Codec;
use crate::codec::deflate::Stream;
use crate::content::lengths::Lengths;
use crate::content::shuffle::{self, Sums};
use crate::content::{self, KeyFields, Shape, Tail};
use crate::error::RemakeError;
use crate::form::{self, Bytes, COUNTS, FIRST, FRAMED, KEYED, LAST};
use crate::memory;
use std::borrow::Cow;

/// Most bytes of a key.
const MAX_KEY: u64 = 1 << 16;
/// Most lengths of a group, over all its sets.
const MAX_LENGTHS: u64 = form::MAX_GROUP;

/// Bytes of the file that an op stands for.
pub(super) struct Made<'a> {
    pub key: Vec<u8>,
    pub stored: Cow<'a, [u8]>,
}

impl<'a> Made<'a> {
    fn bytes(stored: impl Into<Cow<'a, [u8]>>) -> Self {
        Self { key: Vec::new(), stored: stored.into() }
    }
}

/// A group that is being read.
pub(super) struct Group<'a> {
    /// Most memory, and what of it is taken to the end of the group.
    pub memory: u64,
    pub taken: u64,
    pub recipe: Bytes<'a>,
    pub kept: Bytes<'a>,
    pub columns: Vec<Bytes<'a>>,
    pub lengths: Vec<Lengths<'a>>,
    /// Lengths in all sets.
    pub held: u64,
    /// Bytes of contents so far, or the lengths they were put together by where those are more.
    pub work: u64,
    /// The column named last.
    pub last: usize,
    /// Bytes of the file so far.
    pub at: u64,
    /// A stream that has not ended.
    pub stream: Option<Stream>,
    /// Whether sections end where their first lost byte was.
    pub damaged: bool,
    /// Whether less came out than the recipe says.
    pub stopped: bool,
}

impl<'a> Group<'a> {
    /// The bytes of the file that the next entry of the recipe stands for.
    pub fn op(&mut self) -> Result<Made<'a>, RemakeError> {
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
            return self.kept.take(n).map(Made::bytes);
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
        let set = lengths.and_then(|at| self.lengths.get(at));
        let entries = set.map_or(0, Lengths::entries);
        // Each use of a set takes time, whatever it adds to the content.
        self.charge(entries.saturating_sub(content_bytes))?;
        let bytes = content::value_bytes(shape, entries, content_bytes)?;
        let framed = method.is_some();
        self.room(memory::piece(codec, setting, framed, shape, content_bytes))?;
        let column = self.columns.get_mut(column);
        let values = column.ok_or(RemakeError::Corruption("no such column"))?.take(bytes)?;
        let none = Lengths::none();
        let set = lengths.and_then(|at| self.lengths.get(at)).unwrap_or(&none);
        let content = content::join(shape, values, set.iter(), base)?;
        if content.len() as u64 != content_bytes {
            return Err(RemakeError::Corruption("a content of another length"));
        }
        let mut stored = match store(codec, setting, method, &content)? {
            Some(stored) => Cow::Owned(stored),
            None => content.clone(),
        };
        if shape.is_summed() {
            shuffle::append_sum(stored.to_mut());
        }
        if flags & COUNTS != 0 {
            let owned = if matches!(content, Cow::Owned(_)) { content_bytes } else { 0 };
            let counts = Lengths::counts(content)
                .ok_or(RemakeError::Corruption("a content that counts nothing"))?;
            self.hold(counts, owned)?;
        }
        let mut key = self.kept.take(key_bytes)?.to_vec();
        if flags & KEYED != 0 {
            let expected = KeyFields {
                total: key_bytes.saturating_add(stored.len() as u64),
                content: content_bytes,
                offset: self.at,
                last: key_bytes + content::value_end(shape, content_bytes, entries),
            };
            content::patch_key(&mut key, expected, false);
        }
        Ok(Made { key, stored })
    }

    /// The bytes of the file that a part of a stream gives.
    fn part(&mut self) -> Result<Made<'a>, RemakeError> {
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
        self.room(memory::part(bytes))?;
        let mut out = Vec::new();
        stream.write_all(content, &mut out)?;
        if self.stopped {
            // What the encoder still holds depends on what follows.
            return Ok(Made::bytes(out));
        }
        if ends & LAST != 0 {
            stream.finish(&mut out)?;
        } else {
            self.stream = Some(stream);
        }
        Ok(Made::bytes(out))
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
        self.charge(needed)?;
        Ok(needed)
    }

    /// Counts work.
    fn charge(&mut self, work: u64) -> Result<(), RemakeError> {
        self.work = self.work.saturating_add(work);
        if self.work > form::MAX_GROUP {
            return Err(RemakeError::LimitExceeded { needed: self.work, limit: form::MAX_GROUP });
        }
        Ok(())
    }

    /// Whether there is memory for so much more.
    const fn room(&self, more: u64) -> Result<(), RemakeError> {
        memory::check(self.taken.saturating_add(more), self.memory)
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
        let column = self.columns.get_mut(column).ok_or(missing)?;
        let bytes = column.take(count.saturating_mul(width.into()))?;
        let lengths = Lengths::little(bytes, width);
        self.hold(lengths.ok_or(RemakeError::Corruption("lengths of an unknown width"))?, 0)?;
        Ok(self.lengths.len().saturating_sub(1))
    }

    /// Keeps a set of lengths with so many bytes of its own.
    fn hold(&mut self, lengths: Lengths<'a>, owned: u64) -> Result<(), RemakeError> {
        self.held = self.held.saturating_add(lengths.entries());
        if self.held > MAX_LENGTHS {
            return Err(RemakeError::LimitExceeded { needed: self.held, limit: MAX_LENGTHS });
        }
        self.taken = self.taken.saturating_add(owned).saturating_add(memory::sets(1));
        self.room(0)?;
        self.lengths.push(lengths);
        Ok(())
    }

    /// Nothing may be left.
    pub fn finish(&self) -> Result<(), RemakeError> {
        let left = self.columns.iter().chain([&self.kept]).any(|bytes| !bytes.0.is_empty());
        if left {
            Err(RemakeError::Corruption("bytes that the recipe does not name"))
        } else {
            Ok(())
        }
    }
}
