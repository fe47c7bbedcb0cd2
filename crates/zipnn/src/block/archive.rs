//! Blocks that the codec coded: archives of their own within the archive.

use vxc::{DecodeLimits, DecompressOptions, FormatError};
use vxc_format::limits;

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
    let max_memory = memory.saturating_sub(len);
    // Segments and models have no limit but these: more content than the block has is damage, more memory is not.
    let limits = DecodeLimits {
        max_output: len,
        max_memory,
        max_model_bytes: u64::MAX,
        max_segment: u64::MAX,
    };
    let options = DecompressOptions { limits, threads: 1, ..DecompressOptions::default() };
    let raw = vxc::decompress(coded, &options).map_err(|e| match e {
        vxc::Error::Format(FormatError::LimitExceeded { what, needed, limit }) => {
            refused(what, needed, limit, memory)
        }
        e => WeightsError::corrupt(e.to_string()),
    })?;
    if raw.len() != out.len() {
        return Err(WeightsError::corrupt("a block has another length"));
    }
    out.copy_from_slice(&raw);
    Ok(())
}

/// What a limit of the codec means, which had what is left of `memory`. It is the kind of limit that decides: its value says
/// nothing, for any two may be equal.
fn refused(what: &'static str, needed: u64, limit: u64, memory: u64) -> WeightsError {
    match what {
        limits::CONTENT => WeightsError::corrupt("a block has another length"),
        limits::NETWORK_WORK => WeightsError::LimitExceeded { what, found: needed, limit },
        _ => WeightsError::LimitExceeded {
            what: BLOCK_MEMORY,
            found: needed.saturating_add(memory.saturating_sub(limit)),
            limit: memory,
        },
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use vxc::{CompressOptions, Form, Level, Model};
    use vxc_format::{ArchiveWriter, Block, BlockReader, NewSegment};
    use vxc_infer::config::{Embedding, HeadKind};
    use vxc_infer::weights::random::Fill;
    use vxc_infer::{IntConfig, IntModel};

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
        // The limits of content and memory may be equal, and either is still told.
        let short = len - 1;
        let damaged = unpacked(raw.len() - 1, 2 * short);
        assert!(matches!(damaged, Err(WeightsError::Corrupt(_))), "{damaged:?}");
    }

    /// A network that takes too long is no question of memory, and no damage where the block happens to have as many bytes.
    #[test]
    fn a_slow_network_is_a_limit_of_its_own() {
        let jets = concat!(env!("CARGO_MANIFEST_DIR"), "/../../samples/ftag_jets.bin");
        let jets = std::fs::read(jets).unwrap();
        let level = Level::new(8).unwrap();
        let fitted = Model::fit(Level::default(), None, &[jets[..124 * 500].to_vec()]).unwrap();
        let Form::Fields(tokeniser) = &fitted.code().form else { panic!("jets have a tokeniser") };
        let vocab = tokeniser.steps().iter().map(|s| s.alphabet()).max().unwrap();
        let config = IntConfig {
            d_model: 16,
            n_layers: 3,
            n_heads: 1,
            d_ff: 16,
            vocab,
            context_vocab: vocab,
            embedding: Embedding::Shared,
            head: HeadKind::Factorised,
            types: IntConfig::cycle(tokeniser.steps().len() as u16),
            window: 8192,
            ..IntConfig::record(31)
        };
        let network = IntModel::random(config, 7, Fill::Typical).unwrap();
        let model = Arc::new(Model::bare(level, fitted.code(), network, false).unwrap());
        let given = CompressOptions {
            level,
            model: Some(model.clone()),
            pure: true,
            threads: 1,
            ..CompressOptions::default()
        };
        // As many bytes as multiply-adds may be.
        let raw = &jets[..1 << 19];
        let coded = vxc::compress(&raw[..124 * 2], &given).unwrap();
        let mut reader = BlockReader::new(&coded[..], DecodeLimits::default()).unwrap();
        let mut writer = ArchiveWriter::new(Vec::new(), reader.header()).unwrap();
        writer.embed_model(model.file()).unwrap();
        loop {
            match reader.next_block().unwrap() {
                Block::Stream(def) => {
                    writer.define_stream(def.kind, def.source, &def.payload).unwrap();
                }
                Block::Segment(s) => drop(writer.segment(&NewSegment::from(&s)).unwrap()),
                Block::Model(_) => panic!("not embedded yet"),
                Block::End(_) => break,
            }
        }
        writer.content(&raw[..124 * 2]);
        let archive = writer.finish().unwrap().0;
        for len in [raw.len(), 124 * 2] {
            let slow = unpack(&archive, &mut vec![0; len], 1 << 30);
            let Err(WeightsError::LimitExceeded { what, limit, .. }) = slow else {
                panic!("{len}: {slow:?}")
            };
            assert!(what.contains("multiply-adds") && limit == 1 << 19, "{what}, {limit}");
        }
    }
}
