//! The archive's own structures: header, index, footer. `docs/format.md`, section "Weight archives".

use vxc_entropy::{read_varint, write_varint};

use crate::block::MAX_BLOCK;
use crate::error::WeightsError;
use crate::memory::check;
use crate::rans::take;

/// First bytes of every archive; the last of them is the version.
pub(crate) const MAGIC: [u8; 8] = *b"\x89VXW\r\n\x1a\x01";
/// Last bytes of every archive.
const END: [u8; 8] = *b"VXW end\n";
/// Bytes of the footer.
pub(crate) const FOOTER: u64 = 8 + 4 + 8 + 32 + 4 + 8;
/// Bytes behind each block: CRC32C of its coded bytes.
pub(crate) const CRC: u64 = 4;

/// A coded block in the archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Coded {
    /// Its first byte in the archive.
    pub at: u64,
    /// Coded bytes, without their CRC.
    pub len: u64,
}

/// What a range of the file is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// A block of its own, of so many coded bytes.
    Block(u64),
    /// The same bytes as an earlier extent, which is a block.
    Same(usize),
    /// The next bytes of the gathered block, from this one on.
    Gathered(u64),
}

/// A range of the file; they follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Extent {
    /// Its first byte in the file.
    pub start: u64,
    /// Bytes.
    pub len: u64,
    /// Where its block is in the archive; where it has none of its own, the next one's place: so the blocks of any range
    /// are counted without going through it.
    pub at: u64,
    pub source: Source,
}

impl Extent {
    /// Its own block.
    pub fn block(&self) -> Option<Coded> {
        match self.source {
            Source::Block(len) => Some(Coded { at: self.at, len }),
            Source::Same(_) | Source::Gathered(_) => None,
        }
    }

    /// Where the first block behind it is.
    fn next_at(&self) -> u64 {
        self.block().map_or(self.at, |coded| coded.at + coded.len + CRC)
    }
}

/// Everything an archive says about its blocks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Index {
    /// The gathered block, if there is one: its raw length, and where it is.
    pub gathered: Option<(u64, Coded)>,
    pub extents: Vec<Extent>,
}

const BLOCK: u64 = 0;
const SAME: u64 = 1;
const GATHERED: u64 = 2;

/// What a limit of memory is about that an index exceeds.
pub(crate) const INDEX_MEMORY: &str = "the memory of the index";

/// Bytes that so many extents take in memory.
fn held(extents: u64) -> u64 {
    extents.saturating_mul(size_of::<Extent>() as u64)
}

impl Index {
    /// Bytes that it takes in memory.
    pub fn memory(&self) -> u64 {
        held(self.extents.len() as u64)
    }

    /// Bytes of the file.
    pub fn raw_len(&self) -> u64 {
        self.extents.last().map_or(0, |e| e.start + e.len)
    }

    /// Bytes of header and blocks: where the index begins.
    pub fn blocks_end(&self) -> u64 {
        // A gathered block is no one's but that of extents.
        self.extents.last().map_or(MAGIC.len() as u64, Extent::next_at)
    }

    /// Bytes of the blocks that are those of extents which hold any of `len` bytes of the file from `start` on.
    pub fn coded_len(&self, start: u64, len: u64) -> u64 {
        let end = start.saturating_add(len);
        let place = |n: usize| self.extents.get(n).map_or_else(|| self.blocks_end(), |e| e.at);
        let first = self.extents.partition_point(|e| e.start + e.len <= start);
        let behind = self.extents.partition_point(|e| e.start < end);
        place(behind).saturating_sub(place(first))
    }

    pub fn write(&self) -> Vec<u8> {
        let mut out = Vec::new();
        let (raw, coded) = self.gathered.map_or((0, 0), |(raw, coded)| (raw, coded.len));
        write_varint(&mut out, raw);
        if raw > 0 {
            write_varint(&mut out, coded);
        }
        write_varint(&mut out, self.extents.len() as u64);
        for e in &self.extents {
            match e.source {
                Source::Block(coded) => {
                    write_varint(&mut out, e.len << 2 | BLOCK);
                    write_varint(&mut out, coded);
                }
                Source::Same(which) => {
                    write_varint(&mut out, e.len << 2 | SAME);
                    write_varint(&mut out, which as u64);
                }
                Source::Gathered(_) => write_varint(&mut out, e.len << 2 | GATHERED),
            }
        }
        out
    }

