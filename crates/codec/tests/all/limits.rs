//! Limits: what an archive may not make a reader spend, and that ordinary archives stay below them.

use std::io::{Cursor, Read};

use crate::common::{compress, jets, options};
use vxc::salvage::Piece;
use vxc::tokens::{Endian, Kind, RecordLayout};
use vxc::{
    Archive, CompressOptions, DecodeLimits, DecompressOptions, Error, Form, FormatError, Header,
    Level, Model, Salvage, SegmentKind, StreamCode,
};
use vxc_entropy::{read_varint, write_varint};
use vxc_format::{
    ArchiveWriter, Block, BlockReader, NewSegment, RawSummary, StreamKind, TokeniserSource,
};

fn limited(limits: DecodeLimits) -> DecompressOptions {
    DecompressOptions { limits, ..DecompressOptions::default() }
}

#[track_caller]
fn assert_limit<T>(result: Result<T, Error>) {
    let e = result.err().expect("beyond the limit");
    assert!(matches!(e, Error::Format(FormatError::LimitExceeded { .. })), "{e}");
    assert_eq!(e.exit_code(), 4);
}

const CONTENT: &[u8] = b"content";

/// Completes an archive with one stored segment.
fn stored(mut writer: ArchiveWriter<Vec<u8>>, stream: u32) -> Vec<u8> {
    writer.content(CONTENT);
    writer
        .segment(&NewSegment {
            stream,
            kind: SegmentKind::Stored,
            primed_by: None,
            raw: RawSummary::of(CONTENT),
            coded: CONTENT,
        })
        .unwrap();
    writer.finish().unwrap().0
}

/// The content from the whole archive, and the number of streams from its index.
fn both(archive: &[u8], limits: DecodeLimits) -> (Result<Vec<u8>, Error>, Result<usize, Error>) {
    let open = Archive::open(Cursor::new(archive), limited(limits));
    let streams = open.and_then(|mut archive| {
        (0..archive.stream_count()).try_for_each(|id| archive.first_stream(id).map(|_| ()))?;
        Ok(archive.stream_count() as usize)
    });
    (vxc::decompress(archive, &limited(limits)), streams)
}

#[test]
fn limits_hold_before_work_is_done() {
    let archive = compress(&vec![7; 3 << 20], 5);
    for limits in [
        DecodeLimits { max_output: 1 << 20, ..DecodeLimits::default() },
        DecodeLimits { max_segment: 1 << 20, ..DecodeLimits::default() },
        DecodeLimits { max_memory: 1 << 16, ..DecodeLimits::default() },
    ] {
        assert_limit(vxc::decompress(&archive, &limited(limits)));
    }
}

/// Streams are open while there is room: what all take together is no limit of an archive.
#[test]
fn many_streams_need_the_memory_of_one() {
    let layout = RecordLayout::array(Kind::F32, Endian::Little, 1000).unwrap();
    let code = StreamCode::new(Form::Records(layout), 5, 1 << 12);
    let payload = code.to_bytes();
    let mut writer =
        ArchiveWriter::new(Vec::new(), &Header { profile: vxc::PROFILE, ..Header::default() })
            .unwrap();
    for _ in 0..200 {
        writer.define_stream(StreamKind::Records, TokeniserSource::Inline, &payload).unwrap();
    }
    let archive = stored(writer, 199);
    let (decompressed, streams) = both(&archive, DecodeLimits::default());
    assert_eq!((decompressed.unwrap(), streams.unwrap()), (CONTENT.to_vec(), 200));
    assert!(200 * code.held_bytes() > 16 << 20);
    let limits = DecodeLimits { max_memory: 1 << 20, ..DecodeLimits::default() };
    let (decompressed, streams) = both(&archive, limits);
    assert_eq!((decompressed.unwrap(), streams.unwrap()), (CONTENT.to_vec(), 200));
    // One of them is too much.
    let limits = DecodeLimits { max_memory: code.held_bytes() / 2, ..DecodeLimits::default() };
    let (decompressed, streams) = both(&archive, limits);
    assert_limit(decompressed);
    assert_limit(streams);
}

