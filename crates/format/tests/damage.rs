//! Damaged, cut, spliced and hostile input: typed errors, never a panic, never wrong blocks.

mod common;

use std::io::{Cursor, Read};

use common::{add, frame, offsets, read_all, small_archive};
use proptest::prelude::*;
use vxc_format::constants::{FOOTER_BYTES, READ_STEP};
use vxc_format::{
    ArchiveWriter, Block, BlockReader, DecodeLimits, FileIndex, FormatError, Header, SegmentKind,
    StreamKind, TokeniserSource, limits, read_block_at, recover, varint,
};

fn limits() -> DecodeLimits {
    DecodeLimits::default()
}

/// Everything that can be read through the index.
fn read_by_index(bytes: &[u8]) -> Result<Vec<Block>, FormatError> {
    let mut input = Cursor::new(bytes);
    let index = FileIndex::read(&mut input, &limits())?;
    let mut blocks = Vec::new();
    for a in index.archives() {
        for e in a.entries() {
            blocks.push(read_block_at(&mut input, a.start() + e.offset, &limits())?);
        }
        blocks.push(Block::End(*a.footer()));
    }
    Ok(blocks)
}

#[test]
fn every_truncation_is_insufficient_data() {
    let bytes = small_archive();
    for n in 0..bytes.len() {
        let cut = &bytes[..n];
        let e = read_all(cut, limits()).unwrap_err();
        assert!(matches!(e, FormatError::InsufficientData(_)), "{n}: {e}");
        let e = FileIndex::read(&mut Cursor::new(cut), &limits()).unwrap_err();
        assert!(matches!(e, FormatError::InsufficientData(_)), "{n}: {e}");
    }
    // Of two archives, the second cut: the content of the first is not taken for all there is.
    let two = [&bytes[..], &bytes[..]].concat();
    for n in bytes.len() + 1..two.len() {
        let e = read_all(&two[..n], limits()).unwrap_err();
        assert!(matches!(e, FormatError::InsufficientData(_)), "{n}: {e}");
    }
    assert!(read_all(&two[..bytes.len()], limits()).is_ok());
}

#[test]
fn every_flipped_bit_is_found() {
    let bytes = small_archive();
    for bit in 0..bytes.len() * 8 {
        let mut b = bytes.clone();
        b[bit / 8] ^= 1 << (bit % 8);
        let e = read_all(&b[..], limits()).expect_err(&format!("bit {bit} is not covered"));
        assert!(
            matches!(
                e,
                FormatError::ChecksumMismatch { .. }
                    | FormatError::Corruption(_)
                    | FormatError::InsufficientData(_)
            ),
            "bit {bit}: {e}"
        );
        assert!(read_by_index(&b).is_err(), "bit {bit} by index");
    }
}

#[test]
fn trailing_bytes_are_refused() {
    let bytes = small_archive();
    for tail in [&b"\0"[..], b"x", b"\x89VXD", &[0; 100]] {
        let b = [&bytes[..], tail].concat();
        assert!(matches!(read_all(&b[..], limits()), Err(FormatError::Corruption(_))), "{tail:?}");
        assert!(FileIndex::read(&mut Cursor::new(&b), &limits()).is_err(), "{tail:?}");
    }
}

#[test]
fn a_failed_reader_stays_failed() {
    let mut b = small_archive();
    let n = b.len();
    b[n - FOOTER_BYTES] ^= 1;
    let mut r = BlockReader::new(&b[..], limits()).unwrap();
    while r.next_block().is_ok() {}
    assert!(matches!(r.next_block(), Err(FormatError::InvalidArgument(_))));
    assert!(matches!(r.next_archive(), Err(FormatError::InvalidArgument(_))));
}

#[test]
fn blocks_left_out_repeated_or_exchanged_are_found() {
    let bytes = small_archive();
    let at = offsets(&bytes);
    for i in 0..at.len() - 1 {
        let (a, b) = (at[i], at[i + 1]);
        let without = [&bytes[..a], &bytes[b..]].concat();
        assert!(matches!(read_all(&without[..], limits()), Err(FormatError::Corruption(_))), "{i}");
        let twice = [&bytes[..b], &bytes[a..]].concat();
        assert!(matches!(read_all(&twice[..], limits()), Err(FormatError::Corruption(_))), "{i}");
        if let Some(&c) = at.get(i + 2) {
            let swapped = [&bytes[..a], &bytes[b..c], &bytes[a..b], &bytes[c..]].concat();
            let e = read_all(&swapped[..], limits()).unwrap_err();
            assert!(matches!(e, FormatError::Corruption(_)), "{i}: {e}");
        }
    }
}

