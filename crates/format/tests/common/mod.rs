//! A small archive with every kind of block, and reading one to its end.
#![allow(dead_code)] // each test file uses a part

use std::io::{Cursor, Read};

use vxc_format::{
    ArchiveWriter, Block, BlockReader, ContentHasher, DecodeLimits, FileIndex, FormatError, Header,
    NewSegment, RawSummary, SegmentKind, StreamKind, TokeniserSource, Writer, content::crc32c,
    varint,
};

/// "Decodes": the test's codec codes a segment as its bytes, complemented unless stored.
pub fn decode(segment: &vxc_format::Segment) -> Vec<u8> {
    let n = segment.header.info.raw_len as usize;
    match segment.header.info.kind {
        SegmentKind::Stored => segment.coded.clone(),
        _ => segment.coded.iter().take(n).map(|b| !b).collect(),
    }
}

pub fn code(kind: SegmentKind, raw: &[u8]) -> Vec<u8> {
    match kind {
        SegmentKind::Stored => raw.to_vec(),
        _ => raw.iter().map(|b| !b).collect(),
    }
}

pub fn header() -> Header {
    Header {
        level: 5,
        profile: 1,
        writer: Writer { major: 0, minor: 1, patch: 0 },
        name: Some(b"jets\xFF.bin".to_vec()),
        mtime: Some(1_700_000_000_123_456_789),
        mode: Some(0o100_644),
        raw_size: Some(25),
        original: None,
    }
}

/// Two streams, one from an embedded model, four segments, one primed by another.
pub fn small_archive() -> Vec<u8> {
    let mut w = ArchiveWriter::new(Vec::new(), &header()).unwrap();
    let t0 = w.define_stream(StreamKind::Bytes, TokeniserSource::Inline, b"").unwrap();
    add(&mut w, t0, SegmentKind::Stored, None, b"header");
    let model = w.embed_model(b"model bytes").unwrap();
    let t1 = w.define_stream(StreamKind::Records, TokeniserSource::Model(model), b"bins").unwrap();
    let key = add(&mut w, t1, SegmentKind::Mix, None, b"record01");
    add(&mut w, t1, SegmentKind::Mix, Some(key), b"record02");
    add(&mut w, t0, SegmentKind::Lz, None, b"end");
    w.finish().unwrap().0
}

pub fn add(
    w: &mut ArchiveWriter<Vec<u8>>,
    stream: u32,
    kind: SegmentKind,
    primed_by: Option<u64>,
    raw: &[u8],
) -> u64 {
    w.content(raw);
    let coded = code(kind, raw);
    w.segment(&NewSegment { stream, kind, primed_by, raw: RawSummary::of(raw), coded: &coded })
        .unwrap()
}

/// Reads everything, decodes, verifies; gives the blocks and the content.
pub fn read_all<R: Read>(
    input: R,
    limits: DecodeLimits,
) -> Result<(Vec<Block>, Vec<u8>), FormatError> {
    let mut reader = BlockReader::new(input, limits)?;
    let (mut blocks, mut content) = (Vec::new(), Vec::new());
    loop {
        let mut hash = ContentHasher::new();
        loop {
            let block = reader.next_block()?;
            match &block {
                Block::Segment(s) => {
                    let raw = decode(s);
                    s.header.verify_raw(&RawSummary::of(&raw))?;
                    hash.update(&raw);
                    content.extend_from_slice(&raw);
                }
                Block::End(footer) => footer.content.verify(&hash.digest())?,
                Block::Stream(_) | Block::Model(_) => {}
            }
            let end = matches!(block, Block::End(_));
            blocks.push(block);
            if end {
                break;
            }
        }
        if !reader.next_archive()? {
            return Ok((blocks, content));
        }
    }
}

/// Where the blocks of an intact archive start, and the index.
pub fn offsets(bytes: &[u8]) -> Vec<usize> {
    let index = FileIndex::read(&mut Cursor::new(bytes), &DecodeLimits::default()).unwrap();
    let a = &index.archives()[0];
    let mut at: Vec<usize> = a.entries().iter().map(|e| e.offset as usize).collect();
    at.push(a.footer().index_offset as usize);
    at
}

/// A frame with valid checksums around anything.
pub fn frame(tag: u8, head: &[u8], payload: &[u8], claimed: u64) -> Vec<u8> {
    let mut b = vec![tag, head.len() as u8];
    varint::put(&mut b, claimed);
    b.extend(crc32c(payload).to_le_bytes());
    b.extend_from_slice(head);
    b.extend(crc32c(&b).to_le_bytes());
    b.extend_from_slice(payload);
    b
}

/// An archive of one stream whose stored segments hold `parts`.
pub fn stored(parts: &[&[u8]]) -> Vec<u8> {
    let mut writer = ArchiveWriter::new(Vec::new(), &Header::default()).unwrap();
    writer.define_stream(StreamKind::Bytes, TokeniserSource::Inline, b"code").unwrap();
    for part in parts {
        add(&mut writer, 0, SegmentKind::Stored, None, part);
    }
    writer.finish().unwrap().0
}
