//! Version 1 B-trees that find chunks.
//!
//! ```text
//! node := "TREE" 1 · level · entries u16 · left, right sibling · (key · child)* · key          of one size for a rank
//! key  := stored bytes u32 · filter mask u32 · first element u64 in each dimension · 0 u64
//! ```

use crate::error::DataError;
use crate::hdf5::write::wide;
use crate::hdf5::{Dataset, RawChunk};

/// Children of a node: twice the library's default for files that do not say.
const CHILDREN: usize = 64;
const UNDEFINED: u64 = u64::MAX;

/// Form of the tree of a dataset.
pub struct Tree {
    chunk_shape: Vec<u64>,
    key: usize,
}

impl Tree {
    /// For a dataset.
    ///
    /// # Errors
    /// [`DataError::Unsupported`] for chunks of 4 GiB.
    pub fn new(dataset: &Dataset) -> Result<Self, DataError> {
        if u32::try_from(dataset.chunk_bytes()).is_err() {
            return Err(DataError::unsupported("a chunk of 4 GiB"));
        }
        let rank = dataset.chunk_shape.len();
        let key = rank.saturating_add(2).saturating_mul(8);
        Ok(Self { chunk_shape: dataset.chunk_shape.clone(), key })
    }

    fn node_bytes(&self) -> usize {
        CHILDREN.saturating_add(1).saturating_mul(self.key).saturating_add(CHILDREN * 8 + 24)
    }

    /// Nodes of each level, from the leaves on; nothing for no chunks.
    fn levels(chunks: usize) -> Vec<usize> {
        let mut levels = Vec::new();
        let mut count = chunks;
        while count > 1 || (levels.is_empty() && count > 0) {
            count = count.div_ceil(CHILDREN);
            levels.push(count);
        }
        levels
    }

    /// Bytes of a tree over so many chunks.
    pub fn bytes(&self, chunks: usize) -> u64 {
        let nodes: usize = Self::levels(chunks).iter().sum();
        wide(nodes).saturating_mul(wide(self.node_bytes()))
    }

    /// The address of the root and the nodes, which lie at an address, over chunks at theirs, sorted by position.
    ///
    /// # Errors
    /// [`DataError::Corruption`] for sizes that a key does not hold.
    pub fn build(
        &self,
        address: u64,
        chunks: &[(&RawChunk, u64)],
    ) -> Result<(u64, Vec<u8>), DataError> {
        let mut entries = Vec::with_capacity(chunks.len());
        for (chunk, place) in chunks {
            let bytes = u32::try_from(chunk.stored_bytes)
                .map_err(|_| DataError::corrupt("a chunk of 4 GiB"))?;
            entries.push((self.key(bytes, chunk.filter_mask, &chunk.position), *place));
        }
        // Behind all: one chunk further in each dimension.
        let last = chunks.last().map(|(chunk, _)| chunk.position.as_slice()).unwrap_or_default();
        let end: Vec<u64> =
            last.iter().zip(&self.chunk_shape).map(|(&at, &dim)| at.saturating_add(dim)).collect();
        let end = self.key(0, 0, &end);
        let node_bytes = wide(self.node_bytes());
        let mut out = Vec::new();
        for (level, nodes) in (0u8..).zip(Self::levels(chunks.len())) {
            let first = address.saturating_add(wide(out.len()));
            let place = |n: usize| first.saturating_add(wide(n).saturating_mul(node_bytes));
            let mut above = Vec::with_capacity(nodes);
            let mut groups = entries.chunks(CHILDREN).enumerate().peekable();
            while let Some((n, group)) = groups.next() {
                let next = groups.peek().and_then(|(_, group)| group.first());
                let left = n.checked_sub(1).map_or(UNDEFINED, place);
                let right = next.map_or(UNDEFINED, |_| place(n.saturating_add(1)));
                let behind = next.map_or(&end, |(key, _)| key);
                let start = out.len();
                out.extend(b"TREE\x01");
                out.push(level);
                out.extend(u16::try_from(group.len()).unwrap_or(u16::MAX).to_le_bytes());
                out.extend(left.to_le_bytes());
                out.extend(right.to_le_bytes());
                for (key, child) in group {
                    out.extend_from_slice(key);
                    out.extend(child.to_le_bytes());
                }
                out.extend_from_slice(behind);
                out.resize(start.saturating_add(self.node_bytes()), 0);
                let key = group.first().map(|(key, _)| key.clone()).unwrap_or_default();
                above.push((key, place(n)));
            }
            entries = above;
        }
        let root = entries.first().map_or(UNDEFINED, |(_, place)| *place);
        Ok((root, out))
    }

    fn key(&self, bytes: u32, mask: u32, position: &[u64]) -> Vec<u8> {
        let mut key = Vec::with_capacity(self.key);
        key.extend(bytes.to_le_bytes());
        key.extend(mask.to_le_bytes());
        position.iter().for_each(|at| key.extend(at.to_le_bytes()));
        key.resize(self.key, 0);
        key
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels() {
        for (chunks, nodes) in
            [(0, vec![]), (1, vec![1]), (64, vec![1]), (65, vec![2, 1]), (4097, vec![65, 2, 1])]
        {
            assert_eq!(Tree::levels(chunks), nodes);
        }
    }
}