#[test]
fn an_embedded_model_beyond_the_limits_is_refused() {
    let training = jets()[..124 * 100].to_vec();
    let model = Model::fit(Level::default(), None, &[training]).unwrap();
    let mut writer =
        ArchiveWriter::new(Vec::new(), &Header { profile: vxc::PROFILE, ..Header::default() })
            .unwrap();
    writer.embed_model(model.file()).unwrap();
    let source = TokeniserSource::Model(model.id());
    writer.define_stream(StreamKind::Records, source, &[]).unwrap();
    let archive = stored(writer, 0);
    let (decompressed, read) = both(&archive, DecodeLimits::default());
    assert_eq!((decompressed.unwrap(), read.unwrap()), (CONTENT.to_vec(), 1));
    for limits in [
        DecodeLimits { max_model_bytes: model.file().len() as u64 - 1, ..DecodeLimits::default() },
        DecodeLimits { max_memory: 32 << 20, ..DecodeLimits::default() },
    ] {
        let (decompressed, read) = both(&archive, limits);
        assert_limit(decompressed);
        assert_limit(read);
    }
    // Each way tells the limit that it is, though much memory is held beside.
    let limits = DecodeLimits { max_model_bytes: 10, ..DecodeLimits::default() };
    let (decompressed, read) = both(&archive, limits);
    for error in [decompressed.unwrap_err(), read.unwrap_err()] {
        let told = matches!(error, Error::Format(FormatError::LimitExceeded { limit: 10, .. }));
        assert!(told, "{error}");
    }
}

/// A model file with other names, its checksum right.
fn with_section(file: &[u8], raw: &[u8]) -> Vec<u8> {
    let mut rest = &file[10..];
    let code = {
        let before = rest;
        let (_, stored) = (read_varint(&mut rest).unwrap(), read_varint(&mut rest).unwrap());
        rest = &rest[stored as usize..];
        &before[..before.len() - rest.len()]
    };
    // As the writer does: plain where that is not larger.
    let mut stored = zstd::bulk::compress(raw, 3).unwrap();
    if stored.len() >= raw.len() {
        stored = raw.to_vec();
    }
    let mut out = [&file[..10], code].concat();
    write_varint(&mut out, raw.len() as u64);
    write_varint(&mut out, stored.len() as u64);
    out.extend(stored);
    // In place of the original's names.
    let (_, len) = (read_varint(&mut rest).unwrap(), read_varint(&mut rest).unwrap());
    out.extend(&rest[len as usize..rest.len() - 4]);
    let crc = vxc_format::content::crc32c(&out);
    out.extend(crc.to_le_bytes());
    out
}

#[test]
fn a_model_cannot_ask_for_more_than_it_may() {
    let training = jets()[..124 * 100].to_vec();
    let model = Model::fit(Level::default(), None, &[training]).unwrap();
    assert!(Model::from_bytes(with_section(model.file(), b"a\nb")).is_ok());
    // Names without end: refused by their number, by their size, and by the memory.
    let lines = vec![b'\n'; 1 << 20];
    assert!(Model::from_bytes(with_section(model.file(), &lines)).is_err());
    let long = vec![b'n'; 20 << 20];
    assert!(Model::from_bytes(with_section(model.file(), &long)).is_err());
    let limits = DecodeLimits { max_memory: 4 << 20, ..DecodeLimits::default() };
    assert_limit(Model::with_limits(with_section(model.file(), &long), &limits));
}

