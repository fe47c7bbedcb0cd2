//! Where an archive ends and another begins, in files whose index is lost: what is one of the file's own, and what is content.

mod common;

use std::io::Cursor;

use common::{add, frame, offsets, small_archive, stored};
use vxc_format::content::crc32c;
use vxc_format::recover::Method;
use vxc_format::{
    ArchiveWriter, DecodeLimits, FormatError, Header, SegmentKind, StreamKind, TokeniserSource,
    recover,
};

fn limits() -> DecodeLimits {
    DecodeLimits::default()
}

/// Without its index.
fn blocks(archive: &[u8]) -> Vec<u8> {
    archive[..*offsets(archive).last().unwrap()].to_vec()
}

/// An archive that is the content of a damaged segment is not taken for one of the file's own, nor its end for the
/// file's: neither where the file is whole behind it, nor where it is cut short.
#[test]
fn an_archive_within_a_damaged_segment_stays_inside() {
    let inner = small_archive();
    let bytes = stored(&[&[&[7; 40][..], &inner, &[9; 400]].concat(), &[5; 300]]);
    let hit = bytes.windows(40).position(|w| w == [7; 40]).unwrap();
    let inside = bytes.windows(inner.len()).position(|w| w == inner).unwrap();
    // The index and the footer; all but a part of the segment; the inner archive's last bytes too.
    for cut in [bytes.len() - 80, inside + inner.len() + 200, inside + inner.len() - 7] {
        let mut b = bytes[..cut].to_vec();
        b[hit] ^= 1;
        let r = recover(&mut Cursor::new(&b), &limits()).unwrap();
        assert_eq!((r.method, r.archives.len()), (Method::Scan, 1), "{cut}");
        let a = &r.archives[0];
        assert_eq!((a.streams.len(), a.models.len()), (1, 0), "{cut}");
        assert!(a.footer.is_none() && a.segments.iter().all(|(h, _)| h.info.number == 1));
    }
}

/// Archives behind one that is cut short are the file's own, whole or cut short themselves.
#[test]
fn archives_behind_a_truncated_one_are_found() {
    let (first, second) =
        (stored(&[&[1; 900], &[2; 900]]), stored(&[&[3; 50], &[4; 700], &[5; 60]]));
    let at = offsets(&first);
    // Within the second segment: what it claims reaches over the archives behind it, and beyond the file.
    let cut = &first[..at[2] + 100];
    for (behind, archives) in [
        (second.clone(), 2),
        ([&second[..], &second].concat(), 3),
        ([&second[..], &second[..second.len() - 300]].concat(), 3),
        ([&second[..], cut, &second].concat(), 4),
    ] {
        let b = [cut, &behind].concat();
        let r = recover(&mut Cursor::new(&b), &limits()).unwrap();
        let numbers: Vec<usize> = r.archives.iter().map(|a| a.segments.len()).collect();
        assert_eq!(r.archives.len(), archives, "{numbers:?}");
        assert_eq!(numbers[..2], [1, 3]);
        assert!(r.archives[0].footer.is_none() && r.archives[1].footer.is_some());
    }
}

/// … also where all of them stand within what the damaged segment claims: one ends where the file does, or the next begins.
#[test]
fn whole_archives_within_reach_of_a_truncated_one_are_found() {
    let (first, second) = (stored(&[&[1; 900], &[2; 9000]]), stored(&[&[3; 50], &[4; 70]]));
    let cut = &first[..offsets(&first)[2] + 100];
    for copies in 1..4 {
        let b = [cut, &second.repeat(copies)].concat();
        let r = recover(&mut Cursor::new(&b), &limits()).unwrap();
        let found: Vec<_> =
            r.archives.iter().map(|a| (a.segments.len(), a.footer.is_some())).collect();
        let all = std::iter::once((1, false)).chain(std::iter::repeat_n((2, true), copies));
        assert_eq!(found, all.collect::<Vec<_>>());
    }
}

