//! One dataset: its type, its shape, how it is stored.
//!
//! Invariants: `chunk_shape` has the rank of `shape` and no zero; a chunk is within [`Limits::max_basket`]; the sizes of
//! dataset, chunk and element fit 64 bits.

use crate::dtype::Dtype;
use crate::error::DataError;
use crate::hdf5::datatype;
use crate::hdf5::filter::{Filter, FilterKind, MAX_FILTERS};
use crate::limits::{self, Limits};
use hdf5_reader::messages::HdfMessage;
use hdf5_reader::messages::layout::{ChunkIndexing, DataLayout};
use hdf5_reader::object_header::ObjectHeader;
use vxc_tokens::layout::RecordLayout;

/// The library's bound, which is HDF5's own.
const MAX_RANK: usize = 32;

/// A path that leads to a dataset, and the dataset or why it cannot be read.
#[derive(Debug)]
pub struct Entry {
    /// Groups and name, joined by `/`, without one in front.
    pub path: String,
    /// The dataset.
    pub dataset: Result<Dataset, DataError>,
}

/// How the values of a dataset lie in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Storage {
    /// Within the object header.
    Compact(Vec<u8>),
    /// One after the other, from this address on; none where nothing was written.
    Contiguous(Option<u64>),
    /// In chunks, found by an index.
    Chunked(ChunkIndex),
}

/// The index that finds the chunks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChunkIndex {
    /// Where it lies; none where nothing was written.
    pub(crate) address: Option<u64>,
    /// Which form it has; none for a version 1 B-tree.
    pub(crate) form: Option<ChunkIndexing>,
}

/// A dataset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dataset {
    /// Groups and name, joined by `/`.
    pub path: String,
    /// Address of its object header, which tells it from others.
    pub address: u64,
    /// Type of its elements.
    pub dtype: Dtype,
    /// Elements in each dimension; empty for a scalar.
    pub shape: Vec<u64>,
    /// Elements in all.
    pub elements: u64,
    /// Dimensions that it may grow to, `u64::MAX` without bound; none where they are those of `shape`.
    pub max_shape: Option<Vec<u64>>,
    /// Filters of its chunks, in the order of writing.
    pub filters: Vec<Filter>,
    /// Elements of a chunk in each dimension; that of the dataset where it is not chunked.
    pub chunk_shape: Vec<u64>,
    /// An element that was not written; zeros where the file says nothing.
    pub fill: Vec<u8>,
    /// Where its values are.
    pub storage: Storage,
    /// Elements of a record.
    record_elements: u64,
}

impl Dataset {
    /// From its object header. `encoded` is the datatype message as in the file, if at hand.
    ///
    /// # Errors
    /// [`DataError::Unsupported`], [`DataError::Corruption`], [`DataError::LimitExceeded`].
    pub(crate) fn new(
        path: &str,
        address: u64,
        header: &ObjectHeader,
        encoded: &[u8],
        offset_bytes: u8,
        limits: &Limits,
    ) -> Result<Self, DataError> {
        let missing = |what: &str| DataError::corrupt(format!("a dataset without {what}"));
        let (mut space, mut datatype, mut layout, mut fill, mut pipeline) =
            (None, None, None, None, None);
        for message in &header.messages {
            match message {
                HdfMessage::Dataspace(found) => space = Some(found),
                HdfMessage::Datatype(found) => datatype = Some(&found.datatype),
                HdfMessage::DataLayout(found) => layout = Some(&found.layout),
                // The old message and the new one may both be there, one of them empty.
                HdfMessage::FillValue(found) if found.value.is_some() => fill = Some(found),
                HdfMessage::FilterPipeline(found) => pipeline = Some(found),
                HdfMessage::ExternalFiles(_) => {
                    return Err(DataError::unsupported("values in other files"));
                }
                _ => {}
            }
        }
        let space = space.ok_or_else(|| missing("dataspace"))?;
        let layout = layout.ok_or_else(|| missing("layout"))?;
        let datatype = datatype.ok_or_else(|| missing("type"))?;
        let dtype = datatype::dtype(datatype, encoded, limits)?;
        let elements =
            space.num_elements().map_err(|_| DataError::corrupt("more elements than can be"))?;
        let shape = space.dims.clone();
        let width = wide(dtype.bytes);
        if elements.checked_mul(width).is_none() || shape.len() > MAX_RANK {
            return Err(DataError::corrupt("more elements than can be"));
        }
        let fill = match fill.and_then(|message| message.value.clone()) {
            Some(value) if value.len() == dtype.bytes => value,
            Some(value) if !value.is_empty() => {
                return Err(DataError::corrupt("a fill value of another type"));
            }
            _ => vec![0; dtype.bytes],
        };
        let filters = match (pipeline, layout) {
            (Some(pipeline), DataLayout::Chunked { .. }) => filters(&pipeline.filters)?,
            _ => Vec::new(),
        };
        let (storage, chunk_shape) = storage(layout, &shape, offset_bytes)?;
        let record_elements = dtype.record_elements(&shape);
        let path = path.to_owned();
        let max_shape = space.max_dims.clone();
        let dataset = Self {
            path,
            address,
            dtype,
            shape,
            elements,
            max_shape,
            filters,
            chunk_shape,
            fill,
            storage,
            record_elements,
        };
        dataset.check(layout, limits)?;
        Ok(dataset)
    }

