//! HDF5 files written plainly: groups, and datasets whose values lie in one piece, uncompressed.
//!
//! ```text
//! file := superblock 2 · values of the datasets · object headers 2, children before their groups
//! ```
//! Every size is known before the first byte, so a file is streamed in memory that does not grow with it. That, and that
//! nothing but these few messages is needed, is why this is not left to a library. Readable from HDF5 1.8 on.
//!
//! Source: the HDF5 File Format Specification, version 3.0: II.A (superblock), IV.A (object headers), IV.A.2 (messages).

use super::message::{DATASPACE, DATATYPE, FILL, GROUP_INFO, LAYOUT, LINK, LINK_INFO};
use super::write_datatype;
use crate::dtype::Dtype;
use crate::error::DataError;
use std::collections::BTreeMap;
use std::io::Write;

pub(super) const SUPERBLOCK: u64 = 48;
const UNDEFINED: u64 = u64::MAX;
/// Values start at a multiple of this.
pub(super) const ALIGNMENT: u64 = 8;
/// Largest message of an object header.
pub const MAX_MESSAGE: usize = 65_535;

/// A dataset to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewDataset {
    /// Groups and name, joined by `/`.
    pub path: String,
    /// Type of the elements.
    pub dtype: Dtype,
    /// Elements in each dimension; empty for a scalar.
    pub shape: Vec<u64>,
}

impl NewDataset {
    /// Bytes of its values; none beyond 63 bits.
    pub fn bytes(&self) -> Option<u64> {
        let width = u64::try_from(self.dtype.bytes).ok()?;
        let bytes = self.shape.iter().try_fold(width, |n, &dim| n.checked_mul(dim))?;
        (bytes <= u64::MAX >> 1).then_some(bytes)
    }
}

/// Bytes of the message that a type takes; a dataset's is at most [`MAX_MESSAGE`].
///
/// # Errors
/// [`DataError::Unsupported`] where a number of the message would not hold what it has to.
pub fn type_bytes(dtype: &Dtype) -> Result<usize, DataError> {
    Ok(write_datatype::encode(dtype)?.len())
}

/// Writes a file. `values` gives all values of the dataset with a number to the writer.
///
/// # Errors
/// [`DataError::InvalidArgument`] for paths that cannot stand beside each other or sizes that cannot be, and where `values` gives
/// another number of bytes than the shape has; [`DataError::Unsupported`] for types that no message can hold (more than 64 KiB);
/// [`DataError::Io`]; those of `values`.
pub fn write<W: Write>(
    out: W,
    datasets: &[NewDataset],
    mut values: impl FnMut(usize, &mut dyn Write) -> Result<(), DataError>,
) -> Result<(), DataError> {
    let mut root = Group::default();
    let mut at = SUPERBLOCK;
    let mut addresses = Vec::new();
    for (number, dataset) in datasets.iter().enumerate() {
        root.insert(&dataset.path, number)?;
        let bytes =
            dataset.bytes().ok_or_else(|| DataError::argument("more values than can be"))?;
        at = at.next_multiple_of(ALIGNMENT);
        addresses.push((at, bytes));
        let next = at.checked_add(bytes);
        at = next.ok_or_else(|| DataError::argument("more values than can be"))?;
    }
    let start = at.next_multiple_of(ALIGNMENT);
    let mut headers = Headers { start, bytes: Vec::new(), datasets, addresses: &addresses };
    let root = headers.group(&root)?;
    let end = start.saturating_add(wide(headers.bytes.len()));
    let mut out = Counting::new(out);
    out.write_all(&superblock(0, root, end))?;
    for (number, &(address, bytes)) in addresses.iter().enumerate() {
        out.pad(address)?;
        values(number, &mut out)?;
        if Some(out.bytes) != address.checked_add(bytes) {
            return Err(DataError::argument("a dataset of another size than its values"));
        }
    }
    out.pad(start)?;
    out.write_all(&headers.bytes)?;
    out.flush()?;
    Ok(())
}

