//! Bytes × layout × level × size of segments × threads × pieces in which they arrive: the same bytes come back, by every
//! way of reading.

use std::io::{Cursor, Read};

use arbitrary::Unstructured;
use vxc::{Archive, CompressOptions, Decoder, DecompressOptions, Encoder, Metadata};

use crate::input::{below, layout, level};

/// The input: options, then what is compressed.
pub fn run(data: &[u8]) {
    let mut u = Unstructured::new(data);
    let layout = layout(&mut u);
    let options = CompressOptions {
        level: level(&mut u),
        segment_bytes: match below(&mut u, 4) {
            0 => None,
            n => Some([0, 64, 700, 5000][n]),
        },
        threads: 1 + below(&mut u, 3),
        verify: below(&mut u, 2) == 0,
        metadata: Metadata { name: Some(b"x".to_vec()), mtime: Some(-1), mode: Some(0o644) },
        layout,
        ..CompressOptions::default()
    };
    let piece = 1 + below(&mut u, 3000);
    // What is repeated is long enough for tokenisers to be fitted.
    let copies = 1 + below(&mut u, 12);
    let raw = u.take_rest().repeat(copies);
    let raw = &raw[..raw.len().min(1 << 16)];

    let archive = vxc::compress(raw, &options).expect("everything can be compressed");
    let most = raw.len() + raw.len() / 1000 + 1024;
    if options.segment_bytes.is_none() {
        assert!(archive.len() <= most, "{} of {} bytes", archive.len(), raw.len());
    }
    let threads = 1 + options.threads % 3;
    // Within the limits that everybody has: what is written must be read within them.
    let decoding = |threads| DecompressOptions { threads, ..DecompressOptions::default() };
    let back = vxc::decompress(&archive, &decoding(threads)).expect("what was written is read");
    assert!(back == raw, "other bytes came back");

    // The archive depends neither on threads nor on the way in which the bytes arrive.
    let other = CompressOptions { threads, verify: !options.verify, ..options };
    let mut encoder = Encoder::new(Vec::new(), other).expect("the options are good");
    raw.chunks(piece).for_each(|part| encoder.push(part).expect("parts can be compressed"));
    let (again, summary) = encoder.finish().expect("parts can be compressed");
    assert!(again == archive, "pieces of {piece} bytes give another archive");
    assert_eq!((summary.raw_bytes, summary.coded_bytes), (raw.len() as u64, archive.len() as u64));

    // Small reads, and any range.
    let mut decoder = Decoder::new(&archive[..], decoding(1)).expect("a header");
    let (mut slow, mut buffer) = (Vec::new(), vec![0; piece]);
    loop {
        match decoder.read(&mut buffer).expect("what was written is read") {
            0 => break,
            n => slow.extend_from_slice(&buffer[..n]),
        }
    }
    assert!(slow == raw, "small reads give other bytes");
    let mut archive = Archive::open(Cursor::new(&archive), decoding(1)).expect("an index");
    for from in [0, raw.len() / 3, raw.len().saturating_sub(5)] {
        let mut range = vec![0; piece.min(raw.len() - from)];
        let n = archive.read_range(from as u64, &mut range).expect("any range is read");
        assert!(n == range.len() && range == raw[from..from + n], "the range at {from} differs");
    }
}
