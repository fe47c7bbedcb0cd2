//! The values of a dataset in row-major order, in slabs of a few megabytes.
//!
//! A slab is a range of one dimension, at one index of every dimension before it and over all of those after it: the
//! first dimension whose slices are small enough is the one that is cut. Cuts lie on the borders of chunks where a slab
//! holds a chunk's height. Decoded chunks are kept for the slabs that follow, up to [`CACHE_BYTES`]; a chunk may be decoded
//! again where a dataset's chunks run across its rows. Elements of chunks that were never written are the fill value.

use crate::error::DataError;
use crate::hdf5::boxes::{self, Area};
use crate::hdf5::chunk::RawChunk;
use crate::hdf5::dataset::{Dataset, Storage};
use crate::hdf5::file::Hdf5File;
use crate::slab::{SLAB_BYTES, Slab};
use std::collections::{HashMap, VecDeque};
use std::rc::Rc;

/// Bytes of decoded chunks that are kept.
pub const CACHE_BYTES: usize = 64 << 20;

/// Iterator over the slabs of a dataset; it ends after an error.
#[derive(Debug)]
pub struct Rows<'a> {
    file: &'a Hdf5File,
    dataset: &'a Dataset,
    chunks: HashMap<Vec<u64>, RawChunk>,
    cache: Cache,
    /// The dimension that is cut.
    axis: usize,
    /// Elements in one slice of it.
    slice: u64,
    /// Slices of a slab.
    slices: u64,
    /// Number of the next element.
    next: u64,
}

impl<'a> Rows<'a> {
    pub(crate) fn new(file: &'a Hdf5File, dataset: &'a Dataset) -> Result<Self, DataError> {
        let width = u64::try_from(dataset.dtype.bytes).unwrap_or(u64::MAX);
        let mut slice = dataset.elements;
        let mut axis = 0usize;
        for (at, &dim) in dataset.shape.iter().enumerate() {
            axis = at;
            slice = slice.checked_div(dim).unwrap_or(0);
            if slice.saturating_mul(width) <= SLAB_BYTES {
                break;
            }
        }
        let fit = SLAB_BYTES.checked_div(slice.saturating_mul(width)).unwrap_or(1).max(1);
        let height = dataset.chunk_shape.get(axis).copied().unwrap_or(1).max(1);
        let slices = match fit.checked_rem(height) {
            Some(rest) if height <= fit => fit.saturating_sub(rest),
            _ => fit,
        };
        let chunks = match dataset.storage {
            Storage::Chunked(_) => file.raw_chunks(dataset)?,
            _ => Vec::new(),
        };
        let chunks = chunks.into_iter().map(|chunk| (chunk.position.clone(), chunk)).collect();
        let cache = Cache::default();
        Ok(Self { file, dataset, chunks, cache, axis, slice: slice.max(1), slices, next: 0 })
    }

    fn slab(&mut self) -> Result<Slab, DataError> {
        let (dataset, first_element) = (self.dataset, self.next);
        let first = position(&dataset.shape, first_element);
        let at = first.get(self.axis).copied().unwrap_or(0);
        let dim = dataset.shape.get(self.axis).copied().unwrap_or(1);
        let height = dataset.chunk_shape.get(self.axis).copied().unwrap_or(1);
        // Up to the end of the dimension; within a chunk that is higher than a slab, up to the chunk's end.
        let mut count = self.slices.min(dim.saturating_sub(at)).max(1);
        if self.slices < height {
            let inside = at.checked_rem(height).unwrap_or(0);
            count = count.min(height.saturating_sub(inside)).max(1);
        }
        let elements = count.saturating_mul(self.slice);
        let elements = elements.min(dataset.elements.saturating_sub(first_element));
        self.next = first_element.saturating_add(elements);
        let width = u64::try_from(dataset.dtype.bytes).unwrap_or(u64::MAX);
        let (from, len) = (first_element.saturating_mul(width), elements.saturating_mul(width));
        let bytes = match &dataset.storage {
            Storage::Compact(data) => range(data, from, len)?,
            Storage::Contiguous(Some(address)) => {
                let offset = self.file.base().checked_add(*address);
                let offset = offset.and_then(|at| at.checked_add(from));
                let offset =
                    offset.ok_or_else(|| DataError::truncated("values beyond the file"))?;
                self.file.read(offset, len)?
            }
            Storage::Contiguous(None) => filled(&dataset.fill, elements)?,
            Storage::Chunked(_) => {
                let mut shape: Vec<u64> = dataset.shape.clone();
                for (at, dim) in shape.iter_mut().enumerate() {
                    match at.cmp(&self.axis) {
                        std::cmp::Ordering::Less => *dim = 1,
                        std::cmp::Ordering::Equal => *dim = count,
                        std::cmp::Ordering::Greater => {}
                    }
                }
                self.gather(&first, &shape, elements)?
            }
        };
        Ok(Slab { first_element, bytes })
    }

