//! What header, blocks, index and footer say of each other must agree, where every checksum holds; and what readers say of
//! themselves.

mod common;

use std::io::Cursor;

use common::{add, frame, header, offsets, read_all, small_archive};
use vxc_format::constants::FOOTER_BYTES;
use vxc_format::{
    ArchiveWriter, Block, BlockAt, BlockReader, DecodeLimits, FileIndex, Footer, FormatError,
    Header, NextBlock, SegmentKind, StreamKind, TokeniserSource,
};

fn limits() -> DecodeLimits {
    DecodeLimits::default()
}

/// Both readers refuse it, and say why.
#[track_caller]
fn refused(bytes: &[u8], why: &str) {
    let in_order = read_all(bytes, limits()).unwrap_err();
    let by_index = FileIndex::read(&mut Cursor::new(bytes), &limits()).unwrap_err();
    for e in [in_order, by_index] {
        assert!(matches!(e, FormatError::Corruption(_)), "{e}");
        assert!(e.to_string().contains(why), "{e}");
    }
}

fn with_footer(bytes: &[u8], change: impl FnOnce(&mut Footer)) -> Vec<u8> {
    let at = bytes.len() - FOOTER_BYTES;
    let mut footer = Footer::parse(bytes[at..].try_into().unwrap(), 0).unwrap();
    change(&mut footer);
    [&bytes[..at], &footer.to_bytes()].concat()
}

#[test]
fn the_footer_agrees_with_the_blocks() {
    let bytes = small_archive();
    read_all(&with_footer(&bytes, |_| ())[..], limits()).unwrap();
    for by in [-1i64, 1] {
        let of_content = |f: &mut Footer| f.content.len = f.content.len.strict_add_signed(by);
        refused(&with_footer(&bytes, of_content), "the segments hold 25 bytes");
    }
    // In order, before the index is looked for at another place.
    for change in [|f: &mut Footer| f.index_offset -= 1, |f: &mut Footer| f.index_len -= 1] {
        let e = read_all(&with_footer(&bytes, change)[..], limits()).unwrap_err();
        assert!(e.to_string().contains("does not point at the index"), "{e}");
    }
}

#[test]
fn the_header_agrees_with_the_blocks() {
    // The same length of the header, so that every place stays.
    let bytes = small_archive();
    let (mut right, mut wrong) = (Vec::new(), Vec::new());
    header().write(&mut right).unwrap();
    Header { raw_size: Some(26), ..header() }.write(&mut wrong).unwrap();
    assert_eq!((&bytes[..right.len()], wrong.len()), (&right[..], right.len()));
    refused(&[&wrong, &bytes[right.len()..]].concat(), "the header 26");
}

/// An index with a head of its own, and one that is a byte longer.
#[test]
fn the_index_is_what_the_writer_writes() {
    let bytes = small_archive();
    let at = *offsets(&bytes).last().unwrap();
    let end = bytes.len() - FOOTER_BYTES;
    // Tag, length of the head, length of the payload, two checksums.
    let payload = &bytes[at + 11..end];
    assert_eq!(frame(b'I', b"", payload, payload.len() as u64), &bytes[at..end]);
    let longer = [payload, &[0]].concat();
    for index in [
        frame(b'I', b"h", payload, payload.len() as u64),
        frame(b'I', b"", &longer, longer.len() as u64),
    ] {
        let bytes = [&bytes[..at], &index, &bytes[end..]].concat();
        let fits = |f: &mut Footer| f.index_len = index.len() as u32;
        let e = read_all(&with_footer(&bytes, fits)[..], limits()).unwrap_err();
        assert!(e.to_string().contains("does not list the archive's blocks"), "{e}");
        FileIndex::read(&mut Cursor::new(with_footer(&bytes, fits)), &limits()).unwrap_err();
    }
}

/// What a later version lists is not damage.
#[test]
fn blocks_that_are_not_known_are_unsupported() {
    let bytes = small_archive();
    let at = *offsets(&bytes).last().unwrap();
    let end = bytes.len() - FOOTER_BYTES;
    let payload = &bytes[at + 11..end];
    // Length of the header, number of blocks, then the first block's tag.
    for (tag, unsupported) in [(b'X', true), (b'I', false)] {
        let listed = [&payload[..2], &[tag], &payload[3..]].concat();
        let index = frame(b'I', b"", &listed, listed.len() as u64);
        let bytes = [&bytes[..at], &index, &bytes[end..]].concat();
        let e = FileIndex::read(&mut Cursor::new(bytes), &limits()).unwrap_err();
        assert_eq!(matches!(e, FormatError::UnsupportedVersion(_)), unsupported, "{e}");
        assert!(e.to_string().contains("the index lists"), "{e}");
    }
}

/// A declared size beyond the limit is refused with the header, of a later archive as well.
#[test]
fn declared_sizes_are_limited_at_once() {
    let bytes = small_archive();
    let most = |max_output| DecodeLimits { max_output, ..limits() };
    let at_once = |max_output| BlockReader::new(&bytes[..], most(max_output)).map(|_| ());
    assert!(matches!(at_once(24), Err(FormatError::LimitExceeded { needed: 25, .. })));
    at_once(25).unwrap();
    let two = [&bytes[..], &bytes].concat();
    let mut reader = BlockReader::new(&two[..], most(49)).unwrap();
    while !matches!(reader.next_block().unwrap(), Block::End(_)) {}
    assert!(matches!(reader.next_archive(), Err(FormatError::LimitExceeded { needed: 50, .. })));
}

