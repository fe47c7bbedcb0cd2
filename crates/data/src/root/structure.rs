//! Objects stored whole whose members are all numbers: how the numbers lie between the headers.
//!
//! ```text
//! object := byte count u32 · version u16 · [checksum u32, where the version is 0] · base* · member*
//! ```
//! Every base and every member that is a class is an object again. Headers are compared with what the file's
//! streamers say, version or checksum and length, so that an object of another layout is an error and never read
//! as something else. Source: ROOT's documentation of `TBufferFile::WriteVersion` and `TStreamerInfo`.

use crate::error::DataError;
use crate::root::cursor::Cursor;
use crate::root::layout::{Member, Range};
use crate::root::leaf::packed;
use crate::root::primitive::{Primitive, append_swapped};
use crate::root::streamer::{Element, Streamers};

/// Most pieces of a structure: larger ones are no table.
const MOST: usize = 4096;
/// Deepest nesting of objects.
const DEEPEST: u32 = 32;

/// A stretch of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Piece {
    /// The header of an object of one of two forms.
    Header { version: u32, checksum: u32 },
    /// Where the innermost open object ends.
    End,
    /// The version of a `TObject`, whose numbers follow.
    Object,
    /// Numbers of so many bytes each.
    Numbers { width: usize, count: usize },
}

/// An object without its values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Structure {
    pieces: Vec<Piece>,
}

impl Structure {
    /// The structure of a class and the numbers in it, or why it is none. The outermost header is left out where
    /// the objects are written without.
    pub fn of(
        class: &str,
        header: bool,
        streamers: &Streamers,
    ) -> Result<(Self, Vec<Member>), String> {
        let mut out = Self::default();
        let mut members = Vec::new();
        out.class(class, "", header, streamers, 0, &mut members)?;
        if members.is_empty() {
            return Err(format!("class {class}, without numbers"));
        }
        Ok((out, members))
    }

    fn push(&mut self, piece: Piece) -> Result<(), String> {
        self.pieces.push(piece);
        if self.pieces.len() > MOST { Err("an object of too many members".into()) } else { Ok(()) }
    }

    fn class(
        &mut self,
        class: &str,
        prefix: &str,
        header: bool,
        streamers: &Streamers,
        depth: u32,
        members: &mut Vec<Member>,
    ) -> Result<(), String> {
        // Of several layouts the newest is taken; objects of the others are told by their headers.
        let info = streamers.versions(class).first().copied().cloned();
        let info = info.ok_or_else(|| format!("class {class}, not described"))?;
        if depth > DEEPEST {
            return Err(format!("class {class}, nested too deep"));
        }
        if header {
            self.push(Piece::Header { version: info.version, checksum: info.checksum })?;
        }
        for element in &info.elements {
            let name = format!("{prefix}{}", element.name);
            let inner = element.type_name.trim();
            let deeper = depth.saturating_add(1);
            match element.kind {
                0 => self.class(&element.name, prefix, true, streamers, deeper, members)?,
                61 | 62 => {
                    self.class(inner, &format!("{name}."), true, streamers, deeper, members)?;
                }
                66 => {
                    self.push(Piece::Object)?;
                    for name in ["fUniqueID", "fBits"] {
                        let name = format!("{prefix}{name}");
                        self.number(name, Primitive::U32, None, 1, members)?;
                    }
                }
                kind @ (1..=19 | 21..=39) => {
                    let array = kind > 20;
                    let kind = if array { kind.saturating_sub(20) } else { kind };
                    let count = if array { element.array_length } else { 1 };
                    let (primitive, range) = primitive(kind, element)?;
                    self.number(name, primitive, range, count, members)?;
                }
                _ => return Err(format!("class {class} with {} {name}", element.type_name)),
            }
        }
        if header {
            self.push(Piece::End)?;
        }
        Ok(())
    }

    fn number(
        &mut self,
        name: String,
        primitive: Primitive,
        range: Option<Range>,
        count: u32,
        members: &mut Vec<Member>,
    ) -> Result<(), String> {
        if count == 0 {
            return Err(format!("{name}, an array of no length"));
        }
        let n = usize::try_from(count).unwrap_or(usize::MAX);
        self.push(Piece::Numbers { width: primitive.bytes(), count: n })?;
        members.push(Member { name, primitive, count, range });
        Ok(())
    }

    /// Appends the numbers of one object, little-endian.
    pub fn read(&self, c: &mut Cursor<'_>, out: &mut Vec<u8>) -> Result<(), DataError> {
        let mut ends = Vec::new();
        for piece in &self.pieces {
            match *piece {
                Piece::Header { version, checksum } => {
                    let found = c.version()?;
                    let is_right = match found.number {
                        0 => c.u32()? == checksum,
                        n => u32::from(n) == version,
                    };
                    let Some(end) = found.end.filter(|_| is_right) else {
                        return Err(DataError::unsupported("an object of another version"));
                    };
                    ends.push(end);
                }
                Piece::End => {
                    if ends.pop() != Some(c.position()) {
                        return Err(DataError::corrupt("an object of another length"));
                    }
                }
                Piece::Object => {
                    if c.u16()? != 1 {
                        return Err(DataError::unsupported("a TObject of another version"));
                    }
                }
                Piece::Numbers { width, count } => {
                    let bytes = c.bytes(width.saturating_mul(count))?;
                    append_swapped(bytes, width, out);
                }
            }
        }
        Ok(())
    }
}

/// The stored type of a member by ROOT's number.
fn primitive(kind: i32, element: &Element) -> Result<(Primitive, Option<Range>), String> {
    match Primitive::of_kind(i64::from(kind)) {
        Some(plain) if matches!(kind, 9 | 19) => packed(&element.title, plain),
        Some(plain) => Ok((plain, None)),
        None => Err(format!("type {kind}")),
    }
}
