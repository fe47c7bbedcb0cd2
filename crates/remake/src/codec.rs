//! The codecs of blocks: by which setting of its encoder a block comes out again.
//!
//! A block is *stored* bytes and their *content*. [`remake`] is a function of content and setting alone; that it
//! gives the same bytes everywhere is why the encoders are pinned and built from their sources. [`search`] tries
//! settings, those first that have worked before. One codec is one file.
//!
//! Measured on the 6,811 deflate blocks of 19 ROOT files: zlib as its authors publish it gives all of them again.
//! GNU gzip's streams come of an encoder written here ([`gnu`]): all of 969 that its version 1.12 made, levels 1 to 9.
//!
//! Corrections to a prediction, which would serve any encoder, are not used. `preflate-rs` 0.7.6 failed on 98 of those
//! blocks, and its corrections took 0.03 to 23 % of a file's stored bytes. Above all its decoder has no bound: corrections
//! that end early can read as blocks without end, which no caller can stop. Of some 400 randomly damaged ones (of a
//! stream of libdeflate) 3 did so, and took memory until they were killed.

pub mod deflate;
pub mod gnu;
mod lz4;
mod lzf;
mod lzma;
mod zstd;

use crate::error::RemakeError;
use crate::memory::ENCODER;

/// How blocks are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Codec {
    /// Not at all: one setting, 0.
    Stored,
    /// RFC 1950.
    Zlib,
    /// RFC 1951.
    Deflate,
    /// ROOT's LZ4: a big-endian XXH64 of the block, and the block.
    Lz4,
    /// A Zstandard frame.
    Zstd,
    /// An `.xz` stream.
    Lzma,
    /// LZF, as h5py has it.
    Lzf,
}

impl Codec {
    /// Its number in a recipe.
    pub const fn number(self) -> u8 {
        match self {
            Codec::Stored => 0,
            Codec::Zlib => 1,
            Codec::Deflate => 2,
            Codec::Lz4 => 3,
            Codec::Zstd => 4,
            Codec::Lzma => 5,
            Codec::Lzf => 6,
        }
    }

    /// The codec of a number.
    pub const fn of_number(number: u8) -> Option<Self> {
        Some(match number {
            0 => Codec::Stored,
            1 => Codec::Zlib,
            2 => Codec::Deflate,
            3 => Codec::Lz4,
            4 => Codec::Zstd,
            5 => Codec::Lzma,
            6 => Codec::Lzf,
            _ => return None,
        })
    }
}

/// Makes a block of a content; `None` for a setting that the codec does not have.
///
/// # Errors
/// [`RemakeError::Encoder`] if a library fails.
pub fn remake(codec: Codec, setting: u8, content: &[u8]) -> Result<Option<Vec<u8>>, RemakeError> {
    match codec {
        Codec::Stored => Ok((setting == 0).then(|| content.to_vec())),
        Codec::Zlib => deflate::zlib(setting, content),
        Codec::Deflate => deflate::raw(setting, content),
        Codec::Lz4 => lz4::remake(setting, content),
        Codec::Zstd => zstd::remake(setting, content),
        Codec::Lzma => lzma::remake(setting, content),
        Codec::Lzf => Ok(if setting == 0 { lzf::encode(content) } else { None }),
    }
}

/// Bytes that the encoder of a content takes, without those that come out.
pub fn memory(codec: Codec, setting: u8, content: u64) -> u64 {
    match codec {
        Codec::Stored => 0,
        Codec::Zlib | Codec::Deflate => deflate::MEMORY,
        Codec::Lz4 | Codec::Lzf => TABLE,
        Codec::Zstd => zstd::memory(setting, content),
        Codec::Lzma => lzma::memory(setting, content),
    }
}

/// More than LZ4's encoders and LZF's table take.
const TABLE: u64 = 1 << 20;

/// Blocks that may fail in a row, per codec, before settings are tried on one block in [`RARE`] only.
const GIVE_UP: u32 = 24;
/// See [`GIVE_UP`].
const RARE: u32 = 16;

