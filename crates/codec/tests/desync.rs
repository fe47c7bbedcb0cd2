//! The finder of desyncs (feature `desync`): both sides of every level take the same steps, and a changed byte is found
//! where it stands.
#![cfg(feature = "desync")]
#![allow(missing_docs)]
mod common;

use common::jets;
use vxc::StreamCode;
use vxc::stream::Stream;
use vxc_entropy::desync;
use vxc_format::{Block, BlockReader, DecodeLimits};

#[test]
fn a_changed_byte_is_found_where_it_stands() {
    let raw = jets()[..124 * 300].to_vec();
    for level in 4..=6 {
        let archive = common::compress(&raw, level);
        let mut reader = BlockReader::new(&archive[..], DecodeLimits::default()).unwrap();
        let mut blocks = || reader.next_block().unwrap();
        let (Block::Stream(def), Block::Segment(segment)) = (blocks(), blocks()) else {
            panic!("one stream and its segment")
        };
        let stream = Stream::new(StreamCode::from_bytes(&def.payload).unwrap());
        let kind = segment.header.info.kind;
        let decode = |coded: &[u8]| {
            let mut out = Vec::new();
            let mut state = stream.fresh(kind);
            desync::start();
            let decoded = stream.decode(kind, &mut state, coded, &mut out, raw.len());
            (decoded.is_ok() && out == raw, desync::take())
        };
        let (good, right) = decode(&segment.coded);
        assert!(good);
        assert_eq!(desync::parting(&right, &decode(&segment.coded).1), None);
        let mut coded = segment.coded.clone();
        let middle = coded.len() / 2;
        coded[middle] ^= 1;
        let (good, wrong) = decode(&coded);
        assert!(!good);
        let (from, to) = desync::parting(&right, &wrong).unwrap();
        // The byte in the middle is read somewhere in the middle.
        assert!(from > right.steps / 5 && to < right.steps, "{from}..{to} of {}", right.steps);
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
