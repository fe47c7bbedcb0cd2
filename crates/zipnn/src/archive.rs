//! Archives to files, as a whole or any range of them.

use std::io::{self, Read, Seek, SeekFrom, Write};

use rayon::prelude::*;
use vxc_format::content::crc32c;

use crate::block;
use crate::compress::pool;
use crate::error::WeightsError;
use crate::index::{CRC, Coded, Extent, FOOTER, Footer, Index, MAGIC, Source};

/// Decoded blocks that are kept for who reads here and there.
const KEPT: usize = 4;
/// Raw bytes that are decoded at a time, for each thread; a block may be larger.
const BATCH: u64 = 2 << 20;

/// What a reader is willing to spend.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of the file.
    pub max_output: u64,
    /// Bytes of the index; in memory it takes twenty times as much at most.
    pub max_index: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_output: u64::MAX, max_index: 16 << 20 }
    }
}

/// An open archive. Reading and seeking it gives the bytes of the file that was compressed.
pub struct Archive<R> {
    input: R,
    index: Index,
    footer: Footer,
    gathered: Vec<u8>,
    at: u64,
    /// The extents that were read last, the newest at the end.
    last: Vec<(usize, Vec<u8>)>,
}

impl<R: Read + Seek> Archive<R> {
    /// Opens an archive: reads header, index and footer.
    ///
    /// # Errors
    /// I/O, damage, an index beyond the limits.
    pub fn open(mut input: R, limits: Limits) -> Result<Self, WeightsError> {
        let len = input.seek(SeekFrom::End(0))?;
        input.seek(SeekFrom::Start(0))?;
        let mut magic = [0; MAGIC.len()];
        if len >= MAGIC.len() as u64 + FOOTER {
            input.read_exact(&mut magic)?;
        }
        let ([front @ .., version], [known @ .., ours]) = (magic, MAGIC);
        if front != known {
            return Err(WeightsError::corrupt("it is none, or cut short"));
        }
        if version != ours {
            let message = format!("version {version}; this program reads version {ours}");
            return Err(WeightsError::Unsupported(message));
        }
        let footer = read_at(&mut input, len - FOOTER, FOOTER)?;
        let footer = Footer::parse(&footer)?;
        check("index", footer.index_len, limits.max_index)?;
        check("content", footer.len, limits.max_output)?;
        let from = (len - FOOTER)
            .checked_sub(footer.index_len)
            .ok_or_else(|| WeightsError::corrupt("the index is longer than the file"))?;
        let index = read_at(&mut input, from, footer.index_len)?;
        if crc32c(&index) != footer.index_crc {
            return Err(WeightsError::corrupt("checksum of the index"));
        }
        let index = Index::parse(&index)?;
        if index.blocks_end() != from || index.raw_len() != footer.len {
            return Err(WeightsError::corrupt("the index does not fit the file"));
        }
        let mut archive =
            Self { input, index, footer, gathered: Vec::new(), at: 0, last: Vec::new() };
        if let Some((raw, coded)) = archive.index.gathered {
            let coded = archive.coded(coded)?;
            // The index has bounded it.
            archive.gathered = vec![0; raw as usize];
            block::decode(&coded, &mut archive.gathered)?;
        }
        Ok(archive)
    }

    /// Bytes of the file.
    pub fn raw_len(&self) -> u64 {
        self.footer.len
    }

    /// BLAKE3 of the file.
    pub fn blake3(&self) -> [u8; 32] {
        self.footer.blake3
    }

    /// Bytes of the blocks that hold any of `len` bytes of the file from `start` on; those of earlier blocks with the same
    /// bytes, and of the gathered one, are not counted.
    pub fn coded_len(&self, start: u64, len: u64) -> u64 {
        let end = start.saturating_add(len);
        let first = self.index.extents.partition_point(|e| e.start + e.len <= start);
        let touched = self.index.extents.iter().skip(first).take_while(|e| e.start < end);
        touched
            .filter_map(|e| match e.source {
                Source::Block(coded) => Some(coded.len + CRC),
                Source::Same(_) | Source::Gathered(_) => None,
            })
            .sum()
    }

