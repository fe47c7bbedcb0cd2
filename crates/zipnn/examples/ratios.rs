//! Sizes and speeds of weight files at all levels, one thread: `cargo run --release -p vxc-zipnn --example ratios FILES`.

use cpu_time::ProcessTime;
use std::io::Cursor;

use vxc_zipnn::{Archive, Level, Limits, Options, compress};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    for name in std::env::args().skip(1) {
        let raw = std::fs::read(&name)?;
        for number in 1..=std::env::var("LEVELS").map_or(3, |n| n.parse().unwrap_or(3)) {
            let level = Level::new(number).ok_or("no level")?;
            let options = Options { level, threads: 1, verify: false };
            let mut coded = Vec::new();
            let start = ProcessTime::now();
            compress(&mut Cursor::new(&raw), &mut coded, &options, |_| ())?;
            let speed = |start: ProcessTime| raw.len() as f64 / 1e6 / start.elapsed().as_secs_f64();
            let compressed = speed(start);
            let mut speeds: Vec<f64> = Vec::new();
            for _ in 0..if number == 3 { 1 } else { 51 } {
                let mut back = Vec::with_capacity(raw.len());
                let start = ProcessTime::now();
                Archive::open(Cursor::new(&coded), Limits::default())?.decode_all(
                    &mut back,
                    1,
                    |_| (),
                )?;
                speeds.push(speed(start));
                assert!(back == raw);
            }
            speeds.sort_by(f64::total_cmp);
            let median = speeds.get(speeds.len() / 2).copied().unwrap_or_default();
            println!(
                "{name} -{number} {} {:.4} in {compressed:.0} out {median:.0} MB/s",
                coded.len(),
                coded.len() as f64 / raw.len() as f64
            );
        }
    }
    Ok(())
}
