//! The finder of desyncs (feature `desync`): both sides of every level take the same steps, and a changed byte is found
//! where it stands.
#![cfg(feature = "desync")]
#![allow(missing_docs)]
mod common;

use common::{jets, options};
use vxc_entropy::desync;
use vxc_format::{ArchiveWriter, Block, BlockReader, DecodeLimits, NewSegment, RawSummary};

#[test]
fn both_sides_take_the_same_steps() {
    let raw = jets()[..124 * 300].to_vec();
    for level in 4..=6 {
        let options = vxc::CompressOptions { verify: false, ..options(level) };
        let archive = vxc::compress(&raw, &options).unwrap();
        // What the encoder does for the segment is the last thing it does.
        let mut decoders = Vec::new();
        for damage in [false, true] {
            let mut reader = BlockReader::new(&archive[..], DecodeLimits::default()).unwrap();
            let mut writer = ArchiveWriter::new(Vec::new(), reader.header()).unwrap();
            loop {
                match reader.next_block().unwrap() {
                    Block::Stream(d) => drop(writer.define_stream(d.kind, d.source, &d.payload)),
                    Block::Segment(mut s) => {
                        let (i, at) = (s.header.info, s.coded.len() / 2);
                        s.coded[at] ^= u8::from(damage);
                        let raw = RawSummary { len: i.raw_len, xxh3: s.header.raw_xxh3 };
                        let (stream, kind, primed_by) = (i.stream, i.kind, i.primed_by);
                        let segment = NewSegment { stream, kind, primed_by, raw, coded: &s.coded };
                        writer.segment(&segment).unwrap();
                    }
                    Block::Model(_) => {}
                    Block::End(_) => break,
                }
            }
            writer.content(&raw);
            let (archive, _) = writer.finish().unwrap();
            desync::start();
            assert_eq!(common::decompress(&archive).is_ok(), !damage);
            decoders.push(desync::take());
        }
        desync::start();
        common::decompress(&archive).unwrap();
        let again = desync::take();
        assert_eq!(desync::parting(&again, &decoders[0]), None);
        let (from, to) = desync::parting(&decoders[0], &decoders[1]).unwrap();
        // The byte in the middle is read somewhere in the middle.
        let steps = decoders[0].steps;
        assert!(from > steps / 5 && to < steps, "{from}..{to} of {steps}");
    }
}

/// A stream by itself: the encoder's trace is the decoder's.
#[test]
fn an_encoder_and_its_decoder() {
    use vxc_entropy::{BinaryCoder, RangeDecoder, RangeEncoder};
    fn code<C: BinaryCoder>(coder: &mut C, wrong: usize) {
        for i in 0..20_000usize {
            let p1 = 20_000 + (i % 7) as u32 + u32::from(i == wrong);
            coder.bit(p1, i % 3 == 0);
            coder.raw(9, (i % 512) as u64);
        }
    }
    desync::start();
    let mut encoder = RangeEncoder::new();
    code(&mut encoder, usize::MAX);
    let coded = encoder.finish();
    let encoder = desync::take();
    for (wrong, found) in [(usize::MAX, None), (7000, Some((12_288, 16_384)))] {
        desync::start();
        code(&mut RangeDecoder::new(&coded), wrong);
        assert_eq!(desync::parting(&encoder, &desync::take()), found);
    }
}
