//! The header by which ROOT writes an object behind a pointer: nothing, a reference, or the object.
//!
//! ```text
//! pointer := 0                                       nothing
//!          | position of an object                   seen before
//!          | length|BYTE_COUNT · class · object
//! class   := NEW_CLASS · name\0 | position|CLASS_TAG of an earlier NEW_CLASS
//! ```
//! Positions count from the start of the record's key (so that its header's length, `origin`, is added)
//! plus two. A class reference is resolved by reading the name where it points, which needs no table and
//! holds for objects that were skipped. Source: ROOT's documentation of `TBufferFile`.

use crate::error::DataError;
use crate::root::cursor::{BYTE_COUNT, CLASS_TAG, Cursor, NEW_CLASS, REFERENCE_OFFSET};

/// What a pointer leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Any<'a> {
    /// Nothing.
    Null,
    /// An object written before, by its reference.
    Reference(u64),
    /// An object of a class, which starts here and ends at `end`; `own` is the reference to it.
    Object { class: &'a str, end: usize, own: u64 },
}

/// Reads the header; the cursor is then at the object, if there is one.
pub(crate) fn any<'a>(c: &mut Cursor<'a>, origin: u64) -> Result<Any<'a>, DataError> {
    let start = c.position();
    let word = c.u32()?;
    if word == 0 {
        return Ok(Any::Null);
    }
    if word & BYTE_COUNT == 0 || word & CLASS_TAG != 0 {
        if word & CLASS_TAG != 0 {
            return Err(DataError::unsupported("objects of ROOT 2, without their length"));
        }
        return Ok(Any::Reference(u64::from(word)));
    }
    let end = usize::try_from(word & !BYTE_COUNT)
        .ok()
        .and_then(|n| c.position().checked_add(n))
        .filter(|&end| end <= c.position().saturating_add(c.remaining()));
    let Some(end) = end else {
        return Err(DataError::corrupt(format!("object at {start} passes its container's end")));
    };
    let tag = c.u32()?;
    let class = if tag == NEW_CLASS {
        c.c_string()?
    } else if tag & CLASS_TAG != 0 {
        let at = u64::from(tag & !CLASS_TAG)
            .checked_sub(REFERENCE_OFFSET)
            .and_then(|at| at.checked_sub(origin))
            .and_then(|at| usize::try_from(at).ok())
            .filter(|&at| at < start)
            .ok_or_else(|| DataError::corrupt("reference to a class outside the record"))?;
        let mut there = c.at(at)?;
        if there.u32()? != NEW_CLASS {
            return Err(DataError::corrupt("reference to a class that is none"));
        }
        there.c_string()?
    } else if tag == 0 {
        c.at(end).map(|there| *c = there)?;
        return Ok(Any::Null);
    } else {
        c.at(end).map(|there| *c = there)?;
        return Ok(Any::Reference(u64::from(tag)));
    };
    let class = std::str::from_utf8(class)
        .map_err(|_| DataError::corrupt("name of a class that is no text"))?;
    if end < c.position() {
        return Err(DataError::corrupt(format!("object at {start} ends inside its header")));
    }
    let own = u64::try_from(start)
        .ok()
        .and_then(|at| at.checked_add(origin)?.checked_add(REFERENCE_OFFSET))
        .unwrap_or(u64::MAX);
    Ok(Any::Object { class, end, own })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_class_then_reference_to_it() {
        let origin = 50;
        let mut bytes = Vec::new();
        bytes.extend((BYTE_COUNT | 9).to_be_bytes());
        bytes.extend(NEW_CLASS.to_be_bytes());
        bytes.extend(b"TAx\0");
        bytes.push(7);
        let second = bytes.len();
        bytes.extend((BYTE_COUNT | 5).to_be_bytes());
        bytes.extend((CLASS_TAG | (4 + 50 + 2)).to_be_bytes());
        bytes.push(8);
        bytes.extend(0u32.to_be_bytes());
        bytes.extend(52u32.to_be_bytes());

        let mut c = Cursor::new(&bytes);
        let first = any(&mut c, origin).unwrap();
        assert_eq!(first, Any::Object { class: "TAx", end: second, own: 52 });
        assert_eq!(c.u8().unwrap(), 7);
        let Any::Object { class, .. } = any(&mut c, origin).unwrap() else { panic!() };
        assert_eq!((class, c.u8().unwrap()), ("TAx", 8));
        assert_eq!(any(&mut c, origin).unwrap(), Any::Null);
        assert_eq!(any(&mut c, origin).unwrap(), Any::Reference(52));
        assert!(any(&mut c, origin).is_err());
    }
}
