//! The finder of desyncs (feature `desync`): both sides of every level take the same steps, and a changed byte is found
//! where it stands.

use std::collections::BTreeMap;

use crate::common::{events, jets, options};
use vxc::stream::Stream;
use vxc::{CompressOptions, Method, SegmentKind, StreamCode};
use vxc_entropy::desync::{self, STRETCH, Trace};
use vxc_format::{Block, BlockReader, DecodeLimits, Segment};

/// A table and text, in segments of which most start from another.
fn archive(level: u8) -> Vec<u8> {
    let raw = [&jets()[..124 * 300], &events()[..20_000]].concat();
    vxc::compress(&raw, &CompressOptions { segment_bytes: Some(9000), ..options(level) }).unwrap()
}

/// The streams and the segments of an archive.
fn parts(archive: &[u8]) -> (Vec<Stream>, Vec<Segment>) {
    let mut reader = BlockReader::new(archive, DecodeLimits::default()).unwrap();
    let (mut streams, mut segments) = (Vec::new(), Vec::new());
    loop {
        match reader.next_block().unwrap() {
            Block::Stream(def) => {
                streams.push(Stream::new(StreamCode::from_bytes(&def.payload).unwrap()));
            }
            Block::Segment(segment) => segments.push(segment),
            Block::Model(_) => panic!("no model was given"),
            Block::End(_) => return (streams, segments),
        }
    }
}

/// What `run` does to this thread's trace.
fn traced<T>(run: impl FnOnce() -> T) -> (T, Trace) {
    desync::start();
    let result = run();
    (result, desync::take())
}

/// The encoder and the decoder of every segment take the same steps.
#[test]
fn both_sides_of_every_level_take_the_same_steps() {
    for level in 4..=6 {
        let (streams, segments) = parts(&archive(level));
        let (mut keys, mut primed, mut kinds) = (BTreeMap::new(), 0, [0, 0]);
        for segment in &segments {
            let info = segment.header.info;
            assert_eq!(info.kind, SegmentKind::Mix, "-{level}");
            let stream = &streams[info.stream as usize];
            // As it was left by the segment that this one starts from.
            let start = info.primed_by.and_then(|key| keys.get(&key).cloned());
            let start = start.unwrap_or_else(|| stream.fresh(info.kind));
            primed += u32::from(info.primed_by.is_some());
            kinds[usize::from(stream.code().layout().is_some())] += 1;
            let mut raw = Vec::new();
            let mut state = start.clone();
            let (decoded, decoder) = traced(|| {
                let len = info.raw_len as usize;
                stream.decode(info.kind, &mut state, &segment.coded, &mut raw, len)
            });
            decoded.unwrap();
            let mut again = start;
            let (encoded, encoder) = traced(|| stream.encode(Method::Mix, &mut again, &raw));
            assert!(encoded.unwrap() == (info.kind, segment.coded.clone()), "-{level} {info:?}");
            assert!(encoder.steps > info.raw_len / 8, "{} steps", encoder.steps);
            assert_eq!(desync::parting(&encoder, &decoder), None, "-{level} {info:?}");
            keys.insert(info.number, state);
        }
        assert!(primed >= 4 && kinds[0] >= 3 && kinds[1] >= 3, "-{level}: {primed}, {kinds:?}");
    }
}

/// The sides part in the stretch of the first record that comes out wrong.
#[test]
fn a_changed_byte_is_found_where_it_stands() {
    const RECORD: usize = 124;
    const RECORDS: usize = 1000;
    let raw = jets()[..RECORD * RECORDS].to_vec();
    for level in 4..=6 {
        let (streams, segments) = parts(&crate::common::compress(&raw, level));
        let ([stream], [segment]) = (&streams[..], &segments[..]) else {
            panic!("one stream and its segment")
        };
        let kind = segment.header.info.kind;
        let decode = |coded: &[u8], len: usize| {
            let (mut out, mut state) = (Vec::new(), stream.fresh(kind));
            let (done, trace) = traced(|| stream.decode(kind, &mut state, coded, &mut out, len));
            (done.is_ok(), out, trace)
        };
        let (encoded, encoder) =
            traced(|| stream.encode(Method::Mix, &mut stream.fresh(kind), &raw));
        assert!(encoded.unwrap().1 == segment.coded);
        // Steps before a record, counted on the whole bytes.
        let steps_to = |record: usize| match record {
            0 => 0,
            n => decode(&segment.coded, RECORD * n).2.steps,
        };
        assert_eq!(steps_to(RECORDS), encoder.steps);
        let mut stretches = Vec::new();
        for eighth in 1..8 {
            let mut coded = segment.coded.clone();
            let at = coded.len() * eighth / 8;
            coded[at] ^= 1;
            let (good, out, wrong) = decode(&coded, raw.len());
            assert!(!good && out.len() == raw.len());
            let first =
                (0..RECORDS).find(|n| out[n * RECORD..][..RECORD] != raw[n * RECORD..][..RECORD]);
            let first = first.unwrap();
            let (from, to) = desync::parting(&encoder, &wrong).unwrap();
            assert_eq!(to, from + STRETCH);
            let (begin, end) = (steps_to(first), steps_to(first + 1));
            assert!(from < end && begin < to, "-{level} byte {at}: {from}..{to}, {begin}..{end}");
            stretches.push(from);
        }
        // Bytes further on are found further on.
        assert!(stretches.is_sorted() && stretches[0] < stretches[6], "{stretches:?}");
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