    /// Decodes everything to `output` and checks it. `progress` is told how many bytes are done.
    ///
    /// # Errors
    /// I/O, damage. What was written before is not to be used then.
    pub fn decode_all<W: Write>(
        &mut self,
        mut output: W,
        threads: usize,
        mut progress: impl FnMut(u64),
    ) -> Result<(), WeightsError> {
        let pool = pool(threads)?;
        let mut hasher = blake3::Hasher::new();
        let extents = std::mem::take(&mut self.index.extents);
        let mut left = &extents[..];
        let mut buffer = Vec::new();
        while !left.is_empty() {
            // At least one block, and no more than keeps every thread busy.
            let most = BATCH * pool.current_num_threads() as u64;
            let mut bytes = 0;
            let n = left.iter().take_while(|e| {
                bytes += e.len;
                bytes <= most || bytes == e.len
            });
            let (batch, rest) = left.split_at_checked(n.count()).unwrap_or((left, &[]));
            left = rest;
            buffer.resize(batch.iter().map(|e| e.len as usize).sum(), 0);
            let mut room = &mut buffer[..];
            let mut jobs = Vec::new();
            for extent in batch {
                let (out, rest) =
                    room.split_at_mut_checked(extent.len as usize).unwrap_or_default();
                room = rest;
                jobs.push((self.job(extent, &extents)?, out));
            }
            pool.install(|| jobs.into_par_iter().try_for_each(|(job, out)| job.run(out)))?;
            hasher.update(&buffer);
            output.write_all(&buffer)?;
            progress(hasher.count());
        }
        self.index.extents = extents;
        output.flush()?;
        if *hasher.finalize().as_bytes() != self.footer.blake3 {
            return Err(WeightsError::corrupt("the content does not fit its checksum"));
        }
        Ok(())
    }

    /// What is to be done for an extent.
    fn job(&mut self, extent: &Extent, all: &[Extent]) -> Result<Job, WeightsError> {
        let coded = match extent.source {
            Source::Block(coded) => coded,
            Source::Same(which) => match all.get(which).map(|e| e.source) {
                Some(Source::Block(coded)) => coded,
                _ => return Err(WeightsError::corrupt("a block that does not exist")),
            },
            Source::Gathered(from) => {
                let range = from as usize..(from + extent.len) as usize;
                let bytes = self.gathered.get(range);
                return bytes
                    .map(|b| Job::Known(b.to_vec()))
                    .ok_or_else(|| WeightsError::corrupt("gathered bytes end too early"));
            }
        };
        Ok(Job::Decode(self.coded(coded)?))
    }

    /// Coded bytes of a block, checked.
    fn coded(&mut self, coded: Coded) -> Result<Vec<u8>, WeightsError> {
        let mut bytes = read_at(&mut self.input, coded.at, coded.len + CRC)?;
        let crc = bytes.split_off(bytes.len().saturating_sub(CRC as usize));
        if crc32c(&bytes).to_le_bytes() != *crc {
            return Err(WeightsError::corrupt(format!(
                "checksum of the block at byte {} of the archive",
                coded.at
            )));
        }
        Ok(bytes)
    }
}

enum Job {
    Known(Vec<u8>),
    Decode(Vec<u8>),
}

impl Job {
    /// Fills `out`, which has the raw length.
    fn run(self, out: &mut [u8]) -> Result<(), WeightsError> {
        match self {
            Self::Known(raw) => {
                out.copy_from_slice(&raw);
                Ok(())
            }
            Self::Decode(coded) => block::decode(&coded, out),
        }
    }
}

fn check(what: &'static str, found: u64, limit: u64) -> Result<(), WeightsError> {
    if found > limit { Err(WeightsError::LimitExceeded { what, found, limit }) } else { Ok(()) }
}

/// `len` bytes from a position; memory grows with what is there.
fn read_at<R: Read + Seek>(input: &mut R, at: u64, len: u64) -> Result<Vec<u8>, WeightsError> {
    input.seek(SeekFrom::Start(at))?;
    let mut bytes = Vec::new();
    input.take(len).read_to_end(&mut bytes)?;
    if bytes.len() as u64 != len {
        return Err(WeightsError::corrupt("it ends too early"));
    }
    Ok(bytes)
}

impl<R: Read + Seek> Read for Archive<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let which = self.index.extents.partition_point(|e| e.start + e.len <= self.at);
        let Some(&extent) = self.index.extents.get(which) else { return Ok(0) };
        if !self.last.iter().any(|(n, _)| *n == which) {
            let extents = std::mem::take(&mut self.index.extents);
            let mut raw = vec![0; extent.len as usize];
            let done = self.job(&extent, &extents).and_then(|job| job.run(&mut raw));
            self.index.extents = extents;
            done.map_err(|e| match e {
                WeightsError::Io(e) => e,
                e => io::Error::new(io::ErrorKind::InvalidData, e),
            })?;
            if self.last.len() == KEPT {
                self.last.remove(0);
            }
            self.last.push((which, raw));
        }
        let Some((_, raw)) = self.last.iter().find(|(n, _)| *n == which) else { return Ok(0) };
        let from = (self.at - extent.start) as usize;
        let n = raw.get(from..).unwrap_or_default().read(buffer)?;
        self.at += n as u64;
        Ok(n)
    }
}

impl<R: Read + Seek> Seek for Archive<R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => self.raw_len().checked_add_signed(by),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
        };
        self.at = at.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        Ok(self.at)
    }
}
