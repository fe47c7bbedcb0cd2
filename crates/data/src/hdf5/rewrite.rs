//! HDF5 files written anew with all that they hold: every object under every name, attributes, types, filter settings,
//! and values as they lie in their chunks. What does not come back is the container: where things lie, free space, the form
//! of indexes, and how the file was told to make them (sizes of B-trees, strategy for free space).
//!
//! ```text
//! file := user block · superblock 2 · object headers 2 · global heaps · B-trees of chunks · values
//! ```
//! Messages of object headers are taken as they are, but for the addresses in them. Links and attributes that lay in heaps
//! of their own become messages; chunks are found by version 1 B-trees. Readable from HDF5 1.8 on.
//!
//! Invariants: the same file gives the same bytes, and a file that was written here is written the same again. Memory is
//! that of the metadata and one chunk. What cannot be carried over whole is an error and not left out: virtual and external
//! data, values of variable length or references outside attributes, filters that are not known, messages shared through
//! heaps, objects that only a reference names.
//!
//! Source: the HDF5 File Format Specification, version 3.0: III.A (B-trees), III.E (global heap), IV.A (headers, messages).

mod attribute;
mod chunks;
mod header;
mod heap;
mod objects;

use super::dataset::{Dataset, Storage};
use super::file::Hdf5File;
use super::write::{ALIGNMENT, Counting, SUPERBLOCK, superblock, wide};
use crate::error::DataError;
use chunks::Tree;
use heap::NewHeap;
use objects::{Object, Objects};
use std::collections::BTreeMap;
use std::io::Write;

/// Values of one piece are copied in steps of this size.
const STEP: u64 = 1 << 20;

/// New addresses of objects by their old ones.
type Addresses = BTreeMap<u64, u64>;

/// Writes a file anew.
///
/// # Errors
/// [`DataError::Unsupported`] for what cannot be carried over, said by name; those of damaged files; [`DataError::Io`].
pub fn rewrite<W: Write>(file: &Hdf5File, out: W) -> Result<(), DataError> {
    let (end, base) = (file.library().superblock().eof_address, file.base());
    // Counted from the start of the file, user block included.
    if end < file.file_bytes() {
        return Err(DataError::unsupported("bytes behind the end of the HDF5 file"));
    }
    let objects = Objects::collect(file)?;
    let mut addresses = Addresses::new();
    let mut at = SUPERBLOCK;
    for object in &objects.all {
        addresses.insert(object.address, at);
        at = at.saturating_add(object.header_bytes()).next_multiple_of(ALIGNMENT);
    }
    let mut heap = NewHeap::new(at);
    let mut headers = objects.all;
    for object in &mut headers {
        object.relocate(file, &addresses, &mut heap)?;
    }
    let heaps = heap.finish();
    at = at.saturating_add(wide(heaps.len()));
    let plans =
        headers.iter().map(|object| Values::of(file, object)).collect::<Result<Vec<_>, _>>()?;
    let trees_at = at;
    let trees: u64 = plans.iter().flatten().map(Values::index_bytes).sum();
    at = at.saturating_add(trees).next_multiple_of(ALIGNMENT);

    let mut indexes = Vec::new();
    let mut places = Vec::new();
    for (object, values) in headers.iter_mut().zip(&plans) {
        let Some(values) = values else { continue };
        let index = trees_at.saturating_add(wide(indexes.len()));
        let (place, bytes) = values.place(index, at)?;
        indexes.extend(bytes);
        object.set_layout(values.layout(place)?);
        places.push((at, values));
        at = at.saturating_add(values.bytes).next_multiple_of(ALIGNMENT);
    }

    let root = addresses.get(&objects.root).copied().unwrap_or(SUPERBLOCK);
    let mut out = out;
    copy(file, 0, base, &mut out)?;
    let mut out = Counting::new(out);
    out.write_all(&superblock(base, root, at.saturating_add(base)))?;
    for object in &headers {
        out.pad(addresses.get(&object.address).copied().unwrap_or(0))?;
        out.write_all(&object.to_bytes()?)?;
    }
    out.pad(trees_at.saturating_sub(wide(heaps.len())))?;
    out.write_all(&heaps)?;
    out.write_all(&indexes)?;
    for (place, values) in places {
        out.pad(place)?;
        values.copy(file, &mut out)?;
    }
    out.pad(at)?;
    out.flush()?;
    Ok(())
}

