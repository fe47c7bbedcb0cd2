//! A file as groups of sections: its pieces opened, their contents sorted by column.

mod columns;
mod open;
mod stream;
mod tables;

use crate::codec::{Codec, Search};
use crate::content::lengths::Lengths;
use crate::content::shuffle::Sums;
use crate::content::{self, KeyFields, Parts, Shape};
use crate::error::RemakeError;
use crate::form::{self, COUNTS, FRAMED, KEYED, put};
use crate::memory;
use crate::scan::{Item, Piece, Plan, ValueKind};
use columns::Columns;
use open::{Opened, open};
use std::borrow::Cow;
use std::io::{Read, Seek, SeekFrom};
use stream::{Part, Stream};
use vxc_tokens::RecordLayout;

/// Bytes that are kept are read in steps of this size.
const STEP: u64 = 16 << 20;
/// Most bytes of a group without its recipe. Where a piece comes last they are fewer.
const MOST: u64 = form::MAX_GROUP - memory::OVERHEAD;
const _: () = assert!(form::GROUP + form::GROUP / 4 + form::MAX_CONTENT <= MOST);

/// Bytes of the unpacked form that are alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    /// The bytes.
    pub bytes: Vec<u8>,
    /// What they are; none for bytes that are no records.
    pub layout: Option<RecordLayout>,
    /// Whether nothing is known of them, so that they are to be looked at.
    pub unknown: bool,
}

/// A part of the unpacked form that can be read by itself: its sections, one after the other.
pub type Group = Vec<Section>;

/// What was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Blocks, compressed ones.
    pub blocks: u64,
    /// Those that are made again.
    pub remade: u64,
    /// Their bytes in the file.
    pub remade_bytes: u64,
    /// Bytes of the unpacked form.
    pub form_bytes: u64,
    /// Bytes that a compressor would make of the file as it is, about.
    pub plain_bytes: u64,
}

/// Gives the groups of a planned file to `sink`.
///
/// # Errors
/// I/O, [`RemakeError::Encoder`], those of `sink`. Damage in the file is none: what cannot be opened is kept.
pub fn pack<R: Read + Seek, E: From<RemakeError>>(
    file: &mut R,
    plan: &Plan,
    mut sink: impl FnMut(Group) -> Result<(), E>,
) -> Result<Tally, E> {
    let columns = Columns::new(&plan.tables);
    let mut packer = Packer { last: usize::MAX, columns, ..Packer::default() };
    for item in &plan.items {
        match &item.piece {
            Some(Piece { stream: Some(setting), column, kind, .. }) => {
                let mut stream = Stream::new(item, *setting);
                while let Some(part) = stream.next(file)? {
                    packer.part(&part, *column, kind);
                    if packer.size >= form::GROUP {
                        sink(packer.finish()?)?;
                    }
                }
                packer.tally.blocks += 1;
                packer.tally.remade += 1;
                packer.tally.remade_bytes += item.bytes;
                packer.tally.plain_bytes += item.bytes;
            }
            _ => packer.item(file, item, &mut sink)?,
        }
        if packer.is_full() {
            sink(packer.finish()?)?;
        }
    }
    // The last part of a stream may be empty.
    if packer.size > 0 || !packer.recipe.is_empty() {
        sink(packer.finish()?)?;
    }
    Ok(packer.tally)
}

#[derive(Default)]
struct Packer {
    search: Search,
    tally: Tally,
    recipe: Vec<u8>,
    kept: Vec<u8>,
    columns: Columns,
    /// Sets of lengths of this group.
    lengths: Vec<Vec<u32>>,
    /// Kept bytes that the recipe does not name yet.
    pending: u64,
    /// Bytes of the group, about.
    size: u64,
    /// The column named last.
    last: usize,
}

impl Packer {
    /// Whether the group is to end behind this item.
    fn is_full(&self) -> bool {
        let columns = memory::columns(self.columns.count() as u64);
        let sets = memory::sets(self.lengths.len() as u64);
        // Rows of a table come together where writers flush all columns at once.
        self.size >= form::GROUP + form::GROUP / 4
            || (self.size >= form::GROUP && self.columns.are_level())
            || self.recipe.len() as u64 + columns + sets >= memory::OVERHEAD
    }

