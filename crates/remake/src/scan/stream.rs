//! Which setting of an encoder gives a deflate stream of any length: all are run at once, beside the decoder, and
//! dropped at the first byte that differs. Memory is bounded.

use crate::codec::deflate::Stream;
use crate::error::RemakeError;
use flate2::{Decompress, FlushDecompress, Status};
use std::io::Read;

/// Bytes read at a time, and bytes of content.
const STEP: usize = 1 << 16;
/// Stored bytes that an encoder may be behind the decoder: far more than a block has.
const BEHIND: usize = 8 << 20;
/// Content that is this many times as long as what is stored, and longer than [`LONG`], is not worth the time: it may
/// have been made to take it.
const EXPANDS: u64 = 256;
/// See [`EXPANDS`].
const LONG: u64 = 64 << 20;

/// A stream that was read to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// Its bytes.
    pub stored_bytes: u64,
    /// Bytes of its content.
    pub content_bytes: u64,
    /// The setting that gives it again; none if none does.
    pub setting: Option<u8>,
}

/// An encoder that has given the stored bytes so far.
struct Candidate {
    setting: u8,
    encoder: Stream,
    /// What it gave and nobody compared.
    made: Vec<u8>,
    /// Where that starts in the stream.
    at: u64,
}

impl Candidate {
    /// Compares what can be compared with stored bytes that start at `base`; false if they differ.
    fn compare(&mut self, stored: &[u8], base: u64) -> bool {
        let from = usize::try_from(self.at.saturating_sub(base)).unwrap_or(usize::MAX);
        let stored = stored.get(from..).unwrap_or_default();
        let n = stored.len().min(self.made.len());
        let same = stored.get(..n) == self.made.get(..n);
        self.made.drain(..n);
        self.at += n as u64;
        // What waits is at most a few bytes ahead of the decoder, or the encoder makes something else.
        same && self.made.len() <= STEP
    }
}

/// Reads a stream from its start, with these settings to be tried; `None` where it is damaged, cut off, or expands
/// beyond measure. May read beyond its end.
///
/// # Errors
/// I/O, [`RemakeError::Encoder`].
pub fn find(file: &mut impl Read, settings: &[u8]) -> Result<Option<Found>, RemakeError> {
    let mut candidates: Vec<Candidate> = settings
        .iter()
        .filter_map(|&setting| {
            let encoder = Stream::new(setting)?;
            Some(Candidate { setting, encoder, made: Vec::new(), at: 0 })
        })
        .collect();
    let mut decoder = Decompress::new(false);
    let mut content = vec![0; STEP];
    // Bytes that were read and are still needed, from `base` on.
    let (mut stored, mut base) = (Vec::new(), 0u64);
    loop {
        let taken = usize::try_from(decoder.total_in() - base).unwrap_or(usize::MAX);
        if stored.len() <= taken {
            let before = stored.len();
            file.by_ref().take(STEP as u64).read_to_end(&mut stored)?;
            if stored.len() == before {
                return Ok(None);
            }
        }
        let before = decoder.total_out();
        let input = stored.get(taken..).unwrap_or_default();
        let Ok(status) = decoder.decompress(input, &mut content, FlushDecompress::None) else {
            return Ok(None);
        };
        let n = usize::try_from(decoder.total_out() - before).unwrap_or(usize::MAX);
        let now = content.get(..n).unwrap_or_default();
        let (taken, given) = (decoder.total_in(), decoder.total_out());
        if given > LONG && given / EXPANDS > taken {
            return Ok(None);
        }
        for candidate in &mut candidates {
            candidate.encoder.write(now, &mut candidate.made)?;
        }
        let limit = taken.saturating_sub(BEHIND as u64);
        candidates.retain_mut(|c| c.compare(&stored, base) && c.at >= limit);
        if status == Status::StreamEnd {
            let end = usize::try_from(taken - base).unwrap_or(usize::MAX);
            stored.truncate(end);
            let setting = first_whole(candidates, &stored, base)?;
            return Ok(Some(Found { stored_bytes: taken, content_bytes: given, setting }));
        }
        let needed = candidates.iter().map(|c| c.at).fold(taken, u64::min);
        let free = usize::try_from(needed.saturating_sub(base)).unwrap_or(usize::MAX);
        // Moved in larger steps than it is read.
        if free >= 4 * STEP {
            stored.drain(..free.min(stored.len()));
            base = needed;
        }
    }
}

/// The first candidate whose stream ends where the stored one does.
fn first_whole(
    candidates: Vec<Candidate>,
    stored: &[u8],
    base: u64,
) -> Result<Option<u8>, RemakeError> {
    for mut candidate in candidates {
        candidate.encoder.finish(&mut candidate.made)?;
        let from = usize::try_from(candidate.at - base).unwrap_or(usize::MAX);
        if stored.get(from..) == Some(candidate.made.as_slice()) {
            return Ok(Some(candidate.setting));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::deflate::{SETTINGS, raw};

    fn content() -> Vec<u8> {
        (0..400_000u32).flat_map(|i| (i.wrapping_mul(i) >> 9).to_le_bytes()).collect()
    }

    #[test]
    fn every_level_is_found_and_the_end_too() {
        let content = content();
        for setting in SETTINGS {
            let mut file = raw(setting, &content).unwrap().unwrap();
            let stored_bytes = file.len() as u64;
            file.extend_from_slice(&content);
            let found = find(&mut &file[..], &SETTINGS).unwrap().unwrap();
            let again = raw(found.setting.unwrap(), &content).unwrap().unwrap();
            assert!(file.starts_with(&again));
            assert_eq!(found.stored_bytes, stored_bytes);
            assert_eq!(found.content_bytes, content.len() as u64);
        }
    }

    #[test]
    fn streams_of_other_encoders_end_without_a_setting() {
        // Stored blocks, as no level gives them.
        let mut file = Vec::new();
        for (last, bytes) in [(0, &b"some"[..]), (1, b"words")] {
            let n = bytes.len() as u16;
            file.push(last);
            file.extend(n.to_le_bytes());
            file.extend((!n).to_le_bytes());
            file.extend(bytes);
        }
        let found = find(&mut &file[..], &SETTINGS).unwrap().unwrap();
        assert_eq!(found, Found { stored_bytes: 19, content_bytes: 9, setting: None });
        assert_eq!(find(&mut &file[..18], &SETTINGS).unwrap(), None);
        file[0] = 7;
        assert_eq!(find(&mut &file[..], &SETTINGS).unwrap(), None);
    }

    #[test]
    fn what_expands_without_end_is_left_alone() {
        let bomb = raw(9, &vec![0; 100 << 20]).unwrap().unwrap();
        assert_eq!(find(&mut &bomb[..], &[9]).unwrap(), None);
    }
}
