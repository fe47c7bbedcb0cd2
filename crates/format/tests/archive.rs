//! Whole archives: what is written is read, in order, by index, and concatenated.

mod common;

use std::io::{Cursor, Write};

use common::{add, code, decode, header, read_all, small_archive};
use proptest::prelude::*;
use vxc_format::constants::{CODED_SLACK, EXPANSION_SLACK, MAX_EXPANSION};
use vxc_format::{
    ArchiveWriter, Block, BlockReader, DecodeLimits, EntryKind, FileIndex, FormatError, Header,
    ModelId, NewSegment, RawSummary, SegmentKind, StreamKind, TokeniserSource, read_block_at,
};

const LIMITS: fn() -> DecodeLimits = DecodeLimits::default;

/// A recipe for an archive: kinds and lengths of segments, where streams are defined.
fn recipe() -> impl Strategy<Value = Vec<(bool, usize, Vec<u8>)>> {
    proptest::collection::vec(
        (any::<bool>(), 0usize..5, proptest::collection::vec(any::<u8>(), 1..60)),
        0..12,
    )
}

const KINDS: [SegmentKind; 5] = [
    SegmentKind::Stored,
    SegmentKind::Lz,
    SegmentKind::Static,
    SegmentKind::Mix,
    SegmentKind::Neural,
];

fn build(recipe: &[(bool, usize, Vec<u8>)], header: &Header) -> (Vec<u8>, Vec<u8>) {
    let mut w = ArchiveWriter::new(Vec::new(), header).unwrap();
    let mut content = Vec::new();
    let mut stream = w.define_stream(StreamKind::Bytes, TokeniserSource::Inline, b"").unwrap();
    for (define, kind, raw) in recipe {
        if *define {
            let id = w.embed_model(raw).unwrap();
            stream = w
                .define_stream(StreamKind::Records, TokeniserSource::Model(id), &raw[1..])
                .unwrap();
        }
        add(&mut w, stream, KINDS[*kind], None, raw);
        content.extend_from_slice(raw);
    }
    let written = w.bytes_written();
    let (bytes, footer) = w.finish().unwrap();
    assert_eq!(footer.index_offset, written);
    assert_eq!(footer.content.len, content.len() as u64);
    (bytes, content)
}

proptest! {
    #[test]
    fn sequential_reading_gives_the_content(recipes in proptest::collection::vec(recipe(), 1..4)) {
        let (mut bytes, mut content) = (Vec::new(), Vec::new());
        for r in &recipes {
            let (b, c) = build(r, &Header::default());
            bytes.extend(b);
            content.extend(c);
        }
        let (_, back) = read_all(&bytes[..], LIMITS()).unwrap();
        prop_assert_eq!(back, content);
    }

    #[test]
    fn index_and_sequence_agree(recipes in proptest::collection::vec(recipe(), 1..4)) {
        let mut bytes = Vec::new();
        for r in &recipes {
            bytes.extend(build(r, &header_of(r)).0);
        }
        let (blocks, content) = read_all(&bytes[..], LIMITS()).unwrap();
        let mut input = Cursor::new(&bytes);
        let index = FileIndex::read(&mut input, &LIMITS()).unwrap();
        prop_assert_eq!(index.archives().len(), recipes.len());
        prop_assert_eq!(index.raw_len(), content.len() as u64);
        let mut by_index = Vec::new();
        for a in index.archives() {
            for e in a.entries() {
                by_index.push(read_block_at(&mut input, a.start() + e.offset, &LIMITS()).unwrap());
            }
            by_index.push(Block::End(*a.footer()));
        }
        prop_assert_eq!(by_index, blocks);
    }

    #[test]
    fn ranges_are_found(
        recipes in proptest::collection::vec(recipe(), 1..4), from in 0usize..900, len in 0usize..200,
    ) {
        let (mut bytes, mut content) = (Vec::new(), Vec::new());
        for r in &recipes {
            let (b, c) = build(r, &Header::default());
            bytes.extend(b);
            content.extend(c);
        }
        let mut input = Cursor::new(&bytes);
        let index = FileIndex::read(&mut input, &LIMITS()).unwrap();
        let (from, to) = (from.min(content.len()), (from + len).min(content.len()));
        let mut got = Vec::new();
        for (a, info) in index.segments_in(from as u64..to as u64) {
            let s = a.read_segment(&mut input, info.number, &LIMITS()).unwrap();
            let raw = decode(&s);
            let at = (a.raw_start() + info.raw_offset) as usize;
            let part = &raw[from.max(at) - at..to.min(at + raw.len()) - at];
            prop_assert!(!part.is_empty(), "a segment outside the range");
            got.extend_from_slice(part);
        }
        prop_assert_eq!(&got[..], &content[from..to]);
    }
}

fn header_of(recipe: &[(bool, usize, Vec<u8>)]) -> Header {
    let size = recipe.iter().map(|(_, _, raw)| raw.len() as u64).sum();
    Header { raw_size: Some(size), name: Some(b"x".to_vec()), ..Header::default() }
}