    /// Adds an item; where its bytes are kept and too many for the group, those so far go to `sink`.
    fn item<R: Read + Seek, E: From<RemakeError>>(
        &mut self,
        file: &mut R,
        item: &Item,
        mut sink: impl FnMut(Group) -> Result<(), E>,
    ) -> Result<(), E> {
        if let Some(piece) = &item.piece
            && piece.content_bytes <= form::MAX_CONTENT
            && item.bytes <= form::MAX_CONTENT
            && let Some(stored_bytes) = item.bytes.checked_sub(piece.key_bytes.into())
        {
            let bytes = read(file, item.offset, item.bytes)?;
            let (key, stored) = bytes.split_at(bytes.len() - to_usize(stored_bytes));
            if let Some(opened) = open(&mut self.search, &mut self.tally, piece, stored)? {
                self.tally.plain_bytes += key.len() as u64 / 4;
                self.tally.plain_bytes += match opened.codec {
                    Codec::Stored => quick(stored),
                    _ => stored_bytes,
                };
                self.piece(piece, item, key, opened);
            } else {
                self.keep(&bytes);
            }
            return Ok(());
        }
        let mut at = 0;
        while at < item.bytes {
            let n = STEP.min(item.bytes - at);
            if self.size + n > MOST {
                sink(self.finish()?)?;
            }
            let bytes = read(file, item.offset + at, n)?;
            self.keep(&bytes);
            at += n;
        }
        Ok(())
    }

    /// A part of a stream.
    fn part(&mut self, part: &Part, column: usize, kind: &ValueKind) {
        self.flush();
        self.recipe.extend([form::STREAM, part.ends]);
        if part.ends & form::FIRST != 0 {
            self.recipe.push(part.setting);
        }
        put(&mut self.recipe, part.content.len() as u64);
        let column = self.columns.find(column, kind);
        self.name(column);
        self.columns.append(column, &part.content);
        self.size += part.content.len() as u64;
    }

    fn keep(&mut self, bytes: &[u8]) {
        self.tally.plain_bytes += quick(bytes);
        self.kept.extend_from_slice(bytes);
        self.pending += bytes.len() as u64;
        self.size += bytes.len() as u64;
    }

    fn piece(&mut self, piece: &Piece, item: &Item, key: &[u8], opened: Opened) {
        let Opened { codec, setting, method, content } = opened;
        let base = piece.key_bytes;
        let border = match piece.shape {
            Shape::Plain => None,
            Shape::Shuffled { .. } => Some(content.len()),
            Shape::Jagged { .. } | Shape::Sequences { .. } => content::border(key),
        };
        // What does not come together again as it was is not taken apart.
        let parts = border
            .and_then(|border| content::split(&content, piece.shape, border, base))
            .filter(|parts| {
                content::join(parts.shape, &parts.values, parts.lengths.iter().copied(), base)
                    .is_ok_and(|joined| joined == content)
            });
        let known = piece.shape == Shape::Plain || parts.is_some();
        let (shape, values, lengths) = match &parts {
            Some(Parts { shape, values, lengths }) => (*shape, &values[..], &lengths[..]),
            // The sum behind the stored bytes was found right, whatever the content is.
            None if piece.shape.is_summed() => {
                (Shape::Shuffled { unit: 1, sums: Sums::STORED, padding: 0 }, &content[..], &[][..])
            }
            None => (Shape::Plain, &content[..], &[][..]),
        };
        let kind = if known && values.len() % piece.kind.record_bytes() == 0 {
            piece.kind.clone()
        } else {
            ValueKind::Bytes
        };
        let counts = (piece.counts && parts.is_none())
            .then(|| Lengths::counts(Cow::Borrowed(&content)))
            .flatten()
            .map(|counts| counts.iter().collect());

        self.flush();
        let keyed = !key.is_empty();
        self.recipe.push(
            (codec.number() + 1)
                | if piece.framed { FRAMED } else { 0 }
                | if keyed { KEYED } else { 0 }
                | if counts.is_some() { COUNTS } else { 0 }
                | (shape.number() << form::SHAPE_SHIFT),
        );
        if keyed {
            put(&mut self.recipe, key.len() as u64);
        }
        if piece.framed {
            self.recipe.push(method);
        }
        self.recipe.push(setting);
        put(&mut self.recipe, content.len() as u64);
        let column = self.columns.find(piece.column, &kind);
        self.name(column);
        match shape {
            Shape::Plain => {}
            Shape::Jagged { unit, tail } => {
                put(&mut self.recipe, unit as u64);
                self.lengths(lengths);
                self.recipe.push(tail.number());
            }
            Shape::Sequences { unit, tail, version } => {
                put(&mut self.recipe, unit as u64);
                self.lengths(lengths);
                self.recipe.push(tail.number());
                put(&mut self.recipe, version.into());
            }
            Shape::Shuffled { unit, sums, padding } => {
                put(&mut self.recipe, unit as u64);
                self.recipe.push(sums.number() | if padding > 0 { form::PADDED } else { 0 });
                if padding > 0 {
                    put(&mut self.recipe, padding);
                }
            }
        }
        self.columns.append(column, values);
        self.lengths.extend(counts);
        if keyed {
            let ends = content::value_end(shape, content.len() as u64, lengths.len() as u64);
            let expected = KeyFields {
                total: item.bytes,
                content: content.len() as u64,
                offset: item.offset,
                last: u64::from(base) + ends,
            };
            let mut key = key.to_vec();
            content::patch_key(&mut key, expected, true);
            self.kept.extend_from_slice(&key);
        }
        self.size += key.len() as u64 + content.len() as u64;
    }

