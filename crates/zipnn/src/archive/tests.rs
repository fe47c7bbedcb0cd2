//! What is decoded, refused and held does not depend on threads.

use std::io::Cursor;

use vxc::{Form, Method, SegmentKind, StreamCode};
use vxc_format::{ArchiveWriter, Header, NewSegment, RawSummary, TokeniserSource};

use super::*;
use crate::block::memory;
use crate::index::MAGIC;

/// A weight archive of blocks: raw bytes, and their coded ones.
fn archive_of(blocks: &[(&[u8], Vec<u8>)]) -> Vec<u8> {
    let mut out = MAGIC.to_vec();
    let (mut extents, mut raw) = (Vec::new(), Vec::new());
    for (bytes, coded) in blocks {
        let (start, at) = (raw.len() as u64, out.len() as u64);
        let source = Source::Block(coded.len() as u64);
        extents.push(Extent { start, len: bytes.len() as u64, at, source });
        raw.extend_from_slice(bytes);
        out.extend_from_slice(coded);
        out.extend(crc32c(coded).to_le_bytes());
    }
    let index = Index { gathered: None, extents }.write();
    out.extend_from_slice(&index);
    let footer = Footer {
        index_len: index.len() as u64,
        index_crc: crc32c(&index),
        len: raw.len() as u64,
        blake3: *blake3::hash(&raw).as_bytes(),
    };
    out.extend(footer.write());
    out
}

fn decoded(archive: &[u8], max_memory: u64, threads: usize) -> (Vec<u8>, Result<(), WeightsError>) {
    let limits = Limits { max_memory, ..Limits::default() };
    let mut out = Vec::new();
    let done = Archive::open(Cursor::new(archive), limits)
        .and_then(|mut archive| archive.decode_all(&mut out, threads, |_| ()));
    (out, done)
}

fn stored(raw: &[u8]) -> Vec<u8> {
    [&[0], raw].concat()
}

/// A block of the codec, with tables for more content than it has: it takes more than such a block usually does.
fn hungry(raw: &[u8]) -> Vec<u8> {
    let code = StreamCode::new(Form::Text, 5, 1 << 18);
    let mut state = code.fresh(SegmentKind::Mix);
    let (kind, coded) = code.encode(None, Method::Mix, &mut state, raw).unwrap();
    // The first byte is that of the method.
    let header = Header { level: 5, profile: 1, ..Header::default() };
    let mut writer = ArchiveWriter::new(vec![6], &header).unwrap();
    writer.define_stream(code.kind(), TokeniserSource::Inline, &code.to_bytes()).unwrap();
    let (coded, summary) = (&coded[..], RawSummary::of(raw));
    let segment = NewSegment { stream: 0, kind, primed_by: None, raw: summary, coded };
    writer.segment(&segment).unwrap();
    writer.content(raw);
    writer.finish().unwrap().0
}

/// The least memory that decodes a block, to so many bytes.
fn needed(coded: &[u8], raw: usize, step: u64) -> u64 {
    let fits = |memory| block::decode(coded, &mut vec![0; raw], memory).is_ok();
    let (mut least, mut most) = (0, (512 << 20) / step);
    while least < most {
        let middle = (least + most) / 2;
        if fits(middle * step) { most = middle } else { least = middle + 1 }
    }
    least * step
}

/// What an archive of blocks takes while the one of this number is decoded with nothing beside it, without its work.
fn held(blocks: &[(&[u8], Vec<u8>)], which: usize) -> u64 {
    let (raw, coded) = &blocks[which];
    (blocks.len() * size_of::<Extent>() + raw.len() + coded.len()) as u64 + JOB
}

fn line(n: usize) -> Vec<u8> {
    b"the learning rate is 0.001, the batch has 64\n".repeat(n)
}

#[test]
fn how_much_a_block_may_take_is_no_question_of_threads() {
    let (large, text) = (vec![7; 300_000], line(40));
    let coded = hungry(&text);
    let step = 64 << 10;
    let work = needed(&coded, text.len(), step);
    let usual = memory(&coded, text.len()).unwrap().bytes;
    println!("{work} bytes of work, {usual} are usual");
    assert!(work > usual, "with {usual} bytes it is decoded beside others");
    let mut blocks = vec![(&large[..], stored(&large)); 30];
    blocks[10] = (&text, coded);
    let archive = archive_of(&blocks);
    let raw: Vec<u8> = blocks.iter().flat_map(|(raw, _)| raw.iter().copied()).collect();
    let enough = held(&blocks, 10) + work;
    for threads in 1..=6 {
        let (out, done) = decoded(&archive, enough, threads);
        assert!(done.is_ok() && out == raw, "{threads} threads: {done:?}");
        let (out, done) = decoded(&archive, enough - step, threads);
        let Err(WeightsError::LimitExceeded { what, limit, .. }) = done else {
            panic!("{threads} threads: {done:?}")
        };
        assert_eq!((what, limit), (BLOCK_MEMORY, work - step), "{threads} threads");
        assert!(out == raw[..10 * large.len()], "{threads} threads: what was before it is there");
    }
}

