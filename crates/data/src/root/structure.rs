//! Objects stored whole whose members are all numbers: how the numbers lie between the headers.
//!
//! ```text
//! object := byte count u32 · version u16 · [checksum u32, where the version is 0] · base* · member*
//! ```
//! Every base and every member that is a class is an object again. In a sequence written *member by member*, the
//! objects have no header of their own: version (or 0 and checksum) come once, then the first member of all objects,
//! then the second and so on, bases first and without headers too. Headers are compared with what the file's
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

/// Where a class is in the object.
#[derive(Clone, Copy, Debug)]
struct Place<'a> {
    /// What the names of its members begin with.
    prefix: &'a str,
    /// Whether it is written with a header.
    header: bool,
    depth: u32,
    /// Whether it is the outermost class or one of its bases.
    outer: bool,
}

/// An object without its values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Structure {
    pieces: Vec<Piece>,
    /// Version and checksum of the outermost class.
    version: u32,
    checksum: u32,
    /// The pieces of each member of the outermost class, those of its bases first.
    members: Vec<std::ops::Range<usize>>,
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
        let at = Place { prefix: "", header, depth: 0, outer: true };
        out.class(class, at, streamers, &mut members)?;
        if members.is_empty() {
            return Err(format!("class {class}, without numbers"));
        }
        Ok((out, members))
    }

    /// Bytes that it holds.
    pub fn held_bytes(&self) -> usize {
        size_of_val(self.pieces.as_slice()).saturating_add(size_of_val(self.members.as_slice()))
    }

    fn push(&mut self, piece: Piece) -> Result<(), String> {
        self.pieces.push(piece);
        if self.pieces.len() > MOST { Err("an object of too many members".into()) } else { Ok(()) }
    }

    fn class(
        &mut self,
        class: &str,
        at: Place<'_>,
        streamers: &Streamers,
        members: &mut Vec<Member>,
    ) -> Result<(), String> {
        let Place { prefix, header, depth, outer } = at;
        if class == "TDatime" {
            let name = format!("{prefix}fDatime");
            return self.number(name, Primitive::U32, None, 1, members);
        }
        // Of several layouts the newest is taken; objects of the others are told by their headers.
        let info = streamers.versions(class).first().copied().cloned();
        let info = info.ok_or_else(|| format!("class {class}, not described"))?;
        if depth > DEEPEST {
            return Err(format!("class {class}, nested too deep"));
        }
        if header {
            self.push(Piece::Header { version: info.version, checksum: info.checksum })?;
        }
        if depth == 0 {
            (self.version, self.checksum) = (info.version, info.checksum);
        }
        for element in &info.elements {
            let name = format!("{prefix}{}", element.name);
            let inner = element.type_name.trim();
            let deeper = depth.saturating_add(1);
            let start = self.pieces.len();
            match element.kind {
                0 => {
                    let base = Place { prefix, header: true, depth: deeper, outer };
                    self.class(&element.name, base, streamers, members)?;
                }
                61 | 62 => {
                    let prefix = &format!("{name}.");
                    let member = Place { prefix, header: true, depth: deeper, outer: false };
                    self.class(inner, member, streamers, members)?;
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
            if outer && element.kind != 0 {
                self.members.push(start..self.pieces.len());
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
        Self::read_pieces(&self.pieces, c, out)
    }

    /// Appends the numbers of the objects of a sequence written member by member, whose own version was read;
    /// each takes `record` bytes. Gives their number.
    pub fn read_members(
        &self,
        c: &mut Cursor<'_>,
        record: usize,
        out: &mut Vec<u8>,
    ) -> Result<u32, DataError> {
        let is_right = match c.u16()? {
            0 => c.u32()? == self.checksum,
            n => u32::from(n) == self.version,
        };
        if !is_right || self.members.is_empty() {
            return Err(DataError::unsupported("objects written member by member"));
        }
        let n = c.count("sequence")?;
        let bytes = n.checked_mul(record).filter(|&bytes| bytes <= c.remaining());
        let bytes = bytes.ok_or_else(|| DataError::truncated(format!("{n} objects")))?;
        let first = out.len();
        out.resize(first.saturating_add(bytes), 0);
        let mut offset = first;
        for range in &self.members {
            let pieces = self.pieces.get(range.clone()).unwrap_or_default();
            let mut width = 0;
            let mut at = offset;
            for _ in 0..n {
                let mut numbers = Vec::new();
                Self::read_pieces(pieces, c, &mut numbers)?;
                width = numbers.len();
                let target = out.get_mut(at..at.saturating_add(width)).unwrap_or_default();
                target.copy_from_slice(&numbers);
                at = at.saturating_add(record);
            }
            offset = offset.saturating_add(width);
        }
        Ok(u32::try_from(n).unwrap_or(u32::MAX))
    }

    fn read_pieces(
        pieces: &[Piece],
        c: &mut Cursor<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), DataError> {
        let mut ends = Vec::new();
        for piece in pieces {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::root::streamer::StreamerInfo;

    const CHECKSUM: u32 = 0xabcd_0123;

    fn info(class: &str, elements: &[(&str, i32, &str)]) -> StreamerInfo {
        let element = |&(name, kind, type_name): &(&str, i32, &str)| Element {
            name: name.into(),
            title: String::new(),
            kind,
            array_length: 2,
            type_name: type_name.into(),
            count_name: String::new(),
        };
        let elements = elements.iter().map(element).collect();
        StreamerInfo { class: class.into(), checksum: CHECKSUM, version: 3, elements }
    }

    /// A base of one `short`, a member that is a `TObject` of one `char`, an array of two `unsigned char`.
    fn streamers() -> Streamers {
        Streamers::of([
            info(
                "Whole",
                &[("Base", 0, "BASE"), ("inner", 62, "Inner"), ("pair", 31, "unsigned char")],
            ),
            info("Base", &[("x", 2, "short")]),
            info("Inner", &[("TObject", 66, "BASE"), ("y", 1, "char")]),
            info("Flat", &[("Base", 0, "BASE"), ("z", 1, "char")]),
            info("Own", &[("again", 62, "Own")]),
        ])
    }

    fn header(body: Vec<u8>, by_checksum: bool) -> Vec<u8> {
        let mut inner = if by_checksum { vec![0, 0] } else { vec![0, 3] };
        if by_checksum {
            inner.extend(CHECKSUM.to_be_bytes());
        }
        inner.extend(body);
        [(0x4000_0000 | inner.len() as u32).to_be_bytes().to_vec(), inner].concat()
    }

    fn whole(by_checksum: bool) -> Vec<u8> {
        let base = header(vec![1, 2], by_checksum);
        let inner = header(vec![0, 1, 0, 0, 0, 7, 2, 0, 0, 0, 5], by_checksum);
        header([base, inner, vec![8, 9]].concat(), by_checksum)
    }

    #[test]
    fn objects_in_objects() {
        let (structure, members) = Structure::of("Whole", true, &streamers()).unwrap();
        let names: Vec<_> = members.iter().map(|m| m.name.as_str()).collect();
        assert_eq!(names, ["x", "inner.fUniqueID", "inner.fBits", "inner.y", "pair"]);
        for bytes in [whole(false), whole(true)] {
            let mut out = Vec::new();
            let mut c = Cursor::new(&bytes);
            structure.read(&mut c, &mut out).unwrap();
            assert_eq!((c.remaining(), out), (0, vec![2, 1, 7, 0, 0, 0, 0, 0, 0, 2, 5, 8, 9]));
            for cut in 0..bytes.len() {
                assert!(structure.read(&mut Cursor::new(&bytes[..cut]), &mut Vec::new()).is_err());
            }
            // Lengths, versions and checksums are told from numbers.
            for at in 0..4 + 2 {
                let mut bad = bytes.clone();
                bad[at] ^= 1;
                assert!(structure.read(&mut Cursor::new(&bad), &mut Vec::new()).is_err());
            }
        }
    }

    #[test]
    fn member_by_member() {
        let (structure, members) = Structure::of("Flat", true, &streamers()).unwrap();
        assert_eq!(members.len(), 2);
        let bytes = [0, 3, 0, 0, 0, 2, 0, 1, 0, 2, 8, 9];
        let mut out = Vec::new();
        let n = structure.read_members(&mut Cursor::new(&bytes), 3, &mut out).unwrap();
        assert_eq!((n, out), (2, vec![1, 0, 8, 2, 0, 9]));
        for cut in 0..bytes.len() {
            let mut c = Cursor::new(&bytes[..cut]);
            assert!(structure.read_members(&mut c, 3, &mut Vec::new()).is_err());
        }
        let other = [0, 4, 0, 0, 0, 0];
        assert!(structure.read_members(&mut Cursor::new(&other), 3, &mut Vec::new()).is_err());
    }

    #[test]
    fn what_is_no_table_is_refused() {
        assert!(Structure::of("Own", true, &streamers()).is_err());
        assert!(Structure::of("Unknown", true, &streamers()).is_err());
    }
}