    /// Reads an index; positions of blocks follow from their lengths. It and its bytes take at most `max_memory`.
    ///
    /// # Errors
    /// [`WeightsError::Corrupt`] for what no writer writes; [`WeightsError::LimitExceeded`].
    pub fn parse(mut input: &[u8], max_memory: u64) -> Result<Self, WeightsError> {
        let bytes = input.len() as u64;
        let bad = || WeightsError::corrupt("the index contradicts itself");
        let length = |n: u64| if (1..=MAX_BLOCK).contains(&n) { Ok(n) } else { Err(bad()) };
        let coded = |len: u64, raw: u64| {
            // A block is never longer than stored.
            if (1..=raw + 1).contains(&len) { Ok(len) } else { Err(bad()) }
        };
        let mut at = MAGIC.len() as u64;
        let raw = read_varint(&mut input)?;
        let gathered = match raw {
            0 => None,
            _ => {
                let raw = length(raw)?;
                let len = coded(read_varint(&mut input)?, raw)?;
                let place = Coded { at, len };
                at += len + CRC;
                Some((raw, place))
            }
        };
        let count = read_varint(&mut input)?;
        if count > input.len() as u64 {
            return Err(bad());
        }
        // An extent may be a single byte of the index.
        check(INDEX_MEMORY, bytes.saturating_add(held(count)), max_memory)?;
        let mut extents: Vec<Extent> = Vec::with_capacity(count as usize);
        let (mut start, mut taken) = (0u64, 0u64);
        for _ in 0..count {
            let word = read_varint(&mut input)?;
            let len = length(word >> 2)?;
            let source = match word & 3 {
                BLOCK => Source::Block(coded(read_varint(&mut input)?, len)?),
                SAME => {
                    let which = usize::try_from(read_varint(&mut input)?).map_err(|_| bad())?;
                    let same = extents.get(which).ok_or_else(bad)?;
                    if same.len != len || !matches!(same.source, Source::Block(_)) {
                        return Err(bad());
                    }
                    Source::Same(which)
                }
                GATHERED => {
                    taken += len;
                    if taken > raw {
                        return Err(bad());
                    }
                    Source::Gathered(taken - len)
                }
                _ => return Err(bad()),
            };
            let extent = Extent { start, len, at, source };
            if let Some(block) = extent.block() {
                at = at.checked_add(block.len + CRC).ok_or_else(bad)?;
            }
            extents.push(extent);
            start = start.checked_add(len).ok_or_else(bad)?;
        }
        if taken != raw || !input.is_empty() {
            return Err(bad());
        }
        Ok(Self { gathered, extents })
    }
}

/// The end of an archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Footer {
    /// Bytes of the index.
    pub index_len: u64,
    /// CRC32C of the index.
    pub index_crc: u32,
    /// Bytes of the file.
    pub len: u64,
    /// BLAKE3 of the file.
    pub blake3: [u8; 32],
}

impl Footer {
    pub fn write(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(FOOTER as usize);
        out.extend(self.index_len.to_le_bytes());
        out.extend(self.index_crc.to_le_bytes());
        out.extend(self.len.to_le_bytes());
        out.extend(self.blake3);
        out.extend(vxc_format::content::crc32c(&out).to_le_bytes());
        out.extend(END);
        out
    }

    /// Reads a footer.
    ///
    /// # Errors
    /// [`WeightsError::Corrupt`].
    pub fn parse(bytes: &[u8]) -> Result<Self, WeightsError> {
        let mut input = bytes;
        let body = take(&mut input, FOOTER as usize - 12)?;
        let crc = u32::from_le_bytes(fixed(&mut input)?);
        if input != END {
            return Err(WeightsError::corrupt("it ends too early"));
        }
        if crc != vxc_format::content::crc32c(body) {
            return Err(WeightsError::corrupt("checksum of the footer"));
        }
        let mut body = body;
        Ok(Self {
            index_len: u64::from_le_bytes(fixed(&mut body)?),
            index_crc: u32::from_le_bytes(fixed(&mut body)?),
            len: u64::from_le_bytes(fixed(&mut body)?),
            blake3: fixed(&mut body)?,
        })
    }
}