fn after_header(blocks: &[u8]) -> Vec<u8> {
    let mut b = Vec::new();
    Header::default().write(&mut b).unwrap();
    b.extend_from_slice(blocks);
    b
}

#[test]
fn later_kinds_of_block_are_unsupported() {
    let b = after_header(&frame(b'X', b"anything", b"payload", 7));
    assert!(matches!(read_all(&b[..], limits()), Err(FormatError::UnsupportedVersion(_))));
    // The same without a valid checksum is damage.
    let mut b = after_header(&frame(b'T', &[0, 0, 0], b"", 0));
    let at = b.len() - 14;
    assert_eq!(b[at], b'T');
    b[at] = b'X';
    assert!(matches!(read_all(&b[..], limits()), Err(FormatError::ChecksumMismatch { .. })));
    let later = after_header(
        &[frame(b'T', &[0, 0, 0], b"", 0), frame(b'S', &[0, 0, 0, 9, 0, 1], b"", 0)].concat(),
    );
    assert!(matches!(read_all(&later[..], limits()), Err(FormatError::UnsupportedVersion(_))));
}

/// Counts how much room a reader is given at once.
struct Spy<R> {
    inner: R,
    arrived: usize,
    largest_over: usize,
}

impl<R: Read> Read for Spy<R> {
    fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
        self.largest_over = self.largest_over.max(buf.len().saturating_sub(self.arrived));
        let n = self.inner.read(buf)?;
        self.arrived += n;
        Ok(n)
    }
}

#[test]
fn memory_follows_the_bytes_that_arrive_not_the_bytes_declared() {
    let declared = 200u64 << 20; // below every limit
    let mut segment = vec![0, 0, 0, 3, 0];
    varint::put(&mut segment, declared);
    segment.extend_from_slice(&[0; 8]);
    for blocks in [
        frame(b'T', &[0, 0, 0], b"", declared),
        frame(b'M', &[0; 32], b"", declared),
        [frame(b'T', &[0, 0, 0], b"", 0), frame(b'S', &segment, b"", declared)].concat(),
    ] {
        for arriving in [0usize, 1, 1 << 20] {
            let mut b = after_header(&blocks);
            b.resize(b.len() + arriving, 7);
            let mut spy = Spy { inner: &b[..], arrived: 0, largest_over: 0 };
            let e = read_all(&mut spy, limits()).unwrap_err();
            assert!(matches!(e, FormatError::InsufficientData(_)), "{e}");
            assert!(spy.largest_over <= READ_STEP, "{} bytes too many", spy.largest_over);
        }
    }
}

#[test]
fn every_limit_is_checked_before_the_payload() {
    let bytes = small_archive();
    let with = |change: fn(&mut DecodeLimits)| {
        let mut l = limits();
        change(&mut l);
        read_all(&bytes[..], l)
    };
    let what = |r: Result<_, FormatError>| match r {
        Err(FormatError::LimitExceeded { what, .. }) => what,
        Err(e) => panic!("{e}"),
        Ok(_) => "fine",
    };
    assert_eq!(what(with(|l| l.max_output = 24)), "the content");
    assert_eq!(what(with(|l| l.max_output = 25)), "fine");
    assert_eq!(what(with(|l| l.max_segment = 7)), limits::SEGMENT);
    assert_eq!(what(with(|l| l.max_segment = 8)), "fine");
    assert_eq!(what(with(|l| l.max_model_bytes = 10)), limits::DEFINITION);
    assert_eq!(what(with(|l| l.max_model_bytes = 11)), "fine");
    assert_eq!(what(with(|l| l.max_memory = 100)), "the table of blocks");

    // Without a declared size the sum over segments and archives counts.
    let mut two = Vec::new();
    for _ in 0..2 {
        let mut w = ArchiveWriter::new(Vec::new(), &Header::default()).unwrap();
        w.define_stream(StreamKind::Bytes, TokeniserSource::Inline, b"").unwrap();
        add(&mut w, 0, SegmentKind::Stored, None, b"12345");
        two.extend(w.finish().unwrap().0);
    }
    let l = |max_output| DecodeLimits { max_output, ..limits() };
    assert_eq!(what(read_all(&two[..], l(9))), "the content");
    assert_eq!(what(read_all(&two[..], l(10))), "fine");
}

