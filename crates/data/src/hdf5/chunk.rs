//! Where the bytes of a dataset lie in the file: what a byte-exact copy has to make again.

/// A stretch of the file that holds the values of one chunk, or of a whole contiguous dataset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawChunk {
    /// Its offset from the start of the file, user block included.
    pub offset: u64,
    /// Its bytes in the file.
    pub stored_bytes: u64,
    /// Bit `i` is set where filter `i` of [`Dataset::filters`](super::Dataset::filters) was left out.
    pub filter_mask: u32,
    /// Its first element in each dimension of the dataset. A chunk has the shape
    /// [`Dataset::chunk_shape`](super::Dataset::chunk_shape) even where it reaches beyond the dataset.
    pub position: Vec<u64>,
}
