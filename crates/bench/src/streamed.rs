//! A generated table through the encoder into a file and back, in bounded memory: what a file of many
//! gigabytes would take.

use std::io::{self, BufReader, BufWriter, Read, Seek, Write};

use vxc::{CompressOptions, Decoder, DecompressOptions};

use crate::generator::Table;
use crate::measure::{peak_memory, reset_peak_memory, time};

/// What a run took.
#[derive(Clone, Copy, Debug)]
pub struct Streamed {
    /// Content bytes.
    pub raw: u64,
    /// Bytes of the archive.
    pub coded: u64,
    /// CPU seconds of compression, generating the table included.
    pub compress: f64,
    /// CPU seconds of detection, fit and choice.
    pub plan: f64,
    /// CPU seconds of decompression, generating the table again and comparing included.
    pub decompress: f64,
    /// Most memory while compressing, in bytes; 0 where the system does not say.
    pub compress_peak: u64,
    /// Most memory while decompressing.
    pub decompress_peak: u64,
}

impl Streamed {
    /// Raw bytes to coded bytes.
    pub fn ratio(&self) -> f64 {
        self.raw as f64 / self.coded.max(1) as f64
    }
}

/// Compresses a table into a temporary file, decompresses it and compares with the table made again.
///
/// # Errors
/// A line for the user.
pub fn run(table: &Table, options: &CompressOptions) -> Result<Streamed, String> {
    let mut archive = tempfile::tempfile().map_err(|e| e.to_string())?;
    reset_peak_memory();
    let (summary, compress) = time(|| {
        let (mut out, summary) =
            vxc::compress_stream(table.reader(), BufWriter::new(&archive), options)?;
        out.flush()?;
        Ok::<_, vxc::Error>(summary)
    });
    let summary = summary.map_err(|e| e.to_string())?;
    let compress_peak = peak_memory().unwrap_or(0);
    archive.rewind().map_err(|e| e.to_string())?;
    reset_peak_memory();
    let back = DecompressOptions { threads: options.threads, ..DecompressOptions::default() };
    let (equal, decompress) = time(|| {
        let decoder = Decoder::new(BufReader::new(&archive), back)?;
        Ok::<_, vxc::Error>(same(decoder, table.reader())?)
    });
    if !equal.map_err(|e| e.to_string())? {
        return Err("NOT LOSSLESS".into());
    }
    Ok(Streamed {
        raw: summary.raw_bytes,
        coded: summary.coded_bytes,
        compress: compress.cpu,
        plan: summary.plan_seconds,
        decompress: decompress.cpu,
        compress_peak,
        decompress_peak: peak_memory().unwrap_or(0),
    })
}

/// Whether two readers give the same bytes.
fn same(mut a: impl Read, mut b: impl Read) -> io::Result<bool> {
    let (mut x, mut y) = (vec![0; 1 << 16], vec![0; 1 << 16]);
    loop {
        let n = match a.read(&mut x) {
            Ok(n) => n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            Err(e) => return Err(e),
        };
        if n == 0 {
            return Ok(b.read(&mut y)? == 0);
        }
        match b.read_exact(&mut y[..n]) {
            Ok(()) if x[..n] == y[..n] => {}
            Ok(()) => return Ok(false),
            Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => return Ok(false),
            Err(e) => return Err(e),
        }
    }
}
