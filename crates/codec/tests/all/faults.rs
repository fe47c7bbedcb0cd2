//! Input and output that fail: at every call, with short reads and writes, and with interruptions. An error of the system
//! stays one; nothing else is given out than right bytes.

use std::cell::Cell;
use std::io::{self, Cursor, Read, Seek, SeekFrom, Write};
use std::rc::Rc;

use crate::common::{events, jets, options};
use vxc::salvage::Piece;
use vxc::{Archive, CompressOptions, Decoder, DecompressOptions, Encoder, Error, Salvage};

/// Calls so far, and the one that fails; those before give or take `most` bytes at a time, and every third is
/// interrupted.
struct Faulty<T> {
    inner: T,
    calls: Rc<Cell<usize>>,
    fails_at: usize,
    most: usize,
    interrupts: bool,
}

impl<T> Faulty<T> {
    fn new(inner: T, fails_at: usize) -> Self {
        let calls = Rc::new(Cell::new(0));
        Self { inner, calls, fails_at, most: usize::MAX, interrupts: false }
    }

    fn call(&self) -> io::Result<()> {
        let n = self.calls.get();
        self.calls.set(n + 1);
        if n == self.fails_at {
            return Err(io::Error::other("the disk is gone"));
        }
        if self.interrupts && n % 3 == 2 {
            return Err(io::ErrorKind::Interrupted.into());
        }
        Ok(())
    }
}

impl<T: Read> Read for Faulty<T> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.call()?;
        let n = buf.len().min(self.most);
        self.inner.read(&mut buf[..n])
    }
}

impl<T: Write> Write for Faulty<T> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.call()?;
        self.inner.write(&buf[..buf.len().min(self.most)])
    }

    fn flush(&mut self) -> io::Result<()> {
        // Nobody repeats a flush.
        match self.call() {
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            called => called?,
        }
        self.inner.flush()
    }
}

impl<T: Seek> Seek for Faulty<T> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        // Nor a seek, which systems do not interrupt.
        match self.call() {
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            called => called?,
        }
        self.inner.seek(to)
    }
}

/// A table and text: several streams, keys and segments.
fn content() -> Vec<u8> {
    [&jets()[..124 * 90], &events()[..5000]].concat()
}

fn small(level: u8) -> CompressOptions {
    CompressOptions { segment_bytes: Some(4000), ..options(level) }
}

#[track_caller]
fn assert_io(e: &Error, what: &str) {
    assert!(e.to_string().contains("the disk is gone"), "{what}: {e}");
    assert_eq!(e.exit_code(), 2, "{what}: {e}");
}

/// Runs with a failure at call 0, 1, … until none is met; each run gives the number of calls and what came of
/// it. There are more than `least`.
fn at_every_call(what: &str, least: usize, run: impl Fn(usize) -> (usize, Result<(), Error>)) {
    let mut n = 0;
    loop {
        match run(n) {
            (calls, Ok(())) => {
                assert!(calls <= n, "{what}: a failure at call {n} was passed over");
                break;
            }
            (_, Err(e)) => assert_io(&e, &format!("{what} call {n}")),
        }
        n += 1;
    }
    assert!(n > least, "{what}: {n} calls");
}

#[test]
fn writing_fails_at_every_call() {
    let raw = content();
    for level in [1, 3, 5] {
        at_every_call(&format!("-{level}"), 5, |n| {
            let out = Faulty::new(Vec::new(), n);
            let calls = out.calls.clone();
            let written = Encoder::new(out, small(level)).and_then(|mut encoder| {
                encoder.push(&raw)?;
                encoder.finish().map(|_| ())
            });
            (calls.get(), written)
        });
    }
}

