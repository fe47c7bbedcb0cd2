//! What a piece's content is made of: values, and lengths of entries in the form that a basket of ROOT has them.
//!
//! ```text
//! jagged    := values · tail                  entry i has length[i] · unit bytes
//! sequences := (0x40000000 + bytes u32 · version u16 · n u32 · n · unit bytes)* · tail
//! tail      := offsets + 1 u32 · offset u32 *  · last u32 (0, or where the values end)
//! ```
//! All numbers are big-endian, and offsets count from the start of the record's key. [`split`] takes such a content
//! apart if that is all there is to it, and [`join`] is the inverse; the caller compares. [`shuffle`] has the shape of
//! HDF5's chunks.

pub mod fletcher;
pub mod lengths;
pub mod shuffle;

use crate::error::RemakeError;
use crate::form;
use shuffle::Sums;
use std::borrow::Cow;

/// Added to the number of bytes of a sequence.
const BYTE_COUNT: u32 = 0x4000_0000;
/// Bytes of a sequence before its values.
const HEAD: usize = 10;
/// Bytes of a sequence that its number does not count: the number.
const UNCOUNTED: u32 = 4;
/// And those of its head that it counts.
const COUNTED: u32 = 6;

/// The fields of a key that the recipe knows: total bytes, bytes of content, its own offset.
const TOTAL: usize = 0;
const CONTENT: usize = 6;
const OFFSET: usize = 18;
/// The class in a basket's key.
const BASKET: &[u8] = b"\x07TBasket";
/// The version, in whose keys offsets have 8 bytes above [`LARGE`].
const VERSION: usize = 4;
const LARGE: u16 = 1000;

/// How a content ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tail {
    /// Offsets whose last word is 0.
    Zero,
    /// Offsets whose last word is where the values end.
    End,
    /// Nothing behind the values.
    None,
}

impl Tail {
    /// Its number in a recipe.
    pub const fn number(self) -> u8 {
        match self {
            Tail::Zero => 0,
            Tail::End => 1,
            Tail::None => 2,
        }
    }

    /// The tail of a number.
    ///
    /// # Errors
    /// [`RemakeError::Corruption`] where there is none.
    pub fn of_number(number: u8) -> Result<Self, RemakeError> {
        match number {
            0 => Ok(Tail::Zero),
            1 => Ok(Tail::End),
            2 => Ok(Tail::None),
            _ => Err(RemakeError::Corruption("an unknown end of a content")),
        }
    }
}

/// Shape of a content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Values alone.
    Plain,
    /// Entries of several values of `unit` bytes.
    Jagged {
        /// Bytes of a value.
        unit: usize,
        /// What follows the values.
        tail: Tail,
    },
    /// The same, each with a header.
    Sequences {
        /// Bytes of a value.
        unit: usize,
        /// What follows the values.
        tail: Tail,
        /// Version in the headers.
        version: u16,
    },
    /// Values whose bytes were taken apart, and sums.
    Shuffled {
        /// Bytes of a value; 1 where nothing was taken apart.
        unit: usize,
        /// Which sums there are.
        sums: Sums,
        /// Zeros behind the values.
        padding: u64,
    },
}

impl Shape {
    /// Its number in the flags.
    pub const fn number(self) -> u8 {
        match self {
            Shape::Plain => 0,
            Shape::Jagged { .. } => 1,
            Shape::Sequences { .. } => 2,
            Shape::Shuffled { .. } => 3,
        }
    }

    /// Whether a sum stands behind the stored bytes.
    pub const fn is_summed(self) -> bool {
        matches!(self, Shape::Shuffled { sums, .. } if sums.has(Sums::STORED))
    }
}

/// A content taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parts {
    /// With its tail and version as found.
    pub shape: Shape,
    /// Values, as they lie in the file.
    pub values: Vec<u8>,
    /// Values of each entry.
    pub lengths: Vec<u32>,
}

