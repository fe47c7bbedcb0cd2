//! Damage never lies: every truncation and every flipped bit gives an error or the right bytes.

use std::io::Cursor;

use crate::common::{LEVELS, Random, compress, decompress, events, jets, options};
use vxc::{Archive, CompressOptions, DecodeLimits, Decoder, DecompressOptions};

fn inputs() -> Vec<(&'static str, Vec<u8>)> {
    let mut mixed = b"a header of some bytes\n".to_vec();
    mixed.extend_from_slice(&jets()[..124 * 12]);
    vec![("jets", mixed), ("text", events()[..500].to_vec())]
}

/// What is damaged: name, content, archive.
type Damaged = (&'static str, Vec<u8>, Vec<u8>);

fn plain(level: u8) -> Vec<Damaged> {
    let coded = |(what, raw): (_, Vec<u8>)| {
        let archive = compress(&raw, level);
        (what, raw, archive)
    };
    inputs().into_iter().map(coded).collect()
}

/// A key segment and two that start from its state.
fn primed(level: u8) -> Vec<Damaged> {
    let options = CompressOptions { segment_bytes: Some(600), ..options(level) };
    // The static levels fit a tokeniser from some thirty records on.
    let records = if level >= 4 { 12 } else { 34 };
    [("jets", &jets()[..124 * records]), ("text", &events()[..1000])]
        .map(|(what, raw)| (what, raw.to_vec(), vxc::compress(raw, &options).unwrap()))
        .into()
}

fn assert_flips_are_found(damaged: &Damaged, level: u8, bits: impl Iterator<Item = usize>) {
    let (what, raw, archive) = damaged;
    for bit in bits {
        let mut bad = archive.clone();
        bad[bit / 8] ^= 1 << (bit % 8);
        if let Ok(back) = decompress(&bad) {
            assert!(back == *raw, "{what} -{level} bit {bit}");
        }
    }
}

#[test]
fn the_primed_archives_are_primed() {
    for level in LEVELS {
        for (what, _, bytes) in primed(level) {
            let options = DecompressOptions::default();
            let archive = Archive::open(Cursor::new(bytes), options).unwrap();
            let primed = archive.segments().iter().filter(|s| s.info.primed_by == Some(0)).count();
            // The LZ kind, which text has at the static levels, knows no keys.
            let wanted = if what == "jets" || level >= 4 { 2 } else { 0 };
            assert_eq!(primed, wanted, "{what} -{level}");
        }
    }
}

#[test]
fn every_truncation_is_an_error() {
    for level in LEVELS {
        for (what, _, archive) in [plain(level), primed(level)].concat() {
            for n in 0..archive.len() {
                assert!(decompress(&archive[..n]).is_err(), "{what} -{level} cut at {n}");
            }
            let mut longer = archive.clone();
            longer.push(0);
            assert!(decompress(&longer).is_err(), "{what} -{level} with a byte more");
        }
    }
}

#[test]
fn every_flipped_bit_is_found() {
    for level in LEVELS {
        for damaged in plain(level) {
            assert_flips_are_found(&damaged, level, 0..damaged.2.len() * 8);
        }
    }
}

/// One bit of every byte; with `VXC_LONG` every bit, which takes minutes.
#[test]
fn flipped_bits_of_a_primed_archive_are_found() {
    let all = std::env::var_os("VXC_LONG").is_some();
    for level in LEVELS {
        for damaged in primed(level) {
            let bits = 0..damaged.2.len() * 8;
            assert_flips_are_found(
                &damaged,
                level,
                bits.filter(|bit| all || bit / 8 % 8 == bit % 8),
            );
        }
    }
}

/// The checksums repaired: whatever the coded bytes say, decoding ends, and not with a panic.
#[test]
fn hostile_segments_with_right_checksums() {
    use vxc_format::{ArchiveWriter, Block, BlockReader, NewSegment, SegmentKind};
    let mut random = Random(11);
    for (what, raw) in inputs() {
        for level in LEVELS {
            let archive = compress(&raw, level);
            for _ in 0..60 {
                let mut reader = BlockReader::new(&archive[..], DecodeLimits::default()).unwrap();
                let mut writer = ArchiveWriter::new(Vec::new(), reader.header()).unwrap();
                let mut flip = |bytes: &mut Vec<u8>| {
                    for _ in 0..random.next() % 4 {
                        if !bytes.is_empty() {
                            let at = random.next() as usize % bytes.len();
                            bytes[at] ^= 1 << (random.next() % 8);
                        }
                    }
                };
                loop {
                    match reader.next_block().unwrap() {
                        Block::Stream(mut def) => {
                            flip(&mut def.payload);
                            writer.define_stream(def.kind, def.source, &def.payload).unwrap();
                        }
                        Block::Segment(mut s) => {
                            if s.header.info.kind != SegmentKind::Stored {
                                flip(&mut s.coded);
                            }
                            let _ = writer.segment(&NewSegment::from(&s));
                        }
                        Block::Model(_) => {}
                        Block::End(_) => break,
                    }
                }
                writer.content(&raw);
                if let Ok((bad, _)) = writer.finish()
                    && let Ok(back) = decompress(&bad)
                {
                    assert!(back == raw, "{what} -{level}");
                }
            }
        }
    }
}

/// A segment that decodes to something else than it says: no byte of it is ever given out.
#[test]
fn a_failed_decoder_stays_failed() {
    use std::io::Read;
    use vxc_format::{ArchiveWriter, Block, BlockReader, NewSegment};
    let raw = events()[..3000].to_vec();
    let archive = compress(&raw, 5);
    let mut reader = BlockReader::new(&archive[..], DecodeLimits::default()).unwrap();
    let mut writer = ArchiveWriter::new(Vec::new(), reader.header()).unwrap();
    loop {
        match reader.next_block().unwrap() {
            Block::Stream(def) => {
                writer.define_stream(def.kind, def.source, &def.payload).unwrap();
            }
            Block::Segment(s) => {
                let mut segment = NewSegment::from(&s);
                segment.raw.xxh3 = !segment.raw.xxh3;
                writer.segment(&segment).unwrap();
            }
            Block::Model(_) => {}
            Block::End(_) => break,
        }
    }
    writer.content(&raw);
    let (bad, _) = writer.finish().unwrap();
    let mut decoder = vxc::Decoder::new(&bad[..], DecompressOptions::default()).unwrap();
    let mut buffer = [0; 100];
    for _ in 0..3 {
        assert!(decoder.read(&mut buffer).is_err());
    }
}

#[test]
fn what_is_no_archive_is_said_to_be_none() {
    for bytes in [&b""[..], b"hello", &jets()[..5000], b"\x89VXC\r\n\x1a\n"] {
        let e = decompress(bytes).unwrap_err();
        assert_eq!(e.exit_code(), 1, "{e}");
    }
}

/// Whatever is wrong further on, and however many threads there are: what comes before it is given out first.
#[test]
fn what_comes_before_damage_is_given_out() {
    let raw = &jets()[..124 * 400];
    let small = CompressOptions { segment_bytes: Some(1 << 13), ..options(5) };
    let archive = vxc::compress(raw, &small).unwrap();
    let segments =
        Archive::open(Cursor::new(&archive), DecompressOptions::default()).unwrap().segments();
    assert!(segments.len() > 4);
    // Of index and footer, and of what follows, everything stands behind all segments.
    let end = segments.last().map(|s| (s.file_offset + s.file_bytes) as usize).unwrap();
    let places: Vec<(usize, usize, usize)> = segments
        .iter()
        .map(|s| (s.file_offset as usize, s.file_bytes as usize, s.info.raw_offset as usize))
        .chain([(end, archive.len() - end, raw.len()), (archive.len() - 48, 48, raw.len())])
        .collect();
    for (n, (at, bytes, before)) in places.into_iter().enumerate() {
        // Cut before its head, within it, behind it; its head or its payload damaged.
        let mut head = archive.clone();
        head[at + 2] ^= 1;
        let mut payload = archive.clone();
        payload[at + bytes - 3] ^= 1;
        let cuts = [0, 3, 20].map(|n| archive[..at + n].to_vec());
        // Of the last place: something behind the archive.
        let more = (before == raw.len()).then(|| [&archive[..], b"more"].concat());
        for (k, bad) in cuts.into_iter().chain([head, payload]).chain(more).enumerate() {
            for threads in [1, 2, 3] {
                let options = DecompressOptions { threads, ..DecompressOptions::default() };
                let mut decoder = Decoder::new(&bad[..], options).unwrap();
                let mut out = Vec::new();
                let error = loop {
                    match decoder.next_chunk() {
                        Ok([]) => panic!("damage {k} of segment {n} is not found"),
                        Ok(bytes) => out.extend_from_slice(bytes),
                        Err(e) => break e,
                    }
                };
                assert!(!error.to_string().contains("further up"), "{error}");
                assert!(
                    out == raw[..before],
                    "damage {k} of segment {n}, {threads} threads: {}",
                    out.len()
                );
                assert!(decoder.next_chunk().is_err(), "it stays failed");
            }
        }
    }
}