/// What a group holds, by name.
#[derive(Debug, Default)]
struct Group {
    children: BTreeMap<String, Node>,
}

#[derive(Debug)]
enum Node {
    Group(Group),
    Dataset(usize),
}

impl Group {
    fn insert(&mut self, path: &str, number: usize) -> Result<(), DataError> {
        let wrong = || {
            DataError::argument(format!("the path {path:?} cannot be in one file with the others"))
        };
        let (mut group, mut rest) = (self, path);
        while let Some((name, later)) = rest.split_once('/') {
            if name.is_empty() || name == "." {
                return Err(wrong());
            }
            let node =
                group.children.entry(name.into()).or_insert_with(|| Node::Group(Self::default()));
            let Node::Group(next) = node else { return Err(wrong()) };
            (group, rest) = (next, later);
        }
        if rest.is_empty() || rest == "." {
            return Err(wrong());
        }
        match group.children.insert(rest.into(), Node::Dataset(number)) {
            None => Ok(()),
            Some(_) => Err(wrong()),
        }
    }
}

/// Object headers, one after the other.
struct Headers<'a> {
    start: u64,
    bytes: Vec<u8>,
    datasets: &'a [NewDataset],
    addresses: &'a [(u64, u64)],
}

impl Headers<'_> {
    /// Appends the header of a group behind those of its children, and gives its address. Depth is that of the paths.
    fn group(&mut self, group: &Group) -> Result<u64, DataError> {
        let mut messages = Vec::new();
        let mut info = vec![0, 0];
        info.extend(UNDEFINED.to_le_bytes().repeat(2));
        message(&mut messages, LINK_INFO, &info)?;
        message(&mut messages, GROUP_INFO, &[0, 0])?;
        for (name, node) in &group.children {
            let address = match node {
                Node::Group(group) => self.group(group)?,
                Node::Dataset(number) => self.dataset(*number)?,
            };
            let bytes = u16::try_from(name.len())
                .map_err(|_| DataError::unsupported("a name of 64 KiB"))?;
            // Version 1; a name of two length bytes in UTF-8; a hard link.
            let mut link = vec![1, 0x11, 1];
            link.extend(bytes.to_le_bytes());
            link.extend_from_slice(name.as_bytes());
            link.extend(address.to_le_bytes());
            message(&mut messages, LINK, &link)?;
        }
        self.object(&messages)
    }

    fn dataset(&mut self, number: usize) -> Result<u64, DataError> {
        let missing = || DataError::argument("a dataset that is not there");
        let dataset = self.datasets.get(number).ok_or_else(missing)?;
        let &(address, bytes) = self.addresses.get(number).ok_or_else(missing)?;
        let mut messages = Vec::new();
        let rank = u8::try_from(dataset.shape.len()).ok().filter(|&rank| rank <= 32);
        let rank = rank.ok_or_else(|| DataError::unsupported("more than 32 dimensions"))?;
        let mut space = vec![2, rank, 0, u8::from(rank > 0)];
        dataset.shape.iter().for_each(|dim| space.extend(dim.to_le_bytes()));
        message(&mut messages, DATASPACE, &space)?;
        message(&mut messages, DATATYPE, &write_datatype::encode(&dataset.dtype)?)?;
        // Version 3: space is allocated late, a value would be written if one were set, and none is.
        message(&mut messages, FILL, &[3, 0x0a])?;
        let mut layout = vec![3, 1];
        layout.extend(if bytes == 0 { UNDEFINED } else { address }.to_le_bytes());
        layout.extend(bytes.to_le_bytes());
        message(&mut messages, LAYOUT, &layout)?;
        self.object(&messages)
    }

    fn object(&mut self, messages: &[u8]) -> Result<u64, DataError> {
        let size = u32::try_from(messages.len())
            .map_err(|_| DataError::unsupported("an object header of 4 GiB"))?;
        let mut header = b"OHDR\x02\x02".to_vec();
        header.extend(size.to_le_bytes());
        header.extend_from_slice(messages);
        let checksum = lookup3(&header);
        header.extend(checksum.to_le_bytes());
        let address = self.start.saturating_add(wide(self.bytes.len()));
        self.bytes.extend(header);
        Ok(address)
    }
}