/// Takes a content apart that is expected to be of a shape, with values that end at `border` (which a shuffled one does
/// not need); `None` if it is not. `base` is the number of bytes of the key.
pub fn split(content: &[u8], expected: Shape, border: usize, base: u32) -> Option<Parts> {
    let unit = match expected {
        Shape::Plain => return None,
        Shape::Jagged { unit, .. } | Shape::Sequences { unit, .. } => unit,
        Shape::Shuffled { unit, .. } => unit,
    };
    if unit as u64 > form::MAX_CONTENT {
        // No reader takes it.
        return None;
    }
    if let Shape::Shuffled { unit, sums, padding } = expected {
        let mut values = shuffle::split(content, unit, sums)?;
        let end = usize::try_from(padding).ok().and_then(|n| values.len().checked_sub(n));
        let zeros = |end: &usize| values.get(*end..).is_some_and(|p| p.iter().all(|&b| b == 0));
        let (end, padding) = end.filter(zeros).map_or((values.len(), 0), |end| (end, padding));
        values.truncate(end);
        let shape = Shape::Shuffled { unit, sums, padding };
        return Some(Parts { shape, values, lengths: Vec::new() });
    }
    let (values, tail_bytes) = content.split_at_checked(border)?;
    let end = base.checked_add(u32::try_from(border).ok()?)?;
    let (tail, ends) = if tail_bytes.is_empty() {
        (Tail::None, None)
    } else {
        let words: Vec<u32> = words(tail_bytes)?.collect();
        let (count, offsets) = words.split_first()?;
        let (last, starts) = offsets.split_last()?;
        if usize::try_from(*count).ok()? != offsets.len() {
            return None;
        }
        let tail = match *last {
            0 => Tail::Zero,
            last if last == end => Tail::End,
            _ => return None,
        };
        if starts.first().is_some_and(|first| *first != base) {
            return None;
        }
        let mut ends: Vec<u32> = starts.get(1..).unwrap_or_default().to_vec();
        if !starts.is_empty() {
            ends.push(end);
        }
        (tail, Some(ends))
    };
    match expected {
        Shape::Plain | Shape::Shuffled { .. } => None,
        Shape::Jagged { unit, .. } => {
            let wide = u32::try_from(unit).ok().filter(|unit| *unit > 0)?;
            let mut from = base;
            let mut lengths = Vec::new();
            for to in ends? {
                let bytes = to.checked_sub(from)?;
                lengths.push((bytes % wide == 0).then_some(bytes / wide)?);
                from = to;
            }
            Some(Parts { shape: Shape::Jagged { unit, tail }, values: values.to_vec(), lengths })
        }
        Shape::Sequences { unit, .. } => {
            let mut rest = values;
            let (mut lengths, mut out) = (Vec::new(), Vec::new());
            let mut version = None;
            while !rest.is_empty() {
                let (head, body) = rest.split_at_checked(HEAD)?;
                let found = head.get(4..6)?.try_into().map(u16::from_be_bytes).ok()?;
                if *version.get_or_insert(found) != found {
                    return None;
                }
                let n = head.get(6..)?.try_into().map(u32::from_be_bytes).ok()?;
                let bytes = usize::try_from(n).ok()?.checked_mul(unit)?;
                let (now, later) = body.split_at_checked(bytes)?;
                out.extend_from_slice(now);
                lengths.push(n);
                rest = later;
            }
            let version = version.unwrap_or(0);
            Some(Parts { shape: Shape::Sequences { unit, tail, version }, values: out, lengths })
        }
    }
}

fn words(bytes: &[u8]) -> Option<impl Iterator<Item = u32>> {
    let (words, rest) = bytes.as_chunks::<4>();
    rest.is_empty().then(|| words.iter().map(|word| u32::from_be_bytes(*word)))
}

/// Bytes that the values of a content take, from shape, number of entries and the whole.
///
/// # Errors
/// [`RemakeError::Corruption`] where they do not fit.
pub fn value_bytes(shape: Shape, entries: u64, content: u64) -> Result<u64, RemakeError> {
    let wrong = RemakeError::Corruption("a content that its lengths do not fit");
    let (tail, heads) = match shape {
        Shape::Plain => return Ok(content),
        Shape::Shuffled { sums, padding, .. } => {
            let values = content.checked_sub(sums.content_bytes());
            return values.and_then(|bytes| bytes.checked_sub(padding)).ok_or(wrong);
        }
        Shape::Jagged { tail, .. } => (tail, 0),
        Shape::Sequences { tail, .. } => (tail, entries.saturating_mul(HEAD as u64)),
    };
    let tail = match tail {
        Tail::None => 0,
        Tail::Zero | Tail::End => tail_bytes(entries),
    };
    content.checked_sub(tail.saturating_add(heads)).ok_or(wrong)
}

/// Where the values of a content end, headers included, before its tail.
pub fn value_end(shape: Shape, content: u64, entries: u64) -> u64 {
    match shape {
        Shape::Jagged { tail: Tail::Zero | Tail::End, .. }
        | Shape::Sequences { tail: Tail::Zero | Tail::End, .. } => {
            content.saturating_sub(tail_bytes(entries))
        }
        _ => content,
    }
}

const fn tail_bytes(entries: u64) -> u64 {
    entries.saturating_mul(4).saturating_add(8)
}

