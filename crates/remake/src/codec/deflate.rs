//! Deflate by zlib 1.3: levels 1 to 9, window of 32 KiB, default memory. And by GNU gzip ([`gnu`](super::gnu)).
//!
//! Setting of [`raw`]: the level; [`GNU`] more for GNU gzip's. Setting of [`zlib`]: level + 16 × the two bits of the frame's header that name a
//! level, which need not be the same one: 0 `78 01`, 1 `78 5E`, 2 `78 9C`, 3 `78 DA`.

use super::gnu;
use crate::error::RemakeError;
use flate2::{Compress, Compression, FlushCompress, Status, write::DeflateEncoder};
use std::io::Write;

/// Levels, ROOT's favourites first.
pub const LEVELS: [u8; 9] = [1, 6, 4, 5, 9, 3, 2, 7, 8];

/// What a setting of GNU gzip's has more than its level.
pub const GNU: u8 = 16;

/// Settings of [`raw`]: zlib's levels, then those of GNU gzip, whose usual one is 6.
pub const SETTINGS: [u8; 18] = [
    1,
    6,
    4,
    5,
    9,
    3,
    2,
    7,
    8, // zlib
    GNU + 6,
    GNU + 9,
    GNU + 1,
    GNU + 5,
    GNU + 4,
    GNU + 8,
    GNU + 7,
    GNU + 3,
    GNU + 2,
];

/// Bytes of a zlib frame before its deflate stream, and after it.
const FRAME: (usize, usize) = (2, 4);

/// Content is given to an encoder in steps of a multiple of this, its window, and only then are its bytes those of the
/// whole content at once: the window moves where the encoder wants more, and would move elsewhere.
const STEP: usize = 1 << 15;
/// Content that an encoder is given at a time.
const GIVEN: usize = 1 << 20;
/// Bytes that an encoder takes, GNU gzip's with its copy of what it was given.
pub const MEMORY: u64 = 3 << 20;
/// Room for what comes out.
const ROOM: usize = 1 << 16;

/// A deflate stream that is made piece by piece: the same bytes as those of [`raw`], however its content is cut.
#[derive(Debug)]
pub enum Stream {
    /// By zlib.
    Zlib(Zlib),
    /// By GNU gzip.
    Gnu(Box<gnu::Encoder>),
}

impl Stream {
    /// The start of a stream; `None` for a setting that there is not.
    pub fn new(setting: u8) -> Option<Self> {
        if let Some(level) = setting.checked_sub(GNU) {
            return gnu::Encoder::new(level).map(|encoder| Stream::Gnu(Box::new(encoder)));
        }
        Zlib::new(setting).map(Stream::Zlib)
    }

    /// Adds content; appends what comes out.
    ///
    /// # Errors
    /// [`RemakeError::Encoder`] if the library fails.
    pub fn write(&mut self, content: &[u8], out: &mut Vec<u8>) -> Result<(), RemakeError> {
        match self {
            Stream::Zlib(stream) => stream.write(content, out),
            Stream::Gnu(encoder) => {
                encoder.write(content, out);
                Ok(())
            }
        }
    }

    /// As [`Stream::write`], in steps: an encoder may keep what it is given.
    ///
    /// # Errors
    /// As there.
    pub fn write_all(&mut self, content: &[u8], out: &mut Vec<u8>) -> Result<(), RemakeError> {
        content.chunks(GIVEN).try_for_each(|now| self.write(now, out))
    }

    /// Ends the stream.
    ///
    /// # Errors
    /// As [`Stream::write`].
    pub fn finish(self, out: &mut Vec<u8>) -> Result<(), RemakeError> {
        match self {
            Stream::Zlib(stream) => stream.finish(out),
            Stream::Gnu(encoder) => {
                encoder.finish(out);
                Ok(())
            }
        }
    }
}

/// A stream by zlib.
#[derive(Debug)]
pub struct Zlib {
    encoder: Compress,
    /// Content that is no whole step yet.
    rest: Vec<u8>,
}

impl Zlib {
    fn new(setting: u8) -> Option<Self> {
        let level = Some(setting).filter(|level| (1..=9).contains(level))?;
        let encoder = Compress::new(Compression::new(level.into()), false);
        Some(Self { encoder, rest: Vec::new() })
    }

    fn write(&mut self, content: &[u8], out: &mut Vec<u8>) -> Result<(), RemakeError> {
        let mut content = content;
        if !self.rest.is_empty() {
            let missing = STEP.saturating_sub(self.rest.len()).min(content.len());
            let (now, later) = content.split_at(missing);
            self.rest.extend_from_slice(now);
            content = later;
            if self.rest.len() < STEP {
                return Ok(());
            }
            let step = std::mem::take(&mut self.rest);
            self.give(&step, out)?;
        }
        let (steps, rest) = content.split_at(content.len() / STEP * STEP);
        self.rest.extend_from_slice(rest);
        self.give(steps, out)
    }

