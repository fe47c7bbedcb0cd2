//! What `recover` finds in damaged files.

mod common;

use std::io::{Cursor, Read, Seek, SeekFrom};

use common::{add, decode, frame, header, offsets, small_archive, stored};
use proptest::prelude::*;
use vxc_format::recover::{LostContent, Method};
use vxc_format::{
    ArchiveWriter, Block, DecodeLimits, FileIndex, FormatError, Header, SegmentKind, StreamKind,
    TokeniserSource, read_block_at, recover,
};

fn limits() -> DecodeLimits {
    DecodeLimits::default()
}

proptest! {
    #[test]
    fn recover_finds_what_a_few_damaged_bytes_leave(
        hits in proptest::collection::vec((any::<prop::sample::Index>(), 1u8..), 1..4),
    ) {
        let bytes = small_archive();
        let mut b = bytes.clone();
        for (at, x) in &hits {
            b[at.index(bytes.len())] ^= x;
        }
        let whole = FileIndex::read(&mut Cursor::new(&bytes), &limits()).unwrap();
        let r = recover(&mut Cursor::new(&b), &limits()).unwrap();
        // Every segment whose bytes are untouched is found, with its head as it was.
        let found: Vec<_> = r.archives.iter().flat_map(|a| &a.segments).collect();
        let a = &whole.archives()[0];
        for n in 0..a.segment_count() {
            let (e, info) = a.segment(n).unwrap();
            let span = e.offset as usize..e.end() as usize;
            if b[span.clone()] == bytes[span] {
                prop_assert!(
                    found.iter().any(|(h, at)| h.info == *info && *at == e.offset),
                    "segment {} is missing", n
                );
            }
        }
        for (h, at) in found {
            let Block::Segment(s) = read_block_at(&mut Cursor::new(&b), *at, &limits()).unwrap()
            else { panic!("no segment") };
            prop_assert_eq!(&s.header, h);
        }
    }
}

#[test]
fn recover_of_an_intact_file_finds_everything() {
    let bytes = [small_archive(), small_archive()].concat();
    let r = recover(&mut Cursor::new(&bytes), &limits()).unwrap();
    assert_eq!((r.method, r.archives.len(), r.damaged.len()), (Method::Index, 2, 0));
    for a in &r.archives {
        assert_eq!(a.header.as_ref(), Some(&header()));
        assert_eq!((a.streams.len(), a.models.len(), a.segments.len()), (2, 1, 4));
        assert!(a.lost_content().is_empty());
    }
}

#[test]
fn recover_walks_a_truncated_file() {
    let bytes = small_archive();
    let at = offsets(&bytes);
    // Cut inside the last segment.
    let b = &bytes[..at[6] + 5];
    let r = recover(&mut Cursor::new(b), &limits()).unwrap();
    assert_eq!((r.method, r.archives.len()), (Method::Scan, 1));
    assert_eq!(r.archives[0].segments.len(), 3);
    let lost = LostContent { content: 22..25, segment: None };
    assert_eq!(r.archives[0].lost_content(), [lost], "from the header's size");
    assert_eq!(r.damaged, vec![at[6] as u64..b.len() as u64]);
}

#[test]
fn recover_scans_over_lost_and_added_bytes() {
    let mut w = ArchiveWriter::new(Vec::new(), &Header::default()).unwrap();
    w.define_stream(StreamKind::Bytes, TokeniserSource::Inline, b"bins").unwrap();
    let raw: Vec<Vec<u8>> =
        (0..20u8).map(|i| vec![b'S' ^ (i & 3); 3000 + 7 * i as usize]).collect();
    for r in &raw {
        add(&mut w, 0, SegmentKind::Mix, None, r);
    }
    let bytes = w.finish().unwrap().0;
    let at = offsets(&bytes);
    // Bytes vanish from segment 3's payload, appear in segment 8's, and segment 12's head and the
    // footer are overwritten.
    let mut b = bytes[..at[4] + 50].to_vec();
    b.extend_from_slice(&bytes[at[4] + 1050..at[9] + 100]);
    b.extend_from_slice(&[b'S'; 5000]);
    b.extend_from_slice(&bytes[at[9] + 100..at[13]]);
    b.extend_from_slice(&[0; 20]);
    b.extend_from_slice(&bytes[at[13] + 20..bytes.len() - 9]);
    b.extend_from_slice(&[0; 9]);
    let r = recover(&mut Cursor::new(&b), &limits()).unwrap();
    assert_eq!((r.method, r.archives.len()), (Method::Scan, 1));
    let found: Vec<u64> = r.archives[0].segments.iter().map(|(h, _)| h.info.number).collect();
    let expected: Vec<u64> = (0..20).filter(|n| ![3, 8, 12].contains(n)).collect();
    assert_eq!(found, expected);
    assert_eq!(r.archives[0].lost_content().len(), 3);
    for (h, at) in &r.archives[0].segments {
        let block = read_block_at(&mut Cursor::new(&b), *at, &limits()).unwrap();
        let Block::Segment(s) = block else { panic!("no segment") };
        assert_eq!(decode(&s), raw[h.info.number as usize]);
    }
    assert_eq!(r.damaged.len(), 4, "{:?}", r.damaged);
}

#[test]
fn recover_without_a_header() {
    let bytes = small_archive();
    let r = recover(&mut Cursor::new(&bytes[20..]), &limits()).unwrap();
    assert_eq!(r.archives.len(), 1);
    let a = &r.archives[0];
    assert!(a.header.is_none());
    assert_eq!((a.streams.len(), a.segments.len()), (2, 4));
    assert!(a.footer.is_some() && a.lost_content().is_empty());
}

