//! Input and output that fail: at every call, with short reads and writes, and with interruptions. An error of the system
//! stays one, and nothing is passed over.

use std::io::{self, Cursor, Read, Seek, SeekFrom, Write};

use vxc_zipnn::{Archive, Format, Level, Limits, Options, WeightsError, compress, extract};

/// Fails at one call; those before and after it go through, but give or take `most` bytes at a time, and every third is
/// interrupted.
struct Faulty<T> {
    inner: T,
    calls: usize,
    fails_at: usize,
    most: usize,
    interrupts: bool,
}

impl<T> Faulty<T> {
    fn call(&mut self) -> io::Result<()> {
        let n = self.calls;
        self.calls += 1;
        if n == self.fails_at {
            return Err(io::Error::other("the disk is gone"));
        }
        if self.interrupts && n % 3 == 2 {
            return Err(io::ErrorKind::Interrupted.into());
        }
        Ok(())
    }

    /// Nobody repeats a flush, or a seek.
    fn call_once(&mut self) -> io::Result<()> {
        match self.call() {
            Err(e) if e.kind() == io::ErrorKind::Interrupted => Ok(()),
            called => called,
        }
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
        self.call_once()?;
        self.inner.flush()
    }
}

impl<T: Seek> Seek for Faulty<T> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.call_once()?;
        self.inner.seek(to)
    }
}

fn faulty<T>(inner: T, fails_at: usize) -> Faulty<T> {
    Faulty { inner, calls: 0, fails_at, most: usize::MAX, interrupts: false }
}

/// All goes through, in small pieces.
fn haltingly<T>(inner: T, most: usize) -> Faulty<T> {
    Faulty { most, interrupts: true, ..faulty(inner, usize::MAX) }
}

/// A safetensors file of one tensor.
fn safetensors() -> Vec<u8> {
    let header = br#"{"a":{"dtype":"F32","shape":[9000],"data_offsets":[0,36000]}}"#;
    let mut file = (header.len() as u64).to_le_bytes().to_vec();
    file.extend_from_slice(header);
    file.extend(numbers());
    file
}

