//! Reading here and there: the blocks that were decoded last are kept.

use std::io::{self, Read, Seek, SeekFrom};

use super::Archive;
use super::batch::coded_len;
use crate::error::WeightsError;
use crate::index::Extent;

/// Decoded blocks that are kept for who reads here and there.
const KEPT: usize = 4;

impl<R: Read + Seek> Archive<R> {
    /// Raw bytes of an extent. Others that are kept give way to it.
    ///
    /// # Errors
    /// I/O, damage; [`WeightsError::LimitExceeded`].
    fn block(&mut self, extent: &Extent) -> Result<Vec<u8>, WeightsError> {
        let room = self.room() / 2;
        let extents = std::mem::take(&mut self.index.extents);
        self.make_room(extent.len + coded_len(extent, &extents), room);
        let job = self.job(extent, &extents, room);
        self.index.extents = extents;
        let job = job?;
        self.make_room(job.held() + job.work.unwrap_or_default(), room);
        let mut raw = vec![0; job.raw];
        let mut done = job.run(&mut raw, room.saturating_sub(self.kept() + job.held()));
        if matches!(done, Err(WeightsError::LimitExceeded { .. })) && !self.last.is_empty() {
            // It takes more than such a block usually does: whether it may is no question of what was read before.
            self.last.clear();
            done = job.run(&mut raw, room.saturating_sub(job.held()));
        }
        done.map(|()| raw)
    }

    /// Bytes of blocks that are kept.
    fn kept(&self) -> u64 {
        self.last.iter().map(|(_, raw)| raw.len() as u64).sum()
    }

    /// Forgets blocks until so many bytes fit.
    fn make_room(&mut self, bytes: u64, room: u64) {
        while !self.last.is_empty()
            && (self.last.len() >= KEPT || self.kept().saturating_add(bytes) > room)
        {
            self.last.remove(0);
        }
    }
}

impl<R: Read + Seek> Read for Archive<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let which = self.index.extents.partition_point(|e| e.start + e.len <= self.at);
        let Some(&extent) = self.index.extents.get(which) else { return Ok(0) };
        if !self.last.iter().any(|(n, _)| *n == which) {
            let raw = self.block(&extent).map_err(|e| match e {
                WeightsError::Io(e) => e,
                e => io::Error::new(io::ErrorKind::InvalidData, e),
            })?;
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
