//! Blocks that are decoded side by side, and the memory that they take meanwhile.

use std::io::{Read, Seek};

use rayon::prelude::*;

use super::Archive;
use crate::block;
use crate::error::WeightsError;
use crate::index::{Extent, Source};

/// Raw bytes that are decoded at a time, for each thread; a block may be larger.
const BATCH: u64 = 2 << 20;

/// Coded blocks that are decoded together: many small ones take memory, too.
const MOST_JOBS: usize = 1 << 13;
/// What a block takes that waits to be decoded, beside its bytes.
pub(super) const JOB: u64 = 256;

/// Coded bytes that are read for an extent.
pub(super) fn coded_len(extent: &Extent, all: &[Extent]) -> u64 {
    match extent.source {
        Source::Block(coded) => coded,
        Source::Same(which) => all.get(which).and_then(Extent::block).map_or(0, |coded| coded.len),
        Source::Gathered(_) => extent.len,
    }
}

/// Extents that are not decoded yet.
pub(super) struct Left<'a> {
    pub extents: &'a [Extent],
    pub next: usize,
    /// That of the next one, if it was read already, or why it cannot be: told when those before it are done.
    pub waiting: Option<Result<Job, WeightsError>>,
    /// Up to this one, each is to be decoded with nothing beside it.
    alone_until: usize,
}

impl<'a> Left<'a> {
    /// All of them.
    pub fn new(extents: &'a [Extent]) -> Self {
        Self { extents, next: 0, waiting: None, alone_until: 0 }
    }

    /// Bytes of the one that waits, which are there while others are decoded.
    pub fn waiting(&self) -> u64 {
        match &self.waiting {
            Some(Ok(job)) => job.bytes.len() as u64 + JOB,
            _ => 0,
        }
    }

    /// Goes back to an extent that takes more than it had beside others. How much a block may take is no question of how
    /// many threads there are, so nothing else is held then: what was read behind it is read again, one after the other,
    /// so that nothing is decoded more than twice.
    pub fn back_to(&mut self, extent: usize) {
        self.alone_until = self.next;
        (self.next, self.waiting) = (extent, None);
    }
}

/// What is to be done for an extent.
pub(super) struct Job {
    /// Coded bytes; where no work is to be done, raw ones.
    pub bytes: Vec<u8>,
    pub raw: usize,
    /// Memory for decoding, beside coded and raw bytes.
    pub work: Option<u64>,
}

impl Job {
    /// Bytes that it takes until it is done, without work.
    pub fn held(&self) -> u64 {
        (self.bytes.len() + self.raw) as u64 + JOB
    }

    /// Fills `out`, which has the raw length.
    ///
    /// # Errors
    /// [`WeightsError::Corrupt`]; [`WeightsError::LimitExceeded`] where it takes more memory.
    pub fn run(&self, out: &mut [u8], memory: u64) -> Result<(), WeightsError> {
        match self.work {
            Some(_) => block::decode(&self.bytes, out, memory),
            None => {
                out.copy_from_slice(&self.bytes);
                Ok(())
            }
        }
    }
}

impl<R: Read + Seek> Archive<R> {
    /// The next blocks, to be decoded side by side: at least one, if there is one, and no more than keeps every thread
    /// busy and fits. `out` is what the last ones came out in, and may be used again.
    ///
    /// # Errors
    /// I/O, damage; [`WeightsError::LimitExceeded`] where not even one fits.
    pub(super) fn batch(
        &mut self,
        left: &mut Left<'_>,
        out: &mut Vec<u8>,
        threads: usize,
        room: u64,
    ) -> Result<Batch, WeightsError> {
        let most = BATCH * threads as u64;
        let alone = left.next < left.alone_until;
        let mut batch = Batch::default();
        while let Some(extent) = left.extents.get(left.next) {
            let first = batch.jobs.is_empty();
            let raw = batch.raw + extent.len;
            // Waiting costs no more than taking part would.
            let coded = coded_len(extent, left.extents);
            let bytes = batch.memory(threads) + extent.len + coded + JOB;
            let full = raw > most || bytes > room || batch.jobs.len() == MOST_JOBS || alone;
            if !first && full {
                break;
            }
            // What came out last is no one's any more, and is not counted: it goes where the next does not fit beside it.
            if batch.coded() + coded + JOB + out.capacity() as u64 > room {
                *out = Vec::new();
            }
            let job = match left.waiting.take() {
                Some(job) => job,
                None => self.job(extent, left.extents, room),
            };
            let fits = |job: &Job| batch.memory_with(job, threads) <= room;
            match job {
                Ok(job) if first || fits(&job) => {
                    left.next += 1;
                    batch.push(job);
                }
                Err(e) if first => return Err(e),
                job => {
                    left.waiting = Some(job);
                    break;
                }
            }
        }
        Ok(batch)
    }
}