    /// Names a column in the recipe.
    fn name(&mut self, column: usize) {
        let next = self.last.wrapping_add(1);
        let far = i64::try_from(column).unwrap_or(0) - i64::try_from(next).unwrap_or(0);
        put(&mut self.recipe, form::zigzag(far));
        self.last = column;
    }

    /// Names a set of lengths in the recipe, and keeps it.
    fn lengths(&mut self, lengths: &[u32]) {
        if let Some(at) = self.lengths.iter().rposition(|set| set == lengths) {
            put(&mut self.recipe, (self.lengths.len() - at) as u64);
            return;
        }
        let largest = lengths.iter().copied().max().unwrap_or(0);
        let width = match largest {
            0..=0xff => 1u8,
            0x100..=0xffff => 2,
            _ => 4,
        };
        self.recipe.extend([0, width]);
        put(&mut self.recipe, lengths.len() as u64);
        let column = self.columns.of_lengths(width);
        put(&mut self.recipe, column as u64);
        let bytes: Vec<u8> =
            lengths.iter().flat_map(|n| n.to_le_bytes().into_iter().take(width.into())).collect();
        self.columns.append(column, &bytes);
        self.lengths.push(lengths.to_vec());
    }

    /// Names the kept bytes in the recipe.
    fn flush(&mut self) {
        if self.pending > 0 {
            self.recipe.push(0);
            put(&mut self.recipe, self.pending);
            self.pending = 0;
        }
    }

    fn finish(&mut self) -> Result<Group, RemakeError> {
        self.flush();
        self.size = 0;
        self.last = usize::MAX;
        self.lengths.clear();
        let columns = self.columns.take();
        let recipe = std::mem::take(&mut self.recipe);
        let kept = std::mem::take(&mut self.kept);
        let group = columns.sections(recipe, kept)?;
        self.tally.form_bytes += group.iter().map(|s| s.bytes.len() as u64).sum::<u64>();
        Ok(group)
    }
}

/// What a quick compressor makes of bytes.
fn quick(bytes: &[u8]) -> u64 {
    let most = bytes.len();
    zstd::bulk::compress(bytes, 1).map_or(most, |coded| coded.len().min(most)) as u64
}

fn to_usize(n: u64) -> usize {
    usize::try_from(n).unwrap_or(usize::MAX)
}

/// Exactly so many bytes of a file.
fn read<R: Read + Seek>(file: &mut R, offset: u64, n: u64) -> Result<Vec<u8>, RemakeError> {
    file.seek(SeekFrom::Start(offset))?;
    let mut out = Vec::new();
    file.by_ref().take(n).read_to_end(&mut out)?;
    if out.len() as u64 != n {
        let shorter = std::io::Error::new(std::io::ErrorKind::UnexpectedEof, "it became shorter");
        return Err(shorter.into());
    }
    Ok(out)
}