    fn finish(mut self, out: &mut Vec<u8>) -> Result<(), RemakeError> {
        let rest = std::mem::take(&mut self.rest);
        self.give(&rest, out)?;
        loop {
            out.reserve(ROOM);
            let status = self.encoder.compress_vec(&[], out, FlushCompress::Finish);
            if status.map_err(|_| RemakeError::Encoder("zlib"))? == Status::StreamEnd {
                return Ok(());
            }
        }
    }

    fn give(&mut self, mut content: &[u8], out: &mut Vec<u8>) -> Result<(), RemakeError> {
        while !content.is_empty() {
            out.reserve(ROOM);
            let before = self.encoder.total_in();
            self.encoder
                .compress_vec(content, out, FlushCompress::None)
                .map_err(|_| RemakeError::Encoder("zlib"))?;
            let taken = usize::try_from(self.encoder.total_in() - before).unwrap_or(usize::MAX);
            content = content.get(taken..).unwrap_or_default();
        }
        Ok(())
    }
}

/// The deflate stream of a content; `None` for a setting that there is not.
///
/// # Errors
/// [`RemakeError::Encoder`] if the library fails.
pub fn raw(setting: u8, content: &[u8]) -> Result<Option<Vec<u8>>, RemakeError> {
    if setting < GNU {
        return stream(setting, content, Vec::new());
    }
    let Some(mut stream) = Stream::new(setting) else { return Ok(None) };
    let mut out = Vec::new();
    stream.write_all(content, &mut out)?;
    stream.finish(&mut out)?;
    Ok(Some(out))
}

fn stream(level: u8, content: &[u8], head: Vec<u8>) -> Result<Option<Vec<u8>>, RemakeError> {
    if !(1..=9).contains(&level) {
        return Ok(None);
    }
    let mut encoder = DeflateEncoder::new(head, Compression::new(level.into()));
    encoder
        .write_all(content)
        .and_then(|()| encoder.finish())
        .map(Some)
        .map_err(|_| RemakeError::Encoder("zlib"))
}

/// The zlib frame of a content; `None` for a setting that there is not.
///
/// # Errors
/// [`RemakeError::Encoder`] if the library fails.
pub fn zlib(setting: u8, content: &[u8]) -> Result<Option<Vec<u8>>, RemakeError> {
    if setting >= 64 {
        return Ok(None);
    }
    let Some(mut out) = stream(setting & 15, content, head(setting >> 4).to_vec())? else {
        return Ok(None);
    };
    out.extend_from_slice(&adler2::adler32_slice(content).to_be_bytes());
    Ok(Some(out))
}

/// The header with two bits that name a level.
const fn head(named: u8) -> [u8; 2] {
    // The two bytes, read as one number, are a multiple of 31.
    match named {
        0 => [0x78, 0x01],
        1 => [0x78, 0x5e],
        2 => [0x78, 0x9c],
        _ => [0x78, 0xda],
    }
}

/// The settings of a block's header.
pub fn zlib_candidates(stored: &[u8]) -> Vec<u8> {
    let named = (0u8..4).find(|&named| stored.starts_with(&head(named)));
    named.map_or_else(Vec::new, |named| LEVELS.iter().map(|level| level | (named << 4)).collect())
}

/// Whether a block has the setting's header.
pub fn zlib_possible(setting: u8, stored: &[u8]) -> bool {
    stored.len() >= FRAME.0 + FRAME.1 && stored.starts_with(&head(setting >> 4))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Text and numbers; long matches, short ones and none.
    fn content(len: usize) -> Vec<u8> {
        let mut state = 1u32;
        let mut out = Vec::new();
        while out.len() < len {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            match state >> 30 {
                0 => out.extend(format!("P {} {}\n", state % 1000, state % 17).bytes()),
                1 => out.extend(state.to_le_bytes()),
                2 if out.len() > 40_000 => {
                    let from = out.len() - 32_768 + state as usize % 600;
                    let n = state as usize % 300;
                    out.extend_from_within(from..(from + n).min(out.len()));
                }
                _ => out.extend_from_slice(&[0; 9]),
            }
        }
        out.truncate(len);
        out
    }

    #[test]
    fn a_stream_is_the_whole_however_it_is_cut() {
        let all = content(700_000);
        for len in [0, 1, STEP - 1, STEP, STEP + 1, 2 * STEP, 3 * STEP + 7, all.len()] {
            let content = &all[..len];
            for level in SETTINGS {
                let whole = raw(level, content).unwrap().unwrap();
                for cut in [1 << 20, 50_000, STEP, 777] {
                    let mut stream = Stream::new(level).unwrap();
                    let mut out = Vec::new();
                    content.chunks(cut).for_each(|piece| stream.write(piece, &mut out).unwrap());
                    stream.finish(&mut out).unwrap();
                    assert!(out == whole, "{len} bytes, level {level}, pieces of {cut}");
                }
            }
        }
        assert!(
            [0, 10, GNU, GNU + 10, 255].into_iter().all(|setting| Stream::new(setting).is_none())
        );
    }
}