#[test]
fn another_arithmetic_is_unsupported() {
    for profile in [0, vxc::PROFILE + 1, 255] {
        let header = Header { profile, ..Header::default() };
        let mut writer = ArchiveWriter::new(Vec::new(), &header).unwrap();
        let code = StreamCode::new(Form::Bytes, 5, 1 << 20).to_bytes();
        writer.define_stream(StreamKind::Bytes, TokeniserSource::Inline, &code).unwrap();
        let archive = stored(writer, 0);
        let (decompressed, read) = both(&archive, DecodeLimits::default());
        for e in [decompressed.map(|_| ()).unwrap_err(), read.map(|_| ()).unwrap_err()] {
            assert!(matches!(e, Error::Format(FormatError::UnsupportedVersion(_))), "{e}");
        }
    }
}

#[test]
fn definitions_say_what_they_are() {
    let code = StreamCode::new(Form::Bytes, 5, 1 << 20).to_bytes();
    let header = Header { profile: vxc::PROFILE, ..Header::default() };
    let mut writer = ArchiveWriter::new(Vec::new(), &header).unwrap();
    writer.define_stream(StreamKind::Records, TokeniserSource::Inline, &code).unwrap();
    let (decompressed, read) = both(&stored(writer, 0), DecodeLimits::default());
    assert!(matches!(decompressed, Err(Error::Corruption(_))));
    assert!(matches!(read, Err(Error::Corruption(_))));
}

/// Tables, each with a stream of its own, which come in turns: all ways of decoding close and open streams as they need
/// them, within the memory of a few.
#[test]
fn streams_that_take_turns_are_opened_again() {
    let layout = RecordLayout::array(Kind::F32, Endian::Little, 31).unwrap();
    let mut parts = Vec::new();
    for raw in jets().chunks_exact(124 * 700).take(5) {
        let options = CompressOptions { layout: Some(layout.clone()), ..options(4) };
        let archive = vxc::compress(raw, &options).unwrap();
        let mut reader = BlockReader::new(&archive[..], DecodeLimits::default()).unwrap();
        let Block::Stream(def) = reader.next_block().unwrap() else { panic!("a definition") };
        let Block::Segment(segment) = reader.next_block().unwrap() else { panic!("a segment") };
        assert_eq!(segment.header.info.raw_len, raw.len() as u64);
        parts.push((def, segment, raw.to_vec()));
    }
    let header = Header { profile: vxc::PROFILE, ..Header::default() };
    let mut writer = ArchiveWriter::new(Vec::new(), &header).unwrap();
    for (def, ..) in &parts {
        writer.define_stream(def.kind, def.source, &def.payload).unwrap();
    }
    let mut content = Vec::new();
    for stream in [0, 1, 2, 3, 4, 0, 3, 1, 4, 2, 2] {
        let (_, segment, raw) = &parts[stream];
        writer.content(raw);
        let kind = segment.header.info.kind;
        let (stream, raw_hash) = (stream as u32, RawSummary::of(raw));
        let new =
            NewSegment { stream, kind, primed_by: None, raw: raw_hash, coded: &segment.coded };
        writer.segment(&new).unwrap();
        content.extend_from_slice(raw);
    }
    let archive = writer.finish().unwrap().0;
    let code = StreamCode::from_bytes(&parts[0].0.payload).unwrap();
    assert!(matches!(code.form, Form::Fields(_)), "with bins");
    let info = parts[0].1.header.info;
    let segment = code.memory(info.kind, info.raw_len, parts[0].1.coded.len() as u64);
    // A segment, and of the five streams two.
    let max_memory = segment + 5 * code.held_bytes() / 2;
    let limits = DecodeLimits { max_memory, ..DecodeLimits::default() };
    for threads in [1, 2] {
        let options = DecompressOptions { threads, ..limited(limits) };
        assert!(vxc::decompress(&archive, &options).unwrap() == content);
        let mut reader = Archive::open(Cursor::new(&archive), options.clone()).unwrap();
        let mut all = Vec::new();
        reader.read_to_end(&mut all).unwrap();
        assert!(all == content);
        let mut salvage = Salvage::open(Cursor::new(&archive), options).unwrap();
        let mut all = Vec::new();
        let whole = salvage.decode(0, |piece| match piece {
            Piece::Content(_, bytes) => {
                all.extend_from_slice(bytes);
                Ok(())
            }
            Piece::Lost(loss) => panic!("{loss:?}"),
        });
        assert!(whole.map_err(|e: Error| e).unwrap() && all == content);
    }
}

