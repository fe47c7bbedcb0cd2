//! `TDirectory`: where the list of a directory's keys is, and the list itself.
//!
//! ```text
//! directory := version u16 · created u32 · modified u32 · bytes of keys u32 · bytes of name u32
//!                · own offset · offset of the parent · offset of the keys
//! keys      := TKey of the list · number i32 · TKey*
//! ```
//! Offsets are 4 bytes, or 8 where the version exceeds 1000. A directory that contains itself is
//! refused by the bound on depth; the number of keys and the bytes of their paths are bounded over the whole file. Source: ROOT's
//! documentation of `TDirectoryFile`.

use crate::error::DataError;
use crate::limits::{self, Limits};
use crate::root::cursor::Cursor;
use crate::root::key::Key;
use crate::root::source::Source;
use std::io::{Read, Seek};

/// Bytes of a directory in its longest form.
const DIRECTORY_BYTES: u64 = 42;
/// Added to the version of a directory with 64-bit offsets.
const LARGE: u16 = 1000;

/// An object of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Names of its directories and its own, joined by `/`.
    pub path: String,
    /// Its record.
    pub key: Key,
}

/// All objects that are no directories, in the order of the file's lists.
pub(crate) fn walk<R: Read + Seek>(
    source: &mut Source<R>,
    root_at: u64,
    limits: &Limits,
) -> Result<Vec<Entry>, DataError> {
    let mut out = Vec::new();
    let (mut seen, mut held) = (0u64, 0u64);
    let mut stack = vec![(String::new(), root_at, 0u32)];
    while let Some((prefix, at, depth)) = stack.pop() {
        limits::check("depth of directories", u64::from(depth), u64::from(limits.depth()))?;
        let mut inner = Vec::new();
        for key in keys(source, at, limits)? {
            seen = seen.saturating_add(1);
            limits::check("number of keys", seen, limits.max_keys)?;
            let bytes = prefix.len().saturating_add(key.name.len());
            held = held.saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX));
            limits::check("paths of keys", held, limits.max_object)?;
            let path = format!("{prefix}{}", key.name);
            if key.class == "TDirectory" || key.class == "TDirectoryFile" {
                inner.push((format!("{path}/"), key.payload_at()?, depth.saturating_add(1)));
            } else {
                out.push(Entry { path, key });
            }
        }
        stack.extend(inner.into_iter().rev());
    }
    Ok(out)
}

/// The keys of the directory whose own record lies at `at`.
fn keys<R: Read + Seek>(
    source: &mut Source<R>,
    at: u64,
    limits: &Limits,
) -> Result<Vec<Key>, DataError> {
    let bytes = source.read_up_to(at, DIRECTORY_BYTES)?;
    let mut c = Cursor::new(&bytes);
    let large = c.u16()? > LARGE;
    c.skip(8)?;
    let keys_bytes = u64::from(c.u32()?);
    let _name_bytes = c.u32()?;
    let _own = c.offset(large)?;
    let _parent = c.offset(large)?;
    let keys_at = c.offset(large)?;
    if keys_at == 0 || keys_bytes == 0 {
        return Ok(Vec::new());
    }
    limits::check("list of keys", keys_bytes, limits.max_object)?;
    let bytes = source.read(keys_at, keys_bytes)?;
    let mut c = Cursor::new(&bytes);
    let own = Key::parse(&mut c)?;
    let mut c = Cursor::new(&bytes).at(usize::from(own.key_bytes))?;
    let n = c.count("keys of a directory")?;
    // A key takes more than 26 bytes, so that a false number ends with the list.
    let mut out = Vec::new();
    for _ in 0..n {
        out.push(Key::parse(&mut c)?);
    }
    Ok(out)
}
