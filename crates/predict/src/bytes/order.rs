//! The order of bytes inside a record: most significant byte of each number first.

use vxc_tokens::{Endian, RecordLayout};

/// A permutation of a record's bytes.
#[derive(Clone, Debug)]
pub struct ByteOrder {
    /// Where the byte at each permuted place stands in the record.
    from: Vec<u32>,
}

impl ByteOrder {
    /// Reverses the bytes of little-endian fields.
    pub fn new(layout: &RecordLayout) -> Self {
        let mut from = Vec::with_capacity(layout.record_bytes);
        for f in &layout.fields {
            let n = f.kind.bytes();
            let little =
                f.endian == Endian::Little && !matches!(f.kind, vxc_tokens::Kind::Bytes(_));
            for i in 0..n {
                let byte = if little { n - 1 - i } else { i };
                from.push((f.offset + byte) as u32);
            }
        }
        Self { from }
    }

    /// Size of a record.
    pub fn record_bytes(&self) -> usize {
        self.from.len()
    }

    /// A record's bytes in model order.
    pub fn permute(&self, record: &[u8], permuted: &mut [u8]) {
        for (p, &from) in permuted.iter_mut().zip(&self.from) {
            *p = record[from as usize];
        }
    }

    /// The inverse of [`ByteOrder::permute`].
    pub fn restore(&self, permuted: &[u8], record: &mut [u8]) {
        for (&p, &from) in permuted.iter().zip(&self.from) {
            record[from as usize] = p;
        }
    }
}