#[test]
fn claims_beyond_the_expansion_bound_are_refused() {
    let mut head = vec![0, 0, 0, 3, 0];
    varint::put(&mut head, 4097 + 16384);
    head.extend_from_slice(&[0; 8]);
    let b = after_header(&[frame(b'T', &[0, 0, 0], b"", 0), frame(b'S', &head, b"!", 1)].concat());
    let mut r = BlockReader::new(&b[..], limits()).unwrap();
    r.next_block().unwrap();
    assert!(matches!(r.next_block(), Err(FormatError::Corruption(_))));
}

#[test]
fn read_errors_are_passed_on_at_every_call() {
    struct Failing<'a>(&'a [u8], usize);
    impl Read for Failing<'_> {
        fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
            if self.1 == 0 {
                return Err(std::io::Error::other("network"));
            }
            self.1 -= 1;
            let n = buf.len().min(3);
            self.0.read(&mut buf[..n])
        }
    }
    let bytes = small_archive();
    let calls = (0..).find(|&n| read_all(Failing(&bytes, n), limits()).is_ok()).unwrap();
    assert!(calls > 100);
    for n in 0..calls {
        let e = read_all(Failing(&bytes, n), limits()).unwrap_err();
        assert!(matches!(e, FormatError::Io(_)), "{n}: {e}");
    }
}

proptest! {
    #[test]
    fn random_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(read_all(&bytes[..], limits()).is_err());
        prop_assert!(read_by_index(&bytes).is_err());
        recover(&mut Cursor::new(&bytes), &limits()).unwrap();
    }

    /// Frames with valid checksums and random insides reach the parsers behind the checksums.
    #[test]
    fn random_blocks_with_valid_checksums_never_panic(
        blocks in proptest::collection::vec(
            (
                prop::sample::select(&b"TMSIX"[..]),
                proptest::collection::vec(prop_oneof![0u8..6, any::<u8>()], 0..40),
                proptest::collection::vec(prop_oneof![0u8..20, prop::sample::select(&b"TMS"[..])], 0..30),
                prop::option::of(any::<u64>()),
            ),
            0..6,
        ),
        footer: Option<(u8, u8, u8)>,
    ) {
        let mut b = after_header(&[]);
        for (tag, head, payload, claimed) in &blocks {
            b.extend(frame(*tag, head, payload, claimed.unwrap_or(payload.len() as u64)));
        }
        if let Some((offset, len, raw)) = footer {
            b.extend(vxc_format::Footer {
                index_offset: offset.into(),
                index_len: len.into(),
                content: vxc_format::ContentDigest { len: raw.into(), blake3: [0; 32], adler32: 1 },
            }.to_bytes());
        }
        let _ = read_all(&b[..], limits());
        let _ = read_by_index(&b);
        let left = recover(&mut Cursor::new(&b), &limits());
        prop_assert!(matches!(left, Ok(_) | Err(FormatError::UnsupportedVersion(_))), "{left:?}");
    }

    /// An index with valid checksums that lies.
    #[test]
    fn random_indexes_never_panic(
        payload in proptest::collection::vec(
            prop_oneof![0u8..6, prop::sample::select(&b"TMS"[..]), any::<u8>()], 0..60),
        offset in 0u64..40, raw in 0u64..20,
    ) {
        let mut b = after_header(&vec![0; offset as usize]);
        let index_offset = b.len() as u64;
        let index = frame(b'I', &[], &payload, payload.len() as u64);
        b.extend_from_slice(&index);
        b.extend(vxc_format::Footer {
            index_offset,
            index_len: index.len() as u32,
            content: vxc_format::ContentDigest { len: raw, blake3: [0; 32], adler32: 1 },
        }.to_bytes());
        let _ = read_by_index(&b);
        recover(&mut Cursor::new(&b), &limits()).unwrap();
    }
}

#[test]
fn a_segment_in_the_wrong_place_is_refused() {
    let read = |number: u8, raw_offset: u8| {
        let raw = b"a";
        let mut head = vec![number, raw_offset, 0, 0, 0, 1];
        head.extend(vxc_format::RawSummary::of(raw).xxh3.to_le_bytes());
        let segment = frame(b'S', &head, raw, 1);
        let b = after_header(&[frame(b'T', &[0, 0, 0], b"", 0), segment].concat());
        let mut r = BlockReader::new(&b[..], limits()).unwrap();
        r.next_block().unwrap();
        r.next_block()
    };
    assert!(read(0, 0).is_ok());
    assert!(matches!(read(1, 0), Err(FormatError::Corruption(_))));
    assert!(matches!(read(0, 1), Err(FormatError::Corruption(_))));
}
