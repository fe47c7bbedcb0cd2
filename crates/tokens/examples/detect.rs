//! Prints the regions and fields that detection finds in files.
//!
//! `cargo run --release -p vxc-tokens --example detect -- FILE...` (`-v` first: fields too)

use std::io::Write;

fn main() -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    let mut verbose = false;
    for path in std::env::args().skip(1) {
        if path == "-v" {
            verbose = true;
            continue;
        }
        let data = std::fs::read(&path)?;
        let clock = std::time::Instant::now();
        let regions = vxc_tokens::detect::detect(&data);
        writeln!(
            out,
            "{path}: {} bytes, {:.1} ms",
            data.len(),
            clock.elapsed().as_secs_f64() * 1e3
        )?;
        for r in regions {
            match r.layout {
                None => writeln!(out, "  {:>10} +{:<10} plain", r.start, r.len)?,
                Some(l) => {
                    let (n, f) = (l.record_bytes, l.fields.len());
                    writeln!(
                        out,
                        "  {:>10} +{:<10} {} records of {n} bytes, {f} fields",
                        r.start,
                        r.len,
                        r.len / n
                    )?;
                    for f in l.fields.iter().filter(|_| verbose) {
                        writeln!(
                            out,
                            "      {:>6} {:?} {:?} group {}",
                            f.offset, f.kind, f.endian, f.group
                        )?;
                    }
                }
            }
        }
    }
    Ok(())
}