/// The ZIP archive of `torch.save` around one tensor, `a`.
fn torch() -> Vec<u8> {
    let mut pickle = b"\x80\x02}X\x01\0\0\0actorch._utils\n_rebuild_tensor_v2\n((".to_vec();
    pickle
        .extend(b"X\x07\0\0\0storagectorch\nFloatStorage\nX\x01\0\0\x000X\x03\0\0\0cpuM\x28\x23tQ");
    pickle.extend(b"K\0(M\x28\x23t(K\x01t\x89}tRs.");
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let stored =
        zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    let files: [(&str, Vec<u8>); 2] = [("m/data.pkl", pickle), ("m/data/0", numbers())];
    for (name, bytes) in files {
        zip.start_file(name, stored).unwrap();
        zip.write_all(&bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn numbers() -> Vec<u8> {
    (0..9000u32).flat_map(|i| ((i * i % 977) as f32).to_le_bytes()).collect()
}

/// Runs with a failure at call 0, 1, … until none is met; gives the number of failures.
fn at_every_call(run: impl Fn(usize) -> (usize, Result<(), WeightsError>)) -> usize {
    let mut n = 0;
    loop {
        match run(n) {
            (calls, Ok(())) => {
                assert!(calls <= n, "a failure at call {n} was passed over");
                return n;
            }
            (_, Err(WeightsError::Io(_))) => n += 1,
            (_, Err(e)) => panic!("call {n}: {e}"),
        }
    }
}

#[test]
fn every_call_may_fail() {
    for (file, format) in [(safetensors(), Format::Safetensors), (torch(), Format::Torch)] {
        let mut archive = Vec::new();
        let options = Options::default();
        let made = compress(&mut Cursor::new(&file), &mut archive, &options, |_| ()).unwrap();
        assert_eq!((made.format, made.tensors), (format, 1));
        let reads = at_every_call(|n| {
            let mut input = faulty(Cursor::new(&file), n);
            let mut out = Vec::new();
            let done = compress(&mut input, &mut out, &options, |_| ()).map(|_| ());
            assert!(done.is_err() || out == archive, "call {n} changed the archive");
            (input.calls, done)
        });
        let writes = at_every_call(|n| {
            let mut out = faulty(Vec::new(), n);
            let done = compress(&mut Cursor::new(&file), &mut out, &options, |_| ()).map(|_| ());
            assert!(done.is_err() || out.inner == archive, "call {n} changed the archive");
            (out.calls, done)
        });
        let decodes = at_every_call(|n| {
            let mut input = faulty(Cursor::new(&archive), n);
            let mut back = Vec::new();
            let done = Archive::open(&mut input, Limits::default())
                .and_then(|mut a| a.decode_all(&mut back, 1, |_| ()));
            assert!(done.is_err() || back == file);
            (input.calls, done)
        });
        let mut open = Archive::open(Cursor::new(&archive), Limits::default()).unwrap();
        let mut tensor = Vec::new();
        extract(&mut open, &["a".to_owned()], &mut tensor).unwrap();
        let extracts = at_every_call(|n| {
            let mut input = faulty(Cursor::new(&archive), n);
            let mut found = Vec::new();
            let done = Archive::open(&mut input, Limits::default())
                .and_then(|mut a| extract(&mut a, &["a".to_owned()], &mut found).map(|_| ()));
            assert!(done.is_err() || found == tensor, "call {n} changed the tensor");
            (input.calls, done)
        });
        let outputs = at_every_call(|n| {
            let mut back = faulty(Vec::new(), n);
            let done = Archive::open(Cursor::new(&archive), Limits::default())
                .and_then(|mut a| a.decode_all(&mut back, 2, |_| ()));
            assert!(file.starts_with(&back.inner), "call {n}: other bytes were written");
            assert!(done.is_err() || back.inner == file, "call {n}: not everything");
            (back.calls, done)
        });
        let parts = at_every_call(|n| {
            let mut found = faulty(Vec::new(), n);
            let mut open = Archive::open(Cursor::new(&archive), Limits::default()).unwrap();
            let done = extract(&mut open, &["a".to_owned()], &mut found).map(|_| ());
            assert!(tensor.starts_with(&found.inner), "call {n}: other bytes were written");
            assert!(done.is_err() || found.inner == tensor, "call {n}: not everything");
            (found.calls, done)
        });
        println!(
            "{format:?}: {reads} reads, {writes} writes; {decodes} and {extracts} reads, {outputs} and {parts} writes \
             failed"
        );
        assert!(reads > 5 && writes > 3 && decodes > 5 && extracts > 5);
        assert!(outputs > 1 && parts > 3);
    }
}

/// A decoder whose output failed once is as it was.
#[test]
fn after_a_failure_everything_can_be_read() {
    let file = safetensors();
    let mut archive = Vec::new();
    compress(&mut Cursor::new(&file), &mut archive, &Options::default(), |_| ()).unwrap();
    let mut open = Archive::open(Cursor::new(&archive), Limits::default()).unwrap();
    assert!(open.decode_all(faulty(Vec::new(), 0), 1, |_| ()).is_err());
    let mut back = Vec::new();
    open.decode_all(&mut back, 1, |_| ()).unwrap();
    assert!(back == file);
}

#[test]
fn short_and_interrupted_calls_change_nothing() {
    for (file, level) in [(safetensors(), 1), (safetensors(), 2), (torch(), 2), (torch(), 3)] {
        let options = Options { level: Level::new(level).unwrap(), threads: 1, verify: false };
        let mut archive = Vec::new();
        compress(&mut Cursor::new(&file), &mut archive, &options, |_| ()).unwrap();
        let mut open = Archive::open(Cursor::new(&archive), Limits::default()).unwrap();
        let mut tensor = Vec::new();
        extract(&mut open, &["a".to_owned()], &mut tensor).unwrap();
        for most in [1, 7, 4096] {
            let what = format!("-{level}, {most} bytes at a time");
            let mut out = haltingly(Vec::new(), most);
            compress(&mut haltingly(Cursor::new(&file), most), &mut out, &options, |_| ()).unwrap();
            assert!(out.inner == archive, "{what}");
            let input = haltingly(Cursor::new(&archive), most);
            let mut open = Archive::open(input, Limits::default()).unwrap();
            let mut back = haltingly(Vec::new(), most);
            open.decode_all(&mut back, 1, |_| ()).unwrap();
            assert!(back.inner == file, "{what}");
            let mut found = haltingly(Vec::new(), most);
            extract(&mut open, &["a".to_owned()], &mut found).unwrap();
            assert!(found.inner == tensor, "{what}: a tensor");
        }
    }
}
