//! Properties of whole archives, over any bytes, layouts, levels, segments, threads and pieces: what comes back is what
//! went in, and every way of reading and writing gives the same.

use std::io::{Cursor, Read};

use proptest::prelude::*;
use vxc::tokens::{Endian, Field, Kind, RecordLayout};
use vxc::{Archive, CompressOptions, Decoder, DecompressOptions, Encoder, Level};

use crate::common::Random;

fn layout() -> impl Strategy<Value = RecordLayout> {
    let kind = prop::sample::select([&Kind::NUMBERS[..], &[Kind::Bytes(3)]].concat());
    let field = (kind, any::<bool>(), 0u32..3);
    (prop::collection::vec(field, 1..7), 0usize..3).prop_map(|(fields, gap)| {
        let mut offset = 0;
        let fields = fields.into_iter().map(|(kind, big, group)| {
            let endian = if big { Endian::Big } else { Endian::Little };
            let field = Field { name: String::new(), offset, kind, endian, group };
            offset += kind.bytes();
            field
        });
        let fields: Vec<Field> = fields.collect();
        RecordLayout::new(offset + gap, fields).unwrap()
    })
}

/// Bytes of a character: noise, few values, slow drift, or any bit patterns (NaN, infinities, denormals).
fn content(character: u8, len: usize, seed: u64) -> Vec<u8> {
    let mut random = Random(seed);
    let mut bytes = random.bytes(len);
    match character {
        0 => {}
        1 => bytes.iter_mut().for_each(|b| *b %= 3),
        2 => bytes.iter_mut().enumerate().for_each(|(i, b)| *b = (*b & 3) + (i >> 6) as u8),
        _ => bytes
            .iter_mut()
            .for_each(|b| *b = [0, 0, 0xFF, 0x7F, 0x80, 0xF0, 1, 0xC0][usize::from(*b % 8)]),
    }
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn all_ways_agree(
        layout in prop::option::of(layout()),
        (character, len, seed) in (0u8..4, 0usize..9000, any::<u64>()),
        level in 1u8..=6,
        segment in prop::option::of(300u64..5000),
        threads in 2usize..4,
        piece in 1usize..4000,
    ) {
        let raw = content(character, len, seed);
        let level = Level::new(level).unwrap();
        let one = CompressOptions { level, layout, segment_bytes: segment, threads: 1, ..Default::default() };
        let archive = vxc::compress(&raw, &one).unwrap();
        // Parallel, and in pieces: the same archive.
        let many = CompressOptions { threads, ..one };
        let mut encoder = Encoder::new(Vec::new(), many).unwrap();
        for part in raw.chunks(piece) {
            encoder.push(part).unwrap();
        }
        prop_assert!(encoder.finish().unwrap().0 == archive);
        // At once, parallel, in small reads, and any range: the same content.
        let reading = |threads| DecompressOptions { threads, ..Default::default() };
        prop_assert!(vxc::decompress(&archive, &reading(1)).unwrap() == raw);
        prop_assert!(vxc::decompress(&archive, &reading(threads)).unwrap() == raw);
        let mut slow = Vec::new();
        let mut decoder = Decoder::new(&archive[..], reading(1)).unwrap();
        let mut buffer = vec![0; piece];
        loop {
            match decoder.read(&mut buffer).unwrap() {
                0 => break,
                n => slow.extend_from_slice(&buffer[..n]),
            }
        }
        prop_assert!(slow == raw);
        let mut open = Archive::open(Cursor::new(&archive), reading(1)).unwrap();
        let mut random = Random(seed);
        for _ in 0..4 {
            let from = random.next() as usize % (raw.len() + 1);
            let mut part = vec![0; piece.min(raw.len() - from)];
            prop_assert_eq!(open.read_range(from as u64, &mut part).unwrap(), part.len());
            prop_assert!(part == raw[from..from + part.len()]);
        }
    }
}
