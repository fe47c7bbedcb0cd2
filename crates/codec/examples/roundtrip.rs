//! Compresses and decompresses files and prints sizes and times: `roundtrip LEVEL THREADS FILE…`.
use std::time::Instant;
use vxc::{CompressOptions, DecompressOptions, Level};

fn main() -> Result<(), vxc::Error> {
    let a: Vec<String> = std::env::args().collect();
    let level = Level::new(a[1].parse().expect("level"))?;
    let threads = a[2].parse().expect("threads");
    for file in &a[3..] {
        let raw = std::fs::read(file)?;
        let options =
            CompressOptions { level, threads, verify: false, ..CompressOptions::default() };
        let t = Instant::now();
        let (archive, summary) = vxc::compress_stream(&raw[..], Vec::new(), &options)?;
        let compress = t.elapsed().as_secs_f64();
        let t = Instant::now();
        let back = vxc::decompress(
            &archive,
            &DecompressOptions { threads, ..DecompressOptions::default() },
        )?;
        let decompress = t.elapsed().as_secs_f64();
        assert!(back == raw, "round trip of {file}");
        let mb = raw.len() as f64 / 1e6;
        println!(
            "{file} -{}: {} -> {} ratio {:.4}, records {:?}, {} segments, in {:.1} MB/s, out {:.1} MB/s",
            level.number(),
            raw.len(),
            archive.len(),
            raw.len() as f64 / archive.len() as f64,
            summary.streams,
            summary.segments,
            mb / compress,
            mb / decompress
        );
    }
    Ok(())
}