/// Blocks that are decoded side by side.
#[derive(Default)]
pub(super) struct Batch {
    pub jobs: Vec<Job>,
    /// Their raw bytes, what all of them hold, and the most work of one.
    pub raw: u64,
    held: u64,
    work: u64,
}

impl Batch {
    pub fn push(&mut self, job: Job) {
        self.raw += job.raw as u64;
        self.held += job.held();
        self.work = self.work.max(job.work.unwrap_or_default());
        self.jobs.push(job);
    }

    /// Bytes that are there before anything is decoded.
    fn coded(&self) -> u64 {
        self.held - self.raw
    }

    /// Bytes for decoding by so many threads.
    pub fn memory(&self, threads: usize) -> u64 {
        at_work(self.held, self.work, self.jobs.len(), threads)
    }

    /// The same with one more.
    pub fn memory_with(&self, job: &Job, threads: usize) -> u64 {
        let work = self.work.max(job.work.unwrap_or_default());
        at_work(self.held + job.held(), work, self.jobs.len() + 1, threads)
    }

    /// Decodes into `out`, of whose bytes nothing is kept: one block with all the room that there is, several with what
    /// each of them usually takes.
    pub fn decode(self, pool: &rayon::ThreadPool, out: &mut Vec<u8>, room: u64) -> Decoded {
        // Not grown: that would take the old bytes and the new ones. And not larger than was counted.
        let raw = self.raw as usize;
        if out.capacity() < raw {
            *out = Vec::new();
        }
        out.resize(raw, 0);
        out.shrink_to(raw);
        let mut outs = Vec::with_capacity(self.jobs.len());
        let mut rest = &mut out[..];
        for job in &self.jobs {
            let (out, more) = rest.split_at_mut_checked(job.raw).unwrap_or_default();
            outs.push(out);
            rest = more;
        }
        let all = room.saturating_sub(self.held);
        let results: Vec<_> = match (&self.jobs[..], &mut outs[..]) {
            ([job], [out]) => vec![job.run(out, all)],
            (jobs, outs) => pool.install(|| {
                let pairs = jobs.par_iter().zip(outs.par_iter_mut());
                pairs.map(|(job, out)| job.run(out, job.work.unwrap_or_default())).collect()
            }),
        };
        let mut decoded = Decoded { jobs: 0, bytes: 0, ended: Ok(()) };
        for (job, result) in self.jobs.iter().zip(results) {
            if result.is_err() {
                decoded.ended = result;
                break;
            }
            decoded.jobs += 1;
            decoded.bytes += job.raw;
        }
        decoded
    }
}

/// What came of a batch: the blocks before the first that failed, in their order, whichever failed first in time.
pub(super) struct Decoded {
    pub jobs: usize,
    /// Raw bytes of these.
    pub bytes: usize,
    /// The error of the one behind them. [`WeightsError::LimitExceeded`]: it takes more than it had beside others.
    pub ended: Result<(), WeightsError>,
}

/// Bytes that are held, and what the threads at work take at most.
fn at_work(held: u64, work: u64, jobs: usize, threads: usize) -> u64 {
    held.saturating_add(work.saturating_mul(jobs.min(threads) as u64))
}