#[test]
fn reading_fails_at_every_call() {
    let raw = content();
    for level in [1, 3, 5] {
        let archive = vxc::compress(&raw, &small(level)).unwrap();
        at_every_call(&format!("-{level}"), 20, |n| {
            let mut got = Vec::new();
            let input = Faulty::new(&archive[..], n);
            let calls = input.calls.clone();
            let read = Decoder::new(input, DecompressOptions::default()).and_then(|mut d| {
                loop {
                    match d.next_chunk()? {
                        [] => return Ok(()),
                        chunk => got.extend_from_slice(chunk),
                    }
                }
            });
            assert!(raw.starts_with(&got), "-{level} call {n}: wrong bytes were given out");
            assert!(read.is_err() || got == raw, "-{level} call {n}: not everything");
            (calls.get(), read)
        });
    }
}

#[test]
fn random_access_and_salvage_fail_at_every_call() {
    let raw = content();
    let archive = vxc::compress(&raw, &small(5)).unwrap();
    at_every_call("range", 20, |n| {
        let input = Faulty::new(Cursor::new(&archive), n);
        let calls = input.calls.clone();
        let read = Archive::open(input, DecompressOptions::default()).and_then(|mut a| {
            let mut part = vec![0; 500];
            let got = a.read_range(7000, &mut part)?;
            assert!(part[..got] == raw[7000..7000 + got]);
            Ok(())
        });
        (calls.get(), read)
    });
    // By the index, and by a search where the footer is damaged.
    let mut searched = archive.clone();
    *searched.last_mut().unwrap() ^= 1;
    for (what, archive) in [("salvage", &archive), ("search", &searched)] {
        at_every_call(what, 20, |n| {
            let input = Faulty::new(Cursor::new(archive), n);
            let calls = input.calls.clone();
            (calls.get(), salvaged(input, &raw))
        });
    }
}

/// What salvage gives of an archive whose segments are all intact.
fn salvaged(input: impl Read + Seek, raw: &[u8]) -> Result<(), Error> {
    let mut salvage = Salvage::open(input, DecompressOptions::default())?;
    let mut reached = 0;
    salvage.decode(0, |piece| match piece {
        Piece::Content(header, bytes) => {
            assert_eq!(header.info.raw_offset as usize, reached);
            assert!(raw[reached..].starts_with(bytes));
            reached += bytes.len();
            Ok::<_, Error>(())
        }
        Piece::Lost(loss) => panic!("a failing disk is no damage: {loss:?}"),
    })?;
    assert_eq!(reached, raw.len());
    Ok(())
}

#[test]
fn short_and_interrupted_calls_change_nothing() {
    let raw = content();
    for level in crate::common::LEVELS {
        let archive = vxc::compress(&raw, &small(level)).unwrap();
        for most in [1, 7, 4096] {
            let out = Faulty { most, interrupts: true, ..Faulty::new(Vec::new(), usize::MAX) };
            let input = Faulty { most, interrupts: true, ..Faulty::new(&raw[..], usize::MAX) };
            let (out, summary) = vxc::compress_stream(input, out, &small(level)).unwrap();
            assert!(out.inner == archive, "-{level}, {most} bytes at a time");
            assert_eq!(summary.coded_bytes, archive.len() as u64);
            let input = Faulty { most, interrupts: true, ..Faulty::new(&archive[..], usize::MAX) };
            let mut decoder = Decoder::new(input, DecompressOptions::default()).unwrap();
            assert!(decoder.decode_all().unwrap() == raw, "-{level}, {most} bytes at a time");
            let mut searched = archive.clone();
            *searched.last_mut().unwrap() ^= 1;
            for archive in [&archive, &searched] {
                let input = Faulty::new(Cursor::new(archive), usize::MAX);
                salvaged(Faulty { most, interrupts: true, ..input }, &raw).unwrap();
            }
            let input = Faulty::new(Cursor::new(&archive), usize::MAX);
            let input = Faulty { most, interrupts: true, ..input };
            let mut opened = Archive::open(input, DecompressOptions::default()).unwrap();
            let mut part = vec![0; 500];
            assert_eq!(opened.read_range(7000, &mut part).unwrap(), 500);
            assert!(part == raw[7000..7500], "-{level}, {most} bytes at a time");
        }
    }
}
