//! Input and output that fail at every call: an error of the system stays one, and nothing is passed over.

use std::io::{self, Cursor, Read, Seek, SeekFrom, Write};

use vxc_zipnn::{Archive, Limits, Options, WeightsError, compress};

/// Fails at a call.
struct Faulty<T> {
    inner: T,
    calls: usize,
    fails_at: usize,
}

impl<T> Faulty<T> {
    fn call(&mut self) -> io::Result<()> {
        self.calls += 1;
        if self.calls > self.fails_at {
            return Err(io::Error::other("the disk is gone"));
        }
        Ok(())
    }
}

impl<T: Read> Read for Faulty<T> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.call()?;
        self.inner.read(buf)
    }
}

impl<T: Write> Write for Faulty<T> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.call()?;
        self.inner.write(buf)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.call()?;
        self.inner.flush()
    }
}

impl<T: Seek> Seek for Faulty<T> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.call()?;
        self.inner.seek(to)
    }
}

fn faulty<T>(inner: T, fails_at: usize) -> Faulty<T> {
    Faulty { inner, calls: 0, fails_at }
}

/// A safetensors file of one tensor.
fn checkpoint() -> Vec<u8> {
    let header = br#"{"a":{"dtype":"F32","shape":[9000],"data_offsets":[0,36000]}}"#;
    let mut file = (header.len() as u64).to_le_bytes().to_vec();
    file.extend_from_slice(header);
    (0..9000u32).for_each(|i| file.extend_from_slice(&((i * i % 977) as f32).to_le_bytes()));
    file
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
    let file = checkpoint();
    let mut archive = Vec::new();
    compress(&mut Cursor::new(&file), &mut archive, &Options::default(), |_| ()).unwrap();
    let reads = at_every_call(|n| {
        let mut input = faulty(Cursor::new(&file), n);
        let done = compress(&mut input, Vec::new(), &Options::default(), |_| ()).map(|_| ());
        (input.calls, done)
    });
    let writes = at_every_call(|n| {
        let mut out = faulty(Vec::new(), n);
        let done =
            compress(&mut Cursor::new(&file), &mut out, &Options::default(), |_| ()).map(|_| ());
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
    println!("{reads} reads, {writes} writes, {decodes} reads of the archive failed");
    assert!(reads > 5 && writes > 3 && decodes > 5);
}