/// Counts the bytes that are read.
struct Meter(Cursor<Vec<u8>>, u64);

impl Read for Meter {
    fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
        let n = self.0.read(buf)?;
        self.1 += n as u64;
        Ok(n)
    }
}

impl Seek for Meter {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        self.0.seek(to)
    }
}

#[test]
fn recover_is_not_drawn_into_quadratic_work() {
    // Heads that each claim half of the rest of the file: 2 MB on average, 100 GB in all.
    let n = 100_000u64;
    let each = 44;
    let mut b = Vec::new();
    for i in 0..n {
        let mut f = frame(b'M', &[0; 32], b"?", (n - i - 1) * each / 2);
        f.pop();
        b.extend(f);
    }
    let size = b.len() as u64;
    let mut meter = Meter(Cursor::new(b), 0);
    let r = recover(&mut meter, &limits()).unwrap();
    assert!(r.archives.is_empty());
    assert!(meter.1 > 4 * size, "the test does not try hard enough: {}", meter.1);
    assert!(meter.1 < 20 * size + (80 << 20), "{} bytes read", meter.1);
}

/// A byte that is missing before a definition costs the segment that it is missing of, and no more.
#[test]
fn a_definition_behind_missing_bytes_is_found() {
    let mut w = ArchiveWriter::new(Vec::new(), &Header::default()).unwrap();
    w.define_stream(StreamKind::Bytes, TokeniserSource::Inline, b"one").unwrap();
    add(&mut w, 0, SegmentKind::Stored, None, &[1; 500]);
    w.define_stream(StreamKind::Bytes, TokeniserSource::Inline, b"two").unwrap();
    add(&mut w, 1, SegmentKind::Stored, None, &[2; 300]);
    add(&mut w, 1, SegmentKind::Stored, None, &[3; 300]);
    let mut b = w.finish().unwrap().0;
    b.remove(b.windows(40).position(|w| w == [1; 40]).unwrap());
    let r = recover(&mut Cursor::new(&b), &limits()).unwrap();
    let a = &r.archives[0];
    assert_eq!((r.archives.len(), a.streams.len(), a.segments.len()), (1, 2, 2));
    // The index is intact: it names what is lost.
    assert_eq!(a.lost_content(), [LostContent { content: 0..500, segment: Some(0) }]);
    assert!(a.footer.is_some());
}

/// Neighbours and the last segment are named too, by the index.
#[test]
fn lost_segments_are_named() {
    let bytes = stored(&[&[1; 80], &[2; 80], &[3; 80], &[4; 80]]);
    for tail in [0, 1] {
        // With the footer's last byte the file's index is not found from its end, but by the scan.
        let mut b = bytes.clone();
        for byte in [2u8, 3, 4] {
            let at = b.windows(40).position(|w| w == [byte; 40]).unwrap();
            b[at] = 9;
        }
        *b.last_mut().unwrap() ^= tail;
        let r = recover(&mut Cursor::new(&b), &limits()).unwrap();
        assert_eq!(r.method, if tail == 0 { Method::Index } else { Method::Scan });
        let lost = r.archives[0].lost_content();
        let numbers: Vec<_> = lost.iter().map(|l| l.segment).collect();
        assert_eq!(numbers, [Some(1), Some(2), Some(3)]);
        assert_eq!(lost[2].content, 240..320);
        assert_eq!(r.archives[0].content_end(), Some(320));
    }
}

/// What is kept of a hostile file counts as memory: archives and damaged ranges too.
#[test]
fn many_headers_are_bounded_by_memory() {
    let mut header = Vec::new();
    Header::default().write(&mut header).unwrap();
    header.push(0);
    let bytes = header.repeat(10_000);
    let limits = DecodeLimits { max_memory: 4 << 20, ..limits() };
    let r = recover(&mut Cursor::new(&bytes), &limits);
    assert!(matches!(r, Err(FormatError::LimitExceeded { .. })), "{r:?}");
}

/// Later versions are no damage, wherever their archive stands and whether it is whole.
#[test]
fn archives_of_a_later_version_are_refused() {
    let archive = stored(&[&[1; 80]]);
    let mut later = archive.clone();
    later[8] = 2;
    // The body is shorter than 128 bytes.
    let end = 11 + usize::from(later[10]);
    let crc = vxc_format::content::crc32c(&later[..end]);
    later[end..end + 4].copy_from_slice(&crc.to_le_bytes());
    for bytes in [later.clone(), later[..later.len() - 70].to_vec(), [archive, later].concat()] {
        let r = recover(&mut Cursor::new(&bytes), &limits());
        assert!(matches!(r, Err(FormatError::UnsupportedVersion(_))), "{r:?}");
    }
}

/// Without an index, a lost segment between two others has a number; two of them are not told apart, nor is a tail.
#[test]
fn lost_segments_have_numbers_where_these_are_known() {
    let parts: Vec<Vec<u8>> = (1..=6u8).map(|i| vec![i; 80]).collect();
    let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
    let mut bytes = stored(&parts);
    bytes.truncate(*offsets(&bytes).last().unwrap());
    for byte in [2u8, 4, 5] {
        let at = bytes.windows(40).position(|w| w == [byte; 40]).unwrap();
        bytes[at] = 9;
    }
    let r = recover(&mut Cursor::new(&bytes), &limits()).unwrap();
    let lost = r.archives[0].lost_content();
    let expected = [(80..160, Some(1)), (240..400, None)];
    let expected = expected.map(|(content, segment)| LostContent { content, segment });
    assert_eq!((lost.as_slice(), r.archives[0].content_end()), (&expected[..], None));
}
