//! A form that is read, of which bytes may be lost.

use crate::error::RemakeError;
use std::io::Read;
use std::ops::Range;

/// Bytes of a section, or of the rows of a table, that are read at a time, at first.
pub(super) const STEP: u64 = 1 << 16;

/// How many bytes from the start of a range on lie before the first of some gaps, which are in order.
pub fn before_gap(gaps: &[Range<u64>], range: Range<u64>) -> u64 {
    let next = gaps.get(gaps.partition_point(|gap| gap.end <= range.start));
    let end = next.map_or(range.end, |gap| gap.start.max(range.start).min(range.end));
    end.saturating_sub(range.start)
}

/// A form that is read, of which bytes may be lost.
pub struct Form<R, I> {
    input: R,
    /// Bytes read so far.
    at: u64,
    /// How many bytes from the start of a range on are intact; none where all of them must be there.
    intact: Option<I>,
    /// Whether any that were wanted are not.
    pub damaged: bool,
}

impl<R: Read> Form<R, fn(Range<u64>) -> u64> {
    /// A form that is whole.
    pub const fn whole(input: R) -> Self {
        Self { input, at: 0, intact: None, damaged: false }
    }
}

impl<R: Read, I: Fn(Range<u64>) -> u64> Form<R, I> {
    /// A form with gaps, or one that is cut short.
    pub const fn with_gaps(input: R, intact: I) -> Self {
        Self { input, at: 0, intact: Some(intact), damaged: false }
    }

    /// The next byte; none at the end.
    ///
    /// # Errors
    /// I/O; [`RemakeError::InsufficientData`] where it is lost.
    pub(super) fn byte(&mut self) -> Result<Option<u8>, RemakeError> {
        let mut byte = [0];
        loop {
            match self.input.read(&mut byte) {
                Ok(0) => return Ok(None),
                Ok(_) => break,
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e.into()),
            }
        }
        match self.passed(1, 1) {
            0 => Err(RemakeError::InsufficientData),
            _ => Ok(byte.first().copied()),
        }
    }

    /// So many bytes, fewer of a form that is cut short, and how many before the first lost one; memory grows with what
    /// arrives.
    fn bytes(&mut self, n: u64) -> Result<(Vec<u8>, usize), RemakeError> {
        let mut out = Vec::new();
        loop {
            let got = out.len() as u64;
            let step = n.saturating_sub(got).min(got.max(STEP));
            out.reserve_exact(usize::try_from(step).unwrap_or(usize::MAX));
            if step == 0 || (&mut self.input).take(step).read_to_end(&mut out)? as u64 != step {
                break;
            }
        }
        let got = out.len() as u64;
        if got < n && self.intact.is_none() {
            return Err(RemakeError::InsufficientData);
        }
        let intact = self.passed(n, got);
        Ok((out, usize::try_from(intact).unwrap_or(usize::MAX)))
    }

    /// The next `n` bytes, up to the first lost one.
    ///
    /// # Errors
    /// I/O; [`RemakeError::InsufficientData`] where there are fewer and all of them must be there.
    pub(super) fn section(&mut self, n: u64) -> Result<Vec<u8>, RemakeError> {
        let (mut bytes, intact) = self.bytes(n)?;
        bytes.truncate(intact);
        Ok(bytes)
    }

    /// Counts `n` bytes that were wanted, of which `got` were there; gives how many are before the first lost one.
    fn passed(&mut self, n: u64, got: u64) -> u64 {
        let range = self.at..self.at.saturating_add(got);
        self.at = self.at.saturating_add(n);
        let intact = self.intact.as_ref().map_or(got, |intact| intact(range)).min(got);
        self.damaged |= intact < n;
        intact
    }
}
