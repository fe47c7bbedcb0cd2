//! For profilers: decompresses an archive many times: `decode_loop LEVEL TIMES FILE`.
fn main() -> Result<(), vxc::Error> {
    let a: Vec<String> = std::env::args().collect();
    let level = vxc::Level::new(a[1].parse().expect("level"))?;
    let times: u32 = a[2].parse().expect("times");
    let raw = std::fs::read(&a[3])?;
    let options = vxc::CompressOptions { level, threads: 1, ..Default::default() };
    let archive = vxc::compress(&raw, &options)?;
    let options = vxc::DecompressOptions { threads: 1, ..Default::default() };
    let t = std::time::Instant::now();
    for _ in 0..times {
        assert_eq!(vxc::decompress(&archive, &options)?.len(), raw.len());
    }
    let mb = f64::from(times) * raw.len() as f64 / 1e6;
    println!("{:.1} MB/s", mb / t.elapsed().as_secs_f64());
    Ok(())
}