fn fixed<const N: usize>(input: &mut &[u8]) -> Result<[u8; N], WeightsError> {
    take(input, N)?.try_into().map_err(|_| WeightsError::corrupt("it ends too early"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn inverse() {
        let first = Coded { at: 8, len: 30 };
        let index = Index {
            gathered: Some((50, first)),
            extents: vec![
                Extent { start: 0, len: 20, at: 42, source: Source::Gathered(0) },
                Extent { start: 20, len: 1000, at: 42, source: Source::Block(100) },
                Extent { start: 1020, len: 30, at: 146, source: Source::Gathered(20) },
                Extent { start: 1050, len: 1000, at: 146, source: Source::Same(1) },
            ],
        };
        let bytes = index.write();
        assert_eq!(Index::parse(&bytes, 1 << 20).unwrap(), index);
        assert_eq!((index.raw_len(), index.blocks_end()), (2050, 146));
        // A block longer than stored: memory for nothing.
        let mut long = index.clone();
        long.extents.truncate(1);
        long.gathered = Some((20, Coded { at: 8, len: 22 }));
        assert!(Index::parse(&long.write(), 1 << 20).is_err());
        long.gathered = Some((20, Coded { at: 8, len: 21 }));
        assert!(Index::parse(&long.write(), 1 << 20).is_ok());
        // Its memory is counted before it is taken.
        let needed = bytes.len() as u64 + index.memory();
        assert!(Index::parse(&bytes, needed).is_ok());
        let refused = Index::parse(&bytes, needed - 1);
        assert!(matches!(refused, Err(WeightsError::LimitExceeded { .. })), "{refused:?}");
        for cut in 0..bytes.len() {
            assert!(Index::parse(&bytes[..cut], 1 << 20).is_err());
        }
    }

    /// An index of extents of so many bytes, each with a block of so many coded bytes, or the bytes of the first one.
    fn index(of: &[(u64, Option<u64>)]) -> Index {
        let (mut start, mut at) = (0, MAGIC.len() as u64);
        let extents = of.iter().map(|&(len, coded)| {
            let source = coded.map_or(Source::Same(0), Source::Block);
            let extent = Extent { start, len, at, source };
            (start, at) = (start + len, extent.next_at());
            extent
        });
        Index { gathered: None, extents: extents.collect() }
    }

    /// As many tensors as extents: some 40 steps for each. Going through all extents would be 25,000 million, a test that
    /// does not end while one waits.
    #[test]
    fn blocks_of_many_tensors_are_counted_by_places() {
        let n = 1_000_000;
        let mut of = vec![(1, None); n];
        of[0] = (1, Some(2));
        let index = index(&of);
        for start in (0..n as u64).step_by(20) {
            assert_eq!(index.coded_len(start, n as u64), if start == 0 { 2 + CRC } else { 0 });
        }
    }

    proptest! {
        #[test]
        fn blocks_of_a_range_are_those_of_its_extents(
            of in prop::collection::vec((1u64..50, prop::option::of(1u64..50)), 1..40),
            start in 0u64..2000,
            len in 0u64..2000,
        ) {
            let index = index(&of);
            let touched = index.extents.iter().filter(|e| e.start + e.len > start && e.start < start + len);
            let expected: u64 = touched.filter_map(|e| Some(e.block()?.len + CRC)).sum();
            prop_assert_eq!(index.coded_len(start, len), expected);
        }

        #[test]
        fn what_is_read_is_canonical(bytes in prop::collection::vec(0u8..12, 0..20)) {
            if let Ok(index) = Index::parse(&bytes, 1 << 20) {
                prop_assert_eq!(index.write(), bytes);
            }
        }
    }
}
