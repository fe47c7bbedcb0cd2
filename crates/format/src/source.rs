//! A `Read` with a position, whose end before its time is [`FormatError::InsufficientData`], and which
//! never trusts a declared size: memory grows in steps with the bytes that arrive.

use std::io::{ErrorKind, Read};

use crate::constants::READ_STEP;
use crate::error::FormatError;
use crate::varint::{Decoder, Step};

#[derive(Debug)]
pub(crate) struct Source<R> {
    inner: R,
    position: u64,
}

impl<R: Read> Source<R> {
    /// `position` is where `inner` stands in the input.
    pub(crate) const fn new(inner: R, position: u64) -> Self {
        Self { inner, position }
    }

    pub(crate) const fn position(&self) -> u64 {
        self.position
    }

    pub(crate) fn into_inner(self) -> R {
        self.inner
    }

    /// Fills `buf` as far as the input goes; the number of bytes read is smaller only at its end.
    pub(crate) fn fill(&mut self, buf: &mut [u8]) -> Result<usize, FormatError> {
        let mut done = 0usize;
        while let Some(rest) = buf.get_mut(done..).filter(|rest| !rest.is_empty()) {
            let room = rest.len();
            match self.inner.read(rest) {
                Ok(0) => break,
                // `min`: a reader that claims more than it was given room for is not believed.
                Ok(n) => done = done.saturating_add(n.min(room)),
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) => return Err(e.into()),
            }
        }
        self.position = self.position.saturating_add(u64::try_from(done).unwrap_or(u64::MAX));
        Ok(done)
    }

    /// Fills `buf`, or the input was too short for `what`.
    pub(crate) fn exact(&mut self, buf: &mut [u8], what: &str) -> Result<(), FormatError> {
        let n = buf.len();
        if self.fill(buf)? < n {
            return Err(self.ended(what));
        }
        Ok(())
    }

    pub(crate) fn array<const N: usize>(&mut self, what: &str) -> Result<[u8; N], FormatError> {
        let mut buf = [0u8; N];
        self.exact(&mut buf, what)?;
        Ok(buf)
    }

    /// Reads `n` bytes to the end of `out`. `out` grows to at most twice what has arrived plus
    /// [`READ_STEP`], whatever `n` claims; its capacity ends at exactly what is needed.
    pub(crate) fn append(
        &mut self,
        out: &mut Vec<u8>,
        n: u64,
        what: &'static str,
    ) -> Result<(), FormatError> {
        let mut left = n;
        let mut step = READ_STEP;
        while left > 0 {
            let take = usize::try_from(left).unwrap_or(usize::MAX).min(step);
            let have = out.len();
            out.try_reserve_exact(take).map_err(|_| FormatError::LimitExceeded {
                what,
                needed: n,
                limit: u64::try_from(have).unwrap_or(u64::MAX),
            })?;
            out.resize(have.saturating_add(take), 0);
            let Some(room) = out.get_mut(have..) else { break };
            let got = self.fill(room)?;
            if got < take {
                return Err(self.ended(what));
            }
            left = left.saturating_sub(u64::try_from(take).unwrap_or(u64::MAX));
            step = out.len().max(READ_STEP);
        }
        Ok(())
    }

    /// Reads a varint and appends the bytes it was read from to `raw`.
    pub(crate) fn varint(&mut self, raw: &mut Vec<u8>, what: &str) -> Result<u64, FormatError> {
        let mut decoder = Decoder::default();
        loop {
            let [byte] = self.array::<1>(what)?;
            raw.push(byte);
            match decoder.push(byte) {
                Step::More => {}
                Step::Done(value) => return Ok(value),
                Step::Invalid => {
                    return Err(FormatError::corrupt(format!(
                        "invalid number in {what} before byte {}",
                        self.position
                    )));
                }
            }
        }
    }

    fn ended(&self, what: &str) -> FormatError {
        FormatError::truncated(format!("the input ends at byte {}, inside {what}", self.position))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives one byte at a time, each only after a number of interruptions.
    struct Interrupted<'a> {
        bytes: &'a [u8],
        before: usize,
    }

    impl Read for Interrupted<'_> {
        fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
            if self.before > 0 {
                self.before -= 1;
                return Err(ErrorKind::Interrupted.into());
            }
            self.before = 2;
            self.bytes.read(buf.get_mut(..1).unwrap_or_default())
        }
    }

    #[test]
    fn an_interruption_is_no_end_and_no_error() {
        let mut source = Source::new(Interrupted { bytes: b"some bytes", before: 1 }, 5);
        let mut buf = [0; 4];
        source.exact(&mut buf, "them").unwrap();
        assert_eq!((&buf, source.position()), (b"some", 9));
        let mut rest = [0; 9];
        assert_eq!(source.fill(&mut rest).unwrap(), 6);
        assert_eq!(&rest[..6], b" bytes");
    }
}