#[test]
fn the_small_archive_reads_back() {
    let bytes = small_archive();
    let (blocks, content) = read_all(&bytes[..], LIMITS()).unwrap();
    assert_eq!(content, b"headerrecord01record02end");
    let tags: String = blocks
        .iter()
        .map(|b| match b {
            Block::Stream(_) => 'T',
            Block::Model(_) => 'M',
            Block::Segment(_) => 'S',
            Block::End(_) => 'E',
        })
        .collect();
    assert_eq!(tags, "TSMTSSSE");
    let reader = BlockReader::new(&bytes[..], LIMITS()).unwrap();
    assert_eq!(reader.header(), &header());

    let mut input = Cursor::new(&bytes);
    let index = FileIndex::read(&mut input, &LIMITS()).unwrap();
    let a = &index.archives()[0];
    assert_eq!((a.stream_count(), a.segment_count()), (2, 4));
    assert_eq!(a.read_stream(&mut input, 1, &LIMITS()).unwrap().payload, b"bins");
    let models: Vec<_> = a.read_models(&mut input, &LIMITS()).collect::<Result<_, _>>().unwrap();
    assert_eq!(models[0].id, ModelId::of(b"model bytes"));
    assert_eq!(a.segment(2).unwrap().1.primed_by, Some(1));
    assert!(matches!(a.entries()[2].kind, EntryKind::Model));
    assert!(matches!(
        a.read_segment(&mut input, 4, &LIMITS()),
        Err(FormatError::InvalidArgument(_))
    ));
    assert!(matches!(
        a.read_stream(&mut input, 2, &LIMITS()),
        Err(FormatError::InvalidArgument(_))
    ));
}

#[test]
fn small_inputs_make_small_archives() {
    let empty = ArchiveWriter::new(Vec::new(), &Header::default()).unwrap().finish().unwrap().0;
    assert_eq!(empty.len(), 97, "empty archive");
    assert_eq!(read_all(&empty[..], LIMITS()).unwrap().1, b"");

    let one = |header: &Header| {
        let mut w = ArchiveWriter::new(Vec::new(), header).unwrap();
        w.define_stream(StreamKind::Bytes, TokeniserSource::Inline, b"").unwrap();
        add(&mut w, 0, SegmentKind::Stored, None, b"x");
        w.finish().unwrap().0.len()
    };
    assert_eq!(one(&Header::default()), 147, "one byte, no name");
    let named = Header { raw_size: Some(1), ..header() };
    assert_eq!(one(&named), 169, "one byte with name, mtime, mode and size");
}

#[test]
fn padding_is_added_where_the_expansion_bound_asks() {
    let raw = vec![0u8; (EXPANSION_SLACK + 3 * MAX_EXPANSION + 1) as usize];
    let mut w = ArchiveWriter::new(Vec::new(), &Header::default()).unwrap();
    w.define_stream(StreamKind::Bytes, TokeniserSource::Inline, b"").unwrap();
    w.content(&raw);
    w.segment(&NewSegment {
        stream: 0,
        kind: SegmentKind::Mix,
        primed_by: None,
        raw: RawSummary::of(&raw),
        coded: b"!",
    })
    .unwrap();
    let bytes = w.finish().unwrap().0;
    let mut r = BlockReader::new(&bytes[..], LIMITS()).unwrap();
    r.next_block().unwrap();
    let Block::Segment(s) = r.next_block().unwrap() else { panic!("no segment") };
    assert_eq!(s.coded, b"!\0\0\0");
    assert!(matches!(r.next_block().unwrap(), Block::End(_)));
}

#[test]
fn the_writer_refuses_what_readers_would() {
    let mut w = ArchiveWriter::new(Vec::new(), &Header::default()).unwrap();
    let seg = |stream, kind, primed_by, raw: &'static [u8], coded| NewSegment {
        stream,
        kind,
        primed_by,
        raw: RawSummary::of(raw),
        coded,
    };
    use SegmentKind::{Lz, Mix, Stored};
    let refused = |r: Result<u64, FormatError>| matches!(r, Err(FormatError::InvalidArgument(_)));
    assert!(refused(w.segment(&seg(0, Stored, None, b"a", b"a"))), "no stream");
    w.define_stream(StreamKind::Bytes, TokeniserSource::Inline, b"").unwrap();
    w.define_stream(StreamKind::Bytes, TokeniserSource::Inline, b"").unwrap();
    assert!(refused(w.segment(&seg(0, Stored, None, b"", b""))), "empty");
    assert!(refused(w.segment(&seg(0, Stored, None, b"ab", b"a"))), "stored length");
    assert!(refused(w.segment(&seg(0, Mix, Some(0), b"ab", b"a"))), "primed by itself");
    let long = vec![1u8; (2 * 2 + CODED_SLACK + 1) as usize];
    assert!(refused(w.segment(&seg(0, Mix, None, b"ab", &long))), "grown too much");
    assert_eq!(w.segment(&seg(0, Mix, None, b"ab", b"cd")).unwrap(), 0);
    assert_eq!(w.segment(&seg(0, Mix, Some(0), b"ab", b"cd")).unwrap(), 1);
    assert!(refused(w.segment(&seg(1, Mix, Some(0), b"ab", b"cd"))), "key of another stream");
    assert!(refused(w.segment(&seg(0, Lz, Some(0), b"ab", b"cd"))), "key of another kind");
    assert!(refused(w.segment(&seg(0, Mix, Some(1), b"ab", b"cd"))), "key that is primed itself");
    assert!(refused(w.segment(&seg(0, Stored, Some(0), b"ab", b"ab"))), "stored and primed");
    w.content(b"ab");
    assert!(matches!(w.finish(), Err(FormatError::InvalidArgument(_))), "content too short");

    let declared = Header { raw_size: Some(1), ..Header::default() };
    let w = ArchiveWriter::new(Vec::new(), &declared).unwrap();
    assert!(matches!(w.finish(), Err(FormatError::InvalidArgument(_))), "declared size");
}