/// An archive whose header is lost, with the end of the one before it, is another one all the same.
#[test]
fn archives_without_a_border_are_not_joined() {
    let (first, second) = (stored(&[&[1; 90], &[2; 90]]), stored(&[&[3; 90], &[4; 90], &[5; 90]]));
    let of_second = offsets(&second);
    for (before, behind) in [
        (30, of_second[0]),
        (130, 12),
        (first.len() - offsets(&first)[2] - 80, 12),
        // Its definition too.
        (130, of_second[1]),
    ] {
        let mut b = [&first[..], &second].concat();
        b[first.len() - before..first.len() + behind].fill(0);
        let r = recover(&mut Cursor::new(&b), &limits()).unwrap();
        assert_eq!(r.archives.len(), 2, "{before}");
        assert_eq!(r.archives[1].segments.len(), 3, "{before}");
        assert!(r.archives[1].header.is_none() && r.archives[0].segments.len() <= 2);
        assert_eq!(r.archives[1].streams.len(), usize::from(behind <= of_second[0]), "{before}");
        let known = r.archives[1].footer.is_some() && r.archives[1].lost_content().is_empty();
        assert!(known, "{before}");
    }
}

/// An archive within a segment that is coded, or over the border of two: its frames lead nowhere.
#[test]
fn broken_archives_within_damaged_segments_stay_inside() {
    let inner = [&[7; 40][..], &stored(&[&[3; 400], &[4; 400]]), &[9; 40]].concat();
    let (front, back) = inner.split_at(320);
    // As LZ leaves it: some of its bytes are missing.
    let coded = [&inner[..150], &inner[160..]].concat();
    for (bytes, cut) in [(stored(&[front, back, &[5; 60]]), 0), (stored(&[&coded, &[5; 60]]), 400)]
    {
        let mut b = bytes;
        b.truncate(b.len() - cut);
        b.remove(b.windows(40).position(|w| w == [7; 40]).unwrap());
        let r = recover(&mut Cursor::new(&b), &limits()).unwrap();
        assert_eq!(r.archives.len(), 1, "{r:?}");
        assert!(r.archives[0].segments.iter().all(|(h, _)| h.info.number > 0));
        assert_eq!(r.archives[0].streams.len(), 1);
    }
}

/// A block that the content of a damaged segment has is not taken for the archive's next one, even where it would fit.
#[test]
fn the_next_block_is_not_looked_for_within_a_damaged_segment() {
    let part = |raw: &[u8]| [&[7; 40][..], raw, &[8; 200]].concat();
    let other = stored(&[&[1; 50], &part(&[]), &[3; 90]]);
    let at = offsets(&other);
    let block = |n: usize| other[at[n]..at[n + 1]].to_vec();
    // The next segment, as another archive has it, and a definition.
    let next = block(3);
    let filled = |inner: &[u8]| {
        let mut raw = part(&[]);
        raw[60..60 + inner.len()].copy_from_slice(inner);
        stored(&[&[1; 50], &raw, &[4; 90]])
    };
    for inner in [next, block(0)] {
        let whole = filled(&inner);
        let hit = whole.windows(40).position(|w| w == [7; 40]).unwrap();
        for cut in [whole.len() - 80, offsets(&whole)[3]] {
            let mut b = whole[..cut].to_vec();
            b[hit] ^= 1;
            let r = recover(&mut Cursor::new(&b), &limits()).unwrap();
            let found = &r.archives[0];
            let segments: Vec<_> =
                found.segments.iter().map(|(h, at)| (h.info.number, *at)).collect();
            let at = offsets(&whole);
            let behind = (cut > at[3]).then_some((2, at[3] as u64));
            assert_eq!(segments, [(0, at[1] as u64)].into_iter().chain(behind).collect::<Vec<_>>());
            assert_eq!((r.archives.len(), found.streams.len()), (1, 1));
        }
    }
}

/// Behind a damaged segment comes what has a later number and a later place, both.
#[test]
fn what_follows_a_damaged_segment_comes_behind_it() {
    let mut b = blocks(&stored(&[&[7; 80]]));
    let hit = b.windows(40).position(|w| w == [7; 40]).unwrap();
    b[hit] ^= 1;
    let other = stored(&[b"1", b"2", b"3", b"4"]);
    let at = offsets(&other);
    // Number 3, but byte 3.
    b.extend(&other[at[4]..at[5]]);
    let r = recover(&mut Cursor::new(&b), &limits()).unwrap();
    assert!(r.archives.iter().all(|a| a.segments.is_empty()), "{r:?}");
}