    fn check(&self, layout: &DataLayout, limits: &Limits) -> Result<(), DataError> {
        let differs = || DataError::corrupt("layout and type differ in their bytes");
        match layout {
            DataLayout::Compact { data } => {
                if wide(data.len()) < self.content_bytes() {
                    return Err(DataError::truncated("a compact dataset"));
                }
            }
            DataLayout::Contiguous { address: _, size } => {
                let written = matches!(self.storage, Storage::Contiguous(Some(_)));
                if written && *size < self.content_bytes() {
                    return Err(differs());
                }
            }
            DataLayout::Chunked { element_size, .. } => {
                let stated = usize::try_from(*element_size).ok();
                if stated != Some(self.dtype.bytes) && *element_size != 0 {
                    return Err(differs());
                }
                let cells = self.chunk_shape.iter().try_fold(1u64, |n, &dim| n.checked_mul(dim));
                let bytes = cells.and_then(|n| n.checked_mul(wide(self.dtype.bytes)));
                limits::check("chunk", bytes.unwrap_or(u64::MAX), limits.max_basket)?;
            }
        }
        Ok(())
    }

    /// Bytes of all values.
    pub fn content_bytes(&self) -> u64 {
        self.elements.saturating_mul(wide(self.dtype.bytes))
    }

    /// Bytes of a whole chunk, decoded; of the dataset where it is not chunked.
    pub fn chunk_bytes(&self) -> u64 {
        self.chunk_shape.iter().fold(wide(self.dtype.bytes), |n, &dim| n.saturating_mul(dim))
    }

    /// Bytes of a record, as [`Dtype::record_elements`] has it.
    pub fn record_bytes(&self) -> u64 {
        self.record_elements.saturating_mul(wide(self.dtype.bytes))
    }

    /// Records in all.
    pub fn records(&self) -> u64 {
        self.elements.checked_div(self.record_elements).unwrap_or(0)
    }

    /// The record as the codec takes it; none beyond its limits.
    pub fn layout(&self) -> Option<RecordLayout> {
        self.dtype.layout(self.record_elements)
    }

    /// Filters for people, such as `shuffle, deflate 4`.
    pub fn compression(&self) -> String {
        let labels: Vec<String> = self.filters.iter().map(Filter::label).collect();
        if labels.is_empty() { "none".into() } else { labels.join(", ") }
    }
}

fn wide(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}

fn filters(
    list: &[hdf5_reader::messages::filter_pipeline::FilterDescription],
) -> Result<Vec<Filter>, DataError> {
    if list.len() > MAX_FILTERS {
        return Err(DataError::corrupt("more filters than a mask has bits"));
    }
    let all: Vec<Filter> = list
        .iter()
        .map(|filter| Filter {
            id: filter.id,
            name: filter.name.clone().unwrap_or_default(),
            parameters: filter.client_data.clone(),
        })
        .collect();
    match all.iter().find(|filter| filter.kind() == FilterKind::Other) {
        Some(filter) => Err(DataError::unsupported(filter.label())),
        None => Ok(all),
    }
}

fn storage(
    layout: &DataLayout,
    shape: &[u64],
    offset_bytes: u8,
) -> Result<(Storage, Vec<u64>), DataError> {
    let undefined = match offset_bytes {
        2 => u64::from(u16::MAX),
        4 => u64::from(u32::MAX),
        _ => u64::MAX,
    };
    let defined = |address: u64| Some(address).filter(|&at| at != undefined);
    Ok(match layout {
        DataLayout::Compact { data } => (Storage::Compact(data.clone()), shape.to_vec()),
        DataLayout::Contiguous { address, .. } => {
            (Storage::Contiguous(defined(*address)), shape.to_vec())
        }
        DataLayout::Chunked { address, dims, chunk_indexing, .. } => {
            // Older layouts count the bytes of an element as one more dimension.
            let dims: Vec<u64> = dims.iter().take(shape.len()).map(|&dim| dim.into()).collect();
            if dims.len() != shape.len() || dims.is_empty() || dims.contains(&0) {
                return Err(DataError::corrupt("chunks of another rank than their dataset"));
            }
            let form = chunk_indexing.clone();
            (Storage::Chunked(ChunkIndex { address: defined(*address), form }), dims)
        }
    })
}
