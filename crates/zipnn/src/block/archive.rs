//! Blocks that the codec coded: archives of their own within the archive.

use vxc::{DecodeLimits, DecompressOptions, FormatError};

use super::BLOCK_MEMORY;
use crate::error::WeightsError;

/// What such an archive takes to decode, beside a few times its content: at most its tables for texts …
const CODEC: u64 = 160 << 20;
/// … which a small one has of fewer lines: those that it always has, and more for each byte.
const CODEC_SMALL: (u64, u64) = (8 << 20, 4096);

/// Memory that decoding of so many bytes usually takes: the codec keeps to what it is given, so that one which takes more
/// may be tried with more.
pub(super) fn usual(raw: u64) -> u64 {
    let (always, each) = CODEC_SMALL;
    CODEC.min(always + each * raw) + 4 * raw
}

/// Decodes an archive into `out`, which has its raw length.
///
/// # Errors
/// [`WeightsError::Corrupt`]; [`WeightsError::LimitExceeded`] where it takes more than `memory`.
pub(super) fn unpack(coded: &[u8], out: &mut [u8], memory: u64) -> Result<(), WeightsError> {
    let len = out.len() as u64;
    // What comes out lies beside `out`.
    let room = memory.saturating_sub(len);
    // More content than the block has is damage, more memory is not, and an error tells them apart by the limit alone: these
    // are never equal. A byte too much is found below.
    let most = if room == len { len + 1 } else { len };
    let limits = DecodeLimits { max_output: most, max_memory: room, ..DecodeLimits::default() };
    let options = DecompressOptions { limits, threads: 1, ..DecompressOptions::default() };
    let raw = vxc::decompress(coded, &options).map_err(|e| match e {
        vxc::Error::Format(FormatError::LimitExceeded { needed, limit, .. }) if limit != most => {
            WeightsError::LimitExceeded {
                what: BLOCK_MEMORY,
                found: needed.saturating_add(memory.saturating_sub(limit)),
                limit: memory,
            }
        }
        e => WeightsError::corrupt(e.to_string()),
    })?;
    if raw.len() != out.len() {
        return Err(WeightsError::corrupt("a block has another length"));
    }
    out.copy_from_slice(&raw);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use vxc::CompressOptions;

    /// Whatever the limit: too little memory is never damage, and too much content always is.
    #[test]
    fn too_little_memory_is_no_damage() {
        let raw = b"the learning rate is 0.001, the batch has 64\n".repeat(40);
        let len = raw.len() as u64;
        let coded = vxc::compress(&raw, &CompressOptions::default()).unwrap();
        let unpacked = |len: usize, memory| {
            let mut out = vec![0; len];
            unpack(&coded, &mut out, memory).map(|()| out)
        };
        for memory in [0, len, 2 * len - 1, 2 * len, 2 * len + 1, 3 * len] {
            let refused = unpacked(raw.len(), memory);
            assert!(
                matches!(refused, Err(WeightsError::LimitExceeded { .. })),
                "{memory}: {refused:?}"
            );
        }
        assert_eq!(unpacked(raw.len(), usual(len)).unwrap(), raw);
        for other in [raw.len() - 1, raw.len() + 1] {
            let damaged = unpacked(other, usual(len));
            assert!(matches!(damaged, Err(WeightsError::Corrupt(_))), "{other}: {damaged:?}");
        }
        // One byte is what the limit gives in, and is found afterwards.
        let short = len - 1;
        assert!(unpacked(raw.len() - 1, 2 * short).is_err());
    }
}