fn copy(file: &Hdf5File, from: u64, bytes: u64, out: &mut dyn Write) -> Result<(), DataError> {
    let mut at = 0u64;
    while at < bytes {
        let now = STEP.min(bytes.saturating_sub(at));
        out.write_all(&file.read(from.saturating_add(at), now)?)?;
        at = at.saturating_add(now);
    }
    Ok(())
}

/// The values of a dataset that lie outside of its header.
struct Values {
    dataset: Dataset,
    /// Stretches of the old file, in the order of the new one.
    stretches: Vec<super::RawChunk>,
    /// Their bytes with what aligns them.
    bytes: u64,
    tree: Option<Tree>,
}

impl Values {
    /// None for what is no dataset, or has its values in its header.
    fn of(file: &Hdf5File, object: &Object) -> Result<Option<Self>, DataError> {
        let Some(dataset) = &object.dataset else { return Ok(None) };
        let tree = match dataset.storage {
            Storage::Compact(_) => return Ok(None),
            Storage::Contiguous(_) => None,
            Storage::Chunked(_) => Some(Tree::new(dataset)?),
        };
        let stretches = file.raw_chunks(dataset)?;
        let aligned = |bytes: u64| bytes.next_multiple_of(ALIGNMENT);
        let bytes = stretches
            .iter()
            .try_fold(0u64, |n, stretch| n.checked_add(aligned(stretch.stored_bytes)));
        let bytes = bytes.ok_or_else(|| DataError::corrupt("more values than can be"))?;
        Ok(Some(Self { dataset: dataset.clone(), stretches, bytes, tree }))
    }

    fn index_bytes(&self) -> u64 {
        self.tree.as_ref().map_or(0, |tree| tree.bytes(self.stretches.len()))
    }

    /// Where its layout points to, and its index, if it lies there and the values there.
    fn place(&self, index: u64, values: u64) -> Result<(Option<u64>, Vec<u8>), DataError> {
        if self.stretches.is_empty() {
            return Ok((None, Vec::new()));
        }
        let Some(tree) = &self.tree else {
            // A contiguous dataset of no elements has an address without anything there.
            return Ok((Some(values).filter(|_| self.bytes > 0), Vec::new()));
        };
        let mut at = values;
        let mut placed = Vec::new();
        for stretch in &self.stretches {
            placed.push((stretch, at));
            at = at.saturating_add(stretch.stored_bytes).next_multiple_of(ALIGNMENT);
        }
        let (root, bytes) = tree.build(index, &placed)?;
        Ok((Some(root), bytes))
    }

    /// The layout message, version 3.
    fn layout(&self, place: Option<u64>) -> Result<Vec<u8>, DataError> {
        let place = place.unwrap_or(u64::MAX).to_le_bytes();
        let Some(_) = &self.tree else {
            let mut out = vec![3, 1];
            out.extend(place);
            out.extend(self.dataset.content_bytes().to_le_bytes());
            return Ok(out);
        };
        let large = |_| DataError::unsupported("a chunk of 2^32 elements in one dimension");
        let rank =
            u8::try_from(self.dataset.chunk_shape.len().saturating_add(1)).unwrap_or(u8::MAX);
        let mut out = vec![3, 2, rank];
        out.extend(place);
        for &dim in &self.dataset.chunk_shape {
            out.extend(u32::try_from(dim).map_err(large)?.to_le_bytes());
        }
        let width = u32::try_from(self.dataset.dtype.bytes);
        out.extend(width.map_err(|_| DataError::unsupported("an element of 4 GiB"))?.to_le_bytes());
        Ok(out)
    }

    fn copy<W: Write>(&self, file: &Hdf5File, out: &mut Counting<W>) -> Result<(), DataError> {
        for stretch in &self.stretches {
            copy(file, stretch.offset, stretch.stored_bytes, out)?;
            let end = out.bytes().next_multiple_of(ALIGNMENT);
            out.pad(end)?;
        }
        Ok(())
    }
}
