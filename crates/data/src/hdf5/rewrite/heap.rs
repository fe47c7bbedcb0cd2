//! Global heaps: what values of variable length point to.
//!
//! ```text
//! collection := "GCOL" 1 000 · bytes u64 · object*                     4096 bytes or more
//! object     := number u16 · references u16 · 0000 · bytes u64 · bytes, to a multiple of 8      number 0: what is free
//! ```

use crate::error::DataError;
use crate::hdf5::file::Hdf5File;
use crate::hdf5::seam;
use crate::hdf5::write::wide;
use hdf5_reader::global_heap::GlobalHeapCollection;

/// Bytes of a collection, unless one object has more.
const COLLECTION: usize = 4096;
const HEAD: usize = 16;
/// Most objects of a collection.
const MAX_OBJECTS: u16 = 0x7fff;

/// Collections that are being written, one after the other.
pub struct NewHeap {
    start: u64,
    done: Vec<u8>,
    open: Vec<u8>,
    count: u16,
    /// The old collection read last, and where it lies: neighbours lie in one.
    old: Option<(u64, GlobalHeapCollection)>,
}

impl NewHeap {
    /// The first one at an address.
    pub fn new(start: u64) -> Self {
        Self { start, done: Vec::new(), open: Vec::new(), count: 0, old: None }
    }

    /// An object of an old heap.
    ///
    /// # Errors
    /// [`DataError::Corruption`] where there is none.
    pub fn object(
        &mut self,
        file: &Hdf5File,
        address: u64,
        number: u32,
    ) -> Result<Vec<u8>, DataError> {
        if self.old.as_ref().is_none_or(|(at, _)| *at != address) {
            let superblock = file.library().superblock();
            let heap = seam::call(|| {
                GlobalHeapCollection::parse_at_storage(
                    file.library().storage(),
                    address,
                    superblock.offset_size,
                    superblock.length_size,
                )
            })?;
            self.old = Some((address, heap));
        }
        let number = u16::try_from(number).unwrap_or(0);
        let heap = self.old.as_ref().map(|(_, heap)| heap);
        let found = heap.and_then(|heap| heap.get_object(number)).filter(|_| number > 0);
        let found =
            found.ok_or_else(|| DataError::corrupt("a value that its heap does not have"))?;
        Ok(found.data.clone())
    }

    /// Adds an object; its collection and its number.
    pub fn add(&mut self, bytes: &[u8]) -> (u64, u32) {
        let needed = HEAD.saturating_add(bytes.len().next_multiple_of(8));
        let full = self.open.len().saturating_add(needed) > COLLECTION || self.count == MAX_OBJECTS;
        if self.count > 0 && full {
            self.close();
        }
        if self.open.is_empty() {
            self.open.resize(HEAD, 0);
        }
        self.count = self.count.saturating_add(1);
        self.open.extend(self.count.to_le_bytes());
        self.open.extend(1u16.to_le_bytes());
        self.open.extend([0; 4]);
        self.open.extend(wide(bytes.len()).to_le_bytes());
        self.open.extend_from_slice(bytes);
        self.open.resize(self.open.len().next_multiple_of(8), 0);
        (self.start.saturating_add(wide(self.done.len())), self.count.into())
    }

    fn close(&mut self) {
        let used = self.open.len();
        let size = used.max(COLLECTION);
        let free = size.saturating_sub(used);
        // What is free is an object itself, if its head fits.
        if free >= HEAD {
            self.open.extend([0; 8]);
            self.open.extend(wide(free).to_le_bytes());
        }
        self.open.resize(size, 0);
        let head = [b"GCOL\x01\0\0\0".as_slice(), &wide(size).to_le_bytes()].concat();
        self.open.iter_mut().zip(head).for_each(|(to, from)| *to = from);
        self.done.append(&mut self.open);
        self.count = 0;
    }

    /// All collections.
    pub fn finish(mut self) -> Vec<u8> {
        if self.count > 0 {
            self.close();
        }
        self.done
    }
}
