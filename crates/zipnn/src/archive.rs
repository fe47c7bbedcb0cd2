//! Archives to files, as a whole or any range of them.

mod access;
mod batch;

use std::io::{Read, Seek, SeekFrom, Write};

use vxc_format::content::crc32c;

use self::batch::{Decoded, JOB, Job, Left};
use crate::block::{self, BLOCK_MEMORY};
use crate::compress::pool;
use crate::error::WeightsError;
use crate::index::{CRC, Coded, Extent, FOOTER, Footer, INDEX_MEMORY, Index, MAGIC, Source};
use crate::memory::{Room, check};
use crate::plan::{self, Tensor};

/// The usual limit of memory.
pub(crate) const MAX_MEMORY: u64 = 512 << 20;

/// What a reader is willing to spend, in bytes. All is checked before memory is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The file; of single tensors, these together.
    pub max_output: u64,
    /// The index, the blocks that are decoded side by side and what that takes, the list of tensors. Threads wait where
    /// it is short. Default 512 MiB.
    pub max_memory: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_output: u64::MAX, max_memory: MAX_MEMORY }
    }
}

/// An open archive. Reading and seeking it gives the bytes of the file that was compressed.
pub struct Archive<R> {
    input: R,
    limits: Limits,
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
    /// I/O, damage, a file or an index beyond the limits.
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
        check("content", footer.len, limits.max_output)?;
        let index = read_index(&mut input, len - FOOTER, &footer, limits.max_memory)?;
        let gathered = Vec::new();
        let mut archive = Self { input, limits, index, footer, gathered, at: 0, last: Vec::new() };
        if let Some((raw, coded)) = archive.index.gathered {
            let room = archive.room();
            let job = archive.decoding(coded, raw, room)?;
            // The index has bounded it.
            let mut gathered = vec![0; raw as usize];
            job.run(&mut gathered, room.saturating_sub(job.held()))?;
            archive.gathered = gathered;
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
        self.index.coded_len(start, len)
    }

    /// Memory beside index and gathered block.
    fn room(&self) -> u64 {
        let held = self.index.memory() + self.gathered.len() as u64;
        self.limits.max_memory.saturating_sub(held)
    }

    /// What a caller is willing to spend on this archive.
    pub(crate) fn limits(&self) -> Limits {
        self.limits
    }

    /// The tensors of the file, none if it is in no known format. Half of the memory is for their list, half for reading
    /// it.
    ///
    /// # Errors
    /// I/O, damage; [`WeightsError::LimitExceeded`].
    pub fn tensors(&mut self) -> Result<Vec<Tensor>, WeightsError> {
        let room = Room::new("the memory of the list of tensors", self.room() / 2);
        plan::tensors(self, &room)
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
        // What was read last is not counted here, and of no use.
        self.last = Vec::new();
        let room = self.room();
        let extents = std::mem::take(&mut self.index.extents);
        let mut left = Left::new(&extents);
        let mut decoded = Vec::new();
        let done = loop {
            let threads = pool.current_num_threads();
            let batch = match self.batch(&mut left, &mut decoded, threads, room) {
                Ok(batch) if batch.jobs.is_empty() => break Ok(()),
                Ok(batch) => batch,
                Err(e) => break Err(e),
            };
            let first = left.next - batch.jobs.len();
            let alone = batch.jobs.len() == 1 && left.waiting() == 0;
            let room = room.saturating_sub(left.waiting());
            let Decoded { jobs, bytes, ended } = batch.decode(&pool, &mut decoded, room);
            let good = decoded.get(..bytes).unwrap_or_default();
            hasher.update(good);
            if let Err(e) = output.write_all(good) {
                break Err(e.into());
            }
            progress(hasher.count());
            match ended {
                Ok(()) => {}
                Err(WeightsError::LimitExceeded { .. }) if !alone => left.back_to(first + jobs),
                Err(e) => break Err(e),
            }
        };
        self.index.extents = extents;
        done?;
        output.flush()?;
        if *hasher.finalize().as_bytes() != self.footer.blake3 {
            return Err(WeightsError::corrupt("the content does not fit its checksum"));
        }
        Ok(())
    }

    /// What is to be done for an extent, within so much memory.
    fn job(&mut self, extent: &Extent, all: &[Extent], room: u64) -> Result<Job, WeightsError> {
        let block = match extent.source {
            Source::Block(_) => extent.block(),
            Source::Same(which) => all.get(which).and_then(Extent::block),
            Source::Gathered(from) => {
                let range = from as usize..(from + extent.len) as usize;
                let bytes = self.gathered.get(range);
                let bytes =
                    bytes.ok_or_else(|| WeightsError::corrupt("gathered bytes end too early"))?;
                check(BLOCK_MEMORY, 2 * extent.len + JOB, room)?;
                return Ok(Job { bytes: bytes.to_vec(), raw: bytes.len(), work: None });
            }
        };
        let coded = block.ok_or_else(|| WeightsError::corrupt("a block that does not exist"))?;
        self.decoding(coded, extent.len, room)
    }

    /// Decoding of a block of so many raw bytes, which the index has bounded, within so much memory.
    fn decoding(&mut self, coded: Coded, raw: u64, room: u64) -> Result<Job, WeightsError> {
        let held = raw + coded.len + JOB;
        check(BLOCK_MEMORY, held, room)?;
        let bytes = self.coded(coded)?;
        let need = block::memory(&bytes, raw as usize)?;
        let work = if need.elastic { need.bytes.min(room - held) } else { need.bytes };
        check(BLOCK_MEMORY, held.saturating_add(work), room)?;
        Ok(Job { bytes, raw: raw as usize, work: Some(work) })
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

/// The index, which ends here. Its bytes, which count as long as it is read, are gone then.
fn read_index<R: Read + Seek>(
    input: &mut R,
    end: u64,
    footer: &Footer,
    max_memory: u64,
) -> Result<Index, WeightsError> {
    check(INDEX_MEMORY, footer.index_len, max_memory)?;
    let from = end
        .checked_sub(footer.index_len)
        .ok_or_else(|| WeightsError::corrupt("the index is longer than the file"))?;
    let bytes = read_at(input, from, footer.index_len)?;
    if crc32c(&bytes) != footer.index_crc {
        return Err(WeightsError::corrupt("checksum of the index"));
    }
    let index = Index::parse(&bytes, max_memory)?;
    if index.blocks_end() != from || index.raw_len() != footer.len {
        return Err(WeightsError::corrupt("the index does not fit the file"));
    }
    Ok(index)
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

#[cfg(test)]
mod tests;