/// Each listed block takes the same, in every reader; one byte less is refused.
#[test]
fn the_table_of_blocks_is_counted() {
    let bytes = small_archive();
    let mut reader = BlockReader::new(&bytes[..], limits()).unwrap();
    let mut counts = vec![reader.table_bytes()];
    while !matches!(reader.next_block().unwrap(), Block::End(_)) {
        counts.push(reader.table_bytes());
    }
    assert_eq!(reader.position(), bytes.len() as u64);
    let each = counts[1];
    assert!((64..256).contains(&each), "{each}");
    assert_eq!(counts, (0..=7).map(|n| n * each).collect::<Vec<u64>>());

    let index = FileIndex::read(&mut Cursor::new(&bytes), &limits()).unwrap();
    let table = index.table_bytes();
    assert!(table >= 7 * each + 1024, "{table}");
    let within = |max_memory| {
        let limits = DecodeLimits { max_memory, ..limits() };
        FileIndex::read(&mut Cursor::new(&bytes), &limits).map(|_| ())
    };
    within(table).unwrap();
    assert!(matches!(within(table - 1), Err(FormatError::LimitExceeded { .. })));
    let two = [&bytes[..], &bytes].concat();
    let index = FileIndex::read(&mut Cursor::new(&two), &limits()).unwrap();
    assert_eq!(index.table_bytes(), 2 * table);
}

/// A look at the next block says what reading it gives, as often as it is asked.
#[test]
fn what_is_seen_ahead_is_what_comes() {
    let bytes = small_archive();
    let mut reader = BlockReader::new(&bytes[..], limits()).unwrap();
    loop {
        let next = reader.peek().unwrap();
        assert_eq!(reader.peek().unwrap(), next);
        let same = match (next, reader.next_block().unwrap()) {
            (NextBlock::Definition(len), Block::Stream(def)) => def.payload.len() as u64 == len,
            (NextBlock::Definition(len), Block::Model(model)) => model.bytes.len() as u64 == len,
            (NextBlock::Segment(info, len), Block::Segment(s)) => {
                s.header.info == info && s.coded.len() as u64 == len
            }
            (NextBlock::End, Block::End(_)) => break,
            (next, block) => panic!("{next:?} and {block:?}"),
        };
        assert!(same, "{next:?}");
    }
    assert!(matches!(reader.peek(), Err(FormatError::InvalidArgument(_))));
}

/// Ranges over several archives: none where none is asked for, and none of those behind.
#[test]
fn ranges_end_where_they_end() {
    let bytes = [small_archive(), small_archive(), small_archive()].concat();
    let index = FileIndex::read(&mut Cursor::new(&bytes), &limits()).unwrap();
    let held = |range| {
        index.segments_in(range).map(|(a, s)| (a.raw_start(), s.number)).collect::<Vec<_>>()
    };
    assert_eq!(held(30..30), []);
    assert_eq!(held(24..26), [(0, 3), (25, 0)]);
    assert_eq!(held(74..75), [(50, 3)]);
    assert_eq!(held(75..99), []);
    // One that ends where a segment starts has nothing of it.
    for archive in index.archives() {
        for (n, (_, info)) in
            (0..archive.segment_count()).filter_map(|n| Some((n, archive.segment(n)?)))
        {
            let before: Vec<u64> =
                archive.segments_in(0..info.raw_offset).map(|s| s.number).collect();
            assert_eq!(before, (0..n).collect::<Vec<_>>());
        }
    }
}

/// Of a file cut within zeros, what is missing is not taken for zeros.
#[test]
fn zeros_that_are_missing_are_missing() {
    let mut w = ArchiveWriter::new(Vec::new(), &Header::default()).unwrap();
    w.define_stream(StreamKind::Bytes, TokeniserSource::Inline, b"").unwrap();
    add(&mut w, 0, SegmentKind::Stored, None, b"first");
    add(&mut w, 0, SegmentKind::Stored, None, &[0; 500]);
    let bytes = w.finish().unwrap().0;
    let end = *offsets(&bytes).last().unwrap();
    let r = vxc_format::recover(&mut Cursor::new(&bytes[..end - 100]), &limits()).unwrap();
    assert_eq!(r.archives[0].segments.len(), 1);
}

/// The payload of a block at a known place has the length that the index says, before it is read.
#[test]
fn blocks_at_known_places_say_their_length() {
    let bytes = small_archive();
    let index = FileIndex::read(&mut Cursor::new(&bytes), &limits()).unwrap();
    for entry in index.archives()[0].entries() {
        let mut input = Cursor::new(&bytes);
        let block = BlockAt::open(&mut input, entry.offset).unwrap();
        assert_eq!(block.payload_len(), entry.payload_len);
        let less = DecodeLimits { max_memory: entry.payload_len.saturating_sub(1), ..limits() };
        let read = block.read(&less);
        assert_eq!(read.is_err(), entry.payload_len > 0, "{read:?}");
    }
}