    fn gather(
        &mut self,
        first: &[u64],
        shape: &[u64],
        elements: u64,
    ) -> Result<Vec<u8>, DataError> {
        let (dataset, area) = (self.dataset, Area { first, shape });
        let mut out = filled(&dataset.fill, elements)?;
        for corner in boxes::cells(area, &dataset.chunk_shape) {
            let Some(chunk) = self.chunks.get(&corner) else { continue };
            let data = match self.cache.get(&corner) {
                Some(data) => data,
                None => {
                    let data = Rc::new(self.file.decoded_chunk(dataset, chunk)?);
                    self.cache.put(corner.clone(), Rc::clone(&data));
                    data
                }
            };
            let source = Area { first: &corner, shape: &dataset.chunk_shape };
            boxes::copy((&data, source), (&mut out, area), dataset.dtype.bytes)?;
        }
        Ok(out)
    }
}

impl Iterator for Rows<'_> {
    type Item = Result<Slab, DataError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.next >= self.dataset.elements {
            return None;
        }
        let slab = self.slab();
        if slab.is_err() {
            self.next = u64::MAX;
        }
        Some(slab)
    }
}

/// Where an element of a row-major array is.
fn position(shape: &[u64], element: u64) -> Vec<u64> {
    let mut rest = element;
    let mut out: Vec<u64> = shape
        .iter()
        .rev()
        .map(|&dim| {
            let at = rest.checked_rem(dim).unwrap_or(0);
            rest = rest.checked_div(dim).unwrap_or(0);
            at
        })
        .collect();
    out.reverse();
    out
}

fn range(data: &[u8], from: u64, len: u64) -> Result<Vec<u8>, DataError> {
    let from = usize::try_from(from).ok();
    let end = from.zip(usize::try_from(len).ok()).and_then(|(from, len)| from.checked_add(len));
    let found = from.zip(end).and_then(|(from, end)| data.get(from..end));
    found.map(<[u8]>::to_vec).ok_or_else(|| DataError::truncated("a compact dataset"))
}

fn filled(fill: &[u8], elements: u64) -> Result<Vec<u8>, DataError> {
    let count = usize::try_from(elements).ok();
    let bytes = count.and_then(|n| n.checked_mul(fill.len()));
    match (count, bytes) {
        (Some(_), Some(bytes)) if fill.iter().all(|&byte| byte == 0) => Ok(vec![0; bytes]),
        (Some(count), Some(_)) => Ok(fill.repeat(count)),
        _ => Err(DataError::corrupt("more elements than can be")),
    }
}

/// Decoded chunks, the oldest forgotten first.
#[derive(Debug, Default)]
struct Cache {
    chunks: HashMap<Vec<u64>, Rc<Vec<u8>>>,
    order: VecDeque<Vec<u64>>,
    bytes: usize,
}

impl Cache {
    fn get(&self, corner: &[u64]) -> Option<Rc<Vec<u8>>> {
        self.chunks.get(corner).cloned()
    }

    fn put(&mut self, corner: Vec<u64>, data: Rc<Vec<u8>>) {
        self.bytes = self.bytes.saturating_add(data.len());
        self.chunks.insert(corner.clone(), data);
        self.order.push_back(corner);
        while self.bytes > CACHE_BYTES && self.order.len() > 1 {
            let oldest = self.order.pop_front().and_then(|oldest| self.chunks.remove(&oldest));
            self.bytes = self.bytes.saturating_sub(oldest.map_or(0, |data| data.len()));
        }
    }
}