/// A definition that is lost takes no later one with it.
#[test]
fn definitions_behind_a_lost_one_are_found() {
    let mut w = ArchiveWriter::new(Vec::new(), &Header::default()).unwrap();
    for code in [&[1; 50], &[2; 50], &[3; 50]] {
        w.define_stream(StreamKind::Bytes, TokeniserSource::Inline, code).unwrap();
        add(&mut w, 0, SegmentKind::Stored, None, b"content");
    }
    let mut b = blocks(&w.finish().unwrap().0);
    let hit = b.windows(50).position(|w| w == [2; 50]).unwrap();
    b[hit] ^= 1;
    let r = recover(&mut Cursor::new(&b), &limits()).unwrap();
    let ids: Vec<u32> = r.archives[0].streams.iter().map(|(id, _)| *id).collect();
    assert_eq!((ids, r.archives[0].segments.len()), (vec![0, 2], 3));
}

/// A block of a kind that is not known is of a later version where a block must stand; elsewhere it is damage.
#[test]
fn blocks_of_a_later_version_are_refused() {
    let b = blocks(&stored(&[&[1; 80]]));
    let later = frame(b'Q', &[], b"later", 5);
    let r = recover(&mut Cursor::new([&b[..], &later].concat()), &limits());
    assert!(matches!(r, Err(FormatError::UnsupportedVersion(_))), "{r:?}");
    // A header of one, too: its body is shorter than 128 bytes.
    let mut header = b[..40].to_vec();
    header[8] = 2;
    let end = 11 + usize::from(header[10]);
    let crc = crc32c(&header[..end]);
    header[end..end + 4].copy_from_slice(&crc.to_le_bytes());
    let r = recover(&mut Cursor::new([&b[..], &header].concat()), &limits());
    assert!(matches!(r, Err(FormatError::UnsupportedVersion(_))), "{r:?}");
    for later in [later, header] {
        let r = recover(&mut Cursor::new([&b[..], b"?", &later].concat()), &limits()).unwrap();
        assert_eq!(r.archives[0].segments.len(), 1);
    }
}

/// Index and footer are known as the archive's own by their place, however little is left before them.
#[test]
fn the_index_of_lost_segments_is_found() {
    let bytes = stored(&[&[7; 80], &[8; 80]]);
    let at = offsets(&bytes);
    // A byte is missing, and another one is wrong: the index is not where it was, but where the last segment ends.
    let mut moved = bytes.clone();
    moved[at[2] + 60] ^= 1;
    moved.remove(at[1] + 60);
    // Five bytes more before, five less behind: it is where it was, but the last segment should end later.
    let mut filled = bytes.clone();
    filled[at[1] + 60] ^= 1;
    filled.drain(at[2] + 60..at[2] + 65);
    filled.splice(at[0]..at[0], *b"?????");
    // Not found from the file's end.
    filled.push(0);
    for (what, b) in [("moved", moved), ("filled", filled)] {
        let r = recover(&mut Cursor::new(&b), &limits()).unwrap();
        let [a] = &r.archives[..] else { panic!("{what}: {r:?}") };
        assert_eq!((a.segments.len(), a.lost.len(), a.listed_len), (0, 2, Some(160)), "{what}");
        assert!(a.footer.is_some(), "{what}");
    }
}

/// An index and a footer that stand within a damaged segment are content, whether or not anything was found before.
#[test]
fn an_index_within_a_damaged_segment_is_content() {
    let other = stored(&[&[6; 33]]);
    let end = &other[offsets(&other)[2]..];
    for before in [&[][..], &[&[1; 50][..]]] {
        let raw = [&[7; 40][..], end, &[8; 200]].concat();
        let parts = [before, &[&raw, &[5; 60]]].concat();
        let mut b = blocks(&stored(&parts));
        let hit = b.windows(40).position(|w| w == [7; 40]).unwrap();
        // A byte is missing, so that it is looked for what stands within.
        b.remove(hit);
        let r = recover(&mut Cursor::new(&b), &limits()).unwrap();
        let [a] = &r.archives[..] else { panic!("{r:?}") };
        assert_eq!((a.segments.len(), a.listed_len), (before.len() + 1, None));
        assert!(a.footer.is_none());
    }
}
