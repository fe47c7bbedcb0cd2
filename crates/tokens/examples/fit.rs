//! Fits a tokeniser to a file of f32 records and prints the order-0 cost of each field.
//! `cargo run --release --example fit FILE RECORD_BYTES [TRAIN_FILE]`
use vxc_tokens::{Endian, FitOptions, Kind, RecordLayout, fit, fit::static_cost};

fn main() {
    let a: Vec<String> = std::env::args().collect();
    let data = std::fs::read(&a[1]).expect("file");
    let size: usize = a[2].parse().expect("record bytes");
    let train = a.get(3).map_or_else(|| data.clone(), |p| std::fs::read(p).expect("train file"));
    let layout = RecordLayout::array(Kind::F32, Endian::Little, size / 4).expect("layout");
    let n = data.len() / size;
    let t = std::time::Instant::now();
    let options = FitOptions { records: n as u64, ..FitOptions::default() };
    let tokeniser = fit(&layout, &train[..train.len() / size * size], &options).expect("fit");
    let fit_time = t.elapsed();
    let mut bins = 0;
    let (mut symbols, mut offsets) = (0.0, 0.0);
    for (step, (s, o)) in tokeniser.steps().iter().zip(static_cost(&tokeniser, &data[..n * size])) {
        println!(
            "field {:3} {:?} copy {} scale {:?} bins {} partners {:?}: {s:.2} + {o:.2}",
            step.field,
            step.transform,
            step.copy,
            step.scale,
            step.bins.count(),
            step.partners
        );
        bins += step.bins.count();
        symbols += s;
        offsets += o;
    }
    println!(
        "{n} records, {bins} bins, {symbols:.2} + {offsets:.2} bits: ratio {:.4} without header; fit {fit_time:.2?}",
        size as f64 * 8.0 / (symbols + offsets)
    );
}
