//! Limits: what an archive may not make a reader spend, and that ordinary archives stay below them.
#![allow(missing_docs)]
mod common;

use std::io::Cursor;

use common::{compress, jets};
use vxc::tokens::{Endian, Kind, RecordLayout};
use vxc::{
    Archive, DecodeLimits, DecompressOptions, Error, Form, FormatError, Header, Level, Model,
    SegmentKind, StreamCode,
};
use vxc_format::{ArchiveWriter, NewSegment, RawSummary, StreamKind, TokeniserSource};

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
    let streams = open.and_then(|mut archive| archive.streams()).map(|streams| streams.len());
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

#[test]
fn many_stream_definitions_are_refused() {
    let layout = RecordLayout::array(Kind::F32, Endian::Little, 1000).unwrap();
    let code = StreamCode::new(Form::Records(layout), 5, 1 << 12);
    let payload = code.to_bytes();
    let mut writer = ArchiveWriter::new(Vec::new(), &Header::default()).unwrap();
    for _ in 0..200 {
        writer.define_stream(StreamKind::Records, TokeniserSource::Inline, &payload).unwrap();
    }
    let archive = stored(writer, 199);
    let (decompressed, streams) = both(&archive, DecodeLimits::default());
    assert_eq!((decompressed.unwrap(), streams.unwrap()), (CONTENT.to_vec(), 200));
    // What one of them takes is not too much; what all take is.
    assert!(code.held_bytes() < 1 << 20);
    let limits = DecodeLimits { max_memory: 8 << 20, ..DecodeLimits::default() };
    let (decompressed, streams) = both(&archive, limits);
    assert_limit(decompressed);
    assert_limit(streams);
}

#[test]
fn an_embedded_model_beyond_the_limits_is_refused() {
    let training = jets()[..124 * 100].to_vec();
    let model = Model::fit(Level::default(), None, &[training]).unwrap();
    let mut writer = ArchiveWriter::new(Vec::new(), &Header::default()).unwrap();
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
}
