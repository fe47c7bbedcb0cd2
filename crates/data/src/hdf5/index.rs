//! The indexes of chunks, of which HDF5 has six: version 1 B-trees, single chunks, implicit order, fixed and extensible
//! arrays, version 2 B-trees. The library walks them.

use crate::error::DataError;
use crate::hdf5::chunk::RawChunk;
use crate::hdf5::dataset::{ChunkIndex, Dataset};
use crate::hdf5::file::Hdf5File;
use crate::hdf5::seam;
use crate::limits;
use hdf5_reader::btree_v1::{BTreeV1Key, collect_btree_v1_leaves_storage};
use hdf5_reader::chunk_index::{self, ChunkEntry};
use hdf5_reader::extensible_array::collect_extensible_array_chunk_entries_storage;
use hdf5_reader::fixed_array::collect_fixed_array_chunk_entries_storage;
use hdf5_reader::messages::layout::ChunkIndexing;

/// The chunks of a dataset that were written and lie within it, sorted by position.
///
/// # Errors
/// [`DataError::Corruption`] for positions off the grid or twice the same; those of damaged indexes;
/// [`DataError::LimitExceeded`].
pub(crate) fn chunks(
    file: &Hdf5File,
    dataset: &Dataset,
    index: &ChunkIndex,
) -> Result<Vec<RawChunk>, DataError> {
    let Some(address) = index.address else { return Ok(Vec::new()) };
    let entries = seam::call(|| walk(file, dataset, index, address))?;
    let count = u64::try_from(entries.len()).unwrap_or(u64::MAX);
    limits::check("number of chunks", count, file.limits().max_values)?;
    let whole = dataset.chunk_bytes();
    let mut out = Vec::with_capacity(entries.len());
    for entry in entries {
        let mut position = entry.offsets;
        position.truncate(dataset.shape.len());
        let aligned = position.len() == dataset.shape.len()
            && position
                .iter()
                .zip(&dataset.chunk_shape)
                .all(|(&at, &dim)| at.checked_rem(dim) == Some(0));
        if !aligned {
            return Err(DataError::corrupt("a chunk off the grid"));
        }
        // A dataset that shrank may keep chunks outside; an array has places for chunks never written.
        let outside = position.iter().zip(&dataset.shape).any(|(&at, &dim)| at >= dim);
        if outside || entry.address == u64::MAX {
            continue;
        }
        let stored_bytes = if dataset.filters.is_empty() { whole } else { entry.size };
        let offset = entry.address.checked_add(file.base());
        let end = offset.and_then(|at| at.checked_add(stored_bytes));
        let (Some(offset), Some(_)) = (offset, end.filter(|&end| end <= file.file_bytes())) else {
            return Err(DataError::truncated("a chunk ends beyond the file"));
        };
        out.push(RawChunk { offset, stored_bytes, filter_mask: entry.filter_mask, position });
    }
    out.sort_by(|a, b| a.position.cmp(&b.position));
    if out.iter().zip(out.iter().skip(1)).any(|(a, b)| a.position == b.position) {
        return Err(DataError::corrupt("a chunk listed twice"));
    }
    Ok(out)
}

fn walk(
    file: &Hdf5File,
    dataset: &Dataset,
    index: &ChunkIndex,
    address: u64,
) -> Result<Vec<ChunkEntry>, hdf5_reader::error::Error> {
    let rank = dataset.shape.len();
    let ndim = u32::try_from(rank).unwrap_or(u32::MAX);
    let dims: Vec<u32> =
        dataset.chunk_shape.iter().map(|&n| u32::try_from(n).unwrap_or(u32::MAX)).collect();
    let (storage, shape) = (file.library().storage(), dataset.shape.as_slice());
    let superblock = file.library().superblock();
    let (offsets, lengths) = (superblock.offset_size, superblock.length_size);
    match &index.form {
        None => {
            let leaves = collect_btree_v1_leaves_storage(
                storage,
                address,
                offsets,
                lengths,
                Some(ndim),
                &dims,
                None,
            )?;
            let entry = |(key, address)| match key {
                BTreeV1Key::RawData { chunk_size, filter_mask, offsets } => {
                    Some(ChunkEntry { address, size: chunk_size.into(), filter_mask, offsets })
                }
                BTreeV1Key::Group { .. } => None,
            };
            Ok(leaves.into_iter().filter_map(entry).collect())
        }
        Some(ChunkIndexing::SingleChunk { filtered_size, filters }) => {
            Ok(vec![chunk_index::single_chunk_entry(address, *filtered_size, *filters, rank)])
        }
        Some(ChunkIndexing::Implicit) => chunk_index::collect_implicit_chunk_entries(
            address,
            shape,
            &dims,
            dataset.dtype.bytes,
            None,
            storage.len(),
        ),
        Some(ChunkIndexing::FixedArray { .. }) => collect_fixed_array_chunk_entries_storage(
            storage, address, offsets, lengths, shape, &dims, None,
        ),
        Some(ChunkIndexing::ExtensibleArray { .. }) => {
            collect_extensible_array_chunk_entries_storage(
                storage,
                address,
                offsets,
                lengths,
                shape,
                dataset.max_shape.as_deref(),
                &dims,
                None,
            )
        }
        Some(ChunkIndexing::BTreeV2) => chunk_index::collect_v2_chunk_entries_storage(
            storage, address, offsets, lengths, ndim, &dims, None,
        ),
    }
}