fn message(out: &mut Vec<u8>, kind: u16, content: &[u8]) -> Result<(), DataError> {
    let size = u16::try_from(content.len()).map_err(|_| {
        let what = if kind == DATATYPE { "a type" } else { "a message" };
        DataError::unsupported(format!(
            "{what} of {} bytes, more than HDF5's {MAX_MESSAGE}",
            content.len()
        ))
    })?;
    // One byte in version 2.
    out.extend(kind.to_le_bytes().first());
    out.extend(size.to_le_bytes());
    out.push(0);
    out.extend_from_slice(content);
    Ok(())
}

/// Where addresses count from, the root group, and where the file ends.
pub(super) fn superblock(base: u64, root: u64, end: u64) -> Vec<u8> {
    let mut out = super::SIGNATURE.to_vec();
    out.extend([2, 8, 8, 0]);
    for address in [base, UNDEFINED, end, root] {
        out.extend(address.to_le_bytes());
    }
    let checksum = lookup3(&out);
    out.extend(checksum.to_le_bytes());
    out
}

/// Bob Jenkins' `lookup3` (public domain), from 0, as HDF5 uses it for its metadata.
pub(super) fn lookup3(bytes: &[u8]) -> u32 {
    let start = 0xdead_beef_u32.wrapping_add(u32::try_from(bytes.len()).unwrap_or(u32::MAX));
    let mut state = [start; 3];
    let mut rest = bytes;
    while rest.len() > 12 {
        let (now, later) = rest.split_at(12);
        add(&mut state, now);
        let [mut a, mut b, mut c] = state;
        for (left, right) in [(4, 6), (8, 16), (19, 4)] {
            a = a.wrapping_sub(c) ^ c.rotate_left(left);
            c = c.wrapping_add(b);
            b = b.wrapping_sub(a) ^ a.rotate_left(right);
            a = a.wrapping_add(c);
            // The three words take turns.
            (a, b, c) = (c, a, b);
        }
        state = [a, b, c];
        rest = later;
    }
    if rest.is_empty() {
        return state.last().copied().unwrap_or(0);
    }
    add(&mut state, rest);
    let [mut a, mut b, mut c] = state;
    c = (c ^ b).wrapping_sub(b.rotate_left(14));
    a = (a ^ c).wrapping_sub(c.rotate_left(11));
    b = (b ^ a).wrapping_sub(a.rotate_left(25));
    c = (c ^ b).wrapping_sub(b.rotate_left(16));
    a = (a ^ c).wrapping_sub(c.rotate_left(4));
    b = (b ^ a).wrapping_sub(a.rotate_left(14));
    (c ^ b).wrapping_sub(b.rotate_left(24))
}

/// Adds up to twelve bytes, little-endian, to the three words.
fn add(state: &mut [u32; 3], bytes: &[u8]) {
    for (word, bytes) in state.iter_mut().zip(bytes.chunks(4)) {
        let mut le = [0u8; 4];
        le.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
        *word = word.wrapping_add(u32::from_le_bytes(le));
    }
}

pub(super) fn wide(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}

/// A writer that knows how much it was given.
pub(super) struct Counting<W> {
    inner: W,
    bytes: u64,
}

impl<W: Write> Counting<W> {
    pub fn new(inner: W) -> Self {
        Self { inner, bytes: 0 }
    }

    /// Bytes so far.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Zeros up to an address.
    pub fn pad(&mut self, address: u64) -> Result<(), DataError> {
        while self.bytes < address {
            self.write_all(&[0])?;
        }
        Ok(())
    }
}

impl<W: Write> Write for Counting<W> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let n = self.inner.write(bytes)?;
        self.bytes = self.bytes.saturating_add(wide(n));
        Ok(n)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.inner.flush()
    }
}

#[cfg(test)]
mod tests;
