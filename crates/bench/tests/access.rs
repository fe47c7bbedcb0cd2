//! Random access in a table of 12 MiB; with `VXC_LONG`, of 256 MiB, which takes minutes.

use std::cell::Cell;
use std::io::{Cursor, Read, Seek, SeekFrom};
use std::rc::Rc;

use vxc::{Archive, CompressOptions, DecompressOptions, Level};
use vxc_bench::generator::Table;

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

#[test]
fn ten_bytes_of_a_large_table_cost_two_segments_at_most() {
    let mib = if std::env::var_os("VXC_LONG").is_some() { 256 } else { 12 };
    let raw = Table::of_bytes(1, mib << 20).to_vec();
    for level in [1, 5] {
        let level = Level::new(level).unwrap();
        let options = CompressOptions { level, verify: false, ..CompressOptions::default() };
        let bytes = vxc::compress(&raw, &options).unwrap();
        let read = Rc::new(Cell::new(0));
        let input = Counted(Cursor::new(&bytes), read.clone());
        let mut archive = Archive::open(input, DecompressOptions::default()).unwrap();
        (0..archive.stream_count()).for_each(|id| _ = archive.first_stream(id).unwrap());
        let opened = read.get();
        let at = raw.len() / 2;
        let mut ten = [0; 10];
        assert_eq!(archive.read_range(at as u64, &mut ten).unwrap(), 10);
        assert_eq!(ten, raw[at..at + 10]);
        let segments = archive.segments();
        let own = segments.iter().rfind(|s| s.info.raw_offset <= at as u64).unwrap();
        let key = own.info.primed_by.map_or(0, |n| segments[n as usize].file_bytes);
        assert_eq!(read.get() - opened, own.file_bytes + key);
        println!(
            "-{}: {opened} bytes to open, {} of {} to read ten",
            level.number(),
            read.get() - opened,
            bytes.len()
        );
    }
}