/// Fails at the n-th write; one byte a write before.
struct Failing(usize);

impl Write for Failing {
    fn write(&mut self, buf: &[u8]) -> std::io::Result<usize> {
        if self.0 == 0 {
            return Err(std::io::Error::other("disk full"));
        }
        self.0 -= 1;
        Ok(buf.len().min(1))
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn every_write_error_is_reported_and_final() {
    let run = |n: usize| -> Result<(), FormatError> {
        let mut w = ArchiveWriter::new(Failing(n), &Header::default())?;
        w.define_stream(StreamKind::Bytes, TokeniserSource::Inline, b"bins")?;
        w.content(b"ab");
        let coded = code(SegmentKind::Mix, b"ab");
        let segment = NewSegment {
            stream: 0,
            kind: SegmentKind::Mix,
            primed_by: None,
            raw: RawSummary::of(b"ab"),
            coded: &coded,
        };
        if let Err(e) = w.segment(&segment) {
            assert!(matches!(w.segment(&segment), Err(FormatError::InvalidArgument(_))));
            return Err(e);
        }
        w.finish().map(|_| ())
    };
    let total = (0..).find(|&n| run(n).is_ok()).unwrap();
    assert!(total > 100);
    for n in 0..total {
        assert!(matches!(run(n), Err(FormatError::Io(_))), "write {n}");
    }
}

#[test]
fn only_the_newest_keys_of_two_streams_prime() {
    let segment = |stream, primed_by| NewSegment {
        stream,
        kind: SegmentKind::Mix,
        primed_by,
        raw: RawSummary::of(b"raw"),
        coded: b"cod",
    };
    // (stream, key) of each segment; the last one is refused.
    for wrong in [
        &[(0, None), (0, None), (0, Some(0))][..],
        &[(0, None), (1, None), (2, None), (0, Some(0))],
        &[(0, None), (1, None), (1, Some(0))],
        &[(0, None), (0, Some(0)), (0, Some(1))],
    ] {
        let mut writer = ArchiveWriter::new(Vec::new(), &Header::default()).unwrap();
        for _ in 0..3 {
            writer.define_stream(StreamKind::Bytes, TokeniserSource::Inline, b"").unwrap();
        }
        let (last, right) = wrong.split_last().unwrap();
        for &(stream, key) in right {
            writer.content(b"raw");
            writer.segment(&segment(stream, key)).unwrap();
        }
        writer.content(b"raw");
        assert!(writer.segment(&segment(last.0, last.1)).is_err(), "{wrong:?}");
        // A segment by itself is right there.
        assert!(writer.segment(&segment(last.0, None)).is_ok());
    }
}

/// As many segments as one likes start from a key, and what learns nothing takes its place from none.
#[test]
fn a_key_stays_one() {
    let segment = |kind, primed_by, coded| NewSegment {
        stream: 0,
        kind,
        primed_by,
        raw: RawSummary::of(b"raw"),
        coded,
    };
    let mut writer = ArchiveWriter::new(Vec::new(), &Header::default()).unwrap();
    writer.define_stream(StreamKind::Bytes, TokeniserSource::Inline, b"").unwrap();
    for (kind, key) in [
        (SegmentKind::Mix, None),
        (SegmentKind::Mix, Some(0)),
        (SegmentKind::Mix, Some(0)),
        (SegmentKind::Stored, None),
        (SegmentKind::Lz, None),
        (SegmentKind::Mix, Some(0)),
    ] {
        writer.content(b"raw");
        writer.segment(&segment(kind, key, b"cod")).unwrap();
    }
    let bytes = writer.finish().unwrap().0;
    let index = FileIndex::read(&mut Cursor::new(&bytes), &LIMITS()).unwrap();
    assert_eq!(index.archives()[0].segment_count(), 6);
}
