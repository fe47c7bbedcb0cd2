//! Random access, several streams, threads and instruction sets.

use std::cell::Cell;
use std::io::{Cursor, Read, Seek, SeekFrom};
use std::rc::Rc;

use crate::common::{Random, compress, decompress, events, jets, options};
use vxc::{Archive, CompressOptions, DecompressOptions};

/// Counts the bytes read.
struct Counted<R>(R, Rc<Cell<u64>>);

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
        let n = self.0.read(buf)?;
        self.1.set(self.1.get() + n as u64);
        Ok(n)
    }
}

impl<R: Seek> Seek for Counted<R> {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        self.0.seek(to)
    }
}

/// Options that cut a small input into many segments.
fn small_segments(level: u8) -> CompressOptions {
    CompressOptions { segment_bytes: Some(128 << 10), ..options(level) }
}

#[test]
fn ranges_equal_slices_and_need_two_segments_at_most() {
    let raw = jets();
    for level in [1, 5] {
        let many = CompressOptions { segment_bytes: Some(32 << 10), ..options(level) };
        let bytes = vxc::compress(&raw, &many).unwrap();
        let counter = Rc::new(Cell::new(0));
        let input = Counted(Cursor::new(&bytes), counter.clone());
        let mut archive = Archive::open(input, DecompressOptions::default()).unwrap();
        assert_eq!(archive.len(), raw.len() as u64);
        (0..archive.stream_count()).for_each(|id| _ = archive.first_stream(id).unwrap());
        let segments = archive.segments();
        assert!(segments.len() >= 30, "{}", segments.len());
        let overhead = counter.get();
        assert!(overhead < bytes.len() as u64 / 10, "{overhead} bytes read to open");
        let at = raw.len() / 2;
        let mut ten = [0; 10];
        assert_eq!(archive.read_range(at as u64, &mut ten).unwrap(), 10);
        assert_eq!(ten, raw[at..at + 10]);
        // Its own segment and the key.
        let own = segments.iter().rfind(|s| s.info.raw_offset <= at as u64).unwrap();
        let key = segments[own.info.primed_by.unwrap() as usize];
        assert_eq!(counter.get() - overhead, own.file_bytes + key.file_bytes);
        let mut random = Random(4);
        for _ in 0..6 {
            let from = random.next() as usize % raw.len();
            let mut part = vec![0; random.next() as usize % 200_000];
            let n = archive.read_range(from as u64, &mut part).unwrap();
            assert_eq!(n, part.len().min(raw.len() - from));
            assert!(part[..n] == raw[from..from + n]);
        }
        archive.seek(SeekFrom::End(-5)).unwrap();
        let mut end = Vec::new();
        archive.read_to_end(&mut end).unwrap();
        assert_eq!(end, raw[raw.len() - 5..]);
    }
}

#[test]
fn threads_do_not_change_the_archive() {
    let raw = jets();
    for level in [1, 5] {
        let one = vxc::compress(&raw, &small_segments(level)).unwrap();
        let many = CompressOptions { threads: 4, memory: 4 << 30, ..small_segments(level) };
        assert!(vxc::compress(&raw, &many).unwrap() == one, "-{level}");
        for threads in [1, 3] {
            let options = DecompressOptions { threads, ..DecompressOptions::default() };
            assert!(vxc::decompress(&one, &options).unwrap() == raw, "-{level} × {threads}");
        }
    }
}

#[test]
fn a_memory_cap_changes_the_threads_but_not_the_archive() {
    // With 80 MiB there is room for one model: asked for sixteen threads, it works with fewer.
    let raw = jets();
    let options = CompressOptions { threads: 16, memory: 80 << 20, ..small_segments(5) };
    let archive = vxc::compress(&raw, &options).unwrap();
    assert!(archive == vxc::compress(&raw, &small_segments(5)).unwrap());
}

#[test]
fn several_streams_in_one_archive() {
    let (jets, text) = (jets(), events());
    let mut random = Random(8);
    // A header before the table.
    let header = [b"run 0 of a made-up detector; ".repeat(9), vec![0; 100]].concat();
    let with_header = [&header[..], &jets[..124 * 1500]].concat();
    // Two tables of different record size, and text at the end.
    let second: Vec<u8> = (0..3000u32)
        .flat_map(|i| {
            let x = random.unit() as f32;
            [i.to_le_bytes(), x.to_le_bytes(), (x * 2.0).to_le_bytes()].concat()
        })
        .collect();
    let two = [&jets[..124 * 1200], &second[..], &text[..15_000]].concat();
    // The same record size, other columns.
    let turned: Vec<u8> =
        jets[..124 * 1500].chunks_exact(124).flat_map(|r| [&r[60..], &r[..60]].concat()).collect();
    let change = [&jets[..124 * 1500], &turned[..]].concat();
    for (what, raw) in [("header", with_header), ("two tables", two), ("change", change)] {
        for level in [1, 3, 5] {
            let archive = compress(&raw, level);
            assert!(decompress(&archive).unwrap() == raw, "{what} -{level}");
            let mut open =
                Archive::open(Cursor::new(&archive), DecompressOptions::default()).unwrap();
            let streams = open.stream_count();
            assert!(streams >= 2, "{what} -{level}: {streams} streams");
            let mut part = vec![0; 1000];
            let at = raw.len() / 2 - 500;
            open.read_range(at as u64, &mut part).unwrap();
            assert!(part == raw[at..at + 1000]);
        }
    }
}

#[test]
fn records_longer_than_a_segment() {
    use vxc::tokens::{Endian, Kind, RecordLayout};
    let record = 600_000;
    let layout = RecordLayout::array(Kind::F64, Endian::Little, record / 8);
    // 75,000 fields are more than a layout may have: refused with a clear error.
    assert!(layout.is_err());
    let layout = RecordLayout::array(Kind::F32, Endian::Little, 16_000).unwrap();
    let raw = Random(6).bytes(64_000 * 3 + 77);
    for level in [1, 5] {
        let options = CompressOptions { layout: Some(layout.clone()), ..options(level) };
        let archive = vxc::compress(&raw, &options).unwrap();
        assert!(decompress(&archive).unwrap() == raw);
    }
}
