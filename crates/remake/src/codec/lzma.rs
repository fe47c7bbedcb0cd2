//! LZMA2 in one `.xz` stream, by liblzma 5.8.
//!
//! Setting: preset 0..=9 + 10 × (dictionary: 0 the preset's, 1 at most a quarter of the content, as ROOT has it)
//! + 20 × (check: 0 CRC32, 1 CRC64, 2 none).

use crate::error::RemakeError;
use liblzma::read::XzEncoder;
use liblzma::stream::{Check, Filters, LzmaOptions, Stream};
use std::io::Read;

/// Smallest dictionary that the format knows.
const MIN_DICT: u32 = 4096;
/// The largest preset with a dictionary of its own: higher ones would take hundreds of MiB on a recipe's word.
const LARGEST: u8 = 6;
/// Where the number of the check stands in a stream.
const CHECK_AT: usize = 7;

/// The dictionary of a preset, as liblzma defines it.
const fn preset_dict(preset: u8) -> u32 {
    1 << match preset {
        0 => 18,
        1 => 20,
        2 => 21,
        3 | 4 => 22,
        5 | 6 => 23,
        7 => 24,
        8 => 25,
        _ => 26,
    }
}

/// What an encoder takes beside its dictionary.
const FIXED: u64 = 2 << 20;

/// The dictionary of a setting.
fn dict(setting: u8, content: u64) -> u32 {
    let whole = preset_dict(setting % 10);
    if (setting / 10).is_multiple_of(2) {
        return whole;
    }
    u32::try_from(content / 4).unwrap_or(u32::MAX).max(MIN_DICT).min(whole)
}

/// Bytes that the encoder takes, as liblzma has it for the trees of its higher presets: window, hash, tree.
pub fn memory(setting: u8, content: u64) -> u64 {
    if setting % 10 > LARGEST && (setting / 10).is_multiple_of(2) {
        // There is no such setting.
        return FIXED;
    }
    let dict = u64::from(dict(setting, content));
    FIXED + dict + dict / 2 + 2 * dict.next_power_of_two() + 8 * dict
}

/// The stream; `None` for a setting that there is not.
///
/// # Errors
/// [`RemakeError::Encoder`] if the library fails.
pub fn remake(setting: u8, content: &[u8]) -> Result<Option<Vec<u8>>, RemakeError> {
    let preset = setting % 10;
    let check = match setting / 20 {
        0 => Check::Crc32,
        1 => Check::Crc64,
        2 => Check::None,
        _ => return Ok(None),
    };
    let failed = |_| RemakeError::Encoder("liblzma");
    let mut options = LzmaOptions::new_preset(preset.into()).map_err(failed)?;
    if setting / 10 % 2 == 1 {
        options.dict_size(dict(setting, content.len() as u64));
    } else if preset > LARGEST {
        return Ok(None);
    }
    let mut filters = Filters::new();
    filters.lzma2(&options);
    let stream = Stream::new_stream_encoder(&filters, check).map_err(failed)?;
    let mut out = Vec::new();
    XzEncoder::new_stream(content, stream)
        .read_to_end(&mut out)
        .map_err(|_| RemakeError::Encoder("liblzma"))?;
    Ok(Some(out))
}

/// The settings to try: those with the block's check.
pub fn candidates(stored: &[u8]) -> Vec<u8> {
    let check = match stored.get(CHECK_AT) {
        Some(1) => 0,
        Some(4) => 20,
        Some(0) => 40,
        _ => return Vec::new(),
    };
    let presets = [4u8, 1, 6, 9, 0, 2, 3, 5, 7, 8];
    presets.iter().flat_map(|preset| [check + 10 + preset, check + preset]).collect()
}

/// Whether a block has the setting's check.
pub fn possible(setting: u8, stored: &[u8]) -> bool {
    let check = match setting / 20 {
        0 => 1,
        1 => 4,
        _ => 0,
    };
    stored.get(CHECK_AT) == Some(&check)
}