/// A stream that was closed while its key stayed is opened again, and what starts from the key with it.
#[test]
fn a_key_may_outlive_its_stream() {
    let layout = RecordLayout::array(Kind::F32, Endian::Little, 31).unwrap();
    let some = CompressOptions { layout: Some(layout), segment_bytes: Some(1 << 14), ..options(4) };
    let table = &jets()[..124 * 700];
    let small = vxc::compress(table, &some).unwrap();
    let mut reader = BlockReader::new(&small[..], DecodeLimits::default()).unwrap();
    let Block::Stream(def) = reader.next_block().unwrap() else { panic!("a definition") };
    let mut segments = Vec::new();
    while let Block::Segment(segment) = reader.next_block().unwrap() {
        segments.push(segment);
    }
    let code = StreamCode::from_bytes(&def.payload).unwrap();
    let bytes = StreamCode::new(Form::Bytes, 4, 1 << 12);
    let memory = |code: &StreamCode, kind, raw, coded: usize| code.memory(kind, raw, coded as u64);
    let needs = segments.iter().map(|s| {
        let info = s.header.info;
        memory(&code, info.kind, info.raw_len, s.coded.len())
    });
    let need = needs.max().unwrap();
    // Stored bytes that take as much, and half of the stream: no room for it beside them.
    let wanted = need + code.held_bytes() / 2;
    let stored = |n: u64| memory(&bytes, SegmentKind::Stored, n, n as usize);
    let n = (1..).map(|k| k << 10).find(|&n| stored(n) >= wanted).unwrap();
    let between = vec![7; n as usize];
    let header = Header { profile: vxc::PROFILE, ..Header::default() };
    let mut writer = ArchiveWriter::new(Vec::new(), &header).unwrap();
    writer.define_stream(def.kind, def.source, &def.payload).unwrap();
    writer.define_stream(bytes.kind(), TokeniserSource::Inline, &bytes.to_bytes()).unwrap();
    let mut content = Vec::new();
    let mut add = |stream, kind, primed_by, raw: &[u8], coded: &[u8]| {
        writer.content(raw);
        content.extend_from_slice(raw);
        let raw = RawSummary::of(raw);
        writer.segment(&NewSegment { stream, kind, primed_by, raw, coded }).unwrap()
    };
    let mut places = Vec::new();
    for (k, segment) in segments.iter().take(4).enumerate() {
        let info = segment.header.info;
        let raw = &table[info.raw_offset as usize..info.raw_end() as usize];
        assert_eq!(info.primed_by, (k > 0).then_some(0));
        add(0, info.kind, info.primed_by, raw, &segment.coded);
        places.push((info.raw_offset, raw));
    }
    let stored_at = places.iter().map(|(_, raw)| raw.len() as u64).sum();
    add(1, SegmentKind::Stored, None, &between, &between);
    let archive = writer.finish().unwrap().0;
    let info = segments[0].header.info;
    let table_bytes = 4096;
    let max_memory = code.held_bytes() + code.state_bytes(info.kind) + need + table_bytes;
    let limits = DecodeLimits { max_memory, ..DecodeLimits::default() };
    let mut reader = Archive::open(Cursor::new(&archive), limited(limits)).unwrap();
    let mut read = |at: u64, raw: &[u8]| {
        let mut some = [0; 40];
        assert_eq!(reader.read_range(at, &mut some).unwrap(), 40, "{at}");
        assert!(some[..] == raw[..40]);
    };
    for which in [1, 3, 2] {
        let (at, raw) = places[which];
        read(at, raw);
        read(stored_at, &between);
    }
}