/// Finds settings, and remembers what worked.
#[derive(Debug, Default)]
pub struct Search {
    /// Settings that worked, by codec, the last one first.
    known: Vec<(Codec, u8)>,
    /// Blocks in a row that no setting gave, by codec number.
    failures: [u32; 7],
}

impl Search {
    /// The setting by which the content gives the stored bytes; `None` if none does.
    ///
    /// # Errors
    /// [`RemakeError::Encoder`] if a library fails.
    pub fn find(
        &mut self,
        codec: Codec,
        stored: &[u8],
        content: &[u8],
    ) -> Result<Option<u8>, RemakeError> {
        let number = usize::from(codec.number());
        let failed = self.failures.get(number).copied().unwrap_or(0);
        let mut settings: Vec<u8> =
            self.known.iter().filter(|(c, _)| *c == codec).map(|(_, s)| *s).collect();
        if failed < GIVE_UP || failed % RARE == 0 {
            for setting in candidates(codec, stored, content.len()) {
                if !settings.contains(&setting) {
                    settings.push(setting);
                }
            }
        }
        for setting in settings {
            // A reader has no more memory for it.
            let small = memory(codec, setting, content.len() as u64) <= ENCODER;
            if small
                && possible(codec, setting, stored)
                && remake(codec, setting, content)?.is_some_and(|made| made == stored)
            {
                self.known.retain(|known| *known != (codec, setting));
                self.known.insert(0, (codec, setting));
                self.failures.get_mut(number).into_iter().for_each(|n| *n = 0);
                return Ok(Some(setting));
            }
        }
        self.failures.get_mut(number).into_iter().for_each(|n| *n = n.saturating_add(1));
        Ok(None)
    }
}

/// All settings worth trying on a block, the most likely first.
fn candidates(codec: Codec, stored: &[u8], content: usize) -> Vec<u8> {
    match codec {
        Codec::Stored | Codec::Lzf => vec![0],
        Codec::Zlib => deflate::zlib_candidates(stored),
        Codec::Deflate => deflate::SETTINGS.to_vec(),
        Codec::Lz4 => lz4::LEVELS.to_vec(),
        Codec::Zstd => zstd::candidates(content),
        Codec::Lzma => lzma::candidates(stored),
    }
}

/// Whether the header of a block allows a setting: saves an encoder's run.
fn possible(codec: Codec, setting: u8, stored: &[u8]) -> bool {
    match codec {
        Codec::Zlib => deflate::zlib_possible(setting, stored),
        Codec::Lzma => lzma::possible(setting, stored),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text() -> Vec<u8> {
        (0..40_000u32).flat_map(|i| ((i * i) >> 7).to_be_bytes()).collect()
    }

    #[test]
    fn what_an_encoder_made_is_found() {
        let content = text();
        for codec in [Codec::Zlib, Codec::Deflate, Codec::Lz4, Codec::Zstd, Codec::Lzma] {
            for setting in [1, 4, 6] {
                let stored = remake(codec, setting, &content).unwrap().unwrap();
                let found = Search::default().find(codec, &stored, &content).unwrap().unwrap();
                let made = remake(codec, found, &content).unwrap().unwrap();
                assert_eq!(made, stored, "{codec:?} {setting}");
            }
        }
    }

    #[test]
    fn settings_that_no_codec_has_are_none() {
        for codec in 0..7 {
            let codec = Codec::of_number(codec).unwrap();
            assert!(remake(codec, 255, b"content").unwrap().is_none(), "{codec:?}");
            assert_eq!(Codec::of_number(codec.number()), Some(codec));
        }
        assert!(Codec::of_number(7).is_none());
    }

    #[test]
    fn a_search_gives_up() {
        let mut search = Search::default();
        for _ in 0..100 {
            assert_eq!(search.find(Codec::Lz4, b"no block at all", b"content").unwrap(), None);
        }
        assert!(search.failures[3] == 100);
    }
}
