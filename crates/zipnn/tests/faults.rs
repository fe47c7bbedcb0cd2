//! Input and output that fail at every call: an error of the system stays one, and nothing is passed over.

use std::io::{self, Cursor, Read, Seek, SeekFrom, Write};

use vxc_zipnn::{Archive, Format, Limits, Options, WeightsError, compress, extract};

/// Fails at one call; those before and after it go through.
struct Faulty<T> {
    inner: T,
    calls: usize,
    fails_at: usize,
}

impl<T> Faulty<T> {
    fn call(&mut self) -> io::Result<()> {
        let n = self.calls;
        self.calls += 1;
        if n == self.fails_at {
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
        let tensor = extract(&mut open, &["a".to_owned()]).unwrap();
        let extracts = at_every_call(|n| {
            let mut input = faulty(Cursor::new(&archive), n);
            let done = Archive::open(&mut input, Limits::default())
                .and_then(|mut a| extract(&mut a, &["a".to_owned()]));
            let done = done.map(|found| assert!(found == tensor, "call {n} changed the tensor"));
            (input.calls, done)
        });
        println!(
            "{format:?}: {reads} reads, {writes} writes, {decodes} and {extracts} reads failed"
        );
        assert!(reads > 5 && writes > 3 && decodes > 5 && extracts > 5);
    }
}