/// The content of values and lengths: the inverse of [`split`]. It is the values themselves where there is nothing to
/// add to them, and takes no more memory than its length.
///
/// # Errors
/// [`RemakeError::Corruption`] where they do not fit.
pub fn join<'a>(
    shape: Shape,
    values: &'a [u8],
    lengths: impl ExactSizeIterator<Item = u32> + Clone,
    base: u32,
) -> Result<Cow<'a, [u8]>, RemakeError> {
    let wrong = || RemakeError::Corruption("values that their lengths do not fit");
    let (unit, tail, version) = match shape {
        Shape::Plain => return Ok(Cow::Borrowed(values)),
        Shape::Shuffled { unit, sums, padding } => {
            let padding = usize::try_from(padding).map_err(|_| wrong())?;
            return Ok(shuffle::join(values, padding, unit, sums).into());
        }
        Shape::Jagged { unit, tail } => (unit, tail, None),
        Shape::Sequences { unit, tail, version } => (unit, tail, Some(version)),
    };
    let wide = u32::try_from(unit).map_err(|_| wrong())?;
    let entries = lengths.len();
    let heads = if version.is_some() { entries.saturating_mul(HEAD) } else { 0 };
    let behind = if tail == Tail::None { 0 } else { tail_bytes(entries as u64) };
    let behind = usize::try_from(behind).unwrap_or(usize::MAX);
    let total = values.len().saturating_add(heads).saturating_add(behind);
    let mut out = Vec::with_capacity(total);
    let (mut rest, mut at) = (values, base);
    for n in lengths.clone() {
        let (bytes, step) = entry(n, wide, version.is_some()).ok_or_else(wrong)?;
        if let Some(version) = version {
            let counted = bytes.checked_add(COUNTED).ok_or_else(wrong)?;
            out.extend_from_slice(&(counted | BYTE_COUNT).to_be_bytes());
            out.extend_from_slice(&version.to_be_bytes());
            out.extend_from_slice(&n.to_be_bytes());
        }
        let bytes = usize::try_from(bytes).map_err(|_| wrong())?;
        let (now, later) = rest.split_at_checked(bytes).ok_or_else(wrong)?;
        out.extend_from_slice(now);
        rest = later;
        at = at.checked_add(step).ok_or_else(wrong)?;
    }
    if !rest.is_empty() {
        return Err(wrong());
    }
    if tail != Tail::None {
        let count = u32::try_from(entries).ok().and_then(|n| n.checked_add(1));
        out.extend_from_slice(&count.ok_or_else(wrong)?.to_be_bytes());
        let mut start = base;
        for n in lengths {
            out.extend_from_slice(&start.to_be_bytes());
            let (_, step) = entry(n, wide, version.is_some()).ok_or_else(wrong)?;
            start = start.checked_add(step).ok_or_else(wrong)?;
        }
        let last = if tail == Tail::End { at } else { 0 };
        out.extend_from_slice(&last.to_be_bytes());
    }
    Ok(out.into())
}

/// Bytes of the values of an entry, and of the whole entry.
fn entry(n: u32, wide: u32, headed: bool) -> Option<(u32, u32)> {
    let bytes = n.checked_mul(wide)?;
    let head = if headed { COUNTED + UNCOUNTED } else { 0 };
    Some((bytes, bytes.checked_add(head)?))
}

/// What the fields of a key are expected to be.
#[derive(Clone, Copy, Debug)]
pub struct KeyFields {
    /// Bytes of the record.
    pub total: u64,
    /// Bytes of its content.
    pub content: u64,
    /// Its place in the file.
    pub offset: u64,
    /// Where the values end, if it is a basket.
    pub last: u64,
}

/// Turns the known fields of a key into differences to what is expected (`forward`), or back. Arithmetic wraps: every
/// key goes both ways.
pub fn patch_key(key: &mut [u8], expected: KeyFields, forward: bool) {
    let large = field::<2>(key, VERSION).is_some_and(|v| u16::from_be_bytes(v) > LARGE);
    word(key, TOTAL, expected.total, forward);
    word(key, CONTENT, expected.content, forward);
    word(key, if large { OFFSET + 4 } else { OFFSET }, expected.offset, forward);
    // Behind the class's name, so that no two fields overlap.
    let name_at = OFFSET + if large { 16 } else { 8 };
    let is_basket = key.get(name_at..).is_some_and(|rest| rest.starts_with(BASKET));
    if let (true, Some(at)) = (is_basket, last_at(key.len(), name_at)) {
        word(key, at, expected.last, forward);
    }
}

/// Where the values of a basket end, counted from the start of the values; none where the key is no basket's.
pub fn border(key: &[u8]) -> Option<usize> {
    let at = last_at(key.len(), OFFSET + 8)?;
    let last = usize::try_from(field::<4>(key, at).map(u32::from_be_bytes)?).ok()?;
    last.checked_sub(key.len())
}

fn last_at(key_bytes: usize, name_at: usize) -> Option<usize> {
    key_bytes.checked_sub(5).filter(|at| *at >= name_at + BASKET.len())
}

fn field<const N: usize>(key: &[u8], at: usize) -> Option<[u8; N]> {
    key.get(at..)?.first_chunk().copied()
}

fn word(key: &mut [u8], at: usize, expected: u64, forward: bool) {
    let expected = u32::try_from(expected & u64::from(u32::MAX)).unwrap_or(u32::MAX);
    if let Some(field) = key.get_mut(at..).and_then(|k| k.first_chunk_mut::<4>()) {
        let n = u32::from_be_bytes(*field);
        let n = if forward { n.wrapping_sub(expected) } else { n.wrapping_add(expected) };
        *field = n.to_be_bytes();
    }
}