#[test]
fn the_first_error_is_told() {
    let text = line(40);
    let coded = hungry(&text);
    let work = needed(&coded, text.len(), 1 << 20) - (1 << 20);
    let good = || (&text[..], stored(&text));
    let large = || (&text[..], coded.clone());
    let damaged = || (&text[..], vec![99; 10]);
    for (blocks, corrupt) in [
        ([good(), large(), damaged(), damaged()], false),
        ([good(), damaged(), large(), large()], true),
        ([large(), good(), damaged(), large()], false),
        ([damaged(), large(), good(), large()], true),
    ] {
        let (archive, memory) = (archive_of(&blocks), held(&blocks, 1) + work);
        for threads in [1, 2, 3, 8] {
            match decoded(&archive, memory, threads).1 {
                Err(WeightsError::Corrupt(_)) => assert!(corrupt, "{threads} threads"),
                Err(WeightsError::LimitExceeded { .. }) => assert!(!corrupt, "{threads} threads"),
                done => panic!("{threads} threads: {done:?}"),
            }
        }
    }
    // One whose checksum is wrong is found when it is read, before the other is decoded.
    let mut archive = archive_of(&[good(), large(), good()]);
    let at = MAGIC.len() + text.len() + coded.len() + 20;
    archive[at] ^= 1;
    let memory = held(&[good(), large(), good()], 1) + work;
    for threads in [1, 2, 8] {
        let done = decoded(&archive, memory, threads).1;
        assert!(matches!(done, Err(WeightsError::LimitExceeded { .. })), "{threads}: {done:?}");
        let done = decoded(&archive, 512 << 20, threads).1;
        assert!(matches!(done, Err(WeightsError::Corrupt(_))), "{threads}: {done:?}");
    }
}

/// All of the memory is for what is decoded.
#[test]
fn what_was_read_last_is_not_kept_beside_everything() {
    let text = line(40);
    let archive = archive_of(&[(&text, stored(&text)), (&text, stored(&text))]);
    let mut open = Archive::open(Cursor::new(&archive), Limits::default()).unwrap();
    let mut front = [0; 8];
    open.read_exact(&mut front).unwrap();
    assert!(front[..] == text[..8] && !open.last.is_empty());
    let mut out = Vec::new();
    open.decode_all(&mut out, 1, |_| ()).unwrap();
    assert!(out == text.repeat(2) && open.last.is_empty());
    open.seek(SeekFrom::Start(0)).unwrap();
    open.read_exact(&mut front).unwrap();
    assert_eq!(front[..], text[..8]);
}

/// What was read before gives way to a block that takes more than usual.
#[test]
fn what_can_be_read_is_no_question_of_what_was_read_before() {
    let (large, text) = (vec![7; 300_000], line(40));
    let coded = hungry(&text);
    let work = needed(&coded, text.len(), 64 << 10);
    let blocks = [(&large[..], stored(&large)), (&text[..], coded)];
    // Half of it is for reading here and there.
    let max_memory = 2 * (held(&blocks, 1) + work);
    let archive = archive_of(&blocks);
    for before in [0, 8] {
        let limits = Limits { max_memory, ..Limits::default() };
        let mut open = Archive::open(Cursor::new(&archive), limits).unwrap();
        open.read_exact(&mut vec![0; before]).unwrap();
        let mut out = vec![0; text.len()];
        open.seek(SeekFrom::Start(large.len() as u64)).unwrap();
        open.read_exact(&mut out).unwrap();
        assert!(out == text);
    }
}

/// Blocks that take more than usual, among others: none of these is decoded again and again.
#[test]
fn nothing_is_decoded_more_than_twice() {
    let (small, text) = (line(1), line(40));
    let coded = hungry(&text);
    let work = needed(&coded, text.len(), 64 << 10);
    let pair = [(&text[..], coded), (&small[..], stored(&small))];
    let blocks: Vec<_> = pair.iter().cloned().cycle().take(24).collect();
    let archive = archive_of(&blocks);
    let limits = Limits { max_memory: held(&blocks, 0) + work + (16 << 20), ..Limits::default() };
    for threads in [1, 4] {
        let mut open = Archive::open(Cursor::new(&archive), limits).unwrap();
        let extents = std::mem::take(&mut open.index.extents);
        let (mut left, mut out) = (Left::new(&extents), Vec::new());
        let (room, pool) = (open.room(), pool(threads).unwrap());
        let mut decoded = 0;
        while left.next < extents.len() {
            let batch = open.batch(&mut left, &mut out, threads, room).unwrap();
            let (first, jobs) = (left.next - batch.jobs.len(), batch.jobs.len());
            decoded += jobs;
            let done = batch.decode(&pool, &mut out, room - left.waiting());
            if done.ended.is_err() {
                left.back_to(first + done.jobs);
            }
        }
        assert!(decoded <= 2 * extents.len(), "{decoded} of {}, {threads} threads", extents.len());
    }
}
